"""The scorer of `charrnn score`: its options, scores of texts or lines, and the next character's distribution."""

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from charrnn.cli.info_details import size_note
from charrnn.cli.streams import read_text, status, terminal_columns, write_json, write_note, write_result
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, count_matmul_weights
from charrnn.scoring import Predictor, Score, score, score_lines, split_lines
from charrnn.storage.run_directory import display_name
from charrnn.text.decoding import check_encoding
from charrnn.text.held_out import DEFAULT_CHARS, NamedText, held_out_text, training_corpus
from charrnn.text.suffix_array import contained_share
from charrnn.training.run_listing import model_labels, network_label
from charrnn.views.formatting import pluralize, rounded_number

LINES_PER_BATCH = 4096
"""number of lines scored before the first of their scores is written"""
MAX_UNKNOWN_SHARE = 0.2
"""share of unknown characters above which a note says that the score says little about the text"""
TORCH_FROM_OPS = 3e11
"""operations from which torch is faster: NumPy takes 6 s for them, torch 2 s and about as long to be imported"""
MAX_TRAINING_SHARE = 0.5
"""share of a text in the training text above which a note says that the score is misleading"""
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


@dataclass(frozen=True, kw_only=True, eq=False)
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
        return score(predictor, self.model.vocabulary, self.model.normalize(text), threads=threads)

    def score_lines(self, lines: Sequence[str]) -> list[Score | None]:
        """Return the score of each line; None for a line with too few known characters."""
        predictor, threads = self._predictor(sum(map(len, lines)))
        return score_lines(predictor, self.model.vocabulary, list(map(self.model.normalize, lines)), threads=threads)

    def held_out(self) -> NamedText:
        """Return the beginning of the model's held-out text (CharrnnError)."""
        section, hint = slice(0, DEFAULT_CHARS), "name a text to score, or - for standard input"
        return held_out_text(self.path, self.model.vocabulary, self.model.training, section, hint=hint)

    def training_share(self, text: str) -> float | None:
        """Return the fraction of a sample of passages that the training text contains; None if it is not known."""
        try:
            corpus, train_chars = training_corpus(self.path, self.model.vocabulary, self.model.training, hint="")
        except CharrnnError:
            return None
        return contained_share(self.model.normalize(text), corpus, train_chars)

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


def run_scores(scorers: Sequence[Scorer], texts: Sequence[str], options: ScoreOptions) -> None:
    """Print the scores of texts or of their lines; without texts, of the models' held-out text (CharrnnError)."""
    if len(scorers) > 1 and (note := size_note([network_label(scorer.model.config) for scorer in scorers])):
        write_note(note)
    files = _read_files(scorers, texts, options.encoding)
    groups = [(scorers, texts, files)] if texts else _held_out_groups(scorers, as_json=options.as_json)
    for group, names, contents in groups:
        scored = (scored for text in contents for scored in _score_named(group, text, options))
        if options.as_json:
            _show_json(group, scored)
        elif options.per_line:
            _show_lines(group, scored)
        else:
            _show_texts(names, group, scored)


Group = tuple[Sequence[Scorer], Sequence[str], Iterable[NamedText]]
"""models, with the names and the contents of the texts to score"""


def _held_out_groups(scorers: Sequence[Scorer], *, as_json: bool) -> Iterator[Group]:
    """Yield the models that share a held-out text; print a note if there are several groups."""
    groups: dict[str, tuple[str, list[Scorer]]] = {}
    for scorer in scorers:
        text, name = scorer.held_out()
        groups.setdefault(text, (f"held-out text of {name}", []))[1].append(scorer)
    if len(groups) > 1:
        write_note("note: the held-out texts differ, so the losses cannot be compared; name a text for all models")
    for text, (name, group) in groups.items():
        label = name if as_json or len(groups) == 1 else f"{display_name(group[0].path)}: {name}"
        yield group, [label], [NamedText(text, label)]


def _score_named(scorers: Sequence[Scorer], text: NamedText, options: ScoreOptions) -> Iterator[ScoredText]:
    """Yield the scores of a text, or of each of its lines, by all models."""
    if options.per_line:
        lines = _score_all_lines(scorers, text.name, split_lines(text.text))
        yield from sorted(lines, key=_loss_by_first_model) if options.sort else lines
    else:
        try:
            with status(f"scoring {text.name}"):
                scores = tuple(scorer.score(text.text) for scorer in scorers)
        except CharrnnError as error:
            raise CharrnnError(f"{text.name}: {error.message}", hint=error.hint) from error
        yield ScoredText(text=text.name, scores=scores)


def _read_files(scorers: Sequence[Scorer], names: Sequence[str], encoding: str) -> Iterator[NamedText]:
    """Yield the texts of files; a note follows a text that is mostly in the training text of some models."""
    labels = model_labels([scorer.path for scorer in scorers])
    for name in names:
        text = read_text(name, check_encoding(encoding))
        yield NamedText(text, name)
        shares = [scorer.training_share(text) or 0.0 for scorer in scorers]
        trained = [label for label, share in zip(labels, shares, strict=True) if share > MAX_TRAINING_SHARE]
        if trained:
            write_note(
                f"note: {name}: about {max(shares):.0%} is in the training text of {', '.join(trained)}, so the loss"
                " is lower than on new text; without a text, `charrnn score` reads the held-out text"
            )


def _score_all_lines(scorers: Sequence[Scorer], text: str, lines: Sequence[str]) -> Iterator[ScoredText]:
    """Yield the scores of each line by all models."""
    for first in range(0, len(lines), LINES_PER_BATCH):
        batch = lines[first : first + LINES_PER_BATCH]
        with status(f"scoring {text}"):
            columns = [scorer.score_lines(batch) for scorer in scorers]
        for number, (line, *scores) in enumerate(zip(batch, *columns, strict=True), first + 1):
            yield ScoredText(text=text, scores=tuple(scores), number=number, line=line)


def _loss_by_first_model(line: ScoredText) -> float:
    """Return the loss per character of a line by the first model; infinity for a line without a score."""
    first = line.scores[0]
    return first.nats_per_char if first else math.inf


def _show_json(scorers: Sequence[Scorer], scored: Iterator[ScoredText]) -> None:
    """Write a JSON object for each text or line, and each model."""
    for scored_text in scored:
        where = {} if scored_text.number is None else {"line": scored_text.number, "content": scored_text.line}
        for scorer, text_score in zip(scorers, scored_text.scores, strict=True):
            write_json({"model": str(scorer.path), "text": scored_text.text, **where, **_score_to_dict(text_score)})


def _score_to_dict(score: Score | None) -> dict[str, Any]:
    """Return a score as JSON values; numbers without a score are 0 or None."""
    return {
        "characters": score.characters if score else 0,
        "unknown": score.unknown if score else None,
        "nats_per_char": score.nats_per_char if score else None,
        "bits_per_char": score.bits_per_char if score else None,
        "perplexity": score.perplexity if score else None,
        "bytes": score.utf8_bytes if score else 0,
        "bits_per_byte": score.bits_per_byte if score else None,
        "words": score.words if score else 0,
        "perplexity_per_word": score.perplexity_per_word if score else None,
    }


def _show_texts(texts: Sequence[str], scorers: Sequence[Scorer], scored: Iterator[ScoredText]) -> None:
    """Print the scores of texts: all numbers of one model, or a column of bits per character for each model."""
    width = max(map(len, texts))
    for number, scored_text in enumerate(scored):
        if len(scorers) > 1 and not number:
            widths = _show_headings(scorers, "text")
        scores = [score for score in scored_text.scores if score]
        if len(scorers) > 1:
            write_result(f"{_columns(scored_text.scores, widths)}  {scored_text.text}{_unknown_count(scores)}")
        else:
            write_result(f"{scored_text.text:{width}}  {_score_text(scores[0])}")
            write_result(f"{'':{width}}  {_comparable_text(scores[0])}")
        _note_unknown_alphabet(scored_text.text, scores)


def _score_text(score: Score) -> str:
    return (
        f"{score.bits_per_char:.4f} bits/char  {score.nats_per_char:.4f} nats  perplexity {score.perplexity:.2f}"
        f"  {score.characters:,} chars{_unknown_count([score])}"
    )


def _comparable_text(score: Score) -> str:
    """Return the units in which a character-level model is compared with others."""
    per_word = score.perplexity_per_word
    words = (
        "no words"
        if per_word is None
        else f"perplexity per word {rounded_number(per_word)}  {pluralize(score.words, 'word')}"
    )
    return f"{score.bits_per_byte:.4f} bits/byte  {words}"


def _unknown_count(scores: Sequence[Score]) -> str:
    """Return the number of unknown characters as text, the largest of several models'; "" if there are none."""
    largest = max(scores, key=lambda score: score.unknown)
    up_to = "up to " if len({score.unknown for score in scores}) > 1 else ""
    return f"  {up_to}{largest.unknown:,} unknown ({largest.unknown_share:.1%})" if largest.unknown else ""


def _note_unknown_alphabet(text: str, scores: Sequence[Score]) -> None:
    """Print a note if a large share of a text is unknown to every model, or more to one than to another."""
    if len({score.unknown for score in scores}) > 1:
        write_note(f"note: {text}: the models know different characters, so their losses cannot be compared")
    if all(score.unknown_share > MAX_UNKNOWN_SHARE for score in scores):
        rest = "read as U+FFFD" if scores and scores[0].unknown_read_as_ufffd else "the score is of the rest"
        write_note(f"note: {text}: much of it the model never saw; {rest}")


def _show_lines(scorers: Sequence[Scorer], scored: Iterator[ScoredText]) -> None:
    """Print the bits per character of each line by each model, and the line."""
    for number, scored_line in enumerate(scored):
        if not number:
            widths = _show_headings(scorers, "line")
        write_result(f"{_columns(scored_line.scores, widths)}  {scored_line.line}")


def _show_headings(scorers: Sequence[Scorer], last_heading: str) -> list[int]:
    """Print the heading of each column, the model if there are several, and return the widths of the columns."""
    labels = ["bits/char"] if len(scorers) == 1 else model_labels([scorer.path for scorer in scorers])
    widths = [max(NUMBER_COLUMNS, len(label) + 2) for label in labels]
    if len(scorers) > 1:
        last_heading = f"bits/char of {last_heading}"
        if sum(widths) + len(last_heading) > (terminal_columns(sys.stdout) or math.inf):
            for number, label in enumerate(labels, 1):
                write_result(f"{number}: {label}")
            labels, widths = [str(number) for number in range(1, len(labels) + 1)], [NUMBER_COLUMNS] * len(labels)
    headings = (f"{label:>{width}}" for label, width in zip(labels, widths, strict=True))
    write_result(f"{''.join(headings)}  {last_heading}")
    return widths


def _columns(scores: Sequence[Score | None], widths: Sequence[int]) -> str:
    """Return the bits per character by each model, as columns of a table."""
    numbers = (f"{score.bits_per_char:.4f}" if score else "-" for score in scores)
    return "".join(f"{number:>{width}}" for number, width in zip(numbers, widths, strict=True))
