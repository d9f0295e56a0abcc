"""`charrnn sample`: generate text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli import cpu_threads
from charrnn.cli.options import (
    COMMON,
    MAX_CHARACTERS,
    OTHER,
    OUTPUT,
    CellType,
    ClampType,
    Command,
    Number,
    json_option,
    model_argument,
    option,
    quiet_option,
)

if TYPE_CHECKING:
    from charrnn.cli.sampler import SampleOptions


CHOOSING, SEVERAL, CELLS = "Choosing the next character", "Several samples", "Comparisons and experiments"
ALL_OF_UNICODE = 0x110000


@click.command(
    cls=Command,
    examples=(
        ('charrnn sample -p "HAMLET:" -t 0.7', "continue a text"),
        ("charrnn sample checkpoints/hamlet -n 0", "a certain run, until Ctrl-C"),
        ("charrnn sample --count 5 --json", "five samples for a script"),
        ("charrnn sample --compare", "see what the temperature does"),
    ),
)
@model_argument
@option(
    "-n",
    "--length",
    type=Number(0, whole=True, most=MAX_CHARACTERS),
    section=COMMON,
    help="At most this many characters (500; a document: to its end); 0: no limit.",
)
@option("-p", "--prompt", default="", section=COMMON, metavar="TEXT", help="Text to continue.")
@option(
    "-t",
    "--temperature",
    type=Number(0, meaning="0: always the likeliest"),
    section=COMMON,
    help="Lower is safer, higher is wilder (0.8); 0: always the likeliest.",
)
@option(
    "--stop",
    "stops",
    multiple=True,
    section=COMMON,
    metavar="TEXT",
    help="Stop once this has been written (it is kept); repeatable.",
)
@option("--prompt-file", metavar="FILE", section=COMMON, help="... or a file that holds it; - is standard input.")
@option("--encoding", default="utf-8", section=COMMON, help="Encoding of that file (utf-8).")
@option("--no-prompt", is_flag=True, section=COMMON, help="Do not print the prompt.")
@option(
    "--unknown",
    type=click.Choice(["error", "skip"]),
    default="error",
    section=COMMON,
    help="What to do with prompt characters that the model never saw (error).",
)
@option("--argmax", is_flag=True, section=CHOOSING, help="Always the likeliest, as with -t 0.")
@option(
    "--top-k",
    type=Number(0, whole=True, meaning="0: no limit", most=ALL_OF_UNICODE),
    section=CHOOSING,
    help="Only the N likeliest.",
)
@option(
    "--top-p",
    type=Number(0, 1, above=True),
    section=CHOOSING,
    help="Only the likeliest that together reach this probability.",
)
@option(
    "--min-p", type=Number(0, 1), section=CHOOSING, help="Only those at least this share as likely as the likeliest."
)
@option(
    "--count",
    type=Number(1, whole=True, most=10**9),
    default=1,
    section=SEVERAL,
    help="Number of samples, with consecutive seeds.",
)
@option("--seed", type=Number(0, whole=True, most=2**62), section=SEVERAL, help="The same seed writes the same text.")
@option("--compare", is_flag=True, section=CELLS, help="Side by side: argmax and three temperatures.")
@option(
    "--clamp",
    "clamps",
    type=ClampType(),
    multiple=True,
    section=CELLS,
    help="Hold a cell at a value from -1 to 1; repeatable.",
)
@option("--steer", type=CellType(), section=CELLS, help="Side by side: this cell held at -1, free, held at 1.")
@option("--novelty", is_flag=True, section=CELLS, help="Show what is copied from the training text, and how much.")
@option(
    "--device",
    type=click.Choice(["cpu", "auto", "cuda", "mps"]),
    default="cpu",
    section=OTHER,
    help="Where to compute (cpu); a GPU pays off for many samples.",
)
@option("--raw", is_flag=True, section=OUTPUT, help="Write control characters as they are, even to a terminal.")
@json_option
@quiet_option
def sample(model: Path, **options: Any) -> None:
    """Write text with MODEL, a run's directory or a model file; by default the newest run here."""
    if options["count"] > 1:
        cpu_threads.use_idle_cores()
        cpu_threads.keep_freed_memory()
    else:
        cpu_threads.use_few_cores(model)
    from charrnn.cli.sampler import SampleOptions

    write_samples(model, SampleOptions(**options))


# The output that the options ask for


def write_samples(path: Path, options: "SampleOptions") -> None:
    """Write samples to standard output; raise CharrnnError for what the user can put right."""
    from charrnn.cli.sample_output import write_json_lines, write_plain
    from charrnn.cli.sampler import make_sampler

    sampler = make_sampler(path, options)
    if options.comparison_option:
        from charrnn.cli.sample_compare import compare

        compare(sampler, options)
    elif options.novelty:
        from charrnn.cli.sample_output import write_novelty

        write_novelty(sampler, options)
    elif options.as_json:
        write_json_lines(sampler, options)
    else:
        write_plain(sampler, options)
