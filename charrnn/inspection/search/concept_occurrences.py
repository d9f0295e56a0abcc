"""Occurrences of concepts in a text: the number of episodes, and the excerpt that shows a concept best."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.inspection.concepts import Concept, Marks, ParsedText
from charrnn.inspection.search.splits import Positions, SplitStreams, count_episodes, quantize_marks, split_text

# Numbers of episodes in a text; no network is needed


@dataclass(frozen=True, kw_only=True)
class ConceptCount:
    """A concept with its number of episodes in a text."""

    name: str
    """name of the concept in options"""
    family: str
    """state, local or anticipation"""
    kind: str
    """type of the marks: binary, counter or depth"""
    description: str
    """description in one line"""
    uses_future: bool
    """whether a mark may depend on later characters"""
    episodes: int | None = None
    """number of complete episodes in the text; None without a text"""
    enough: bool | None = None
    """whether the text has enough episodes for a search; None without a text"""
    halves: tuple[int, int] | None = None
    """episodes that a search counts in the discovery half and in the confirmation half; None without a text, or if
    the text is too short"""
    streams: int | None = None
    """number of streams of a search that contain the concept"""

    def to_json(self) -> dict[str, Any]:
        """Return the values in JSON."""
        return {
            "concept": self.name,
            "family": self.family,
            "kind": self.kind,
            "description": self.description,
            "uses_future": self.uses_future,
            "episodes": self.episodes,
            "enough": self.enough,
            "halves": None if self.halves is None else list(self.halves),
            "streams_with_concept": self.streams,
        }


@dataclass(frozen=True, kw_only=True)
class ConceptCounts:
    """Concepts with their number of episodes in a text."""

    concepts: tuple[ConceptCount, ...]
    """concepts in their predefined order"""
    text: str | None = None
    """name of the text; None without a text"""
    characters: int = 0
    """length of the text"""
    language: str | None = None
    """language as which the text was parsed"""

    def to_json(self) -> dict[str, Any]:
        """Return the values in JSON."""
        return {
            "text": self.text,
            "characters": self.characters,
            "language": self.language,
            "concepts": [concept.to_json() for concept in self.concepts],
        }


def count_concepts(concepts: Iterable[Concept], parsed: ParsedText | None = None) -> ConceptCounts:
    """Return the concepts with their number of episodes in a text, if one is given."""
    if parsed is None:
        return ConceptCounts(concepts=tuple(_concept_count(concept) for concept in concepts))
    streams = _split_if_long_enough(parsed)
    return ConceptCounts(
        concepts=tuple(_count_in_text(concept, parsed, streams) for concept in concepts),
        text=parsed.name,
        characters=len(parsed.text),
        language=parsed.language.name,
    )


def _concept_count(concept: Concept) -> ConceptCount:
    return ConceptCount(
        name=concept.name,
        family=concept.family,
        kind=concept.kind,
        description=concept.description,
        uses_future=concept.uses_future,
    )


def _count_in_text(concept: Concept, parsed: ParsedText, streams: SplitStreams | None) -> ConceptCount:
    """Return the episodes in the whole text and in the streams of a search, and whether they are enough for it."""
    marks = concept.mark(parsed)
    count = replace(_concept_count(concept), episodes=int(count_episodes(marks[:, np.newaxis])[0]), enough=False)
    if streams is None:
        return count
    codes = quantize_marks(concept, marks, streams)
    halves, enough = codes.episodes_in_halves(streams), codes.has_enough_evidence(streams)
    return replace(count, enough=enough, halves=halves, streams=codes.streams)


def _split_if_long_enough(parsed: ParsedText) -> SplitStreams | None:
    try:
        return split_text(parsed.text)
    except CharrnnError:
        return None


# Excerpts for drawings

EXCERPT_LINES, EXCERPT_COLUMNS = 4, 72
MAX_COUNTED_CHANGES = 6
"""maximum number of changes that count for one concept in the choice of a common excerpt"""


def best_excerpt(
    concept: Concept, parsed: ParsedText, *, lines: int = EXCERPT_LINES, columns: int = EXCERPT_COLUMNS
) -> slice:
    """Return the slice of the text in which a concept is on and off most evenly.

    The excerpt takes at most `lines` lines when wrapped at `columns` columns. Of equally even excerpts, rounded to a
    tenth, the first excerpt with the most changes is chosen.
    """
    on = is_on(concept, concept.mark(parsed))
    starts, stops = _candidate_excerpts(parsed.text, lines, columns)
    on_fraction = _count_between(on, starts, stops) / np.maximum(stops - starts, 1)
    balance = np.round(np.minimum(on_fraction, 1 - on_fraction), 1)
    changes = _count_between(np.diff(on, prepend=on[:1]), starts, stops)
    best = np.lexsort((-changes, -balance))[0]
    return slice(int(starts[best]), int(stops[best]))


def best_common_excerpt(marks: Iterable[NDArray[np.bool_]], text: str, *, length: int) -> slice:
    """Return the slice of about `length` characters, from the beginning of a line, in which the most concepts change.

    Each mask (T,) is True where a concept is on. Of equally good excerpts the first one is chosen.
    """
    starts = _line_starts(text, length)
    stops = np.minimum(starts + length, len(text))
    scores = np.zeros(len(starts))
    for on in marks:
        changes = _count_between(np.diff(on, prepend=on[:1]), starts, stops)
        scores += np.minimum(changes, MAX_COUNTED_CHANGES)
    best = int(scores.argmax())
    return _whole_lines(text, int(starts[best]), int(stops[best]))


def is_on(concept: Concept, marks: Marks) -> NDArray[np.bool_]:
    """Return the mask of the characters at which a binary concept holds, or another one is above its median (T,)."""
    threshold = 0 if concept.kind == "binary" or not len(marks) else np.median(marks)
    on: NDArray[np.bool_] = marks > threshold
    return on


def on_label(concept: Concept) -> str:
    """Return a label for the condition of `is_on`."""
    return concept.name if concept.kind == "binary" else f"{concept.name} above its median"


def _whole_lines(text: str, start: int, stop: int) -> slice:
    """Return the slice without an incomplete last line, unless the excerpt has only one line."""
    line_end = text.rfind("\n", start, stop) + 1
    return slice(start, stop if stop == len(text) else line_end or stop)


def _line_starts(text: str, length: int) -> Positions:
    """Return 0 and the beginnings of the lines that are followed by at least `length` characters."""
    ends = [position + 1 for position, character in enumerate(text) if character == "\n"]
    return np.array([0, *(start for start in ends if start + length <= len(text))], dtype=np.int64)


def _candidate_excerpts(text: str, lines: int, columns: int) -> tuple[Positions, Positions]:
    """Return the starts and stops of the excerpts that fill the given lines, or the whole text if no excerpt does."""
    ends = [position + 1 for position, character in enumerate(text) if character == "\n"]
    bounds = np.unique([0, *ends, len(text)])
    wrapped_lines = np.concatenate([[0], np.cumsum(-(-np.diff(bounds) // columns))])
    last = np.searchsorted(wrapped_lines, wrapped_lines[:-1] + lines, side="right") - 1
    starts = bounds[:-1]
    stops = np.maximum(bounds[last], np.minimum(starts + lines * columns, bounds[1:]))
    full = wrapped_lines[:-1] + lines <= wrapped_lines[-1]
    return (starts[full], stops[full]) if full.any() else (np.array([0]), np.array([len(text)]))


def _count_between(on: NDArray[np.bool_], starts: Positions, stops: Positions) -> NDArray[np.int64]:
    """Return the number of True values from each start to its stop."""
    cumulative = np.concatenate([[0], np.cumsum(on)])
    count: NDArray[np.int64] = cumulative[stops] - cumulative[starts]
    return count
