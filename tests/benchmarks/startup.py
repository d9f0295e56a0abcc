"""Time whole processes: the help, a sample of 500 characters, and for comparison the start of Python and of torch.

    python tests/benchmarks/startup.py [MODEL]

The default model has one layer of 512 cells and random weights. Each round runs all commands in turn, so that other
programs slow all of them down alike.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common import random_model

from charrnn.config import NetworkConfig
from charrnn.network.model_file import save_model

ROUNDS = 15
CHARACTERS = "".join(("\n", *map(chr, range(32, 96))))


def write_random_model(path: Path) -> Path:
    """Write a model of the default size with 65 characters and random weights, and return its path."""
    save_model(path, random_model(CHARACTERS, scale=0.05, config=NetworkConfig(hidden=512)))
    return path


def process_seconds(arguments: list[str]) -> float:
    """Return the duration of a Python process whose output is read through a pipe."""
    start_time = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.PIPE)
    return time.perf_counter() - start_time


def main(model: Path) -> None:
    """Print the median duration of each command."""
    commands = {
        "python -c pass": ["-c", "pass"],
        "charrnn -h": ["-m", "charrnn", "-h"],
        f"charrnn sample -n 500 {model}": ["-m", "charrnn", "sample", "-n", "500", str(model)],
        "python -c 'import torch'": ["-c", "import torch"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for round_number in range(ROUNDS + 1):
        for name, arguments in commands.items():
            elapsed = process_seconds(arguments)
            # The first round is not counted: it reads files from the disk, which are cached afterwards.
            times[name] += [elapsed] if round_number else []
    for name, values in times.items():
        print(f"{median(values):7.3f} s  {name}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else write_random_model(Path(directory, "model.safetensors")))
