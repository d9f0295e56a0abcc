"""Occurrences of concepts in a text: how often each one occurs, and the excerpt that shows it best."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.inspection.concepts import Concept, Marks, ParsedText
from charrnn.inspection.search.splits import SplitStreams, count_episodes, quantize_marks, split_text

# Counts of all concepts, before any network is read


@dataclass(frozen=True, kw_only=True)
class ConceptCount:
    """A concept, and what a text has of it."""

    name: str
    """as it is asked for"""
    family: str
    """what sort of thing it is: state, local, anticipation"""
    kind: str
    """what its marks are: binary, counter, depth"""
    description: str
    """one line for people"""
    uses_future: bool
    """whether a mark may depend on what comes after it"""
    episodes: int | None = None
    """how often it comes to an end in the text; None where there is no text"""
    enough: bool | None = None
    """whether that is enough for a search to judge cells by"""

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "concept": self.name,
            "family": self.family,
            "kind": self.kind,
            "description": self.description,
            "uses_future": self.uses_future,
            "episodes": self.episodes,
            "enough": self.enough,
        }


@dataclass(frozen=True, kw_only=True)
class ConceptCounts:
    """Concepts, and the text in which they were counted."""

    concepts: tuple[ConceptCount, ...]
    """in their own order"""
    text: str | None = None
    """the text's name; None where there is none"""
    characters: int = 0
    """how long it is"""
    language: str | None = None
    """what it was read as"""

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "text": self.text,
            "characters": self.characters,
            "language": self.language,
            "concepts": [listed.to_json() for listed in self.concepts],
        }


def count_concepts(concepts: Iterable[Concept], parsed: ParsedText | None = None) -> ConceptCounts:
    """List concepts, counted in a text if there is one."""
    if parsed is None:
        return ConceptCounts(concepts=tuple(_concept_count(concept) for concept in concepts))
    streams = _split_if_long_enough(parsed)
    return ConceptCounts(
        concepts=tuple(_count_in_text(concept, parsed, streams) for concept in concepts),
        text=parsed.name,
        characters=len(parsed.text),
        language=parsed.language.name,
    )


def _concept_count(concept: Concept, episodes: int | None = None, enough: bool | None = None) -> ConceptCount:
    return ConceptCount(
        name=concept.name,
        family=concept.family,
        kind=concept.kind,
        description=concept.description,
        uses_future=concept.uses_future,
        episodes=episodes,
        enough=enough,
    )


def _count_in_text(concept: Concept, parsed: ParsedText, streams: SplitStreams | None) -> ConceptCount:
    """Count as the search does, but in all of the text; whether it is enough is the search's own judgement."""
    marks = concept.mark(parsed)
    enough = streams is not None and quantize_marks(concept, marks, streams).has_enough_evidence(streams)
    return _concept_count(concept, int(count_episodes(marks[:, np.newaxis])[0]), enough)


def _split_if_long_enough(parsed: ParsedText) -> SplitStreams | None:
    try:
        return split_text(parsed.text)
    except CharrnnError:
        return None


# The excerpt in which a concept is on and off most evenly

LINES, COLUMNS = 4, 72
MAX_COUNTED_CHANGES = 6
"""changes of a concept in a passage beyond which it has been shown well"""

Positions = NDArray[np.int64]


def best_excerpt(concept: Concept, parsed: ParsedText, *, lines: int = LINES, columns: int = COLUMNS) -> slice:
    """Choose lines of text that take at most so many drawn ones of so many columns; of longer lines their beginning.

    The most even passages are alike to the eye; among them the first with the most changes is taken.
    """
    on = is_on(concept, concept.mark(parsed))
    starts, stops = _candidate_excerpts(parsed.text, lines, columns)
    share = _count_between(on, starts, stops) / np.maximum(stops - starts, 1)
    evenness = np.round(np.minimum(share, 1 - share), 1)
    changes = _count_between(np.diff(on, prepend=on[:1]), starts, stops)
    best = np.lexsort((-changes, -evenness))[0]
    return slice(int(starts[best]), int(stops[best]))


def best_common_excerpt(marks: Iterable[NDArray[np.bool_]], text: str, *, length: int) -> slice:
    """Choose about so many characters, from the beginning of a line on, in which the most concepts come and go.

    The marks say where each concept holds (T,). Of passages that show as much, the first is taken.
    """
    starts = _line_starts(text, length)
    stops = np.minimum(starts + length, len(text))
    shown = np.zeros(len(starts))
    for on in marks:
        changes = _count_between(np.diff(on, prepend=on[:1]), starts, stops)
        shown += np.minimum(changes, MAX_COUNTED_CHANGES)
    best = int(shown.argmax())
    return _whole_lines(text, int(starts[best]), int(stops[best]))


def is_on(concept: Concept, marks: Marks) -> NDArray[np.bool_]:
    """Say where a concept is on (T,): a binary one at 1, a number where it is above its usual value, the median."""
    usual = 0 if concept.kind == "binary" or not len(marks) else np.median(marks)
    on: NDArray[np.bool_] = marks > usual
    return on


def on_label(concept: Concept) -> str:
    """Name what `is_on` says of a concept."""
    return concept.name if concept.kind == "binary" else f"{concept.name} above its median"


def _whole_lines(text: str, start: int, stop: int) -> slice:
    """Leave out the line that stops in its midst, unless it is the only one."""
    whole = text.rfind("\n", start, stop) + 1
    return slice(start, stop if stop == len(text) else whole or stop)


def _line_starts(text: str, length: int) -> NDArray[np.int64]:
    """List the beginnings of lines that have so many characters after them, at least the text's own."""
    ends = [position + 1 for position, character in enumerate(text) if character == "\n"]
    return np.array([0, *(start for start in ends if start + length <= len(text))], dtype=np.int64)


def _candidate_excerpts(text: str, lines: int, columns: int) -> tuple[Positions, Positions]:
    """List where lines begin, and where as many as can be drawn from there end: as good as all full, if any are."""
    ends = [position + 1 for position, character in enumerate(text) if character == "\n"]
    starts = np.unique([0, *ends, len(text)])
    drawn = np.concatenate([[0], np.cumsum(-(-np.diff(starts) // columns))])
    last = np.searchsorted(drawn, drawn[:-1] + lines, side="right") - 1
    begins = starts[:-1]
    stops = np.maximum(starts[last], np.minimum(begins + lines * columns, starts[1:]))
    full = drawn[:-1] + lines <= drawn[-1]
    return (begins[full], stops[full]) if full.any() else (np.array([0]), np.array([len(text)]))


def _count_between(on: NDArray[np.bool_], starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the true ones from each start up to its stop."""
    so_far = np.concatenate([[0], np.cumsum(on)])
    count: NDArray[np.int64] = so_far[stops] - so_far[starts]
    return count
