"""charrnn inspect: find the cells that mean something, and show them."""

from pathlib import Path
from typing import Any

import click

from charrnn.cli import cores
from charrnn.cli.options import COMMON, OUTPUT, CellType, Command, Number, json_option, model_argument, option

EVIDENCE = "What is read"


@click.command(
    cls=Command,
    examples=(
        ("charrnn inspect", "search the newest model's cells"),
        ("charrnn inspect --cell 1.34 --cell 2.7", "what two cells do"),
        ("charrnn inspect --concept string", "search for one concept"),
    ),
)
@model_argument
@option("--cell", "cells", type=CellType(), multiple=True, section=COMMON, help="Show what this cell does.")
@option("--concept", "concepts", multiple=True, section=COMMON, help="Search for this one only; or mark it.")
@option("--list-concepts", is_flag=True, section=COMMON, help="Say which concepts there are, and end.")
@option("--text", section=EVIDENCE, help="Read this file instead of the model's held-out text.")
@option("--chars", type=Number(1, whole=True), section=EVIDENCE, help="How much (200,000; for --cell 800).")
@option("--start", type=Number(0, whole=True), default=0, section=EVIDENCE, help="Where in the text to begin.")
@option("--encoding", default="utf-8", section=EVIDENCE, help="The file's encoding (utf-8).")
@option("--svg", type=click.Path(dir_okay=False, path_type=Path), section=OUTPUT, help="The first map, as a picture.")
@json_option
def inspect(model: Path, **asked: Any) -> None:
    """Find the cells of MODEL that follow something in the text, and draw what they do there.

    MODEL is a run's directory or a model file; left out, the newest run here. Each cell is chosen on one half of
    the text that training held out, and judged on the other.
    """
    cores.use_few(model)
    from charrnn.cli.looking import look

    look(model, asked)
