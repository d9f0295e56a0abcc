"""Measure the loss that `charrnn train TEXT --minutes M` reaches with several seeds.

    python tests/benchmarks/quality.py book.txt other.txt [--minutes 1 5] [--seeds 3] [--reach 1.886] [-- OPTIONS]

The script trains each text with each time budget and each seed, one after the other. It prints each result after its
training, and a table of the medians at the end. All losses are those of the best weights on the last tenth of the
text by position: `carried` is the loss with one state carried through all of it, `window256` the loss with a zero
state at every 256th character, and `n-gram` the loss of the n-gram baseline. `deviation` is the deviation of the
duration of the whole command from the time budget. `--reach LOSS` also prints the time from the first preview, just
before the first step, to the first evaluation with a carried loss of at most LOSS, in a training of nine seconds.
OPTIONS are those of `charrnn train`, for instance `-- --device cuda --cell gru`.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

COLUMNS = (
    "text",
    "minutes",
    "network",
    "epochs",
    "carried (all)",
    "window256",
    "n-gram",
    "characters/s",
    "deviation",
)
REACH_MINUTES = 0.15
"""time budget of the training for `--reach`"""


def train(text: str, minutes: float, seed: int, options: Sequence[str]) -> Iterator[tuple[float, dict[str, Any]]]:
    """Train once; yield each event, and an event `exit` at the end, with the time since the start of the command."""
    command = [
        sys.executable,
        "-m",
        "charrnn",
        "train",
        text,
        "--minutes",
        str(minutes),
        "--seed",
        str(seed),
        *options,
    ]
    with tempfile.TemporaryDirectory() as directory:
        start_time = time.perf_counter()
        command += [*options, "--out", str(Path(directory) / "run"), "--json", "-q"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                yield time.perf_counter() - start_time, json.loads(line)
        if process.returncode:
            raise SystemExit(f"training {text} failed")
        yield time.perf_counter() - start_time, {"event": "exit"}


def measure(text: str, minutes: float, seed: int, options: Sequence[str]) -> dict[str, Any]:
    """Train once; return the shape of the network, the losses, the speed and the deviation from the time budget."""
    seconds, last_events = 0.0, {}
    for seconds, event in train(text, minutes, seed, options):  # noqa: B007 - the duration of the command
        last_events[event["event"]] = event
    start, done = last_events["start"], last_events["done"]
    network, training = start["network"], start["training"]
    characters = done["steps"] * training["batch"] * training["length"]
    shape = f"{network['layers']}×{network['hidden']}, {training['batch']}×{training['length']}"
    result = {
        "network": f"{network['cell']} {shape}",
        "epochs": characters / (start["characters"] * (1 - training["val_fraction"])),
        "carried": done["val_nats"],
        "window256": done["val_window256_nats"],
        "n-gram": f"{done['ngram_bits'] * math.log(2):.4f} ({done['ngram_order']})",
        "characters/s": done["characters_per_second"],
        "deviation": seconds / 60 / minutes - 1,
    }
    print(f"{Path(text).stem}, {minutes:g} minutes, seed {seed}: {result}", flush=True)
    return result


def table_row(text: str, minutes: float, results: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return the row of the table for one text and time budget: medians over the seeds."""
    medians = {
        name: statistics.median(result[name] for result in results)
        for name in ("epochs", "carried", "window256", "characters/s", "deviation")
    }
    carried_losses = ", ".join(f"{result['carried']:.4f}" for result in results)
    return (
        Path(text).stem,
        f"{minutes:g}",
        results[0]["network"],
        f"{medians['epochs']:.1f}",
        f"{medians['carried']:.4f} ({carried_losses})",
        f"{medians['window256']:.4f}",
        results[0]["n-gram"],
        f"{medians['characters/s']:,.0f}",
        f"{medians['deviation']:+.1%}",
    )


def seconds_to_reach(text: str, nats: float, seed: int, options: Sequence[str]) -> float:
    """Train for a short time; return the seconds from the first step to the first evaluation with at most a loss."""
    start_seconds: float | None = None
    for seconds, event in train(text, REACH_MINUTES, seed, options):
        if start_seconds is None and event["event"] in ("report", "evaluation", "preview"):
            start_seconds = seconds
        if event["event"] == "evaluation" and event["nats"] <= nats:
            return seconds - (start_seconds or 0.0)
    return math.inf


def main() -> None:
    """Print the result of each training, then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--reach", type=float, metavar="LOSS")
    words = [*sys.argv[1:], "--"]
    separator = words.index("--")
    arguments, options = parser.parse_args(words[:separator]), words[separator + 1 : -1]
    rows = [COLUMNS, ("---",) * len(COLUMNS)]
    for text in arguments.texts:
        if arguments.reach:
            times = [seconds_to_reach(text, arguments.reach, seed, options) for seed in range(arguments.seeds)]
            print(f"{Path(text).stem}: {arguments.reach} after {statistics.median(times):.1f} s {times}")
        for minutes in arguments.minutes:
            results = [measure(text, minutes, seed, options) for seed in range(arguments.seeds)]
            rows.append(table_row(text, minutes, results))
    for cells in rows:
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
