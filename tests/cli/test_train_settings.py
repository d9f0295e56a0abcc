"""Each setting of a training is declared once: options, `--config`, the Python API and all lists agree with it."""

import ast
import dataclasses
import math
import os
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
import pytest
from source_code import SOURCES, parse_source

from charrnn.api.train import TrainSettings, validate_settings
from charrnn.arguments import AUTO
from charrnn.cli.options import Number
from charrnn.cli.train import SECTIONS, train
from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.storage.schema import Choice, Range, Text
from charrnn.training.train_options import BUDGETS, CONFIG_KEYS, MODEL_SETTINGS, SETTINGS, TrainOptions

RECORDS = {field.name: record for record in (NetworkConfig, TrainingConfig) for field in dataclasses.fields(record)}
OPTIONS = {str(param.name): param for param in train.params if isinstance(param, click.Option)}
RANGES = [name for name, declaration in SETTINGS.items() if isinstance(declaration.rule, Range)]
WIDEST = sys.float_info.max

HELP_NAMES = ["-h", "--help"]
"""names of the help option, which Click caches in the command at its first use"""


def inside(rule: Range, kind: type) -> tuple[float, float]:
    """Return the smallest and the largest number that a rule allows."""
    return (kind(5e-324) if rule.low_excluded else rule.low), rule.high


def outside(rule: Range, kind: type) -> list[float]:
    """Return the nearest numbers that a rule excludes."""
    if kind is int:
        return [rule.low - 1, rule.high + 1]
    low = rule.low if rule.low_excluded else math.nextafter(rule.low, -math.inf)
    return [low] if rule.high == WIDEST else [low, math.nextafter(rule.high, math.inf)]


def test_each_hyperparameter_is_an_option() -> None:
    """No field of the two records is missing from the settings or from TrainOptions."""
    assert set(RECORDS) <= set(SETTINGS)
    fields = [field.name.rstrip("_") for field in dataclasses.fields(TrainOptions)]
    assert [name for name in fields if name not in SETTINGS] == ["corpus", "as_json", "quiet"]
    assert list(SETTINGS) == [name for name in fields if name in SETTINGS]


def test_the_command_has_the_declared_options_in_their_order() -> None:
    """Beside them there are only `--config` and the options that all commands share."""
    assert list(OPTIONS) == [*SETTINGS, "config", "as_json", "quiet"]


@pytest.mark.parametrize("name", SETTINGS)
def test_an_option_equals_its_declaration(name: str) -> None:
    """Type, bounds, choices, default, help and section."""
    declaration, option = SETTINGS[name], OPTIONS[name]
    assert option.opts == [f"--{name.replace('_', '-')}"]
    assert option.help == declaration.help_text
    assert vars(option)["section"] == SECTIONS[declaration.setting.section]
    if isinstance(declaration.rule, Range):
        assert isinstance(option.type, Number)
        high = math.inf if declaration.rule.high == WIDEST else declaration.rule.high
        assert (option.type.low, option.type.high) == (declaration.rule.low, high)
        assert (option.type.low_excluded, option.type.integer) == (
            declaration.rule.low_excluded,
            declaration.kind is int,
        )
    if isinstance(declaration.rule, Choice):
        assert isinstance(option.type, click.Choice)
        assert tuple(option.type.choices) == declaration.choices
    assert option.is_flag == (declaration.kind is bool)
    with click.Context(train, help_option_names=HELP_NAMES) as context:
        options = {"from" if key == "from_" else key: value for key, value in vars(TrainOptions()).items()}
        assert (option.get_default(context) or None) == (options[name] or None)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_default_in_the_help_is_derived(name: str) -> None:
    """It is the default of the field, or what stands in for an omitted option; no number is written by hand."""
    declaration = SETTINGS[name]
    assert re.search(r"\((\d|lstm|utf)", declaration.setting.help_text) is None
    if "{default}" in declaration.setting.help_text:
        omitted = declaration.setting.if_omitted
        default = RECORDS[name].__dataclass_fields__[name].default if omitted is None else omitted
        assert (f"({default:g})" if isinstance(default, float | int) else f"({default})") in declaration.help_text


@pytest.mark.parametrize("name", RANGES)
def test_the_command_the_python_api_and_the_records_have_the_same_bounds(name: str) -> None:
    """The largest and the smallest number are valid in all three, and the next ones in none."""
    declaration = SETTINGS[name]
    rule, kind = declaration.rule, declaration.kind
    assert isinstance(rule, Range)
    checks: list[Callable[[float], Any]] = [lambda value: OPTIONS[name].type.convert(value, None, None)]
    checks.append(lambda value: validate_settings({declaration.attribute: value}))
    if name in RECORDS:
        record: Any = RECORDS[name]
        required = {"batch": 1, "length": 1, "lr": 1.0} if record is TrainingConfig else {}
        checks.append(lambda value: record(**(required | {name: value})))
    for check in checks:
        for value in inside(rule, kind):
            check(value)
        for value in outside(rule, kind):
            with pytest.raises((CharrnnError, click.BadParameter)):
                check(value)


def test_the_keyword_arguments_are_the_settings() -> None:
    """The TypedDict for type checkers has their names, and their types, choices included."""
    hints = typing.get_type_hints(TrainSettings)
    assert list(hints) == [declaration.attribute for declaration in SETTINGS.values()]
    for declaration in SETTINGS.values():
        parts = set(typing.get_args(hints[declaration.attribute])) - {types.NoneType}
        if declaration.multiple:
            paths = {str, os.PathLike[str], Iterable[str | os.PathLike[str]]}
            assert parts == (paths if isinstance(declaration.rule, Text) else {Iterable[str]})
        elif declaration.choices:
            literal = next(iter(parts)) if typing.get_origin(next(iter(parts))) else hints[declaration.attribute]
            assert typing.get_args(literal) == declaration.choices
        else:
            assert declaration.kind in (parts or {hints[declaration.attribute]})


def test_the_options_record_has_the_types_of_the_declarations() -> None:
    """None, or `auto`, is the default of each setting that is declared elsewhere."""
    hints = typing.get_type_hints(TrainOptions)
    for name in RECORDS:
        kind = SETTINGS[name].kind
        automatic = SETTINGS[name].setting.auto
        assert hints[name] == (kind if automatic else kind | None)
        assert getattr(TrainOptions(), name) == (AUTO if automatic else None)


def test_a_file_of_settings_has_every_option_except_new(tmp_path: Path) -> None:
    """A file cannot start a run over, and cannot name another file."""
    settings = tmp_path / "my.yaml"
    command = ["--config", str(settings)]
    settings.write_text("".join(f"{param.name}: null\n" for param in train.params if param.name in CONFIG_KEYS))
    assert train.make_context("train", [*command], help_option_names=HELP_NAMES).params["hidden"] is None
    assert set(CONFIG_KEYS) == {str(param.name) for param in train.params} - {"new", "config", "help"}
    for name in ("new", "config", "help"):
        settings.write_text(f"{name}: 1")
        with pytest.raises(CharrnnError, match="unknown setting"):
            train.make_context("train", [*command], help_option_names=HELP_NAMES)


def test_a_given_option_is_not_auto() -> None:
    """`auto` leaves the choice to the recipe; elsewhere the word has no meaning."""
    options = TrainOptions(steps=3, dropout=0.0, from_="auto")
    assert options.given(SETTINGS) == {"steps": 3, "from": "auto", "dropout": 0.0, "new": False}
    assert TrainOptions(precision="float32").given(["precision"]) == {"precision": "float32"}


def test_the_lists_agree_with_their_flags() -> None:
    """One example of each kind."""
    assert BUDGETS == ("minutes", "epochs", "steps")
    assert MODEL_SETTINGS == ("cell", "layers", "hidden", "embedding")


def test_no_list_of_setting_names_is_written_by_hand() -> None:
    """Every such list in the package is derived from the declarations."""
    handwritten = []
    for path in SOURCES:
        for node in ast.walk(parse_source(path)):
            if isinstance(node, ast.Tuple | ast.List | ast.Set):
                names: list[Any] = [item.value for item in node.elts if isinstance(item, ast.Constant)]
                if len([name for name in names if name in SETTINGS]) > 2:
                    handwritten.append(f"{path.name}:{node.lineno}")
    assert handwritten == []
