"""Training's own costs: characters per second of `charrnn`'s loop against a bare torch loop, side by side.

    python tests/benchmarks/training.py [--steps 10] [--rounds 15]

The bare loop has the same network and precision and does nothing but forward, backward, clip and step. Both run in
this process, a round of one and a round of the other in turn; what is printed is the ratio of the medians.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from charrnn.cli import cores

cores.wait_briefly()  # before torch starts its threads

import torch
from torch.nn import functional

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.module import CharacterNetwork, detached
from charrnn.runs import RunDirectory
from charrnn.text import corpus as corpora
from charrnn.text.corpus import Corpus
from charrnn.text.sources import find
from charrnn.training import saving
from charrnn.training.budget import timed
from charrnn.training.device import choose_device, choose_precision
from charrnn.training.events import Step
from charrnn.training.loop import train
from charrnn.training.metrics import recorded
from charrnn.training.run import Run
from charrnn.views.training import Watch

NETWORKS = {"1×512": (1, 512), "2×256": (2, 256), "1×128": (1, 128)}
BATCH, LENGTH = 32, 64
STEPS = 2_000
"""of the plan, of which the first are made: evaluations, reports and previews come as often as in a real one"""


def bare_steps(config: NetworkConfig, vocabulary: int, device: str, precision: str) -> Iterator[None]:
    """Do nothing but forward, backward, clip and step, for ever."""
    network = CharacterNetwork(config, vocabulary).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    windows = torch.randint(vocabulary, (LENGTH + 1, BATCH), device=device)
    state = network.start(BATCH)
    while True:
        with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            logits, after = network(windows[:-1], state)
        loss = functional.cross_entropy(logits.flatten(0, 1).float(), windows[1:].flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        state = detached(after)
        if device == "cuda":
            torch.cuda.synchronize()
        yield


def our_steps(corpus: Corpus, config: NetworkConfig, device: str, precision: str, directory: Path) -> Iterator[None]:
    """Train as the command does: reading the text, saving, recording, evaluating, watching."""
    training = TrainingConfig(batch=BATCH, length=LENGTH, lr=1e-3, steps=STEPS, precision=precision)
    run = Run(corpus, config, training, device)
    place = RunDirectory(directory)
    watch = Watch(characters_per_step=BATCH * LENGTH)
    events = recorded(timed(train(run), run, began=time.monotonic()), place.metrics, step=0)
    for event in saving.kept(events, run, place):
        watch.see(event, time.monotonic())
        watch.picture()
        if isinstance(event, Step):
            yield


def seconds(steps: Iterator[None], count: int) -> float:
    """Time so many steps, a mean for each."""
    began = time.perf_counter()
    for _ in range(count):
        next(steps)
    return (time.perf_counter() - began) / count


def compare(name: str, corpus: Corpus, device: str, arguments: argparse.Namespace, directory: Path) -> None:
    """Print one network's characters per second, both ways."""
    layers, hidden = NETWORKS[name]
    precision = choose_precision(arguments.precision, device)
    config = NetworkConfig(layers=layers, hidden=hidden, embedding=64)
    both = {
        "bare": bare_steps(config, len(corpus.vocabulary), device, precision),
        "charrnn": our_steps(corpus, config, device, precision, directory),
    }
    times: dict[str, list[float]] = {way: [] for way in both}
    for steps in both.values():
        seconds(steps, 5)
    for _ in range(arguments.rounds):
        for way, steps in both.items():
            times[way].append(seconds(steps, arguments.steps))
    medians = {way: statistics.median(values) for way, values in times.items()}
    speeds = {way: BATCH * LENGTH / median for way, median in medians.items()}
    print(
        f"{name:6} {device} {precision}: charrnn {speeds['charrnn']:,.0f} characters/s, "
        f"bare loop {speeds['bare']:,.0f}; ratio {medians['bare'] / medians['charrnn']:.3f}"
    )


def main() -> None:
    """Compare every network on the embedded corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    with tempfile.TemporaryDirectory() as directory:
        sources = find([])
        corpus = corpora.encode(sources, "utf-8", corpora.survey(sources, "utf-8"), Path(directory, "corpus.bin"))
        print(f"batch {BATCH} × {LENGTH}, {arguments.rounds} rounds of {arguments.steps} steps, {device}")
        for name in NETWORKS:
            compare(name, corpus, device, arguments, Path(directory))


if __name__ == "__main__":
    main()
