"""Data of a search: texts and their streams, the activations of the network, and text segments for ablation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts import Concept, Marks, Mask, ParsedText
from charrnn.inspection.measures.activations import DEFAULT_SIGNAL, signal_values
from charrnn.inspection.search.splits import (
    MAX_STREAMS,
    ConceptCodes,
    Groups,
    Positions,
    SplitStreams,
    interleave,
    quantize_marks,
    split_text,
    trigram_groups,
)
from charrnn.inspection.search.sufficient_statistics import Activations
from charrnn.network.cells import State, concat_rows, select_rows
from charrnn.network.inference import InferenceRNN, LayerCache
from charrnn.text.vocabulary import Ids, Vocabulary

# Activations and states of the streams, read side by side

States = dict[int, State]
"""states of the confirmation streams, by the number of characters read before"""

Observer = Callable[[int, Sequence[LayerCache]], None]
"""callback for each chunk: its first step, and the activations of all layers"""

CHUNK_STEPS = 32
"""steps read at a time; all gates of all layers are in memory for one chunk"""
ABLATION_WARM_UP = 2 * CHUNK_STEPS
"""characters at the beginning of a segment that are read with clamped cells before the loss is counted"""
SEGMENT_CHARS = 12 * CHUNK_STEPS
"""maximum characters of a segment, warm-up included"""


def stream_activations(
    rnn: InferenceRNN,
    ids: Ids,
    streams: SplitStreams,
    *,
    signal: str = DEFAULT_SIGNAL,
    states: States | None = None,
    observe: Observer | None = None,
) -> Iterator[Activations]:
    """Yield the activations of all layers' cells in chunks, with the streams read side by side: (T, B, L·H).

    T is at most CHUNK_STEPS; ids (T of the text,). The confirmation streams' states before each segment are stored in
    `states`, if given; `observe` receives the layers of every chunk.
    """
    stored_steps = segment_starts(streams) if states is not None else range(0)
    state = rnn.initial_state(streams.count)
    for first in range(0, streams.length, CHUNK_STEPS):
        if states is not None and first in stored_steps:
            states[first] = select_rows(state, np.flatnonzero(streams.confirmation))
        cache = rnn.run_with_cache(ids[streams.positions(first, first + CHUNK_STEPS)], state)
        state = cache.state
        if observe:
            observe(first, cache.layers)
        yield np.concatenate([signal_values(layer, signal) for layer in cache.layers], axis=2)


def segment_length(streams: SplitStreams) -> int:
    """Return the number of characters of each segment; 0 if the streams are too short for a segment."""
    length = min(SEGMENT_CHARS, (streams.length - 1 - _first_segment(streams)) // CHUNK_STEPS * CHUNK_STEPS)
    return length if length > ABLATION_WARM_UP else 0


def segment_starts(streams: SplitStreams) -> range:
    """Return the positions in a stream at which segments begin."""
    length = segment_length(streams)
    return range(_first_segment(streams), streams.length - length, length) if length else range(0)


def _first_segment(streams: SplitStreams) -> int:
    """Return the first multiple of CHUNK_STEPS that is not inside the streams' warm-up."""
    return -(-streams.warm_up // CHUNK_STEPS) * CHUNK_STEPS


# The searched text, or a discovery text and a confirmation text

DUPLICATE_CORRELATION = 0.95
"""absolute correlation above which two concepts count as near duplicates"""
COMPARED_CHARS = 20_000
"""approximate number of characters from which the correlations of concepts are computed"""


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedText:
    """A parsed text with its character ids."""

    parsed: ParsedText
    ids: Ids
    """character ids (T,)"""

    @classmethod
    def of(cls, text: str, name: str, vocabulary: Vocabulary) -> "EncodedText":
        """Return a text encoded with a vocabulary, without the characters that the vocabulary can only skip."""
        readable = vocabulary.drop_unencodable(text)
        return cls(parsed=ParsedText.of(readable, name), ids=vocabulary.encode(readable, unknown="replace"))


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchData:
    """One text, or a discovery and a confirmation text, with the streams of their concatenation."""

    texts: tuple[EncodedText, ...]
    ids: Ids
    """character ids of all texts (T,)"""
    streams: SplitStreams

    @cached_property
    def trigram_groups(self) -> Groups:
        """Return the trigram group of each character of all texts (T,)."""
        return trigram_groups(self.ids)

    @classmethod
    def of(cls, text: EncodedText, confirm: EncodedText | None = None) -> "SearchData":
        """Return the streams of a text, or alternating streams of a discovery and a confirmation text.

        Raise CharrnnError if a text is too short.
        """
        if confirm is None:
            return cls(texts=(text,), ids=text.ids, streams=split_text(text.parsed.text))
        halves = [split_text(each.parsed.text, max_streams=MAX_STREAMS // 2) for each in (text, confirm)]
        streams_per_text = min(half.count for half in halves)
        discovery, confirmation = (
            split_text(each.parsed.text, max_streams=streams_per_text) for each in (text, confirm)
        )
        return cls(
            texts=(text, confirm),
            ids=np.concatenate([text.ids, confirm.ids]),
            streams=interleave(discovery, confirmation, len(text.ids)),
        )

    def codes(self, concepts: Iterable[Concept]) -> list[ConceptCodes]:
        """Return the quantized marks of each concept in the streams."""
        return [quantize_marks(concept, self.marks(concept), self.streams) for concept in concepts]

    def marks(self, concept: Concept) -> Marks:
        """Return the marks of a concept in each text, concatenated (T,)."""
        return np.concatenate([concept.mark(text.parsed) for text in self.texts])

    def edges(self, concept: Concept) -> Mask:
        """Return the mask of the characters whose successor a concept helps to predict (T,)."""
        return np.concatenate([concept.edges(text.parsed) for text in self.texts])

    def char_of_id(self, char_id: int) -> str:
        """Return the character of an id that occurs in the texts."""
        position = int(np.argmax(self.ids == char_id))
        first = self.texts[0].parsed.text
        return first[position] if position < len(first) else self.texts[1].parsed.text[position - len(first)]


def near_duplicates(codings: list[ConceptCodes], streams: SplitStreams) -> dict[str, tuple[str, ...]]:
    """Return the near duplicates of each concept by name, by the correlation of labels on discovery streams."""
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

MAX_COUNTED_CHARS = 16_000
"""maximum number of scored characters in all segments together"""

PositionMask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class AblationSegments:
    """W segments of a text with T scored characters each, and the states in which the network reads them."""

    ids: Ids
    """characters that are read (warm-up + T, W)"""
    targets: Ids
    """next characters (warm-up + T, W)"""
    state: State
    """state before the first character of each segment"""
    streams: Positions
    """stream of each segment (W,)"""
    first: Positions
    """position of each segment in its stream (W,)"""
    positions: Positions
    """positions of the scored characters in the text (T, W)"""
    warm_up: int
    """characters at the beginning of each stream that are not scored"""

    @property
    def count(self) -> int:
        """Return the number of segments W."""
        return len(self.first)

    def of_scored(self, codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the segments' part of an array over the streams' scored characters: (steps, B) -> (T, W)."""
        steps = np.arange(len(self.positions))[:, None] + self.first + ABLATION_WARM_UP - self.warm_up
        segment_codes: NDArray[np.uint8] = codes[steps, self.streams]
        return segment_codes

    def first_segments(self, count: int) -> "AblationSegments":
        """Return the first `count` segments."""
        return AblationSegments(
            ids=self.ids[:, :count],
            targets=self.targets[:, :count],
            state=select_rows(self.state, np.arange(count)),
            streams=self.streams[:count],
            first=self.first[:count],
            positions=self.positions[:, :count],
            warm_up=self.warm_up,
        )


def choose_segments(
    ids: Ids, streams: SplitStreams, states: States, edges: Sequence[Mask], *, counted: int = MAX_COUNTED_CHARS
) -> AblationSegments | None:
    """Return the segments that contain most edges of the concepts, or None if the streams are too short.

    ids (T,) and each array of `edges` (T,) cover the whole text; `states` has the state before every segment.
    """
    length = segment_length(streams)
    if not length:
        return None
    confirmation = np.flatnonzero(streams.confirmation).tolist()
    candidates = [(stream, first) for stream in confirmation for first in segment_starts(streams)]
    edge_fractions = _edge_fractions(candidates, streams, length, edges)
    count = min(len(candidates), -(-counted // (length - ABLATION_WARM_UP)))
    ranked = np.argsort(-edge_fractions, kind="stable")[:count]
    return _cut_segments([candidates[index] for index in ranked.tolist()], ids, streams, states, length)


def _edge_fractions(
    candidates: list[tuple[int, int]], streams: SplitStreams, length: int, edges: Sequence[Mask]
) -> NDArray[np.float64]:
    """Return the fraction of each concept's edges in each candidate segment, summed over concepts (candidates,)."""
    begins = np.array([streams.starts[stream] + first + ABLATION_WARM_UP for stream, first in candidates])
    fractions = np.zeros(len(candidates))
    for mask in edges:
        cumulative = np.concatenate([[0], np.cumsum(mask)])
        counts = cumulative[begins + length - ABLATION_WARM_UP] - cumulative[begins]
        fractions += counts / max(counts.sum(), 1)
    return fractions


def _cut_segments(
    chosen: list[tuple[int, int]], ids: Ids, streams: SplitStreams, states: States, length: int
) -> AblationSegments:
    """Return the segments at (stream, position in the stream)."""
    stream, first = (np.array(column, dtype=np.int64) for column in zip(*chosen, strict=True))
    positions = np.arange(length)[:, None] + streams.starts[stream] + first
    rows = np.searchsorted(np.flatnonzero(streams.confirmation), stream)
    return AblationSegments(
        ids=ids[positions],
        targets=ids[positions + 1],
        state=concat_rows(
            [select_rows(states[step], [row]) for step, row in zip(first.tolist(), rows.tolist(), strict=True)]
        ),
        streams=stream,
        first=first,
        positions=positions[ABLATION_WARM_UP:],
        warm_up=streams.warm_up,
    )
