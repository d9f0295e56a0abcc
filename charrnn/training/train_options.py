"""Options of a `train` command, and the declaration of every setting that they contain.

`SETTINGS` collects the declarations: the hyperparameters of NetworkConfig and TrainingConfig, and the other options
of TrainOptions. Everything that depends on the names or properties of settings is derived from it.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

from charrnn.arguments import AUTO, DEVICES
from charrnn.config import DocumentKind, NetworkConfig, Positive, Setting, TrainingConfig, setting
from charrnn.storage.schema import Choice, PathText, Range, Text

DEFAULT_ENCODING = "utf-8"
DEFAULT_MIN_COUNT = 1
"""minimum number of occurrences of a character with its own id"""
DEFAULT_SAVE_SECONDS = 60.0
"""seconds between checkpoints"""


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of a `train` command in the order of its help; None: not given.

    Options of the network and the training are declared in their records; here they have only a name and a type.
    """

    corpus: tuple[str, ...] = ()
    """paths of the text: files, directories and patterns; empty: Python's standard library"""
    minutes: float | None = None
    epochs: Positive | None = field(
        default=None, metadata=setting("Train for this many passes over the text.", "common", budget=True)
    )
    steps: int | None = None
    out: PathText | None = field(
        default=None, metadata=setting("Directory of the run (checkpoints/<name>).", "common", per_command=True)
    )
    from_: PathText | None = field(
        default=None, metadata=setting("Start from a trained model instead of random weights.", "common")
    )
    """path of a pretrained model"""
    new: bool = field(
        default=False,
        metadata=setting("Start over, and replace the existing run.", "common", per_command=True, in_file=False),
    )
    include: tuple[str, ...] = field(
        default=(), metadata=setting("Read only matching files in directories; repeatable.", "common")
    )
    files_from: PathText | None = field(
        default=None, metadata=setting("File with a list of more files to read; - is standard input.", "common")
    )
    cell: str | None = None
    layers: int | None = None
    hidden: int | None = None
    embedding: int | None = None
    dropout: float | None = None
    input_dropout: float | None = None
    weight_drop: float | None = None
    batch: int | None = None
    length: int | None = None
    lr: float | None = None
    warm_up: int | None = None
    final_lr: float | None = None
    weight_decay: float | None = None
    tar: float | None = None
    clip: float | None = None
    reset: float | None = None
    patience: float | None = None
    seed: int | None = None
    val_fraction: float | None = None
    val_split: str = AUTO
    val_file: tuple[PathText, ...] = field(
        default=(), metadata=setting("Hold out this file, and train on all others (repeatable).", "training")
    )
    """files that are held out as a whole"""
    min_count: Annotated[int, Range(1, 1_000_000)] | None = field(
        default=None,
        metadata=setting(
            "Merge characters with fewer occurrences ({default}).", "training", if_omitted=DEFAULT_MIN_COUNT
        ),
    )
    documents: str | None = None
    encoding: str | None = field(
        default=None, metadata=setting("Encoding of the text ({default}).", "training", if_omitted=DEFAULT_ENCODING)
    )
    device: Annotated[str, Choice(DEVICES, "device")] = field(
        default=AUTO, metadata=setting("Device to train on.", "machine", auto=True, per_command=True)
    )
    precision: str = AUTO
    threads: Annotated[int, Range(1, 1024)] | None = field(
        default=None, metadata=setting("Number of CPU threads (all available cores).", "machine", per_command=True)
    )
    sample_every: Annotated[int, Range(0, 10**12)] | None = field(
        default=None, metadata=setting("Steps between previews; 0: no previews.", "output")
    )
    save_every: Positive | None = field(
        default=None,
        metadata=setting("Seconds between checkpoints ({default}).", "output", if_omitted=DEFAULT_SAVE_SECONDS),
    )
    as_json: bool = False
    quiet: bool = False

    def given(self, names: Iterable[str]) -> dict[str, Any]:
        """Return the values of those of the named options that are given; an option that is `auto` is not given."""
        values = {name: getattr(self, SETTINGS[name].attribute) for name in names}
        return {
            name: value
            for name, value in values.items()
            if value not in (None, ()) and not (value == AUTO and SETTINGS[name].setting.auto)
        }

    @property
    def training_precision(self) -> str:
        """Precision of the training; the default of TrainingConfig where none is given."""
        return TrainingConfig.precision if self.precision == AUTO else self.precision


class Declaration(NamedTuple):
    """A setting with its name, type, rule and default, as its field declares them."""

    attribute: str
    """name of the field; a Python keyword has a trailing underscore"""
    kind: type
    rule: Range | Choice | Text | DocumentKind | None
    default: Any
    setting: Setting

    @property
    def multiple(self) -> bool:
        """Whether the setting has several values."""
        return typing.get_origin(self.kind) is tuple

    @property
    def name(self) -> str:
        """Name of the setting in files and, with hyphens, on the command line."""
        return self.attribute.rstrip("_")

    @property
    def choices(self) -> tuple[str, ...]:
        """Values of an option that has a few only; empty for all others."""
        values = self.rule.values if isinstance(self.rule, Choice) else ()
        return (AUTO, *values) if self.setting.auto else values

    @property
    def help_text(self) -> str:
        """Description with the default filled in."""
        default = self.default if self.setting.if_omitted is None else self.setting.if_omitted
        default_text = f"{default:g}" if isinstance(default, int | float) else default
        return self.setting.help_text.format(default=default_text)


def _declarations() -> dict[str, Declaration]:
    """Return the declarations of all settings by their names, in the order of TrainOptions."""
    records = (TrainOptions, NetworkConfig, TrainingConfig)
    declared = {declaration.name: declaration for record in records for declaration in _declared_in(record)}
    names = [option.name.rstrip("_") for option in dataclasses.fields(TrainOptions)]
    return {name: declared[name] for name in names if name in declared}


def _declared_in(record: type[Any]) -> Iterator[Declaration]:
    """Yield the declarations in a record."""
    for member in dataclasses.fields(record):
        if "setting" in member.metadata:
            kind, rule = _type_and_rule(member.type)
            yield Declaration(
                attribute=member.name,
                kind=kind,
                rule=rule,
                default=None if member.default is dataclasses.MISSING else member.default,
                setting=member.metadata["setting"],
            )


def _type_and_rule(hint: Any) -> tuple[type, Any]:
    """Return the type and the rule of an annotation, without None; of a tuple, the rule of its values.

    >>> _type_and_rule(Annotated[int, Range(1, 64)] | None)
    (<class 'int'>, Range(low=1, high=64, low_excluded=False))
    """
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        return hint, _type_and_rule(typing.get_args(hint)[0])[1]
    return typing.get_args(hint)[:2] if typing.get_origin(hint) is Annotated else (hint, None)


def _names(condition: Callable[[Setting], bool]) -> tuple[str, ...]:
    """Return the names of the settings that meet a condition."""
    return tuple(name for name, declaration in SETTINGS.items() if condition(declaration.setting))


SETTINGS = _declarations()
"""all settings by their names, in the order of the help"""
BUDGETS = _names(lambda setting: setting.budget)
"""settings that limit the training; at most one is given"""
CHANGEABLE_SETTINGS = _names(lambda setting: setting.changeable)
"""settings with which a stopped run may continue differently; any other change makes it another run"""
RECIPE_SETTINGS = _names(lambda setting: setting.from_recipe)
"""settings that the recipe fits to text, device and budget"""
MODEL_SETTINGS = _names(lambda setting: setting.from_model)
"""settings that a pretrained model determines"""
RUN_SETTINGS = _names(lambda setting: not setting.per_command)
"""settings that belong to a run, and that its file of settings lists"""
PARTIAL_SPLIT_SETTINGS = ("val_fraction", "val_split")
"""settings that hold out a part of each text, in place of whole files"""
TRAINING_SETTINGS = tuple(declared.name for declared in dataclasses.fields(TrainingConfig))
"""settings of the training, without those of the network"""
CONFIG_KEYS = tuple(
    name
    for name in (option.name.rstrip("_") for option in dataclasses.fields(TrainOptions))
    if name not in SETTINGS or SETTINGS[name].setting.in_file
)
"""keys of a file of settings"""
