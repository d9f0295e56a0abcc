"""Custom concepts: regular expressions, as written on a command line, or a function.

    NAME=/REGEX/            inside a match; group 1, if there is one, limits it; the beginning of a match is
                            marked before a reader could recognize the match, so this looks ahead
    NAME=/REGEX/after:N     for N characters after a match
    NAME=/REGEX/since       characters since the last match
    NAME=/REGEX/count       matches since the line began
    NAME=OPEN..CLOSE        from a match of one pattern to a match of the other; also NAME=/OPEN/../CLOSE/

In patterns ^ and $ match at the beginning and the end of a line. A pattern with exponential backtracking, such as
(a+)+b, does not terminate in reasonable time here either.
"""

import difflib
import re
from collections.abc import Callable
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike

from charrnn.arguments import choice, shown, text
from charrnn.errors import WrongUsageError
from charrnn.inspection.concepts.concept import CONCEPTS, Concept, Kind
from charrnn.inspection.concepts.marks import Marks, Mask, as_marks, forward_fill, mark_spans, shifted_left
from charrnn.inspection.concepts.parsed_text import ParsedText
from charrnn.inspection.concepts.streaming_regex import StreamingPattern, compiled

FORMS = "NAME=/REGEX/, NAME=/REGEX/after:N, since or count, NAME=OPEN..CLOSE"
_NAME = re.compile(r"[\w:.-]{1,40}")
_LATCH = re.compile(r"/(?P<opener>.+)/\.\./(?P<closer>.+)/", re.DOTALL)
_MATCH = re.compile(r"/(?P<pattern>.+)/(?P<mode>[^/]*)", re.DOTALL)
_AFTER = re.compile(r"after:([1-9]\d{0,6})", re.ASCII)


def concept_of(name: str, function: Callable[[str], ArrayLike], *, kind: Kind, description: str = "") -> Concept:
    """Make a concept of a function from a text to a whole number ≥ 0 for each of its characters.

    That the number of a character depends on nothing after it is the function's promise.

    >>> shout = concept_of("shout", lambda text: [character == "!" for character in text], kind="binary")
    >>> shout.mark(ParsedText.of("oh!")).tolist()
    [0, 0, 1]
    """
    if not text(name, "the name of a concept"):
        raise WrongUsageError("the name of a concept is empty")
    choice(kind, "kind", get_args(Kind))
    text(description, "description")
    if not callable(function):
        raise WrongUsageError(f"{shown(function)} is no function", hint="a function from a text to its marks")

    def mark(parsed: ParsedText) -> Marks:
        marks = np.asarray(function(parsed.text))
        if marks.shape != (len(parsed.text),):
            raise ValueError(f"{name} gave {marks.shape} for a text of {len(parsed.text)} characters")
        if marks.dtype.kind not in "biuf" or not np.isfinite(marks).all():
            raise ValueError(f"{name} gave something that is no number")
        whole = marks.astype(np.int64)
        if (whole != marks).any() or (whole < 0).any() or (kind == "binary" and (whole > 1).any()):
            raise ValueError(f"{name} gave a number that is no {kind} mark")
        return whole

    return Concept(name=name, kind=kind, description=description or f"the function {name}", mark=mark)


def parse_custom_concept(written: str) -> Concept:
    """Make the concept that was written in one of the forms (WrongUsageError).

    >>> parse_custom_concept("todo=/TODO/after:2").mark(ParsedText.of("TODO: x")).tolist()
    [0, 0, 0, 0, 1, 1, 0]
    """
    name, _, form = written.partition("=")
    if not _NAME.fullmatch(name):
        raise WrongUsageError(f"{name[:40]!r} is no name for a concept", hint="letters, digits and _ : . -")
    if name in CONCEPTS:
        raise WrongUsageError(f"there is a concept {name} already", hint=f"another name: `my-{written}`")
    if latch := _LATCH.fullmatch(form) or _bare_latch(form):
        return _between(name, latch["opener"], latch["closer"])
    match = _MATCH.fullmatch(form)
    if not match:
        raise WrongUsageError(f"{name}: {form[:40]!r} is not a pattern between slashes", hint=FORMS)
    if ".." in match["pattern"] and not match["mode"]:
        raise WrongUsageError(
            f"{name}: {form[:40]!r} may be one pattern or two",
            hint=f"`{name}=/OPEN/../CLOSE/` is from one to the other, `{name}=/REGEX/span` a match of one",
        )
    return _by_mode(name, match["pattern"], match["mode"])


def _bare_latch(form: str) -> dict[str, str] | None:
    """Take OPEN..CLOSE apart where there is but one way to do it."""
    opener, dots, closer = form.partition("..")
    plain = not form.startswith("/") and opener and closer and ".." not in closer and closer[0] != "."
    return {"opener": opener, "closer": closer} if dots and plain else None


def _by_mode(name: str, pattern: str, mode: str) -> Concept:
    if after := _AFTER.fullmatch(mode):
        return _after(name, pattern, int(after[1]))
    modes = {"": _span, "span": _span, "since": _since, "count": _count}
    if mode not in modes:
        near = difflib.get_close_matches(mode, ["span", "since", "count", "after:20"], n=1)
        hint = f"did you mean {near[0]}?" if near else "span, since, count or after:N"
        raise WrongUsageError(f"{name}: a match can be followed by no {mode[:40]!r}", hint=hint)
    return modes[mode](name, pattern)


def _span(name: str, pattern: str) -> Concept:
    regex = compiled(pattern, name)

    def mark(parsed: ParsedText) -> Marks:
        spans = np.array([match.span(min(regex.groups, 1)) for match in regex.finditer(parsed.text)]).reshape(-1, 2)
        # A group that took no part in the match spans (-1, -1).
        starts, stops = spans[spans[:, 0] >= 0].T
        return mark_spans(len(parsed.text), starts, stops)

    return Concept(name=name, kind="binary", description=f"inside a match of {pattern}", mark=mark, uses_future=True)


def _after(name: str, pattern: str, characters: int) -> Concept:
    read = _streaming_pattern(name, pattern)

    def mark(parsed: ParsedText) -> Marks:
        ends = read.matches(parsed.text).last_end
        return as_marks((ends > 0) & (_distance(ends) > 0) & (_distance(ends) <= characters))

    unit = "character" if characters == 1 else f"{characters:,} characters"
    return Concept(name=name, kind="binary", description=f"the {unit} after a match of {pattern}", mark=mark)


def _since(name: str, pattern: str) -> Concept:
    read = _streaming_pattern(name, pattern)
    return Concept(
        name=name,
        kind="counter",
        description=f"characters since the last match of {pattern}",
        mark=lambda parsed: _distance(read.matches(parsed.text).last_end),
    )


def _count(name: str, pattern: str) -> Concept:
    read = _streaming_pattern(name, pattern)

    def mark(parsed: ParsedText) -> Marks:
        count, ends = read.matches(parsed.text).count, np.flatnonzero(parsed.mask_of("\n"))
        # What was half read when the line ended may have come to nothing.
        in_line: Marks = np.maximum(count - forward_fill(len(count), ends, count[ends]), 0)
        return in_line

    return Concept(name=name, kind="depth", description=f"matches of {pattern} in this line", mark=mark)


def _between(name: str, opener: str, closer: str) -> Concept:
    """Turn on with a match of one pattern, as soon as it is one, and off with the next of the other."""
    patterns = [_streaming_pattern(name, opener), _streaming_pattern(name, closer)]

    def switches(parsed: ParsedText) -> tuple[list[int], list[int], list[int]]:
        positions: list[int] = []
        values, closers, position = [], [], 0
        while match := patterns[len(positions) % 2].next(parsed.text, position):
            start, position, known_at = match
            if len(positions) % 2:
                closers.append(start)
            positions.append(known_at)
            values.append(len(positions) % 2)
        return positions, values, closers

    def mark(parsed: ParsedText) -> Marks:
        positions, values, _ = switches(parsed)
        return forward_fill(len(parsed.text), positions, values)

    def edge(marks: Marks, parsed: ParsedText) -> Mask:
        begins = np.zeros(len(parsed.text), dtype=np.bool_)
        begins[switches(parsed)[2]] = True
        return (marks > 0) & shifted_left(begins)

    return Concept(name=name, kind="binary", description=f"from {opener} to {closer}", mark=mark, edge=edge)


def _streaming_pattern(name: str, pattern: str) -> StreamingPattern:
    return StreamingPattern.of(pattern, name)


def _distance(ends: Marks) -> Marks:
    """Count the characters read since a place in the text, 0 on the one before it: (T,) -> (T,)."""
    return np.arange(1, len(ends) + 1) - ends


# Built-in and custom concepts by what was typed


def parse_concept(written: str) -> Concept:
    """Find or make a concept (WrongUsageError, with the nearest name).

    >>> parse_concept("in_quote").name, parse_concept("todo=/TODO/").name
    ('in_quote', 'todo')
    """
    if "=" in written:
        return parse_custom_concept(written)
    if written not in CONCEPTS:
        near = difflib.get_close_matches(written, CONCEPTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"NAME=/REGEX/ makes one; there are {', '.join(CONCEPTS)}"
        raise WrongUsageError(f"there is no concept {written!r}", hint=hint)
    return CONCEPTS[written]
