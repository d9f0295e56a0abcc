"""Configuration records of a network and its training, which declare each hyperparameter once.

The field of a hyperparameter has its name, type, bounds and default, and in its metadata a `Setting` with everything
else. `training.train_options` derives the command-line options, the keys of `--config`, the checks of the Python API
and the lists of setting names. Values that depend on the corpus or the machine are None here; `training.recipe`
chooses them.
"""

import dataclasses
import reprlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, Self

from charrnn.arguments import LARGEST_SEED, custom_separator
from charrnn.errors import CharrnnError
from charrnn.storage.schema import Choice, Range, Share, check_fields

DEFAULT_MINUTES = 5.0
"""time budget of a training for which no budget is given"""

Dropout = Annotated[float, Range(0, 0.99)]
NonNegative = Annotated[float, Range(0, sys.float_info.max)]
Positive = Annotated[float, Range(0, sys.float_info.max, low_excluded=True)]


class DocumentKind(NamedTuple):
    """The kinds of documents: built-in ones, a literal separator, or a pattern."""

    def check(self, value: str, name: str) -> None:  # noqa: ARG002 - the signature of a rule
        """Raise WrongUsageError unless the string is a kind of documents."""
        custom_separator(value)


# The declaration of a setting


class Setting(NamedTuple):
    """Properties of a setting beyond name, type, bounds and default.

    A NamedTuple is created faster than a dataclass, which matters for the help.
    """

    help_text: str
    """description in the help of the command; `{default}` stands for the default"""
    section: str
    """part of the help: common, network, training, machine or output"""
    if_omitted: float | str | None = None
    """default in the help, where the default of the field is None"""
    auto: bool = False
    """whether the option has the value `auto` too, which is then its default"""
    budget: bool = False
    """whether the setting limits the training; only one of these can be given"""
    changeable: bool = False
    """whether a stopped run may continue with another value"""
    from_recipe: bool = False
    """whether the recipe fits the setting to text, device and budget"""
    from_model: bool = False
    """whether a pretrained model determines the setting"""
    per_command: bool = False
    """whether the setting belongs to one command, not to the run"""
    in_file: bool = True
    """whether a file of settings may contain the setting"""


def setting(help_text: str, section: str, **properties: Any) -> Mapping[str, Setting]:
    """Return the metadata of a field that declares a setting."""
    return {"setting": Setting(help_text=help_text, section=section, **properties)}


CELL_TITLES = {
    "lstm": "LSTM",
    "gru": "GRU",
    "rnn": "RNN",
    "peephole": "peephole LSTM",
    "cifg": "CIFG LSTM",
    "capped": "capped LSTM",
    "gru-reset-before": "reset-before GRU",
}
"""displayed name of each kind of cell"""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """A character-level recurrent network, without the size of its vocabulary."""

    cell: Annotated[str, Choice(tuple(CELL_TITLES), "cell")] = field(
        default="lstm",
        metadata=setting(
            "Kind of cell ({default}); LSTMs with peepholes, coupled gates (cifg) or i <= 1-f (capped).",
            "network",
            from_model=True,
        ),
    )
    """lstm, gru, rnn (tanh), or a variant: peephole, cifg and capped (LSTM), gru-reset-before; see `network.cells`"""
    layers: Annotated[int, Range(1, 64)] = field(
        default=1, metadata=setting("Number of layers ({default}).", "network", from_model=True)
    )
    """number of stacked recurrent layers"""
    hidden: Annotated[int, Range(1, 1_000_000)] = field(
        default=512, metadata=setting("Cells per layer.", "network", from_recipe=True, from_model=True)
    )
    """units per layer"""
    embedding: Annotated[int, Range(0, 65_536)] = field(
        default=64,
        metadata=setting(
            "Size of the embedding of a character; 0: one-hot.", "network", from_recipe=True, from_model=True
        ),
    )
    """size of a character's learned vector; 0: one-hot"""
    dropout: Dropout = field(
        default=0.0, metadata=setting("Dropout rate of the outputs of layers.", "network", from_recipe=True)
    )
    """share of a layer's outputs zeroed in training, between layers and before the output"""
    input_dropout: Dropout = field(
        default=0.0, metadata=setting("Dropout rate of the input vectors.", "network", from_recipe=True)
    )
    """share of a character's vector zeroed in training"""
    weight_drop: Dropout = field(
        default=0.0, metadata=setting("Dropout rate of the recurrent weights.", "network", from_recipe=True)
    )
    """share of the recurrent weights zeroed for each window in training (Merity et al. 2017)"""
    documents: Annotated[str, DocumentKind()] | None = field(
        default=None,
        metadata=setting(
            "The text is many short ones: one per line, separated by blank lines or by the given TEXT, one per file, "
            "or each beginning with a match of REGEX.",
            "training",
        ),
    )
    """unit of the text that is read from a fresh state: line, blank, file, the literal text between two documents, or
    /REGEX/, whose matches begin documents; None: the text is one document"""

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Return the config with these plain values, as a model file stores them (CharrnnError)."""
        names = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - names)
        if unknown:
            raise CharrnnError(f"unknown setting {reprlib.repr(unknown[0])} for a network")
        return cls(**values)

    def to_mapping(self) -> dict[str, Any]:
        """Return the plain values, ready for JSON or YAML."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Hyperparameters of a training."""

    batch: Annotated[int, Range(1, 65_536)] = field(
        metadata=setting("Number of parallel streams.", "training", from_recipe=True)
    )
    """number of parallel streams"""
    length: Annotated[int, Range(1, 65_536)] = field(
        metadata=setting("Characters per window of truncated BPTT.", "training", from_recipe=True)
    )
    """characters per window of truncated backpropagation through time"""
    lr: Positive = field(
        metadata=setting(
            "Peak learning rate of the recurrent weights.", "training", from_recipe=True, changeable=True
        )
    )
    """peak learning rate of the recurrent weights; `training.optimizer` derives the others from it"""
    steps: Annotated[int, Range(1, 10**12)] | None = field(
        default=None, metadata=setting("Train for this many updates of the weights.", "common", budget=True)
    )
    """number of updates; None while a time budget has not been measured yet"""
    minutes: Annotated[float, Range(0, 10**12, low_excluded=True)] | None = field(
        default=None,
        metadata=setting(
            "Train for this long, from start to end of the command ({default}).",
            "common",
            if_omitted=DEFAULT_MINUTES,
            budget=True,
        ),
    )
    """time budget, from the start of the command to its end"""
    warm_up: Annotated[int, Range(0, 10**9)] = field(
        default=20, metadata=setting("Steps of linear warm-up ({default}).", "training")
    )
    """steps over which the learning rate rises from zero"""
    final_lr: Share = field(
        default=0.02, metadata=setting("Final learning rate, as a fraction of the peak ({default}).", "training")
    )
    """learning rate at the last step, as a share of `lr`"""
    weight_decay: Annotated[float, Range(0, 10)] = field(
        default=0.2, metadata=setting("Weight decay of AdamW.", "training", from_recipe=True, changeable=True)
    )
    """weight decay of AdamW for the weight matrices, each at its own learning rate"""
    tar: NonNegative = field(
        default=0.0,
        metadata=setting(
            "Weight of temporal activation regularization ({default}); 20: more interpretable cells.",
            "training",
        ),
    )
    """weight of temporal activation regularization: the mean squared change of the last layer's outputs from one
    character to the next, added to the loss; makes more cells interpretable (tests/benchmarks/recipes.md)"""
    clip: NonNegative = field(
        default=1.0, metadata=setting("Largest gradient norm ({default}); 0: no limit.", "training", changeable=True)
    )
    """largest gradient norm; gradients of a larger norm are scaled down to it; 0: no clipping"""
    reset: Share = field(
        default=0.01,
        metadata=setting("Probability that the state is zeroed before a window ({default}).", "training"),
    )
    """probability that a stream's state is zeroed before a window, so that the network learns the zero state too"""
    patience: Share = field(
        default=0.2,
        metadata=setting(
            "Stop after overfitting for this fraction of the training ({default}); 0: never.",
            "training",
            changeable=True,
        ),
    )
    """share of the training for which the network may overfit before early stopping; 0: never"""
    val_fraction: Annotated[float, Range(0.001, 0.5)] = field(
        default=0.1, metadata=setting("Share of the text held out ({default}).", "training")
    )
    """share of the text that is held out for validation"""
    val_split: Annotated[str, Choice(("end", "spread"), "kind of split")] = field(
        default="end",
        metadata=setting(
            "Hold out the end, or ten blocks; auto: blocks if the end is of a different kind.",
            "training",
            auto=True,
        ),
    )
    """which text is held out: the end of each file, or blocks from ten positions; see `text.split`"""
    seed: Annotated[int, Range(0, LARGEST_SEED)] = field(
        default=0, metadata=setting("Seed of all randomness ({default}).", "training")
    )
    """seed of all randomness"""
    precision: Annotated[str, Choice(("float32", "bfloat16"), "precision")] = field(
        default="float32",
        metadata=setting(
            "Precision of matrix products; auto: bfloat16 on CPUs that have it.",
            "machine",
            auto=True,
            from_recipe=True,
            changeable=True,
        ),
    )
    """float32 or bfloat16 (autocast; the weights stay float32)"""

    def __post_init__(self) -> None:
        check_fields(self)
