"""The concepts there are, and how often each comes in a text: what a search could find, before any network is asked.

How they are drawn is left to the views.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from charrnn.errors import CharrnnError
from charrnn.inspection.coding import count_episodes, quantize_marks
from charrnn.inspection.concepts import Concept, ParsedText
from charrnn.inspection.streams import SplitStreams, split_text


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
