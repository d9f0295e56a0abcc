"""Check behavior of CUDA graphs, cuDNN and TF32 that charrnn relies on, and print a table; takes up to five minutes.

    python tests/benchmarks/gpu_checks.py [--device cuda] [--only NAME …]

Each check runs in its own process, because a failed capture may leave a process unusable. Errors and timeouts of a
check are rows of the table, too. Checks for other devices are left out.
"""

import argparse
import gc
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from common import encode_corpus

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.char_rnn import LAYERS, CharRNN, LayerWeights
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus import Corpus
from charrnn.training import checkpoint
from charrnn.training.checkpoint import state_arrays
from charrnn.training.cuda_graph import WARM_UP_RUNS, cuda_graph_backend
from charrnn.training.cuda_step import CudaStep, DeviceBatches, RandomBatch
from charrnn.training.device import tf32
from charrnn.training.evaluation import held_out_loss
from charrnn.training.optimization import AdamW, forward_backward, make_ema
from charrnn.training.throughput import measure_recipe_inputs
from charrnn.training.train_options import TrainOptions
from charrnn.training.trainer import Trainer

TIME_LIMIT = 60.0
"""seconds after which a check is terminated"""
CELLS = ("lstm", "gru", "rnn")
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
ROUNDS = 50
"""timed repetitions"""

Rows = Iterator[tuple[str, str]]
"""rows of the table: the name of a check, and its result"""


def result_or_error(function: Callable[[], object]) -> str:
    """Return the result of a function as a string, or its error in one line."""
    try:
        return str(function())
    except (RuntimeError, AssertionError) as error:
        return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


@contextmanager
def default_corpus(documents: str | None = None) -> Iterator[Corpus]:
    """Yield the default corpus, as one text or as documents."""
    with tempfile.TemporaryDirectory() as directory:
        yield encode_corpus([], Path(directory, "corpus.bin"), documents=documents)


def make_trainer(corpus: Corpus, device: str, *, layers: int = 1, hidden: int = 64, **settings: Any) -> Trainer:
    """Return a trainer of a small network with every kind of dropout."""
    documents = settings.pop("documents", None)
    cell = settings.pop("cell", "lstm")
    dropout = {"dropout": 0.2, "input_dropout": 0.1, "weight_drop": 0.2}
    network = NetworkConfig(cell=cell, layers=layers, hidden=hidden, embedding=64, documents=documents, **dropout)
    training = TrainingConfig(**({"batch": 32, "length": 64, "lr": 1e-3, "steps": 1000, "reset": 0.1} | settings))
    return Trainer(corpus, network, training, device)


def run_steps(trainer: Trainer, count: int) -> Trainer:
    """Run training steps and wait for their end; return the trainer."""
    for _ in range(count):
        trainer.train_step()
    trainer.sync()
    return trainer


def without_graph(trainer: Trainer) -> Trainer:
    """Return a trainer after disabling the CUDA graph."""
    batches = DeviceBatches(trainer.batches, trainer.device, max_bytes=math.inf)
    trainer.queues_steps = True
    trainer._cuda_step = CudaStep(
        trainer.network, trainer.ema_network, trainer.optimizer, trainer.state, batches, trainer.training
    )
    trainer.state = trainer._cuda_step.state
    return trainer


def milliseconds(function: Callable[[], object], device: str, rounds: int = ROUNDS) -> float:
    """Return the mean time of repeated calls after one call that is not timed; on a CPU, of two calls."""
    rounds = 2 if device == "cpu" else rounds
    function()
    synchronize(device)
    start_time = time.perf_counter()
    for _ in range(rounds):
        function()
    synchronize(device)
    return 1e3 * (time.perf_counter() - start_time) / rounds


def synchronize(device: str) -> None:
    """Wait for the device."""
    if device != "cpu":
        getattr(torch, device).synchronize()


def describe_differences(one: Trainer, other: Trainer) -> str:
    """Return the number of arrays that differ between two runs, and the maximum difference."""
    first, second = state_arrays(one), state_arrays(other)
    names = [name for name in first if not np.array_equal(first[name], second[name])]
    maximum = max((float(np.max(np.abs(first[name] - second[name]))) for name in names), default=0.0)
    return f"{len(names)} of {len(first)} arrays differ, maximum difference {maximum:.1e}"


class Counter:
    """A tensor on the GPU with functions to capture in a graph."""

    def __init__(self) -> None:
        self.numbers = torch.ones(8, device="cuda")
        self.backend = cuda_graph_backend()
        self.backend.warm_up(self.add)

    def add(self) -> None:
        """Add one to each number."""
        self.numbers.add_(1)

    def read(self) -> None:
        """Read a number, which cannot be captured."""
        self.numbers.sum().item()


class CyclicGraph:
    """A graph that only the garbage collector frees."""

    def __init__(self) -> None:
        self.graph = torch.cuda.CUDAGraph()
        self.cycle = self


def destroyed_graph(_device: str) -> Rows:
    """Destroy an unreachable graph while another graph is captured."""
    counter = Counter()
    replays: list[Callable[[], None]] = []
    gc.disable()
    unreachable = CyclicGraph()
    with torch.cuda.graph(unreachable.graph):
        counter.add()
    del unreachable

    def add_and_collect() -> None:
        counter.add()
        gc.collect()
        counter.add()

    def capture() -> str:
        replays.append(counter.backend.capture(add_and_collect))
        return "works"

    def replay() -> float:
        replays[0]()
        return counter.numbers[0].item()

    yield "capture while another graph is collected", result_or_error(capture)
    yield "number after its replay (4 is correct)", result_or_error(replay) if replays else "not captured"


def refused_capture(_device: str) -> Rows:
    """Capture a function that reads a number, which CUDA refuses; use random numbers and `empty_cache` afterwards."""
    counter = Counter()
    yield "capture of a function that calls .item()", result_or_error(lambda: counter.backend.capture(counter.read))
    yield from _after_failed_capture()
    yield "another capture afterwards", result_or_error(lambda: bool(counter.backend.capture(counter.add)))


def refused_capture_without_cleanup(_device: str) -> Rows:
    """Fail to capture in plain torch, without the cleanup of charrnn; shows whether this version needs it."""
    counter, stream = Counter(), torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def capture() -> None:
        with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(torch.cuda.CUDAGraph(), stream=stream):
            counter.read()

    yield "capture of a function that calls .item()", result_or_error(capture)
    yield from _after_failed_capture()


def _after_failed_capture() -> Rows:
    yield "torch.rand afterwards", result_or_error(lambda: tuple(torch.rand(3, device="cuda").shape))
    yield "torch.cuda.empty_cache() afterwards", result_or_error(torch.cuda.empty_cache)


def cold_start(device: str) -> Rows:
    """Measure speeds in a process that has not used the GPU before."""
    start_time = time.perf_counter()
    inputs = measure_recipe_inputs(
        TrainOptions(), device, train_characters=1_000_000, vocabulary_size=65, trained=False
    )
    widths = ", ".join(f"{width}: {speed:,.0f}" for width, speed in inputs.speeds)
    yield "characters per second by width", f"{widths or 'none'} in {time.perf_counter() - start_time:.1f} s"


def bfloat16_layers(device: str) -> Rows:
    """Compare layers in bfloat16 with float32, forward and backward; cuDNN has other kernels for narrow layers."""
    for cell in CELLS:
        for hidden in (16, 128, 160, 512):

            def compare(cell: str = cell, hidden: int = hidden) -> str:
                exact, rounded = (_layer_results(cell, hidden, device, dtype) for dtype in (None, torch.bfloat16))
                errors = [(one - other).abs().max().item() for one, other in zip(exact, rounded, strict=True)]
                return f"output within {errors[0]:.1e}, gradient within {errors[1]:.1e} of float32"

            yield f"{cell}, {hidden} units", result_or_error(compare)


def _layer_results(
    cell: str, hidden: int, device: str, dtype: torch.dtype | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the outputs of a layer and the gradient of its recurrent weights."""
    torch.manual_seed(1)
    gates = GATES[cell]
    shapes = ((gates * hidden, 64), (gates * hidden, hidden), (gates * hidden,), (gates * hidden,))
    weights = LayerWeights(*((torch.randn(*shape) * 0.1).to(device).requires_grad_() for shape in shapes))
    state = tuple(torch.zeros(32, hidden, device=device) for _ in range(2 if cell == "lstm" else 1))
    context = nullcontext() if dtype is None else torch.autocast(device, dtype=dtype)
    with context:
        outputs, _ = LAYERS[cell](torch.randn(64, 32, 64).to(device), state, weights, None)
    outputs.float().square().mean().backward()  # type: ignore[no-untyped-call]
    assert weights.weight_hh.grad is not None
    return outputs.detach().float().cpu(), weights.weight_hh.grad.cpu()


def document_resets(device: str) -> Rows:
    """Compare the state of an LSTM after the end of a document with (tanh 1, 1), exactly, in every precision."""
    for precision in ("float32", "TF32", "bfloat16"):
        for hidden in (16, 160, 512):

            def reset(precision: str = precision, hidden: int = hidden) -> str:
                config = NetworkConfig(cell="lstm", layers=1, hidden=hidden, embedding=64, documents="line")
                network = CharRNN(config, 30, end_id=3).to(device)
                ids = torch.full((5, 4), 3, device=device)
                is_rounded = precision == "bfloat16"
                with (
                    torch.no_grad(),
                    tf32(torch.device(device), allowed=precision == "TF32"),
                    torch.autocast(device, dtype=torch.bfloat16, enabled=is_rounded),
                ):
                    _, (h, c) = network(ids, network.initial_state(4))
                target = torch.tensor(1.0).tanh().to(h.dtype)
                return f"h exact: {bool((h.cpu() == target).all())}, c exact: {bool((c == 1).all())}"

            yield f"{precision}, {hidden} units", result_or_error(reset)


def exactness(device: str) -> Rows:
    """Compare captured steps with steps without a graph, and a resumed run with an uninterrupted one, bit for bit."""
    workspace = os.environ.get("CUBLAS_WORKSPACE_CONFIG", "default")
    with default_corpus() as corpus, tempfile.TemporaryDirectory() as directory:
        for layers, hidden in ((1, 16), (1, 160), (1, 512), (2, 160)):
            size = {"layers": layers, "hidden": hidden}
            uninterrupted = run_steps(make_trainer(corpus, device, **size), 20)
            eager = run_steps(without_graph(make_trainer(corpus, device, **size)), 20)
            yield (
                f"{layers}×{hidden}, workspace {workspace}: graph and eager",
                describe_differences(uninterrupted, eager),
            )
            stopped, resumed = (make_trainer(corpus, device, **size) for _ in range(2))
            run_steps(stopped, 9)
            checkpoint.load_checkpoint(resumed, checkpoint.save_checkpoint(stopped, RunDirectory(Path(directory))))
            differences = describe_differences(uninterrupted, run_steps(resumed, 11))
            yield f"{layers}×{hidden}, workspace {workspace}: resumed", differences


def exactness_with_workspace(device: str) -> Rows:
    """Repeat `exactness` with the workspace of cuBLAS for which cuDNN's layers are documented as deterministic."""
    environment = os.environ | {"CUBLAS_WORKSPACE_CONFIG": ":4096:2"}
    command = [sys.executable, __file__, "--device", device, "--run", "exactness"]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    yield from (tuple(line.split("\t", 1)) for line in output.splitlines())  # type: ignore[misc]


def document_speed(device: str) -> Rows:
    """Time steps with documents, which widen the input of a layer to 65, so that tensor cores may not be used."""
    times = {}
    for documents in (None, "line"):
        with default_corpus(documents) as corpus:
            trainer = make_trainer(corpus, device, hidden=512, documents=documents)
            run_steps(trainer, WARM_UP_RUNS + 2)
            times[documents] = milliseconds(trainer.train_step, device)
            trainer.sync()
    yield "1×512: ms per step with and without documents", f"{times['line']:.3f}, {times[None]:.3f}"


def host_time(device: str) -> Rows:
    """Time uncaptured steps and evaluations of one and of two layers, whose weights are not contiguous."""
    with default_corpus() as corpus:
        for layers in (1, 2):
            trainer = without_graph(make_trainer(corpus, device, layers=layers, hidden=128))
            step = milliseconds(trainer.train_step, device)
            trainer.sync()
            evaluation = milliseconds(lambda: held_out_loss(trainer), device, 3)  # noqa: B023
            yield f"{layers}×128: eager step; evaluation", f"{step:.2f} ms; {evaluation:.0f} ms"


def large_graph(device: str) -> Rows:
    """Capture a GRU with documents, whose graph has about twelve nodes for each character and layer."""
    config = NetworkConfig(cell="gru", layers=3, hidden=256, embedding=64, documents="line")
    training = TrainingConfig(batch=32, length=256, lr=1e-3)
    network = CharRNN(config, 65, end_id=0).to(device)
    batch = RandomBatch(training, 65, torch.device(device))
    backend = cuda_graph_backend() if device == "cuda" else None
    state = network.initial_state(training.batch)
    step = CudaStep(network, make_ema(network), AdamW(network), state, batch, training)
    if backend:
        step.capture_with(backend)
    for number in range(WARM_UP_RUNS):
        step.enqueue(number, 1e-3, 1.0)
    step.sync()
    start_time = time.perf_counter()
    step.enqueue(WARM_UP_RUNS, 1e-3, 1.0)
    step.sync()
    seconds = time.perf_counter() - start_time
    yield "gru 3×256, 256 characters: capture", step.pop_capture_error() or f"{seconds:.1f} s"
    times = milliseconds(lambda: step.enqueue(9, 1e-3, 1.0), device, 10)
    yield "gru 3×256, 256 characters: a step", f"{times:.1f} ms, diverged at {step.sync().diverged_at:.0f}"


def layers_against_cpu(device: str) -> Rows:
    """Compare loss and gradients of two layers on the device with those on the CPU."""
    for cell in CELLS:
        for documents in (None, "line"):

            def compare(cell: str = cell, documents: str | None = documents) -> str:
                results = [_step_results(cell, documents, name) for name in ("cpu", device)]
                errors = [(one - other).abs().max().item() for one, other in zip(*results, strict=True)]
                return f"loss within {errors[0]:.1e}, gradients within {max(errors[1:]):.1e}"

            yield f"{cell}, documents: {documents}", result_or_error(compare)


def _step_results(cell: str, documents: str | None, device: str) -> list[torch.Tensor]:
    """Return the loss and the gradients of one window."""
    torch.manual_seed(1)
    config = NetworkConfig(cell=cell, layers=2, hidden=32, embedding=16, documents=documents)
    network = CharRNN(config, 30, end_id=None if documents is None else 3).to(device)
    ids = torch.randint(30, (17, 4)).to(device)
    training = TrainingConfig(batch=4, length=16, lr=1e-3, precision="float32")
    result = forward_backward(network, ids, network.initial_state(4), training)
    gradients = [parameter.grad.cpu() for parameter in network.parameters() if parameter.grad is not None]
    return [result.nats.cpu(), *gradients]


CHECKS: dict[Callable[[str], Rows], tuple[str, ...]] = {
    cold_start: ("cuda",),
    destroyed_graph: ("cuda",),
    refused_capture: ("cuda",),
    refused_capture_without_cleanup: ("cuda",),
    bfloat16_layers: ("cuda",),
    document_resets: ("cuda", "mps", "cpu"),
    exactness: ("cuda", "mps", "cpu"),
    exactness_with_workspace: ("cuda",),
    document_speed: ("cuda", "mps", "cpu"),
    host_time: ("cuda", "cpu"),
    large_graph: ("cuda", "cpu"),
    layers_against_cpu: ("cuda", "mps", "cpu"),
}
"""checks and the types of device on which they run; runs on a CPU test the checks themselves"""


def run(name: str, device: str) -> None:
    """Run one check in this process, and print its rows."""
    check = next(check for check in CHECKS if check.__name__ == name)
    for row in check(device):
        print("\t".join(row), flush=True)


def run_in_process(name: str, device: str) -> Iterator[str]:
    """Run a check in a new process; yield its rows, and rows for a failure and for warnings."""
    command = [sys.executable, __file__, "--device", device, "--run", name]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired as error:
        yield from bytes(error.stdout or b"").decode().splitlines()
        yield f"(timeout)\tterminated after {TIME_LIMIT:.0f} s"
        return
    yield from result.stdout.splitlines()
    if result.returncode:
        yield f"(exit code {result.returncode})\t{next(iter(result.stderr.splitlines()[-1:]), '')}"
    yield from (f"(warning)\t{line}" for line in result.stderr.splitlines() if "Warning" in line)


def main() -> None:
    """Run the checks one after the other, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=["cuda", "mps", "cpu"])
    parser.add_argument("--only", nargs="+", choices=[check.__name__ for check in CHECKS])
    parser.add_argument("--run", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        return run(arguments.run, arguments.device)
    name = torch.cuda.get_device_name() if arguments.device == "cuda" else arguments.device
    print(f"{name}, torch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}")  # type: ignore[no-untyped-call]
    for check, devices in CHECKS.items():
        if arguments.device in devices and (not arguments.only or check.__name__ in arguments.only):
            print(f"\n{check.__name__}: {(check.__doc__ or '').strip()}")
            for row in run_in_process(check.__name__, arguments.device):
                label, _, result = row.partition("\t")
                print(f"  {label:55} {result}")
    return None


if __name__ == "__main__":
    main()
