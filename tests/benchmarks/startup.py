"""Whole processes from start to end: help, and a sample of 500 characters, beside Python and torch themselves.

    python tests/benchmarks/startup.py [MODEL]

Without a model a random one of one layer of 512 is made. The commands take turns, so that whatever else the
machine does slows all of them down alike.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from charrnn.config import NetworkConfig
from charrnn.network.model_file import Model, save_model, weight_shapes
from charrnn.text.vocabulary import Vocabulary

RUNS = 15


def random_model(directory: Path) -> Path:
    """Return a model of the default size with 65 characters."""
    config, vocabulary = NetworkConfig(hidden=512), Vocabulary(("\n", *map(chr, range(32, 96))))
    rng = np.random.default_rng(0)
    weights = {
        name: rng.normal(size=shape, scale=0.05).astype(np.float32)
        for name, shape in weight_shapes(config, len(vocabulary)).items()
    }
    save_model(directory / "model.safetensors", Model(config=config, vocabulary=vocabulary, weights=weights))
    return directory / "model.safetensors"


def seconds(arguments: list[str]) -> float:
    """Time one process, its output read through a pipe."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.PIPE)
    return time.perf_counter() - start


def main(model: Path) -> None:
    """Print the medians."""
    commands = {
        "python -c pass": ["-c", "pass"],
        "charrnn -h": ["-m", "charrnn", "-h"],
        f"charrnn sample -n 500 {model}": ["-m", "charrnn", "sample", "-n", "500", str(model)],
        "python -c 'import torch'": ["-c", "import torch"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for round_number in range(RUNS + 1):
        for name, arguments in commands.items():
            elapsed = seconds(arguments)
            # The first round reads files from the disk, which are cached in memory afterwards.
            times[name] += [elapsed] if round_number else []
    for name, taken_by_all in times.items():
        print(f"{median(taken_by_all):7.3f} s  {name}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else random_model(Path(directory)))
