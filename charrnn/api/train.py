"""Training in the Python API: the same runs as `charrnn train`, with validated arguments; prints at most a bar."""

import dataclasses
import os
import signal
import threading
import time
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Literal, TypedDict, Unpack

from charrnn import arguments, resources
from charrnn.api.model import TrainedModel, load
from charrnn.config import DocumentKind
from charrnn.errors import WrongUsageError
from charrnn.storage.run_directory import model_file_of
from charrnn.storage.run_lock import RunLock
from charrnn.storage.schema import Range, Text
from charrnn.text.ngram import NGram
from charrnn.threads import one_numpy_thread
from charrnn.training.events import Event, TrainingWarning
from charrnn.training.prepare import Prepared, prepare
from charrnn.training.train_options import BUDGETS, SETTINGS, TrainOptions
from charrnn.views.training_progress import ProgressState
from charrnn.views.training_summary import show_progress

with resources.loading_torch() as SPIN_IS_SHORT:
    from charrnn.training.checkpointer import save_final
    from charrnn.training.device import choose_device, threads_at_most
    from charrnn.training.fit import default_stop_signals, final_evaluation, fit, progress_start
    from charrnn.training.ngram_baseline import NGramBaseline
    from charrnn.training.resume import start_or_resume, write_config

# Validation of the keyword arguments, which have the names of the command's options


class TrainSettings(TypedDict, total=False):
    """Keyword arguments of `train` for type checkers; a setting that is omitted or None is chosen automatically.

    Names, types and bounds are those of `training.train_options.SETTINGS`.
    """

    minutes: float | None
    epochs: float | None
    steps: int | None
    out: str | os.PathLike[str] | None
    from_: str | os.PathLike[str] | None
    new: bool
    include: Iterable[str] | None
    files_from: str | os.PathLike[str] | None
    cell: Literal["lstm", "gru", "rnn", "peephole", "cifg", "capped", "gru-reset-before"] | None
    layers: int | None
    hidden: int | None
    embedding: int | None
    dropout: float | None
    input_dropout: float | None
    weight_drop: float | None
    batch: int | None
    length: int | None
    lr: float | None
    warm_up: int | None
    final_lr: float | None
    weight_decay: float | None
    tar: float | None
    clip: float | None
    reset: float | None
    patience: float | None
    seed: int | None
    val_fraction: float | None
    val_split: Literal["auto", "end", "spread"]
    val_file: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None
    min_count: int | None
    documents: str | None
    """"line", "blank", "file", the literal text between two documents, or "/REGEX/", whose matches begin documents"""
    encoding: str | None
    device: Literal["auto", "cpu", "cuda", "mps"]
    precision: Literal["auto", "float32", "bfloat16"]
    threads: int | None
    sample_every: int | None
    save_every: float | None


NAMES = tuple(declaration.attribute for declaration in SETTINGS.values())
"""names of all keyword arguments"""


def validate_settings(settings: Mapping[str, Any]) -> TrainOptions:
    """Return the options of the command that have these values; raise CharrnnError for an invalid one.

    >>> validate_settings({"hiden": 8})
    Traceback (most recent call last):
    charrnn.errors.WrongUsageError: there is no setting 'hiden'
    hint: did you mean hidden?
    """
    arguments.check_names(settings, NAMES)
    given = {name: _validate(name, value) for name, value in settings.items() if value is not None}
    budgets = [name for name in BUDGETS if name in given]
    if len(budgets) > 1:
        raise WrongUsageError(f"only one of {' and '.join(budgets)} can be given")
    if "from_" in given:
        given["from_"] = str(model_file_of(Path(given["from_"])))
    return TrainOptions(**given)


def _validate(name: str, value: object) -> Any:
    """Return the plain value of a setting if it has the declared type and bounds (WrongUsageError)."""
    declaration = SETTINGS[name.rstrip("_")]
    kind, rule = declaration.kind, declaration.rule
    if declaration.multiple and isinstance(rule, Text):
        paths = [value] if isinstance(value, str | os.PathLike) else arguments.several(value, name)
        return tuple(arguments.path_name(path, name) for path in paths)
    if declaration.multiple:
        return arguments.texts(value, name)
    if declaration.choices:
        return arguments.choice(value, name, declaration.choices)
    if isinstance(rule, Range) and kind is int:
        return arguments.whole_number(value, name, low=int(rule.low), high=int(rule.high))
    if isinstance(rule, Range):
        return arguments.number(value, name, low=rule.low, high=rule.high, low_excluded=rule.low_excluded)
    if kind is bool:
        return arguments.flag(value, name)
    if isinstance(rule, DocumentKind):
        arguments.custom_separator(arguments.text(value, name))
    return arguments.path_name(value, name) if isinstance(rule, Text) else arguments.text(value, name)


# Training, as a whole or event by event

Texts = str | os.PathLike[str]


def train(*paths: Texts, progress: bool = False, **settings: Unpack[TrainSettings]) -> TrainedModel:
    """Return a model trained on text files, and on those in directories; without any, on Python's standard library.

    The settings are the options of `charrnn train`: `minutes=5`, `hidden=256`, `out="checkpoints/book"`, `new=True`;
    only `--from` is `from_`. Omitted settings are chosen to fit text and machine; the default budget is five minutes.
    With `progress`, a progress bar is shown in a notebook or on standard error; where no bar can be drawn, a line for
    each report. Raise CharrnnError for invalid settings and texts that cannot be learned; warn of other problems.

    Ctrl-C finishes the step, saves and raises KeyboardInterrupt; the same call then continues. A second Ctrl-C stops
    immediately. SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 save, then end the process, unless it handles or ignores them.

    Import this function before torch, or set the environment variable GOMP_SPINCOUNT=1000 before torch is imported:
    torch's waiting threads occupy their cores, by default so long that other programs make training ten times slower.

    >>> from pathlib import Path
    >>> _ = Path("letters.txt").write_text("abcdefghijklmnopqrstuvwxyz" * 40)
    >>> model = charrnn.train("letters.txt", steps=150, hidden=32, batch=8, length=16, out="run")
    >>> model.sample("abc", length=5, temperature=0)
    'defgh'
    """
    events = _training(paths, settings, progress=arguments.flag(progress, "progress"))
    with _deferred_signals() as interrupts:
        while not interrupts:
            try:
                event = next(events)
                if isinstance(event, TrainingWarning):
                    warnings.warn(event.message, stacklevel=2)
            except StopIteration as done:
                if not interrupts:
                    model: TrainedModel = done.value
                    return model
        events.close()
    signal.raise_signal(interrupts[0])
    raise KeyboardInterrupt


def training_events(*paths: Texts, **settings: Unpack[TrainSettings]) -> Generator[Event, None, TrainedModel]:
    """Yield the events of a training as they happen, and return the trained model; see `train`.

    The events are records of `charrnn.training.events`, which documents their order and their fields. Closing the
    generator before the end saves the training, and the same call continues it exactly. After Ctrl-C within a step,
    the last checkpoint remains. A finished training yields no events.

    >>> from pathlib import Path
    >>> from charrnn.training.events import Evaluation
    >>> _ = Path("letters.txt").write_text("abcdefghijklmnopqrstuvwxyz" * 40)
    >>> for event in charrnn.training_events("letters.txt", steps=20, hidden=8, batch=2, length=8, out="run"):
    ...     if isinstance(event, Evaluation) and event.step == 20:
    ...         print(event.step, event.improved)
    20 True
    """
    return (yield from _training(paths, settings))


def _training(
    paths: tuple[Texts, ...], settings: Mapping[str, Any], *, progress: bool = False
) -> Generator[Event, None, TrainedModel]:
    """Validate the settings, yield the events of a training, and return the trained model."""
    start_time = time.monotonic()
    names = tuple(arguments.path_name(path, "the name of a text") for path in paths)
    with arguments.system_errors():
        options = dataclasses.replace(validate_settings(settings), corpus=names)
        origins = {name.rstrip("_"): "Python" for name in settings}
        with _process_settings(options):
            path = yield from _events(prepare(options), options, origins, start_time, progress=progress)
        return load(path)


def _events(
    prepared: Prepared, options: TrainOptions, origins: Mapping[str, str], start_time: float, *, progress: bool
) -> Generator[Event, None, Path]:
    """Yield the events of a training, and return the path of the model."""
    with RunLock(prepared.directory) as lock:
        session = start_or_resume(prepared, options, lock)
        trainer, directory = session.trainer, session.directory
        if not session.finished:
            if not session.resumed:
                write_config(session, options, origins)
            baseline = NGramBaseline(trainer, directory)
            try:
                with trainer.oom_as_error():
                    events = fit(
                        session,
                        start_time=start_time,
                        sample_every=options.sample_every,
                        save_every=options.save_every,
                        stop_filter=baseline.add_to,
                    )
                    if progress:
                        state = ProgressState(**progress_start(trainer, start_time))
                        events = show_progress(events, state)
                    yield from (event for event in events if not isinstance(event, NGram))
                    yield from final_evaluation(trainer, directory)
            except GeneratorExit:
                save_final(trainer, directory)
                raise
    return directory.model


# The process: threads, memory and signals are configured as in `charrnn train`, and restored afterwards


@contextmanager
def _process_settings(options: TrainOptions) -> Iterator[None]:
    """Configure threads and memory for a training in the block."""
    resources.keep_freed_memory()
    try:
        with one_numpy_thread(), threads_at_most(_threads_without_spinning(options)):
            yield
    finally:
        resources.release_freed_memory()


def _threads_without_spinning(options: TrainOptions) -> int | None:
    """Return the number of idle cores if torch's threads spin and other programs need cores, with a warning."""
    if SPIN_IS_SHORT or options.threads is not None or choose_device(options.device) != "cpu":
        return None
    idle, cores = _max_idle_cores(), resources.available_cores()
    if idle == cores:
        return None
    warnings.warn(
        f"other programs use the cores, so this training uses {idle} of {cores}: torch was imported before "
        "charrnn.train, and its waiting threads occupy their cores. To use all cores, import charrnn.train first, or "
        "set the environment variable GOMP_SPINCOUNT=1000 before torch is imported.",
        stacklevel=6,  # the caller of `train`
    )
    return idle


def _max_idle_cores() -> int:
    """Return the largest of several numbers of idle cores, because other programs often run for a moment only."""
    counts = [resources.idle_cores()]
    for _ in range(4):
        time.sleep(0.01)
        counts.append(resources.idle_cores())
    return max(counts)


@contextmanager
def _deferred_signals() -> Iterator[list[int]]:
    """Defer the first signal that requests a stop until the step is finished, and yield the list of deferred signals.

    A second signal acts immediately. Nothing is done outside of the main thread, and for signals that are ignored or
    that the process handles.
    """
    deferred: list[int] = []
    before = default_stop_signals() if threading.current_thread() is threading.main_thread() else {}

    def restore() -> None:
        for stop, handler in before.items():
            signal.signal(stop, handler)

    def defer(number: int, _frame: FrameType | None) -> None:
        restore()
        deferred.append(number)

    for stop in before:
        signal.signal(stop, defer)
    try:
        yield deferred
    finally:
        restore()
