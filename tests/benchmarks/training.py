"""Compare the speed of the training loop of `charrnn` with a bare torch loop.

    python tests/benchmarks/training.py [--sizes lstm:1x512x32x64 …] [--device cuda] [--steps 10] [--rounds 15]

The bare loop has the same network and precision and consists of forward, backward, gradient clipping and update. Both
loops run in this process, in turn; the script prints medians over the rounds and their ratio. A size is
cell:layers × units × streams × characters. The first three sizes for GPUs are those of the benchmark of torch-rnn.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from charrnn import resources

resources.set_short_spin()  # before torch starts its threads

import torch
from common import encode_corpus
from torch.nn import functional

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.char_rnn import CharRNN, detach_state
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus import Corpus
from charrnn.training import checkpointer
from charrnn.training.device import choose_device, choose_precision, tf32
from charrnn.training.events import Step, TrainingWarning
from charrnn.training.fit import count_seconds
from charrnn.training.loop import train_loop
from charrnn.training.metrics import log_events
from charrnn.training.trainer import Trainer
from charrnn.views.training_progress import ProgressState

SIZES = {
    "cpu": ("lstm:1x512x32x64", "lstm:2x256x32x64", "lstm:1x128x32x64"),
    "cuda": (
        *("lstm:2x128x50x50", "gru:2x128x50x50", "rnn:2x128x50x50"),
        *("lstm:1x512x64x64", "lstm:1x1024x64x64", "lstm:2x768x64x64", "lstm:1x2048x64x64"),
    ),
}
PLANNED_ROUNDS = 200
"""number of rounds for which the training is planned; only the first ones run, so that evaluations, reports and
previews are as frequent as in a complete training"""
CUDA_WARM_UP_STEPS = 40
"""number of steps before the first timed step on a GPU, which include the first synchronization"""
CPU_WARM_UP_STEPS = 5


class Size(NamedTuple):
    """The size of a network and of its batches."""

    cell: str
    layers: int
    units: int
    batch: int
    length: int

    @classmethod
    def parse(cls, name: str) -> "Size":
        """Parse a size, such as lstm:1x512x32x64."""
        cell, _, numbers = name.partition(":")
        return cls(cell, *(int(number) for number in numbers.split("x")))

    @property
    def config(self) -> NetworkConfig:
        """Return the configuration of the network."""
        return NetworkConfig(cell=self.cell, layers=self.layers, hidden=self.units, embedding=64)


def bare_steps(size: Size, vocabulary: int, device: str, precision: str) -> Iterator[None]:
    """Yield training steps of a bare torch loop: forward, backward, clip and update."""
    network = CharRNN(size.config, vocabulary).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    windows = torch.randint(vocabulary, (size.length + 1, size.batch), device=device)
    state = network.initial_state(size.batch)
    while True:
        with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            logits, after = network(windows[:-1], state)
        loss = functional.cross_entropy(logits.flatten(0, 1).float(), windows[1:].flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        state = detach_state(after)
        yield


def charrnn_steps(
    corpus: Corpus, size: Size, device: str, precision: str, directory: Path, steps: int
) -> Iterator[None]:
    """Yield training steps of `charrnn train`, with reading, saving, logging, evaluation and display."""
    training = TrainingConfig(batch=size.batch, length=size.length, lr=1e-3, steps=steps, precision=precision)
    trainer = Trainer(corpus, size.config, training, device)
    run_directory = RunDirectory(directory)
    progress = ProgressState(characters_per_step=size.batch * size.length)
    events = log_events(
        count_seconds(train_loop(trainer), trainer, start_time=time.monotonic()), run_directory.metrics, step=0
    )
    for event in checkpointer.save_during_training(events, trainer, run_directory):
        progress.update(event, time.monotonic())
        progress.view()
        if isinstance(event, TrainingWarning):
            print(f"warning: {event.message}")
        if isinstance(event, Step):
            yield


def mean_seconds(steps: Iterator[None], count: int, device: str) -> float:
    """Return the mean time of a number of steps."""
    start_time = time.perf_counter()
    for _ in range(count):
        next(steps)
    if device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start_time) / count


def compare(name: str, corpus: Corpus, device: str, arguments: argparse.Namespace, directory: Path) -> None:
    """Print the speed of one network in both loops."""
    size, precision = Size.parse(name), choose_precision(arguments.precision, device)
    loops = {
        "bare": bare_steps(size, len(corpus.vocabulary), device, precision),
        "charrnn": charrnn_steps(corpus, size, device, precision, directory, PLANNED_ROUNDS * arguments.steps),
    }
    times: dict[str, list[float]] = {loop: [] for loop in loops}
    with tf32(torch.device(device), allowed=True):
        for steps in loops.values():
            mean_seconds(steps, CUDA_WARM_UP_STEPS if device == "cuda" else CPU_WARM_UP_STEPS, device)
        for _ in range(arguments.rounds):
            for loop, steps in loops.items():
                times[loop].append(mean_seconds(steps, arguments.steps, device))
    medians = {loop: statistics.median(values) for loop, values in times.items()}
    speeds = {loop: size.batch * size.length / median for loop, median in medians.items()}
    print(
        f"{name:18} {device} {precision}: charrnn {1e3 * medians['charrnn']:.3f} ms a step, "
        f"{speeds['charrnn']:,.0f} characters/s, bare loop {speeds['bare']:,.0f}; "
        f"ratio {medians['bare'] / medians['charrnn']:.3f}"
    )


def main() -> None:
    """Compare both loops for each size, on the default corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+")
    parser.add_argument("--steps", type=int, help="number of steps of a round (10; on a GPU 100)")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    arguments.steps = arguments.steps or (100 if device == "cuda" else 10)
    with tempfile.TemporaryDirectory() as directory:
        corpus = encode_corpus([], Path(directory, "corpus.bin"))
        device_name = torch.cuda.get_device_name() if device == "cuda" else device
        print(f"{arguments.rounds} rounds of {arguments.steps} steps, {device_name}, torch {torch.__version__}")
        for name in arguments.sizes or SIZES.get(device, SIZES["cpu"]):
            compare(name, corpus, device, arguments, Path(directory))


if __name__ == "__main__":
    main()
