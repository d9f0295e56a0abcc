"""Kills a training at random moments, has it go on each time, and compares the end with that of one never killed.

    python tests/benchmarks/kill_loop.py [--times 200] [--seed 0] [--json]

Each life is a process of its own, forked from this one, which has imported torch already; it is killed with SIGKILL
after a random number of steps and of milliseconds, now and then while it starts. It saves after every step, so that
many are killed in the middle of that. At the end every number in the last checkpoint and in the model, and every line
of the record, are compared.
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

import torch

from charrnn.cli.main import run
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_file import read_tensors

STEPS_A_LIFE = 12
"""there are so many that a training does not end before it was killed often enough"""
SHARE_OF_EARLY_KILLS = 0.15
LONGEST_START = 0.4
"""seconds"""
LONGEST_WAIT = 0.02
"""seconds, from the step that was waited for to the kill: some steps and saves long"""
OPTIONS = (
    "--hidden 16 --layers 2 --batch 4 --length 16 --dropout 0.2 --patience 0 "
    "--sample-every 0 --save-every 0.001 --threads 1 -q"
)


def forked(work: Callable[[], object]) -> int:
    """Run a function in a child process."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = int(str(work() or 0))
    finally:
        os._exit(code)


def life(text: Path, directory: RunDirectory, steps: int) -> int:
    """Start or resume a training."""
    command = ("train", str(text), "--out", str(directory.path), "--steps", str(steps), *OPTIONS.split())
    return forked(lambda: run(command))


def ended(child: int, seconds: float) -> bool:
    """Wait for a time; return whether the training has ended by itself."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.001)
    return False


def has_reached(child: int, directory: RunDirectory, step: int) -> bool:
    """Wait until a step is saved; return False if the training ends before."""
    while (directory.last_checkpoint_step() or 0) < step:
        if ended(child, 0.002):
            return False
    return True


def digest(directory: RunDirectory, steps: int) -> str:
    """Return a hash of all final numbers and of the metrics."""
    total = hashlib.sha256()
    for path in (directory.checkpoint(steps), directory.model):
        arrays = read_tensors(path).arrays
        for name in sorted(arrays):
            total.update(name.encode() + arrays[name].tobytes())
    total.update(directory.metrics.read_bytes())
    return total.hexdigest()


def killed_often(text: Path, directory: RunDirectory, steps: int, times: int, rng: random.Random) -> dict[str, int]:
    """Train with the given number of kills; return counts of what they interrupted."""
    counts = {"kills": 0, "before a step": 0, "while a file was written": 0}
    while True:
        left = times - counts["kills"]
        before = directory.last_checkpoint_step() or 0
        child = life(text, directory, steps)
        if not left:
            ended(child, 600)
            return counts
        if rng.random() < SHARE_OF_EARLY_KILLS:
            over = ended(child, rng.uniform(0, LONGEST_START))
        else:
            step = before + rng.randint(1, max(1, (steps - before) // left))
            over = not has_reached(child, directory, step) or ended(child, rng.uniform(0, LONGEST_WAIT))
        if over:
            return counts
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        counts["kills"] += 1
        counts["before a step"] += (directory.last_checkpoint_step() or 0) == before
        counts["while a file was written"] += any(directory.path.glob(".*.tmp")) if directory.path.is_dir() else 0


def main() -> None:
    """Print the counts, and whether the final files are equal; fail if they are not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    import charrnn.cli.train_run  # noqa: F401 - so that no life has to

    steps = STEPS_A_LIFE * (arguments.times + 1)
    with tempfile.TemporaryDirectory() as parent:
        text = Path(parent, "book.txt")
        text.write_text("".join(f"{n} green bottles, {n * n % 97} walls (and a line).\n" for n in range(900)))
        uninterrupted, killed = RunDirectory(Path(parent, "whole")), RunDirectory(Path(parent, "killed"))
        ended(life(text, uninterrupted, steps), 3600)
        began = time.monotonic()
        counts = killed_often(text, killed, steps, arguments.times, random.Random(arguments.seed))
        seconds, same = time.monotonic() - began, digest(uninterrupted, steps) == digest(killed, steps)
    result = {**counts, "steps": steps, "seconds": round(seconds), "same end": same}
    print(json.dumps(result) if arguments.json else "\n".join(f"{name}: {value}" for name, value in result.items()))
    sys.exit(not same or counts["kills"] < arguments.times)


if __name__ == "__main__":
    main()
