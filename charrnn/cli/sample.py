"""`charrnn sample`: generate text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn import resources
from charrnn.arguments import CODE_POINTS, DEVICES, LARGEST_SEED, MAX_CHARACTERS
from charrnn.cli.cell_types import CellOrConceptType, ClampType, begins_concept
from charrnn.cli.options import (
    COMMON,
    OTHER,
    OUTPUT,
    Command,
    Number,
    Word,
    json_option,
    model_argument,
    option,
    quiet_option,
)
from charrnn.cli.path_types import TextFileType, complete_concept

if TYPE_CHECKING:
    from charrnn.cli.sample_options import SampleOptions


CONCEPTS = [
    ("carrier", "the cell, group of cells or direction of a layer that a search of the held-out text finds"),
    ("-1, 1", "the carrier's mean outside and inside the concept, or at low and high counts; linear between"),
    ("names", "those of `charrnn inspect --list-concepts`, or a new one, NAME=PATTERN"),
]
CHOOSING, SEVERAL, CELLS = "Choosing the next character", "Several samples", "Comparisons and experiments"


@click.command(
    cls=Command,
    examples=(
        ('charrnn sample -p "HAMLET:" -t 0.7', "continue a text"),
        ("charrnn sample checkpoints/hamlet -n 0", "a given run, until Ctrl-C"),
        ("charrnn sample --count 5 --json", "five samples for a script"),
        ("charrnn sample --compare", "see the effect of the temperature"),
        ("charrnn sample --steer string", "write outside and inside of strings"),
        ("charrnn sample --show surprisal", "color what the model did not expect"),
        ("charrnn sample --interactive", "write together with the model"),
    ),
    notes=(("Concepts of --clamp, --steer and --show", CONCEPTS),),
)
@model_argument
@option(
    "-n",
    "--length",
    type=Number(0, integer=True, hard_limit=MAX_CHARACTERS),
    section=COMMON,
    help="Maximum number of characters (500; a document: to its end); 0: no limit.",
)
@option("-p", "--prompt", default="", section=COMMON, metavar="TEXT", help="Text to continue.")
@option(
    "-t",
    "--temperature",
    type=Number(0, meaning="0: always the most likely"),
    section=COMMON,
    help="Sampling temperature; lower is more predictable (0.8); 0: always the most likely.",
)
@option(
    "--stop",
    "stops",
    multiple=True,
    section=COMMON,
    metavar="TEXT",
    help="Stop after this text, which is printed; repeatable.",
)
@option(
    "--prompt-file",
    type=TextFileType(),
    metavar="FILE",
    section=COMMON,
    help="File with the text to continue; - is standard input.",
)
@option("--encoding", default="utf-8", section=COMMON, help="Encoding of the prompt file ({default}).")
@option("--no-prompt", is_flag=True, section=COMMON, help="Do not print the prompt.")
@option(
    "--unknown",
    type=Word(["error", "skip"]),
    default="error",
    section=COMMON,
    help="What to do with prompt characters that the model never saw ({default}).",
)
@option("--argmax", is_flag=True, section=CHOOSING, help="Always choose the most likely, as with -t 0.")
@option(
    "--top-k",
    type=Number(0, integer=True, meaning="0: no limit", hard_limit=CODE_POINTS),
    section=CHOOSING,
    help="Choose among the N most likely.",
)
@option(
    "--top-p",
    type=Number(0, 1, low_excluded=True),
    section=CHOOSING,
    help="Choose among the most likely that together reach this probability.",
)
@option(
    "--min-p",
    type=Number(0, 1),
    section=CHOOSING,
    help="Choose among those at least this fraction as likely as the most likely.",
)
@option(
    "--count",
    type=Number(1, integer=True, hard_limit=10**9),
    default=1,
    section=SEVERAL,
    help="Number of samples, with consecutive seeds.",
)
@option(
    "--seed",
    type=Number(0, integer=True, hard_limit=LARGEST_SEED),
    section=SEVERAL,
    help="Seed of the first sample; the same seed generates the same text.",
)
@option(
    "--compare", is_flag=True, section=CELLS, help="Show samples by argmax and at three temperatures side by side."
)
@option(
    "--clamp",
    "clamps",
    type=ClampType(),
    multiple=True,
    section=CELLS,
    shell_complete=complete_concept,
    help="Clamp a cell, or a concept's carrier, at a value from -1 to 1 (below); repeatable.",
)
@option(
    "--steer",
    type=CellOrConceptType(),
    shell_complete=complete_concept,
    section=CELLS,
    help="Show samples with this cell or concept clamped at -1, free, and clamped at 1.",
)
@option(
    "--show",
    type=CellOrConceptType(),
    metavar="WHAT",
    section=CELLS,
    help="Color each character on a terminal: by its surprisal (the word surprisal), a cell or a concept.",
)
@option("--novelty", is_flag=True, section=CELLS, help="Show what is copied from the training text, and how much.")
@option(
    "--new", is_flag=True, section=SEVERAL, help="Write only documents that are not in the training text, each once."
)
@option(
    "--device",
    type=Word(["auto", *DEVICES]),
    default="cpu",
    section=OTHER,
    help="Device to compute on ({default}); a GPU pays off for many samples.",
)
@option(
    "--interactive",
    is_flag=True,
    section=COMMON,
    help="Write in turns: the model continues each line that you type, by 200 characters or -n; /help lists more.",
)
@option("--raw", is_flag=True, section=OUTPUT, help="Write control characters as they are, even to a terminal.")
@json_option
@quiet_option
def sample(model: Path, **options: Any) -> None:
    """Generate text with MODEL, a run's directory or a model file; by default the newest run.

    Without any run here, the model is the bundled one, which was trained on Python's standard library.
    """
    shown = options["show"] if options["show"] != "surprisal" else None
    searched = [options["steer"], shown, *(each for each, _ in options["clamps"])]
    if options["count"] > 1 or any(map(begins_concept, searched)):
        resources.use_idle_cores()
        resources.keep_freed_memory()
    else:
        resources.use_few_cores(model)
    from charrnn.cli.sample_options import SampleOptions

    write_samples(model, SampleOptions(**options))


# Output in the requested form


def write_samples(path: Path, options: "SampleOptions") -> None:
    """Write samples to standard output in the requested form (CharrnnError)."""
    from charrnn.cli.sample_output import write_complete, write_plain
    from charrnn.cli.sampler import make_sampler

    sampler = make_sampler(path, options)
    if options.interactive:
        from charrnn.cli.sample_interactive import write_interactively

        write_interactively(sampler, options)
    elif options.comparison_option:
        from charrnn.cli.sample_compare import compare

        compare(sampler, options)
    elif options.show:
        from charrnn.cli.sample_show import write_shown

        write_shown(sampler, options)
    elif options.as_json or options.novelty or options.new:
        write_complete(sampler, options)
    else:
        write_plain(sampler, options)
