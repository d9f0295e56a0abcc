"""`charrnn score`: bits per character of texts, or the most likely next characters."""

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import click

from charrnn import resources
from charrnn.arguments import DEVICES
from charrnn.cli.options import COMMON, Command, Number, Word, json_option, option
from charrnn.cli.path_types import ModelType
from charrnn.errors import WrongUsageError
from charrnn.storage.run_directory import MODEL_SUFFIX, RUNS, RunDirectory, find_model

MAX_NEXT_CHARS = 1000
"""largest number of next characters that --top can show"""


@click.command(
    cls=Command,
    options_metavar="[OPTIONS]",
    examples=(
        ("charrnn score book.txt", "by the newest model"),
        ("charrnn score checkpoints/a checkpoints/b *.txt", "several models side by side"),
        ("charrnn score names.txt --per-line --sort", "best predicted lines first"),
        ('printf "To be, or not t" | charrnn score - --top 5', "what comes next"),
    ),
)
@click.argument("names", nargs=-1, metavar="[MODEL]... TEXT...", shell_complete=ModelType().shell_complete)
@option("--per-line", is_flag=True, section=COMMON, help="Score each line separately, from a fresh state.")
@option("--sort", is_flag=True, section=COMMON, help="Put the best predicted lines first.")
@option(
    "--top",
    type=Number(1, MAX_NEXT_CHARS, integer=True),
    section=COMMON,
    help="Show the N most likely next characters instead.",
)
@option(
    "--device",
    type=Word(["auto", *DEVICES]),
    default="cpu",
    section=COMMON,
    help="Where to compute (cpu); a GPU pays off for much text.",
)
@option("--encoding", default="utf-8", section=COMMON, help="Encoding of the texts (utf-8).")
@json_option
def score(names: tuple[str, ...], **options: Any) -> None:
    """Measure how well MODEL predicts each TEXT; "-" is standard input.

    MODEL is a run's directory or a file that ends in .safetensors; several are compared side by side; by default
    the newest run here. The state is carried through a text; the first character is not counted, since nothing
    predicts it. A model of documents reads each document from a fresh state, and the end of a document counts too.
    """
    models, texts = _models_and_texts(names)
    threads = resources.threads_for_workers()
    resources.set_short_spin()
    resources.keep_freed_memory()
    from charrnn.cli.scorer import ScoreOptions, run_scores

    run_scores(models, texts, ScoreOptions(**options), threads=threads)


def _names_model(name: str) -> bool:
    """Return whether an argument is meant as a model: a model file, a directory, or a run without its directory."""
    path = Path(name)
    is_run = RunDirectory(RUNS / name).model.is_file() and not path.exists()
    return path.suffix == MODEL_SUFFIX or path.is_dir() or is_run


def _models_and_texts(names: Sequence[str]) -> tuple[list[Path], Sequence[str]]:
    """Return the model files and the names of the texts; raise WrongUsageError if there is no text."""
    count = sum(1 for _ in takewhile(_names_model, names))
    if not names[count:]:
        raise WrongUsageError("there is no text to score", hint="name a file, or - for standard input")
    return [find_model(Path(name)) for name in names[:count]] or [find_model()], names[count:]
