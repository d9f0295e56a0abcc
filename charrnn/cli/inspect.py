"""charrnn inspect: find the cells that mean something, and show them."""

from pathlib import Path
from typing import Any

import click

from charrnn.cli import cores
from charrnn.cli.completing import ModelType, complete_concept, complete_file
from charrnn.cli.formats import DrawingType, check_inputs_kept
from charrnn.cli.options import (
    COMMON,
    MAX_CHARACTERS,
    OUTPUT,
    CellType,
    Command,
    Number,
    json_option,
    option,
)
from charrnn.cli.view_options import requested_views, view_options
from charrnn.inspection.verdicts import VERDICTS, explain
from charrnn.runs import find_model

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
        from charrnn.cli.concepts import list_concepts

        return list_concepts(model, options)
    assert model is not None
    check_inputs_kept((options["svg"], options["html"]), (options["text"], options["confirm"], model))
    views = requested_views(options)
    if options["cells"] or views == ["surprise"]:
        cores.use_few_cores(model)
    else:
        cores.use_idle_cores()
    from charrnn.cli.looking import _dispatch

    return _dispatch(model, options, views)
