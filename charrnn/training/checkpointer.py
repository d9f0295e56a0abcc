"""Saving of a run during and after training, and in another directory if that fails."""

import errno
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from charrnn.errors import CharrnnError, DivergedError, os_reason
from charrnn.storage.atomic_file import new_directory, remove_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.run_lock import LockLostError, check_lock, remember_recreated
from charrnn.text import corpus as corpora
from charrnn.training.checkpoint import free_space, newest_good, save_best_model, save_checkpoint, size_bytes
from charrnn.training.checkpoint_file import step_of
from charrnn.training.coordination import Coordinator
from charrnn.training.evaluation import FinalLosses
from charrnn.training.events import Evaluation, Event, Step, TrainingWarning
from charrnn.training.replicas import gather_for_save
from charrnn.training.train_options import DEFAULT_SAVE_SECONDS
from charrnn.training.trainer import Trainer

# Saving elsewhere if the directory may belong to another training, so that neither run is lost


def save_run_elsewhere(trainer: Trainer, error: LockLostError) -> CharrnnError:
    """Write the run with its text into a new directory, and return the error that names the directory."""
    failure = f"could not save step {trainer.step:,}: {error.message}"
    trainer.bookkeeping.mark_final_evaluation(False)
    for parent in (Path(tempfile.gettempdir()), Path.home()):
        with suppress(OSError, MemoryError):
            path = _save_run_into_new(parent, trainer)
            return CharrnnError(
                f"{failure}; the run is in {path}", hint=f"the same command with `--out {path}` continues it"
            )
    return CharrnnError(f"{failure}; it could not be saved in another directory either")


def _save_run_into_new(parent: Path, trainer: Trainer) -> Path:
    """Write text and checkpoint into a new directory and return its path; leave nothing on failure (OSError)."""
    directory = RunDirectory(new_directory(parent))
    try:
        corpora.rewrite_files(trainer.corpus, directory.corpus)
        save_checkpoint(trainer, directory)
    except BaseException:
        for path in (*directory.checkpoints(), directory.corpus, directory.description):
            remove_file(path)
        directory.path.rmdir()
        raise
    return directory.path


# When and how a run is saved

MAX_TIME_FRACTION = 0.02
"""maximum fraction of the training time that saving takes by default; slow saves are made less often"""
DISK_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""errors whose message includes the size of the checkpoint"""
NO_SPACE_ERRORS = (errno.ENOSPC, errno.EDQUOT)
"""errors that can be resolved by removing old checkpoints"""
Clock = Callable[[], float]


def save_during_training(
    events: Iterator[Event],
    trainer: Trainer,
    directory: RunDirectory,
    *,
    every_seconds: float | None = None,
    clock: Clock = time.monotonic,
    coordinator: Coordinator | None = None,
) -> Iterator[Event]:
    """Pass events through and save the run: at intervals, after an improvement, and at the end.

    `every_seconds` is the interval; None: a minute, or longer if saving is slow. A save that fails yields a warning,
    and training continues; the last save raises CharrnnError. Several processes agree on each save by a
    `coordinator`; rank 0 writes the files.
    """
    policy = _SavePolicy(trainer, directory, every_seconds, clock)
    if coordinator:
        policy.follow(coordinator)
    try:
        for event in events:
            yield event
            yield from policy.after(event)
    except DivergedError as error:
        raise _with_resume_hint(error, trainer, directory) from error
    except LockLostError as error:
        raise save_run_elsewhere(trainer, error) from error
    gather_for_save(trainer)
    save_final(trainer, directory, model=policy.model_is_outdated)
    # torchrun would end rank 0 during the save if another process exited before.
    trainer.group.all_agree(True)


class _SavePolicy:
    """Decides after each event whether a save is due, and saves the run."""

    def __init__(self, trainer: Trainer, directory: RunDirectory, every_seconds: float | None, clock: Clock) -> None:
        self.model_is_outdated = True
        """whether the model file may be older than the best weights, as after a run that was killed"""
        self._trainer, self._directory, self._every, self._clock = trainer, directory, every_seconds, clock
        self._saved_at = clock()
        self._cost = 0.0
        """duration of the last save in seconds"""
        self._improved = False
        """whether there are better weights than those saved last"""
        self._should_save = self._is_due

    def follow(self, coordinator: Coordinator) -> None:
        """Save when all processes agree on it, which rank 0 requests when a save is due."""
        if self._trainer.group.is_main:
            coordinator.save_is_due = self._is_due
        self._should_save = lambda: coordinator.saves_now

    def after(self, event: Event) -> Iterator[TrainingWarning]:
        """Save the run if a save is due; yield a warning for each problem."""
        if isinstance(event, Evaluation) and event.improved:
            self.model_is_outdated = self._improved = True
        if not isinstance(event, (Step, Evaluation)) or not self._should_save():
            return
        start_time = self._clock()
        gather_for_save(self._trainer)
        if not self._trainer.group.is_main:
            return
        try:
            if recreate_directory(self._trainer, self._directory):
                yield TrainingWarning(
                    step=self._trainer.step, message=f"{self._directory.path} was removed; it was created again"
                )
            # The checkpoint comes first: with a model but no checkpoint the run could not be resumed.
            save_checkpoint(self._trainer, self._directory)
            if self.model_is_outdated:
                save_best_model(self._trainer, self._directory)
            self.model_is_outdated = self._improved = False
        except (OSError, MemoryError) as error:
            yield TrainingWarning(
                step=self._trainer.step, message=f"{_failure(self._trainer, error)}; will try again"
            )
        self._saved_at = self._clock()
        self._cost = self._saved_at - start_time

    def _is_due(self) -> bool:
        """Return whether a save is due: after the interval, or for better weights once MAX_TIME_FRACTION allows."""
        affordable = self._cost / MAX_TIME_FRACTION
        every = max(DEFAULT_SAVE_SECONDS, affordable) if self._every is None else self._every
        return self._clock() - self._saved_at >= (min(every, affordable) if self._improved else every)


def save_final(
    trainer: Trainer, directory: RunDirectory, *, model: bool = True, losses: FinalLosses | None = None
) -> None:
    """Write the last checkpoint and, if `model`, the model; with final `losses`, mark the run as evaluated.

    A missing directory is created again. On a full disk, all checkpoints but the newest good one are removed. If that
    does not help, the checkpoint is written into another directory, which the error names (CharrnnError).
    Of several processes, only rank 0 writes.
    """
    if not trainer.group.is_main:
        return
    try:
        recreate_directory(trainer, directory)
        try:
            _save_both(trainer, directory, model=model, losses=losses)
        except OSError as error:
            if error.errno in NO_SPACE_ERRORS:
                free_space(trainer, directory)
            _save_both(trainer, directory, model=model, losses=losses)
    except LockLostError as error:
        raise save_run_elsewhere(trainer, error) from error
    except (OSError, MemoryError) as error:
        raise _save_elsewhere(trainer, directory, error) from error


def recreate_directory(trainer: Trainer, directory: RunDirectory) -> bool:
    """Create the run's directory with its text if it was removed; return whether it was (OSError).

    Raise LockLostError if another process may have started to train there.
    """
    existed = directory.path.is_dir()
    if not existed:
        directory.path.mkdir(parents=True)
        remember_recreated(directory.path)
    check_lock(directory.path)
    if not existed:
        corpora.rewrite_files(trainer.corpus)
    return not existed


def _save_both(trainer: Trainer, directory: RunDirectory, *, model: bool, losses: FinalLosses | None) -> None:
    """Write the checkpoint and the model, in an order that keeps the run resumable if one fails (OSError)."""
    if losses is None:
        save_checkpoint(trainer, directory)
    if model:
        save_best_model(trainer, directory, losses=losses)
    if losses is not None:
        # The run is complete only after the model is written.
        trainer.bookkeeping.mark_final_evaluation(True)
        save_checkpoint(trainer, directory)


def _save_elsewhere(trainer: Trainer, directory: RunDirectory, error: OSError | MemoryError) -> CharrnnError:
    """Write the checkpoint into another directory, and return the error that names its path."""
    trainer.bookkeeping.mark_final_evaluation(False)
    last, failure = _last_good_step(trainer, directory), _failure(trainer, error, directory)
    if last == trainer.step:
        return CharrnnError(
            f"{failure}; its checkpoint is complete", hint="free some space, then the same command continues"
        )
    for parent in (Path(tempfile.gettempdir()), Path.home()):
        with suppress(OSError, MemoryError):
            path = _save_checkpoint_into_new(parent, trainer)
            return CharrnnError(
                f"{failure}; its checkpoint is in {path}",
                hint=f"free some space, `mv {path} {directory.path}/`, then the same command continues",
            )
    return CharrnnError(
        f"{failure}; saving in another directory failed, too" + ("" if last is None else f"; step {last:,} is saved")
    )


def _save_checkpoint_into_new(parent: Path, trainer: Trainer) -> Path:
    """Write the checkpoint into a new directory and return its path; leave nothing on failure (OSError)."""
    directory = new_directory(parent)
    try:
        return save_checkpoint(trainer, RunDirectory(directory))
    except BaseException:
        for path in RunDirectory(directory).checkpoints():
            remove_file(path)
        directory.rmdir()
        raise


def _last_good_step(trainer: Trainer, directory: RunDirectory) -> int | None:
    """Return the step of the newest good checkpoint, from which the same command continues; None if there is none."""
    newest = newest_good(trainer, directory)
    return None if newest is None else step_of(newest)


def _failure(trainer: Trainer, error: OSError | MemoryError, directory: RunDirectory | None = None) -> str:
    """Return the message that names the step that could not be saved, and why."""
    reason = os_reason(error) if isinstance(error, OSError) else "out of memory"
    is_full = isinstance(error, OSError) and error.errno in DISK_FULL_ERRORS
    needed = f" (needs {size_bytes(trainer) / 1e6:,.1f} MB)" if is_full else ""
    where = f" in {directory.path}" if directory else ""
    return f"could not save step {trainer.step:,}{where}: {reason}{needed}"


def _with_resume_hint(error: DivergedError, trainer: Trainer, directory: RunDirectory) -> DivergedError:
    """Return the error with a hint that names the step from which a lower learning rate would continue."""
    last = _last_good_step(trainer, directory)
    if last is None:
        return error
    rate = f"{trainer.training.lr / 10:.2g}"
    return DivergedError(error.message, hint=f"the same command with `--lr {rate}` continues from step {last:,}")
