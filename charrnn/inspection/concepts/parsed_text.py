"""A parsed text: the features shared by several concepts, each computed once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts.language import Language, detect_language
from charrnn.inspection.concepts.marks import Mask, shifted_right, to_code_points
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

    def mask_where(self, belongs: Callable[[str], bool]) -> Mask:
        """Return whether each character satisfies a predicate, called once for each distinct character (T,)."""
        table = np.zeros(self._distinct[-1:].sum() + 1, dtype=np.bool_)
        table[self._distinct] = [belongs(chr(code)) for code in self._distinct.tolist()]
        hits: Mask = table[self.code_points]
        return hits

    def mask_of(self, characters: str) -> Mask:
        """Return whether each character is one of the given characters (T,)."""
        return self.mask_where(characters.__contains__)
