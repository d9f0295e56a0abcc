"""Custom concepts: regular expressions in the syntax of the command line, or a Python function.

    NAME=/REGEX/            inside a match, or inside its group 1 if there is one; the beginning of a match is
                            marked before it can be recognized, so these marks depend on later characters
    NAME=/REGEX/after:N     for N characters after a match
    NAME=/REGEX/since       characters since the last match
    NAME=/REGEX/count       matches since the line began
    NAME=OPEN..CLOSE        from a match of one pattern to a match of the other; also NAME=/OPEN/../CLOSE/

In patterns ^ and $ match at the beginning and the end of a line. There is no time limit for patterns with exponential
backtracking, such as (a+)+b.
"""

import re
from collections.abc import Callable
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike

from charrnn.arguments import choice, plain, shown, text
from charrnn.errors import WrongUsageError, did_you_mean
from charrnn.inspection.concepts.concept import CONCEPTS, Concept, Kind, ParsedText
from charrnn.inspection.concepts.marks import Marks, Mask, as_marks, forward_fill, mark_spans, shifted_left
from charrnn.inspection.concepts.streaming_regex import StreamingPattern, compile_pattern

FORMS = "NAME=/REGEX/, NAME=/REGEX/after:N, since or count, NAME=OPEN..CLOSE"
"""summary of the syntax for error messages"""
MAX_MARK = 2**53
"""largest mark; a float64 has every whole number up to it"""
_NAME = re.compile(r"[\w:.-]{1,40}")
_LATCH = re.compile(r"/(?P<opener>.+)/\.\./(?P<closer>.+)/", re.DOTALL)
_MATCH = re.compile(r"/(?P<pattern>.+)/(?P<mode>[^/]*)", re.DOTALL)
_AFTER = re.compile(r"after:([1-9]\d{0,6})", re.ASCII)


def concept_of(name: str, function: Callable[[str], ArrayLike], *, kind: Kind, description: str = "") -> Concept:
    """Return a concept for a function from a text to one whole number ≥ 0 per character.

    The number of a character must not depend on later characters; this is not checked. A search or a heat map with
    the concept raises WrongUsageError if the function returns anything else; its own exceptions are not changed.

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
        return _checked_marks(function(parsed.text), len(parsed.text), name, kind)

    return Concept(name=name, kind=kind, description=description or f"the function {name}", mark=mark)


def _checked_marks(returned: object, characters: int, name: str, kind: Kind) -> Marks:
    """Return what the function of a concept returned as the marks of so many characters (WrongUsageError)."""
    concept, requirement = f"the concept {shown(name)}", "0 or 1" if kind == "binary" else "a whole number ≥ 0"
    try:
        marks = np.asarray(returned)
    except ValueError as error:  # a list of lists of different lengths
        raise WrongUsageError(f"{concept} returned {shown(returned)}, not {requirement} per character") from error
    if marks.ndim != 1 or marks.dtype.kind not in "biuf":
        raise WrongUsageError(f"{concept} returned {shown(returned)}, not {requirement} per character")
    if len(marks) != characters:
        raise WrongUsageError(f"{concept} returned {len(marks):,} marks for a text of {characters:,} characters")
    is_mark = (marks >= 0) & (marks <= (1 if kind == "binary" else MAX_MARK)) & (marks == np.floor(marks))
    if not is_mark.all():
        at = int(np.argmin(is_mark))
        raise WrongUsageError(f"{concept} returned {shown(plain(marks[at]))} at {at:,}: it must be {requirement}")
    return marks.astype(np.int64)


def parse_custom_concept(definition: str) -> Concept:
    """Return the concept for a definition in one of the forms above (WrongUsageError).

    >>> parse_custom_concept("todo=/TODO/after:2").mark(ParsedText.of("TODO: x")).tolist()
    [0, 0, 0, 0, 1, 1, 0]
    """
    name, _, form = definition.partition("=")
    if not _NAME.fullmatch(name):
        raise WrongUsageError(f"{name[:40]!r} is no name for a concept", hint="letters, digits and _ : . -")
    if name in CONCEPTS:
        raise WrongUsageError(f"there is a concept {name} already", hint=f"another name: `my-{definition}`")
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
    """Return the two patterns of OPEN..CLOSE, or None if the form is another one or ambiguous."""
    opener, dots, closer = form.partition("..")
    plain = not form.startswith("/") and opener and closer and ".." not in closer and closer[0] != "."
    return {"opener": opener, "closer": closer} if dots and plain else None


def _by_mode(name: str, pattern: str, mode: str) -> Concept:
    if after := _AFTER.fullmatch(mode):
        return _after(name, pattern, int(after[1]))
    modes = {"": _span, "span": _span, "since": _since, "count": _count}
    if mode not in modes:
        hint = did_you_mean(mode, ["span", "since", "count", "after:20"]) or "span, since, count or after:N"
        raise WrongUsageError(f"{name}: a match can be followed by no {mode[:40]!r}", hint=hint)
    return modes[mode](name, pattern)


def _span(name: str, pattern: str) -> Concept:
    regex = compile_pattern(pattern, name)

    def mark(parsed: ParsedText) -> Marks:
        spans = np.array([match.span(min(regex.groups, 1)) for match in regex.finditer(parsed.text)]).reshape(-1, 2)
        # The span of a group that did not take part in the match is (-1, -1).
        starts, stops = spans[spans[:, 0] >= 0].T
        return mark_spans(len(parsed.text), starts, stops)

    return Concept(name=name, kind="binary", description=f"inside a match of {pattern}", mark=mark, uses_future=True)


def _after(name: str, pattern: str, characters: int) -> Concept:
    regex = StreamingPattern.of(pattern, name)

    def mark(parsed: ParsedText) -> Marks:
        ends = regex.matches(parsed.text).last_end
        return as_marks((ends > 0) & (_distance(ends) > 0) & (_distance(ends) <= characters))

    unit = "character" if characters == 1 else f"{characters:,} characters"
    return Concept(name=name, kind="binary", description=f"the {unit} after a match of {pattern}", mark=mark)


def _since(name: str, pattern: str) -> Concept:
    regex = StreamingPattern.of(pattern, name)
    return Concept(
        name=name,
        kind="counter",
        description=f"characters since the last match of {pattern}",
        mark=lambda parsed: _distance(regex.matches(parsed.text).last_end),
    )


def _count(name: str, pattern: str) -> Concept:
    regex = StreamingPattern.of(pattern, name)

    def mark(parsed: ParsedText) -> Marks:
        count, newlines = regex.matches(parsed.text).count, np.flatnonzero(parsed.mask_of("\n"))
        # The count may decrease in a line if a match that was incomplete at its beginning fails later.
        in_line: Marks = np.maximum(count - forward_fill(len(count), newlines, count[newlines]), 0)
        return in_line

    return Concept(name=name, kind="depth", description=f"matches of {pattern} in this line", mark=mark)


def _between(name: str, opener: str, closer: str) -> Concept:
    """Return the concept from a match of the opener, as soon as it is recognized, to the next match of the closer."""
    patterns = [StreamingPattern.of(opener, name), StreamingPattern.of(closer, name)]

    def switches(parsed: ParsedText) -> tuple[list[int], list[int], list[int]]:
        """Return the positions at which the value changes, the values, and the starts of the closers."""
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
        starts = np.zeros(len(parsed.text), dtype=np.bool_)
        starts[switches(parsed)[2]] = True
        return (marks > 0) & shifted_left(starts)

    return Concept(name=name, kind="binary", description=f"from {opener} to {closer}", mark=mark, edge=edge)


def _distance(ends: Marks) -> Marks:
    """Return the number of characters read from a position on, 0 on the character before it: (T,) -> (T,)."""
    return np.arange(1, len(ends) + 1) - ends


# Built-in or custom concepts from the command line


def parse_concept(argument: str) -> Concept:
    """Return the built-in concept of that name, or the custom concept of a definition (WrongUsageError).

    >>> parse_concept("in_quote").name, parse_concept("todo=/TODO/").name
    ('in_quote', 'todo')
    """
    if "=" in argument:
        return parse_custom_concept(argument)
    if argument not in CONCEPTS:
        all_names = f"NAME=/REGEX/ makes one; there are {', '.join(CONCEPTS)}"
        hint = did_you_mean(argument.lower(), CONCEPTS) or all_names
        raise WrongUsageError(f"there is no concept {shown(argument)}", hint=hint)
    return CONCEPTS[argument]
