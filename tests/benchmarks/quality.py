"""How good a model is after so many minutes: `charrnn train TEXT --minutes M` as a user runs it, for several seeds.

    python tests/benchmarks/quality.py book.txt other.txt [--minutes 1 5] [--seeds 3] [--reach 1.886] [-- OPTIONS]

It needs nobody: every text is trained for each of the times by each of the seeds, one after the other, each run is
printed when it is done and a table of the medians at the end. What is measured, always on the last tenth of the text
by position and by the best weights: `carried`, the loss with one state carried through all of it; `window256`, the
loss with the state zeroed every 256 characters; and beside them the n-gram's. `off` is by how much the whole command,
from its start to its end, missed the time asked for. `--reach` also prints how many seconds after its first preview,
just before its first step, a training of nine seconds has the carried loss of a sample below a figure.
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

COLUMNS = ("text", "minutes", "network", "epochs", "carried (all)", "window256", "n-gram", "characters/s", "off")
SHORT_MINUTES = 0.15
"""of the training that is to reach a loss soon"""


def events(text: str, minutes: float, seed: int, more: Sequence[str]) -> Iterator[tuple[float, dict[str, Any]]]:
    """Train once; yield each event, and finally the end, with the time since the start of the command."""
    command = [sys.executable, "-m", "charrnn", "train", text, "--minutes", str(minutes), "--seed", str(seed), *more]
    with tempfile.TemporaryDirectory() as directory:
        began = time.perf_counter()
        options = ["--out", str(Path(directory) / "run"), "--json", "-q"]
        with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                yield time.perf_counter() - began, json.loads(line)
        if process.returncode:
            raise SystemExit(f"training {text} failed")
        yield time.perf_counter() - began, {"event": "over"}


def run(text: str, minutes: float, seed: int, more: Sequence[str]) -> dict[str, Any]:
    """Train once; return the fields of the first and the last event, and the deviation from the time budget."""
    seconds, fields = 0.0, {}
    for seconds, event in events(text, minutes, seed, more):  # noqa: B007 - the last one counts
        fields[event["event"]] = event
    start, done = fields["start"], fields["done"]
    network, training = start["network"], start["training"]
    read = done["steps"] * training["batch"] * training["length"]
    shape = f"{network['layers']}×{network['hidden']}, {training['batch']}×{training['length']}"
    result = {
        "network": f"{network['cell']} {shape}",
        "epochs": read / (start["characters"] * (1 - training["val_fraction"])),
        "carried": done["val_nats"],
        "window256": done["val_window256_nats"],
        "n-gram": f"{done['ngram_bits'] * math.log(2):.4f} ({done['ngram_order']})",
        "characters/s": done["characters_per_second"],
        "off": seconds / 60 / minutes - 1,
    }
    print(f"{Path(text).stem}, {minutes:g} minutes, seed {seed}: {result}", flush=True)
    return result


def row(text: str, minutes: float, runs: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return the line of the table for the runs of one text and time."""
    medians = {
        name: statistics.median(singles[name] for singles in runs)
        for name in ("epochs", "carried", "window256", "characters/s", "off")
    }
    every = ", ".join(f"{singles['carried']:.4f}" for singles in runs)
    return (
        Path(text).stem,
        f"{minutes:g}",
        runs[0]["network"],
        f"{medians['epochs']:.1f}",
        f"{medians['carried']:.4f} ({every})",
        f"{medians['window256']:.4f}",
        runs[0]["n-gram"],
        f"{medians['characters/s']:,.0f}",
        f"{medians['off']:+.1%}",
    )


def seconds_to(text: str, nats: float, seed: int, more: Sequence[str]) -> float:
    """Train for a short time; return the seconds from the first step to the first evaluation below a loss."""
    began: float | None = None
    for seconds, event in events(text, SHORT_MINUTES, seed, more):
        if began is None and event["event"] in ("report", "evaluation", "preview"):
            began = seconds
        if event["event"] == "evaluation" and event["nats"] <= nats:
            return seconds - (began or 0.0)
    return math.inf


def main() -> None:
    """Print each run, then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--reach", type=float)
    words = [*sys.argv[1:], "--"]
    end = words.index("--")
    arguments, more = parser.parse_args(words[:end]), words[end + 1 : -1]
    rows = [COLUMNS, ("---",) * len(COLUMNS)]
    for text in arguments.texts:
        if arguments.reach:
            reached = [seconds_to(text, arguments.reach, seed, more) for seed in range(arguments.seeds)]
            print(f"{Path(text).stem}: {arguments.reach} after {statistics.median(reached):.1f} s {reached}")
        rows += [
            row(text, minutes, [run(text, minutes, seed, more) for seed in range(arguments.seeds)])
            for minutes in arguments.minutes
        ]
    for cells in rows:
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
