"""Kill a training at random moments, resume it each time, and compare its result with an uninterrupted training.

    python tests/benchmarks/kill_loop.py [--times 200] [--seed 0] [--json]

Each training process is forked from this one, which has already imported torch. It is killed with SIGKILL after a
random number of steps and milliseconds, or, less often, during its start. The run is saved after every step, so that
many kills interrupt a save. At the end, all arrays of the last checkpoint and of the model and all lines of the
metrics are compared.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from common import bottles

from charrnn.cli.main import run
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_file import read_tensors

STEPS_PER_KILL = 12
"""training steps for each kill; enough that a training does not end before the last kill"""
FRACTION_OF_EARLY_KILLS = 0.15
"""fraction of kills during the start of a training"""
MAX_START_SECONDS = 0.4
MAX_WAIT_SECONDS = 0.02
"""maximum time from the awaited step to the kill, in which several steps are trained and saved"""
OPTIONS = (
    "--hidden 16 --layers 2 --batch 4 --length 16 --dropout 0.2 --patience 0 "
    "--sample-every 0 --save-every 0.001 --threads 1 -q"
)


def fork(function: Callable[[], object]) -> int:
    """Run a function in a child process without standard output; return the process ID."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = int(str(function() or 0))
    finally:
        os._exit(code)


def start_training(text: Path, directory: RunDirectory, steps: int) -> int:
    """Start or resume a training in a child process; return the process ID."""
    command = ("train", str(text), "--out", str(directory.path), "--steps", str(steps), *OPTIONS.split())
    return fork(lambda: run(command))


def ends_within(child: int, seconds: float) -> bool:
    """Wait at most a number of seconds for the end of a training; return whether it has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.001)
    return False


def reaches_step(child: int, directory: RunDirectory, step: int) -> bool:
    """Wait until a step is saved; return False if the training ends before."""
    while (directory.last_checkpoint_step() or 0) < step:
        if ends_within(child, 0.002):
            return False
    return True


def digest(directory: RunDirectory, steps: int) -> str:
    """Return a hash of all arrays of the last checkpoint and of the model, and of the metrics."""
    sha256 = hashlib.sha256()
    for path in (directory.checkpoint(steps), directory.model):
        arrays = read_tensors(path).arrays
        for name in sorted(arrays):
            sha256.update(name.encode() + arrays[name].tobytes())
    sha256.update(directory.metrics.read_bytes())
    return sha256.hexdigest()


def train_with_kills(
    text: Path, directory: RunDirectory, steps: int, kills: int, rng: random.Random
) -> dict[str, int]:
    """Train with a number of kills; return counts of what they interrupted."""
    counts = {"kills": 0, "before a step": 0, "while a file was written": 0}
    while True:
        remaining_kills = kills - counts["kills"]
        resumed_step = directory.last_checkpoint_step() or 0
        child = start_training(text, directory, steps)
        if not remaining_kills:
            ends_within(child, 600)
            return counts
        if rng.random() < FRACTION_OF_EARLY_KILLS:
            has_ended = ends_within(child, rng.uniform(0, MAX_START_SECONDS))
        else:
            step = resumed_step + rng.randint(1, max(1, (steps - resumed_step) // remaining_kills))
            has_ended = not reaches_step(child, directory, step)
            has_ended = has_ended or ends_within(child, rng.uniform(0, MAX_WAIT_SECONDS))
        if has_ended:
            return counts
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        counts["kills"] += 1
        counts["before a step"] += (directory.last_checkpoint_step() or 0) == resumed_step
        counts["while a file was written"] += any(directory.path.glob(".*.tmp")) if directory.path.is_dir() else 0


def main() -> None:
    """Print the counts, and whether the final files are equal; exit with 1 if they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    import charrnn.cli.train_run  # noqa: F401 - child processes inherit the imported module

    steps = STEPS_PER_KILL * (arguments.times + 1)
    with tempfile.TemporaryDirectory() as parent:
        text = Path(parent, "book.txt")
        text.write_text(bottles(900))
        uninterrupted, killed = RunDirectory(Path(parent, "uninterrupted")), RunDirectory(Path(parent, "killed"))
        ends_within(start_training(text, uninterrupted, steps), 3600)
        start_time = time.monotonic()
        counts = train_with_kills(text, killed, steps, arguments.times, random.Random(arguments.seed))
        seconds = round(time.monotonic() - start_time)
        is_equal = digest(uninterrupted, steps) == digest(killed, steps)
    result = {**counts, "steps": steps, "seconds": seconds, "equal result": is_equal}
    print(json.dumps(result) if arguments.json else "\n".join(f"{name}: {value}" for name, value in result.items()))
    sys.exit(not is_equal or counts["kills"] < arguments.times)


if __name__ == "__main__":
    main()
