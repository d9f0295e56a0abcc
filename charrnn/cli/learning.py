"""What `charrnn train` does once its options are known; here, and deeper, torch is imported."""

import sys
import time
from collections.abc import Mapping
from typing import Any

import torch
from rich.console import Console

from charrnn.cli.preparing import Prepared
from charrnn.cli.showing import Show, show_json, show_lines, show_live, show_nothing
from charrnn.cli.stopping import Stopping
from charrnn.cli.telling import conclude, introduce, say_finished, say_what_to_beat, write_config
from charrnn.text.ngram import NGram
from charrnn.training import checkpoint
from charrnn.training.budget import Budget, timed
from charrnn.training.device import choose_device, choose_precision
from charrnn.training.finish import Outcome, finish
from charrnn.training.loop import train
from charrnn.training.metrics import recorded
from charrnn.training.ngram import ngram_of
from charrnn.training.session import Session, begin, resume
from charrnn.views.terminal import animated, talk
from charrnn.views.training import Watch

Options = Mapping[str, Any]


def learn(
    prepared: Prepared, corpus: tuple[str, ...], options: Options, origins: Mapping[str, str], *, began: float
) -> None:
    """Train: learn, show, save; raise CharrnnError for what the user can put right."""
    console = talk()
    console.quiet = options["quiet"]
    if options["threads"]:
        torch.set_num_threads(options["threads"])
    session = _session(prepared, options, console)
    if session.finished:
        say_finished(session, console, options)
        return
    if not session.resumed:
        write_config(session, corpus, options, origins)
    introduce(session, console, options)
    ngram = ngram_of(session.run, session.directory)
    outcome = _train(session, ngram, options, console, began)
    conclude(session, outcome, ngram, console, options)


def _session(prepared: Prepared, options: Options, console: Console) -> Session:
    """Go on with the run that was stopped, or begin one."""
    device = choose_device(options["device"])
    given = dict(options) | {"precision": None if options["precision"] == "auto" else options["precision"]}
    if prepared.sources is not None and prepared.found is not None:
        given["precision"] = choose_precision(options["precision"], device)
        return begin(
            prepared.sources,
            prepared.found,
            prepared.directory,
            given,
            device,
            new=options["new"],
            origin=prepared.origin,
        )
    if prepared.sources is None:
        where = prepared.directory.path
        console.print(f"note: going on with the text of {where}; standard input is not read", soft_wrap=True)
    return resume(prepared.sources, prepared.directory, given, device)


def _train(session: Session, ngram: NGram, options: Options, console: Console, began: float) -> Outcome:
    """Learn to the end of the plan; on a signal save, say how to go on, and die of it."""
    run, directory, before = session.run, session.directory, session.run.seconds

    def say() -> None:
        if not options["quiet"]:
            # A line end would move the live picture, which is drawn over from where it stands.
            end = "" if animated(sys.stderr) else "\n"
            stopping.tell(f" stopping after this step (again: at once){end}")

    with Stopping(say) as stopping:
        _learn_and_show(session, ngram, options, console, began, stopping)
        if stopping.asked is None:
            outcome = finish(run, directory)
            run.seconds = before + time.monotonic() - began
            return outcome
    console.print(f"saved step {run.step:,} in {directory.path} · run the same command to continue", soft_wrap=True)
    stopping.die()
    raise KeyboardInterrupt


def _learn_and_show(
    session: Session, ngram: NGram, options: Options, console: Console, began: float, stopping: Stopping
) -> None:
    """Run the events through everything that keeps and shows them."""
    run, directory, minutes = session.run, session.directory, session.run.training.minutes
    watch = Watch(characters_per_step=run.training.batch * run.training.length, ngram=ngram)
    events = timed(train(run, sample_every=options["sample_every"]), run, began=began)
    if minutes:
        watch.ends_at = began - run.seconds + 60 * minutes
        events = Budget(run, 60 * minutes).kept(events)
    events = recorded(stopping.until(events), directory.metrics, step=run.step)
    try:
        say_what_to_beat(ngram, console, options)
        _show(options)(checkpoint.kept(events, run, directory, every_seconds=options["save_every"]), watch, console)
    except (OSError, SystemExit):
        # Nobody listens any more: a closed pipe, a terminal that is gone. What was learned is kept all the same.
        checkpoint.save_all(run, directory, model=True)
        stopping.die()
        raise


def _show(options: Options) -> Show:
    if options["as_json"]:
        return show_json
    if options["quiet"]:
        return show_nothing
    return show_live if animated(sys.stderr) else show_lines
