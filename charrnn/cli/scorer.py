"""The scorer of `charrnn score`: scores of texts or of lines, or the distribution of the next character."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from charrnn.cli.streams import read_text, status, write_json, write_note, write_result
from charrnn.errors import CharrnnError
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, count_matmul_weights, load_model
from charrnn.scoring import Predictor, Score, next_char_probabilities, score, score_lines, split_lines
from charrnn.storage.run_directory import display_name
from charrnn.text.decoding import check_encoding
from charrnn.views.sanitize import sanitize

Options = Mapping[str, Any]

LINES_PER_BATCH = 4096
"""scored before the first of them is told"""
FOREIGN_ALPHABET_SHARE = 0.2
"""of a text outside the vocabulary: beyond it the score says little of how the text is written"""
TORCH_FROM_OPS = 3e11
"""operations: some six seconds without it here, a third of that with it, and as much again to start it"""
NUMBER_COLUMNS = 10
"""columns of a number"""


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """A model ready to judge."""

    path: Path
    model: Model
    device: str
    threads: int
    """for what is read without torch"""

    @cached_property
    def reader(self) -> InferenceRNN:
        """The model as it begins at once."""
        return InferenceRNN.from_model(self.model)

    @cached_property
    def network(self) -> Predictor:
        """The model as torch reads it; WrongUsageError if there is no such device."""
        from charrnn.network.char_rnn import CharRNN
        from charrnn.training.device import choose_device

        return CharRNN.from_model(self.model, choose_device(self.device))

    def score(self, text: str) -> Score:
        """Score a text; CharrnnError if too little of it is known."""
        predictor, threads = self._predictor(len(text))
        return score(predictor, self.model.vocabulary, text, threads=threads)

    def score_lines(self, lines: Sequence[str]) -> list[Score | None]:
        """Score lines one by one; None for one of which too little is known."""
        predictor, threads = self._predictor(sum(map(len, lines)))
        return score_lines(predictor, self.model.vocabulary, lines, threads=threads)

    def _predictor(self, characters: int) -> tuple[Predictor, int]:
        """Choose who reads so much, and in how many threads of ours.

        Torch takes seconds to begin, and is then two to three times as fast on a CPU; it has threads of its own.
        """
        work = 2 * count_matmul_weights(self.model.config, len(self.model.vocabulary)) * characters
        return (self.network, 1) if self.device != "cpu" or work > TORCH_FROM_OPS else (self.reader, self.threads)


@dataclass(frozen=True, kw_only=True)
class ScoredText:
    """What models said of a text, or of a line of it."""

    text: str
    """the text's name"""
    scores: tuple[Score | None, ...]
    """by each of the models; None where too little is known to be scored"""
    number: int | None = None
    """the line's, from 1; None: the whole text"""
    line: str = ""
    """the line itself"""


def run_scores(models: Sequence[Path], texts: Sequence[str], options: Options, *, threads: int) -> None:
    """Score texts, or their lines, or say what comes after them (CharrnnError)."""
    scorers = [
        Scorer(path=path, model=load_model(path), device=options["device"], threads=threads) for path in models
    ]
    if options["top"]:
        _show_next_characters(scorers, texts, options)
        return
    show = _show_json if options["as_json"] else _show_lines if options["per_line"] else partial(_show_texts, texts)
    show(scorers, (scored for text in texts for scored in _score_texts(scorers, text, options)))


def _score_texts(scorers: Sequence[Scorer], text: str, options: Options) -> Iterator[ScoredText]:
    """Have all judge a text, or each line of it."""
    content = read_text(text, check_encoding(options["encoding"]))
    if options["per_line"]:
        yield from _in_order(_score_all_lines(scorers, text, split_lines(content)), sort=options["sort"])
        return
    try:
        with status(f"scoring {sanitize(text)} ..."):
            scores = tuple(scorer.score(content) for scorer in scorers)
        yield ScoredText(text=text, scores=scores)
    except CharrnnError as error:
        raise CharrnnError(f"{text}: {error.message}", hint=error.hint) from error


def _score_all_lines(scorers: Sequence[Scorer], text: str, lines: Sequence[str]) -> Iterator[ScoredText]:
    for first in range(0, len(lines), LINES_PER_BATCH):
        block = lines[first : first + LINES_PER_BATCH]
        with status(f"scoring {sanitize(text)} ..."):
            columns = [scorer.score_lines(block) for scorer in scorers]
        for number, (line, *scores) in enumerate(zip(block, *columns, strict=True), first + 1):
            yield ScoredText(text=text, scores=tuple(scores), number=number, line=line)


def _in_order(scored: Iterator[ScoredText], *, sort: bool) -> Iterator[ScoredText]:
    """Leave lines as they stand, or put those first that the first model predicts best."""
    if not sort:
        return scored

    def cost(line: ScoredText) -> float:
        first = line.scores[0]
        return first.nats_per_char if first else float("inf")

    return iter(sorted(scored, key=cost))


def _show_json(scorers: Sequence[Scorer], scored: Iterator[ScoredText]) -> None:
    """Tell scripts: an object a line, for every text or line and model."""
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
    """Tell people of texts: all that is known where one model judges, else its bits a column."""
    width = max(map(len, texts))
    for number, scored_text in enumerate(scored):
        if len(scorers) > 1 and not number:
            _show_headings(scorers, "text")
        scores = [score for score in scored_text.scores if score]
        if len(scorers) > 1:
            write_result(f"{_columns(scored_text.scores)}  {scored_text.text}{_unknown_count(scores)}")
        else:
            write_result(f"{scored_text.text:{width}}  {_score_text(scores[0])}")
        _warn_of_foreign_alphabet(scored_text.text, scores)


def _score_text(score: Score) -> str:
    return (
        f"{score.bits_per_char:.4f} bits/char  {score.nats_per_char:.4f} nats  perplexity {score.perplexity:.2f}"
        f"  {score.characters:,} chars{_unknown_count([score])}"
    )


def _unknown_count(scores: Sequence[Score]) -> str:
    """Say how many characters the models did not know: the most of them, where several judged."""
    worst = max(scores, key=lambda score: score.unknown)
    return f"  {worst.unknown:,} unknown ({worst.unknown_share:.1%})" if worst.unknown else ""


def _warn_of_foreign_alphabet(text: str, scores: Sequence[Score]) -> None:
    if all(score.unknown_share > FOREIGN_ALPHABET_SHARE for score in scores):
        rest = "read as U+FFFD" if scores and scores[0].unknown_read_as_ufffd else "the score is of the rest"
        write_note(f"note: {text}: much of it the model never saw; {rest}")


def _show_lines(scorers: Sequence[Scorer], scored: Iterator[ScoredText]) -> None:
    """Tell people of lines: bits a character by each model, and the line."""
    for number, scored_line in enumerate(scored):
        if not number:
            _show_headings(scorers, "line")
        write_result(f"{_columns(scored_line.scores)}  {scored_line.line}")


def _show_headings(scorers: Sequence[Scorer], what: str) -> None:
    """Say which column is which model's."""
    if len(scorers) == 1:
        write_result(f"{'bits/char':>{NUMBER_COLUMNS}}  {what}")
        return
    for number, scorer in enumerate(scorers, 1):
        write_result(f"{number}: {display_name(scorer.path)}")
    write_result(
        "".join(f"{f'bits by {number}':>{NUMBER_COLUMNS}}" for number in range(1, len(scorers) + 1)) + f"  {what}"
    )


def _columns(scores: Sequence[Score | None]) -> str:
    return "".join(
        f"{score.bits_per_char:{NUMBER_COLUMNS}.4f}" if score else f"{'-':>{NUMBER_COLUMNS}}" for score in scores
    )


def _show_next_characters(scorers: Sequence[Scorer], texts: Sequence[str], options: Options) -> None:
    """Say for each text, or for each line, which characters are the likeliest to come next."""
    for text in texts:
        content = read_text(text, check_encoding(options["encoding"]))
        beginnings = split_lines(content) if options["per_line"] else [content]
        for beginning in beginnings:
            for scorer in scorers:
                characters = next_char_probabilities(
                    scorer.reader, scorer.model.vocabulary, beginning, most=options["top"]
                )
                if options["as_json"]:
                    values = {"model": str(scorer.path), "text": text, "next": [list(pair) for pair in characters]}
                    write_json(values | ({"content": beginning} if options["per_line"] else {}))
                    continue
                after = f"after {sanitize(beginning[-40:], keep='')!r}" if beginning else "at the beginning"
                write_result(f"{text}: {after}, by {display_name(scorer.path)}")
                for character, share in characters:
                    write_result(f"  {sanitize(character, keep=''):>2}  {share:7.2%}")
