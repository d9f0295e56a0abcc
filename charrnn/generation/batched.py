"""Batched generation: many texts at a time, each identical to the text that is generated alone.

In a batch the terms of a product are added in another order, so the logits differ by rounding, and about one text in
some hundreds would diverge. A sample that rounding could change is therefore repeated with that text alone.
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
"""texts in a batch; more texts hardly increase the throughput"""
MAX_FINISHED_CHARS = 8_000_000
"""characters of finished texts that wait for an earlier text; above this limit no further text is begun"""
TEXT_OVERHEAD_CHARS = 500
"""memory of a finished text besides its characters, in characters"""
LOGIT_TOLERANCE = 1e-5
"""largest difference between the logits of a batch and those of a text that is generated alone"""


class BatchStep(NamedTuple):
    """The next character of each text in the batch."""

    texts: list[int]
    """indices of the texts, in ascending order"""
    characters: list[str]
    """one character per text; "" for the end of a document"""
    nats: list[float]
    """−ln p of each character at temperature 1 without truncation"""


class TextChunk(NamedTuple):
    """Consecutive characters of one of several texts."""

    text_index: int
    characters: str
    nats: float
    """sum of −ln p of the characters, including the end of a document"""
    predicted_chars: int
    """number of characters in that sum"""


class GeneratedText(NamedTuple):
    """One of several texts, complete."""

    characters: str
    nats: float
    """sum of −ln p of the characters, including the end of a document if it was generated"""
    predicted_chars: int
    """number of characters in that sum"""

    @property
    def bits_per_char(self) -> float:
        """Mean of −log2 p; the end of a document counts as a character, as in `scoring`."""
        return self.nats / max(1, self.predicted_chars) / math.log(2)


@dataclass
class _Buffer:
    """The characters of a text that waits for an earlier text to end."""

    characters: StringIO = field(default_factory=StringIO)
    nats: float = 0.0
    predicted_chars: int = 0

    def chunk(self, text_index: int) -> TextChunk:
        return TextChunk(text_index, self.characters.getvalue(), self.nats, self.predicted_chars)


@dataclass(kw_only=True)
class _Slot:
    """A text that is being generated."""

    text_index: int
    draws: Iterator[float]
    stop_check: StopCheck
    confirmed: Prefilled
    """logits and state of the text alone, before the pending ids"""
    pending_ids: "array[int]" = field(default_factory=lambda: array("i"))
    """ids that were generated in the batch since then"""
    first_step: int
    """index of the batch step with the first character of the text"""


@dataclass
class _FinishedTexts:
    """The sizes of finished texts that wait for an earlier text to end."""

    sizes: dict[int, int] = field(default_factory=dict)
    total: int = 0
    first_unfinished: int = 0
    """index of the first text that is not finished"""

    def finish(self, text_index: int, characters: int) -> None:
        """Add a finished text."""
        self.sizes[text_index] = characters + TEXT_OVERHEAD_CHARS
        self.total += self.sizes[text_index]

    def advance(self, first_unfinished: int) -> None:
        """Remove the texts before the first unfinished one."""
        for text_index in range(self.first_unfinished, first_unfinished):
            self.total -= self.sizes.pop(text_index)
        self.first_unfinished = first_unfinished


def generate_batch(
    rnn: InferenceRNN,
    vocabulary: Vocabulary,
    *,
    rngs: Iterable[np.random.Generator],
    prefilled: Prefilled,
    stop: StopCriteria,
    params: SamplingParams = DEFAULT_SAMPLING,
    with_nll: bool = True,
) -> Iterator[BatchStep]:
    """Yield the characters of a text for each random generator, up to 64 texts at a time.

    Each text is the one that `generate` yields for the same generator, prefill, parameters and stop criteria. When a
    text ends, the next one takes its slot. Memory is bounded: generators are taken from `rngs` one by one, and no
    text is begun while too many finished ones wait for an earlier text. Without `with_nll`, all NLLs are 0.
    """
    queue, finished = iter(enumerate(rngs)), _FinishedTexts()
    slots: list[_Slot] = []
    current = Prefilled(prefilled.logits[:0], select_rows(prefilled.state, slice(0)), prefilled.clamps)
    for step in count():
        free_slots = BATCH_SLOTS - len(slots) if not slots or finished.total < MAX_FINISHED_CHARS else 0
        new_slots = [
            _Slot(
                text_index=text_index,
                draws=uniform_draws(rng),
                stop_check=stop.checker(),
                confirmed=prefilled,
                first_step=step,
            )
            for text_index, rng in islice(queue, free_slots)
        ]
        slots += new_slots
        if not slots:
            return
        current = _concat(current, *[prefilled] * len(new_slots)) if new_slots else current
        ids = _sample_batch(rnn, slots, current, params)
        characters = ["" if char_id == rnn.end_id else vocabulary.characters[char_id] for char_id in ids.tolist()]
        nats = nll_of(current.logits, ids).tolist() if with_nll else [0.0] * len(slots)
        yield BatchStep([slot.text_index for slot in slots], characters, nats)
        unfinished = _unfinished_rows(slots, ids, characters, finished, step)
        slots = [slots[row] for row in unfinished]
        if slots:
            finished.advance(slots[0].text_index)
        state = current.state if len(unfinished) == len(ids) else select_rows(current.state, unfinished)
        current = Prefilled(*step_logits(rnn, ids[unfinished], state, prefilled.clamps), prefilled.clamps)


def _unfinished_rows(
    slots: Sequence[_Slot], ids: CharIds, characters: Sequence[str], finished: _FinishedTexts, step: int
) -> list[int]:
    """Append the ids of a step to the slots, and return the rows of the texts that continue."""
    unfinished = []
    for row, (slot, char_id, character) in enumerate(zip(slots, ids.tolist(), characters, strict=True)):
        slot.pending_ids.append(char_id)
        if character and not slot.stop_check(character):
            unfinished.append(row)
        else:
            finished.finish(slot.text_index, step - slot.first_step)
    return unfinished


def chunks_in_order(steps: Iterable[BatchStep]) -> Iterator[TextChunk]:
    """Yield the chunks of texts one text after the other, each character as soon as all earlier texts are complete.

    >>> steps = [BatchStep([0, 1], ["a", "x"], [1.0, 1.0]), BatchStep([0, 1], ["b", "y"], [1.0, 1.0])]
    >>> steps.append(BatchStep([1], ["z"], [1.0]))
    >>> [(chunk.text_index, chunk.characters) for chunk in chunks_in_order(steps)]
    [(0, 'a'), (0, 'b'), (1, 'xyz')]
    """
    current, buffers = 0, dict[int, _Buffer]()
    for step in steps:
        for text_index, character, nats in zip(*step, strict=True):
            if text_index == current:
                yield TextChunk(text_index, character, nats, 1)
                continue
            buffer = buffers.setdefault(text_index, _Buffer())
            buffer.characters.write(character)
            buffer.nats += nats
            buffer.predicted_chars += 1
        # All texts up to the last of a step have begun, so a text that is missing from the step is complete.
        while current not in step.texts and current < step.texts[-1]:
            current += 1
            if current in buffers:
                yield buffers.pop(current).chunk(current)
    for text_index in sorted(buffers):
        yield buffers[text_index].chunk(text_index)


def collect_texts(chunks: Iterable[TextChunk]) -> Iterator[GeneratedText]:
    """Yield each text when it is complete; the chunks are in order."""
    for _, group in groupby(chunks, key=attrgetter("text_index")):
        characters, nats, predicted_chars = [], 0.0, 0
        for chunk in group:
            characters.append(chunk.characters)
            nats += chunk.nats
            predicted_chars += chunk.predicted_chars
        yield GeneratedText("".join(characters), nats, predicted_chars)


def _sample_batch(rnn: InferenceRNN, slots: Sequence[_Slot], current: Prefilled, params: SamplingParams) -> CharIds:
    """Return the next id of each slot, (B,); ambiguous samples are repeated with the logits of the text alone."""
    uniforms = np.array([next(slot.draws) for slot in slots])
    ids, ambiguous = sample_with_ambiguity(current.logits, uniforms, params, LOGIT_TOLERANCE)
    for row in np.flatnonzero(ambiguous).tolist():
        slot = slots[row]
        slot.confirmed = _prefill_alone(rnn, slot.confirmed, slot.pending_ids)
        del slot.pending_ids[:]
        ids[row] = sample_ids(slot.confirmed.logits, uniforms[row : row + 1], params)[0]
    return ids


def _prefill_alone(rnn: InferenceRNN, confirmed: Prefilled, pending_ids: "array[int]") -> Prefilled:
    """Return the logits and the state of one text after its pending ids, read one by one as in `generate`."""
    if not pending_ids:
        return confirmed
    state = confirmed.state
    for char_id in pending_ids[:-1]:
        state = rnn.step_state(to_device(np.array([char_id]), rnn), state, confirmed.clamps)
    logits, state = step_logits(rnn, np.array(pending_ids[-1:]), state, confirmed.clamps)
    return Prefilled(logits, state, confirmed.clamps)


def _concat(*prefilled: Prefilled) -> Prefilled:
    """Return the rows of several prefilled states as one batch."""
    logits = np.concatenate([part.logits for part in prefilled])
    return Prefilled(logits, concat_rows([part.state for part in prefilled]), prefilled[0].clamps)
