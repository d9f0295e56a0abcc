"""A text to be marked, with what several concepts read in it: done once and shared.

What a concept makes of it is left to the concepts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts.language import Language, detect_language
from charrnn.inspection.concepts.marks import Hits, code_points, earlier
from charrnn.inspection.concepts.scanner import CodeScan, scan

APOSTROPHES = "'’"
HIDDEN = "\0"
"""stands for every character of a string or a comment in `Source.bare`"""


@dataclass(frozen=True, kw_only=True)
class Source:
    r"""A text of T characters.

    >>> Source.of("a='b' # c", "a.py").bare
    "a=\x00\x00' \x00\x00\x00"
    """

    text: str
    """The characters themselves."""
    name: str = ""
    """What the text is called, for people."""
    language: Language
    """What counts as a string, a comment, a statement, a tag."""

    @classmethod
    def of(cls, text: str, name: str = "") -> "Source":
        """Take a text, its language told by its name or else by its content."""
        return cls(text=text, name=name, language=detect_language(text, name))

    @cached_property
    def code(self) -> CodeScan:
        """Strings, comments and brackets, by one scan."""
        return scan(self.text, self.language)

    @cached_property
    def codes(self) -> NDArray[np.uint32]:
        """The code point of each character (T,)."""
        return code_points(self.text)

    @cached_property
    def bare(self) -> str:
        """The text, each character in a string or a comment replaced by HIDDEN: T characters still."""
        return self._hiding(self.hidden)

    @cached_property
    def uncommented(self) -> str:
        """The text, each character in a comment replaced by HIDDEN."""
        return self._hiding(self.code.comment > 0)

    @cached_property
    def hidden(self) -> Hits:
        """Whether the character is in a string or a comment (T,)."""
        return (self.code.string | self.code.comment) > 0

    @cached_property
    def continued(self) -> Hits:
        """Whether the character is a line's end after a backslash, which ends nothing (T,)."""
        backslash = earlier(self.one_of("\\"))
        return self.one_of("\n") & (backslash | (earlier(backslash) & earlier(self.one_of("\r"))))

    def _hiding(self, hidden: Hits) -> str:
        shown = np.where(hidden, ord(HIDDEN), self.codes).astype("<u4")
        return shown.tobytes().decode("utf-32-le", "surrogatepass")

    @cached_property
    def blank_line(self) -> Hits:
        """Whether the character is the end of an empty line (T,)."""
        ends = self.one_of("\n")
        after_end = earlier(ends)
        return ends & (after_end | (earlier(self.one_of("\r")) & earlier(after_end)))

    @cached_property
    def word(self) -> Hits:
        """Whether the character is in a word: letters, digits, underscores, and apostrophes after them (T,)."""
        wordlike = self.where(lambda character: character.isalnum() or character == "_")
        return wordlike | (self.one_of(APOSTROPHES) & earlier(wordlike))

    @cached_property
    def _distinct(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.bincount(self.codes))

    def where(self, belongs: Callable[[str], bool]) -> Hits:
        """Ask about each character (T,); every distinct one is asked about once."""
        table = np.zeros(self._distinct[-1:].sum() + 1, dtype=np.bool_)
        table[self._distinct] = [belongs(chr(code)) for code in self._distinct.tolist()]
        hits: Hits = table[self.codes]
        return hits

    def one_of(self, characters: str) -> Hits:
        """Say which characters are among these (T,)."""
        return self.where(characters.__contains__)
