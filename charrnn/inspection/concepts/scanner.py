"""A scanner of strings, comments and brackets, by the delimiters of the language.

An opener counts from the character that makes it one, and a closer ends its span at its last character: at these
places a reader knows.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np

from charrnn.inspection.concepts.language import Language
from charrnn.inspection.concepts.marks import Marks, Mask, forward_fill

# The brackets that are open while a text is read

OPENERS = {")": "(", "]": "[", "}": "{"}


@dataclass(kw_only=True)
class Brackets:
    """The open brackets, and how many of each kind there were after each change.

    A closer closes the nearest bracket of its own kind and whatever was opened since; one with nothing
    to close is passed over. A blank line closes what the language says, down to the first bracket it spares.
    """

    blank_line_closes: str = ""
    """The kinds of bracket that a blank line closes."""
    opened: list[tuple[str, int]] = field(default_factory=list)
    """The brackets open now and where they were opened, outermost first."""
    kinds: Counter[str] = field(default_factory=Counter)
    """How many of each kind: without it, a closer with nothing to close would search them all."""
    changes: list[tuple[int, int, int, int]] = field(default_factory=list)
    """The position of each change, and how many (, [ and { are open after it."""
    closed_at: dict[int, int] = field(default_factory=dict)
    """Where brackets were closed, by where they were opened."""

    def process(self, mark: str, position: int) -> None:
        """Take a bracket, or a blank line, at this position."""
        if mark in OPENERS.values():
            self.opened.append((mark, position))
            self.kinds[mark] += 1
        elif mark in OPENERS:
            self._close(OPENERS[mark], position)
        else:
            self._blank_line(position)
        self._record_change(position)

    def close_all(self, position: int) -> None:
        """Close them all at this position."""
        while self.opened:
            self._pop(position)
        self._record_change(position)

    def depths(self, length: int) -> dict[str, Marks]:
        """Draw the changes out over the text, for each kind of bracket by its opener: (length,)."""
        positions, *counts = np.array(self.changes, dtype=np.int64).reshape(-1, 4).T
        return {opener: forward_fill(length, positions, count) for opener, count in zip("([{", counts, strict=True)}

    def _record_change(self, position: int) -> None:
        self.changes.append((position, self.kinds["("], self.kinds["["], self.kinds["{"]))

    def _pop(self, position: int) -> str:
        bracket, opened = self.opened.pop()
        self.kinds[bracket] -= 1
        self.closed_at[opened] = position
        return bracket

    def _close(self, opener: str, position: int) -> None:
        if self.kinds[opener]:
            while self._pop(position) != opener:
                pass

    def _blank_line(self, position: int) -> None:
        while self.opened and self.opened[-1][0] in self.blank_line_closes:
            self._pop(position)


# The scanner

BLANK_LINE = r"(?<=[^\n]\n)\r?\n"
"""the first of a run of blank lines; the others find nothing left to close"""
NOWHERE = slice(0, 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class CodeScan:
    """What the scan of T characters found, each (T,)."""

    string: Marks
    """1 inside a string"""
    comment: Marks
    """1 inside a comment"""
    closing: Mask
    """Where the closer of a string or a comment begins; a line's end closes a comment, but only breaks a string."""
    depths: dict[str, Marks]
    """Brackets open outside strings and comments, for each kind by its opener."""
    closed_at: dict[int, int]
    """Where brackets were closed, by where they were opened."""

    @property
    def depth(self) -> Marks:
        """Brackets of all kinds."""
        return self.depths["("] + self.depths["["] + self.depths["{"]


@dataclass(frozen=True, kw_only=True)
class _Opener:
    """A delimiter that begins a string or a comment."""

    kind: Literal["string", "comment"]
    """What it begins."""
    inside: re.Pattern[str]
    """What to look for from here on: the closer, and whatever hides one."""
    counts_from: int
    """The character of the opener from which on it counts."""
    first_char_counts: bool = False
    """Whether its first character counts by itself: a triple quote begins as a string of its own,
    which its second character ends."""


@dataclass(frozen=True, kw_only=True)
class _Grammar:
    """A language as patterns."""

    outside: re.Pattern[str]
    """What to look for outside strings and comments."""
    openers: dict[str, _Opener]
    """The delimiters by their text."""


def scan(text: str, language: Language) -> CodeScan:
    """Mark strings, comments and the depth of brackets; one pass, in time linear in the text.

    >>> scan('f("(") # g', Language(name="a", strings=('"',), line_comments=("#",))).depth.tolist()
    [0, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    """
    grammar = _grammar(language)
    marks = {kind: np.zeros(len(text), dtype=np.int64) for kind in ("string", "comment")}
    closing = np.zeros(len(text), dtype=np.bool_)
    brackets = Brackets(blank_line_closes=language.blank_line_closes)
    position = 0
    while match := grammar.outside.search(text, position):
        opener = grammar.openers.get(match.group())
        if opener is None:
            position = _outside(match, brackets)
            continue
        start = match.start()
        stop, position, closer = _end(text, opener, match.end())
        closing[closer] = True
        marks[opener.kind][start + opener.counts_from : stop] = 1
        if opener.first_char_counts:
            marks[opener.kind][start] = 1
    return CodeScan(**marks, closing=closing, depths=brackets.depths(len(text)), closed_at=brackets.closed_at)


def _outside(match: re.Match[str], brackets: Brackets) -> int:
    """Take a bracket, a blank line, a restart or what hides one of them; say where to go on."""
    last = match.end() - 1
    if match.lastgroup == "hidden":
        return match.end()
    if match.lastgroup == "restart":
        brackets.close_all(last)
        return last  # its last character may be a bracket
    brackets.process(match.group(), last)
    return match.end()


def _end(text: str, opener: _Opener, position: int) -> tuple[int, int, slice]:
    """Find the end of what begins before the position: where its marks stop, where to go on, where its closer is."""
    while match := opener.inside.search(text, position):
        position = match.end()
        if match.lastgroup == "restart":
            return position - 1, position - 1, NOWHERE
        if match.lastgroup == "line":
            return position - 1, position, NOWHERE
        if match.lastgroup == "closer":
            return position - 1, position, slice(match.start(), match.start() + 1)
    return len(text), len(text), NOWHERE


@lru_cache(maxsize=16)
def _grammar(language: Language) -> _Grammar:
    """Compile a language; of two delimiters that begin alike the longer is tried first."""
    openers = {opener: _line_comment(opener) for opener in language.line_comments}
    openers |= {opener: _block_comment(opener, closer, language) for opener, closer in language.block_comments}
    openers |= {mark: _string(mark, language) for mark in language.strings + language.long_strings}
    literals = [re.escape(opener) for opener in sorted(openers, key=len, reverse=True)]
    pieces = [_restart(language), _hidden(language), *literals, r"[()\[\]{}]", BLANK_LINE]
    return _Grammar(outside=re.compile("|".join(filter(None, pieces)), re.MULTILINE | re.DOTALL), openers=openers)


def _restart(language: Language) -> str:
    return f"(?P<restart>{language.restart})" if language.restart else ""


def _hidden(language: Language) -> str:
    return f"(?P<hidden>{re.escape(language.escape)}.)" if language.escapes_code else ""


def _line_comment(opener: str) -> _Opener:
    return _Opener(kind="comment", inside=re.compile(r"(?P<closer>\n)"), counts_from=len(opener) - 1)


def _block_comment(opener: str, closer: str, language: Language) -> _Opener:
    """Count from its last character, or sooner where it begins as a comment of one line."""
    shorter = [len(line) for line in language.line_comments if opener.startswith(line)]
    inside = re.compile(f"(?P<closer>{re.escape(closer)})")
    return _Opener(kind="comment", inside=inside, counts_from=min([len(opener), *shorter]) - 1)


def _string(mark: str, language: Language) -> _Opener:
    """Look for the delimiter again; an escape hides a character, the end of a line closes a short string."""
    long = mark in language.long_strings
    escaped = f"{re.escape(language.escape)}." if language.escape else ""
    pieces = [escaped, f"(?P<closer>{re.escape(mark)})", _restart(language) if long else r"(?P<line>\n)"]
    inside = re.compile("|".join(filter(None, pieces)), re.DOTALL | re.MULTILINE)
    return _Opener(
        kind="string",
        inside=inside,
        counts_from=len(mark) - 1,
        first_char_counts=mark[0] in language.strings and long,
    )
