"""The division of streams among threads, and the settings of the threads."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from charrnn.network.fused_rnn import MIN_SHARD_NUMBERS, MIN_SHARD_STREAMS, batch_shards, map_in_threads


@pytest.fixture
def _two_threads() -> Iterator[None]:
    """Set torch to two threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [2, 3])
def test_every_stream_is_in_one_shard(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards are in order and about equally large; small windows, and those of one thread, are one shard."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    streams = threads * MIN_SHARD_STREAMS + 1
    units = threads * MIN_SHARD_NUMBERS // streams + 1
    shards = batch_shards(torch.empty(streams, units))
    assert [stream for shard in shards for stream in range(streams)[shard]] == list(range(streams))
    assert len(shards) == threads
    assert all(MIN_SHARD_STREAMS <= shard.stop - shard.start <= MIN_SHARD_STREAMS + 1 for shard in shards)
    single = [
        batch_shards(torch.empty(streams, units // 2)),
        batch_shards(torch.empty(threads * MIN_SHARD_STREAMS - 1, 4096)),
        batch_shards(torch.empty(streams, units, device="meta")),
    ]
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    single.append(batch_shards(torch.empty(streams, units)))
    assert [len(share) for share in single] == [1, 1, 1, 1]


@pytest.mark.usefixtures("_two_threads")
def test_each_part_has_a_thread_of_its_own_with_single_threaded_operations() -> None:
    """Results are in order and have no gradients."""
    barrier = threading.Barrier(3)

    def work(part: torch.Tensor) -> tuple[torch.Tensor, int, int]:
        barrier.wait(timeout=60)
        return part * 2, torch.get_num_threads(), threading.get_ident()

    results, threads, identities = zip(
        *map_in_threads(work, torch.ones(3, 2, requires_grad=True).unbind()), strict=True
    )
    assert torch.equal(torch.stack(results), torch.full((3, 2), 2.0))
    assert not any(result.requires_grad for result in results)
    assert threads == (1, 1, 1)
    assert len(set(identities)) == 3
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("_two_threads")
@pytest.mark.parametrize("failing", [0, 1])
def test_an_exception_in_a_thread_is_raised(failing: int) -> None:
    """Once all threads have ended; the number of threads is restored."""
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
