"""Which streams each thread takes, and that threads give back what they were lent."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from charrnn.network.fused_rnn import MIN_SHARD_NUMBERS, MIN_SHARD_STREAMS, batch_shards, map_in_threads


@pytest.fixture
def _two_threads() -> Iterator[None]:
    """Have torch use two, whatever it used before."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [2, 3])
def test_every_stream_is_somebodys(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, in order, about as many each; narrow or small windows stay whole, and those of a single thread."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    streams = threads * MIN_SHARD_STREAMS + 1
    units = threads * MIN_SHARD_NUMBERS // streams + 1
    found = batch_shards(torch.empty(streams, units))
    assert [stream for share in found for stream in range(streams)[share]] == list(range(streams))
    assert len(found) == threads
    assert all(MIN_SHARD_STREAMS <= share.stop - share.start <= MIN_SHARD_STREAMS + 1 for share in found)
    whole = [
        batch_shards(torch.empty(streams, units // 2)),
        batch_shards(torch.empty(threads * MIN_SHARD_STREAMS - 1, 4096)),
        batch_shards(torch.empty(streams, units, device="meta")),
    ]
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    whole.append(batch_shards(torch.empty(streams, units)))
    assert [len(share) for share in whole] == [1, 1, 1, 1]


@pytest.mark.usefixtures("_two_threads")
def test_each_part_is_done_by_a_thread_of_its_own_without_others_help() -> None:
    """In order, with a single thread to every operation, and no gradient kept."""
    barrier = threading.Barrier(3)

    def work(part: torch.Tensor) -> tuple[torch.Tensor, int, int]:
        barrier.wait(timeout=60)
        return part * 2, torch.get_num_threads(), threading.get_ident()

    made, threads, who = zip(*map_in_threads(work, torch.ones(3, 2, requires_grad=True).unbind()), strict=True)
    assert torch.equal(torch.stack(made), torch.full((3, 2), 2.0))
    assert not any(one.requires_grad for one in made)
    assert threads == (1, 1, 1)
    assert len(set(who)) == 3
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("_two_threads")
@pytest.mark.parametrize("failing", [0, 1])
def test_what_fails_in_a_thread_is_raised(failing: int) -> None:
    """Whoever does it, when all are done; and threads are as before."""
    done = []

    def work(part: int) -> None:
        if part == failing:
            raise MemoryError(part)
        time.sleep(0.1)
        done.append(torch.get_num_threads())

    with pytest.raises(MemoryError):
        map_in_threads(work, (0, 1))
    assert done == [1]
    assert torch.get_num_threads() == 2
