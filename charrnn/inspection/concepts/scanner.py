"""Scanner of strings, comments and brackets, in one pass by the delimiters of the language.

A span begins at the last character of its opener and ends before the last character of its closer. These are the
positions at which a reader of the text so far can recognize the delimiter.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np

from charrnn.inspection.concepts.language import Language
from charrnn.inspection.concepts.marks import Marks, Mask, forward_fill

# Stack of open brackets

OPENERS = {")": "(", "]": "[", "}": "{"}
"""opening bracket of each closing bracket"""


@dataclass(kw_only=True)
class Brackets:
    """A stack of open brackets that tolerates unbalanced text, with the number of open brackets after each change.

    A closer closes the nearest bracket of its kind and all brackets opened after that one; without such a bracket, it
    is ignored. A blank line closes brackets of the kinds in `blank_line_closes` down to the first of another kind.
    """

    blank_line_closes: str = ""
    """opening brackets that a blank line closes"""
    opened: list[tuple[str, int]] = field(default_factory=list)
    """open brackets and their positions, outermost first"""
    kinds: Counter[str] = field(default_factory=Counter)
    """number of open brackets of each kind; avoids a search of the stack for closers without an opener"""
    changes: list[tuple[int, int, int, int]] = field(default_factory=list)
    """position of each change, and the numbers of open (, [ and { after it"""
    closed_at: dict[int, int] = field(default_factory=dict)
    """position of the closer by position of the opener"""

    def process(self, token: str, position: int) -> None:
        """Update the stack for a bracket or a blank line at a position."""
        if token in OPENERS.values():
            self.opened.append((token, position))
            self.kinds[token] += 1
        elif token in OPENERS:
            self._close(OPENERS[token], position)
        else:
            self._blank_line(position)
        self._record_change(position)

    def close_all(self, position: int) -> None:
        """Close all open brackets at a position."""
        while self.opened:
            self._pop(position)
        self._record_change(position)

    def depths(self, length: int) -> dict[str, Marks]:
        """Return the number of open brackets at each character (length,), by opener."""
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
"""pattern of the first of several blank lines; the others have nothing to close"""
NO_CLOSER = slice(0, 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class CodeScan:
    """The strings, comments and brackets of a text of T characters."""

    string: Marks
    """1 inside a string (T,)"""
    comment: Marks
    """1 inside a comment (T,)"""
    closing: Mask
    """whether the closer of a string or comment begins; a newline closes a comment, but not a string (T,)"""
    depths: dict[str, Marks]
    """number of open brackets outside strings and comments (T,), by opener"""
    closed_at: dict[int, int]
    """position of the closing bracket by position of the opening bracket"""

    @property
    def depth(self) -> Marks:
        """The number of open brackets of all kinds (T,)."""
        return self.depths["("] + self.depths["["] + self.depths["{"]


@dataclass(frozen=True, kw_only=True)
class _Opener:
    """A delimiter that opens a string or a comment."""

    kind: Literal["string", "comment"]
    """kind of span that it opens"""
    inside: re.Pattern[str]
    """pattern of the next relevant token inside the span: the closer, an escape, a newline or a restart"""
    counts_from: int
    """index of the character of the opener at which the span begins"""
    first_char_counts: bool = False
    """whether the first character is marked too: a triple quote begins like an empty string"""


@dataclass(frozen=True, kw_only=True)
class _Grammar:
    """The compiled patterns of a language."""

    outside: re.Pattern[str]
    """pattern of the next relevant token outside strings and comments"""
    openers: dict[str, _Opener]
    """openers by their text"""


def scan(text: str, language: Language) -> CodeScan:
    """Return the strings, comments and brackets of a text, in time linear in its length.

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
            position = _process_token(match, brackets)
            continue
        start = match.start()
        stop, position, closer = _end(text, opener, match.end())
        closing[closer] = True
        marks[opener.kind][start + opener.counts_from : stop] = 1
        if opener.first_char_counts:
            marks[opener.kind][start] = 1
    return CodeScan(**marks, closing=closing, depths=brackets.depths(len(text)), closed_at=brackets.closed_at)


def _process_token(match: re.Match[str], brackets: Brackets) -> int:
    """Process a bracket, blank line, restart or escaped character, and return the position to continue from."""
    last = match.end() - 1
    if match.lastgroup == "hidden":
        return match.end()
    if match.lastgroup == "restart":
        brackets.close_all(last)
        return last  # the last character of a restart may be a bracket
    brackets.process(match.group(), last)
    return match.end()


def _end(text: str, opener: _Opener, position: int) -> tuple[int, int, slice]:
    """Return the end of a span: the stop of its marks, the position to continue from, and the start of its closer."""
    while match := opener.inside.search(text, position):
        position = match.end()
        if match.lastgroup == "restart":
            return position - 1, position - 1, NO_CLOSER
        if match.lastgroup == "line":
            return position - 1, position, NO_CLOSER
        if match.lastgroup == "closer":
            return position - 1, position, slice(match.start(), match.start() + 1)
    return len(text), len(text), NO_CLOSER


@lru_cache(maxsize=16)
def _grammar(language: Language) -> _Grammar:
    """Return the compiled patterns of a language; longer delimiters come first in the alternation."""
    openers = {opener: _line_comment(opener) for opener in language.line_comments}
    openers |= {opener: _block_comment(opener, closer, language) for opener, closer in language.block_comments}
    openers |= {quote: _string(quote, language) for quote in language.strings + language.long_strings}
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
    """Return a block comment, which begins at the last character of its opener or of a line comment in the opener."""
    prefixes = [len(line) for line in language.line_comments if opener.startswith(line)]
    inside = re.compile(f"(?P<closer>{re.escape(closer)})")
    return _Opener(kind="comment", inside=inside, counts_from=min([len(opener), *prefixes]) - 1)


def _string(quote: str, language: Language) -> _Opener:
    """Return a string that ends at the next unescaped quote or, unless it is a long string, at the newline."""
    is_long = quote in language.long_strings
    escaped = f"{re.escape(language.escape)}." if language.escape else ""
    pieces = [escaped, f"(?P<closer>{re.escape(quote)})", _restart(language) if is_long else r"(?P<line>\n)"]
    inside = re.compile("|".join(filter(None, pieces)), re.DOTALL | re.MULTILINE)
    return _Opener(
        kind="string",
        inside=inside,
        counts_from=len(quote) - 1,
        first_char_counts=quote[0] in language.strings and is_long,
    )
