"""`charrnn score`: how well models predict texts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from charrnn.cli import cpu_threads
from charrnn.cli.options import COMMON, Command, Number, json_option, option
from charrnn.cli.path_types import ModelType
from charrnn.errors import WrongUsageError
from charrnn.storage.run_directory import find_model

MOST_NEXT = 1000


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
@option("--per-line", is_flag=True, section=COMMON, help="Score each line by itself, from a fresh state.")
@option("--sort", is_flag=True, section=COMMON, help="Put the best predicted lines first.")
@option(
    "--top",
    type=Number(1, MOST_NEXT, whole=True),
    section=COMMON,
    help="Show the N likeliest next characters instead.",
)
@option(
    "--device",
    type=click.Choice(["cpu", "auto", "cuda", "mps"]),
    default="cpu",
    section=COMMON,
    help="Where to compute (cpu); a GPU pays off for much text.",
)
@option("--encoding", default="utf-8", section=COMMON, help="Encoding of the texts (utf-8).")
@json_option
def score(names: tuple[str, ...], **options: Any) -> None:
    """Say how well MODEL predicts each TEXT; "-" is standard input.

    MODEL is a run's directory or a file that ends in .safetensors; several are compared side by side; by default
    the newest run here. The state is carried through a text; its first character is not counted, since nothing
    predicts it. A model of documents reads each from a fresh state, and its end counts too.
    """
    models, texts = _models_and_texts(names)
    if options["sort"] and not options["per_line"]:
        raise WrongUsageError("--sort puts lines in order", hint="`--per-line --sort`")
    if options["sort"] and options["top"]:
        raise WrongUsageError("--sort and --top cannot go together", hint="what comes next has no order to be put in")
    threads = cpu_threads.threads_for_workers()
    cpu_threads.set_short_spin()
    cpu_threads.keep_freed_memory()
    from charrnn.cli.scorer import run_scores

    run_scores(models, texts, options, threads=threads)


def _models_and_texts(names: Sequence[str]) -> tuple[list[Path], Sequence[str]]:
    """Tell models' names from those of texts; raise WrongUsageError if there is no text."""
    named = 0
    while named < len(names) and (Path(names[named]).suffix == ".safetensors" or Path(names[named]).is_dir()):
        named += 1
    if not names[named:]:
        raise WrongUsageError("there is no text to score", hint="name a file, or - for standard input")
    return [find_model(Path(name)) for name in names[:named]] or [find_model()], names[named:]
