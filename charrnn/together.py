"""Many texts written side by side, each character for character as it would be written alone.

Side by side the same products are added up in another order, so a network says the same up to rounding, and a text in
a few hundred would go its own way. So a choice that rounding could have made otherwise is made again by reading that
text alone. How one text is written is `sampling`'s, what could be otherwise `doubt`'s.
"""

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from itertools import count, groupby, islice
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from charrnn.doubt import choose_surely
from charrnn.ending import Ending, Watch
from charrnn.network.reader import Reader
from charrnn.network.side_by_side import joined, picked, put
from charrnn.sampling import USUAL, Choice, Ids, Opening, choose, draws, nats_of, stepped
from charrnn.text.vocabulary import Vocabulary

LANES = 64
"""texts at once; more gain little"""
MOST_AHEAD = 8_000_000
"""characters of finished texts that wait for an earlier one; with more, no text is begun until that one ends"""
OVERHEAD = 500
"""what a finished text takes of memory beside its characters, in characters"""
ROUNDING = 1e-5
"""how far what a network says side by side may be from what it says alone"""


class Row(NamedTuple):
    """The next character of each of the texts that are being written."""

    texts: list[int]
    """which texts, counted from 0"""
    characters: list[str]
    """a character each; "" where a document has ended by itself"""
    nats: list[float]
    """how unexpected each was: −ln p at temperature 1, among all characters; the end of a document too"""


class Piece(NamedTuple):
    """A stretch of one of several texts."""

    text: int
    characters: str
    nats: float
    """what its characters cost together, the end of a document with them"""
    predicted: int
    """how many those are"""


class Whole(NamedTuple):
    """One of several texts, whole."""

    characters: str
    nats: float
    """what its characters cost together; the end of a document with them, if it ended by itself"""
    predicted: int
    """how many those are"""

    @property
    def bits_per_char(self) -> float:
        """What one of them cost on average; as `scoring` has it, a document's end is one."""
        return self.nats / max(1, self.predicted) / math.log(2)


@dataclass
class _Kept:
    """What has been written of a text whose turn has not come."""

    characters: StringIO = field(default_factory=StringIO)
    nats: float = 0.0
    predicted: int = 0

    def piece(self, text: int) -> Piece:
        return Piece(text, self.characters.getvalue(), self.nats, self.predicted)


@dataclass(kw_only=True)
class _Lane:
    """A text while it is written."""

    text: int
    draws: Iterator[float]
    was_last: Watch
    known: Opening
    """what the model said, read alone, and its state, after all but what follows"""
    since: "array[int]" = field(default_factory=lambda: array("i"))
    """the ids written since"""
    begun: int
    """the number of the row with its first character"""


@dataclass
class _Waiting:
    """The sizes of the finished texts that wait for an earlier one to end."""

    sizes: dict[int, int] = field(default_factory=dict)
    total: int = 0
    turn: int = 0
    """the first text that is not finished"""

    def finish(self, text: int, characters: int) -> None:
        """Add a text that has ended."""
        self.sizes[text] = characters + OVERHEAD
        self.total += self.sizes[text]

    def advance(self, turn: int) -> None:
        """Remove the texts before the one whose turn it is."""
        for text in range(self.turn, turn):
            self.total -= self.sizes.pop(text)
        self.turn = turn


def generate_together(
    reader: Reader,
    vocabulary: Vocabulary,
    *,
    rngs: Iterable[np.random.Generator],
    begin: Opening,
    ending: Ending,
    choice: Choice = USUAL,
    costs: bool = True,
) -> Iterator[Row]:
    """Write a text for each generator, up to 64 at once; where one ends, the next begins.

    Each is what `sampling.generate` writes with the same generator, opening, choice and ending. The characters come
    as they are written, one of each text at a time; what they cost is 0 unless that is asked for. Generators are
    taken one by one, and how far the texts can get ahead of the first unfinished one is limited: memory is bounded.
    """
    unbegun, waiting = iter(enumerate(rngs)), _Waiting()
    lanes: list[_Lane] = []
    now = Opening(begin.logits[:0], picked(begin.state, slice(0)), begin.clamps)
    for row_number in count():
        room = LANES - len(lanes) if not lanes or waiting.total < MOST_AHEAD else 0
        fresh = [
            _Lane(text=text, draws=draws(rng), was_last=ending.watch(), known=begin, begun=row_number)
            for text, rng in islice(unbegun, room)
        ]
        lanes += fresh
        if not lanes:
            return
        now = _joined(now, *[begin] * len(fresh)) if fresh else now
        ids = _choose(reader, lanes, now, choice)
        numbers = ids.tolist()
        characters = ["" if number == reader.end else vocabulary.characters[number] for number in numbers]
        nats = nats_of(now.logits, ids).tolist() if costs else [0.0] * len(lanes)
        yield Row([lane.text for lane in lanes], characters, nats)
        going_on = []
        for row, (lane, number, character) in enumerate(zip(lanes, numbers, characters, strict=True)):
            lane.since.append(number)
            if character and not lane.was_last(character):
                going_on.append(row)
            else:
                waiting.finish(lane.text, row_number - lane.begun)
        lanes = [lanes[row] for row in going_on]
        if lanes:
            waiting.advance(lanes[0].text)
        state = now.state if len(going_on) == len(ids) else picked(now.state, going_on)
        now = Opening(*stepped(reader, ids[going_on], state, begin.clamps), begin.clamps)


def in_order(rows: Iterable[Row]) -> Iterator[Piece]:
    """Give texts that are written together one after the other, each character as soon as its text's turn has come.

    >>> rows = [Row([0, 1], ["a", "x"], [1.0, 1.0]), Row([0, 1], ["b", "y"], [1.0, 1.0]), Row([1], ["z"], [1.0])]
    >>> [(piece.text, piece.characters) for piece in in_order(rows)]
    [(0, 'a'), (0, 'b'), (1, 'xyz')]
    """
    turn, kept = 0, dict[int, _Kept]()
    for row in rows:
        for text, character, nats in zip(*row, strict=True):
            if text == turn:
                yield Piece(text, character, nats, 1)
                continue
            waiting = kept.setdefault(text, _Kept())
            waiting.characters.write(character)
            waiting.nats += nats
            waiting.predicted += 1
        # A text that has begun, as all up to the last of a row have, and is not in a row any more is over.
        while turn not in row.texts and turn < row.texts[-1]:
            turn += 1
            if turn in kept:
                yield kept.pop(turn).piece(turn)
    for text in sorted(kept):
        yield kept[text].piece(text)


def whole_texts(pieces: Iterable[Piece]) -> Iterator[Whole]:
    """Give each text whole once it is there; from pieces that are in order."""
    for _, group in groupby(pieces, key=attrgetter("text")):
        characters, nats, predicted = [], 0.0, 0
        for piece in group:
            characters.append(piece.characters)
            nats += piece.nats
            predicted += piece.predicted
        yield Whole("".join(characters), nats, predicted)


def _choose(reader: Reader, lanes: Sequence[_Lane], now: Opening, choice: Choice) -> Ids:
    """Choose the next character of every lane, as it is chosen alone."""
    uniforms = np.array([next(lane.draws) for lane in lanes])
    ids, doubt = choose_surely(now.logits, uniforms, choice, ROUNDING)
    for row in np.flatnonzero(doubt).tolist():
        lane = lanes[row]
        lane.known = _read_alone(reader, lane.known, lane.since)
        del lane.since[:]
        ids[row] = choose(lane.known.logits, uniforms[row : row + 1], choice)[0]
    return ids


def _read_alone(reader: Reader, known: Opening, since: "array[int]") -> Opening:
    """Go on from what is known of one text, character by character, as `sampling.generate` does."""
    state = known.state
    for number in since[:-1]:
        state = reader.advance(put(np.array([number]), reader), state, known.clamps)
    return Opening(*stepped(reader, np.array(since[-1:]), state, known.clamps), known.clamps) if since else known


def _joined(*openings: Opening) -> Opening:
    """Put streams side by side."""
    logits = np.concatenate([opening.logits for opening in openings])
    return Opening(logits, joined([opening.state for opening in openings]), openings[0].clamps)
