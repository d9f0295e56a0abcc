"""What `charrnn score` does once its options are known: models judge texts, or lines, or say what comes next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from charrnn.cli.streams import read_text, say, say_json, tell, waiting
from charrnn.errors import CharrnnError
from charrnn.network.model_file import Model, count_multiplied, load
from charrnn.network.reader import Reader
from charrnn.runs import model_name
from charrnn.scoring import Predictor, Score, lines_of, next_characters, score, score_lines
from charrnn.text.encoding import known_encoding
from charrnn.views.terminal import visible

Asked = Mapping[str, Any]

LINES_AT_ONCE = 4096
"""scored before the first of them is told"""
ANOTHER_ALPHABET = 0.2
"""of a text outside the vocabulary: beyond it the score says little of how the text is written"""
WORTH_TORCH = 3e11
"""operations: some six seconds without it here, a third of that with it, and as much again to start it"""
NUMBER = 10
"""columns of a number"""


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A model ready to judge."""

    path: Path
    model: Model
    device: str
    threads: int
    """for what is read without torch"""

    @cached_property
    def reader(self) -> Reader:
        """The model as it begins at once."""
        return Reader.of(self.model)

    @cached_property
    def network(self) -> Predictor:
        """The model as torch reads it; WrongUsageError if there is no such device."""
        from charrnn.network.module import CharacterNetwork
        from charrnn.training.device import choose_device

        return CharacterNetwork.of(self.model, choose_device(self.device))

    def score(self, text: str) -> Score:
        """Score a text; CharrnnError if too little of it is known."""
        predictor, threads = self._chosen(len(text))
        return score(predictor, self.model.vocabulary, text, threads=threads)

    def score_lines(self, lines: Sequence[str]) -> list[Score | None]:
        """Score lines one by one; None for one of which too little is known."""
        predictor, threads = self._chosen(sum(map(len, lines)))
        return score_lines(predictor, self.model.vocabulary, lines, threads=threads)

    def _chosen(self, characters: int) -> tuple[Predictor, int]:
        """Choose who reads so much, and in how many threads of ours.

        Torch takes seconds to begin, and is then two to three times as fast on a CPU; it has threads of its own.
        """
        work = 2 * count_multiplied(self.model.config, len(self.model.vocabulary)) * characters
        return (self.network, 1) if self.device != "cpu" or work > WORTH_TORCH else (self.reader, self.threads)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What models said of a text, or of a line of it."""

    text: str
    """the text's name"""
    scores: tuple[Score | None, ...]
    """by each of the models; None where too little is known to be scored"""
    number: int | None = None
    """the line's, from 1; None: the whole text"""
    line: str = ""
    """the line itself"""


def judge(models: Sequence[Path], texts: Sequence[str], asked: Asked, *, threads: int) -> None:
    """Score texts, or their lines, or say what comes after them (CharrnnError)."""
    judges = [Judge(path=path, model=load(path), device=asked["device"], threads=threads) for path in models]
    if asked["top"]:
        _tell_next(judges, texts, asked)
        return
    show = _show_json if asked["as_json"] else _show_lines if asked["per_line"] else partial(_show_texts, texts)
    show(judges, (judged for text in texts for judged in _judged(judges, text, asked)))


def _judged(judges: Sequence[Judge], text: str, asked: Asked) -> Iterator[Judged]:
    """Have all judge a text, or each line of it."""
    content = read_text(text, known_encoding(asked["encoding"]))
    if asked["per_line"]:
        yield from _in_order(_lines_judged(judges, text, lines_of(content)), sort=asked["sort"])
        return
    try:
        with waiting(f"scoring {visible(text)} ..."):
            scores = tuple(judge.score(content) for judge in judges)
        yield Judged(text=text, scores=scores)
    except CharrnnError as error:
        raise CharrnnError(f"{text}: {error.message}", hint=error.hint) from error


def _lines_judged(judges: Sequence[Judge], text: str, lines: Sequence[str]) -> Iterator[Judged]:
    for first in range(0, len(lines), LINES_AT_ONCE):
        block = lines[first : first + LINES_AT_ONCE]
        with waiting(f"scoring {visible(text)} ..."):
            columns = [judge.score_lines(block) for judge in judges]
        for number, (line, *scores) in enumerate(zip(block, *columns, strict=True), first + 1):
            yield Judged(text=text, scores=tuple(scores), number=number, line=line)


def _in_order(judged: Iterator[Judged], *, sort: bool) -> Iterator[Judged]:
    """Leave lines as they stand, or put those first that the first model predicts best."""
    if not sort:
        return judged

    def cost(line: Judged) -> float:
        first = line.scores[0]
        return first.nats_per_char if first else float("inf")

    return iter(sorted(judged, key=cost))


def _show_json(judges: Sequence[Judge], judged: Iterator[Judged]) -> None:
    """Tell scripts: an object a line, for every text or line and model."""
    for one in judged:
        where = {} if one.number is None else {"line": one.number, "content": one.line}
        for judge, found in zip(judges, one.scores, strict=True):
            say_json({"model": str(judge.path), "text": one.text, **where, **_numbers(found)})


def _numbers(found: Score | None) -> dict[str, Any]:
    return {
        "characters": found.characters if found else 0,
        "unknown": found.unknown if found else None,
        "nats_per_char": found.nats_per_char if found else None,
        "bits_per_char": found.bits_per_char if found else None,
        "perplexity": found.perplexity if found else None,
    }


def _show_texts(texts: Sequence[str], judges: Sequence[Judge], judged: Iterator[Judged]) -> None:
    """Tell people of texts: all that is known where one model judges, else its bits a column."""
    width = max(map(len, texts))
    for number, one in enumerate(judged):
        if len(judges) > 1 and not number:
            _show_headings(judges, "text")
        scores = [found for found in one.scores if found]
        if len(judges) > 1:
            say(f"{_columns(one.scores)}  {one.text}{_unknown(scores)}")
        else:
            say(f"{one.text:{width}}  {_in_words(scores[0])}")
        _warn_of_another_alphabet(one.text, scores)


def _in_words(found: Score) -> str:
    return (
        f"{found.bits_per_char:.4f} bits/char  {found.nats_per_char:.4f} nats  perplexity {found.perplexity:.2f}"
        f"  {found.characters:,} chars{_unknown([found])}"
    )


def _unknown(scores: Sequence[Score]) -> str:
    """Say how many characters the models did not know: the most of them, where several judged."""
    worst = max(scores, key=lambda found: found.unknown)
    return f"  {worst.unknown:,} unknown ({worst.unknown_share:.1%})" if worst.unknown else ""


def _warn_of_another_alphabet(text: str, scores: Sequence[Score]) -> None:
    if all(found.unknown_share > ANOTHER_ALPHABET for found in scores):
        rest = "read as U+FFFD" if scores and scores[0].stood_in_for else "the score is of the rest"
        tell(f"note: {text}: much of it the model never saw; {rest}")


def _show_lines(judges: Sequence[Judge], judged: Iterator[Judged]) -> None:
    """Tell people of lines: bits a character by each model, and the line."""
    for number, one in enumerate(judged):
        if not number:
            _show_headings(judges, "line")
        say(f"{_columns(one.scores)}  {one.line}")


def _show_headings(judges: Sequence[Judge], what: str) -> None:
    """Say which column is which model's."""
    if len(judges) == 1:
        say(f"{'bits/char':>{NUMBER}}  {what}")
        return
    for number, judge in enumerate(judges, 1):
        say(f"{number}: {model_name(judge.path)}")
    say("".join(f"{f'bits by {number}':>{NUMBER}}" for number in range(1, len(judges) + 1)) + f"  {what}")


def _columns(scores: Sequence[Score | None]) -> str:
    return "".join(f"{found.bits_per_char:{NUMBER}.4f}" if found else f"{'-':>{NUMBER}}" for found in scores)


def _tell_next(judges: Sequence[Judge], texts: Sequence[str], asked: Asked) -> None:
    """Say for each text, or for each line, which characters are the likeliest to come next."""
    for text in texts:
        content = read_text(text, known_encoding(asked["encoding"]))
        beginnings = lines_of(content) if asked["per_line"] else [content]
        for beginning in beginnings:
            for judge in judges:
                found = next_characters(judge.reader, judge.model.vocabulary, beginning, most=asked["top"])
                if asked["as_json"]:
                    told = {"model": str(judge.path), "text": text, "next": [list(pair) for pair in found]}
                    say_json(told | ({"content": beginning} if asked["per_line"] else {}))
                    continue
                after = f"after {visible(beginning[-40:], keep='')!r}" if beginning else "at the beginning"
                say(f"{text}: {after}, by {model_name(judge.path)}")
                for character, share in found:
                    say(f"  {visible(character, keep=''):>2}  {share:7.2%}")
