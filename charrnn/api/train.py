"""Training in the Python API: the same runs as `charrnn train`, with validated arguments and no output."""

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Literal, TypedDict, Unpack

from charrnn.api.model import TrainedModel, load
from charrnn.arguments import (
    check_names,
    choice,
    custom_separator,
    flag,
    number,
    path_name,
    system_errors,
    text,
    whole_number,
)
from charrnn.config import DocumentKind
from charrnn.errors import WrongUsageError
from charrnn.storage.run_directory import model_file_of
from charrnn.storage.run_lock import RunLock
from charrnn.storage.schema import Range, Text
from charrnn.training.checkpointer import save_final
from charrnn.training.evaluation import ngram_baseline
from charrnn.training.events import Event
from charrnn.training.fit import final_evaluation, fit
from charrnn.training.prepare import Prepared, prepare
from charrnn.training.resume import start_or_resume, write_config
from charrnn.training.train_options import BUDGETS, SETTINGS, TrainOptions

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
    cell: Literal["lstm", "gru", "rnn"] | None
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
    clip: float | None
    reset: float | None
    patience: float | None
    seed: int | None
    val_fraction: float | None
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
    check_names(settings, NAMES)
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
    if declaration.choices:
        return choice(value, name, declaration.choices)
    if isinstance(rule, Range) and kind is int:
        return whole_number(value, name, low=int(rule.low), high=int(rule.high))
    if isinstance(rule, Range):
        return number(value, name, low=rule.low, high=rule.high, low_excluded=rule.low_excluded)
    if kind is bool:
        return flag(value, name)
    if isinstance(rule, DocumentKind):
        custom_separator(text(value, name))
    return path_name(value, name) if isinstance(rule, Text) else text(value, name)


# Training, as a whole or event by event

Texts = str | os.PathLike[str]


def train(*texts: Texts, **settings: Unpack[TrainSettings]) -> TrainedModel:
    """Return a model trained on one or more text files, joined; without any, on Python's standard library.

    The settings are the options of `charrnn train`: `minutes=5`, `hidden=256`, `out="checkpoints/book"`, `new=True`;
    only `--from` is `from_`. Omitted settings are chosen to fit text and machine; the default budget is five minutes.
    Ctrl-C finishes the step, saves and raises KeyboardInterrupt; the same call then continues. A second Ctrl-C stops
    immediately. Raise CharrnnError for invalid settings and for a text that cannot be learned.

    >>> from pathlib import Path
    >>> _ = Path("letters.txt").write_text("abcdefghijklmnopqrstuvwxyz" * 40)
    >>> model = charrnn.train("letters.txt", steps=150, hidden=32, batch=8, length=16, out="run")
    >>> model.sample("abc", length=5, temperature=0)
    'defgh'
    """
    events = training_events(*texts, **settings)
    with _deferred_sigint() as interrupts:
        while not interrupts:
            try:
                next(events)
            except StopIteration as done:
                if not interrupts:
                    model: TrainedModel = done.value
                    return model
        events.close()
    raise KeyboardInterrupt


def training_events(*texts: Texts, **settings: Unpack[TrainSettings]) -> Generator[Event, None, TrainedModel]:
    """Yield the events of a training as they happen, and return the trained model; see `train`.

    The events are records of `charrnn.training.events`. Closing the generator before the end saves the training, and
    the same call continues it exactly. After Ctrl-C within a step, the last checkpoint remains. A finished training
    yields no events.

    >>> from pathlib import Path
    >>> from charrnn.training.events import Evaluation
    >>> _ = Path("letters.txt").write_text("abcdefghijklmnopqrstuvwxyz" * 40)
    >>> for event in charrnn.training_events("letters.txt", steps=20, hidden=8, batch=2, length=8, out="run"):
    ...     if isinstance(event, Evaluation) and event.step == 20:
    ...         print(event.step, event.improved)
    20 True
    """
    start_time = time.monotonic()
    names = tuple(path_name(text, "the name of a text") for text in texts)
    with system_errors():
        options = dataclasses.replace(validate_settings(settings), corpus=names)
        origins = {name.rstrip("_"): "Python" for name in settings}
        path = yield from _events(prepare(options), options, origins, start_time)
        return load(path)


def _events(
    prepared: Prepared, options: TrainOptions, origins: Mapping[str, str], start_time: float
) -> Generator[Event, None, Path]:
    """Yield the events of a training, and return the path of the model."""
    with RunLock(prepared.directory) as lock:
        session = start_or_resume(prepared, options, lock)
        trainer, directory = session.trainer, session.directory
        if not session.finished:
            if not session.resumed:
                write_config(session, options, origins)
            ngram_baseline(trainer, directory)
            sample_every, save_every = options.sample_every, options.save_every
            try:
                with trainer.oom_as_error():
                    yield from fit(session, start_time=start_time, sample_every=sample_every, save_every=save_every)
                    yield from final_evaluation(trainer, directory)
            except GeneratorExit:
                save_final(trainer, directory)
                raise
    return directory.model


@contextmanager
def _deferred_sigint() -> Iterator[list[int]]:
    """Defer the first Ctrl-C until the step is finished, and yield the list of deferred signals.

    Nothing is done outside of the main thread, or if SIGINT has another handler than Python's default.
    """
    deferred: list[int] = []

    def defer(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        deferred.append(number)

    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield deferred
        return
    signal.signal(signal.SIGINT, defer)
    try:
        yield deferred
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
