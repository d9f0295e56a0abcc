"""Batched generation: many texts side by side, each character for character as it would be written alone.

In a batch the same products are added in another order, so logits agree up to rounding only, and one text in a few
hundred would diverge. A choice that rounding could change (`sampling`) is therefore repeated with that text alone.
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

from charrnn.generation.generate import Prefilled, StopCheck, StopCriteria, step_logits, uniform_draws
from charrnn.generation.sampling import (
    DEFAULT_SAMPLING,
    CharIds,
    SamplingParams,
    nll_of,
    sample_ids,
    sample_with_ambiguity,
)
from charrnn.network.cells import concat_rows, select_rows
from charrnn.network.inference import InferenceRNN, to_device
from charrnn.text.vocabulary import Vocabulary

BATCH_SLOTS = 64
"""texts at once; more gain little"""
MOST_AHEAD = 8_000_000
"""characters of finished texts that wait for an earlier one; with more, no text is begun until that one ends"""
OVERHEAD = 500
"""what a finished text takes of memory beside its characters, in characters"""
LOGIT_TOLERANCE = 1e-5
"""how far what a network says side by side may be from what it says alone"""


class BatchStep(NamedTuple):
    """The next character of each of the texts that are being written."""

    texts: list[int]
    """which texts, counted from 0"""
    characters: list[str]
    """a character each; "" where a document has ended by itself"""
    nats: list[float]
    """how unexpected each was: −ln p at temperature 1, among all characters; the end of a document too"""


class TextChunk(NamedTuple):
    """A stretch of one of several texts."""

    text_index: int
    characters: str
    nats: float
    """what its characters cost together, the end of a document with them"""
    predicted_chars: int
    """how many those are"""


class GeneratedText(NamedTuple):
    """One of several texts, whole."""

    characters: str
    nats: float
    """what its characters cost together; the end of a document with them, if it ended by itself"""
    predicted_chars: int
    """how many those are"""

    @property
    def bits_per_char(self) -> float:
        """What one of them cost on average; as `scoring` has it, a document's end is one."""
        return self.nats / max(1, self.predicted_chars) / math.log(2)


@dataclass
class _Buffer:
    """What has been written of a text whose turn has not come."""

    characters: StringIO = field(default_factory=StringIO)
    nats: float = 0.0
    predicted_chars: int = 0

    def chunk(self, text_index: int) -> TextChunk:
        return TextChunk(text_index, self.characters.getvalue(), self.nats, self.predicted_chars)


@dataclass(kw_only=True)
class _Slot:
    """A text while it is written."""

    text_index: int
    draws: Iterator[float]
    stop_check: StopCheck
    confirmed: Prefilled
    """what the model said, read alone, and its state, after all but what follows"""
    pending_ids: "array[int]" = field(default_factory=lambda: array("i"))
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


def generate_batch(
    rnn: InferenceRNN,
    vocabulary: Vocabulary,
    *,
    rngs: Iterable[np.random.Generator],
    prefilled: Prefilled,
    stop: StopCriteria,
    params: SamplingParams = DEFAULT_SAMPLING,
    costs: bool = True,
) -> Iterator[BatchStep]:
    """Write a text for each generator, up to 64 at once; where one ends, the next begins.

    Each is what `sampling.generate` writes with the same generator, opening, choice and ending. The characters come
    as they are written, one of each text at a time; what they cost is 0 unless that is asked for. Generators are
    taken one by one, and how far the texts can get ahead of the first unfinished one is limited: memory is bounded.
    """
    unbegun, waiting = iter(enumerate(rngs)), _Waiting()
    slots: list[_Slot] = []
    current = Prefilled(prefilled.logits[:0], select_rows(prefilled.state, slice(0)), prefilled.clamps)
    for row_number in count():
        room = BATCH_SLOTS - len(slots) if not slots or waiting.total < MOST_AHEAD else 0
        fresh = [
            _Slot(
                text_index=text,
                draws=uniform_draws(rng),
                stop_check=stop.checker(),
                confirmed=prefilled,
                begun=row_number,
            )
            for text, rng in islice(unbegun, room)
        ]
        slots += fresh
        if not slots:
            return
        current = _concat(current, *[prefilled] * len(fresh)) if fresh else current
        ids = _sample_batch(rnn, slots, current, params)
        numbers = ids.tolist()
        characters = ["" if number == rnn.end else vocabulary.characters[number] for number in numbers]
        nats = nll_of(current.logits, ids).tolist() if costs else [0.0] * len(slots)
        yield BatchStep([lane.text_index for lane in slots], characters, nats)
        going_on = []
        for row, (lane, number, character) in enumerate(zip(slots, numbers, characters, strict=True)):
            lane.pending_ids.append(number)
            if character and not lane.stop_check(character):
                going_on.append(row)
            else:
                waiting.finish(lane.text_index, row_number - lane.begun)
        slots = [slots[row] for row in going_on]
        if slots:
            waiting.advance(slots[0].text_index)
        state = current.state if len(going_on) == len(ids) else select_rows(current.state, going_on)
        current = Prefilled(*step_logits(rnn, ids[going_on], state, prefilled.clamps), prefilled.clamps)


def chunks_in_order(rows: Iterable[BatchStep]) -> Iterator[TextChunk]:
    """Give texts that are written together one after the other, each character as soon as its text's turn has come.

    >>> rows = [BatchStep([0, 1], ["a", "x"], [1.0, 1.0]), BatchStep([0, 1], ["b", "y"], [1.0, 1.0])]
    >>> rows.append(BatchStep([1], ["z"], [1.0]))
    >>> [(piece.text_index, piece.characters) for piece in chunks_in_order(rows)]
    [(0, 'a'), (0, 'b'), (1, 'xyz')]
    """
    turn, buffers = 0, dict[int, _Buffer]()
    for row in rows:
        for text, character, nats in zip(*row, strict=True):
            if text == turn:
                yield TextChunk(text, character, nats, 1)
                continue
            waiting = buffers.setdefault(text, _Buffer())
            waiting.characters.write(character)
            waiting.nats += nats
            waiting.predicted_chars += 1
        # A text that has begun, as all up to the last of a row have, and is not in a row any more is over.
        while turn not in row.texts and turn < row.texts[-1]:
            turn += 1
            if turn in buffers:
                yield buffers.pop(turn).chunk(turn)
    for text in sorted(buffers):
        yield buffers[text].chunk(text)


def collect_texts(pieces: Iterable[TextChunk]) -> Iterator[GeneratedText]:
    """Give each text whole once it is there; from pieces that are in order."""
    for _, group in groupby(pieces, key=attrgetter("text_index")):
        characters, nats, predicted = [], 0.0, 0
        for piece in group:
            characters.append(piece.characters)
            nats += piece.nats
            predicted += piece.predicted_chars
        yield GeneratedText("".join(characters), nats, predicted)


def _sample_batch(rnn: InferenceRNN, slots: Sequence[_Slot], current: Prefilled, params: SamplingParams) -> CharIds:
    """Choose the next character of every lane, as it is chosen alone."""
    uniforms = np.array([next(slot.draws) for slot in slots])
    ids, ambiguous = sample_with_ambiguity(current.logits, uniforms, params, LOGIT_TOLERANCE)
    for row in np.flatnonzero(ambiguous).tolist():
        slot = slots[row]
        slot.confirmed = _prefill_alone(rnn, slot.confirmed, slot.pending_ids)
        del slot.pending_ids[:]
        ids[row] = sample_ids(slot.confirmed.logits, uniforms[row : row + 1], params)[0]
    return ids


def _prefill_alone(rnn: InferenceRNN, confirmed: Prefilled, pending_ids: "array[int]") -> Prefilled:
    """Go on from what is known of one text, character by character, as `sampling.generate` does."""
    state = confirmed.state
    for number in pending_ids[:-1]:
        state = rnn.step_state(to_device(np.array([number]), rnn), state, confirmed.clamps)
    return (
        Prefilled(*step_logits(rnn, np.array(pending_ids[-1:]), state, confirmed.clamps), confirmed.clamps)
        if pending_ids
        else confirmed
    )


def _concat(*openings: Prefilled) -> Prefilled:
    """Put streams side by side."""
    logits = np.concatenate([opening.logits for opening in openings])
    return Prefilled(logits, concat_rows([opening.state for opening in openings]), openings[0].clamps)
