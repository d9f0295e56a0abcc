"""`charrnn inspect`: search for interpretable cells, show single cells, or draw other views of a model."""

from pathlib import Path
from typing import Any

import click

from charrnn import resources
from charrnn.arguments import LARGEST_SEED, MAX_CHARACTERS
from charrnn.cli.cell_types import CellOrConceptType, begins_concept
from charrnn.cli.inspect_options import SEARCH_SIGNAL, InspectOptions
from charrnn.cli.inspect_view_options import INITIALIZATIONS, view_options
from charrnn.cli.options import (
    COMMON,
    OUTPUT,
    Command,
    Number,
    Word,
    json_option,
    option,
)
from charrnn.cli.path_types import (
    DrawingType,
    ModelType,
    TextFileType,
    check_inputs_kept,
    complete_concept,
    find_or_bundled,
)
from charrnn.inspection.search.findings import VERDICTS, explain

# The command

TEXT_SECTION = "Text"
SEARCH_SECTION = "Search"
RULES = [(verdict, explain(verdict)) for verdict in VERDICTS]
PATTERNS = [
    ("NAME=/REGEX/", "inside a match, or inside group 1 of it"),
    ("NAME=/REGEX/after:N", "the N characters after a match"),
    ("NAME=/REGEX/since", "characters since the last match"),
    ("NAME=/REGEX/count", "matches so far in the line"),
    ("NAME=OPEN..CLOSE", "from a match of OPEN to the next match of CLOSE; also NAME=/OPEN/../CLOSE/"),
]
ARRAYS = [
    ("characters", "code points (T,)"),
    ("ids", "indices in the model's vocabulary (T,)"),
    ("positions", "positions in the text, without characters that the model cannot read (T,)"),
    ("layer1_h, layer2_h, ...", "outputs h, float32 (T, H)"),
    ("layer1_c", "cell states c, not tanh(c) (T, H)"),
    ("layer1_i, _f, _g, _o", "gates of an LSTM; of cifg: no _i; of a GRU: _r, _z, _n (T, H)"),
]
SIGNALS = ["c", "h", *"ifgorzn"]


def _find_model(context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
    """Return the model file; with --list-concepts, which needs no model, return the path as given."""
    return path if context.params["list_concepts"] else find_or_bundled(path)


@click.command(
    cls=Command,
    examples=(
        ("charrnn inspect", "search the newest model's cells"),
        ("charrnn inspect --cell 1.34 --cell 2.7", "what two cells do"),
        ("charrnn inspect --browse", "browse all cells"),
        ("charrnn inspect --cell 1.34 --gates", "its gates, c and h over the text"),
        ("charrnn inspect --concept string", "search for one concept"),
        ("charrnn inspect --surprise", "what the model expected"),
        ("charrnn inspect --why --at 500", "which characters led to a prediction"),
        ("charrnn inspect --swap '\"so' so --cell 2.7", "what a cell changes"),
        ("charrnn inspect --confirm other.txt", "evaluate on another text"),
    ),
    notes=(
        ("Patterns of --concept (^ and $ match at each line)", PATTERNS),
        ("Verdicts of the search", RULES),
        ("Untrained networks, for --memory", INITIALIZATIONS),
        ("Arrays of --npz, for T characters and layers of H cells", ARRAYS),
    ),
)
@click.argument("model", required=False, metavar="[MODEL]", type=ModelType(), callback=_find_model)
@option(
    "--cell",
    "cells",
    type=CellOrConceptType("L.J"),
    multiple=True,
    section=COMMON,
    help="Show the activations of this cell, and what it writes; repeatable.",
)
@option(
    "--concept",
    "concepts",
    metavar="NAME[=PATTERN]",
    multiple=True,
    shell_complete=complete_concept,
    section=COMMON,
    help="Search for this concept only (repeatable), or mark it beside --cell. PATTERN defines a new one (below).",
)
@option(
    "--signal",
    type=Word(SIGNALS),
    default=SEARCH_SIGNAL,
    section=COMMON,
    help="Signal to show or search: a state or a gate (c: tanh(c), or h if the network has no c).",
)
@option(
    "--browse",
    is_flag=True,
    section=COMMON,
    help="Browse all cells over the text interactively, in this terminal (needs the package textual).",
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
    type=TextFileType(),
    metavar="FILE",
    section=TEXT_SECTION,
    help="Read this file instead of the held-out text.",
)
@option(
    "--chars",
    type=Number(1, integer=True, hard_limit=MAX_CHARACTERS),
    section=TEXT_SECTION,
    help="Number of characters to read (search 200,000; map 800; browse 20,000; npz 10,000).",
)
@option(
    "--start",
    type=Number(0, integer=True, hard_limit=MAX_CHARACTERS),
    default=0,
    section=TEXT_SECTION,
    help="Position to start at, in the text and in that of --confirm ({default}).",
)
@option("--encoding", default="utf-8", section=TEXT_SECTION, help="Encoding of the files ({default}).")
@option(
    "--seed",
    type=Number(0, integer=True, hard_limit=LARGEST_SEED),
    default=0,
    section=TEXT_SECTION,
    help="Seed of all randomness ({default}).",
)
@option(
    "--confirm",
    type=TextFileType(),
    metavar="FILE",
    section=SEARCH_SECTION,
    help="Evaluate on this file instead of the other half of the text.",
)
@option("--quick", is_flag=True, section=SEARCH_SECTION, help="Skip the control with shuffled weights, and ablation.")
@view_options
@option("--html", type=DrawingType(".html"), section=OUTPUT, help="Write the findings as an interactive page.")
@option(
    "--svg",
    type=DrawingType(".svg"),
    section=OUTPUT,
    help="Write the first heat map, or the gradients of --memory, as a picture.",
)
@option("--title", metavar="TEXT", section=OUTPUT, help="Title of the picture of --svg.")
@option("--npz", type=DrawingType(".npz"), section=OUTPUT, help="Write all states and gates as NumPy arrays (below).")
@option("--csv", "as_csv", is_flag=True, section=OUTPUT, help="Write the findings of the search as CSV.")
@json_option
def inspect(model: Path | None, **options: Any) -> None:
    """Find cells of MODEL that track a concept in the text, and draw their activations.

    MODEL is a run's directory or a model file; by default the newest run here, or else the bundled model. Cells are
    selected on one half of the held-out text and evaluated on the other half, with three controls: the same network
    with shuffled weights, placebo concepts, and the increase of the loss by mean ablation of a cell. Cells that
    detect a concept are drawn.
    """
    named = options.pop("cells")
    concepts = tuple(filter(begins_concept, named))
    cells = tuple(cell for cell in named if cell not in concepts)
    inspection = InspectOptions(cells=cells, copied_concepts=concepts, **options)
    if inspection.list_concepts:
        from charrnn.cli.inspect_heatmaps import list_concepts

        return list_concepts(model, inspection)
    assert model is not None
    check_inputs_kept((inspection.svg, inspection.html, inspection.npz), (inspection.text, inspection.confirm, model))
    if inspection.reads_one_stream:
        resources.use_few_cores(model)
    else:
        resources.use_idle_cores()
    return _show(model, inspection)


def _show(path: Path, options: InspectOptions) -> None:
    """Open the browser, or show the requested cells and views; search if neither is requested, or if a concept is."""
    from charrnn.cli.inspect_heatmaps import parse_concepts, show_cells

    concepts = parse_concepts(options.concepts)
    if options.browse:
        from charrnn.cli.inspect_browse import browse

        browse(path, options, concepts)
    elif options.swap:
        from charrnn.cli.inspect_swap import show_swap

        show_swap(path, options.swap, options)
    elif options.draws_gates:
        from charrnn.cli.inspect_gates import show_gates

        show_gates(path, options, concepts)
    elif options.cells:
        show_cells(path, options, concepts)
    elif options.searches:
        from charrnn.cli.inspect_search import run_search

        run_search(path, options, concepts)
    if options.views:
        from charrnn.cli.inspect_views import show_views

        show_views(path, options)
    if options.npz:
        from charrnn.cli.inspect_export import export_states

        export_states(path, options.npz, options)
