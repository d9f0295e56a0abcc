"""Options of `charrnn inspect` for its views other than heat maps and findings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from charrnn.arguments import MAX_CHARACTERS
from charrnn.cli.cell_types import CellIdType
from charrnn.cli.options import GUESSES, Number, option
from charrnn.cli.path_types import ModelType
from charrnn.errors import WrongUsageError
from charrnn.storage.run_directory import find_model
from charrnn.training.initialization import SAME_CELL, Initialization, parse_initialization

INITIALIZATIONS = [
    ("--untrained", "the model's own kind of cell, before any training"),
    ("--untrained gru", "another kind of cell, of the same size"),
    ("--untrained lstm,bias=0", "with this bias of the forget gates (trainings begin with 1)"),
    ("--untrained rnn,scale=3", "with orthogonal recurrent weights times this factor"),
]
VIEWS_SECTION = "Other views"

CommandFunction = Callable[..., Any]


def _find_models(_context: click.Context, _parameter: click.Parameter, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the model file of each path (CharrnnError)."""
    return tuple(find_model(path) for path in paths)


class InitializationType(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of Click only
    """Type of an untrained network, such as lstm,bias=0."""

    name = "cell"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - Click's signature
        """Return the placeholder of the value in the help."""
        return "[CELL]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the initialization for a value (click.BadParameter)."""
        if isinstance(value, Initialization):
            return value
        try:
            return parse_initialization(str(value))
        except WrongUsageError as error:
            hint = "the model is named before --untrained" if Path(str(value)).exists() else error.hint
            failure = click.BadParameter(error.message, ctx, param)
            failure.__notes__ = [hint] if hint else []
            raise failure from None


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
        "--untrained",
        type=InitializationType(),
        is_flag=False,
        flag_value=SAME_CELL,
        multiple=True,
        section=VIEWS_SECTION,
        help="Compare --memory with an untrained network's, of the model's CELL or another (below); repeatable.",
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
