"""Kill random processes of a training under torchrun, and compare its result with an uninterrupted training.

    python tests/benchmarks/torchrun_kill_loop.py [--kills 200] [--processes 2] [--seed 0] [--json]

One torchrun command restarts the processes after each kill. A process of random rank is killed with SIGKILL after a
random number of steps and milliseconds, or at a random moment of its start. The run is saved after every step, so
that many kills interrupt a save. At the end, all arrays of the last checkpoint and of the model and all lines of the
metrics are compared. The times are those from a kill to the next saved step; kills before the first step after a
restart are left out.
"""

import argparse
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common import bottles
from kill_loop import OPTIONS, STEPS_PER_KILL, digest

from charrnn.storage.run_directory import RunDirectory

FRACTION_OF_EARLY_KILLS = 0.3
MAX_START_SECONDS = 4.0
MAX_WAIT_SECONDS = 0.02
"""maximum time from the awaited step to the kill, in which several steps are trained and saved"""
MAX_SECONDS = 3600.0
"""time limit of an uninterrupted training"""
RESTART_SECONDS = 600.0
"""time limit of a restart"""


class Training:
    """A training under torchrun."""

    def __init__(self, text: Path, directory: RunDirectory, steps: int, *, processes: int, restarts: int = 0) -> None:
        launcher = (sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}")
        command = ("-m", "charrnn", "train", str(text), "--out", str(directory.path), "--steps", str(steps))
        self._processes, self.directory = processes, directory
        self._log = directory.path.with_suffix(".log").open("w+b")
        self.process = subprocess.Popen(
            [*launcher, f"--max-restarts={restarts}", *command, *OPTIONS.split()],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )

    @property
    def step(self) -> int:
        """Return the last saved step."""
        return self.directory.last_checkpoint_step() or 0

    def has_ended(self) -> bool:
        """Return whether torchrun has ended."""
        return self.process.poll() is not None

    def new_workers(self, previous: Sequence[int]) -> list[int]:
        """Wait until torchrun has started new processes, and return them; none if it ends before."""
        ends_at = time.monotonic() + RESTART_SECONDS
        while not self.has_ended():
            workers = set(map(int, self._children().split())).difference(previous)
            if len(workers) == self._processes:
                return sorted(workers)
            assert time.monotonic() < ends_at, "the processes were not restarted"
            time.sleep(0.01)
        return []

    def wait_for_step(self, step: int, *, seconds: float = math.inf) -> None:
        """Wait until a step is saved, a number of seconds has passed, or torchrun has ended."""
        start_time = time.monotonic()
        while self.step < step and not self.has_ended():
            waited_for = time.monotonic() - start_time
            if waited_for >= seconds:
                return
            assert waited_for < RESTART_SECONDS, f"step {step} was not reached"
            time.sleep(0.002)

    def wait(self) -> tuple[int, str]:
        """Wait for the end, and return the exit code and the output."""
        code = self.process.wait(MAX_SECONDS)
        self._log.seek(0)
        return code, self._log.read().decode()

    def _children(self) -> str:
        """Return the IDs of the child processes of torchrun."""
        try:
            return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        except OSError:
            return ""


def kill_repeatedly(training: Training, steps: int, kills: int, rng: random.Random) -> dict[str, Any]:
    """Kill random processes; return counts of what was interrupted, and the times from a kill to the next step."""
    counts = dict.fromkeys(("kills", "of rank 0", "before a step", "while a file was written"), 0)
    workers: list[int] = []
    recovery_seconds, killed_at = [], math.nan
    while counts["kills"] < kills and (workers := training.new_workers(workers)):
        resumed_step = training.step
        last_step = resumed_step + max(1, (steps - resumed_step) // (kills - counts["kills"] + 1))
        if rng.random() < FRACTION_OF_EARLY_KILLS:
            training.wait_for_step(last_step, seconds=rng.uniform(0, MAX_START_SECONDS))
        else:
            training.wait_for_step(resumed_step + 1)
            recovery_seconds.append(time.monotonic() - killed_at)
            training.wait_for_step(rng.randint(resumed_step + 1, last_step))
            time.sleep(rng.uniform(0, MAX_WAIT_SECONDS))
        rank = rng.randrange(len(workers))
        try:
            os.kill(workers[rank], signal.SIGKILL)
        except ProcessLookupError:  # the training has ended, or torchrun restarts it
            continue
        killed_at = time.monotonic()
        counts["kills"] += 1
        counts["of rank 0"] += rank == 0
        counts["before a step"] += training.step == resumed_step
        time.sleep(0.01)
        counts["while a file was written"] += rank == 0 and any(training.directory.path.glob(".*.tmp"))
    seconds = [round(number, 1) for number in recovery_seconds if not math.isnan(number)]
    return {
        **counts,
        "median seconds to the next step": median(seconds or [0.0]),
        "maximum": max(seconds, default=0.0),
    }


def compare(parent: Path, kills: int, processes: int, seed: int) -> tuple[bool, dict[str, Any]]:
    """Train without and with kills; return whether the results are equal, and counts and times."""
    steps = STEPS_PER_KILL * (kills + 1)
    text = parent / "book.txt"
    text.write_text(bottles(900))
    uninterrupted, killed = RunDirectory(parent / "uninterrupted"), RunDirectory(parent / "killed")
    code, output = Training(text, uninterrupted, steps, processes=processes).wait()
    assert code == 0, output
    start_time = time.monotonic()
    training = Training(text, killed, steps, processes=processes, restarts=kills)
    try:
        counts = kill_repeatedly(training, steps, kills, random.Random(seed))
        code, output = training.wait()
    finally:
        training.process.terminate()
    is_equal = code == 0 and digest(uninterrupted, steps) == digest(killed, steps)
    if not is_equal:
        print(output, file=sys.stderr)
    unexpected = [line for line in output.splitlines() if line.startswith(("Traceback", "terminate called"))]
    result = {"steps": steps, "seconds": round(time.monotonic() - start_time), "equal result": is_equal}
    return is_equal and not unexpected, {**counts, **result, "unexpected lines": unexpected}


def main() -> None:
    """Print counts and times; exit with 1 unless the results are equal after the given number of kills."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as parent:
        is_equal, result = compare(Path(parent), arguments.kills, arguments.processes, arguments.seed)
    print(json.dumps(result) if arguments.json else "\n".join(f"{name}: {value}" for name, value in result.items()))
    sys.exit(not is_equal or result["kills"] < arguments.kills)


if __name__ == "__main__":
    main()
