"""The material of a search: the text that is read, or two of them, one to choose cells on, one to confirm them on.

What is looked for in it is left to the search.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from charrnn.inspection.coding import ConceptCodes, quantize_marks
from charrnn.inspection.concepts import Concept, Marks, Mask, ParsedText
from charrnn.inspection.reading import Ids
from charrnn.inspection.streams import MAX_STREAMS, SplitStreams, interleave, split_text
from charrnn.text.vocabulary import Vocabulary

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
