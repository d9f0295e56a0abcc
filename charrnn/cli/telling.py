"""What `charrnn train` says before and after: what will be learned and with what, and what came of it."""

import dataclasses
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from charrnn import config_file
from charrnn.cli.showing import print_json
from charrnn.runs import RUNS
from charrnn.storage import write_whole
from charrnn.text.baselines import baselines
from charrnn.training.finish import Outcome
from charrnn.training.session import Session
from charrnn.views.amounts import counted
from charrnn.views.announcements import Ending, Heading
from charrnn.views.terminal import is_terminal, visible

Options = Mapping[str, Any]

CHOSEN = ("hidden", "embedding", "dropout", "batch", "length", "lr", "precision")
"""settings that the recipe fits to text, device and budget"""
ASKED_ANEW = ("out", "device", "threads", "quiet", "new", "as_json")
"""options that belong to one command, not to the run"""


def introduce(session: Session, console: Console, options: Options) -> None:
    """Say what is about to be learned, with what, and where it is kept."""
    run, directory = session.run, session.directory
    for note in session.notes:
        console.print(visible(f"note: {note}"), soft_wrap=True)
    if session.resumed:
        planned = "" if run.plan.steps is None else f" of {run.plan.steps:,}"
        console.print(f"resuming {directory.path} at step {run.step:,}{planned}", soft_wrap=True)
    known = baselines(run.corpus)
    if options["as_json"]:
        print_json({"event": "start", **_facts(session), "baselines_bits": known})
        return
    console.print(Heading(lines=_heading_lines(session), baselines=known))


def _facts(session: Session) -> dict[str, Any]:
    run = session.run
    return {
        "run": str(session.directory.path),
        "corpus": run.corpus.name,
        "characters": run.corpus.characters,
        "vocabulary": len(run.corpus.vocabulary),
        "parameters": sum(parameter.numel() for parameter in run.network.parameters()),
        "network": dataclasses.asdict(run.network.config),
        "training": dataclasses.asdict(run.training),
        "device": run.device.type,
        "threads": torch.get_num_threads(),
        "resumed_at": run.step,
    }


def _heading_lines(session: Session) -> tuple[tuple[str, str], ...]:
    run, facts = session.run, _facts(session)
    network, training, weights = run.network.config, run.training, facts["parameters"]
    text = (
        f"{facts['characters']:,} characters",
        f"{facts['vocabulary']:,} distinct",
        _held_out(training.val_fraction),
    )
    model = (
        f"{network.cell.upper()} {network.layers} × {network.hidden}",
        f"{weights:,} weights ({4 * weights / 1e6:.1f} MB)",
        f"{facts['device']}, {counted(facts['threads'], 'thread')}" if facts["device"] == "cpu" else facts["device"],
    )
    settings = (
        counted(training.minutes, "minute") if training.minutes else f"{training.steps:,} steps",
        f"batch {training.batch} × {training.length}",
        f"lr {training.lr:g}",
        f"dropout {network.dropout:g}",
    )
    lines = [(Path(run.corpus.name).name, text), ("model", model), ("training", settings)]
    if session.why:
        lines.append(("", (session.why,)))
    lines.append(("run", (str(session.directory.path),)))
    lines.append(("", ("Ctrl-C saves and stops; the same command goes on",)))
    return tuple((word, " · ".join(parts)) for word, parts in lines)


def _held_out(share: float) -> str:
    return f"the last {share:.0%} held out"


def say_finished(session: Session, console: Console, options: Options) -> None:
    """Say that there is nothing left to do, and how to have more done."""
    run = session.run
    more = f"--minutes {2 * run.training.minutes:g}" if run.training.minutes else f"--steps {2 * run.step}"
    console.print(f"already trained ({run.step:,} steps): {session.directory.path}", soft_wrap=True)
    console.print(f"hint: `{more}` goes on, `--new` starts over", soft_wrap=True)
    if options["as_json"]:
        print_json({"event": "done", **_recorded_result(session), "model": str(session.directory.model)})
    _print_model(session, options)


def conclude(session: Session, outcome: Outcome, console: Console, options: Options) -> None:
    """Say what came of a training, and what can be done with it."""
    model = session.directory.model
    if options["as_json"]:
        print_json({"event": "done", **_result(session, outcome), "model": str(model)})
        return
    named = "" if session.directory.path.parent == RUNS else f" {session.directory.path}"
    size = f"{model.stat().st_size / 1e6:.1f} MB, safe to share"
    nats = outcome.loss.nats
    console.print()
    console.print(
        Ending(
            seconds=session.run.seconds,
            val_bits=nats / math.log(2),
            val_nats=nats,
            best_step=outcome.best_step,
            measured_on=_measured_on(session, outcome),
            next_commands=(
                (f"charrnn sample{named}", "write some text"),
                (f"charrnn inspect{named}", "look inside the cells"),
                (str(model), size),
            ),
        )
    )
    _print_model(session, options)


def write_config(session: Session, corpus: tuple[str, ...], options: Options, origins: Mapping[str, str]) -> None:
    """Write every setting of the run, with where it came from, as a file that `--config` takes."""
    run = session.run
    settings: dict[str, Any] = {"corpus": list(corpus)} if corpus else {}
    settings |= dataclasses.asdict(run.network.config) | dataclasses.asdict(run.training)
    settings |= {name: value for name, value in options.items() if name not in (*settings, *ASKED_ANEW)}
    # One budget is all that `--config` takes; epochs have become steps.
    settings |= {"epochs": None} | ({"steps": None} if settings["minutes"] else {})
    lines = {
        name: (value, origins.get(name, "chosen for this text" if name in CHOSEN else "default"))
        for name, value in settings.items()
        if value is not None
    }
    write_whole(session.directory.config, config_file.write(lines).encode())


def _measured_on(session: Session, outcome: Outcome) -> str:
    """Say of what the loss is the mean, and of what those on the way were."""
    held_out, read = session.run.held_out_characters, outcome.loss.characters
    share = "all" if read >= held_out - 1 else f"{read:,} of"
    sample = session.run.evaluation_characters or 0
    rest = f"; on the way, over a sample of {sample:,}" if sample < read else ""
    return f"over {share} {held_out:,} held-out characters{rest}"


def _recorded_result(session: Session) -> dict[str, Any]:
    """Give what a training came to that ended in an earlier session."""
    best = session.run.best
    known = (
        {} if best is None else {"val_nats": best.nats, "val_bits": best.nats / math.log(2), "best_step": best.step}
    )
    return known | {"steps": session.run.step, "seconds": session.run.seconds, "resumed": True}


def _result(session: Session, outcome: Outcome) -> dict[str, Any]:
    return {
        "val_nats": outcome.loss.nats,
        "val_bits": outcome.loss.nats / math.log(2),
        "val_characters": outcome.loss.characters,
        "best_step": outcome.best_step,
        "steps": outcome.steps,
        "characters": outcome.characters,
        "seconds": session.run.seconds,
        "characters_per_second": outcome.characters_per_second,
        "parameters": outcome.parameters,
    }


def _print_model(session: Session, options: Options) -> None:
    """Write the model's path to standard output where a script, not a person, reads it."""
    if not options["as_json"] and not is_terminal(sys.stdout):
        sys.stdout.write(f"{session.directory.model}\n")
