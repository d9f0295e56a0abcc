"""The world of a training is that which torchrun describes; each process gets its part of streams, cores and GPUs."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus import Corpus
from charrnn.training import device, prepare
from charrnn.training.checkpoint import save_checkpoint
from charrnn.training.device import choose_device, set_threads
from charrnn.training.prepare import options_of_launch
from charrnn.training.process_group import ProcessGroup, connect
from charrnn.training.train_options import TrainOptions
from charrnn.training.trainer import Trainer
from charrnn.training.world import SHARED_STORE_VARIABLE, SINGLE_PROCESS_WORLD, World, world_from_environment

# Environment variables

NODES = {
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "4",
    "GROUP_WORLD_SIZE": "2",
    "MASTER_ADDR": "node1",
    "MASTER_PORT": "29400",
    "TORCHELASTIC_RUN_ID": "7",
    "TORCHELASTIC_RESTART_COUNT": "0",
    "TORCHELASTIC_MAX_RESTARTS": "0",
    "TORCHELASTIC_USE_AGENT_STORE": "True",
}
"""the variables of a process on the second of two machines"""


def test_the_variables_of_torchrun_are_read() -> None:
    """All fields of the world; without variables the process is alone."""
    assert world_from_environment({}) == SINGLE_PROCESS_WORLD
    assert world_from_environment(NODES) == World(
        rank=5, size=8, local_rank=1, local_size=4, nodes=2, run_id="7", has_agent_store=True
    )


def test_a_single_process_under_torchrun_keeps_its_launch_and_restarts() -> None:
    """They are needed after a restart; other variables are not read."""
    variables = {"WORLD_SIZE": "1", "RANK": "garbage", "TORCHELASTIC_RUN_ID": "x" * 300}
    variables |= {"TORCHELASTIC_RESTART_COUNT": "2", "TORCHELASTIC_MAX_RESTARTS": "3"}
    world = world_from_environment(variables)
    assert world == World(run_id="x" * 200, restarts=2, max_restarts=3)
    assert connect(world).world is world
    assert not world.is_distributed


@pytest.mark.parametrize("name", ["RANK", "MASTER_ADDR", "MASTER_PORT"])
def test_a_world_size_without_the_other_variables_is_refused(name: str) -> None:
    """The message names the missing variable."""
    with pytest.raises(WrongUsageError, match=f"WORLD_SIZE is 8, but {name} is not set"):
        world_from_environment({key: value for key, value in NODES.items() if key != name})


NUMBERS = NODES.keys() - {"MASTER_ADDR", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_USE_AGENT_STORE"}


@pytest.mark.parametrize("name", sorted(NUMBERS))
@pytest.mark.parametrize("value", ["", "-1", "two", "1.5", " 1", "٣", "1e3", "9" * 30, "12345678"])
def test_a_variable_that_is_no_possible_number_is_refused(name: str, value: str) -> None:
    """The message names the variable and shows the value, cut to a reasonable length."""
    with pytest.raises(WrongUsageError, match=f"the environment variable {name} is ") as caught:
        world_from_environment(NODES | {name: value})
    assert len(caught.value.message) < 120


@pytest.mark.parametrize(
    ("name", "value"),
    [("RANK", "8"), ("LOCAL_RANK", "4"), ("LOCAL_WORLD_SIZE", "9"), ("LOCAL_WORLD_SIZE", "0"), ("WORLD_SIZE", "0")],
)
def test_a_number_outside_of_the_world_is_refused(name: str, value: str) -> None:
    """Ranks begin at 0, and each is below its world size."""
    with pytest.raises(WrongUsageError, match=name):
        world_from_environment(NODES | {name: value})


def test_restarts_over_several_machines_need_a_store_of_their_own() -> None:
    """One machine may share the store of torchrun, and several machines may not restart with it."""
    restarting = NODES | {"TORCHELASTIC_MAX_RESTARTS": "3"}
    with pytest.raises(WrongUsageError, match=SHARED_STORE_VARIABLE):
        world_from_environment(restarting)
    assert not world_from_environment(restarting | {"TORCHELASTIC_USE_AGENT_STORE": "False"}).has_agent_store
    assert world_from_environment(restarting | {"GROUP_WORLD_SIZE": "1"}).max_restarts == 3


# Shards


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_every_row_belongs_to_one_process(size: int) -> None:
    """Shards are contiguous, in the order of the ranks, and their sizes differ by at most one."""
    for rows in (1, 2, 3, 8, 63, 64, 1000, 4097):
        shards = [World(rank=rank, size=size).shard(rows) for rank in range(size)]
        assert [row for shard in shards for row in range(rows)[shard.rows]] == list(range(rows))
        sizes = {shard.size for shard in shards}
        assert max(sizes) - min(sizes) <= 1
        assert {shard.batch for shard in shards} == {rows}


def test_a_batch_without_a_stream_for_each_process_is_refused(make_trainer: Callable[..., Trainer]) -> None:
    """The hint is the smallest batch."""
    trainer = make_trainer(batch=4)
    config = (trainer.corpus, trainer.network.config, trainer.training, "cpu")
    with pytest.raises(WrongUsageError, match="a batch of 4 streams cannot be divided among 5") as caught:
        Trainer(*config, ProcessGroup(World(rank=4, size=5)))
    assert "--batch 5" in str(caught.value.hint)


# Devices


@pytest.fixture
def _threads() -> Iterator[None]:
    """Restore the number of threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize(("cores", "local_size", "threads"), [(8, 2, 4), (8, 3, 2), (2, 4, 1)])
def test_the_processes_of_a_machine_share_its_cores(
    cores: int, local_size: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of other machines do not count, and a given number of threads is the number of each process."""
    monkeypatch.setattr(device, "available_cores", lambda: cores)
    world = World(size=16, local_size=local_size)
    set_threads(None, world)
    assert torch.get_num_threads() == threads
    set_threads(3, world)
    assert torch.get_num_threads() == 3


class FakeGpus:
    """The functions of `torch.cuda` that the choice of a device calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
        self.current: list[int] = []
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "set_device", self.current.append)


def test_each_process_of_a_machine_uses_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The GPU has the number of the process among those of the machine; a single process uses the current GPU."""
    gpus = FakeGpus(monkeypatch, 4)
    assert choose_device("auto", World(rank=6, size=8, local_rank=2, local_size=4)) == "cuda"
    assert choose_device("cuda") == "cuda"
    assert choose_device("cpu", World(rank=1, size=9, local_rank=1, local_size=9)) == "cpu"
    assert gpus.current == [2]


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if this process would find a GPU."""
    gpus = FakeGpus(monkeypatch, 4)
    with pytest.raises(WrongUsageError, match="5 processes on this machine, but only 4 GPUs"):
        choose_device("cuda", World(size=5, local_size=5))
    assert gpus.current == []


def test_several_processes_cannot_use_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single process can."""
    FakeGpus(monkeypatch, 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == "mps"
    with pytest.raises(WrongUsageError, match="cannot share an MPS device"):
        choose_device("auto", World(size=2, local_size=2))


# Restarts


@pytest.fixture
def launched(corpus: Corpus, make_trainer: Callable[..., Trainer], tmp_path: Path) -> RunDirectory:
    """Return a run directory with two checkpoints that the launch `a` wrote."""
    directory, trainer = RunDirectory(tmp_path / "run"), make_trainer()
    directory.path.mkdir()
    shutil.copy(corpus.path, directory.corpus)
    trainer.group = ProcessGroup(World(run_id="a", max_restarts=3))
    save_checkpoint(trainer, directory)
    trainer.train_step()
    save_checkpoint(trainer, directory)
    return directory


@pytest.mark.parametrize(
    ("launch", "restarts", "is_new"),
    [("a", 0, False), ("a", 1, False), ("b", 0, True), ("b", 1, True), ("", 1, True)],
)
def test_new_is_dropped_only_for_the_launch_that_began_the_run(
    launch: str, restarts: int, is_new: bool, launched: RunDirectory
) -> None:
    """A restarted process resumes the run; torchrun does not count a restart after a change of the machines."""
    options = TrainOptions(corpus=("book.txt",), out=str(launched.path), new=True, steps=7)
    after = options_of_launch(options, World(run_id=launch, restarts=restarts))
    assert (after.new, after.steps) == (is_new, 7)


@pytest.mark.parametrize(("restarts", "is_new"), [(0, True), (1, False)])
def test_without_a_run_id_the_number_of_restarts_decides(
    restarts: int, is_new: bool, launched: RunDirectory, make_trainer: Callable[..., Trainer]
) -> None:
    """All launches without one have the same ID; several machines, which miscount restarts, need an ID for --new."""
    variables = {"TORCHELASTIC_RUN_ID": "none", "TORCHELASTIC_RESTART_COUNT": str(restarts)}
    world, trainer = world_from_environment(variables), make_trainer()
    trainer.group = ProcessGroup(world)
    for _ in range(3):
        trainer.train_step()
    save_checkpoint(trainer, launched)
    options = TrainOptions(out=str(launched.path), new=True)
    assert options_of_launch(options, world).new is is_new
    with pytest.raises(WrongUsageError, match="needs a run ID"):
        options_of_launch(options, World(size=2, nodes=2, run_id="none"))


def test_new_is_dropped_if_the_newest_checkpoint_is_damaged(launched: RunDirectory) -> None:
    """The one before it tells which launch began the run."""
    launched.checkpoints()[-1].write_bytes(b"damaged")
    options = TrainOptions(out=str(launched.path), new=True)
    assert not options_of_launch(options, World(run_id="a", restarts=1)).new


def test_without_a_run_new_stays_after_a_restart(tmp_path: Path) -> None:
    """The first attempt ended before it saved the run."""
    options = TrainOptions(out=str(tmp_path / "absent"), new=True)
    assert options_of_launch(options, World(run_id="a", restarts=1)).new


def test_a_restarted_process_waits_until_the_lock_is_released(
    launched: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is ending may hold it; the wait is limited."""
    checks: list[Any] = []

    def locked(directory: RunDirectory) -> None:
        checks.append(directory)
        if len(checks) < 3:
            raise CharrnnError("it is locked")

    monkeypatch.setattr(prepare, "check_not_locked", locked)
    monkeypatch.setattr(prepare, "SECONDS_BETWEEN_ATTEMPTS", 0)
    options = TrainOptions(out=str(launched.path))
    options_of_launch(options, World(run_id="a"))
    assert checks == []
    options_of_launch(options, World(run_id="a", restarts=1))
    assert len(checks) == 3
    monkeypatch.setattr(prepare, "RELEASE_SECONDS", 0.0)
    options_of_launch(options, World(run_id="a", restarts=1))
    assert len(checks) == 3
