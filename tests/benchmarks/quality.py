"""How good a model is after so many minutes: `charrnn train TEXT --minutes M` as a user runs it, for several seeds.

    python tests/benchmarks/quality.py book.txt [--minutes 1] [--seeds 3]

What is printed is the loss on the last tenth of the text by position, with carried state, of the best weights; and
by how much the whole command, from its start to its end, missed the time asked for.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def train(text: str, minutes: float, seed: int, directory: Path) -> tuple[dict[str, float], float]:
    """Train once; give the last event and the whole command's seconds."""
    command = [sys.executable, "-m", "charrnn", "train", text, "--minutes", str(minutes), "--seed", str(seed)]
    began = time.perf_counter()
    done = subprocess.run(
        [*command, "--out", str(directory / str(seed)), "--json", "-q"], stdout=subprocess.PIPE, check=True
    )
    last: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return last, time.perf_counter() - began


def main() -> None:
    """Print each seed's result and the median."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    losses = []
    with tempfile.TemporaryDirectory() as directory:
        for seed in range(arguments.seeds):
            done, seconds = train(arguments.text, arguments.minutes, seed, Path(directory))
            losses.append(done["val_nats"])
            print(
                f"seed {seed}: {done['val_nats']:.4f} nats ({done['val_bits']:.4f} bits) per character carried, "
                f"{done['parameters']:,} weights, {done['characters_per_second']:,.0f} characters/s, "
                f"{seconds:.1f} s ({seconds / 60 / arguments.minutes - 1:+.1%})",
                flush=True,
            )
    print(f"median {statistics.median(losses):.4f} nats")


if __name__ == "__main__":
    main()
