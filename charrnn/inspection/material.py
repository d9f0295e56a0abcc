"""The material of a search: the text that is read, or two of them, one to choose cells on, one to confirm them on.

What is looked for in it is left to the search.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from charrnn.inspection.coding import Coding, code
from charrnn.inspection.concepts import Concept, Hits, Marks, Source
from charrnn.inspection.reading import Ids
from charrnn.inspection.streams import MOST, Streams, cut, take_turns
from charrnn.text.vocabulary import Vocabulary

NEAR = 0.95
"""|r| above which two concepts are nearly the same"""
COMPARED = 20_000
"""characters by which that is told"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Text:
    """A text and its ids."""

    source: Source
    ids: Ids
    """(T,)"""

    @classmethod
    def of(cls, text: str, name: str, vocabulary: Vocabulary) -> "Text":
        """Take a text as a model with that vocabulary reads it: what it can only skip is left out."""
        readable = vocabulary.readable(text)
        return cls(source=Source.of(readable, name), ids=vocabulary.encode(readable, unknown="stand_in"))


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """Texts, one after the other, and the streams that they are cut into."""

    texts: tuple[Text, ...]
    ids: Ids
    """of all texts"""
    streams: Streams

    @classmethod
    def of(cls, text: Text, confirm: Text | None = None) -> "Material":
        """Cut a text into streams; with another to confirm on, each is half of them (CharrnnError if too short)."""
        if confirm is None:
            return cls(texts=(text,), ids=text.ids, streams=cut(text.source.text))
        halves = [cut(each.source.text, most=MOST // 2) for each in (text, confirm)]
        fewest = min(half.count for half in halves)
        found_in, confirmed_in = (cut(each.source.text, most=fewest) for each in (text, confirm))
        return cls(
            texts=(text, confirm),
            ids=np.concatenate([text.ids, confirm.ids]),
            streams=take_turns(found_in, confirmed_in, len(text.ids)),
        )

    def coded(self, concepts: Iterable[Concept]) -> list[Coding]:
        """Mark the texts by every concept, and cut the marks up."""
        return [code(concept, self.marks(concept), self.streams) for concept in concepts]

    def marks(self, concept: Concept) -> Marks:
        """Mark the texts, each by itself."""
        return np.concatenate([concept.mark(text.source) for text in self.texts])

    def edges(self, concept: Concept) -> Hits:
        """Say where a concept should pay."""
        return np.concatenate([concept.edges(text.source) for text in self.texts])

    def character(self, one: int) -> str:
        """Give the character of an id that comes in the material."""
        place = int(np.argmax(self.ids == one))
        first = self.texts[0].source.text
        return first[place] if place < len(first) else self.texts[1].source.text[place - len(first)]


def near(codings: list[Coding], streams: Streams) -> dict[str, tuple[str, ...]]:
    """Say of each concept which others are nearly the same on the discovery streams."""
    every = max(1, codings[0].codes.size // 2 // COMPARED)
    labels = [coding.shortened(every=every).labels[:, streams.discovery].ravel() for coding in codings]
    centred = np.array([some - some.mean() for some in labels], dtype=np.float64)
    scaled = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    alike = np.abs(scaled @ scaled.T) > NEAR
    names = [coding.concept.name for coding in codings]
    return {
        name: tuple(other for other, is_near in zip(names, row, strict=True) if is_near and other != name)
        for name, row in zip(names, alike, strict=True)
    }
