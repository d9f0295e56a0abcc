"""Run functions and trainings in several ranks, which are processes forked from the process of the test."""

import hashlib
import json
import os
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributed import FileStore, PrefixStore  # type: ignore[attr-defined]

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus import Corpus
from charrnn.training.checkpoint import state_arrays
from charrnn.training.data_parallel import GradientReducer
from charrnn.training.process_group import SINGLE_PROCESS, ProcessGroup
from charrnn.training.replicas import gather_for_save, receive_run, send_run
from charrnn.training.resume import resume
from charrnn.training.train_options import TrainOptions
from charrnn.training.trainer import Trainer
from charrnn.training.world import World

TIMEOUT = 30.0
"""timeout in seconds, which is reached only if a test fails"""
CPU = torch.device("cpu")


def run_in_ranks(
    size: int, work: Callable[[ProcessGroup], Any], directory: Path, *, world: World | None = None
) -> list[Any]:
    """Run a function in each rank, and return its results, which are JSON values, in the order of the ranks.

    The result of a rank that raises an exception is the name and the message of the exception. The function must join
    the process group itself.
    """
    directory.mkdir()
    processes = [_fork(rank, size, work, directory, world or World()) for rank in range(size)]
    ends = time.monotonic() + TIMEOUT
    try:
        while processes:
            processes = [process for process in processes if os.waitpid(process, os.WNOHANG) == (0, 0)]
            assert time.monotonic() < ends, f"a rank did not end within {TIMEOUT} s"
            time.sleep(0.002)
    finally:
        for process in processes:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
    results = [directory / f"result{rank}" for rank in range(size)]
    return [json.loads(path.read_text()) if path.exists() else None for path in results]


def _fork(rank: int, size: int, work: Callable[[ProcessGroup], Any], directory: Path, world: World) -> int:
    """Fork a process that runs a function in a rank and writes its result; return the process ID."""
    with warnings.catch_warnings():
        # From Python 3.12 on, a fork warns if there are other threads; those of pytest hold no lock of torch.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process:
        return process
    try:
        torch.set_num_threads(1)
        store = FileStore(str(directory / "store"), size)
        store.set_timeout(timedelta(seconds=TIMEOUT))
        group = ProcessGroup(replace(world, rank=rank, size=size, local_rank=rank, local_size=size), store)
        try:
            result = work(group)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            result = {"error": type(error).__name__, "message": str(error)}
        (directory / f"result{rank}").write_text(json.dumps(result))
    finally:
        os._exit(0)


class JoinedGroup(ProcessGroup):
    """A process group with a separate store whose processes have already joined."""

    def __init__(self, group: ProcessGroup, prefix: str) -> None:
        super().__init__(group.world, PrefixStore(prefix, group._store))

    def join(self, device: torch.device) -> None:
        """Do nothing, because the processes have already joined."""


# Trainings


def make_rank_trainer(corpus: Corpus, group: ProcessGroup = SINGLE_PROCESS, **settings: Any) -> Trainer:
    """Return the trainer of one rank; its eight streams are divided unevenly between three processes."""
    network = {"cell": "lstm", "layers": 2, "hidden": 8, "embedding": 6, "documents": corpus.documents}
    training = {"batch": 8, "length": 8, "lr": 1e-2, "steps": 12, "warm_up": 2}
    names = NetworkConfig.__dataclass_fields__
    network |= {name: value for name, value in settings.items() if name in names}
    training |= {name: value for name, value in settings.items() if name not in names}
    return Trainer(corpus, NetworkConfig(**network), TrainingConfig(**training), "cpu", group)  # type: ignore[arg-type]


def to_double_precision(trainer: Trainer) -> Trainer:
    """Convert a trainer to float64, and return it."""
    for network in (trainer.network, trainer.ema_network):
        network.double()
    for moments in (trainer.optimizer.first_moments, trainer.optimizer.second_moments):
        moments.update({name: moment.double() for name, moment in moments.items()})
    trainer.state = tuple(part.double() for part in trainer.state)
    trainer._gathered_state = tuple(part.double() for part in trainer._gathered_state)
    if trainer.reducer is not None:
        trainer.reducer = GradientReducer(trainer.network, trainer.shard, trainer.group)
    return trainer


def create_run(corpus: Corpus, path: Path) -> RunDirectory:
    """Create a run directory with a copy of a corpus, and return it."""
    run = RunDirectory(path)
    run.path.mkdir()
    for source, copy in ((corpus.path, run.corpus), (corpus.path.with_suffix(".json"), run.description)):
        shutil.copy(source, copy)
    return run


def resume_rank(directory: RunDirectory, group: ProcessGroup = SINGLE_PROCESS) -> tuple[Trainer, tuple[str, ...]]:
    """Return the trainer of one rank for the newest checkpoint of a run, and the notes of rank 0."""
    if not group.is_main:
        trainer = receive_run(group, directory, "cpu")
        assert trainer is not None
        return trainer, ()
    session = resume(None, directory, TrainOptions(), "cpu", group)
    if group.is_distributed:
        send_run(session.trainer)
    return session.trainer, session.notes


def training_state(trainer: Trainer) -> dict[str, list[float]]:
    """Return weights, averages, moments, recurrent state (rank 0 only) and sums of losses in float64."""
    gather_for_save(trainer)
    optimizer = trainer.optimizer
    tensors: dict[str, Tensor] = {f"weight {name}": value for name, value in trainer.network.named_parameters()}
    tensors |= {f"average {name}": value for name, value in trainer.ema_network.named_parameters()}
    tensors |= {f"first {name}": value for name, value in optimizer.first_moments.items()}
    tensors |= {f"second {name}": value for name, value in optimizer.second_moments.items()}
    if trainer.group.is_main:
        tensors |= {f"state {number}": part for number, part in enumerate(trainer.full_state)}
    values = {name: value.detach().double().flatten().tolist() for name, value in tensors.items()}
    best = trainer.best
    losses = [] if best is None else [best.nats, best.train_nats, best.step, best.characters]
    return values | {"sums": trainer.bookkeeping.report_sums.tolist(), "losses": losses}


def checksum(trainer: Trainer) -> str:
    """Return a checksum of all arrays of a run, gathered by rank 0, and of its bookkeeping."""
    arrays, digest = state_arrays(trainer), hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    digest.update(json.dumps([trainer.step, trainer.bookkeeping.to_dict()]).encode())
    return digest.hexdigest()


def assert_close(actual: dict[str, list[float]], expected: dict[str, list[float]], *, atol: float = 1e-9) -> None:
    """Assert that two training states are equal up to rounding."""
    assert actual.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], rtol=0, atol=atol, err_msg=name)
