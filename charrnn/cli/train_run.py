"""The body of `charrnn train`: start or resume a run, show its events, save it, and stop it on a signal.

This module imports torch.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from enum import Enum
from types import FrameType, TracebackType
from typing import Any, Self

from rich.console import Console

from charrnn.cli.error_handler import Stopped, exit_by_signal
from charrnn.cli.streams import write_output
from charrnn.cli.train_display import choose_display, failed_events_as_error, status_line
from charrnn.cli.train_messages import print_already_trained, print_header, print_ngram, print_summary
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.run_lock import RunLock
from charrnn.text.ngram import NGram
from charrnn.training.checkpointer import save_final
from charrnn.training.evaluation import ngram_baseline
from charrnn.training.events import Event, Pause, Result, SafePoint
from charrnn.training.fit import STOP_SIGNALS, TrainingResult, final_evaluation, fit, progress_start
from charrnn.training.new_run import Session
from charrnn.training.prepare import Prepared
from charrnn.training.resume import start_or_resume, write_config
from charrnn.training.train_options import TrainOptions
from charrnn.views.console import log_console, print_line
from charrnn.views.sanitize import can_animate, is_terminal
from charrnn.views.training_progress import ProgressState

# Signals: a stop signal stops training after the current step, a second one stops it immediately; SIGTSTP pauses it

PAUSE, CONTINUE = getattr(signal, "SIGTSTP", None), getattr(signal, "SIGCONT", None)


class SignalMode(Enum):
    """Effect of a stop signal."""

    RAISE = "raise Stopped immediately"
    DEFER = "remember the request until training can stop"


class SignalHandler:
    """Handler of the signals that stop or pause training; an ignored signal, or one that a library handles, stays so.

    The mode is RAISE, except in a `deferred()` block:

        enter       +-------+   enter deferred()   +-------+
        ----------->| RAISE |--------------------->| DEFER |
                    |       |<---------------------|       |
                    +-------+   leave deferred()   +-------+
        stop signal: raise Stopped                 stop signal: remember it, and print a message
                                                   second stop signal: print a message, end by the first signal
        SIGTSTP: pause immediately                 SIGTSTP: remember it
        (before the first deferred(): as usual)    second SIGTSTP: pause immediately

    `stop_when_requested` and `run_interruptible` handle the remembered requests; `clock` excludes pauses.
    """

    def __init__(self, print_stopping: Callable[[], None], print_killed: Callable[[], None]) -> None:
        self.stop_signal: int | None = None
        """the stop signal that was requested; None if there was none"""
        self._pause_requested = False
        self._mode = SignalMode.RAISE
        self._print_stopping, self._print_killed = print_stopping, print_killed
        self._paused_seconds, self._last_time = 0.0, time.monotonic()
        """total time in pauses, and the last time at which the process was known to run"""
        self._previous_handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._install(STOP_SIGNALS, self._handle_stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Defer signals in the block: requests are remembered until training can stop or pause."""
        self._install([number for number in (PAUSE, CONTINUE) if number is not None], self._handle_pause)
        self._mode = SignalMode.DEFER
        try:
            yield
        finally:
            self._mode = SignalMode.RAISE

    def stop_when_requested(self, events: Iterator[Event]) -> Iterator[Event]:
        """Yield events until a stop is requested; for a pause, yield a Pause event first."""
        for event in events:
            yield event
            if self._pause_requested:
                yield Pause()
                self._pause()
            if self.stop_signal is not None:
                return

    def run_interruptible(self, generator: Generator[SafePoint, None, Result]) -> Result:
        """Run a generator that can be interrupted at each step, and return its result (Stopped).

        If a stop is requested, the generator is closed, so that it cleans up before Stopped is raised.
        """
        with closing(generator):
            while True:
                try:
                    next(generator)
                except StopIteration as done:
                    self.raise_if_requested()
                    return done.value  # type: ignore[no-any-return]  # the generator's result
                if self._pause_requested:
                    self._pause()
                self.raise_if_requested()

    def raise_if_requested(self) -> None:
        """Raise Stopped if a stop is requested."""
        if self.stop_signal is not None:
            raise Stopped(self.stop_signal)

    def clock(self) -> float:
        """Return the time in seconds, excluding pauses."""
        self._last_time = time.monotonic()
        return self._last_time - self._paused_seconds

    def _install(self, numbers: Iterable[int], handler: Callable[[int, FrameType | None], None]) -> None:
        """Install a handler for signals that are not ignored, and have no handler that is not Python's (None)."""
        for number in numbers:
            if number not in self._previous_handlers and signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._previous_handlers[number] = signal.signal(number, handler)

    def _handle_stop(self, number: int, _frame: FrameType | None) -> None:
        """Handle a stop signal according to the mode."""
        if self._mode is SignalMode.RAISE:
            raise Stopped(number)
        if self.stop_signal is None:
            self.stop_signal = number
            self._print_stopping()
        else:
            self._print_killed()
            exit_by_signal(self.stop_signal)

    def _handle_pause(self, number: int, _frame: FrameType | None) -> None:
        """Handle SIGTSTP according to the mode; at SIGCONT, count the time of a pause that was not requested."""
        if number == CONTINUE:
            self._count_pause()
        elif self._mode is SignalMode.RAISE or self._pause_requested:
            self._pause()
        else:
            self._pause_requested = True

    def _pause(self) -> None:
        """Pause the process, as SIGTSTP does by default, until another process continues it."""
        assert PAUSE is not None
        self._pause_requested, self._last_time = False, time.monotonic()
        handler = signal.signal(PAUSE, signal.SIG_DFL)
        os.kill(os.getpid(), PAUSE)
        signal.signal(PAUSE, handler)
        self._count_pause()

    def _count_pause(self) -> None:
        """Count the time since the clock was last read as a pause."""
        now = time.monotonic()
        self._paused_seconds, self._last_time = self._paused_seconds + now - self._last_time, now


def write_raw(message: str) -> None:
    """Write a message from a signal handler, unbuffered; ignore a closed terminal."""
    with suppress(OSError):
        os.write(2, message.encode())


# The run

SHOW_CURSOR = "\x1b[?25h"  # ECMA-48


def run_training(prepared: Prepared, options: TrainOptions, origins: Mapping[str, str], *, start_time: float) -> None:
    """Start or resume a run, and train, show and save it (CharrnnError; Stopped if a signal requests it)."""
    directory = prepared.directory
    # Scripts read the path of the model. A terminal that is closed meanwhile is not recognized as one afterwards.
    is_script = sys.stdout is not None and not is_terminal(sys.stdout) and not options.as_json
    messages = _signal_messages(directory, options)
    with failed_events_as_error(directory, options), RunLock(directory) as lock, SignalHandler(*messages) as handler:
        _run(prepared, options, origins, start_time, lock, handler)
    if is_script:
        write_output(f"{directory.model}\n")


def _run(
    prepared: Prepared,
    options: TrainOptions,
    origins: Mapping[str, str],
    start_time: float,
    lock: RunLock,
    handler: SignalHandler,
) -> None:
    """Start or resume a run, and train, show and save it."""
    console = log_console()
    console.quiet = options.quiet
    with _message_if_stopped(console):
        is_new = prepared.sources is not None and prepared.counts is not None
        activity = "encoding the text, measuring the machine" if is_new else "reading the last checkpoint"
        with status_line(f"{activity} …", quiet=options.quiet):
            session = start_or_resume(prepared, options, lock)
        if session.finished:
            print_already_trained(session, console, options)
            return
        if not session.resumed:
            write_config(session, options, origins)
        print_header(session, console, options)
        with status_line("counting n-grams …", quiet=options.quiet):
            ngram = ngram_baseline(session.trainer, prepared.directory)
    result = _train(session, ngram, options, console, start_time, handler)
    print_summary(session, result, ngram, console, options)


@contextmanager
def _message_if_stopped(console: Console) -> Iterator[None]:
    """Print a message if a signal stops the block, which precedes the first step."""
    try:
        yield
    except Stopped:
        stopped = "stopped before the first step; nothing is lost · run the same command to continue"
        print_line(stopped, console)
        raise


def _signal_messages(directory: RunDirectory, options: TrainOptions) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return the functions that print the messages for the first and for the second stop signal."""
    # A newline would move the live display, which is redrawn from the position of the cursor.
    live = can_animate(sys.stderr) and not options.quiet

    def print_stopping() -> None:
        if not options.quiet:
            write_raw(f" stopping after this step (again to stop now){'' if live else chr(10)}")

    def print_killed() -> None:
        saved_step = directory.last_checkpoint_step()
        saved = "nothing was saved yet" if saved_step is None else f"the last save (step {saved_step:,}) is intact"
        write_raw(f"{SHOW_CURSOR if live else ''}\n{saved}\n")

    return print_stopping, print_killed


def _train(
    session: Session, ngram: NGram, options: TrainOptions, console: Console, start_time: float, handler: SignalHandler
) -> TrainingResult:
    """Train to the end of the plan and return the result; on a signal, save and print how to continue (Stopped)."""
    trainer, directory, seconds_before = session.trainer, session.directory, session.trainer.seconds
    try:
        with handler.deferred(), trainer.oom_as_error():
            _train_and_show(session, ngram, options, console, start_time, handler)
            handler.raise_if_requested()
            result = handler.run_interruptible(final_evaluation(trainer, directory))
    except Stopped:
        saved = f"saved step {trainer.step:,} in {directory.path} · run the same command to continue"
        print_line(saved, console)
        raise
    trainer.progress.record_time(seconds_before + handler.clock() - start_time)
    return result


def _train_and_show(
    session: Session, ngram: NGram, options: TrainOptions, console: Console, start_time: float, handler: SignalHandler
) -> None:
    """Train to the end of the plan or to a stop request, and show the events."""
    progress = ProgressState(**progress_start(session.trainer, start_time), ngram=ngram)
    events = fit(
        session,
        start_time=start_time,
        sample_every=options.sample_every,
        save_every=options.save_every,
        stop_filter=handler.stop_when_requested,
        clock=handler.clock,
    )
    try:
        print_ngram(ngram, console, options)
        choose_display(options)(events, progress, console, handler.clock)
    except OSError:
        # The reader of the events is gone. The weights are saved anyway.
        save_final(session.trainer, session.directory)
        handler.raise_if_requested()
        raise
