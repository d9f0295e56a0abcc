"""Streaming regular expressions: the matches of a pattern in every prefix of a text.

The last match of a prefix may grow or disappear when the next character is read. The result at a character depends
only on the text up to that character.
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.inspection.concepts.marks import Marks, forward_fill

MAX_MATCH_CHARS = 1_000
"""longest match in characters; every prefix of a match is matched again, in time quadratic in its length"""
MAX_SHOWN_CHARS = 60
"""characters of a pattern shown in an error message"""
_CONSTRUCTS = re.compile(
    r"(?P<escape>\\.)|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<later_text>\(\?[=!>]|[*+?}]\+)|(?P<line_end>\$)", re.DOTALL
)
_FLAGS = re.compile(r"\(\?[a-z]+\)")
_BEGINS_AT_BOUNDARY = re.compile(rf"(?:{_FLAGS.pattern})?\\[bB]")
_ANOTHER_CHARACTER = r"(?=[\s\S])"


@dataclass(frozen=True, kw_only=True, eq=False)
class Matches:
    """The matches that re.finditer finds in the first n characters of a text, for n = 1 … T."""

    count: Marks
    """number of matches (T,)"""
    last_end: Marks
    """end of the last match, 0 if there is none (T,)"""


@dataclass(frozen=True, kw_only=True)
class StreamingPattern:
    """A regular expression that is matched against every prefix of a text; empty matches are ignored."""

    pattern: str
    """regular expression as given by the user"""
    name: str
    """name of the concept for error messages"""
    regex: re.Pattern[str]
    """compiled pattern; if the lookahead is 1, it requires another character after the match"""
    lookahead: int
    """characters that must be read after a match to recognize it: 1 for patterns such as `if$`, otherwise 0"""

    @classmethod
    def of(cls, pattern: str, name: str) -> "StreamingPattern":
        """Return the compiled pattern of a concept (WrongUsageError)."""
        regex = compile_pattern(pattern, name)
        needs_lookahead = _needs_lookahead(pattern, name)
        if needs_lookahead:
            match = _FLAGS.match(pattern)
            flags = match[0] if match else ""
            rest = pattern[len(flags) :] + "\n" * ("x" in flags)  # the newline ends a comment of a verbose pattern
            regex = compile_pattern(f"{flags}(?:{rest}){_ANOTHER_CHARACTER}", name)
        return cls(pattern=pattern, name=name, regex=regex, lookahead=int(needs_lookahead))

    def matches(self, text: str) -> Matches:
        r"""Return the matches in every prefix of a text. Raise CharrnnError for a match longer than MAX_MATCH_CHARS.

        >>> StreamingPattern.of(r"\w+", "words").matches("ab, c").count.tolist()
        [1, 1, 1, 1, 2]
        """
        known_at, counts, ends, count, last = [], [], [], 0, 0
        for match in self._bounded_matches(text, 0, len(text)):
            start, end = match.span()
            for stop in range(start + 1, end + self.lookahead):
                partial = self.regex.finditer(text, start, stop)
                partial_ends = [candidate.end() for candidate in partial if candidate.end() > candidate.start()]
                known_at.append(stop - 1)
                counts.append(count + len(partial_ends))
                ends.append(partial_ends[-1] if partial_ends else last)
            count, last = count + 1, end
            known_at.append(end + self.lookahead - 1)
            counts.append(count)
            ends.append(last)
        return Matches(
            count=forward_fill(len(text), known_at, counts), last_end=forward_fill(len(text), known_at, ends)
        )

    def next(self, text: str, position: int) -> tuple[int, int, int] | None:
        """Return start, end and position of recognition of the first match from a position on, or None."""
        match = next(self._bounded_matches(text, position, len(text)), None)
        if not match:
            return None
        for stop in range(match.start() + 1, match.end() + self.lookahead):
            partial = next(self._bounded_matches(text, match.start(), stop), None)
            if partial:
                return *partial.span(), stop - 1
        return *match.span(), match.end() + self.lookahead - 1

    def _bounded_matches(self, text: str, start: int, stop: int) -> Iterator[re.Match[str]]:
        for match in self.regex.finditer(text, start, stop):
            if match.end() - match.start() > MAX_MATCH_CHARS:
                raise CharrnnError(
                    f"{self.name}: a match of {_shown(self.pattern)} has {match.end() - match.start():,} characters; "
                    f"the limit is {MAX_MATCH_CHARS:,}",
                    hint=f"`{self.name}=OPEN..CLOSE` marks from one pattern to another, at any distance",
                )
            if match.end() > match.start():
                yield match


def compile_pattern(pattern: str, name: str) -> re.Pattern[str]:
    """Return the compiled pattern of a concept, in which ^ and $ match in every line (WrongUsageError)."""
    with warnings.catch_warnings():
        # Warnings about syntax that a future version of Python may change are of no use to the user.
        warnings.simplefilter("ignore")
        try:
            return re.compile(pattern, re.MULTILINE)
        except re.error as error:
            raise WrongUsageError(
                f"{name}: {error.msg} in the pattern {_shown(pattern)}", hint=_pointer(pattern, error.pos)
            ) from error
        except (OverflowError, RecursionError) as error:
            raise WrongUsageError(f"{name}: the pattern {_shown(pattern)} is too large") from error


def _needs_lookahead(pattern: str, name: str) -> bool:
    r"""Return whether a match depends on the character after it. Raise WrongUsageError if it depends on more text.

    >>> _needs_lookahead(r"\bif\b", ""), _needs_lookahead(r"\bif [$]", "")
    (True, False)
    """
    boundary = _BEGINS_AT_BOUNDARY.match(pattern)
    needs_lookahead = False
    for match in _CONSTRUCTS.finditer(pattern, boundary.end() if boundary else 0):
        if match["later_text"] or match["escape"] == r"\Z":
            raise WrongUsageError(
                f"{name}: {match.group()} depends on text after the match",
                hint="match the characters themselves, or mark the match itself with `/REGEX/span`",
            )
        needs_lookahead |= bool(match["line_end"]) or match["escape"] in (r"\b", r"\B")
    return needs_lookahead


def _pointer(pattern: str, position: int | None) -> str | None:
    """Return a hint of one line with the rest of a pattern from a position, or None."""
    if position is None:
        return None
    rest = pattern[position : position + MAX_SHOWN_CHARS]
    return f"at character {position + 1}, where {rest!r} begins" if rest else "at the end of the pattern"


def _shown(pattern: str) -> str:
    return f"/{pattern[:MAX_SHOWN_CHARS]}{'…' if len(pattern) > MAX_SHOWN_CHARS else ''}/"
