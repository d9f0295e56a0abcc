"""Measure the time and memory of each stage of the search of `charrnn inspect`, for a model file or a random network.

    python tests/benchmarks/search.py [MODEL] [--cell lstm] [--layers 2] [--hidden 256] [--chars 200000] [--quick]

Without MODEL, the network has random weights. Its search takes as long as that of a trained network, except that few
of its cells are detectors and thus ablated. `--finalists` lowers the thresholds, so that the maximum number of cells
is ablated. The text is the beginning of the default corpus.
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
from charrnn.inspection.search import screening, verdicts
from charrnn.inspection.search.search import search
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, load_model, weight_shapes
from charrnn.text.sources import open_sources
from charrnn.text.vocabulary import Vocabulary

Step = TypeVar("Step")


class Stages:
    """Progress callback that prints the time and the peak memory of each stage of a search."""

    def __init__(self) -> None:
        self.start_times = time.perf_counter(), time.process_time()

    def __call__(self, steps: Iterable[Step], stage: str, count: int) -> Iterator[Step]:
        """Yield the steps of a stage."""
        self.lap("between")
        yield from steps
        self.lap(f"{stage}, {count} steps")

    def lap(self, name: str) -> None:
        """Print the time since the previous call."""
        now = time.perf_counter(), time.process_time()
        wall, cpu = (end - start for start, end in zip(self.start_times, now, strict=True))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(f"{name:42} {wall:7.2f} s, {cpu:7.2f} s of CPU time; peak so far {peak:5.0f} MB", flush=True)
        self.start_times = now


def random_model(config: NetworkConfig, characters: str) -> Model:
    """Return a model with random weights."""
    shapes, rng = weight_shapes(config, len(characters)), np.random.default_rng(0)
    weights = {
        name: (rng.normal(size=shape) / np.sqrt(shape[-1])).astype(np.float32) for name, shape in shapes.items()
    }
    return Model(config=config, vocabulary=Vocabulary(tuple(characters)), weights=weights)


def default_text(count: int) -> str:
    """Return the first `count` characters of the default corpus."""
    text = ""
    for file in open_sources([]).files:
        text += b"".join(file.chunks()).decode()
        if len(text) >= count:
            break
    return text[:count]


def main() -> None:
    """Run one search and print its time and memory."""
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
        low_thresholds = replace(
            verdicts.THRESHOLDS,
            detector_fit=0.02,
            weak_fit=0.01,
            local_memory=-9.0,
            margin=-9.0,
            shuffled_ratio=0.0,
            linear_r2=9.0,
        )
        vars(screening)["judge"] = partial(verdicts.judge, rules=low_thresholds)
    text = default_text(arguments.chars)
    config = NetworkConfig(cell=arguments.cell, layers=arguments.layers, hidden=arguments.hidden, embedding=64)
    model = load_model(arguments.model) if arguments.model else random_model(config, "".join(sorted(set(text))))
    parsed, ids = ParsedText.of(text, "text.py"), model.vocabulary.encode(text, unknown="replace")
    start_wall, start_cpu, stages = time.perf_counter(), time.process_time(), Stages()
    rng = np.random.default_rng(0)
    options = screening.SearchOptions(quick=arguments.quick, progress=stages)
    findings = search(InferenceRNN.from_model(model), parsed, ids, rng=rng, options=options)
    stages.lap("rest")
    wall, cpu = time.perf_counter() - start_wall, time.process_time() - start_cpu
    with_effect = sum(finding.cause is not None for finding in findings.concepts)
    print(
        f"{findings.cells:,} cells × {len(text):,} characters, {len(findings.concepts)} findings, "
        f"{with_effect} with causal effects"
    )
    print(f"total {wall:.1f} s, {cpu:.1f} s of CPU time")


if __name__ == "__main__":
    main()
