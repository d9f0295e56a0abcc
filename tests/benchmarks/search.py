"""The time and memory of `charrnn inspect`'s search, stage by stage: of a model file, or of a network made up.

    python tests/benchmarks/search.py [MODEL] [--cell lstm] [--layers 2] [--hidden 256] [--chars 200000] [--quick]

A made-up network has random weights, which cost as much as learnt ones; its text is the embedded corpus. What few
cells it holds still because few of them detect anything is made up for by `--finalists`, which lowers the bar.
"""

import argparse
import resource
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from charrnn.config import NetworkConfig
from charrnn.inspection.concepts import ParsedText
from charrnn.inspection.search import finding, screening
from charrnn.inspection.search.search import search
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, load_model, weight_shapes
from charrnn.text.sources import open_sources as find_sources
from charrnn.text.vocabulary import Vocabulary

Step = TypeVar("Step")


class Stages:
    """Prints each stage as it ends."""

    def __init__(self) -> None:
        self.began = time.perf_counter(), time.process_time()

    def __call__(self, steps: Iterable[Step], stage: str, count: int) -> Iterator[Step]:
        """Pass the steps of a stage on."""
        self.lap("between")
        yield from steps
        self.lap(f"{stage}, {count} steps")

    def lap(self, what: str) -> None:
        """Print what went by since the last time."""
        now = time.perf_counter(), time.process_time()
        wall, processor = (after - before for before, after in zip(self.began, now, strict=True))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(
            f"{what:42} {wall:7.2f} s, {processor:7.2f} s of processor time; peak so far {peak:5.0f} MB", flush=True
        )
        self.began = now


def made_up(config: NetworkConfig, characters: str) -> Model:
    """Draw a network at random."""
    shapes, chance = weight_shapes(config, len(characters)), np.random.default_rng(0)
    weights = {
        name: (chance.normal(size=shape) / np.sqrt(shape[-1])).astype(np.float32) for name, shape in shapes.items()
    }
    return Model(config=config, vocabulary=Vocabulary(tuple(characters)), weights=weights)


def embedded(count: int) -> str:
    """Read the beginning of the embedded corpus."""
    text = ""
    for file in find_sources([]).files:
        text += b"".join(file.chunks()).decode()
        if len(text) >= count:
            break
    return text[:count]


def main() -> None:
    """Search once, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--chars", type=int, default=200_000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--finalists", action="store_true")
    arguments = parser.parse_args()
    if arguments.finalists:
        low = replace(
            finding.THRESHOLDS,
            detector_fit=0.02,
            weak_fit=0.01,
            local_memory=-9.0,
            margin=-9.0,
            shuffled_ratio=0.0,
            linear_r2=9.0,
        )
        vars(screening)["verdict"] = partial(finding.verdict, rules=low)
    text = embedded(arguments.chars)
    config = NetworkConfig(cell=arguments.cell, layers=arguments.layers, hidden=arguments.hidden, embedding=64)
    model = load_model(arguments.model) if arguments.model else made_up(config, "".join(sorted(set(text))))
    parsed, ids = ParsedText.of(text, "embedded.py"), model.vocabulary.encode(text, unknown="replace")
    began, stages = (time.perf_counter(), time.process_time()), Stages()
    chance = np.random.default_rng(0)
    findings = search(InferenceRNN.from_model(model), parsed, ids, rng=chance, quick=arguments.quick, progress=stages)
    stages.lap("the rest")
    wall, processor = time.perf_counter() - began[0], time.process_time() - began[1]
    held = sum(finding.cause is not None for finding in findings.concepts)
    print(
        f"{findings.cells:,} cells × {len(text):,} characters, {len(findings.concepts)} findings, {held} with causes"
    )
    print(f"in all {wall:.1f} s, {processor:.1f} s of processor time")


if __name__ == "__main__":
    main()
