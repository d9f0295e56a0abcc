"""`charrnn inspect`: search for interpretable cells, show them, or draw other views of a model."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from charrnn.cli import cpu_threads
from charrnn.cli.options import (
    COMMON,
    GUESSES,
    MAX_CHARACTERS,
    OUTPUT,
    CellType,
    Command,
    Number,
    Options,
    json_option,
    option,
)
from charrnn.cli.path_types import DrawingType, ModelType, check_inputs_kept, complete_concept, complete_file
from charrnn.errors import WrongUsageError
from charrnn.inspection.search.finding import VERDICTS, explain
from charrnn.storage.run_directory import find_model

# Options that ask for other views than cells and findings

VIEWS = "Other views"
"""their heading in the help"""
VIEW_OPTIONS = ("surprise", "contexts", "gates", "memory", "errors")
"""the options that ask for a view each, in the order in which these are shown"""

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


# The command

READING_SECTION = "What is read"
JUDGING_SECTION = "How it is judged"
RULES = [(verdict, explain(verdict)) for verdict in VERDICTS]
PATTERNS = [
    ("NAME=/REGEX/", "inside a match, or inside group 1 of it"),
    ("NAME=/REGEX/after:N", "the N characters after a match"),
    ("NAME=/REGEX/since", "characters since the last match"),
    ("NAME=/REGEX/count", "matches so far in the line"),
    ("NAME=OPEN..CLOSE", "from a match of OPEN to the next match of CLOSE; also NAME=/OPEN/../CLOSE/"),
]
SIGNALS = ["c", "h", *"ifgorzn"]


def _model(context: click.Context, _parameter: click.Parameter, named: Path | None) -> Path | None:
    """Find the model; a list of concepts needs none, and looks for it itself."""
    return named if context.params["list_concepts"] else find_model(named)


@click.command(
    cls=Command,
    examples=(
        ("charrnn inspect", "search the newest model's cells"),
        ("charrnn inspect --cell 1.34 --cell 2.7", "what two cells do"),
        ("charrnn inspect --concept string", "search for one concept"),
        ("charrnn inspect --surprise", "what it expected at each character"),
        ("charrnn inspect --confirm other.txt", "judge what was found on another text"),
    ),
    notes=(
        ("Patterns of --concept (^ and $ match at each line)", PATTERNS),
        ("Verdicts of the search", RULES),
    ),
)
@click.argument("model", required=False, metavar="[MODEL]", type=ModelType(), callback=_model)
@option(
    "--cell", "cells", type=CellType(), multiple=True, section=COMMON, help="Show what this cell does; repeatable."
)
@option(
    "--concept",
    "concepts",
    metavar="NAME[=PATTERN]",
    multiple=True,
    shell_complete=complete_concept,
    section=COMMON,
    help="Search for this concept only (repeatable), or mark it beside --cell. PATTERN defines your own (below).",
)
@option(
    "--list-concepts",
    is_flag=True,
    is_eager=True,
    section=COMMON,
    help="List the concepts, and how often each occurs in the text.",
)
@option(
    "--text",
    metavar="FILE",
    shell_complete=complete_file,
    section=READING_SECTION,
    help="Read this file instead of the held-out text.",
)
@option(
    "--chars",
    type=Number(1, whole=True, most=MAX_CHARACTERS),
    section=READING_SECTION,
    help="How much of it (search 200,000; map 800).",
)
@option(
    "--start",
    type=Number(0, whole=True, most=MAX_CHARACTERS),
    default=0,
    section=READING_SECTION,
    help="Where in the text, and in that of --confirm, to begin.",
)
@option("--encoding", default="utf-8", section=READING_SECTION, help="Encoding of the file (utf-8).")
@option(
    "--seed",
    type=Number(0, whole=True, most=2**62),
    default=0,
    section=READING_SECTION,
    help="Seed of all randomness (0).",
)
@option(
    "--confirm",
    metavar="FILE",
    shell_complete=complete_file,
    section=JUDGING_SECTION,
    help="Judge on this file instead of the other half of the text.",
)
@option("--quick", is_flag=True, section=JUDGING_SECTION, help="Skip the scrambled network and holding cells still.")
@option(
    "--signal",
    type=click.Choice(SIGNALS),
    default="c",
    section=JUDGING_SECTION,
    help="Signal that is compared (c: tanh(c), or h where there is no c).",
)
@view_options
@option("--html", type=DrawingType(".html"), section=OUTPUT, help="Write the search as a page to explore.")
@option("--svg", type=DrawingType(".svg"), section=OUTPUT, help="Write the first map as a picture.")
@json_option
def inspect(model: Path | None, **options: Any) -> None:
    """Find the cells of MODEL that follow something in the text, and draw what they do.

    MODEL is a run's directory or a model file; by default the newest run here. Each cell is chosen on one half of
    the held-out text and judged on the other: against the same network with its weights shuffled, against placebo
    concepts, and by what the network loses when the cell is held still, at its mean. Cells that detect a concept
    are drawn.
    """
    if options["list_concepts"]:
        from charrnn.cli.inspect_heatmaps import list_concepts

        return list_concepts(model, options)
    assert model is not None
    check_inputs_kept((options["svg"], options["html"]), (options["text"], options["confirm"], model))
    views = requested_views(options)
    if options["cells"] or views == ["surprise"]:
        cpu_threads.use_few_cores(model)
    else:
        cpu_threads.use_idle_cores()
    return _dispatch(model, options, views)


# What the options ask for: a search, certain cells, other views


def _dispatch(path: Path, options: Options, views: Sequence[str]) -> None:
    """Show the cells and the other views that were asked for, or where nothing was, search."""
    from charrnn.cli.inspect_heatmaps import look_at_cells, parse_concepts

    concepts = parse_concepts(options["concepts"])
    if options["cells"] or (views and not concepts):
        _reject_search_options(options)
    if options["cells"]:
        look_at_cells(path, options, concepts)
    elif concepts or not views:
        from charrnn.cli.inspect_search import run_search

        run_search(path, options, concepts)
    if views:
        from charrnn.cli.inspect_views import show_views

        show_views(path, options, views)


def _reject_search_options(options: Options) -> None:
    """See that nothing was asked for that only a search does: it would be passed over in silence."""
    from charrnn.inspection.search.search_data import DEFAULT_SIGNAL

    given = {
        "--html FILE": options["html"],
        "--confirm FILE": options["confirm"],
        "--quick": options["quick"],
        f"--signal {options['signal']}": options["signal"] != DEFAULT_SIGNAL,
    }
    for unused in (name for name, is_given in given.items() if is_given):
        raise WrongUsageError(
            f"{unused.split()[0]} belongs to a search, which was not asked for", hint=f"`charrnn inspect {unused}`"
        )
