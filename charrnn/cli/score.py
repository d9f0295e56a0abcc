"""charrnn score: how well a model predicts a text."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charrnn.cli import cores
from charrnn.cli.options import COMMON, Command, json_option, option
from charrnn.cli.streams import read_text, say
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.runs import find_model

if TYPE_CHECKING:
    from charrnn.scoring import Score


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A text's score by a model, both by name."""

    model: Path
    text: str
    score: "Score"

    def json(self) -> str:
        """Lay it out for scripts."""
        score = self.score
        return json.dumps(
            {
                "model": str(self.model),
                "text": self.text,
                "characters": score.characters,
                "unknown": score.unknown,
                "nats_per_char": score.nats_per_char,
                "bits_per_char": score.bits_per_char,
                "perplexity": score.perplexity,
            }
        )

    def line(self, width: int) -> str:
        """Lay it out for people, the text's name in a column of that width."""
        score = self.score
        unknown = f"  {score.unknown:,} unknown" if score.unknown else ""
        return (
            f"{self.text:{width}}  {score.bits_per_char:.4f} bits/char  {score.nats_per_char:.4f} nats"
            f"  perplexity {score.perplexity:.2f}  {score.characters:,} chars{unknown}"
        )


@click.command(
    cls=Command,
    options_metavar="[OPTIONS]",
    examples=(
        ("charrnn score book.txt", "by the newest model here"),
        ("charrnn score checkpoints/hamlet *.txt", "several texts, by that run's model"),
        ("cat book.txt | charrnn score - --json", "for a script"),
    ),
)
@click.argument("names", nargs=-1, metavar="[MODEL] TEXT...")
@option("--encoding", default="utf-8", section=COMMON, show_default=True, help="The texts' encoding.")
@json_option
def score(names: tuple[str, ...], encoding: str, as_json: bool) -> None:
    """Say how well MODEL predicts each TEXT; "-" is standard input.

    MODEL is a run's directory or a file that ends in .safetensors; left out, the newest run here. The state is
    carried through a text, whose first character is predicted by nothing and not counted.
    """
    model, texts = _model_and_texts(names)
    width = max(map(len, texts))
    for scored in _scored(model, texts, encoding):
        if as_json:
            click.echo(scored.json())
        else:
            say(scored.line(width))


def _model_and_texts(names: Sequence[str]) -> tuple[Path, Sequence[str]]:
    """Tell a model's name from those of texts; raise WrongUsageError if there is no text."""
    named = bool(names) and (Path(names[0]).suffix == ".safetensors" or Path(names[0]).is_dir())
    texts = names[named:]
    if not texts:
        raise WrongUsageError("there is no text to score", hint="name a file, or - for standard input")
    return find_model(Path(names[0]) if named else None), texts


def _scored(path: Path, texts: Sequence[str], encoding: str) -> Iterator[Scored]:
    """Load the model and score text after text."""
    cores.use_idle()
    from charrnn.network.model_file import load
    from charrnn.network.reader import Reader
    from charrnn.scoring import score as score_of
    from charrnn.text.encoding import known_encoding

    model = load(path)
    reader = Reader.of(model)
    for name in texts:
        text = read_text(name, known_encoding(encoding))
        try:
            yield Scored(model=path, text=name, score=score_of(reader, model.vocabulary, text))
        except CharrnnError as error:
            raise CharrnnError(f"{name}: {error.message}", hint=error.hint) from error
