"""What may be asked of a training in Python: the settings by the names of the command's options, checked.

Whether they fit a text and each other is left to `training`.
"""

import os
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypedDict

from charrnn.arguments import LARGEST_SEED, choice, flag, number, path_name, text, whole_number
from charrnn.errors import WrongUsageError
from charrnn.training.origin import model_file_of

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
