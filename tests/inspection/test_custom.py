"""Custom concepts: the marks of each form, their causality, and the error messages."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.concepts.custom import concept_of, parse_concept, parse_custom_concept
from charrnn.inspection.concepts.streaming_regex import MAX_MATCH_CHARS, StreamingPattern

PIECES = (
    *("a", "b", "c", "ab", "bc", "a*", "(bc)?", r"\n", ".", r"\w", r"\s", "[ab]", "[^a]", "[^$]", r"\1"),
    *(r"\b", r"\B", "$", "^", "(?<=a)", "(?<!b)", "(?i)", "(?:", "(", "|", ")", "*", "+", "?", "*?", "{1,2}"),
)
patterns = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)
texts = st.text(alphabet="aabbcAB \n.", max_size=25)


def marks(definition: str, text: str) -> str:
    """Return the marks of a text as one digit per character."""
    return "".join(str(mark) for mark in parse_custom_concept(definition).mark(ParsedText.of(text)))


EXAMPLES = [
    ("x=/b+/", "abbc", "0110"),
    ("x=/b+/span", "abbc", "0110"),
    ("x=/a(b+)/", "bbabb", "00011"),
    ("x=/a(b)?/", "aab", "001"),
    ("x=/^b.*$/", "ab\nbc\n", "000110"),
    ("x=/a\\/b/", "a/b", "111"),
    ("x=/ab/after:2", "abcdeab", "0011000"),
    ("x=/a|ab/after:1", "ab.", "010"),
    ("x=/ab/since", "cabcd", "12012"),
    ("x=/b+/since", "abbc", "1001"),
    (r"x=/\w+/count", "ab c\nd", "111201"),
    ("x=/a/count", "aa\na", "1201"),
    (r"x=/\bif\b/count", "if iffy", "0011111"),
    (r"x=/\bif\b/since", "if if.", "121231"),
    ("x=/b$/after:1", "b\nbb", "0100"),
    ("x=begin..end", "begin a end", "00001111110"),
    ("x=/[/]/../[*]/", "a/b*c", "01100"),
    ("x=[(]..[)]", "a(b)", "0110"),
    ("x=a+..b", "caab", "0110"),
    ("x=/a../span", "ba..", "0111"),
]


@pytest.mark.parametrize(("definition", "text", "expected"), EXAMPLES)
def test_each_form_has_exact_marks(definition: str, text: str, expected: str) -> None:
    """Marks begin at the character that completes a match; those of a span begin with the match."""
    assert marks(definition, text) == expected


def test_only_spans_depend_on_later_characters() -> None:
    """A cell cannot know such marks for certain."""
    forms = ("x=/a/", "x=/a/span", "x=/a/after:2", "x=/a/since", "x=/a/count", "x=a..b")
    assert [parse_custom_concept(form).uses_future for form in forms] == [True, True, False, False, False, False]


@settings(max_examples=200, deadline=None)
@given(pattern=patterns, closer=patterns, text=texts, cut=st.integers(0, 25))
def test_marks_do_not_depend_on_later_characters(pattern: str, closer: str, text: str, cut: int) -> None:
    """The patterns may be greedy or lazy, and depend on the next character."""
    for form in (f"x=/{pattern}/since", f"x=/{pattern}/count", f"x=/{pattern}/after:2", f"x=/{pattern}/../{closer}/"):
        try:
            concept = parse_custom_concept(form)
        except WrongUsageError:
            continue
        complete, prefix = ParsedText.of(text), ParsedText.of(text[:cut])
        assert concept.mark(prefix).tolist() == concept.mark(complete)[:cut].tolist(), form


@settings(max_examples=200, deadline=None)
@given(pattern=patterns, text=texts)
def test_matches_equal_those_of_every_prefix(pattern: str, text: str) -> None:
    """The single pass equals a search of every prefix of the text."""
    try:
        regex = StreamingPattern.of(pattern, "x")
    except WrongUsageError:
        assume(False)
    matches = regex.matches(text)
    for stop in range(1, len(text) + 1):
        ends = [match.end() for match in regex.regex.finditer(text, 0, stop) if match.group()]
        assert matches.count[stop - 1] == len(ends)
        assert matches.last_end[stop - 1] == (ends[-1] if ends else 0)


@pytest.mark.parametrize("pattern", [r"a\b", r"(?i)A\b", r"(?x) a \b # comment", r"a$|b\B"])
def test_a_match_with_lookahead_is_recognized_at_the_next_character(pattern: str) -> None:
    """Flags and comments in the pattern are kept."""
    assert marks(f"x=/{pattern}/since", "c a\nc") == "12312"


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("x=/a(b/", "unterminated subpattern"),
        ("x=/[z-a]/since", "bad character range"),
        ("x=a..(", "unterminated subpattern"),
        ("x=/a(?=b)/since", "depends on text after the match"),
        ("x=/(?>a)/count", "depends on text after"),
        ("x=/a++/count", "depends on text after"),
        (r"x=/a\Z..b/after:2", "depends on text after"),
        ("x=/a/sinc", "no 'sinc'"),
        ("x=/a/after:0", "no 'after:0'"),
        ("x=/a", "not a pattern between slashes"),
        ("x=a..b..c", "not a pattern between slashes"),
        (r"x=/\*..\*/", "one pattern or two"),
        ("x=", "not a pattern"),
        ("=/a/", "no name"),
        ("a b=/a/", "no name"),
        ("string=/a/", "already"),
        ("x=/" + "(" * 9000 + ")" * 9000 + "/", "too large"),
    ],
)
def test_an_invalid_definition_has_a_short_error_message(definition: str, message: str) -> None:
    """The message is one line."""
    with pytest.raises(WrongUsageError, match=re.escape(message)) as raised:
        parse_custom_concept(definition)
    assert "\n" not in raised.value.message
    assert len(raised.value.message) < 250


@pytest.mark.parametrize(("pattern", "at"), [("a(b", 1), ("x" * 70 + "(b", 70), ("*a", 0)])
def test_the_hint_has_the_place_of_the_error_in_a_pattern(pattern: str, at: int) -> None:
    """The number of the character, and the pattern from there, on one line."""
    with pytest.raises(WrongUsageError) as raised:
        parse_custom_concept(f"x=/{pattern}/")
    assert raised.value.hint == f"at character {at + 1}, where {pattern[at:]!r} begins"


def test_an_escaped_plus_with_a_quantifier_is_not_possessive() -> None:
    r"""The pattern matches one or more plus signs."""
    assert marks(r"x=/\++/count", "a++b+") == "01112"


def test_the_length_of_matches_is_limited_but_not_that_of_latches() -> None:
    """Every prefix of a match is matched again; the span between two patterns is not."""
    text = ParsedText.of("a" + "c" * MAX_MATCH_CHARS + "b")
    with pytest.raises(CharrnnError, match="1,002 characters"):
        parse_custom_concept("x=/a[^b]*b/since").mark(text)
    assert parse_custom_concept("x=a..b").mark(text).sum() == MAX_MATCH_CHARS + 1


def test_a_python_function_becomes_a_concept() -> None:
    """Its marks are those that the function returns."""
    concept = concept_of("caps", lambda text: np.cumsum([character.isupper() for character in text]), kind="counter")
    assert concept.mark(ParsedText.of("aBcD")).tolist() == [0, 1, 1, 2]
    assert (concept.name, concept.kind, concept.family, concept.uses_future) == ("caps", "counter", "state", False)
    assert concept.name not in CONCEPTS


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ([1], "returned 1 marks for a text of 2 characters"),
        ([0, 2], "returned 2 at 1: it must be 0 or 1"),
        ([0, -1], "returned -1 at 1"),
        ([0.5, 0], "returned 0.5 at 0"),
        ([0, float("nan")], "returned nan at 1"),
        ([[0, 1]], r"returned \[\[0, 1\]\], not 0 or 1 per character"),
        ([[0], [0, 1]], r"returned \[\[0\], \[0, 1\]\], not"),
        (None, "returned None, not 0 or 1 per character"),
        (["a", "b"], r"returned \['a', 'b'\], not 0 or 1 per character"),
    ],
    ids=str,
)
def test_a_function_that_returns_wrong_marks_is_named(returned: Any, message: str) -> None:
    """With the first wrong mark, or the number of marks; marks are one whole number ≥ 0 per character."""
    concept = concept_of("odd", lambda _: returned, kind="binary")
    with pytest.raises(WrongUsageError, match=f"the concept 'odd' {message}"):
        concept.mark(ParsedText.of("ab"))


def test_a_misspelled_concept_is_refused_with_a_suggestion() -> None:
    """Upper case does not matter for the suggestion."""
    for name in ("in_qoute", "IN_QUOTE"):
        with pytest.raises(WrongUsageError, match=f"there is no concept '{name}'") as raised:
            parse_concept(name)
        assert raised.value.hint == "did you mean in_quote?"
