"""Concepts: labeling functions of a parsed text that a cell may detect, and the registry of the built-in ones."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts.language import Language, detect_language
from charrnn.inspection.concepts.marks import Marks, Mask, shifted_left, shifted_right, to_code_points
from charrnn.inspection.concepts.scanner import CodeScan, scan

APOSTROPHES = "'’"
"""straight and typographic apostrophe"""
HIDDEN = "\0"
"""replacement of the characters of strings and comments in `ParsedText.code_only`"""


@dataclass(frozen=True, kw_only=True)
class ParsedText:
    r"""A text of T characters with features of its characters.

    >>> ParsedText.of("a='b' # c", "a.py").code_only
    "a=\x00\x00' \x00\x00\x00"
    """

    text: str
    """content"""
    name: str = ""
    """display name of the text"""
    language: Language
    """delimiters of strings, comments, statements and tags"""

    @classmethod
    def of(cls, text: str, name: str = "") -> "ParsedText":
        """Return a text with the language detected from its file name, or else from its content."""
        return cls(text=text, name=name, language=detect_language(text, name))

    @cached_property
    def code(self) -> CodeScan:
        """The strings, comments and brackets, found in one scan."""
        return scan(self.text, self.language)

    @cached_property
    def code_points(self) -> NDArray[np.uint32]:
        """The code point of each character (T,)."""
        return to_code_points(self.text)

    @cached_property
    def code_only(self) -> str:
        """The text with each character in a string or a comment replaced by HIDDEN (T characters)."""
        return self._hiding(self.hidden)

    @cached_property
    def without_comments(self) -> str:
        """The text with each character in a comment replaced by HIDDEN (T characters)."""
        return self._hiding(self.code.comment > 0)

    @cached_property
    def hidden(self) -> Mask:
        """Whether the character is in a string or a comment (T,)."""
        return (self.code.string | self.code.comment) > 0

    @cached_property
    def continued(self) -> Mask:
        """Whether the character is a newline after a backslash, which continues the line (T,)."""
        backslash = shifted_right(self.mask_of("\\"))
        return self.mask_of("\n") & (backslash | (shifted_right(backslash) & shifted_right(self.mask_of("\r"))))

    def _hiding(self, hidden: Mask) -> str:
        visible = np.where(hidden, ord(HIDDEN), self.code_points).astype("<u4")
        return visible.tobytes().decode("utf-32-le", "surrogatepass")

    @cached_property
    def blank_line(self) -> Mask:
        """Whether the character is the newline of an empty line (T,)."""
        newlines = self.mask_of("\n")
        after_newline = shifted_right(newlines)
        return newlines & (after_newline | (shifted_right(self.mask_of("\r")) & shifted_right(after_newline)))

    @cached_property
    def word(self) -> Mask:
        """Whether the character is part of a word: a letter, digit, underscore, or apostrophe after one (T,)."""
        wordlike = self.mask_where(lambda character: character.isalnum() or character == "_")
        return wordlike | (self.mask_of(APOSTROPHES) & shifted_right(wordlike))

    @cached_property
    def _distinct(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.bincount(self.code_points))

    def mask_where(self, predicate: Callable[[str], bool]) -> Mask:
        """Return whether each character satisfies a predicate, called once for each distinct character (T,)."""
        table = np.zeros(self._distinct[-1:].sum() + 1, dtype=np.bool_)
        table[self._distinct] = [predicate(chr(code)) for code in self._distinct.tolist()]
        hits: Mask = table[self.code_points]
        return hits

    def mask_of(self, characters: str) -> Mask:
        """Return whether each character is one of the given characters (T,)."""
        return self.mask_where(characters.__contains__)


# Edges: the positions at which knowledge of a concept should lower the loss. An edge is true at t if the concept
# helps to predict the next character x_{t+1}, such as the closing quotation mark or the newline. Unlike marks, edges
# may depend on later characters.

Edge = Callable[[Marks, ParsedText], Mask]
"""function from the marks of a concept (T,) and the text to the edges (T,)"""


def ends(marks: Marks, parsed: ParsedText) -> Mask:  # noqa: ARG001 - an Edge
    """Return whether an episode ends: the mark of the next character is lower (T,).

    >>> ends(np.array([0, 1, 1, 0]), ParsedText.of("a(b)")).tolist()
    [False, False, True, False]
    """
    return np.append(marks[1:] < marks[:-1], False)[: len(marks)]


def ends_at(characters: str) -> Edge:
    """Return an edge function: episodes that end with one of the given characters."""
    return lambda marks, parsed: ends(marks, parsed) & shifted_left(parsed.mask_of(characters))


def next_char_in(characters: str) -> Edge:
    """Return an edge function: positions before one of the given characters, regardless of the marks."""
    return lambda marks, parsed: shifted_left(parsed.mask_of(characters))  # noqa: ARG005 - an Edge


def before_pattern(pattern: str) -> Edge:
    """Return an edge function: positions inside the concept before a match of the pattern of a closer."""
    closer = re.compile(pattern, re.MULTILINE)
    return lambda marks, parsed: (marks > 0) & _matches_next(closer, parsed)


def everywhere_marked(marks: Marks, parsed: ParsedText) -> Mask:  # noqa: ARG001 - an Edge
    """Return whether the concept is present (T,)."""
    return marks > 0


def no_edges(marks: Marks, parsed: ParsedText) -> Mask:  # noqa: ARG001 - an Edge
    """Return no edges (T,): a property of the last character alone does not predict the next one."""
    return np.zeros(len(marks), dtype=np.bool_)


def _matches_next(closer: re.Pattern[str], parsed: ParsedText) -> Mask:
    starts = np.zeros(len(parsed.text), dtype=np.bool_)
    starts[[match.start() for match in closer.finditer(parsed.text)]] = True
    return shifted_left(starts)


# Registry of concepts

Kind = Literal["binary", "counter", "depth"]
Family = Literal["state", "local", "anticipation", "placebo"]
"""state: a function of the text so far that needs memory; local: a function of the last character alone;
anticipation: a function of the next character; placebo: a state on which no text depends"""
Mark = Callable[[ParsedText], Marks]
"""function from a text of T characters to its marks (T,)"""


@dataclass(frozen=True, kw_only=True)
class Concept:
    """A function y(t) = f(x_1 … x_t) with one whole number per character, which a cell may detect."""

    name: str
    """name on the command line and in listings"""
    kind: Kind
    """binary: 0 or 1; depth: a small number; counter: an unbounded number, quantized before comparison"""
    description: str
    """description in one line"""
    mark: Mark
    """function from a text of T characters to its marks (T,)"""
    family: Family = "state"
    """family of the concept, which decides how a detecting cell is interpreted"""
    uses_future: bool = False
    """whether a mark may depend on later characters, so that no cell can know it for certain"""
    edge: Edge = ends
    """function from the marks and the text to the positions at which the concept should lower the loss"""

    def edges(self, parsed: ParsedText) -> Mask:
        """Return the positions at which the concept should help to predict the next character (T,)."""
        return self.edge(self.mark(parsed), parsed)


CONCEPTS: dict[str, Concept] = {}
"""registered concepts by name, in the order of registration"""


def concept(
    kind: Kind,
    description: str,
    *,
    name: str = "",
    family: Family = "state",
    uses_future: bool = False,
    edge: Edge = ends,
    needs: Callable[[Language], object] | None = None,
) -> Callable[[Mark], Mark]:
    """Return a decorator that registers a marking function as a concept, by default under the name of the function.

    If `needs` is false for the language of a text, all marks are 0.
    """

    def register(mark: Mark) -> Mark:
        registered = Concept(
            name=name or mark.__name__,
            kind=kind,
            description=description,
            mark=_only_if(needs, mark) if needs else mark,
            family=family,
            uses_future=uses_future,
            edge=edge,
        )
        CONCEPTS[registered.name] = registered
        return mark

    return register


def _only_if(needs: Callable[[Language], object], mark: Mark) -> Mark:
    """Return a marking function with marks of 0 for languages that lack a feature."""

    def mark_if_supported(parsed: ParsedText) -> Marks:
        return mark(parsed) if needs(parsed.language) else np.zeros(len(parsed.text), dtype=np.int64)

    return mark_if_supported
