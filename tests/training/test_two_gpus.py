"""Training by two processes with a GPU each: NCCL within a CUDA graph, and agreement on whether a capture succeeded.

CUDA cannot be used in a forked process, so each rank is an interpreter of its own, which calls a function of this
module.
"""

import dataclasses
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from common import PACKAGE_HOME
from common_distributed import make_rank_trainer

from charrnn.text.corpus import Corpus, open_corpus
from charrnn.training.checkpoint import state_arrays
from charrnn.training.cuda_graph import WARM_UP_RUNS
from charrnn.training.cuda_step import CudaStep, DeviceBatches
from charrnn.training.device import choose_device
from charrnn.training.events import Preview
from charrnn.training.loop import train_loop
from charrnn.training.process_group import SINGLE_PROCESS, ProcessGroup, connect
from charrnn.training.replicas import gather_for_save
from charrnn.training.trainer import Trainer
from charrnn.training.world import world_from_environment

pytestmark = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="fewer than two GPUs here")

DROPPED: dict[str, Any] = {"dropout": 0.2, "input_dropout": 0.1, "weight_drop": 0.2, "reset": 0.2}
SECONDS = 120
"""timeout, which is reached only if a test fails"""


def in_each_rank(function: Callable[[ProcessGroup, Corpus, str], Any], corpus: Corpus, tmp_path: Path) -> list[Any]:
    """Run a function of this module in two interpreters, one for each GPU, and return its results."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tests = Path(__file__).parents[1]
    path = os.pathsep.join(map(str, (PACKAGE_HOME, tests, tests / "training")))
    world = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    code = f"import test_two_gpus as tests; tests.run_rank(tests.{function.__name__})"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(corpus.path), str(tmp_path / f"result{rank}")],
            env=os.environ | world | {"PYTHONPATH": path, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    try:
        codes = [process.wait(SECONDS) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert codes == [0, 0]
    return [json.loads((tmp_path / f"result{rank}").read_text()) for rank in range(2)]


def run_rank(function: Callable[[ProcessGroup, Corpus, str], Any]) -> None:
    """Run a function in the rank that the environment describes; the arguments are the text and the result's path."""
    world = world_from_environment()
    device = choose_device("auto", world)
    group = connect(world)
    group.join(torch.device(device))
    result = function(group, open_corpus(Path(sys.argv[1])), device)
    Path(sys.argv[2]).write_text(json.dumps(result))
    group.all_agree(True)
    # A process group is not destroyed while a graph contains its collectives.
    os._exit(0)


def on_gpu(corpus: Corpus, group: ProcessGroup, device: str, **settings: Any) -> Trainer:
    """Return the trainer of a small network on the GPU of this process."""
    trainer = make_rank_trainer(corpus, hidden=16, steps=None, minutes=1.0, **settings)
    return Trainer(corpus, trainer.network.config, trainer.training, device, group)


def eager(trainer: Trainer) -> Trainer:
    """Make a trainer queue its steps without a CUDA graph."""
    batches = DeviceBatches(trainer.batches, trainer.device, max_bytes=1e9)
    trainer._cuda_step = CudaStep(
        trainer.network,
        trainer.ema_network,
        trainer.optimizer,
        trainer.state,
        batches,
        trainer.training,
        trainer.reducer,
    )
    trainer.state = trainer._cuda_step.state
    return trainer


def steps(trainer: Trainer, count: int) -> Trainer:
    """Make steps, and gather the states of all streams, which compares the weights of both processes."""
    for _ in range(count):
        trainer.train_step()
    gather_for_save(trainer)
    return trainer


def assert_close(first_run: Trainer, second_run: Trainer) -> None:
    """Assert that all arrays of two runs are equal up to the order of summation on a GPU."""
    first, second = state_arrays(first_run), state_arrays(second_run)
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_allclose(second[name], array, rtol=1e-2, atol=2e-3, err_msg=name)


# What each rank does, and its test


def collectives(group: ProcessGroup, _corpus: Corpus, device: str) -> Any:
    """Call each collective with values that depend on the rank."""
    rank = group.world.rank
    on_device, on_cpu = torch.full((1000,), rank + 1.0, device=device), torch.full((3,), rank + 1.0)
    group.sum(on_device)
    group.sum(on_cpu)
    part = torch.full((1, 1 + rank, 2), float(rank), device=device)
    gathered = group.gather_streams(part, 3)
    group.broadcast(on_cpu.add_(rank))
    return [
        on_device.unique().tolist(),  # type: ignore[no-untyped-call]
        on_cpu.tolist(),
        group.max([rank, -rank]),
        group.all_gather(rank - 5),
        [group.all_agree(True), group.all_agree(rank == 0)],
        None if gathered is None else gathered[0, :, 0].tolist(),
    ]


def test_the_processes_are_connected_by_nccl_and_by_gloo(corpus: Corpus, tmp_path: Path) -> None:
    """Tensors on the GPUs and on the CPU are reduced; messages and states use the CPU."""
    shared = [[3.0], [3.0] * 3, [1.0, 0.0], [-5, -4], [True, False]]
    assert in_each_rank(collectives, corpus, tmp_path) == [[*shared, [0.0, 1.0, 1.0]], [*shared, None]]


def replayed(group: ProcessGroup, corpus: Corpus, device: str) -> Any:
    """Compare replayed steps with separate operations, and with those of one process."""
    for cell in ("lstm", "gru", "rnn"):
        settings = {"cell": cell, **DROPPED}
        captured = steps(on_gpu(corpus, group, device, **settings), 20)
        plain = steps(eager(on_gpu(corpus, group, device, **settings)), 20)
        assert captured.warnings == []
        if group.is_main:
            alone = steps(on_gpu(corpus, SINGLE_PROCESS, device, **settings), 20)
            assert_close(plain, captured)
            assert_close(alone, captured)
    return "equal"


def test_a_graph_with_an_all_reduce_is_equal_to_separate_operations(corpus: Corpus, tmp_path: Path) -> None:
    """Weights, moments, the states of all streams and sums are equal, and equal to those of one process."""
    assert in_each_rank(replayed, corpus, tmp_path) == ["equal"] * 2


def refused(group: ProcessGroup, corpus: Corpus, device: str) -> Any:
    """Make the capture fail in rank 1, and compare the training with one without graphs."""
    run_step = CudaStep._run_step

    def careless(step: CudaStep) -> None:
        run_step(step)
        step.state[0].sum().item()

    plain = steps(eager(on_gpu(corpus, group, device, **DROPPED)), WARM_UP_RUNS + 8)
    if group.world.rank == 1:
        CudaStep._run_step = careless  # type: ignore[method-assign, assignment]
    trainer = steps(on_gpu(corpus, group, device, **DROPPED), WARM_UP_RUNS + 1)
    CudaStep._run_step = run_step  # type: ignore[method-assign]
    steps(trainer, 7)
    if group.is_main:
        assert_close(plain, trainer)
    assert trainer._cuda_step is not None
    assert trainer._cuda_step._captured is not None
    assert trainer._cuda_step._captured._replay is None
    again = steps(on_gpu(corpus, group, device, **DROPPED), WARM_UP_RUNS + 8)
    if group.is_main:
        assert_close(plain, again)
    return trainer.warnings, again.warnings


def test_if_one_process_refuses_a_capture_none_replays_a_graph(corpus: Corpus, tmp_path: Path) -> None:
    """Both report it once and continue with the same results, and a later step can be captured."""
    first, second = in_each_rank(refused, corpus, tmp_path)
    for warnings, later in (first, second):
        assert len(warnings) == 1
        assert "steps are not replayed from a CUDA graph" in warnings[0]
        assert later == []
    assert first[0][0].endswith("the capture failed in another process")


def events(group: ProcessGroup, corpus: Corpus, device: str) -> Any:
    """Return the events of a whole training."""
    trainer = on_gpu(corpus, group, device, **DROPPED)
    trainer = Trainer(
        corpus,
        trainer.network.config,
        dataclasses.replace(trainer.training, steps=60, minutes=None),
        device,
        group,
    )
    all_events = [event for event in train_loop(trainer, sample_every=20) if not isinstance(event, Preview)]
    return [[type(event).__name__, dataclasses.asdict(event)] for event in all_events]


def test_both_processes_yield_the_same_events(corpus: Corpus, tmp_path: Path) -> None:
    """Losses, gradient norms and evaluations are equal bit for bit."""
    first, second = in_each_rank(events, corpus, tmp_path)
    assert first == second
    assert len(first) > 60
