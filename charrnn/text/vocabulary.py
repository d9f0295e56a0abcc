"""The vocabulary of a model: its characters and their ids, and the normalization form of its training text.

Every model file contains the characters in the order of ids, and ids never change.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import CODE_POINTS
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.text.source_file import SourceFile, filter_command

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""the replacement for all characters outside the vocabulary, in vocabularies that contain it"""

END_OF_TEXT = "\x03"
"""the character that ends a document, unless each document is a line"""

MAX_VOCABULARY = 250_000
"""characters; Unicode has assigned about 155,000"""

Ids = NDArray[np.integer]


@dataclass(frozen=True)
class Vocabulary:
    """Distinct characters in id order.

    >>> vocabulary = Vocabulary(("a", "b", "c"))
    >>> vocabulary.encode("cab").tolist(), vocabulary.decode([2, 0, 1])
    ([2, 0, 1], 'cab')
    """

    characters: tuple[str, ...]
    """in the order of ids"""

    def __post_init__(self) -> None:
        if not self.characters:
            raise CharrnnError("the vocabulary is empty")
        if len(self.characters) > MAX_VOCABULARY:
            raise CharrnnError(
                f"{len(self.characters):,} distinct characters are more than the {MAX_VOCABULARY:,} that charrnn can"
                " learn",
                hint="`--min-count 2` replaces all that occur once by U+FFFD",
            )
        if any(type(character) is not str or len(character) != 1 for character in self.characters):
            raise CharrnnError("the vocabulary has entries that are not single characters")
        if len(set(self.characters)) != len(self.characters):
            raise CharrnnError("the vocabulary has the same character twice")
        try:
            "".join(self.characters).encode()
        except UnicodeEncodeError as error:
            point = ord(error.object[error.start])
            raise CharrnnError(f"the vocabulary has U+{point:04X}, which is half a character") from error

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: str) -> bool:
        return character in self._ids

    def id_of(self, character: str) -> int:
        """Return the id of a character (KeyError if it is not in the vocabulary)."""
        return self._ids[character]

    def end_id(self, documents: str | None) -> int | None:
        """Return the id of the character that ends a document of a kind; None if there are no documents."""
        return None if documents is None else self._ids[end_char(documents)]

    def count_unknown(self, text: str) -> Counter[str]:
        """Return the counts of the characters of a text that are not in the vocabulary, the most frequent first."""
        return Counter(dict(Counter(c for c in text if c not in self._ids).most_common()))

    def drop_unencodable(self, text: str) -> str:
        """Return a text without unknown characters; unchanged if the vocabulary contains U+FFFD to replace them."""
        return text if UNKNOWN in self else "".join(character for character in text if character in self)

    def encode(self, text: str, *, unknown: str = "error") -> Ids:
        """Return the ids of a text, (T,).

        Characters outside the vocabulary raise WrongUsageError (`unknown="error"`), are left out ("skip"), or are
        replaced by U+FFFD, or left out if U+FFFD is not in the vocabulary ("replace").
        """
        if unknown == "error" and (missing := self.count_unknown(text)):
            raise WrongUsageError(
                f"the model never saw {format_characters(missing)}", hint="`--unknown skip` leaves them out"
            )
        replacement = self._ids.get(UNKNOWN) if unknown == "replace" else None
        ids = (self._ids.get(character, replacement) for character in text)
        return np.array([char_id for char_id in ids if char_id is not None], dtype=np.int64)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of some ids (IndexError if an id is too large)."""
        return "".join(self.characters[char_id] for char_id in ids)

    def count_bytes(self, ids: Ids) -> int:
        """Return the length of the text of some ids (T,) in UTF-8."""
        return int(self._utf8_bytes[ids].sum())

    def count_words(self, ids: Ids, *, separator: int | None = None) -> int:
        r"""Return the number of words of the text of some ids (T,), separated by whitespace and the given character.

        >>> vocabulary = Vocabulary(tuple("ab \n"))
        >>> vocabulary.count_words(vocabulary.encode(" ab\n\nb "))
        2
        """
        is_space = self._is_space[ids] | (ids == separator)
        return int(np.count_nonzero(is_space[:-1] & ~is_space[1:]) + np.count_nonzero(~is_space[:1]))

    @cached_property
    def _utf8_bytes(self) -> NDArray[np.int64]:
        return np.array([len(character.encode()) for character in self.characters])

    @cached_property
    def _is_space(self) -> NDArray[np.bool_]:
        return np.array([character.isspace() for character in self.characters])

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {character: char_id for char_id, character in enumerate(self.characters)}


def end_char(documents: str) -> str:
    """Return the character that ends a document of a kind."""
    return "\n" if documents == "line" else END_OF_TEXT


def format_characters(counts: Counter[str], *, max_shown: int = 5) -> str:
    """Return a list of characters for messages, each with its count if it is above 1; at most `max_shown` are shown.

    A combining mark is shown by its code point, since it would be drawn over the quotation mark before it.

    >>> format_characters(Counter({"é": 2, "€": 1}))
    "'é' (2×), '€'"
    >>> format_characters(Counter({"\u0301": 2}))
    'U+0301 (2×)'
    """
    names = [f"U+{ord(char):04X}" if unicodedata.combining(char) else repr(char) for char in counts]
    shown = [f"{name} ({count}×)" if count > 1 else name for name, count in zip(names, counts.values(), strict=True)]
    more = f" and {len(shown) - max_shown:,} more" if len(shown) > max_shown else ""
    return ", ".join(shown[:max_shown]) + more


# Unicode normalization: most letters with marks can be written as one character (NFC), or as a letter and marks (NFD)

FORMS = ("NFC", "NFD")
FIRST_MARK = 0x300
"""smallest code point of a mark that can be combined with the character before it"""
COMPOSE = """python3 -c "import sys, unicodedata as u; sys.stdout.write(u.normalize('NFC', sys.stdin.read()))\""""
"""filter that composes all characters of a text"""
BLOCK = 1 << 16
"""code points that are examined at a time"""
COMPOSITES = (range(0xC0, 0x3100), range(0x11000, 0x12000), range(0x16100, 0x16F00))
"""code points with all characters that consist of two others, except for Hangul syllables"""
HANGUL_LEADS, HANGUL_VOWELS = range(0x1100, 0x1113), range(0x1161, 0x1176)


def normalize(text: str, form: str | None) -> str:
    """Return a text in a normalization form; unchanged if the form is None."""
    return text if form is None or text.isascii() else unicodedata.normalize(form, text)  # type: ignore[arg-type]


class _Tables(NamedTuple):
    """Tables by code point."""

    marks: NDArray[np.int64]
    """code points of all marks"""
    classes: NDArray[np.uint8]
    """canonical combining class; 0 if the character is not a mark"""
    firsts: NDArray[np.uint16]
    """number of the character as the first part of a composed one; 0 if it is in none"""
    seconds: NDArray[np.uint16]
    """number of the character as the second part of a composed one; 0 if it is in none"""
    composes: NDArray[np.bool_]
    """whether two parts, by their numbers, are one character in NFC"""


@cache
def _tables() -> _Tables:
    """Return the tables of the interpreter's version of Unicode."""
    pairs = [(lead, vowel) for lead in HANGUL_LEADS for vowel in HANGUL_VOWELS]
    for character in (chr(point) for points in COMPOSITES for point in points):
        parts = unicodedata.decomposition(character).split()
        if len(parts) == 2 and parts[0][0] != "<" and unicodedata.is_normalized("NFC", character):
            pairs.append((int(parts[0], 16), int(parts[1], 16)))
    firsts, seconds = (np.zeros(CODE_POINTS, np.uint16) for _ in range(2))
    for numbers, points in ((firsts, {pair[0] for pair in pairs}), (seconds, {pair[1] for pair in pairs})):
        numbers[sorted(points)] = range(1, len(points) + 1)
    composes = np.zeros((firsts.max() + 1, seconds.max() + 1), np.bool_)
    for first, second in pairs:
        composes[firsts[first], seconds[second]] = True
    classes = np.zeros(CODE_POINTS, np.uint8)
    classes[FIRST_MARK:0x1F000] = [unicodedata.combining(chr(point)) for point in range(FIRST_MARK, 0x1F000)]
    return _Tables(np.flatnonzero((classes > 0) | (seconds > 0)), classes, firsts, seconds, composes)


class NormalizationCheck:
    """The normalization form of a text that is read in chunks: NFC, NFD, or None if it is in neither or in both."""

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self._counts = counts
        """number of occurrences of each code point, to which the caller adds each chunk first"""
        self._first: tuple[SourceFile, str] | None = None
        """the file with the first decomposed character, and its two parts"""
        self._is_ordered, self._marks, self._previous = True, 0, 0

    def add(self, points: NDArray[np.unsignedinteger], source: SourceFile) -> None:
        """Read a chunk of a file."""
        if points.dtype != np.uint8 and (self._marks or points.max() >= FIRST_MARK):
            marks = int(self._counts[_tables().marks].sum())
            if marks > self._marks and (self._is_ordered or self._first is None):
                self._add_marked(points, source, _tables())
            self._marks = marks
        self._previous = int(points[-1]) if points.size else self._previous

    def _add_marked(self, points: NDArray[np.unsignedinteger], source: SourceFile, tables: _Tables) -> None:
        """Read a chunk with marks, in blocks that fit into the cache of a processor."""
        present = tables.marks[self._counts[tables.marks] > 0].astype(points.dtype)
        self._add_block(np.array([self._previous, points[0]], points.dtype), source, tables, present)
        for start in range(0, len(points), BLOCK):
            self._add_block(points[max(0, start - 1) : start + BLOCK], source, tables, present)

    def _add_block(
        self,
        points: NDArray[np.unsignedinteger],
        source: SourceFile,
        tables: _Tables,
        present: NDArray[np.unsignedinteger],
    ) -> None:
        """Read a block; `present` has the marks in the text, in ascending order."""
        may_be_mark = points - present[0] <= present[-1] - present[0]  # unsigned: smaller ones wrap around
        if self._first is None and tables.seconds[present].any():
            places = np.flatnonzero(may_be_mark[1:]) + 1
            places = places[tables.composes[tables.firsts[points[places - 1]], tables.seconds[points[places]]]]
            if places.size:
                self._first = source, chr(points[places[0] - 1]) + chr(points[places[0]])
        if self._is_ordered and (may_be_mark[1:] & may_be_mark[:-1]).any():
            classes = tables.classes[points]
            self._is_ordered = not ((classes[1:] > 0) & (classes[:-1] > classes[1:])).any()

    @cached_property
    def composed(self) -> Counter[str]:
        """The composed characters with their counts; call this after the last chunk."""
        characters = map(chr, np.flatnonzero(self._counts).tolist())
        composed = [c for c in characters if c >= "\x80" and unicodedata.normalize("NFD", c) != c]
        return Counter({c: int(self._counts[ord(c)]) for c in composed})

    def form(self) -> str | None:
        """Return the form; call this after the last chunk."""
        is_decomposed = self._first is not None
        if not self._is_ordered or bool(self.composed) == is_decomposed:
            return None
        if is_decomposed:
            return "NFD"
        return "NFC" if all(unicodedata.is_normalized("NFC", character) for character in self.composed) else None

    def notes(self) -> Iterator[str]:
        """Yield a note on a text with composed and decomposed characters, with the command that composes all."""
        if self._first is not None and self.composed:
            source, parts = self._first
            example = f"{unicodedata.normalize('NFC', parts)!r} as {parts[0]!r} + U+{ord(parts[1]):04X}"
            marks = int(self._counts[_tables().seconds > 0].sum())
            yield (
                f"{source.name}: {self.composed.total():,} composed and {marks:,} decomposed characters are mixed "
                f"(the first: {example}); {filter_command(COMPOSE, source)} composes all"
            )
