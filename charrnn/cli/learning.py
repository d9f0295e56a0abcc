"""What `charrnn train` does once its options are known; here, and deeper, torch is imported."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from rich.console import Console

from charrnn.cli.failures import Stopped
from charrnn.cli.showing import Show, show_json, show_lines, show_live, show_nothing, status_line
from charrnn.cli.stopping import SignalHandler, write_raw
from charrnn.cli.telling import print_already_trained, print_header, print_ngram, print_summary
from charrnn.runs import RunDirectory
from charrnn.text.ngram import NGram
from charrnn.training.course import fit
from charrnn.training.finish import TrainingResult, final_evaluation
from charrnn.training.lock import RunLock
from charrnn.training.ngram import ngram_baseline
from charrnn.training.preparing import Prepared
from charrnn.training.saving import save_final
from charrnn.training.session import Session
from charrnn.training.settings import write_config
from charrnn.training.taking_up import start_or_resume
from charrnn.views.harmless import harmless_text
from charrnn.views.terminal import can_animate, stderr_console
from charrnn.views.training import ProgressState

Options = Mapping[str, Any]
SHOW_CURSOR = "\x1b[?25h"


def run_training(
    prepared: Prepared, corpus: tuple[str, ...], options: Options, origins: Mapping[str, str], *, began: float
) -> None:
    """Train: learn, show, save; raise CharrnnError for what the user can put right, Stopped if a signal asks to."""
    console = stderr_console()
    console.quiet = options["quiet"]
    directory = prepared.directory
    with RunLock(directory) as lock, SignalHandler(*_signal_messages(directory, options)) as handler:
        with _nothing_lost_message(console):
            beginning = prepared.sources is not None and prepared.counts is not None
            doing = "encoding the text, measuring the machine" if beginning else "reading the last checkpoint"
            with status_line(f"{doing} …", quiet=options["quiet"]):
                session = start_or_resume(prepared, options, lock)
            if session.finished:
                print_already_trained(session, console, options)
                return
            if not session.resumed:
                write_config(session, corpus, options, origins)
            print_header(session, console, options)
            with status_line("counting n-grams …", quiet=options["quiet"]):
                ngram = ngram_baseline(session.trainer, directory)
        result = _train(session, ngram, options, console, began, handler)
        print_summary(session, result, ngram, console, options)


@contextmanager
def _nothing_lost_message(console: Console) -> Iterator[None]:
    """Say of what is stopped here that nothing is lost by it."""
    try:
        yield
    except Stopped:
        stopped = "stopped before the first step; nothing is lost · run the same command to continue"
        _say_if_possible(stopped, console)
        raise


def _say_if_possible(words: str, console: Console) -> None:
    """Say something though the terminal may be gone."""
    with suppress(OSError):
        console.print(harmless_text(words, console), soft_wrap=True)


def _signal_messages(directory: RunDirectory, options: Options) -> tuple[Callable[[], None], Callable[[], None]]:
    """Give what is said when a signal asks to stop, and when a second one does."""
    # A line end would move the live picture, which is drawn over from where it stands.
    live = can_animate(sys.stderr) and not options["quiet"]

    def say() -> None:
        if not options["quiet"]:
            write_raw(f" stopping after this step (again: at once){'' if live else chr(10)}")

    def say_at_once() -> None:
        last = directory.last_checkpoint_step()
        intact = "nothing was saved yet" if last is None else f"the last save (step {last:,}) is intact"
        write_raw(f"{SHOW_CURSOR if live else ''}\n{intact}\n")

    return say, say_at_once


def _train(
    session: Session, ngram: NGram, options: Options, console: Console, began: float, handler: SignalHandler
) -> TrainingResult:
    """Learn to the end of the plan, and measure what came of it; on a signal save, and say how to go on (Stopped)."""
    trainer, directory, before = session.trainer, session.directory, session.trainer.seconds
    try:
        with handler.deferred(), trainer.oom_as_error():
            _learn_and_show(session, ngram, options, console, began, handler)
            handler.raise_if_asked()
            result = handler.run_interruptible(final_evaluation(trainer, directory))
    except Stopped:
        saved = f"saved step {trainer.step:,} in {directory.path} · run the same command to continue"
        _say_if_possible(saved, console)
        raise
    trainer.seconds = before + handler.clock() - began
    return result


def _learn_and_show(
    session: Session, ngram: NGram, options: Options, console: Console, began: float, handler: SignalHandler
) -> None:
    """Run the events through everything that keeps and shows them."""
    trainer, directory, minutes, clock = (
        session.trainer,
        session.directory,
        session.trainer.training.minutes,
        handler.clock,
    )
    progress = ProgressState(
        characters_per_step=trainer.training.batch * trainer.training.length,
        ngram=ngram,
        first_step=trainer.step,
        initial_steps=trainer.plan.steps,
        initial_progress=trainer.plan.progress(trainer.step),
    )
    if minutes:
        progress.ends_at = began - trainer.seconds + 60 * minutes
    events = fit(
        session,
        began=began,
        sample_every=options["sample_every"],
        save_every=options["save_every"],
        until=handler.stop_when_asked,
        clock=clock,
    )
    try:
        print_ngram(ngram, console, options)
        _show(options)(events, progress, console, clock)
    except (OSError, SystemExit):
        # Nobody listens any more: a closed pipe, a terminal that is gone. What was learned is kept all the same.
        save_final(trainer, directory)
        handler.raise_if_asked()
        raise


def _show(options: Options) -> Show:
    if options["as_json"]:
        return show_json
    if options["quiet"]:
        return show_nothing
    return show_live if can_animate(sys.stderr) else show_lines
