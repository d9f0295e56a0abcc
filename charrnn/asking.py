"""What may be asked of a training in Python: the settings by the names of the command's options, checked.

Whether they fit a text and each other is left to `training`.
"""

import math
import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypedDict

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import WrongUsageError
from charrnn.training.origin import origin_file

BUDGETS = ("minutes", "epochs", "steps")


class Settings(TypedDict, total=False):
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


USUAL = dict.fromkeys(Settings.__annotations__) | {"new": False, "device": "auto", "precision": "auto"}
"""what each is where it is left out"""
CHOICES = {"device": ("auto", "cpu", "cuda", "mps"), "precision": ("auto", "float32", "bfloat16")}
WHOLE = {"min_count": 1, "threads": 1, "sample_every": 0}
"""whole numbers, from this one on"""
ABOVE_ZERO = ("minutes", "epochs", "lr", "save_every", "val_fraction")


def options_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give all options of the command as these settings have them; raise CharrnnError for what cannot be.

    >>> options_of({"hiden": 8})
    Traceback (most recent call last):
    charrnn.errors.WrongUsageError: there is no setting 'hiden'
    hint: did you mean hidden?
    """
    for name in settings.keys() - USUAL.keys():
        near = get_close_matches(name, USUAL, n=1)
        raise WrongUsageError(f"there is no setting {name!r}", hint=f"did you mean {near[0]}?" if near else None)
    given = {name: value for name, value in settings.items() if value is not None}
    budgets = [name for name in BUDGETS if name in given]
    if len(budgets) > 1:
        raise WrongUsageError(f"only one of {' and '.join(budgets)} can be had")
    _see_that_they_can_be(given)
    options = USUAL | given
    origin = options.pop("from_")
    return options | {"from": None if origin is None else str(origin_file(Path(origin)))}


def _see_that_they_can_be(given: Mapping[str, Any]) -> None:
    """Have the records of a network and a training check what is theirs, and check the rest (CharrnnError)."""
    NetworkConfig(**_of(NetworkConfig, given))
    known = {
        name: value for name, value in _of(TrainingConfig, given).items() if (name, value) != ("precision", "auto")
    }
    TrainingConfig(**{"batch": 1, "length": 1, "lr": 1.0, **known})
    for name, choices in CHOICES.items():
        if given.get(name, "auto") not in choices:
            raise WrongUsageError(f"{name} is {given[name]!r}", hint=f"one of {', '.join(choices)}")
    for name, least in WHOLE.items():
        if name in given and not (type(given[name]) is int and given[name] >= least):
            raise WrongUsageError(f"{name} is {given[name]!r}: it must be a whole number ≥ {least}")
    for name in ABOVE_ZERO:
        if name in given and not (type(given[name]) in (int, float) and 0 < given[name] < math.inf):
            raise WrongUsageError(f"{name} is {given[name]!r}: it must be a number > 0")


def _of(record: type[NetworkConfig | TrainingConfig], given: Mapping[str, Any]) -> dict[str, Any]:
    """Pick out the settings that a record has."""
    return {name: given[name] for name in record.__dataclass_fields__ if name in given}
