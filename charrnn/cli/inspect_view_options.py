"""Options of `charrnn inspect` for its views other than heat maps and findings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from charrnn.arguments import MAX_CHARACTERS
from charrnn.cli.cell_types import CellIdType
from charrnn.cli.options import GUESSES, Number, option
from charrnn.cli.path_types import ModelType
from charrnn.storage.run_directory import find_model

VIEWS_SECTION = "Other views"

CommandFunction = Callable[..., Any]


def _find_models(_context: click.Context, _parameter: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the model file of each path (CharrnnError)."""
    return tuple(find_model(path) for path in paths)


_VIEW_OPTIONS = (
    option(
        "--surprise",
        is_flag=True,
        section=VIEWS_SECTION,
        help="Show the surprisal of each character, and the model's best guesses.",
    ),
    option(
        "--top",
        "guesses",
        type=Number(0, integer=True, hard_limit=MAX_CHARACTERS, meaning="0: none"),
        section=VIEWS_SECTION,
        help=f"Number of best guesses below each character ({GUESSES}).",
    ),
    option(
        "--why",
        is_flag=True,
        section=VIEWS_SECTION,
        help="Show the influence of each earlier character on a prediction; without --at, on surprising ones.",
    ),
    option(
        "--at",
        "positions",
        type=Number(0, integer=True, hard_limit=MAX_CHARACTERS),
        multiple=True,
        section=VIEWS_SECTION,
        help="Position in the text, from 0, of the character whose prediction --why explains; repeatable.",
    ),
    option(
        "--swap",
        nargs=2,
        metavar="A B",
        section=VIEWS_SECTION,
        help="Show how the prediction after text B changes with the value that --cell, a cell or a concept's carrier,"
        " has after text A.",
    ),
    option(
        "--contexts",
        type=CellIdType(),
        multiple=True,
        section=VIEWS_SECTION,
        help="Show contexts in which this cell is highest, lowest, and random ones.",
    ),
    option(
        "--gates",
        is_flag=True,
        section=VIEWS_SECTION,
        help="Show how saturated the gates are, and how long cells remember; with --cell, that cell's gates.",
    ),
    option("--memory", is_flag=True, section=VIEWS_SECTION, help="Show how far back the model uses the text."),
    option(
        "--against",
        type=ModelType(),
        metavar="MODEL",
        multiple=True,
        callback=_find_models,
        section=VIEWS_SECTION,
        help="Compare --memory with this model's; repeatable.",
    ),
    option(
        "--errors", is_flag=True, section=VIEWS_SECTION, help="Show which kinds of characters are predicted worst."
    ),
)


def view_options(command: CommandFunction) -> CommandFunction:
    """Return the command with the options of the views added."""
    for add_option in reversed(_VIEW_OPTIONS):
        command = add_option(command)
    return command
