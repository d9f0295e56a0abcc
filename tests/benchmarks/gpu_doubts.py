"""Experiments that settle on a GPU what a review of the code could not: one command, at most five minutes, one table.

    python tests/benchmarks/gpu_doubts.py [--device cuda] [--only NAME …]

Each experiment runs in a process of its own, because a failed capture may leave a process unusable. An experiment
that raises an error, or does not end, is a row of the table too. Experiments for another device are left out.
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

import numpy as np
import torch

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.char_rnn import LAYERS, CharRNN, LayerWeights
from charrnn.storage.run_directory import RunDirectory
from charrnn.text import corpus_encoder
from charrnn.text.corpus import Corpus
from charrnn.text.sources import open_sources
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
"""seconds after which an experiment is ended"""
CELLS = ("lstm", "gru", "rnn")
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
ROUNDS = 50
"""timed repetitions"""

Rows = Iterator[tuple[str, str]]
"""what was tried, and what happened"""


def attempt(work: Callable[[], object]) -> str:
    """Return the result of work, or its error in one line."""
    try:
        return str(work())
    except (RuntimeError, AssertionError) as error:
        return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


@contextmanager
def corpus_of(documents: str | None = None) -> Iterator[Corpus]:
    """Yield the default corpus, as one text or as documents."""
    with tempfile.TemporaryDirectory() as directory:
        sources = open_sources([])
        counts = corpus_encoder.count_characters(sources, "utf-8", documents=documents)
        yield corpus_encoder.encode(sources, "utf-8", counts, Path(directory, "corpus.bin"))


def make_trainer(corpus: Corpus, device: str, *, layers: int = 1, hidden: int = 64, **settings: Any) -> Trainer:
    """Return a trainer of a small network with every kind of dropout."""
    documents = settings.pop("documents", None)
    cell = settings.pop("cell", "lstm")
    dropout = {"dropout": 0.2, "input_dropout": 0.1, "weight_drop": 0.2}
    network = NetworkConfig(cell=cell, layers=layers, hidden=hidden, embedding=64, documents=documents, **dropout)
    training = TrainingConfig(**({"batch": 32, "length": 64, "lr": 1e-3, "steps": 1000, "reset": 0.1} | settings))
    return Trainer(corpus, network, training, device)


def run_steps(trainer: Trainer, count: int) -> Trainer:
    """Run and await training steps."""
    for _ in range(count):
        trainer.train_step()
    trainer.sync()
    return trainer


def without_graph(trainer: Trainer) -> Trainer:
    """Return the trainer with steps that are never captured."""
    batches = DeviceBatches(trainer.batches, trainer.device, max_bytes=math.inf)
    trainer.queues_steps = True
    trainer._cuda_step = CudaStep(
        trainer.network, trainer.ema_network, trainer.optimizer, trainer.state, batches, trainer.training
    )
    trainer.state = trainer._cuda_step.state
    return trainer


def milliseconds(work: Callable[[], object], device: str, rounds: int = ROUNDS) -> float:
    """Return the mean time of repeated work after one run that does not count; a CPU repeats it twice."""
    rounds = 2 if device == "cpu" else rounds
    work()
    synchronize(device)
    start_time = time.perf_counter()
    for _ in range(rounds):
        work()
    synchronize(device)
    return 1e3 * (time.perf_counter() - start_time) / rounds


def synchronize(device: str) -> None:
    """Wait for the device."""
    if device != "cpu":
        getattr(torch, device).synchronize()


def differing(one: Trainer, other: Trainer) -> str:
    """Return how many arrays of two runs differ, and by how much at most."""
    first, second = state_arrays(one), state_arrays(other)
    names = [name for name in first if not np.array_equal(first[name], second[name])]
    most = max((float(np.max(np.abs(first[name] - second[name]))) for name in names), default=0.0)
    return f"{len(names)} of {len(first)} arrays differ, at most by {most:.1e}"


class Counter:
    """Numbers on the GPU, and work on them."""

    def __init__(self) -> None:
        self.numbers = torch.ones(8, device="cuda")
        self.backend = cuda_graph_backend()
        self.backend.warm_up(self.add)

    def add(self) -> None:
        """Add one."""
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
    """Destroy a graph that is garbage while another one is captured."""
    counter = Counter()
    replays: list[Callable[[], None]] = []
    gc.disable()
    first = CyclicGraph()
    with torch.cuda.graph(first.graph):
        counter.add()
    del first

    def work() -> None:
        counter.add()
        gc.collect()
        counter.add()

    def capture() -> str:
        replays.append(counter.backend.capture(work))
        return "works"

    def replay() -> float:
        replays[0]()
        return counter.numbers[0].item()

    yield "capture while another graph is collected", attempt(capture)
    yield "number after its replay (4 is right)", attempt(replay) if replays else "not captured"


def refused_capture(_device: str) -> Rows:
    """Capture work that reads a number, which CUDA refuses; use random numbers and `empty_cache` afterwards."""
    counter = Counter()
    yield "capture of work that calls .item()", attempt(lambda: counter.backend.capture(counter.read))
    yield from _after_failed_capture()
    yield "another capture afterwards", attempt(lambda: bool(counter.backend.capture(counter.add)))


def refused_capture_without_clean_up(_device: str) -> Rows:
    """Fail to capture in plain torch, which shows whether this version needs a clean-up."""
    counter, side = Counter(), torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def capture() -> None:
        with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(torch.cuda.CUDAGraph(), stream=side):
            counter.read()

    yield "capture of work that calls .item()", attempt(capture)
    yield from _after_failed_capture()


def _after_failed_capture() -> Rows:
    yield "torch.rand afterwards", attempt(lambda: tuple(torch.rand(3, device="cuda").shape))
    yield "torch.cuda.empty_cache() afterwards", attempt(torch.cuda.empty_cache)


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

            yield f"{cell}, {hidden} units", attempt(compare)


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

            yield f"{precision}, {hidden} units", attempt(reset)


def exactness(device: str) -> Rows:
    """Compare captured steps with steps without a graph, and a resumed run with a whole one, bit for bit."""
    workspace = os.environ.get("CUBLAS_WORKSPACE_CONFIG", "default")
    with corpus_of() as corpus, tempfile.TemporaryDirectory() as directory:
        for layers, hidden in ((1, 16), (1, 160), (1, 512), (2, 160)):
            size = {"layers": layers, "hidden": hidden}
            whole = run_steps(make_trainer(corpus, device, **size), 20)
            eager = run_steps(without_graph(make_trainer(corpus, device, **size)), 20)
            yield f"{layers}×{hidden}, workspace {workspace}: graph and eager", differing(whole, eager)
            stopped, resumed = (make_trainer(corpus, device, **size) for _ in range(2))
            run_steps(stopped, 9)
            checkpoint.load_checkpoint(resumed, checkpoint.save_checkpoint(stopped, RunDirectory(Path(directory))))
            yield f"{layers}×{hidden}, workspace {workspace}: resumed", differing(whole, run_steps(resumed, 11))


def exactness_with_workspace(device: str) -> Rows:
    """Repeat `exactness` with the workspace of cuBLAS for which cuDNN's layers are documented as deterministic."""
    environment = os.environ | {"CUBLAS_WORKSPACE_CONFIG": ":4096:2"}
    command = [sys.executable, __file__, "--device", device, "--run", "exactness"]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    yield from (tuple(line.split("\t", 1)) for line in output.splitlines())  # type: ignore[misc]


def document_speed(device: str) -> Rows:
    """Time steps with documents, where the input of a layer is 65 wide, so that tensor cores may not be used."""
    times = {}
    for documents in (None, "line"):
        with corpus_of(documents) as corpus:
            trainer = make_trainer(corpus, device, hidden=512, documents=documents)
            run_steps(trainer, WARM_UP_RUNS + 2)
            times[documents] = milliseconds(trainer.train_step, device)
            trainer.sync()
    yield "1×512: ms per step with and without documents", f"{times['line']:.3f}, {times[None]:.3f}"


def host_time(device: str) -> Rows:
    """Time uncaptured steps and evaluations of one and of two layers, whose weights are not contiguous."""
    with corpus_of() as corpus:
        for layers in (1, 2):
            trainer = without_graph(make_trainer(corpus, device, layers=layers, hidden=128))
            step = milliseconds(trainer.train_step, device)
            trainer.sync()
            evaluation = milliseconds(lambda: held_out_loss(trainer), device, 3)  # noqa: B023
            yield f"{layers}×128: eager step; evaluation", f"{step:.2f} ms; {evaluation:.0f} ms"


def large_graph(device: str) -> Rows:
    """Capture a GRU with documents, which has some twelve nodes for each character and layer."""
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

            yield f"{cell}, documents: {documents}", attempt(compare)


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


EXPERIMENTS: dict[Callable[[str], Rows], tuple[str, ...]] = {
    cold_start: ("cuda",),
    destroyed_graph: ("cuda",),
    refused_capture: ("cuda",),
    refused_capture_without_clean_up: ("cuda",),
    bfloat16_layers: ("cuda",),
    document_resets: ("cuda", "mps", "cpu"),
    exactness: ("cuda", "mps", "cpu"),
    exactness_with_workspace: ("cuda",),
    document_speed: ("cuda", "mps", "cpu"),
    host_time: ("cuda", "cpu"),
    large_graph: ("cuda", "cpu"),
    layers_against_cpu: ("cuda", "mps", "cpu"),
}
"""each experiment and the devices that it is for; a CPU only rehearses them"""


def run(name: str, device: str) -> None:
    """Run one experiment in this process, and print its rows."""
    experiment = next(experiment for experiment in EXPERIMENTS if experiment.__name__ == name)
    for row in experiment(device):
        print("\t".join(row), flush=True)


def run_in_process(name: str, device: str) -> Iterator[str]:
    """Yield the rows of an experiment that runs in a new process, and how it ended if it failed."""
    command = [sys.executable, __file__, "--device", device, "--run", name]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired as error:
        yield from bytes(error.stdout or b"").decode().splitlines()
        yield f"(time)\tended after {TIME_LIMIT:.0f} s"
        return
    yield from result.stdout.splitlines()
    if result.returncode:
        yield f"(exit code {result.returncode})\t{next(iter(result.stderr.splitlines()[-1:]), '')}"
    yield from (f"(warning)\t{line}" for line in result.stderr.splitlines() if "Warning" in line)


def main() -> None:
    """Run the experiments one after the other, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=["cuda", "mps", "cpu"])
    parser.add_argument("--only", nargs="+", choices=[one.__name__ for one in EXPERIMENTS])
    parser.add_argument("--run", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        return run(arguments.run, arguments.device)
    name = torch.cuda.get_device_name() if arguments.device == "cuda" else arguments.device
    print(f"{name}, torch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}")  # type: ignore[no-untyped-call]
    for experiment, devices in EXPERIMENTS.items():
        if arguments.device in devices and (not arguments.only or experiment.__name__ in arguments.only):
            print(f"\n{experiment.__name__}: {(experiment.__doc__ or '').strip()}")
            for row in run_in_process(experiment.__name__, arguments.device):
                tried, _, outcome = row.partition("\t")
                print(f"  {tried:55} {outcome}")
    return None


if __name__ == "__main__":
    main()
