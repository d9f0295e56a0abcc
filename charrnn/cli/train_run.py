"""The body of `charrnn train`: start or resume a run, show its events, save it, and stop it on a signal.

This module imports torch.
"""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import click
from rich.console import Console

from charrnn.cli.error_handler import Stopped
from charrnn.cli.streams import write_output
from charrnn.cli.train_display import choose_display, failed_events_as_error, status_line
from charrnn.cli.train_messages import print_already_trained, print_header, print_summary
from charrnn.cli.train_signals import SignalHandler, write_raw
from charrnn.errors import CharrnnError, DivergedError, PeerLostError, ReplicasDifferError
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.run_lock import RunLock
from charrnn.training.checkpoint import save_checkpoint
from charrnn.training.checkpointer import save_final
from charrnn.training.coordination import Coordinator
from charrnn.training.device import choose_device, set_threads
from charrnn.training.events import Event
from charrnn.training.fit import TrainingResult, final_evaluation, fit, progress_start
from charrnn.training.new_run import Session
from charrnn.training.ngram_baseline import NGramBaseline
from charrnn.training.prepare import Prepared, run_directory
from charrnn.training.process_group import ProcessGroup, connect
from charrnn.training.replicas import (
    check_same_configuration,
    publish_configuration,
    receive_run,
    send_no_run,
    send_run,
)
from charrnn.training.resume import start_or_resume, write_config
from charrnn.training.train_options import TrainOptions
from charrnn.training.world import World
from charrnn.views.console import log_console, print_line
from charrnn.views.sanitize import can_animate, is_terminal
from charrnn.views.training_progress import ProgressState

# The run

SHOW_CURSOR = "\x1b[?25h"  # ECMA-48


@dataclass(frozen=True, kw_only=True)
class TrainCommand:
    """A `charrnn train` command."""

    options: TrainOptions
    group: ProcessGroup
    start_time: float
    """time of the clock when the command started"""
    origins: Mapping[str, str] = field(default_factory=dict)
    """origins of the options by their names"""


def run_training(prepared: Prepared, command: TrainCommand) -> None:
    """Start or resume a run, and train, show and save it (CharrnnError; Stopped if a signal requests it)."""
    directory, options, group = prepared.directory, command.options, command.group
    # Scripts read the path of the model. A terminal that is closed meanwhile is not recognized as one afterwards.
    is_script = sys.stdout is not None and not is_terminal(sys.stdout) and not options.as_json
    messages = _signal_messages(directory, options)
    with (
        _lost_peer_with_saved_step(directory, group.world),
        failed_events_as_error(directory, options),
        RunLock(directory) as lock,
        SignalHandler(*messages, coordinated=group.is_distributed) as handler,
    ):
        _run(prepared, command, lock, handler)
    if is_script:
        write_output(f"{directory.model}\n")


def _run(prepared: Prepared, command: TrainCommand, lock: RunLock, handler: SignalHandler) -> None:
    """Start or resume a run, and train, show and save it."""
    options, group = command.options, command.group
    console = log_console()
    console.quiet = options.quiet
    with _message_if_stopped(console):
        is_new = prepared.sources is not None and prepared.counts is not None
        activity = "encoding the text, measuring the machine" if is_new else "reading the last checkpoint"
        with status_line(f"{activity} …", quiet=options.quiet):
            session = start_or_resume(prepared, options, lock, group)
        if session.finished:
            print_already_trained(session, console, options)
            if group.is_distributed:
                send_no_run(group)
            return
        if not session.resumed:
            write_config(session, options, command.origins)
            if group.world.max_restarts:
                # After a restart, the run is resumed: the text may come from a pipe, and `--new` is not repeated.
                save_checkpoint(session.trainer, prepared.directory)
        baseline = NGramBaseline(session.trainer, prepared.directory)
        print_header(session, console, options)
        if group.is_distributed:
            send_run(session.trainer)
    result = _train(session, baseline, console, command, handler)
    print_summary(session, result, baseline.ngram, console, options)


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
    session: Session, baseline: NGramBaseline, console: Console, command: TrainCommand, handler: SignalHandler
) -> TrainingResult:
    """Train to the end of the plan and return the result; on a signal, save and print how to continue (Stopped)."""
    trainer, directory, seconds_before = session.trainer, session.directory, session.trainer.seconds
    progress = ProgressState(**progress_start(trainer, command.start_time))

    def show(events: Iterator[Event]) -> None:
        choose_display(command.options)(events, progress, console, handler.clock)

    try:
        result = _train_and_evaluate(session, show, command, handler, baseline)
    except Stopped:
        if handler.stop_signal is not None:
            saved = f"saved step {trainer.step:,} in {directory.path} · run the same command to continue"
            print_line(saved, console)
        raise
    trainer.progress.record_time(seconds_before + handler.clock() - command.start_time)
    return result


def _train_and_evaluate(
    session: Session,
    show: Callable[[Iterator[Event]], None],
    command: TrainCommand,
    handler: SignalHandler,
    baseline: NGramBaseline | None = None,
) -> TrainingResult:
    """Train to the end of the plan, show the events, and return the result of the final evaluation (Stopped)."""
    trainer, directory, options = session.trainer, session.directory, command.options
    coordinator = Coordinator(trainer, handler) if trainer.group.is_distributed else None

    def stop_filter(events: Iterator[Event]) -> Iterator[Event]:
        events = handler.stop_when_requested(events)
        return baseline.add_to(events) if baseline else events

    with handler.deferred(), trainer.oom_as_error():
        events = fit(
            session,
            start_time=command.start_time,
            sample_every=options.sample_every,
            save_every=options.save_every,
            stop_filter=stop_filter,
            clock=handler.clock,
            coordinator=coordinator,
        )
        try:
            show(events)
        except OSError:
            # The reader of the events is gone. The weights are saved anyway.
            _save_without_reader(session, events, handler)
            raise
        handler.raise_if_requested()
        evaluation = final_evaluation(trainer, directory)
        return handler.run_interruptible(coordinator.decide_within(evaluation) if coordinator else evaluation)


def _save_without_reader(session: Session, events: Iterator[Event], handler: SignalHandler) -> None:
    """Save a run whose events cannot be written, and raise Stopped if a signal requested a stop."""
    if not session.trainer.group.is_distributed:
        save_final(session.trainer, session.directory)
    else:
        # All processes stop and save at the same step.
        handler.requested = handler.requested or READER_GONE
        for _ in events:
            pass
    if handler.stop_signal != READER_GONE:
        handler.raise_if_requested()


# Several processes: rank 0 does the above, all others only train

READER_GONE = getattr(signal, "SIGPIPE", signal.SIGTERM).value
"""the stop signal by which all processes stop if rank 0 cannot write its events"""


def connect_main(options: TrainOptions, world: World) -> ProcessGroup:
    """Return the group of rank 0, connected to all processes; raise WrongUsageError if they do not fit together."""
    group = connect(world)
    check_same_configuration(group, options, choose_device(options.device, world))
    return group


def run_replica(options: TrainOptions, world: World, *, start_time: float) -> None:
    """Train a run that rank 0 starts, shows and saves (CharrnnError; Stopped if a signal requests it)."""
    set_threads(options.threads, world)
    device = choose_device(options.device, world)
    group = connect(world)
    publish_configuration(group, options, device)
    try:
        _train_replica(TrainCommand(options=options, group=group, start_time=start_time), device)
    except (DivergedError, ReplicasDifferError) as error:
        group.wait_for_end()
        raise click.exceptions.Exit(error.exit_code) from error
    except PeerLostError as error:
        raise click.exceptions.Exit(error.exit_code) from error


def _train_replica(command: TrainCommand, device: str) -> None:
    """Train a run that rank 0 sends."""
    directory = run_directory(command.options)
    trainer = receive_run(command.group, directory, device)
    if trainer is None:
        return
    session = Session(trainer=trainer, directory=directory, reason="")
    with SignalHandler(_print_nothing, _print_nothing, coordinated=True) as handler:
        try:
            _train_and_evaluate(session, _show_nothing, command, handler)
        except Stopped as stopped:
            if stopped.number != READER_GONE:
                raise


def _print_nothing() -> None:
    """Print no message; rank 0 prints it."""


def _show_nothing(events: Iterator[Event]) -> None:
    """Run the training; rank 0 shows it."""
    for _ in events:
        pass


@contextmanager
def _lost_peer_with_saved_step(directory: RunDirectory, world: World) -> Iterator[None]:
    """Name the saved step, and what follows, in the error of a training that another process has left."""
    try:
        yield
    except PeerLostError as error:
        step = directory.last_checkpoint_step()
        saved = "nothing was saved yet" if step is None else f"step {step:,} is saved in {directory.path}"
        hint = "torchrun restarts the training" if world.restarts < world.max_restarts else error.hint
        raise CharrnnError(f"{error.message}; {saved}", hint=hint) from error
