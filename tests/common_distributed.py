"""Worlds of several processes, forked from the test's process: a training whose ranks run on this machine."""

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

LONG = 30.0
"""timeout in seconds, which is reached only if a test fails"""
CPU = torch.device("cpu")


def in_each_rank(
    size: int, work: Callable[[ProcessGroup], Any], directory: Path, *, world: World | None = None
) -> list[Any]:
    """Run a function in each rank of a world, and return its results, values of JSON, in the order of the ranks.

    A rank that raises an error yields the error's name and message. The function joins the group itself.
    """
    directory.mkdir()
    processes = [_forked(rank, size, work, directory, world or World()) for rank in range(size)]
    ends = time.monotonic() + LONG
    try:
        while processes:
            processes = [process for process in processes if os.waitpid(process, os.WNOHANG) == (0, 0)]
            assert time.monotonic() < ends, f"a rank did not end within {LONG} s"
            time.sleep(0.002)
    finally:
        for process in processes:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
    results = [directory / f"result{rank}" for rank in range(size)]
    return [json.loads(path.read_text()) if path.exists() else None for path in results]


def _forked(rank: int, size: int, work: Callable[[ProcessGroup], Any], directory: Path, world: World) -> int:
    """Fork a process that writes the result of a function in a rank; return the number of the process."""
    with warnings.catch_warnings():
        # From Python 3.12 on, a fork warns if there are other threads; those of pytest hold no lock of torch.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process:
        return process
    try:
        torch.set_num_threads(1)
        store = FileStore(str(directory / "store"), size)
        store.set_timeout(timedelta(seconds=LONG))
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
    """A group with messages of its own whose processes have already joined for collectives."""

    def __init__(self, group: ProcessGroup, prefix: str) -> None:
        super().__init__(group.world, PrefixStore(prefix, group._store))

    def join(self, device: torch.device) -> None:
        """Do nothing."""


# Trainings


def make(corpus: Corpus, group: ProcessGroup = SINGLE_PROCESS, **settings: Any) -> Trainer:
    """Return the trainer of one rank; eight streams are uneven shards for three processes."""
    network = {"cell": "lstm", "layers": 2, "hidden": 8, "embedding": 6, "documents": corpus.documents}
    training = {"batch": 8, "length": 8, "lr": 1e-2, "steps": 12, "warm_up": 2}
    names = NetworkConfig.__dataclass_fields__
    network |= {name: value for name, value in settings.items() if name in names}
    training |= {name: value for name, value in settings.items() if name not in names}
    return Trainer(corpus, NetworkConfig(**network), TrainingConfig(**training), "cpu", group)  # type: ignore[arg-type]


def in_double_precision(trainer: Trainer) -> Trainer:
    """Return a trainer after its conversion to float64."""
    for network in (trainer.network, trainer.ema_network):
        network.double()
    for moments in (trainer.optimizer.first_moments, trainer.optimizer.second_moments):
        moments.update({name: moment.double() for name, moment in moments.items()})
    trainer.state = tuple(part.double() for part in trainer.state)
    trainer._gathered_state = tuple(part.double() for part in trainer._gathered_state)
    if trainer.reducer is not None:
        trainer.reducer = GradientReducer(trainer.network, trainer.shard, trainer.group)
    return trainer


def run_of(corpus: Corpus, path: Path) -> RunDirectory:
    """Return a new run directory that contains a copy of a corpus."""
    run = RunDirectory(path)
    run.path.mkdir()
    for source, copy in ((corpus.path, run.corpus), (corpus.path.with_suffix(".json"), run.description)):
        shutil.copy(source, copy)
    return run


def resumed(directory: RunDirectory, group: ProcessGroup = SINGLE_PROCESS) -> tuple[Trainer, tuple[str, ...]]:
    """Return the trainer of one rank for the newest checkpoint of a run, and the notes of rank 0."""
    if not group.is_main:
        trainer = receive_run(group, directory, "cpu")
        assert trainer is not None
        return trainer, ()
    session = resume(None, directory, TrainOptions(), "cpu", group)
    if group.is_distributed:
        send_run(session.trainer)
    return session.trainer, session.notes


def result(trainer: Trainer) -> dict[str, list[float]]:
    """Return weights, averages, moments, state and sums of losses in float64; the state is rank 0's."""
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
    """Return a checksum of all arrays of a run, which rank 0 has gathered, and of its bookkeeping."""
    arrays, digest = state_arrays(trainer), hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode() + np.ascontiguousarray(arrays[name]).tobytes())
    digest.update(json.dumps([trainer.step, trainer.bookkeeping.to_dict()]).encode())
    return digest.hexdigest()


def assert_close(actual: dict[str, list[float]], expected: dict[str, list[float]], *, atol: float = 1e-9) -> None:
    """Assert that two results are equal up to rounding."""
    assert actual.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], rtol=0, atol=atol, err_msg=name)
