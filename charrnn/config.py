"""Configuration records of a network and of its training, with every default.

Values that depend on the corpus or the machine are None here; `training.recipe` chooses them.
"""

import dataclasses
import reprlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from charrnn.errors import CharrnnError
from charrnn.storage.schema import Choice, Range, Share, check_fields

Dropout = Annotated[float, Range(0, 1, below=True)]
NonNegative = Annotated[float, Range(0, sys.float_info.max)]


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """A character-level recurrent network, the size of its alphabet aside."""

    cell: Annotated[str, Choice(("lstm", "gru", "rnn"), "cell")] = "lstm"
    """lstm, gru or rnn (tanh)"""
    layers: Annotated[int, Range(1, 64)] = 1
    """how many recurrent layers stand on each other"""
    hidden: Annotated[int, Range(1, 1_000_000)] = 512
    """units a layer"""
    embedding: Annotated[int, Range(0, 1_000_000)] = 64
    """width of a character's learned vector; 0: one-hot"""
    dropout: Dropout = 0.0
    """share of a layer's outputs zeroed while training, between layers and before the output"""
    input_dropout: Dropout = 0.0
    """share of a character's vector zeroed while training"""
    weight_drop: Dropout = 0.0
    """share of the recurrent weights left out of each window while training"""
    documents: Annotated[str, Choice(("line", "blank", "file"), "kind of documents")] | None = None
    """what its text is made of: line, blank or file, each read from a fresh state; None: its text is one"""

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Build a config from plain values, as a model file holds them; raise CharrnnError on a foreign key."""
        names = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - names)
        if unknown:
            raise CharrnnError(f"unknown setting {reprlib.repr(unknown[0])} for a network")
        return cls(**values)

    def to_mapping(self) -> dict[str, Any]:
        """Give the plain values, ready for JSON or YAML."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a network learns a text."""

    batch: Annotated[int, Range(1, 65_536)]
    """streams read side by side"""
    length: Annotated[int, Range(1, 65_536)]
    """characters a window: how far gradients flow back"""
    lr: NonNegative
    """learning rate of the recurrent weights at its highest, after the warm-up; `optimiser` relates others to it"""
    steps: Annotated[int, Range(1, 10**12)] | None = None
    """updates in all; None while a time budget has not been measured yet"""
    minutes: Annotated[float, Range(0, 10**12)] | None = None
    """time budget, from the command's start to its end"""
    warm_up: Annotated[int, Range(0, 10**9)] = 20
    """steps over which the learning rate rises from zero"""
    final_lr: Share = 0.02
    """share of `lr` left at the last step"""
    weight_decay: NonNegative = 0.02
    """AdamW's decay of the weight matrices, each at its own learning rate"""
    clip: NonNegative = 1.0
    """gradients whose norm is larger are scaled down to it; 0: never"""
    reset: Share = 0.01
    """chance that a stream's state is zeroed before a window, so that the zero state is known too"""
    patience: Share = 0.2
    """share of the training for which it may overfit before it is ended early; 0: never"""
    val_fraction: Share = 0.1
    """share of the text, its end, held out"""
    seed: Annotated[int, Range(0, 2**62)] = 0
    """where all chance comes from"""
    precision: Annotated[str, Choice(("float32", "bfloat16"), "precision")] = "float32"
    """float32 or bfloat16 (autocast; the weights stay float32)"""

    def __post_init__(self) -> None:
        check_fields(self)
