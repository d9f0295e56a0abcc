"""Read thousands of damaged and forged files, and print the outcomes and the maximum of time and memory.

    python tests/benchmarks/mutations.py [--files 10000] [--hidden 128] [--seed 0]

Half of the files are models, half are checkpoints of the same network. A damaged file must be rejected or read
unchanged. A forged file, which has correct checksums, must be rejected or be a complete file with another content.
Any other exception ends the program. Time is CPU time; memory is the peak of allocations during reading.
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

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("", "faults")]

from common import bottles, encode_corpus
from file_damage import DAMAGES, FORGERIES, Change, read_or_error

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.network.model_file import load_model, save_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_file import read_tensors
from charrnn.training import checkpoint, checkpoint_file
from charrnn.training.trainer import Trainer

Weights = Mapping[str, Any]


@dataclass
class Tally:
    """Counts of the outcomes so far."""

    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    seconds: float = 0.0
    """maximum time"""
    memory: float = 0.0
    """maximum memory, as a multiple of the size of the complete file"""


def write_model_and_checkpoint(directory: Path, hidden: int) -> tuple[Path, Path]:
    """Train for two steps, and save a model and a checkpoint."""
    (directory / "text.txt").write_text(bottles(999))
    corpus = encode_corpus([str(directory / "text.txt")], directory / "corpus.bin")
    trainer = Trainer(
        corpus, NetworkConfig(hidden=hidden), TrainingConfig(batch=8, length=16, lr=0.01, steps=4), "cpu"
    )
    trainer.train_step()
    trainer.train_step()
    save_model(directory / "model.safetensors", trainer.model(trainer.raw_weights()))
    checkpoint.save_checkpoint(trainer, RunDirectory(directory))
    return directory / "model.safetensors", RunDirectory(directory).checkpoint(2)


def read_model(path: Path) -> Weights:
    """Return the weights of a model, read as by all commands."""
    return load_model(path).weights


def read_checkpoint(path: Path) -> Weights:
    """Return the arrays of a checkpoint, read as for resuming."""
    checkpoint_file.read_checkpoint_info(path)
    return read_tensors(path).arrays


@dataclass(frozen=True, kw_only=True)
class OriginalFile:
    """A complete file that is damaged repeatedly."""

    kind: str
    path: Path
    content: bytes
    reader: Callable[[Path], Weights]
    weights: Weights

    @classmethod
    def read(cls, kind: str, path: Path, reader: Callable[[Path], Weights]) -> "OriginalFile":
        """Read a complete file."""
        return cls(kind=kind, path=path, content=path.read_bytes(), reader=reader, weights=reader(path))


def check_change(original: OriginalFile, change: Change, rng: Random, tally: Tally) -> None:
    """Damage or forge a file, read it, and count the outcome."""
    original.path.write_bytes(change(original.content, rng))
    tracemalloc.start()
    start_time = time.process_time()
    loaded = read_or_error(original.reader, original.path)
    tally.seconds = max(tally.seconds, time.process_time() - start_time)
    tally.memory = max(tally.memory, tracemalloc.get_traced_memory()[1] / len(original.content))
    tracemalloc.stop()
    if isinstance(loaded, CharrnnError):
        assert "\n" not in loaded.message, loaded.message
        result = "rejected"
    else:
        result = "read, unchanged" if are_equal(original.weights, loaded) else "read, changed"
        assert result == "read, unchanged" or change in FORGERIES, f"{change.__name__}: read with other arrays"
    tally.outcomes[original.kind, change.__name__.strip("_"), result] += 1


def are_equal(first: Weights, second: Weights) -> bool:
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
        model_path, checkpoint_path = write_model_and_checkpoint(Path(directory), arguments.hidden)
        originals = (
            OriginalFile.read("model", model_path, read_model),
            OriginalFile.read("checkpoint", checkpoint_path, read_checkpoint),
        )
        for number in range(arguments.files):
            check_change(originals[number % 2], rng.choice((*DAMAGES, *FORGERIES)), rng, tally)
    for (kind, change, result), count in sorted(tally.outcomes.items()):
        print(f"{kind:12}{change:18}{result:24}{count:6,}")
    sizes = " and ".join(f"{len(original.content) / 1e6:.2f} MB" for original in originals)
    print(f"{tally.outcomes.total():,} files of {sizes}; no crash, and no damaged file was read with other arrays")
    print(f"maximum {tally.seconds:.3f} s of CPU time; maximum memory {tally.memory:.2f} times the complete file")


if __name__ == "__main__":
    main()
