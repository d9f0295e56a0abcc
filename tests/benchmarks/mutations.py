"""Damaged and forged files by the thousand: what each comes to, in how much time and memory.

    python tests/benchmarks/mutations.py [--files 10000] [--hidden 128] [--seed 0]

Half of the files are models, half are checkpoints of the same network. A damaged file must be refused or read
unchanged; a forged file, with correct checksums, must be refused or be a complete file of another content. Any other
exception ends the program. Time is processor time; memory is the peak of allocations during reading.
"""

import argparse
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

from damage import DAMAGES, FORGERIES, Change, outcome

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.network.model_file import load_model, save_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_file import read_tensors
from charrnn.text import corpus_encoder
from charrnn.text.sources import open_sources
from charrnn.training import checkpoint, checkpoint_file
from charrnn.training.trainer import Trainer

Weights = Mapping[str, Any]


@dataclass
class Tally:
    """Counts of the outcomes so far."""

    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    seconds: float = 0.0
    """the slowest"""
    share: float = 0.0
    """the most memory, as a multiple of the complete file's size"""


def write_both(directory: Path, hidden: int) -> tuple[Path, Path]:
    """Train for two steps, and save a model and a checkpoint."""
    (directory / "text.txt").write_text("".join(f"{n} green bottles (and {n * n % 97} walls).\n" for n in range(999)))
    sources = open_sources([str(directory / "text.txt")])
    corpus = corpus_encoder.encode(
        sources, "utf-8", corpus_encoder.count_characters(sources, "utf-8"), directory / "corpus.bin"
    )
    trainer = Trainer(
        corpus, NetworkConfig(hidden=hidden), TrainingConfig(batch=8, length=16, lr=0.01, steps=4), "cpu"
    )
    trainer.train_step()
    trainer.train_step()
    save_model(directory / "model.safetensors", trainer.model(trainer.raw_weights()))
    checkpoint.save_checkpoint(trainer, RunDirectory(directory))
    return directory / "model.safetensors", RunDirectory(directory).checkpoint(2)


def weights_of(path: Path) -> Weights:
    """Return the weights of a model, read as by every command."""
    return load_model(path).weights


def arrays_of(path: Path) -> Weights:
    """Return the arrays of a checkpoint, read as for resuming."""
    checkpoint_file.read_checkpoint_info(path)
    return read_tensors(path).arrays


@dataclass(frozen=True, kw_only=True)
class Victim:
    """A complete file that is damaged repeatedly."""

    kind: str
    path: Path
    content: bytes
    reading: Callable[[Path], Weights]
    weights: Weights


def victim_of(kind: str, path: Path, reading: Callable[[Path], Weights]) -> Victim:
    """Read a complete file."""
    return Victim(kind=kind, path=path, content=path.read_bytes(), reading=reading, weights=reading(path))


def judge(victim: Victim, change: Change, rng: Random, tally: Tally) -> None:
    """Damage a file, read it, and count the outcome."""
    victim.path.write_bytes(change(victim.content, rng))
    tracemalloc.start()
    began = time.process_time()
    loaded = outcome(victim.reading, victim.path)
    tally.seconds = max(tally.seconds, time.process_time() - began)
    tally.share = max(tally.share, tracemalloc.get_traced_memory()[1] / len(victim.content))
    tracemalloc.stop()
    if isinstance(loaded, CharrnnError):
        assert "\n" not in loaded.message, loaded.message
        verdict = "refused"
    else:
        verdict = "read, unchanged" if is_same(victim.weights, loaded) else "read, as another file"
        assert verdict == "read, unchanged" or change in FORGERIES, f"{change.__name__}: read as something else"
    tally.outcomes[victim.kind, change.__name__.strip("_"), verdict] += 1


def is_same(first: Weights, second: Weights) -> bool:
    """Return whether two files contain the same arrays."""
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def main() -> None:
    """Print the outcomes for each kind of damage, and the maximum of time and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng, tally = Random(arguments.seed), Tally()
    with tempfile.TemporaryDirectory() as directory:
        model, saved = write_both(Path(directory), arguments.hidden)
        victims = (victim_of("model", model, weights_of), victim_of("checkpoint", saved, arrays_of))
        for number in range(arguments.files):
            judge(victims[number % 2], rng.choice((*DAMAGES, *FORGERIES)), rng, tally)
    for (kind, change, verdict), count in sorted(tally.outcomes.items()):
        print(f"{kind:12}{change:18}{verdict:24}{count:6,}")
    sizes = " and ".join(f"{len(victim.content) / 1e6:.2f} MB" for victim in victims)
    print(f"{tally.outcomes.total():,} files of {sizes}; no crash, and no damage was read as something else")
    print(f"slowest {tally.seconds:.3f} s of processor time; most memory {tally.share:.2f} times the complete file")


if __name__ == "__main__":
    main()
