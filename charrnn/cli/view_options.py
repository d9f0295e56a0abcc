"""The options of `charrnn inspect` that ask for other views than cells and findings.

What the views show is left to `viewing`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from charrnn.cli.completing import ModelType
from charrnn.cli.options import MAX_CHARACTERS, CellType, Number, option
from charrnn.errors import WrongUsageError
from charrnn.runs import find_model

VIEWS = "Other views"
"""their heading in the help"""
VIEW_OPTIONS = ("surprise", "contexts", "gates", "memory", "errors")
"""the options that ask for a view each, in the order in which these are shown"""
GUESSES = 5
"""left to ourselves"""

Function = Callable[..., Any]


def _models(_context: click.Context, _parameter: click.Parameter, named: tuple[Path, ...]) -> tuple[Path, ...]:
    return tuple(find_model(path) for path in named)


_OPTIONS = (
    option(
        "--surprise", is_flag=True, section=VIEWS, help="What each character cost, and what was expected instead."
    ),
    option(
        "--top",
        "guesses",
        type=Number(0, whole=True, most=MAX_CHARACTERS, meaning="0: none"),
        section=VIEWS,
        help=f"... with this many best guesses below ({GUESSES}).",
    ),
    option(
        "--contexts",
        type=CellType(),
        multiple=True,
        section=VIEWS,
        help="Places where this cell is highest, lowest, and others.",
    ),
    option("--gates", is_flag=True, section=VIEWS, help="How saturated the gates are, how long cells remember."),
    option("--memory", is_flag=True, section=VIEWS, help="How far back the model reaches."),
    option(
        "--against",
        type=ModelType(),
        metavar="MODEL",
        multiple=True,
        callback=_models,
        section=VIEWS,
        help="... beside this model; repeatable.",
    ),
    option("--errors", is_flag=True, section=VIEWS, help="Which characters cost the most."),
)


def view_options(command: Function) -> Function:
    """Give a command these options."""
    for add in reversed(_OPTIONS):
        command = add(command)
    return command


def requested_views(options: dict[str, Any]) -> list[str]:
    """Say which views were asked for; raise WrongUsageError where an option belongs to one that was not."""
    for name, of, option_name in (("guesses", "surprise", "--top"), ("against", "memory", "--against")):
        if options[name] not in (None, ()) and not options[of]:
            raise WrongUsageError(f"{option_name} belongs to --{of}", hint=f"add `--{of}`")
    views = [name for name in VIEW_OPTIONS if options[name]]
    if views and options["svg"] and not options["cells"] and not options["concepts"]:
        raise WrongUsageError("--svg is the picture of a cell", hint="add `--cell L.J`")
    return views
