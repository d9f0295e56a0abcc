"""The records that say what a network is and how it is trained, each default in one place.

Values that depend on the corpus or the machine are None here and filled by `training.recipe`.
"""

import dataclasses
import reprlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from charrnn.errors import CharrnnError


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """A character-level recurrent network, the size of its alphabet aside."""

    cell: str = "lstm"
    """lstm, gru or rnn (tanh)"""
    layers: int = 1
    """how many recurrent layers stand on each other"""
    hidden: int = 512
    """units a layer"""
    embedding: int = 64
    """width of a character's learned vector; 0: one-hot"""
    dropout: float = 0.0
    """share of a layer's outputs zeroed while training, between layers and before the output"""
    input_dropout: float = 0.0
    """share of a character's vector zeroed while training"""
    weight_drop: float = 0.0
    """share of the recurrent weights left out of each window while training"""
    documents: str | None = None
    """what its text is made of: line, blank or file, each read from a fresh state; None: its text is one"""

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[int, int]] = {
            "layers": (1, 64),
            "hidden": (1, 1_000_000),
            "embedding": (0, 1_000_000),
        }
        if self.cell not in ("lstm", "gru", "rnn"):
            raise CharrnnError(f"unknown cell {reprlib.repr(self.cell)}", hint="one of lstm, gru, rnn")
        if self.documents not in (None, "line", "blank", "file"):
            raise CharrnnError(
                f"unknown kind of documents {reprlib.repr(self.documents)}", hint="one of line, blank, file"
            )
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise CharrnnError(
                    f"{name} is {reprlib.repr(value)}; it must be a whole number from {low} to {high:,}"
                )
        for name in ("dropout", "input_dropout", "weight_drop"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 <= value < 1:
                raise CharrnnError(f"{name} is {reprlib.repr(value)}; it must be a number from 0 up to, not with, 1")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Build a config from plain values, as a model file holds them; raise CharrnnError on a foreign key."""
        known = {field.name for field in dataclasses.fields(cls)}
        foreign = sorted(set(values) - known)
        if foreign:
            raise CharrnnError(f"unknown setting {reprlib.repr(foreign[0])} for a network")
        return cls(**values)

    def to_mapping(self) -> dict[str, Any]:
        """Give the plain values, ready for JSON or YAML."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a network learns a text."""

    batch: int
    """streams read side by side"""
    length: int
    """characters a window: how far gradients flow back"""
    lr: float
    """learning rate of the recurrent weights at its highest, after the warm-up; `optimiser` relates others to it"""
    steps: int | None = None
    """updates in all; None while a time budget has not been measured yet"""
    minutes: float | None = None
    """time budget, from the command's start to its end"""
    warm_up: int = 20
    """steps over which the learning rate rises from zero"""
    final_lr: float = 0.02
    """share of `lr` left at the last step"""
    weight_decay: float = 0.02
    """AdamW's decay of the weight matrices, each at its own learning rate"""
    clip: float = 1.0
    """gradients whose norm is larger are scaled down to it; 0: never"""
    reset: float = 0.01
    """chance that a stream's state is zeroed before a window, so that the zero state is known too"""
    patience: float = 0.2
    """share of the training for which it may overfit before it is ended early; 0: never"""
    val_fraction: float = 0.1
    """share of the text, its end, held out"""
    seed: int = 0
    """where all chance comes from"""
    precision: str = "float32"
    """float32 or bfloat16 (autocast; the weights stay float32)"""

    def __post_init__(self) -> None:
        for names, kinds, low, high in _BOUNDS:
            for name in names:
                value = getattr(self, name)
                if type(value) not in kinds or (value is not None and not low <= value <= high):
                    raise CharrnnError(f"{name} is {reprlib.repr(value)}; it must be from {low:g} to {high:g}")
        if self.precision not in ("float32", "bfloat16"):
            raise CharrnnError(f"unknown precision {reprlib.repr(self.precision)}", hint="float32 or bfloat16")


_NUMBER: tuple[type, ...] = (int, float)
_BOUNDS: tuple[tuple[tuple[str, ...], tuple[type, ...], float, float], ...] = (
    (("batch", "length"), (int,), 1, 65_536),
    (("steps",), (int, type(None)), 1, 1e12),
    (("minutes",), (*_NUMBER, type(None)), 0, sys.float_info.max),
    (("lr", "weight_decay", "clip"), _NUMBER, 0, sys.float_info.max),
    (("warm_up",), (int,), 0, 1e9),
    (("final_lr", "reset", "patience", "val_fraction"), _NUMBER, 0, 1),
    (("seed",), (int,), 0, 2**62),
)
"""settings, what they may be, and from where to where"""
