"""Compare training in several processes with training in one: speed, start-up time, messages, recovery from a kill.

    python tests/benchmarks/distributed.py [--text TEXT] [--processes 2] [--sizes 1x512 1x256] [-- OPTIONS]

TEXT is Python's standard library by default; OPTIONS are those of `charrnn train`. Each round runs all commands in
turn, so that other programs slow all of them down alike. The speeds are medians over the rounds, in characters per
second of the training steps. The script makes no assertions.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from common_distributed import run_in_ranks

from charrnn.training.process_group import ProcessGroup

EXCHANGES = 2_000
"""number of timed exchanges of control messages"""


class Layout(NamedTuple):
    """How a training is divided."""

    processes: int
    threads: int

    def command(self, restarts: int = 0) -> list[str]:
        """Return the command that starts charrnn."""
        charrnn = ["-m", "charrnn", "train", "--threads", str(self.threads)]
        torchrun = ["-m", "torch.distributed.run", "--standalone", f"--max-restarts={restarts}"]
        launcher = [*torchrun, f"--nproc-per-node={self.processes}"] if self.processes > 1 else []
        return [sys.executable, *launcher, *charrnn]


def run(layout: Layout, options: Sequence[str], text: Sequence[str]) -> Iterator[tuple[float, dict[str, Any]]]:
    """Train once; yield each event with the seconds since the start of the command."""
    with tempfile.TemporaryDirectory() as directory:
        out = ["--out", str(Path(directory) / "run"), "--json", "-q"]
        start_time = time.perf_counter()
        command = [*layout.command(), *text, *out, *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                yield time.perf_counter() - start_time, json.loads(line)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed")


def compare_speeds(size: str, arguments: argparse.Namespace, text: Sequence[str]) -> None:
    """Print the speeds of a network in four layouts, and the additional start-up time of several processes.

    In the last layout each process has as many streams as one process alone.
    """
    layers, hidden = size.split("x")
    several, batch = arguments.processes, arguments.batch
    layouts = {
        f"1 process × 1 thread, {batch} streams": (Layout(1, 1), batch),
        f"{several} processes × 1 thread, {batch} streams": (Layout(several, 1), batch),
        f"1 process × {several} threads, {batch} streams": (Layout(1, several), batch),
        f"{several} processes × 1 thread, {several * batch} streams": (Layout(several, 1), several * batch),
    }
    speeds: dict[str, list[float]] = {name: [] for name in layouts}
    starts: dict[str, list[float]] = {name: [] for name in layouts}
    options = ["--layers", layers, "--hidden", hidden, "--steps", str(arguments.steps), *arguments.options]
    for _ in range(arguments.rounds):
        for name, (layout, streams) in layouts.items():
            first: dict[str, float] = {}
            for seconds, event in run(layout, [*options, "--batch", str(streams), "--length", "64"], text):
                first.setdefault(event["event"], seconds)
            speeds[name].append(event["characters_per_second"])
            starts[name].append(first["preview"])
    medians = {name: median(values) for name, values in speeds.items()}
    for name, speed in medians.items():
        print(f"{size}, {name}: {speed:,.0f} characters/s")
    one, same_batch, threads, larger_batch = medians.values()
    print(
        f"  same batch: {same_batch / one:.2f} times one process, {same_batch / threads:.2f} times one with threads"
    )
    print(f"  same batch per process: {larger_batch / one:.2f} times one process")
    one_start, several_start, *_ = (median(values) for values in starts.values())
    print(f"  additional start-up time: {several_start - one_start:.1f} s", flush=True)


def time_messages(processes: int) -> None:
    """Print the duration of an exchange of control messages, and of a reduction of a loss."""

    def work(group: ProcessGroup) -> list[float]:
        group.join(torch.device("cpu"))
        loss, durations = torch.zeros(1), []
        for exchange in (lambda: group.max((0.0, 0.0, 0.0)), lambda: group.sum(loss)):
            start_time = time.perf_counter()
            for _ in range(EXCHANGES):
                exchange()
            durations.append((time.perf_counter() - start_time) / EXCHANGES)
        return durations

    with tempfile.TemporaryDirectory() as directory:
        control, loss = run_in_ranks(processes, work, Path(directory) / "world")[0]
    print(f"control messages: {1e3 * control:.2f} ms; reduction of a loss alone: {1e3 * loss:.2f} ms")


def time_recovery(processes: int, text: Sequence[str]) -> None:
    """Print the time from the kill of a process to the next report of the restarted training."""
    with tempfile.TemporaryDirectory() as directory:
        options = ["--out", str(Path(directory) / "run"), "--json", "-q", "--hidden", "64", "--steps", "20000"]
        command = [*Layout(processes, 1).command(restarts=1), *text, *options, "--save-every", "1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            killed_at = 0.0
            for line in process.stdout:
                event = json.loads(line)
                if event["event"] == "report" and event["step"] >= 1000 and not killed_at:
                    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
                    killed_at, has_restarted = time.perf_counter(), False
                    os.kill(int(children[-1]), signal.SIGKILL)
                elif killed_at and event["event"] == "start":
                    has_restarted = True
                elif killed_at and has_restarted and event["event"] == "report":
                    print(f"from a kill to the next report: {time.perf_counter() - killed_at:.1f} s")
                    process.terminate()
                    killed_at = 0.0
                    break


def main() -> None:
    """Print all measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--sizes", nargs="+", default=["1x512", "1x256"])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32, help="streams of one process")
    parser.add_argument("options", nargs="*", help="options of charrnn train, after --")
    arguments = parser.parse_args()
    text = [arguments.text] if arguments.text else []
    for size in arguments.sizes:
        compare_speeds(size, arguments, text)
    time_messages(arguments.processes)
    time_recovery(arguments.processes, text)


if __name__ == "__main__":
    main()
