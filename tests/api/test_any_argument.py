"""Any value for any argument of the Python API: a result, or a CharrnnError of one line, and never a warning.

The functions, methods and arguments are found by inspection, so that new ones are tried too.
"""

import inspect
import shutil
import typing
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from common import bottles

import charrnn
from charrnn.arguments import shown


class Hostile:
    """A value whose every conversion fails."""

    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__


def values() -> list[Any]:
    """Return some seventy values, of types that callers mistake for others."""
    return [
        *(None, True, False, ..., NotImplemented, 0, 1, -1, 3, 2**40, 2**63, -(10**400)),
        *(0.0, 0.5, -0.5, 1e-10, 1e300, float("nan"), float("-inf"), 1j, Fraction(1, 3), Decimal(1)),
        *("", "a", "hot", "1", "1.0", "f", "\0", "\ud800", "é\u202e\n\x1b", "b " * 500, Path("x"), date.min),
        *(b"abc", bytearray(b"ab"), int, len, str.upper, object(), Hostile(), slice(0, 3), range(3)),
        *((), (1, 2), ("1.0", "1.1"), [], ["a", "b"], [1], [None], [[]], {1}, frozenset("a"), iter("ab")),
        *({}, {"1.0": 0.5}, {"1.0": "x"}, {1: 2}, {"x": None}, {"in_quote": 1}),
        *(np.int64(1), np.uint8(200), np.float32(0.5), np.float64("nan"), np.True_, np.datetime64("NaT")),
        *(np.str_("ab"), np.bytes_(b"ab"), np.array(1), np.array("ab"), np.array([]), np.array([1, 2])),
        *(np.zeros((2, 2)), np.array(["a", "b"]), np.random.default_rng(0)),
        charrnn.concept_of("x", len, kind="binary"),  # returns a number, not marks
        charrnn.concept_of("x", lambda text: [True] * len(text), kind="depth"),
    ]


GIVEN: dict[str, dict[str, Any]] = {
    "TrainedModel": {
        "text": "3 green",
        "prompt": "3",
        "lines": ["3 green"],
        "count": 2,
        "cells": ("1.0",),
        "cell": "1.0",
        "source": "3 g",
        "target": "3",
    },
    "TrainedModel.sample": {"length": 3},
    "TrainedModel.samples": {"length": 3},
    "TrainedModel.steer": {"clamped": "1.0", "length": 3},
    "TrainedModel.find": {"concepts": ["in_quote"], "quick": True},
    "Activations.cell": {"cell": "1.0"},
    "Novelty.min_length": {"length": 3},
    "Surprise.top_k_accuracy": {"rank": 1},
    "concept_of": {"name": "x", "function": len, "kind": "binary"},
    "train": {"paths": ("missing.txt",)},
    "training_events": {"paths": ("missing.txt",)},
}
"""valid arguments by the name of a function or class, where one is required or the default takes long"""

INTERNAL = {"Concept.edge", "Concept.edges", "Novelty.from_spans"}
"""functions whose arguments are records of charrnn, which users do not make"""


class Argument(NamedTuple):
    """An argument of a public function or method."""

    function: str
    """name below the package, such as TrainedModel.sample"""
    name: str


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public functions and methods."""
    for name in charrnn.__all__:
        value = getattr(charrnn, name)
        if inspect.isfunction(value):
            yield name, value
        elif inspect.isclass(value) and not issubclass(value, Exception):
            members = inspect.getmembers(value, lambda member: inspect.isfunction(member) or inspect.ismethod(member))
            yield from ((f"{name}.{method}", function) for method, function in members if method[0] != "_")


def arguments() -> Iterator[Argument]:
    """Yield every argument of the public functions, keyword arguments of typed dictionaries included."""
    for function, value in functions():
        if function in INTERNAL:
            continue
        for name, parameter in inspect.signature(value).parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                (settings,) = typing.get_args(parameter.annotation)
                yield from (Argument(function, key) for key in settings.__annotations__)
            elif name != "self":
                yield Argument(function, name)


ARGUMENTS = list(arguments())


@pytest.fixture(scope="module")
def owners(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return a model that lies beside its text, and an object of every other class with methods."""
    directory = tmp_path_factory.mktemp("run")
    shutil.copytree(finished_run, directory, dirs_exist_ok=True)
    model = charrnn.load(directory / "checkpoints/book")
    findings = model.find(bottles(200), concepts=["line_pos"], quick=True)
    return {
        "TrainedModel": model,
        "Activations": model.activations("3 green"),
        "Attribution": model.attribution("3 green"),
        "CellProfile": model.cell_profile("1.0", "3 green"),
        "Finding": findings.concepts[0],
        "Findings": findings,
        "Heatmap": model.heatmap("3 green", "1.0"),
        "Interchange": model.swap("3 g", "3", "1.0"),
        "Novelty": model.novelty("3 green"),
        "RunComparison": charrnn.compare(model.path),
        "Score": model.score("3 green"),
        "Surprise": model.surprise("3 green"),
    }


def call(owners: dict[str, Any], argument: Argument, value: object) -> object:
    """Call a function with a value for one of its arguments, and valid ones for the others."""
    owner, _, method = argument.function.partition(".")
    function = getattr(owners[owner], method) if method else getattr(charrnn, owner)
    parameters = inspect.signature(function).parameters
    given = {name: valid for name, valid in GIVEN.get(owner, {}).items() if name in parameters}
    given |= GIVEN.get(argument.function, {}) | {argument.name: value}
    positional: list[Any] = []
    for name, parameter in parameters.items():
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and name in given:
            positional.append(given.pop(name))
        elif parameter.kind is parameter.VAR_POSITIONAL:
            several = given.pop(name)
            positional += [several] if name == argument.name else several
    result = function(*positional, **given)
    return list(islice(result, 5)) if isinstance(result, Iterator) else result


def read_all(result: object) -> None:
    """Read the representation and all properties of a result."""
    repr(result)
    for name, member in inspect.getmembers(type(result)):
        if isinstance(member, property) and name[0] != "_":
            getattr(result, name)


@pytest.mark.parametrize("argument", ARGUMENTS, ids=lambda argument: f"{argument.function}({argument.name})")
def test_any_value_gives_a_result_or_an_error_of_one_line(
    owners: dict[str, Any],
    argument: Argument,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Nothing is printed, and no file is created."""
    monkeypatch.chdir(tmp_path)
    for value in values():
        try:
            with warnings.catch_warnings(), np.errstate(over="raise", divide="raise", invalid="raise"):
                warnings.simplefilter("error")
                read_all(call(owners, argument, value))
        except charrnn.CharrnnError as error:
            lines = [str(error), *getattr(error, "__notes__", [])]
            assert all(line.isprintable() and 0 < len(line) < 1000 for line in lines), shown(value)
        except Exception as error:
            raise AssertionError(f"{argument.name}={shown(value)} of {argument.function}: {error!r}") from error
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_every_function_of_the_api_is_tried() -> None:
    """Those of every public class, and the keyword arguments of training and sampling."""
    tried = {f"{argument.function}({argument.name})" for argument in ARGUMENTS}
    assert {
        *("load(named)", "train(minutes)", "training_events(paths)", "TrainedModel.sample(temperature)"),
        *("TrainedModel.heatmap(cells)", "Activations.cell(cell)", "concept_of(kind)", "Heatmap.to_svg(columns)"),
    } <= tried
