"""Streaming regular expressions: where a pattern matches, as far as a reader can know it at each character.

A match may still grow while it is read, and a beginning may turn out not to be one. What is said of a character
depends on the text up to that character alone.
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.inspection.concepts.marks import Marks, forward_fill

LONGEST = 1_000
"""characters of a match: with each new one it is matched again"""
SHOWN = 60
"""characters of a pattern in an error"""
_CONSTRUCTS = re.compile(
    r"(?P<escape>\\.)|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<unread>\(\?[=!>]|[*+?}]\+)|(?P<line_end>\$)", re.DOTALL
)
_FLAGS = re.compile(r"\(\?[a-z]+\)")
_BEGINS_AT_BOUNDARY = re.compile(rf"(?:{_FLAGS.pattern})?\\[bB]")
_NOT_THE_LAST = r"(?=[\s\S])"


@dataclass(frozen=True, kw_only=True, eq=False)
class Matches:
    """The matches in the first n of a text's T characters, n = 1 … T, as re.finditer would find them there."""

    count: Marks
    """How many there are (T,)."""
    last_end: Marks
    """Where the last one ends, 0 where there is none (T,)."""


@dataclass(frozen=True, kw_only=True)
class StreamingPattern:
    """A pattern whose matches can be followed while a text is read; empty matches are passed over."""

    pattern: str
    """As it was written."""
    name: str
    """Of the concept, for errors."""
    regex: re.Pattern[str]
    """What is looked for: where the pattern asks for the character after a match, one that there is."""
    lookahead: int
    """How many characters after its end a match is known: 1 where the pattern asks for that character."""

    @classmethod
    def of(cls, pattern: str, name: str) -> "StreamingPattern":
        """Compile a concept's pattern (WrongUsageError)."""
        regex = compiled(pattern, name)
        late = _needs_lookahead(pattern, name)
        if late:
            given = _FLAGS.match(pattern)
            flags = given[0] if given else ""
            rest = pattern[len(flags) :] + "\n" * ("x" in flags)  # it ends a comment
            regex = compiled(f"{flags}(?:{rest}){_NOT_THE_LAST}", name)
        return cls(pattern=pattern, name=name, regex=regex, lookahead=int(late))

    def matches(self, text: str) -> Matches:
        r"""Follow all matches.

        >>> StreamingPattern.of(r"\w+", "words").matches("ab, c").count.tolist()
        [1, 1, 1, 1, 2]
        """
        known_at, counts, ends, count, last = [], [], [], 0, 0
        for match in self._bounded_matches(text, 0, len(text)):
            start, end = match.span()
            for read in range(start + 1, end + self.lookahead):
                shorter = self.regex.finditer(text, start, read)
                shorter_ends = [candidate.end() for candidate in shorter if candidate.end() > candidate.start()]
                known_at.append(read - 1)
                counts.append(count + len(shorter_ends))
                ends.append(shorter_ends[-1] if shorter_ends else last)
            count, last = count + 1, end
            known_at.append(end + self.lookahead - 1)
            counts.append(count)
            ends.append(last)
        return Matches(
            count=forward_fill(len(text), known_at, counts), last_end=forward_fill(len(text), known_at, ends)
        )

    def next(self, text: str, position: int) -> tuple[int, int, int] | None:
        """Find the first match from a position on, as soon as it is one: its start, its end, when it is known."""
        match = next(self._bounded_matches(text, position, len(text)), None)
        if not match:
            return None
        for read in range(match.start() + 1, match.end() + self.lookahead):
            sooner = next(self._bounded_matches(text, match.start(), read), None)
            if sooner:
                return *sooner.span(), read - 1
        return *match.span(), match.end() + self.lookahead - 1

    def _bounded_matches(self, text: str, start: int, stop: int) -> Iterator[re.Match[str]]:
        for match in self.regex.finditer(text, start, stop):
            if match.end() - match.start() > LONGEST:
                raise CharrnnError(
                    f"{self.name}: {_shown(self.pattern)} matches {match.end() - match.start():,} characters at "
                    f"once; no more than {LONGEST:,} are followed",
                    hint=f"`{self.name}=OPEN..CLOSE` marks from one pattern to another, however far apart",
                )
            if match.end() > match.start():
                yield match


def compiled(pattern: str, name: str) -> re.Pattern[str]:
    """Compile a concept's pattern, in which ^ and $ stand for a line's beginning and end (WrongUsageError)."""
    with warnings.catch_warnings():
        # What a future Python may read otherwise is no concern of who asks this one.
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
    r"""Say whether a pattern asks for the character after a match; refuse what asks for more (WrongUsageError).

    >>> _needs_lookahead(r"\bif\b", ""), _needs_lookahead(r"\bif [$]", "")
    (True, False)
    """
    begin = _BEGINS_AT_BOUNDARY.match(pattern)
    asks = False
    for match in _CONSTRUCTS.finditer(pattern, begin.end() if begin else 0):
        if match["unread"] or match["escape"] == r"\Z":
            raise WrongUsageError(
                f"{name}: {match.group()} cannot be judged before the text is read on",
                hint="match the characters themselves, or mark the match itself with `/REGEX/span`",
            )
        asks |= bool(match["line_end"]) or match["escape"] in (r"\b", r"\B")
    return asks


def _pointer(pattern: str, position: int | None) -> str | None:
    """Point at the place in a pattern, in lines of its own."""
    if position is None:
        return None
    first = max(0, position - SHOWN // 2)
    return f"at character {position + 1}:\n  {pattern[first : first + SHOWN]}\n  {' ' * (position - first)}^"


def _shown(pattern: str) -> str:
    return f"/{pattern[:SHOWN]}{'…' if len(pattern) > SHOWN else ''}/"
