"""A text with what several concepts need of it, parsed once and shared."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts.language import Language, detect_language
from charrnn.inspection.concepts.marks import Mask, code_points, shifted_right
from charrnn.inspection.concepts.scanner import CodeScan, scan

APOSTROPHES = "'’"
HIDDEN = "\0"
"""stands for every character of a string or a comment in `ParsedText.code_only`"""


@dataclass(frozen=True, kw_only=True)
class ParsedText:
    r"""A text of T characters.

    >>> ParsedText.of("a='b' # c", "a.py").code_only
    "a=\x00\x00' \x00\x00\x00"
    """

    text: str
    """The characters themselves."""
    name: str = ""
    """What the text is called, for people."""
    language: Language
    """What counts as a string, a comment, a statement, a tag."""

    @classmethod
    def of(cls, text: str, name: str = "") -> "ParsedText":
        """Take a text, its language told by its name or else by its content."""
        return cls(text=text, name=name, language=detect_language(text, name))

    @cached_property
    def code(self) -> CodeScan:
        """Strings, comments and brackets, by one scan."""
        return scan(self.text, self.language)

    @cached_property
    def code_points(self) -> NDArray[np.uint32]:
        """The code point of each character (T,)."""
        return code_points(self.text)

    @cached_property
    def code_only(self) -> str:
        """The text, each character in a string or a comment replaced by HIDDEN: T characters still."""
        return self._hiding(self.hidden)

    @cached_property
    def without_comments(self) -> str:
        """The text, each character in a comment replaced by HIDDEN."""
        return self._hiding(self.code.comment > 0)

    @cached_property
    def hidden(self) -> Mask:
        """Whether the character is in a string or a comment (T,)."""
        return (self.code.string | self.code.comment) > 0

    @cached_property
    def continued(self) -> Mask:
        """Whether the character is a line's end after a backslash, which ends nothing (T,)."""
        backslash = shifted_right(self.mask_of("\\"))
        return self.mask_of("\n") & (backslash | (shifted_right(backslash) & shifted_right(self.mask_of("\r"))))

    def _hiding(self, hidden: Mask) -> str:
        shown = np.where(hidden, ord(HIDDEN), self.code_points).astype("<u4")
        return shown.tobytes().decode("utf-32-le", "surrogatepass")

    @cached_property
    def blank_line(self) -> Mask:
        """Whether the character is the end of an empty line (T,)."""
        ends = self.mask_of("\n")
        after_end = shifted_right(ends)
        return ends & (after_end | (shifted_right(self.mask_of("\r")) & shifted_right(after_end)))

    @cached_property
    def word(self) -> Mask:
        """Whether the character is in a word: letters, digits, underscores, and apostrophes after them (T,)."""
        wordlike = self.mask_where(lambda character: character.isalnum() or character == "_")
        return wordlike | (self.mask_of(APOSTROPHES) & shifted_right(wordlike))

    @cached_property
    def _distinct(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.bincount(self.code_points))

    def mask_where(self, belongs: Callable[[str], bool]) -> Mask:
        """Ask about each character (T,); every distinct one is asked about once."""
        table = np.zeros(self._distinct[-1:].sum() + 1, dtype=np.bool_)
        table[self._distinct] = [belongs(chr(code)) for code in self._distinct.tolist()]
        hits: Mask = table[self.code_points]
        return hits

    def mask_of(self, characters: str) -> Mask:
        """Say which characters are among these (T,)."""
        return self.mask_where(characters.__contains__)
