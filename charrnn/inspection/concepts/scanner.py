"""One scan of a text for strings, comments and brackets, by the delimiters of its language.

An opener counts from the character that makes it one, a closer ends what it closes at its last
character: that is when a reader knows. What brackets mean is left to the module of brackets.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from charrnn.inspection.concepts.brackets import Brackets
from charrnn.inspection.concepts.language import Language
from charrnn.inspection.concepts.marks import Marks, Mask

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
