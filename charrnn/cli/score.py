"""`charrnn score`: bits per character of texts, or the most likely next characters."""

import sys
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn import resources
from charrnn.arguments import DEVICES
from charrnn.cli.options import COMMON, Command, Number, Word, json_option, option
from charrnn.cli.path_types import ModelType, TextFileType, find_or_bundled
from charrnn.errors import WrongUsageError
from charrnn.storage.run_directory import BUNDLED, MODEL_SUFFIX, RUNS, RunDirectory, find_model, list_model_files

if TYPE_CHECKING:
    from charrnn.cli.scorer import ScoreOptions, Scorer

MAX_NEXT_CHARS = 1000
"""largest number of next characters that --top can show"""


@click.command(
    cls=Command,
    options_metavar="[OPTIONS]",
    examples=(
        ("charrnn score book.txt", "by the newest model"),
        ("charrnn score checkpoints/a checkpoints/b", "two models on their held-out text"),
        ("charrnn score checkpoints/a checkpoints/b *.txt", "... on other texts"),
        ("charrnn score names.txt --per-line --sort", "best predicted lines first"),
        ('printf "To be, or not t" | charrnn score - --top 5', "what comes next"),
    ),
)
@click.argument(
    "names",
    nargs=-1,
    metavar="[MODEL]... [TEXT]...",
    type=TextFileType(),
    shell_complete=ModelType().shell_complete,
)
@option("--per-line", is_flag=True, section=COMMON, help="Score each line separately, from a fresh state.")
@option("--sort", is_flag=True, section=COMMON, help="Put the best predicted lines first.")
@option(
    "--top",
    type=Number(1, MAX_NEXT_CHARS, integer=True),
    section=COMMON,
    help="Show the N most likely next characters instead of scores.",
)
@option(
    "--device",
    type=Word(["auto", *DEVICES]),
    default="cpu",
    section=COMMON,
    help="Device to compute on ({default}); a GPU pays off for long texts.",
)
@option("--encoding", default="utf-8", section=COMMON, help="Encoding of the texts ({default}).")
@json_option
def score(names: tuple[str, ...], **options: Any) -> None:
    """Measure how well MODEL predicts each TEXT, by default its held-out text; "-" is standard input.

    MODEL is a run's directory or a file that ends in .safetensors; several are compared side by side; by default
    the newest run here, or else the bundled model. The state is carried through a text; the first character is not
    counted, since nothing predicts it. A model of documents reads each document from a fresh state, and the end of a
    document counts too.

    Bits per byte of UTF-8 and the perplexity per word compare the model with models of bytes, tokens and words. Words
    are separated by whitespace, which counts: 2^(bits/char * chars / words).
    """
    models, texts = _models_and_texts(names)
    threads = resources.threads_for_workers()
    resources.set_short_spin()
    resources.keep_freed_memory()
    from charrnn.cli.scorer import ScoreOptions, Scorer, run_scores
    from charrnn.network.model_file import load_model

    score_options = ScoreOptions(**options)
    if score_options.top and not texts:
        raise WrongUsageError("--top needs a text", hint="name a file, or - for standard input")
    device = score_options.device
    scorers = [Scorer(path=path, model=load_model(path), device=device, threads=threads) for path in models]
    if score_options.top:
        _show_next_characters(scorers, texts, score_options, score_options.top)
    else:
        run_scores(scorers, texts, score_options)


def _names_model(name: str) -> bool:
    """Return whether an argument is meant as a model: a model file, a directory, or a run without its directory."""
    path = Path(name)
    is_run = (RunDirectory(RUNS / name).model.is_file() or name == BUNDLED) and not path.exists()
    return path.suffix == MODEL_SUFFIX or path.is_dir() or is_run


def _models_and_texts(names: Sequence[str]) -> tuple[list[Path], Sequence[str]]:
    """Return the model files and the names of the texts (CharrnnError)."""
    count = sum(1 for _ in takewhile(_names_model, names))
    for late in names[count:]:
        if Path(late).suffix == MODEL_SUFFIX or RunDirectory(Path(late)).model.exists():
            raise WrongUsageError(
                f"{late} is a model, and models come first", hint="`charrnn score MODEL ... TEXT ...`"
            )
    for last in map(Path, names[-1:] if 1 < count == len(names) else ()):
        if last.is_dir() and not (RunDirectory(last).model.exists() or list_model_files(last)):
            raise WrongUsageError(f"{last} is a directory without a model", hint="name the files in it")
    return [find_model(Path(name)) for name in names[:count]] or [find_or_bundled(None)], names[count:]


def _show_next_characters(
    scorers: "Sequence[Scorer]", texts: Sequence[str], options: "ScoreOptions", count: int
) -> None:
    """Print the `count` most likely next characters after each text, or after each line."""
    from charrnn.cli.streams import read_text, write_json, write_result
    from charrnn.scoring import next_char_probabilities, split_lines
    from charrnn.storage.run_directory import display_name
    from charrnn.text.decoding import check_encoding
    from charrnn.views.layout import visible_character
    from charrnn.views.sanitize import sanitize, unicode_stream

    for text in texts:
        content = read_text(text, check_encoding(options.encoding))
        for number, prefix in enumerate(split_lines(content) if options.per_line else [content], 1):
            for scorer in scorers:
                text_before = scorer.model.normalize(prefix)
                characters = next_char_probabilities(scorer.rnn, scorer.model.vocabulary, text_before, most=count)
                if options.as_json:
                    values = {"model": str(scorer.path), "text": text, "next": [list(pair) for pair in characters]}
                    write_json(values | ({"line": number, "content": prefix} if options.per_line else {}))
                    continue
                after = f"after {sanitize(prefix[-40:], keep='')!r}" if prefix else "at the beginning"
                write_result(f"{text}: {after}, by {display_name(scorer.path)}")
                for character, probability in characters:
                    glyph = visible_character(character, unicode=unicode_stream(sys.stdout))
                    write_result(f"  {glyph:>2}  {probability:7.2%}")
