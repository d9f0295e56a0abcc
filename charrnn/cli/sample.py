"""charrnn sample: write text."""

from pathlib import Path
from typing import Any

import click

from charrnn.cli import cores
from charrnn.cli.options import (
    COMMON,
    MOST_CHARACTERS,
    OTHER,
    OUTPUT,
    CellType,
    Command,
    HeldCell,
    Number,
    json_option,
    model_argument,
    option,
    quiet_option,
)

CHOOSING, SEVERAL, CELLS = "Choosing the next character", "Several samples", "Looking on while it writes"
ALL_OF_UNICODE = 0x110000


@click.command(
    cls=Command,
    examples=(
        ('charrnn sample -p "HAMLET:" -t 0.7', "go on from a beginning"),
        ("charrnn sample checkpoints/hamlet -n 0", "that run's model, until Ctrl-C"),
        ("charrnn sample --count 5 --json", "five samples for a script"),
        ("charrnn sample --compare", "what the temperature does"),
    ),
)
@model_argument
@option(
    "-n",
    "--length",
    type=Number(0, whole=True, most=MOST_CHARACTERS),
    section=COMMON,
    help="At most so many characters (500; a document: to its end); 0: until stopped.",
)
@option("-p", "--prompt", default="", section=COMMON, metavar="TEXT", help="What to begin with.")
@option(
    "-t",
    "--temperature",
    type=Number(0, meaning="0: always the likeliest"),
    section=COMMON,
    help="Below 1 safer, above 1 wilder; 0: the likeliest.  [default: 0.8]",
)
@option(
    "--stop",
    "stops",
    multiple=True,
    section=COMMON,
    metavar="TEXT",
    help="End once this has been written, which stays; repeatable.",
)
@option("--prompt-file", metavar="FILE", section=COMMON, help="... or a file that holds it; - is standard input.")
@option("--encoding", default="utf-8", section=COMMON, help="That file's encoding (utf-8).")
@option("--no-prompt", is_flag=True, section=COMMON, help="Do not print what it began with.")
@option(
    "--unknown",
    type=click.Choice(["error", "skip"]),
    default="error",
    section=COMMON,
    help="Prompt characters that the model never saw.",
)
@option("--argmax", is_flag=True, section=CHOOSING, help="Always the likeliest; the same as -t 0.")
@option(
    "--top-k",
    type=Number(0, whole=True, meaning="0: no limit", most=ALL_OF_UNICODE),
    section=CHOOSING,
    help="Only the N likeliest.",
)
@option(
    "--top-p", type=Number(0, 1, above=True), section=CHOOSING, help="Only the fewest that reach this probability."
)
@option("--min-p", type=Number(0, 1), section=CHOOSING, help="Only those this likely, measured by the likeliest.")
@option(
    "--count",
    type=Number(1, whole=True, most=10**9),
    default=1,
    section=SEVERAL,
    help="How many samples, each with the seed after.",
)
@option("--seed", type=Number(0, whole=True, most=2**62), section=SEVERAL, help="The same seed writes the same text.")
@option("--compare", is_flag=True, section=CELLS, help="Side by side: always the likeliest, and three temperatures.")
@option(
    "--clamp",
    "clamps",
    type=HeldCell(),
    multiple=True,
    section=CELLS,
    help="Hold a cell at a value from -1 to 1; repeatable.",
)
@option("--steer", type=CellType(), section=CELLS, help="Side by side: this cell held at -1, free, held at 1.")
@option(
    "--novelty", is_flag=True, section=CELLS, help="Show what is copied from the training text, and how much it is."
)
@option(
    "--device",
    type=click.Choice(["cpu", "auto", "cuda", "mps"]),
    default="cpu",
    section=OTHER,
    help="Where; for many samples a GPU (cpu).",
)
@option("--raw", is_flag=True, section=OUTPUT, help="Control characters as they are, even on a terminal.")
@json_option
@quiet_option
def sample(model: Path, **asked: Any) -> None:
    """Write text with MODEL: a run's directory or a model file; left out, the newest run here."""
    if asked["count"] > 1:
        cores.use_idle()
        cores.keep_memory()
    else:
        cores.use_few(model)
    from charrnn.cli.asked import Asked
    from charrnn.cli.writing import write

    write(model, Asked(**asked))
