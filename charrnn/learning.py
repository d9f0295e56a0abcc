"""Learns a text for Python: begun, gone on with and saved as `charrnn train` does it, and nothing printed.

How it is done is left to `training`, what may be asked for to `asking`; what comes of it is a `trained` model.
"""

import os
import signal
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Unpack

from charrnn.arguments import path_name, system_errors
from charrnn.asking import TrainSettings, validate_settings
from charrnn.loading import load
from charrnn.trained import TrainedModel
from charrnn.training.course import fit
from charrnn.training.events import Event
from charrnn.training.finish import final_evaluation
from charrnn.training.lock import RunLock
from charrnn.training.ngram import ngram_baseline
from charrnn.training.preparing import Prepared, prepare
from charrnn.training.saving import save_final
from charrnn.training.settings import write_config
from charrnn.training.taking_up import start_or_resume

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
