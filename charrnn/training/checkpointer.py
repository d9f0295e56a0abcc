"""The checkpointer: when a run is saved, while its events pass and at their end, and what happens if saving fails."""

import errno
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from charrnn.errors import CharrnnError, DivergedError, os_reason
from charrnn.storage.atomic_file import new_directory, remove_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.run_lock import LockLostError, check_lock
from charrnn.text import corpus as corpora
from charrnn.training.checkpoint import save_best_model, save_checkpoint, size_bytes
from charrnn.training.checkpoint_file import step_of
from charrnn.training.checkpoint_retention import make_room, newest_good
from charrnn.training.evaluation import FinalLosses
from charrnn.training.events import Evaluation, Event, Step, TrainingWarning
from charrnn.training.train_options import DEFAULT_SAVE_SECONDS
from charrnn.training.trainer import Trainer

# Saving elsewhere, when the directory may belong to another training, so that neither run is lost


def rescued(trainer: Trainer, error: LockLostError) -> CharrnnError:
    """Write the run, with its text, into a new directory and return the error that says where it is."""
    failure = f"could not save step {trainer.step:,}: {error.message}"
    trainer.bookkeeping.mark_final_evaluation(False)
    for place in (Path(tempfile.gettempdir()), Path.home()):
        with suppress(OSError, MemoryError):
            path = _written_into_new(place, trainer)
            return CharrnnError(
                f"{failure}; the run is in {path}", hint=f"the same command with `--out {path}` continues it"
            )
    return CharrnnError(f"{failure}; it could not be saved elsewhere either")


def _written_into_new(place: Path, trainer: Trainer) -> Path:
    """Write text and checkpoint into a new directory and return it; if that fails, leave nothing (OSError)."""
    directory = RunDirectory(new_directory(place))
    try:
        corpora.rewrite_files(trainer.corpus, directory.corpus)
        save_checkpoint(trainer, directory)
    except BaseException:
        for path in (*directory.checkpoints(), directory.corpus, directory.description):
            remove_file(path)
        directory.path.rmdir()
        raise
    return directory.path


# When and how

MAX_TIME_FRACTION = 0.02
"""the most that saving may cost, unless it is asked for more often: a file that takes long is written more rarely"""
DISK_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""errors that removing other files can help against"""
Clock = Callable[[], float]


def save_on_the_way(
    events: Iterator[Event],
    trainer: Trainer,
    directory: RunDirectory,
    *,
    every_seconds: float | None = None,
    clock: Clock = time.monotonic,
) -> Iterator[Event]:
    """Pass events through and save the run: now and then, when it is better than ever, and at the end.

    `every_seconds`: None: every minute, or more rarely where saving takes long. A save that fails on the way is told
    as Trouble, and training goes on; at the end it raises CharrnnError.
    """
    saves = _SavePolicy(trainer, directory, every_seconds, clock)
    try:
        for event in events:
            yield event
            yield from saves.after(event)
    except DivergedError as error:
        raise _with_resume_hint(error, trainer, directory) from error
    except LockLostError as error:
        raise rescued(trainer, error) from error
    save_final(trainer, directory, model=saves.model_is_old)


class _SavePolicy:
    """Decides after each event whether it is time to save, and does it."""

    def __init__(self, trainer: Trainer, directory: RunDirectory, every_seconds: float | None, clock: Clock) -> None:
        self.model_is_old = True
        """or might be: a process that was killed may not have come to writing it"""
        self._run, self._directory, self._every, self._clock = trainer, directory, every_seconds, clock
        self._saved_at = clock()
        self._cost = 0.0
        """seconds that the last save took"""
        self._improved = False

    def after(self, event: Event) -> Iterator[TrainingWarning]:
        """Save if it is time to; what goes wrong is told."""
        if isinstance(event, Evaluation) and event.improved:
            self.model_is_old = self._improved = True
        if not isinstance(event, (Step, Evaluation)) or not self._is_due():
            return
        began = self._clock()
        try:
            if recreate_directory(self._run, self._directory):
                yield TrainingWarning(
                    step=self._run.step, message=f"{self._directory.path} was gone; it was made again"
                )
            # A model is never there without a checkpoint, or the run could not be gone on with.
            save_checkpoint(self._run, self._directory)
            if self.model_is_old:
                save_best_model(self._run, self._directory)
            self.model_is_old = self._improved = False
        except (OSError, MemoryError) as error:
            yield TrainingWarning(step=self._run.step, message=f"{_failure(self._run, error)}; will try again")
        self._saved_at = self._clock()
        self._cost = self._saved_at - began

    def _is_due(self) -> bool:
        """Tell whether it is time; for better weights as soon as the share of time allows."""
        affordable = self._cost / MAX_TIME_FRACTION
        every = max(DEFAULT_SAVE_SECONDS, affordable) if self._every is None else self._every
        return self._clock() - self._saved_at >= (min(every, affordable) if self._improved else every)


def save_final(
    trainer: Trainer, directory: RunDirectory, *, model: bool = True, losses: FinalLosses | None = None
) -> None:
    """Write the last checkpoint and, if it is not there, the model; with its `losses` losses the run is concluded.

    Where the directory is gone it is made again, where the disk is full all checkpoints but the newest good one make
    room; where that does not help, the checkpoint goes elsewhere, and the error says where (CharrnnError).
    """
    try:
        recreate_directory(trainer, directory)
        try:
            _save_both(trainer, directory, model=model, losses=losses)
        except OSError as error:
            if error.errno in NO_ROOM:
                make_room(trainer, directory)
            _save_both(trainer, directory, model=model, losses=losses)
    except LockLostError as error:
        raise rescued(trainer, error) from error
    except (OSError, MemoryError) as error:
        raise _save_elsewhere(trainer, directory, error) from error


def recreate_directory(trainer: Trainer, directory: RunDirectory) -> bool:
    """See that the run's directory is there; if somebody removed it, make it, with the text in it (OSError).

    Raise LockLostError if another process may have begun to train there.
    """
    was_there = directory.path.is_dir()
    if not was_there:
        directory.path.mkdir(parents=True)
        corpora.rewrite_files(trainer.corpus)
    check_lock(directory.path)
    return not was_there


def _save_both(trainer: Trainer, directory: RunDirectory, *, model: bool, losses: FinalLosses | None) -> None:
    if losses is None:
        save_checkpoint(trainer, directory)
    if model:
        save_best_model(trainer, directory, losses=losses)
    if losses is not None:
        # Only with the model in its place is there nothing left to do.
        trainer.bookkeeping.mark_final_evaluation(True)
        save_checkpoint(trainer, directory)


def _save_elsewhere(trainer: Trainer, directory: RunDirectory, error: OSError | MemoryError) -> CharrnnError:
    """Write the checkpoint where there may be room, and say where, and how to go on from it."""
    trainer.bookkeeping.mark_final_evaluation(False)
    last, failure = _last_good_step(trainer, directory), _failure(trainer, error, directory)
    if last == trainer.step:
        return CharrnnError(f"{failure}; its checkpoint is whole", hint="make room, then the same command continues")
    for place in (Path(tempfile.gettempdir()), Path.home()):
        with suppress(OSError, MemoryError):
            path = _save_into(place, trainer)
            return CharrnnError(
                f"{failure}; it is in {path}",
                hint=f"make room, `mv {path} {directory.path}/`, then the same command continues",
            )
    return CharrnnError(f"{failure}, nor elsewhere" + ("" if last is None else f"; step {last:,} is there"))


def _save_into(place: Path, trainer: Trainer) -> Path:
    """Write the checkpoint into a new directory; if that fails nothing stays of it (OSError)."""
    directory = new_directory(place)
    try:
        return save_checkpoint(trainer, RunDirectory(directory))
    except BaseException:
        for left in RunDirectory(directory).checkpoints():
            remove_file(left)
        directory.rmdir()
        raise


def _last_good_step(trainer: Trainer, directory: RunDirectory) -> int | None:
    """Return the step of the newest good checkpoint, from which the same command continues; None if there is none."""
    newest = newest_good(trainer, directory)
    return None if newest is None else step_of(newest)


def _failure(trainer: Trainer, error: OSError | MemoryError, directory: RunDirectory | None = None) -> str:
    """Say what could not be saved, and why."""
    why = os_reason(error) if isinstance(error, OSError) else "out of memory"
    full = isinstance(error, OSError) and error.errno in DISK_FULL_ERRORS
    needed = f" (needs {size_bytes(trainer) / 1e6:,.1f} MB)" if full else ""
    where = f" in {directory.path}" if directory else ""
    return f"could not save step {trainer.step:,}{where}: {why}{needed}"


def _with_resume_hint(error: DivergedError, trainer: Trainer, directory: RunDirectory) -> DivergedError:
    """Say from where a lower learning rate would go on."""
    last = _last_good_step(trainer, directory)
    if last is None:
        return error
    rate = f"{trainer.training.lr / 10:.2g}"
    return DivergedError(error.message, hint=f"the same command with `--lr {rate}` continues from step {last:,}")
