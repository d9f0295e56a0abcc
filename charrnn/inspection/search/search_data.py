"""Data of a search: the text or the two texts, their streams as the network reads them, and segments for ablation."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import WrongUsageError
from charrnn.inspection.concepts import Concept, Marks, Mask, ParsedText
from charrnn.inspection.search.splits import (
    MAX_STREAMS,
    ConceptCodes,
    Positions,
    SplitStreams,
    interleave,
    quantize_marks,
    split_text,
)
from charrnn.inspection.search.sufficient_statistics import Activations
from charrnn.network.cells import State, concat_rows, select_rows
from charrnn.network.inference import InferenceRNN, LayerCache
from charrnn.text.vocabulary import Ids, Vocabulary

# Activations and states of the streams, read side by side

States = dict[int, State]
"""what the confirmation streams' layers carried when so many characters were read"""

CHUNK_STEPS = 32
"""steps read at a time: all gates of all layers are in memory for so long"""
ABLATION_WARM_UP = 2 * CHUNK_STEPS
"""characters of a stretch that are read with cells held before what comes of it is counted"""
SEGMENT_CHARS = 12 * CHUNK_STEPS
"""characters of a stretch, where the streams are so long"""
DEFAULT_SIGNAL = "c"
"""the signal that is searched unless another is named: tanh(c), or h where there is no c"""


def signal_name(rnn: InferenceRNN, signal: str = DEFAULT_SIGNAL) -> str:
    """Say how a signal is written; raise WrongUsageError for one that these cells do not have."""
    if signal == DEFAULT_SIGNAL:
        return rnn.signal_name
    there = ["h", *rnn.gate_names]
    if signal not in there:
        raise WrongUsageError(
            f"cells of kind {rnn.config.cell} have no signal {signal!r}", hint=f"one of {', '.join(['c', *there])}"
        )
    return signal


def stream_activations(
    rnn: InferenceRNN, ids: Ids, streams: SplitStreams, *, signal: str = DEFAULT_SIGNAL, states: States | None = None
) -> Iterator[Activations]:
    """Read the streams of a text's ids (T,) side by side; yield all layers' cells, (up to CHUNK, B, L·H).

    The states before each stretch are put into `states`, of the confirmation streams alone.
    """
    wanted = segment_starts(streams) if states is not None else range(0)
    state = rnn.initial_state(streams.count)
    for first in range(0, streams.length, CHUNK_STEPS):
        if states is not None and first in wanted:
            states[first] = select_rows(state, np.flatnonzero(streams.confirmation))
        cache = rnn.run_with_cache(ids[streams.positions(first, first + CHUNK_STEPS)], state)
        state = cache.state
        yield np.concatenate([_signal(layer, signal) for layer in cache.layers], axis=2)


def segment_length(streams: SplitStreams) -> int:
    """Give the characters of the stretches that these streams can be cut into; 0 where they are too short."""
    length = min(SEGMENT_CHARS, (streams.length - 1 - _first_segment(streams)) // CHUNK_STEPS * CHUNK_STEPS)
    return length if length > ABLATION_WARM_UP else 0


def segment_starts(streams: SplitStreams) -> range:
    """List where in their stream the stretches begin."""
    length = segment_length(streams)
    return range(_first_segment(streams), streams.length - length, length) if length else range(0)


def _first_segment(streams: SplitStreams) -> int:
    """Find the first chunk that is scored from its beginning on."""
    return -(-streams.warm_up // CHUNK_STEPS) * CHUNK_STEPS


def _signal(layer: LayerCache, signal: str) -> Activations:
    if signal == DEFAULT_SIGNAL:
        return np.asarray(layer.signal)
    return np.asarray(layer.hidden if signal == "h" else layer.gate(signal))


# The text, or two of them: one to choose cells on, one to confirm them on

DUPLICATE_CORRELATION = 0.95
"""|r| above which two concepts are nearly the same"""
COMPARED_CHARS = 20_000
"""characters by which that is told"""


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedText:
    """A text and its ids."""

    parsed: ParsedText
    ids: Ids
    """(T,)"""

    @classmethod
    def of(cls, text: str, name: str, vocabulary: Vocabulary) -> "EncodedText":
        """Take a text as a model with that vocabulary reads it: what it can only skip is left out."""
        readable = vocabulary.drop_unencodable(text)
        return cls(parsed=ParsedText.of(readable, name), ids=vocabulary.encode(readable, unknown="replace"))


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchData:
    """Texts, one after the other, and the streams that they are cut into."""

    texts: tuple[EncodedText, ...]
    ids: Ids
    """of all texts"""
    streams: SplitStreams

    @classmethod
    def of(cls, text: EncodedText, confirm: EncodedText | None = None) -> "SearchData":
        """Cut a text into streams; with another to confirm on, each is half of them (CharrnnError if too short)."""
        if confirm is None:
            return cls(texts=(text,), ids=text.ids, streams=split_text(text.parsed.text))
        halves = [split_text(each.parsed.text, most=MAX_STREAMS // 2) for each in (text, confirm)]
        fewest = min(half.count for half in halves)
        found_in, confirmed_in = (split_text(each.parsed.text, most=fewest) for each in (text, confirm))
        return cls(
            texts=(text, confirm),
            ids=np.concatenate([text.ids, confirm.ids]),
            streams=interleave(found_in, confirmed_in, len(text.ids)),
        )

    def codes(self, concepts: Iterable[Concept]) -> list[ConceptCodes]:
        """Mark the texts by every concept, and cut the marks up."""
        return [quantize_marks(concept, self.marks(concept), self.streams) for concept in concepts]

    def marks(self, concept: Concept) -> Marks:
        """Mark the texts, each by itself."""
        return np.concatenate([concept.mark(text.parsed) for text in self.texts])

    def edges(self, concept: Concept) -> Mask:
        """Say where a concept should pay."""
        return np.concatenate([concept.edges(text.parsed) for text in self.texts])

    def char_of_id(self, char_id: int) -> str:
        """Give the character of an id that comes in the material."""
        place = int(np.argmax(self.ids == char_id))
        first = self.texts[0].parsed.text
        return first[place] if place < len(first) else self.texts[1].parsed.text[place - len(first)]


def near(codings: list[ConceptCodes], streams: SplitStreams) -> dict[str, tuple[str, ...]]:
    """Say of each concept which others are nearly the same on the discovery streams."""
    every = max(1, codings[0].codes.size // 2 // COMPARED_CHARS)
    labels = [coding.subsample(every=every).labels[:, streams.discovery].ravel() for coding in codings]
    centered = np.array([values - values.mean() for values in labels], dtype=np.float64)
    scaled = centered / np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-9)
    is_near_duplicate = np.abs(scaled @ scaled.T) > DUPLICATE_CORRELATION
    names = [coding.concept.name for coding in codings]
    return {
        name: tuple(other for other, is_near in zip(names, row, strict=True) if is_near and other != name)
        for name, row in zip(names, is_near_duplicate, strict=True)
    }


# Segments: short parts of the confirmation streams that are read again with clamped cells. Where a concept has few
# edges, the segments that contain them are chosen.

MAX_COUNTED_CHARS = 20_000
"""characters in all stretches together"""

PositionMask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationSegments:
    """W pieces of a text, of T characters that count each, with the state in which the network comes to them."""

    ids: Ids
    """the characters that are read (settling + T, W)"""
    targets: Ids
    """the one that follows each (settling + T, W)"""
    state: State
    """before the first"""
    streams: Positions
    """which stream each is of (W,)"""
    first: Positions
    """where in its stream each begins (W,)"""
    positions: Positions
    """where in the text the characters that count stand (T, W)"""
    warm_up: int
    """characters at the streams' beginnings that are not scored"""

    @property
    def count(self) -> int:
        """W."""
        return len(self.first)

    def of_scored(self, codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Pick the stretches out of what is known of every scored character: (steps, B) -> (T, W)."""
        steps = np.arange(len(self.positions))[:, None] + self.first + ABLATION_WARM_UP - self.warm_up
        here: NDArray[np.uint8] = codes[steps, self.streams]
        return here

    def first_segments(self, number: int) -> "AblationSegments":
        """Give the first few of them."""
        return AblationSegments(
            ids=self.ids[:, :number],
            targets=self.targets[:, :number],
            state=select_rows(self.state, np.arange(number)),
            streams=self.streams[:number],
            first=self.first[:number],
            positions=self.positions[:, :number],
            warm_up=self.warm_up,
        )


def choose_segments(
    ids: Ids, streams: SplitStreams, states: States, edges: Sequence[Mask], *, counted: int = MAX_COUNTED_CHARS
) -> AblationSegments | None:
    """Choose the stretches with most of every concept's edges, in the text's ids (T,); None where none fits.

    `edges` are those of the whole text (T,), a row a concept; the states are those before every stretch.
    """
    length = segment_length(streams)
    if not length:
        return None
    confirmation = np.flatnonzero(streams.confirmation).tolist()
    places = [(stream, first) for stream in confirmation for first in segment_starts(streams)]
    worth = _edge_fractions(places, streams, length, edges)
    number = min(len(places), -(-counted // (length - ABLATION_WARM_UP)))
    ranked = np.argsort(-worth, kind="stable")[:number]
    return _cut_segments([places[place] for place in ranked.tolist()], ids, streams, states, length)


def _edge_fractions(
    places: list[tuple[int, int]], streams: SplitStreams, length: int, edges: Sequence[Mask]
) -> NDArray[np.float64]:
    """Say what share of each concept's edges is in each place, of all concepts together."""
    begins = np.array([streams.starts[stream] + first + ABLATION_WARM_UP for stream, first in places])
    worth = np.zeros(len(places))
    for hits in edges:
        so_far = np.concatenate([[0], np.cumsum(hits)])
        counts = so_far[begins + length - ABLATION_WARM_UP] - so_far[begins]
        worth += counts / max(counts.sum(), 1)
    return worth


def _cut_segments(
    places: list[tuple[int, int]], ids: Ids, streams: SplitStreams, states: States, length: int
) -> AblationSegments:
    stream, first = (np.array(column, dtype=np.int64) for column in zip(*places, strict=True))
    positions = np.arange(length)[:, None] + streams.starts[stream] + first
    row = np.searchsorted(np.flatnonzero(streams.confirmation), stream)
    return AblationSegments(
        ids=ids[positions],
        targets=ids[positions + 1],
        state=concat_rows(
            [
                select_rows(states[step], [row_number])
                for step, row_number in zip(first.tolist(), row.tolist(), strict=True)
            ]
        ),
        streams=stream,
        first=first,
        positions=positions[ABLATION_WARM_UP:],
        warm_up=streams.warm_up,
    )
