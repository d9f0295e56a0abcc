"""What `charrnn train` says before and after: what will be learned and with what, and what came of it."""

import dataclasses
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.text import Text

from charrnn.cli.streams import say_json, write_result
from charrnn.config import NetworkConfig
from charrnn.network.model_file import load
from charrnn.runs import RUNS, model_name
from charrnn.text.baselines import baselines
from charrnn.text.ngram import NGram
from charrnn.training.finish import Outcome
from charrnn.training.metrics import described, noted_ngram
from charrnn.training.patience import overfits
from charrnn.training.session import Session
from charrnn.views.amounts import counted, duration
from charrnn.views.announcements import Ending, Heading
from charrnn.views.facts import indented
from charrnn.views.ngram import to_beat
from charrnn.views.terminal import is_terminal, plain_line, unicode_output

Options = Mapping[str, Any]


def introduce(session: Session, console: Console, options: Options) -> None:
    """Say what is about to be learned, with what, and where it is kept."""
    run, directory = session.run, session.directory
    for note in session.notes:
        _print_line(f"note: {note}", console)
    if session.resumed:
        planned = "" if run.plan.steps is None else f" of {run.plan.steps:,}"
        _print_line(f"resuming {directory.path} at step {run.step:,}{planned}", console)
    known = baselines(run.corpus)
    if options["as_json"]:
        say_json({"event": "start", **_facts(session), "baselines_bits": known})
        return
    console.print(Heading(lines=_heading_lines(session), baselines=known))


def _print_line(line: str, console: Console) -> None:
    """Print one line, which only a terminal folds."""
    line = plain_line(line, unicode=unicode_output(console))
    console.print(Text(line), soft_wrap=not console.is_terminal)


def say_what_to_beat(ngram: NGram, console: Console, options: Options) -> None:
    """Say what an n-gram of the same text reaches."""
    if options["as_json"]:
        say_json(described(ngram))
        return
    console.print(indented(to_beat(ngram), "dim"))


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
    corpus = run.corpus
    text = (
        f"{facts['characters']:,} characters",
        *(() if corpus.end is None else (f"{corpus.counts[corpus.end]:,} documents",)),
        f"{facts['vocabulary']:,} distinct",
        _held_out(run.held_out_characters / corpus.characters if corpus.documents else training.val_fraction),
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
        _left_out(network),
    )
    lines = [(Path(corpus.name).name, text), ("model", model), ("training", settings)]
    if run.origin:
        lines.append(("from", (model_name(Path(run.origin)),)))
    if session.why:
        lines.append(("", (session.why,)))
    lines.append(("run", (str(session.directory.path),)))
    lines.append(("", ("Ctrl-C saves and stops; the same command continues",)))
    return tuple((word, " · ".join(parts)) for word, parts in lines)


def _left_out(network: NetworkConfig) -> str:
    """Say how much is dropped while learning: of the outputs, and where any is of the inputs and weights."""
    more = {"inputs": network.input_dropout, "weights": network.weight_drop}
    return ", ".join(
        [f"dropout {network.dropout:g}", *(f"{name} {share:g}" for name, share in more.items() if share)]
    )


def _held_out(share: float) -> str:
    return f"the last {share:.0%} held out"


def say_finished(session: Session, console: Console, options: Options) -> None:
    """Say that there is nothing left to do, and how to have more done."""
    run = session.run
    planned = run.plan.steps or run.step
    minutes = run.training.minutes and max(2 * run.training.minutes, math.ceil(run.seconds / 60))
    more = f"--minutes {minutes:g}" if minutes else f"--steps {2 * planned}"
    made = f"{run.step:,} of {planned:,} steps, stopped early" if overfits(run) else f"{run.step:,} steps"
    made += f", {duration(run.seconds)}"
    as_planned = ", `--patience 0` does too, to the end of the plan" if overfits(run) else ""
    _print_line(f"already trained ({made}): {session.directory.path}", console)
    _print_line(f"hint: `{more}` continues{as_planned}, `--new` starts over", console)
    if options["as_json"]:
        say_json({"event": "done", **_recorded_result(session), "model": str(session.directory.model)})
    _print_model(session, options)


def conclude(session: Session, outcome: Outcome, ngram: NGram, console: Console, options: Options) -> None:
    """Say what came of a training, and what can be done with it."""
    model = session.directory.model
    if options["as_json"]:
        say_json({"event": "done", **_result(session, outcome), **_to_beat(ngram), "model": str(model)})
        return
    named = "" if session.directory.path.parent == RUNS else f" {session.directory.path}"
    size = f"{model.stat().st_size / 1e6:.1f} MB, safe to share"
    carried, window256 = outcome.measured.carried.nats, outcome.measured.window256.nats
    console.print()
    console.print(
        Ending(
            seconds=session.run.seconds,
            val_bits=carried / math.log(2),
            val_nats=carried,
            val_window256_bits=window256 / math.log(2),
            val_window256_nats=window256,
            best_step=outcome.best_step,
            measured_on=_measured_on(session, outcome),
            ngram=ngram,
            next_commands=(
                (f"charrnn sample{named}", "write some text"),
                (f"charrnn inspect{named}", "look inside the cells"),
                (str(model), size),
            ),
        )
    )
    _print_model(session, options)


def _measured_on(session: Session, outcome: Outcome) -> str:
    """Say of what the loss is the mean, and of what those on the way were."""
    held_out, read = session.run.held_out_characters, outcome.measured.carried.characters
    share = "all" if read >= held_out - 1 else f"{read:,} of"
    sample = session.run.evaluation_characters or 0
    rest = f" ({sample:,} during training)" if sample < read else ""
    how = "state carried over" if session.run.corpus.documents is None else "each document from a fresh state, over"
    return f"{how} {share} {held_out:,} held-out characters{rest}"


def _recorded_result(session: Session) -> dict[str, Any]:
    """Give what a training came to that ended in an earlier session."""
    run = session.run
    story = load(session.directory.model).training
    names = ("val_nats", "val_window256_nats")
    known = _with_bits({name: story[name] for name in names if isinstance(story.get(name), float)})
    known |= {} if run.best is None else {"best_step": run.best.step}
    known |= {"steps": run.step, "stopped_early": overfits(run), "seconds": run.seconds, "resumed": True}
    return known | _to_beat(noted_ngram(session.directory.metrics))


def _to_beat(ngram: NGram | None) -> dict[str, Any]:
    return {} if ngram is None else {"ngram_order": ngram.order, "ngram_bits": ngram.nats / math.log(2)}


def _result(session: Session, outcome: Outcome) -> dict[str, Any]:
    measured = outcome.measured
    return {
        **_with_bits({"val_nats": measured.carried.nats, "val_window256_nats": measured.window256.nats}),
        "val_characters": measured.carried.characters,
        "best_step": outcome.best_step,
        "steps": outcome.steps,
        "stopped_early": outcome.stopped_early,
        "characters": outcome.characters,
        "seconds": session.run.seconds,
        "characters_per_second": outcome.characters_per_second,
        "parameters": outcome.parameters,
    }


def _with_bits(losses: Mapping[str, float]) -> dict[str, Any]:
    """Give losses whose names end with `nats` in bits too."""
    return {**losses, **{f"{name[:-4]}bits": nats / math.log(2) for name, nats in losses.items()}}


def _print_model(session: Session, options: Options) -> None:
    """Write the model's path to standard output where a script, not a person, reads it."""
    if not options["as_json"] and sys.stdout is not None and not is_terminal(sys.stdout):
        write_result(f"{session.directory.model}\n")
