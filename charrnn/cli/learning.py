"""What `charrnn train` does once its options are known; here, and deeper, torch is imported."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from rich.console import Console

from charrnn.cli.failures import Stopped
from charrnn.cli.showing import Show, said_meanwhile, show_json, show_lines, show_live, show_nothing
from charrnn.cli.stopping import Stopping, tell
from charrnn.cli.telling import conclude, introduce, say_finished, say_what_to_beat
from charrnn.runs import RunDirectory
from charrnn.text.ngram import NGram
from charrnn.training.course import course
from charrnn.training.finish import Outcome, finish
from charrnn.training.lock import Lock
from charrnn.training.ngram import ngram_of
from charrnn.training.preparing import Prepared
from charrnn.training.saving import save_last
from charrnn.training.session import Session
from charrnn.training.settings import write_config
from charrnn.training.taking_up import take_up
from charrnn.views.harmless import harmless_text
from charrnn.views.terminal import animated, talk
from charrnn.views.training import Watch

Options = Mapping[str, Any]
SHOW_CURSOR = "\x1b[?25h"


def learn(
    prepared: Prepared, corpus: tuple[str, ...], options: Options, origins: Mapping[str, str], *, began: float
) -> None:
    """Train: learn, show, save; raise CharrnnError for what the user can put right, Stopped if a signal asks to."""
    console = talk()
    console.quiet = options["quiet"]
    directory = prepared.directory
    with Lock(directory) as lock, Stopping(*_sayings(directory, options)) as stopping:
        with _no_step_lost(console):
            beginning = prepared.sources is not None and prepared.found is not None
            doing = "encoding the text, measuring the machine" if beginning else "reading the last checkpoint"
            with said_meanwhile(f"{doing} …", quiet=options["quiet"]):
                session = take_up(prepared, options, lock)
            if session.finished:
                say_finished(session, console, options)
                return
            if not session.resumed:
                write_config(session, corpus, options, origins)
            introduce(session, console, options)
            with said_meanwhile("counting n-grams …", quiet=options["quiet"]):
                ngram = ngram_of(session.run, directory)
        outcome = _train(session, ngram, options, console, began, stopping)
        conclude(session, outcome, ngram, console, options)


@contextmanager
def _no_step_lost(console: Console) -> Iterator[None]:
    """Say of what is stopped here that nothing is lost by it."""
    try:
        yield
    except Stopped:
        stopped = "stopped before the first step; nothing is lost · run the same command to continue"
        _say_to_whoever_listens(stopped, console)
        raise


def _say_to_whoever_listens(words: str, console: Console) -> None:
    """Say something though the terminal may be gone."""
    with suppress(OSError):
        console.print(harmless_text(words, console), soft_wrap=True)


def _sayings(directory: RunDirectory, options: Options) -> tuple[Callable[[], None], Callable[[], None]]:
    """Give what is said when a signal asks to stop, and when a second one does."""
    # A line end would move the live picture, which is drawn over from where it stands.
    live = animated(sys.stderr) and not options["quiet"]

    def say() -> None:
        if not options["quiet"]:
            tell(f" stopping after this step (again: at once){'' if live else chr(10)}")

    def say_at_once() -> None:
        last = directory.last_saved()
        intact = "nothing was saved yet" if last is None else f"the last save (step {last:,}) is intact"
        tell(f"{SHOW_CURSOR if live else ''}\n{intact}\n")

    return say, say_at_once


def _train(
    session: Session, ngram: NGram, options: Options, console: Console, began: float, stopping: Stopping
) -> Outcome:
    """Learn to the end of the plan, and measure what came of it; on a signal save, and say how to go on (Stopped)."""
    run, directory, before = session.run, session.directory, session.run.seconds
    try:
        with stopping.put_off(), run.memory_told():
            _learn_and_show(session, ngram, options, console, began, stopping)
            stopping.heed()
            outcome = stopping.through(finish(run, directory))
    except Stopped:
        saved = f"saved step {run.step:,} in {directory.path} · run the same command to continue"
        _say_to_whoever_listens(saved, console)
        raise
    run.seconds = before + stopping.clock() - began
    return outcome


def _learn_and_show(
    session: Session, ngram: NGram, options: Options, console: Console, began: float, stopping: Stopping
) -> None:
    """Run the events through everything that keeps and shows them."""
    run, directory, minutes, clock = session.run, session.directory, session.run.training.minutes, stopping.clock
    watch = Watch(
        characters_per_step=run.training.batch * run.training.length,
        ngram=ngram,
        begins_at=run.step,
        planned=run.plan.steps,
        begun=run.plan.progress(run.step),
    )
    if minutes:
        watch.ends_at = began - run.seconds + 60 * minutes
    events = course(
        session,
        began=began,
        sample_every=options["sample_every"],
        save_every=options["save_every"],
        until=stopping.until,
        clock=clock,
    )
    try:
        say_what_to_beat(ngram, console, options)
        _show(options)(events, watch, console, clock)
    except (OSError, SystemExit):
        # Nobody listens any more: a closed pipe, a terminal that is gone. What was learned is kept all the same.
        save_last(run, directory)
        stopping.heed()
        raise


def _show(options: Options) -> Show:
    if options["as_json"]:
        return show_json
    if options["quiet"]:
        return show_nothing
    return show_live if animated(sys.stderr) else show_lines
