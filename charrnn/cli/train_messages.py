"""Messages of `charrnn train` before and after the training: text, network and settings; losses, time and files."""

import dataclasses
import math
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import torch
from rich.console import Console
from rich.text import Text

from charrnn.cli.streams import write_json
from charrnn.config import CELL_TITLES, NetworkConfig
from charrnn.network.model_file import load_model
from charrnn.storage.run_directory import RUNS, display_name
from charrnn.text.ngram import NGram
from charrnn.training.early_stopping import should_stop
from charrnn.training.evaluation import baselines
from charrnn.training.fit import TrainingResult
from charrnn.training.metrics import read_ngram
from charrnn.training.new_run import Session
from charrnn.training.train_options import TrainOptions
from charrnn.training.trainer import Trainer
from charrnn.views.formatting import about, duration, file_size, pluralize
from charrnn.views.sanitize import plain_line, unicode_output
from charrnn.views.training_summary import TrainingHeader, TrainingSummary


def print_header(session: Session, console: Console, options: TrainOptions) -> None:
    """Print the text, the network, the settings and the run directory before the training starts."""
    trainer, directory = session.trainer, session.directory
    for note in (*session.notes, *_unused_gpus_note(trainer)):
        _print_line(f"note: {note}", console)
    if session.resumed:
        of_steps = "" if trainer.plan.steps is None else f" of {_planned_steps(session)}"
        _print_line(f"resuming {directory.path} at step {trainer.step:,}{of_steps}", console)
    baselines_bits = baselines(trainer.corpus)
    if options.as_json:
        write_json({"event": "start", **_run_facts(session), "baselines_bits": baselines_bits})
        return
    console.print(TrainingHeader(lines=_header_lines(session), baselines=baselines_bits))


def _print_line(line: str, console: Console) -> None:
    """Print one line, which is wrapped on a terminal only."""
    line = plain_line(line, unicode=unicode_output(console))
    console.print(Text(line), soft_wrap=not console.is_terminal)


def _unused_gpus_note(trainer: Trainer) -> Iterator[str]:
    """Yield a note with the command that uses all GPUs, if one process uses one of several."""
    count = torch.cuda.device_count() if trainer.device.type == "cuda" else 1
    if count > 1 and not trainer.group.is_distributed:
        command = shlex.join(click.get_current_context().find_root().obj)
        launcher = f"torchrun --standalone --nproc-per-node={count} -m charrnn"
        yield f"1 of {count} GPUs is used; to use all of them: `{launcher} {command}`"


def _run_facts(session: Session) -> dict[str, Any]:
    """Return the text, the network and the settings of a run as JSON values."""
    trainer = session.trainer
    return {
        "run": str(session.directory.path),
        "corpus": trainer.corpus.name,
        "characters": trainer.corpus.characters,
        "held_out": trainer.held_out_label,
        "vocabulary": len(trainer.corpus.vocabulary),
        "parameters": sum(parameter.numel() for parameter in trainer.network.parameters()),
        "network": dataclasses.asdict(trainer.network.config),
        "training": dataclasses.asdict(trainer.training),
        "device": trainer.device.type,
        "threads": torch.get_num_threads(),
        "processes": trainer.group.world.size,
        "resumed_at": trainer.step,
    }


def _header_lines(session: Session) -> tuple[tuple[str, str], ...]:
    """Return the lines of the header, each with its label."""
    trainer, facts = session.trainer, _run_facts(session)
    network, training, weights = trainer.network.config, trainer.training, facts["parameters"]
    corpus = trainer.corpus
    text = (
        f"{facts['characters']:,} characters",
        *(() if corpus.end_id is None else (f"{corpus.counts[corpus.end_id]:,} documents",)),
        f"{facts['vocabulary']:,} distinct",
        f"{trainer.held_out_label} held out",
    )
    model = (
        f"{CELL_TITLES[network.cell]} {network.layers} × {network.hidden}",
        f"{weights:,} weights ({file_size(4 * weights)})",
        f"{facts['device']}, {pluralize(facts['threads'], 'thread')}"
        if facts["device"] == "cpu"
        else facts["device"],
        *_processes_label(trainer),
        precision_label(training.precision, facts["device"]),
    )
    settings = (
        pluralize(training.minutes, "minute") if training.minutes else pluralize(training.steps or 0, "step"),
        f"{training.batch} streams × {training.length} characters",
        f"lr {training.lr:g}",
        _dropout_label(network),
    )
    lines = [(Path(corpus.name).name, text), ("model", model), ("training", settings)]
    lines.append(("", ("streams: places of the text that are read in parallel",)))
    if trainer.init_from:
        lines.append(("from", (display_name(Path(trainer.init_from)),)))
    if session.reason:
        lines.append(("", (session.reason,)))
    lines.append(("run", (str(session.directory.path),)))
    lines.append(("", ("Ctrl-C saves and stops; the same command continues",)))
    return tuple((label, " · ".join(parts)) for label, parts in lines)


def _processes_label(trainer: Trainer) -> Iterator[str]:
    """Yield the number of processes, if there are several, and the library of their collectives."""
    if trainer.group.is_distributed:
        backend = "NCCL" if trainer.device.type == "cuda" else "gloo"
        yield f"{trainer.group.world.size} processes\u00a0({backend})"


def precision_label(precision: str, device: str) -> str:
    """Return the precision of the training's matrix products, which is TF32 on a GPU unless bfloat16 is chosen."""
    return f"{precision} (products in TF32)" if (precision, device) == ("float32", "cuda") else precision


def _planned_steps(session: Session) -> str:
    """Return the planned number of steps, which is an estimate under a time budget."""
    trainer = session.trainer
    steps = trainer.plan.steps or trainer.step
    return about(steps) if trainer.training.minutes else f"{steps:,}"


def _longer_budget(session: Session, options: TrainOptions) -> str:
    """Return the option with which the same command continues a finished run: twice its budget."""
    trainer = session.trainer
    if options.epochs:
        return f"--epochs {2 * options.epochs:g}"
    minutes = trainer.training.minutes and max(2 * trainer.training.minutes, math.ceil(trainer.seconds / 60))
    return f"--minutes {minutes:g}" if minutes else f"--steps {2 * (trainer.plan.steps or trainer.step)}"


def _dropout_label(network: NetworkConfig) -> str:
    """Return the dropout rates as text; those of inputs and weights only if they are not zero."""
    rates = {"inputs": network.input_dropout, "weights": network.weight_drop}
    return ", ".join([f"dropout {network.dropout:g}", *(f"{name} {rate:g}" for name, rate in rates.items() if rate)])


def print_already_trained(session: Session, console: Console, options: TrainOptions) -> None:
    """Print that the run is already trained, and which options continue it."""
    trainer = session.trainer
    steps_label = (
        f"{trainer.step:,} of {_planned_steps(session)} steps, stopped early"
        if should_stop(trainer)
        else pluralize(trainer.step, "step")
    )
    steps_label += f", {duration(trainer.seconds)}"
    as_planned = " (`--patience 0` up to the planned steps)" if should_stop(trainer) else ""
    _print_line(f"already trained ({steps_label}): {session.directory.path}", console)
    _print_line(f"hint: `{_longer_budget(session, options)}` continues{as_planned}, `--new` starts over", console)
    if options.as_json:
        write_json({"event": "done", **_recorded_result(session), "model": str(session.directory.model)})


def print_summary(
    session: Session, result: TrainingResult, ngram: NGram, console: Console, options: TrainOptions
) -> None:
    """Print the result of a training, and the commands that use the model; with --json, write the last event."""
    model = session.directory.model
    if options.as_json:
        write_json({"event": "done", **_result(session, result), **_ngram_facts(ngram), "model": str(model)})
        return
    argument = "" if session.directory.path.parent == RUNS else f" {session.directory.path}"
    size = f"{file_size(model.stat().st_size)}, safe to share"
    longer = _longer_budget(session, options)
    carried, window256 = result.losses.carried.nats, result.losses.window256.nats
    console.print()
    console.print(
        TrainingSummary(
            seconds=session.trainer.seconds,
            val_bits=carried / math.log(2),
            val_nats=carried,
            val_window256_bits=window256 / math.log(2),
            val_window256_nats=window256,
            best_step=result.best_step,
            measured_on=_measured_on(session, result),
            ngram=ngram,
            next_commands=(
                (f"charrnn sample{argument}", "write some text"),
                (f"charrnn inspect{argument}", "look inside the cells"),
                *([] if result.stopped_early else [(f"charrnn train … {longer}", "continue, with the same command")]),
                (str(model), size),
            ),
        )
    )


def _measured_on(session: Session, result: TrainingResult) -> str:
    """Return which characters the final loss was measured on, and how many of them during the training."""
    held_out, measured = session.trainer.held_out_characters, result.losses.carried.characters
    amount = "all" if measured >= held_out - 1 else f"{measured:,} of"
    sample = session.trainer.bookkeeping.eval_chars or 0
    in_training = f" ({sample:,} during training)" if sample < measured else ""
    protocol = (
        "state carried over" if session.trainer.corpus.documents is None else "each document from a fresh state, over"
    )
    return f"{protocol} {amount} {held_out:,} held-out characters{in_training}"


def _recorded_result(session: Session) -> dict[str, Any]:
    """Return the recorded result of a training that ended in an earlier session, as JSON values."""
    trainer = session.trainer
    recorded = load_model(session.directory.model).training
    names = ("val_nats", "val_window256_nats")
    result = _with_bits({name: recorded[name] for name in names if isinstance(recorded.get(name), float)})
    result |= {} if trainer.best is None else {"best_step": trainer.best.step}
    result |= {
        "steps": trainer.step,
        "stopped_early": should_stop(trainer),
        "seconds": trainer.seconds,
        "resumed": True,
    }
    return result | _ngram_facts(read_ngram(session.directory.metrics))


def _ngram_facts(ngram: NGram | None) -> dict[str, Any]:
    """Return the n-gram baseline as JSON values."""
    return {} if ngram is None else {"ngram_order": ngram.order, "ngram_bits": ngram.nats / math.log(2)}


def _result(session: Session, result: TrainingResult) -> dict[str, Any]:
    """Return the result of a training as JSON values."""
    losses = result.losses
    return {
        **_with_bits({"val_nats": losses.carried.nats, "val_window256_nats": losses.window256.nats}),
        "val_characters": losses.carried.characters,
        "best_step": result.best_step,
        "steps": result.steps,
        "stopped_early": result.stopped_early,
        "characters": result.characters,
        "seconds": session.trainer.seconds,
        "characters_per_second": result.characters_per_second,
        "parameters": result.parameters,
    }


def _with_bits(losses: Mapping[str, float]) -> dict[str, Any]:
    """Return the losses, whose names end with `nats`, in nats and in bits."""
    return {**losses, **{f"{name[:-4]}bits": nats / math.log(2) for name, nats in losses.items()}}
