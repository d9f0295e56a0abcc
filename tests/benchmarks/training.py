"""Training's own costs: a step of `charrnn`'s loop against one of a bare torch loop, side by side.

    python tests/benchmarks/training.py [--sizes lstm:1x512x32x64 …] [--device cuda] [--steps 10] [--rounds 15]

The bare loop has the same network and precision and does nothing but forward, backward, clip and step. Both run in
this process, a round of one and a round of the other in turn; what is printed is medians over the rounds and their
ratio. A size is cell:layers × units × streams × characters; on a GPU the first ones are torch-rnn's, of every cell.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from charrnn import resources

resources.set_short_spin()  # before torch starts its threads

import torch
from torch.nn import functional

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.char_rnn import CharRNN, detach_state
from charrnn.storage.run_directory import RunDirectory
from charrnn.text import corpus_encoder
from charrnn.text.corpus import Corpus
from charrnn.text.sources import open_sources
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
STEPS = 200
"""times those of a round, of the plan, of which the first are made: evaluations, reports and previews come as often
as in a real one"""
BEFORE = 40
"""steps that are not timed: on a GPU until it was first waited for"""


class Size(NamedTuple):
    """The size of a network and of its batches."""

    cell: str
    layers: int
    units: int
    batch: int
    length: int

    @classmethod
    def parse_size(cls, name: str) -> "Size":
        """Parse a size."""
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


def our_steps(corpus: Corpus, size: Size, device: str, precision: str, directory: Path, steps: int) -> Iterator[None]:
    """Yield training steps of the command, with reading, saving, logging, evaluation and display."""
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


def seconds(steps: Iterator[None], count: int, device: str) -> float:
    """Return the mean time of a step."""
    began = time.perf_counter()
    for _ in range(count):
        next(steps)
    if device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / count


def compare(name: str, corpus: Corpus, device: str, arguments: argparse.Namespace, directory: Path) -> None:
    """Print the speed of one network in both loops."""
    size, precision = Size.parse_size(name), choose_precision(arguments.precision, device)
    loops = {
        "bare": bare_steps(size, len(corpus.vocabulary), device, precision),
        "charrnn": our_steps(corpus, size, device, precision, directory, STEPS * arguments.steps),
    }
    times: dict[str, list[float]] = {variant: [] for variant in loops}
    with tf32(torch.device(device), allowed=True):
        for steps in loops.values():
            seconds(steps, BEFORE if device == "cuda" else 5, device)
        for _ in range(arguments.rounds):
            for variant, steps in loops.items():
                times[variant].append(seconds(steps, arguments.steps, device))
    medians = {variant: statistics.median(values) for variant, values in times.items()}
    speeds = {variant: size.batch * size.length / median for variant, median in medians.items()}
    print(
        f"{name:18} {device} {precision}: charrnn {1e3 * medians['charrnn']:.3f} ms a step, "
        f"{speeds['charrnn']:,.0f} characters/s, bare loop {speeds['bare']:,.0f}; "
        f"ratio {medians['bare'] / medians['charrnn']:.3f}"
    )


def _named(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else device


def main() -> None:
    """Compare every network on the default corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+")
    parser.add_argument("--steps", type=int, help="a round (10; on a GPU 100)")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    arguments.steps = arguments.steps or (100 if device == "cuda" else 10)
    with tempfile.TemporaryDirectory() as directory:
        sources = open_sources([])
        corpus = corpus_encoder.encode(
            sources, "utf-8", corpus_encoder.count_characters(sources, "utf-8"), Path(directory, "corpus.bin")
        )
        print(f"{arguments.rounds} rounds of {arguments.steps} steps, {_named(device)}, torch {torch.__version__}")
        for name in arguments.sizes or SIZES.get(device, SIZES["cpu"]):
            compare(name, corpus, device, arguments, Path(directory))


if __name__ == "__main__":
    main()
