"""The scorer of `charrnn score`: its options, scores of texts or lines, and the next character's distribution."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from charrnn.cli.streams import read_text, status, write_json, write_note, write_result
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, count_matmul_weights, load_model
from charrnn.scoring import Predictor, Score, next_char_probabilities, score, score_lines, split_lines
from charrnn.storage.run_directory import display_name
from charrnn.text.decoding import check_encoding
from charrnn.views.sanitize import sanitize

LINES_PER_BATCH = 4096
"""number of lines scored before the first of their scores is written"""
MAX_UNKNOWN_SHARE = 0.2
"""share of unknown characters above which a note says that the score says little about the text"""
TORCH_FROM_OPS = 3e11
"""operations from which torch is faster: NumPy takes 6 s for them, torch 2 s and about as long to be imported"""
NUMBER_COLUMNS = 10
"""width of a number in a table"""


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """The options as given on the command line."""

    per_line: bool
    sort: bool
    top: int | None
    """number of next characters to show instead of scores"""
    device: str
    encoding: str
    as_json: bool

    def __post_init__(self) -> None:
        if self.sort and not self.per_line:
            raise WrongUsageError("--sort puts lines in order", hint="`--per-line --sort`")
        if self.sort and self.top:
            raise WrongUsageError("--sort and --top cannot go together", hint="--top shows no scores to sort by")


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """A loaded model that scores texts with NumPy, or with torch if the text is long or on a GPU."""

    path: Path
    model: Model
    device: str
    threads: int
    """number of worker threads with NumPy"""

    @cached_property
    def rnn(self) -> InferenceRNN:
        """The model in NumPy, which is ready at once."""
        return InferenceRNN.from_model(self.model)

    @cached_property
    def network(self) -> Predictor:
        """The model in torch (WrongUsageError if the device is not available)."""
        from charrnn.network.char_rnn import CharRNN
        from charrnn.training.device import choose_device

        return CharRNN.from_model(self.model, choose_device(self.device))

    def score(self, text: str) -> Score:
        """Return the score of a text (CharrnnError if too few characters are known)."""
        predictor, threads = self._predictor(len(text))
        return score(predictor, self.model.vocabulary, text, threads=threads)

    def score_lines(self, lines: Sequence[str]) -> list[Score | None]:
        """Return the score of each line; None for a line with too few known characters."""
        predictor, threads = self._predictor(sum(map(len, lines)))
        return score_lines(predictor, self.model.vocabulary, lines, threads=threads)

    def _predictor(self, characters: int) -> tuple[Predictor, int]:
        """Return the predictor for a text of this length, and its number of worker threads.

        Torch takes seconds to be imported, and is then two to three times as fast on a CPU, with its own threads.
        """
        flops = 2 * count_matmul_weights(self.model.config, len(self.model.vocabulary)) * characters
        return (self.network, 1) if self.device != "cpu" or flops > TORCH_FROM_OPS else (self.rnn, self.threads)


@dataclass(frozen=True, kw_only=True)
class ScoredText:
    """The scores of a text, or of a line of a text, by each model."""

    text: str
    """name of the text"""
    scores: tuple[Score | None, ...]
    """score by each model; None if too few characters are known"""
    number: int | None = None
    """line number, from 1; None for a whole text"""
    line: str = ""
    """content of the line"""


def run_scores(models: Sequence[Path], texts: Sequence[str], options: ScoreOptions, *, threads: int) -> None:
    """Print the scores of texts or of their lines, or the most likely next characters (CharrnnError)."""
    scorers = [Scorer(path=path, model=load_model(path), device=options.device, threads=threads) for path in models]
    if options.top:
        _show_next_characters(scorers, texts, options, options.top)
        return
    show = _show_json if options.as_json else _show_lines if options.per_line else partial(_show_texts, texts)
    show(scorers, (scored for text in texts for scored in _score_texts(scorers, text, options)))


def _score_texts(scorers: Sequence[Scorer], text: str, options: ScoreOptions) -> Iterator[ScoredText]:
    """Yield the scores of a text, or of each of its lines, by all models."""
    content = read_text(text, check_encoding(options.encoding))
    if options.per_line:
        yield from _in_order(_score_all_lines(scorers, text, split_lines(content)), sort=options.sort)
        return
    try:
        with status(f"scoring {sanitize(text)} ..."):
            scores = tuple(scorer.score(content) for scorer in scorers)
        yield ScoredText(text=text, scores=scores)
    except CharrnnError as error:
        raise CharrnnError(f"{text}: {error.message}", hint=error.hint) from error


def _score_all_lines(scorers: Sequence[Scorer], text: str, lines: Sequence[str]) -> Iterator[ScoredText]:
    """Yield the scores of each line by all models."""
    for first in range(0, len(lines), LINES_PER_BATCH):
        batch = lines[first : first + LINES_PER_BATCH]
        with status(f"scoring {sanitize(text)} ..."):
            columns = [scorer.score_lines(batch) for scorer in scorers]
        for number, (line, *scores) in enumerate(zip(batch, *columns, strict=True), first + 1):
            yield ScoredText(text=text, scores=tuple(scores), number=number, line=line)


def _in_order(scored: Iterator[ScoredText], *, sort: bool) -> Iterator[ScoredText]:
    """Return the lines in their order, or with the lines first that the first model predicts best."""
    if not sort:
        return scored

    def cost(line: ScoredText) -> float:
        first = line.scores[0]
        return first.nats_per_char if first else float("inf")

    return iter(sorted(scored, key=cost))


def _show_json(scorers: Sequence[Scorer], scored: Iterator[ScoredText]) -> None:
    """Write a JSON object for each text or line, and each model."""
    for scored_text in scored:
        where = {} if scored_text.number is None else {"line": scored_text.number, "content": scored_text.line}
        for scorer, text_score in zip(scorers, scored_text.scores, strict=True):
            write_json({"model": str(scorer.path), "text": scored_text.text, **where, **_numbers(text_score)})


def _numbers(score: Score | None) -> dict[str, Any]:
    return {
        "characters": score.characters if score else 0,
        "unknown": score.unknown if score else None,
        "nats_per_char": score.nats_per_char if score else None,
        "bits_per_char": score.bits_per_char if score else None,
        "perplexity": score.perplexity if score else None,
    }


def _show_texts(texts: Sequence[str], scorers: Sequence[Scorer], scored: Iterator[ScoredText]) -> None:
    """Print the scores of texts: all numbers of one model, or a column of bits per character for each model."""
    width = max(map(len, texts))
    for number, scored_text in enumerate(scored):
        if len(scorers) > 1 and not number:
            _show_headings(scorers, "text")
        scores = [score for score in scored_text.scores if score]
        if len(scorers) > 1:
            write_result(f"{_columns(scored_text.scores)}  {scored_text.text}{_unknown_count(scores)}")
        else:
            write_result(f"{scored_text.text:{width}}  {_score_text(scores[0])}")
        _note_unknown_alphabet(scored_text.text, scores)


def _score_text(score: Score) -> str:
    return (
        f"{score.bits_per_char:.4f} bits/char  {score.nats_per_char:.4f} nats  perplexity {score.perplexity:.2f}"
        f"  {score.characters:,} chars{_unknown_count([score])}"
    )


def _unknown_count(scores: Sequence[Score]) -> str:
    """Return the number of unknown characters as text, the largest of several models'; "" if there are none."""
    most_unknown = max(scores, key=lambda score: score.unknown)
    return f"  {most_unknown.unknown:,} unknown ({most_unknown.unknown_share:.1%})" if most_unknown.unknown else ""


def _note_unknown_alphabet(text: str, scores: Sequence[Score]) -> None:
    """Print a note if a large share of a text is unknown to every model."""
    if all(score.unknown_share > MAX_UNKNOWN_SHARE for score in scores):
        treatment = "read as U+FFFD" if scores and scores[0].unknown_read_as_ufffd else "the score is of the rest"
        write_note(f"note: {text}: much of it the model never saw; {treatment}")


def _show_lines(scorers: Sequence[Scorer], scored: Iterator[ScoredText]) -> None:
    """Print the bits per character of each line by each model, and the line."""
    for number, scored_line in enumerate(scored):
        if not number:
            _show_headings(scorers, "line")
        write_result(f"{_columns(scored_line.scores)}  {scored_line.line}")


def _show_headings(scorers: Sequence[Scorer], last_heading: str) -> None:
    """Print the heading of each column, and which model each column belongs to."""
    if len(scorers) == 1:
        write_result(f"{'bits/char':>{NUMBER_COLUMNS}}  {last_heading}")
        return
    for number, scorer in enumerate(scorers, 1):
        write_result(f"{number}: {display_name(scorer.path)}")
    write_result(
        "".join(f"{f'bits by {number}':>{NUMBER_COLUMNS}}" for number in range(1, len(scorers) + 1))
        + f"  {last_heading}"
    )


def _columns(scores: Sequence[Score | None]) -> str:
    """Return the bits per character by each model, as columns of a table."""
    return "".join(
        f"{score.bits_per_char:{NUMBER_COLUMNS}.4f}" if score else f"{'-':>{NUMBER_COLUMNS}}" for score in scores
    )


def _show_next_characters(scorers: Sequence[Scorer], texts: Sequence[str], options: ScoreOptions, count: int) -> None:
    """Print the `count` most likely next characters after each text, or after each line."""
    for text in texts:
        content = read_text(text, check_encoding(options.encoding))
        for prefix in split_lines(content) if options.per_line else [content]:
            for scorer in scorers:
                characters = next_char_probabilities(scorer.rnn, scorer.model.vocabulary, prefix, most=count)
                if options.as_json:
                    values = {"model": str(scorer.path), "text": text, "next": [list(pair) for pair in characters]}
                    write_json(values | ({"content": prefix} if options.per_line else {}))
                    continue
                after = f"after {sanitize(prefix[-40:], keep='')!r}" if prefix else "at the beginning"
                write_result(f"{text}: {after}, by {display_name(scorer.path)}")
                for character, probability in characters:
                    write_result(f"  {sanitize(character, keep=''):>2}  {probability:7.2%}")
