"""The body of `charrnn train`: start or resume a run, show its events, save it, and stop it on a signal.

This module imports torch.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self

from rich.console import Console

from charrnn.cli.error_handler import Stopped, die_of
from charrnn.cli.train_display import Show, show_json, show_lines, show_live, show_nothing, status_line
from charrnn.cli.train_messages import print_already_trained, print_header, print_ngram, print_summary
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.run_lock import RunLock
from charrnn.text.ngram import NGram
from charrnn.training.checkpointer import save_final
from charrnn.training.evaluation import ngram_baseline
from charrnn.training.events import Event, Pause, Result, SafePoint
from charrnn.training.fit import TrainingResult, final_evaluation, fit
from charrnn.training.new_run import Session
from charrnn.training.prepare import Prepared
from charrnn.training.resume import start_or_resume, write_config
from charrnn.training.train_options import TrainOptions
from charrnn.views.console import harmless_text, stderr_console
from charrnn.views.sanitize import can_animate
from charrnn.views.training_progress import ProgressState

# Signals: Ctrl-C, SIGTERM and SIGHUP end a training after the current step, a second one at once; Ctrl-Z pauses it

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
PAUSE, CONTINUE = getattr(signal, "SIGTSTP", None), getattr(signal, "SIGCONT", None)


class SignalHandler:
    """While entered, signals raise Stopped, or are put off until what goes on can be left; ignored ones stay ignored.

    `say` is called when one is put off, `say_at_once` when a second one ends the process.
    """

    def __init__(self, say: Callable[[], None], say_at_once: Callable[[], None]) -> None:
        self.asked: int | None = None
        """the signal that asked, or none yet"""
        self._say, self._say_at_once = say, say_at_once
        self._waits = self._pausing = False
        self._paused, self._seen = 0.0, time.monotonic()
        """seconds that the process stood still, and when it last did not"""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._take(SIGNALS, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Have signals only be remembered, for `stop_when_asked` to heed."""
        self._take([number for number in (PAUSE, CONTINUE) if number is not None], self._handle_pause)
        self._waits = True
        try:
            yield
        finally:
            self._waits = False

    def stop_when_asked(self, events: Iterator[Event]) -> Iterator[Event]:
        """Pass events through until somebody asks to stop; if it is to pause, say so with one more event before."""
        for event in events:
            yield event
            if self._pausing:
                yield Pause()
                self._pause()
            if self.asked is not None:
                return

    def run_interruptible(self, work: Generator[SafePoint, None, Result]) -> Result:
        """Do something long that may be left, and give what it comes to; raise Stopped if somebody asks to stop.

        What is left is closed: what it was in the middle of is cleared up before anything else is done.
        """
        with closing(work):
            while True:
                try:
                    next(work)
                except StopIteration as done:
                    self.raise_if_asked()
                    return done.value  # type: ignore[no-any-return]  # it is the work's
                if self._pausing:
                    self._pause()
                self.raise_if_asked()

    def raise_if_asked(self) -> None:
        """Raise Stopped if a signal was put off."""
        if self.asked is not None:
            raise Stopped(self.asked)

    def clock(self) -> float:
        """Tell the seconds, those left out in which the process stood still."""
        self._seen = time.monotonic()
        return self._seen - self._paused

    def _take(self, numbers: list[int], handler: Callable[[int, FrameType | None], None]) -> None:
        for number in numbers:
            if number not in self._before and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, handler)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        if not self._waits:
            raise Stopped(number)
        if self.asked is None:
            self.asked = number
            self._say()
        else:
            self._say_at_once()
            die_of(self.asked)

    def _handle_pause(self, number: int, _frame: FrameType | None) -> None:
        """Pause soon, or at once if asked again; or take note of what is past, if nobody asked before it."""
        if number == CONTINUE:
            self._count_pause()
        elif not self._waits or self._pausing:
            self._pause()
        else:
            self._pausing = True

    def _pause(self) -> None:
        """Stand still until somebody has the process go on."""
        assert PAUSE is not None
        self._pausing, self._seen = False, time.monotonic()
        handler = signal.signal(PAUSE, signal.SIG_DFL)
        os.kill(os.getpid(), PAUSE)
        signal.signal(PAUSE, handler)
        self._count_pause()

    def _count_pause(self) -> None:
        """Leave out what has passed since the clock was last looked at."""
        now = time.monotonic()
        self._paused, self._seen = self._paused + now - self._seen, now


def write_raw(words: str) -> None:
    """Say something from within a signal handler: past every buffer, and to nobody if the terminal is gone."""
    with suppress(OSError):
        os.write(2, words.encode())


# The training

SHOW_CURSOR = "\x1b[?25h"


def run_training(prepared: Prepared, options: TrainOptions, origins: Mapping[str, str], *, began: float) -> None:
    """Train: learn, show, save; raise CharrnnError for what the user can put right, Stopped if a signal asks to."""
    console = stderr_console()
    console.quiet = options.quiet
    directory = prepared.directory
    with RunLock(directory) as lock, SignalHandler(*_signal_messages(directory, options)) as handler:
        with _nothing_lost_message(console):
            beginning = prepared.sources is not None and prepared.counts is not None
            doing = "encoding the text, measuring the machine" if beginning else "reading the last checkpoint"
            with status_line(f"{doing} …", quiet=options.quiet):
                session = start_or_resume(prepared, options, lock)
            if session.finished:
                print_already_trained(session, console, options)
                return
            if not session.resumed:
                write_config(session, options, origins)
            print_header(session, console, options)
            with status_line("counting n-grams …", quiet=options.quiet):
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


def _signal_messages(directory: RunDirectory, options: TrainOptions) -> tuple[Callable[[], None], Callable[[], None]]:
    """Give what is said when a signal asks to stop, and when a second one does."""
    # A line end would move the live picture, which is drawn over from where it stands.
    live = can_animate(sys.stderr) and not options.quiet

    def say() -> None:
        if not options.quiet:
            write_raw(f" stopping after this step (again: at once){'' if live else chr(10)}")

    def say_at_once() -> None:
        last = directory.last_checkpoint_step()
        intact = "nothing was saved yet" if last is None else f"the last save (step {last:,}) is intact"
        write_raw(f"{SHOW_CURSOR if live else ''}\n{intact}\n")

    return say, say_at_once


def _train(
    session: Session, ngram: NGram, options: TrainOptions, console: Console, began: float, handler: SignalHandler
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
    trainer.progress.record_time(before + handler.clock() - began)
    return result


def _learn_and_show(
    session: Session, ngram: NGram, options: TrainOptions, console: Console, began: float, handler: SignalHandler
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
        sample_every=options.sample_every,
        save_every=options.save_every,
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


def _show(options: TrainOptions) -> Show:
    if options.as_json:
        return show_json
    if options.quiet:
        return show_nothing
    return show_live if can_animate(sys.stderr) else show_lines
