"""Capture of training steps: garbage collection, failures, timing and copies to a device; all tests run on a CPU."""

import ast
import gc
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

import charrnn
from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import is_out_of_memory
from charrnn.training import device, resume, throughput
from charrnn.training.cuda_graph import (
    WARM_UP_RUNS,
    CapturedGraph,
    GraphBackend,
    Work,
    _clean_up_failed_capture,
    cuda_graph_backend,
)
from charrnn.training.cuda_step import CudaStep, DeviceBatches, RandomBatch
from charrnn.training.device import tf32
from charrnn.training.optimization import AdamW, make_ema
from charrnn.training.throughput import chars_per_second, time_networks
from charrnn.training.trainer import Trainer

CPU = torch.device("cpu")
TRAINING = TrainingConfig(batch=4, length=8, lr=1e-3)


def weak_backend(capture: Callable[[Work], None] = lambda _: None) -> GraphBackend:
    """Return a backend whose replay, like a real graph, does not refer to the work; `capture` observes captures."""

    def record(work: Work) -> Work:
        capture(work)
        method = weakref.WeakMethod(work)

        def replay() -> None:
            bound = method()
            assert bound is not None
            bound()

        return replay

    return GraphBackend(lambda work: work(), record)


class Repeated:
    """An object that counts the runs of its work."""

    def __init__(self) -> None:
        self.runs, self.undone = 0, 0

    def work(self) -> None:
        """Run."""
        self.runs += 1

    def undo(self) -> None:
        """Revert a failed capture."""
        self.undone += 1


def run(graph: CapturedGraph, owner: Repeated, times: int = WARM_UP_RUNS + 1) -> None:
    """Call a graph some times."""
    for _ in range(times):
        graph(owner.work, owner.undo)


class Node:
    """An object that can be part of a reference cycle, as a captured graph of an earlier run."""

    def __init__(self) -> None:
        self.cycle = self


@contextmanager
def collection(*, enabled: bool) -> Iterator[None]:
    """Enable or disable garbage collection, and restore it."""
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        yield
    finally:
        (gc.enable if before else gc.disable)()


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_garbage_is_collected_before_a_capture_and_not_during_it(enabled: bool, fails: bool) -> None:
    """A graph that is destroyed during another capture would end it; afterwards the setting is as before."""
    observed: list[tuple[bool, object]] = []
    garbage = weakref.ref(Node())

    def capture(_work: Work) -> None:
        observed.append((gc.isenabled(), garbage()))
        if fails:
            raise RuntimeError("operation not permitted")

    owner, graph = Repeated(), CapturedGraph(weak_backend(capture))
    with collection(enabled=enabled):
        run(graph, owner)
        assert gc.isenabled() == enabled
    assert observed == [(False, None)]
    assert (graph.capture_error is not None, owner.undone) == (fails, fails)
    assert owner.runs == WARM_UP_RUNS + 1


def test_a_finished_step_is_freed_without_the_garbage_collector() -> None:
    """Its network and its graph hold memory of the GPU."""
    with collection(enabled=False):
        network = throughput._network(NetworkConfig(hidden=8, embedding=4), 30, CPU)
        batch = RandomBatch(TRAINING, 30, CPU)
        step = CudaStep(network, make_ema(network), AdamW(network), network.initial_state(4), batch, TRAINING)
        step.capture_with(weak_backend())
        for number in range(WARM_UP_RUNS + 3):
            step.enqueue(number, 1e-3, 1.0)
        step.sync()
        freed = weakref.ref(step)
        del step
        assert freed() is None


class FakeCuda:
    """The functions of `torch.cuda` that a capture calls; the capture fails as CUDA invalidates it."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.default_generators = (SimpleNamespace(graphsafe_set_state=self.log("generator restored")),)

    def log(self, name: str) -> Callable[..., None]:
        """Return a function that records its calls."""
        return lambda *arguments: self.calls.append((name, *arguments))

    @contextmanager
    def graph(self, _graph: object, *, pool: object, stream: object, capture_error_mode: str) -> Iterator[None]:
        """Record that a capture fails at its end."""
        assert (stream, capture_error_mode) == ("side stream", "global")
        self.calls.append(("capture", pool))
        yield
        raise RuntimeError("operation failed due to a previous error during capture")

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Replace the functions of torch."""
        functions: dict[str, Any] = {
            "Stream": lambda: "side stream",
            "stream": lambda _: nullcontext(),
            "current_stream": lambda: "current stream",
            "current_device": lambda: 0,
            "CUDAGraph": object,
            "graph_pool_handle": lambda: (0, 7),
            "graph": self.graph,
            "default_generators": self.default_generators,
        }
        for name, function in functions.items():
            monkeypatch.setattr(torch.cuda, name, function)
        monkeypatch.setattr(
            torch, "Generator", lambda device: SimpleNamespace(graphsafe_get_state=lambda: f"new state of {device}")
        )
        monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", self.log("pool ended"), raising=False)


def test_after_a_failed_capture_the_generator_and_the_allocator_leave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the next random number and the next `empty_cache` raise; the error itself is raised on."""
    cuda = FakeCuda()
    cuda.install(monkeypatch)
    with pytest.raises(RuntimeError, match="previous error during capture"):
        cuda_graph_backend().capture(lambda: None)
    assert cuda.calls == [
        ("capture", (0, 7)),
        ("generator restored", "new state of cuda:0"),
        ("pool ended", 0, (0, 7)),
    ]


@pytest.mark.parametrize("error", [RuntimeError("the pool is not in use"), AttributeError("no such function")])
def test_a_pool_that_torch_has_already_ended_is_no_error(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later versions of torch end it themselves, or may not have the function."""
    FakeCuda().install(monkeypatch)

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", refuse, raising=False)
    _clean_up_failed_capture((0, 7))


class Copies:
    """Records whether copies of tensors are asynchronous."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.non_blocking: list[object] = []
        for name in ("to", "copy_"):
            monkeypatch.setattr(Tensor, name, self.spy(getattr(Tensor, name)))

    def spy(self, method: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """Return the method with a record of its calls."""

        def called(*arguments: Any, **options: Any) -> Tensor:
            self.non_blocking.append(options.get("non_blocking", False))
            return method(*arguments, **options)

        return called


def test_a_training_step_copies_its_batch_synchronously(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On MPS an asynchronous copy would read the array after it is freed."""
    trainer = make_trainer()
    copies = Copies(monkeypatch)
    trainer.train_step()
    assert copies.non_blocking
    assert not any(copies.non_blocking)


def test_a_batch_that_is_not_pinned_is_copied_synchronously(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only CUDA pins memory; other devices would read the array after it is freed."""
    trainer = make_trainer()
    batches = DeviceBatches(trainer.batches, torch.device("meta"), max_bytes=0)
    copies = Copies(monkeypatch)
    batches.set_step(3)
    assert copies.non_blocking == [False]


def test_no_copy_of_the_package_is_always_asynchronous() -> None:
    """`non_blocking=True` needs pinned memory, which only CUDA has."""
    always = [
        f"{path.name}:{keyword.lineno}"
        for path in Path(charrnn.__file__).parent.rglob("*.py")
        for keyword in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(keyword, ast.keyword) and keyword.arg == "non_blocking" and ast.unparse(keyword.value) == "True"
    ]
    assert always == []


def test_the_first_network_is_timed_after_a_run_that_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cold start takes longer than the time limit; still all widths are timed."""
    now = 0.0
    timed: list[int] = []

    def chars_per_second(config: NetworkConfig, *_: object, **__: object) -> float:
        nonlocal now
        now += 0.1 if timed else 2 * throughput.MAX_SECONDS
        timed.append(config.hidden)
        return float(config.hidden)

    monkeypatch.setattr(throughput, "chars_per_second", chars_per_second)
    networks = [NetworkConfig(hidden=width) for width in (4, 8, 12)]
    assert time_networks(networks, TRAINING, 30, CPU, None, clock=lambda: now) == ((4, 4.0), (8, 8.0), (12, 12.0))
    assert timed == [4, 4, 8, 12]


@pytest.mark.parametrize(("failures", "captures", "replays"), [(0, 1, True), (1, 2, True), (9, 2, False)])
def test_a_capture_that_fails_during_timing_is_tried_once_more(failures: int, captures: int, replays: bool) -> None:
    """A speed of uncaptured steps is returned only if the training will not be captured either."""
    attempts: list[Work] = []
    replayed: list[None] = []

    def record(work: Work) -> Work:
        attempts.append(work)
        if len(attempts) <= failures:
            raise RuntimeError("operation not permitted when stream is capturing")
        return lambda: replayed.append(None)

    config = NetworkConfig(hidden=8, embedding=4)
    ticks = iter((0.0, 2.0))
    speed = chars_per_second(
        config, TRAINING, 30, CPU, GraphBackend(lambda work: work(), record), clock=lambda: next(ticks)
    )
    assert speed == throughput.TIMED_STEPS * TRAINING.batch * TRAINING.length / 2
    assert len(attempts) == captures
    assert len(replayed) == (throughput.TIMED_STEPS + 1 if replays else 0)


class WarningSettings:
    """Settings of TF32 that warn when they are read and written, as in torch 2.9.0."""

    def __init__(self) -> None:
        self.allowed = False

    @property
    def allow_tf32(self) -> bool:
        """Return the setting."""
        self.warn()
        return self.allowed

    @allow_tf32.setter
    def allow_tf32(self, allowed: bool) -> None:
        self.warn()
        self.allowed = allowed

    def warn(self) -> None:
        """Warn as torch 2.9.0 does."""
        warnings.warn("Please use the new API settings to control TF32 behavior, such as ...", stacklevel=3)


@pytest.mark.filterwarnings("error")
def test_the_tf32_warning_of_one_version_of_torch_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would appear in the middle of the training screen; other warnings of the block are shown."""
    settings = WarningSettings()
    monkeypatch.setattr(torch.backends.cuda, "matmul", settings)
    with tf32(torch.device("cuda"), allowed=True):
        assert settings.allowed
    assert not settings.allowed
    with pytest.raises(UserWarning, match="another"), tf32(torch.device("cuda"), allowed=True):
        warnings.warn("another warning", stacklevel=1)


@pytest.mark.parametrize(
    "message",
    [
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "MPS backend out of memory",
    ],
)
def test_a_full_gpu_is_reported_as_out_of_memory(message: str) -> None:
    """Also when a library cannot allocate its handle or workspace."""
    assert is_out_of_memory(RuntimeError(message))


def test_a_run_that_is_resumed_on_another_gpu_is_not_called_exact(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The GPU's name and the version of cuDNN are compared; checkpoints without them are not."""
    trainer = make_trainer()
    on_cpu = device.environment(trainer.device)
    assert on_cpu.keys() == {"charrnn", "torch", "threads", "device"}
    monkeypatch.setattr(trainer, "device", torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91300)
    saved = device.environment(trainer.device)
    assert saved == {**on_cpu, "device": "cuda", "GPU": "NVIDIA H200", "cuDNN": 91300}
    assert resume._inexactness_notes(saved, trainer) == ()
    assert resume._inexactness_notes({**on_cpu, "device": "cuda"}, trainer) == ()
    assert resume._inexactness_notes({**saved, "GPU": "NVIDIA L4", "cuDNN": 91002}, trainer) == (
        "resuming, but not bit for bit: GPU NVIDIA L4 then, NVIDIA H200 now, cuDNN 91002 then, 91300 now",
    )
