"""Training in the Python API: the same runs as `charrnn train`, with validated arguments and no output."""

import os
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from types import FrameType
from typing import Any, Literal, TypedDict, Unpack

from charrnn.api.model import TrainedModel, load
from charrnn.arguments import LARGEST_SEED, choice, flag, number, path_name, system_errors, text, whole_number
from charrnn.errors import WrongUsageError
from charrnn.storage.run_directory import model_file_of
from charrnn.storage.run_lock import RunLock
from charrnn.training.checkpointer import save_final
from charrnn.training.evaluation import ngram_baseline
from charrnn.training.events import Event
from charrnn.training.fit import final_evaluation, fit
from charrnn.training.prepare import Prepared, prepare
from charrnn.training.resume import start_or_resume, write_config

# Validation of the keyword arguments, which have the names of the command's options

BUDGETS = ("minutes", "epochs", "steps")


class TrainSettings(TypedDict, total=False):
    """The settings of a training; what is left out, or None, is chosen to fit."""

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
    documents: Literal["line", "blank", "file"] | None
    encoding: str | None
    device: Literal["auto", "cpu", "cuda", "mps"]
    precision: Literal["auto", "float32", "bfloat16"]
    threads: int | None
    sample_every: int | None
    save_every: float | None


DEFAULTS = dict.fromkeys(TrainSettings.__annotations__) | {"new": False, "device": "auto", "precision": "auto"}
"""what each is where it is left out"""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "cell": ("lstm", "gru", "rnn"),
    "documents": ("line", "blank", "file"),
    "device": ("auto", "cpu", "cuda", "mps"),
    "precision": ("auto", "float32", "bfloat16"),
}
MIN_INTEGERS: Mapping[str, tuple[int, int]] = {
    "steps": (1, 10**12),
    "layers": (1, 64),
    "hidden": (1, 1_000_000),
    "embedding": (0, 65_536),
    "batch": (1, 65_536),
    "length": (1, 65_536),
    "warm_up": (0, 10**9),
    "seed": (0, LARGEST_SEED),
    "min_count": (1, 1_000_000),
    "threads": (1, 1024),
    "sample_every": (0, 10**12),
}
"""bounds of whole numbers, those of the command line"""
NUMBERS: Mapping[str, tuple[float, float]] = {
    "dropout": (0, 0.99),
    "input_dropout": (0, 0.99),
    "weight_drop": (0, 0.99),
    "final_lr": (0, 1),
    "weight_decay": (0, 10),
    "clip": (0, sys.float_info.max),
    "reset": (0, 1),
    "patience": (0, 1),
    "val_fraction": (0.001, 0.5),
}
"""bounds of other numbers"""
POSITIVE = ("minutes", "epochs", "lr", "save_every")


def validate_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give all options of the command as these settings have them; raise CharrnnError for what cannot be.

    >>> validate_settings({"hiden": 8})
    Traceback (most recent call last):
    charrnn.errors.WrongUsageError: there is no setting 'hiden'
    hint: did you mean hidden?
    """
    for name in settings.keys() - DEFAULTS.keys():
        near = get_close_matches(name, DEFAULTS, n=1)
        raise WrongUsageError(f"there is no setting {name!r}", hint=f"did you mean {near[0]}?" if near else None)
    given = {name: _checked(name, value) for name, value in settings.items() if value is not None}
    budgets = [name for name in BUDGETS if name in given]
    if len(budgets) > 1:
        raise WrongUsageError(f"only one of {' and '.join(budgets)} can be had")
    options: dict[str, Any] = DEFAULTS | given
    origin = options.pop("from_")
    return options | {"from": None if origin is None else str(model_file_of(Path(origin)))}


def _checked(name: str, value: object) -> str | float | bool:
    """Return the plain value of a setting (WrongUsageError)."""
    if name in MIN_INTEGERS:
        low, high = MIN_INTEGERS[name]
        return whole_number(value, name, low=low, high=high)
    if name in POSITIVE:
        return number(value, name, above=True)
    if name in NUMBERS:
        least, most = NUMBERS[name]
        return number(value, name, low=least, high=most)
    if name in CHOICES:
        return choice(value, name, CHOICES[name])
    if name == "encoding":
        return text(value, name)
    return flag(value, name) if name == "new" else path_name(value, name)


# Training, as a whole or event by event

Texts = str | os.PathLike[str]


def train(*texts: Texts, **settings: Unpack[TrainSettings]) -> TrainedModel:
    """Learn a text, or several joined, or Python's standard library; the same call goes on where it was stopped.

    The settings are the options of `charrnn train`: `minutes=5`, `hidden=256`, `out="checkpoints/book"`, `new=True`;
    only `--from` is `from_`. What is left out is chosen to fit, so without a budget it takes five minutes. Ctrl-C
    finishes the step, saves, and is raised; a second one ends it at once. CharrnnError for what cannot be learned.

    >>> from pathlib import Path
    >>> _ = Path("letters.txt").write_text("abcdefghijklmnopqrstuvwxyz" * 40)
    >>> model = charrnn.train("letters.txt", steps=150, hidden=32, batch=8, length=16, out="run")
    >>> model.sample("abc", length=5, temperature=0)
    'defgh'
    """
    learning = training_events(*texts, **settings)
    with _deferred_sigint() as interrupts:
        while not interrupts:
            try:
                next(learning)
            except StopIteration as done:
                if not interrupts:
                    model: TrainedModel = done.value
                    return model
        learning.close()
    raise KeyboardInterrupt


def training_events(*texts: Texts, **settings: Unpack[TrainSettings]) -> Generator[Event, None, TrainedModel]:
    """Learn as `train` does, giving what happens as it happens; the model is what the generator returns.

    The events are records of `charrnn.training.events`. Left before the end, at whatever event, it saves: the same
    call goes on exactly there. Ctrl-C within a step leaves what was saved last. A training that has come to its end
    already gives no event.

    >>> from pathlib import Path
    >>> from charrnn.training.events import Evaluation
    >>> _ = Path("letters.txt").write_text("abcdefghijklmnopqrstuvwxyz" * 40)
    >>> for event in charrnn.training_events("letters.txt", steps=20, hidden=8, batch=2, length=8, out="run"):
    ...     if isinstance(event, Evaluation) and event.step == 20:
    ...         print(event.step, event.improved)
    20 True
    """
    began = time.monotonic()
    names = tuple(path_name(text, "the name of a text") for text in texts)
    with system_errors():
        options = validate_settings(settings)
        origins = {name.rstrip("_"): "Python" for name in settings}
        path = yield from _events(prepare(names, options), names, options, origins, began)
        return load(path)


def _events(
    prepared: Prepared, names: tuple[str, ...], options: Mapping[str, Any], origins: Mapping[str, str], began: float
) -> Generator[Event, None, Path]:
    """Train, yielding what happens, and return the path of the model."""
    with RunLock(prepared.directory) as lock:
        session = start_or_resume(prepared, options, lock)
        trainer, directory = session.trainer, session.directory
        if not session.finished:
            if not session.resumed:
                write_config(session, names, options, origins)
            ngram_baseline(trainer, directory)
            every = {"sample_every": options["sample_every"], "save_every": options["save_every"]}
            try:
                with trainer.oom_as_error():
                    yield from fit(session, began=began, **every)
                    yield from final_evaluation(trainer, directory)
            except GeneratorExit:
                save_final(trainer, directory)
                raise
    return directory.model


@contextmanager
def _deferred_sigint() -> Iterator[list[int]]:
    """Have the first Ctrl-C only noted, for a step to be finished; where Python's own handler would be called."""
    noted: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        noted.append(number)

    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield noted
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
