"""Concepts of one's own: what each form marks, that it is known in time, and how a mistake is told."""

import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.concepts.custom import concept_of, parse_custom_concept
from charrnn.inspection.concepts.streaming_regex import MAX_MATCH_CHARS, StreamingPattern

PIECES = (
    *("a", "b", "c", "ab", "bc", "a*", "(bc)?", r"\n", ".", r"\w", r"\s", "[ab]", "[^a]", "[^$]", r"\1"),
    *(r"\b", r"\B", "$", "^", "(?<=a)", "(?<!b)", "(?i)", "(?:", "(", "|", ")", "*", "+", "?", "*?", "{1,2}"),
)
patterns = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)
texts = st.text(alphabet="aabbcAB \n.", max_size=25)


def marks(written: str, text: str) -> str:
    """Draw the marks of a text as one digit a character."""
    return "".join(str(mark) for mark in parse_custom_concept(written).mark(ParsedText.of(text)))


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


@pytest.mark.parametrize(("written", "text", "expected"), EXAMPLES)
def test_each_form_marks_what_it_says(written: str, text: str, expected: str) -> None:
    """From the character on at which a reader knows; but a span from its beginning."""
    assert marks(written, text) == expected


def test_only_spans_use_the_future() -> None:
    """And nothing else, so that what a cell cannot know is told apart."""
    forms = ("x=/a/", "x=/a/span", "x=/a/after:2", "x=/a/since", "x=/a/count", "x=a..b")
    assert [parse_custom_concept(form).uses_future for form in forms] == [True, True, False, False, False, False]


@settings(max_examples=200, deadline=None)
@given(pattern=patterns, closer=patterns, text=texts, cut=st.integers(0, 25))
def test_what_comes_later_changes_no_mark(pattern: str, closer: str, text: str, cut: int) -> None:
    """Whatever the pattern: greedy or lazy, asking for the next character, matching more the more it reads."""
    for form in (f"x=/{pattern}/since", f"x=/{pattern}/count", f"x=/{pattern}/after:2", f"x=/{pattern}/../{closer}/"):
        try:
            concept = parse_custom_concept(form)
        except WrongUsageError:
            continue
        whole, begun = ParsedText.of(text), ParsedText.of(text[:cut])
        assert concept.mark(begun).tolist() == concept.mark(whole)[:cut].tolist(), form


@settings(max_examples=200, deadline=None)
@given(pattern=patterns, text=texts)
def test_matches_are_those_of_the_text_so_far(pattern: str, text: str) -> None:
    """Followed in one pass, as if every beginning of the text had been searched by itself."""
    try:
        read = StreamingPattern.of(pattern, "x")
    except WrongUsageError:
        assume(False)
    matches = read.matches(text)
    for stop in range(1, len(text) + 1):
        ends = [found.end() for found in read.regex.finditer(text, 0, stop) if found.group()]
        assert matches.count[stop - 1] == len(ends)
        assert matches.last_end[stop - 1] == (ends[-1] if ends else 0)


@pytest.mark.parametrize("pattern", [r"a\b", r"(?i)A\b", r"(?x) a \b # comment", r"a$|b\B"])
def test_a_match_that_asks_for_the_next_character_is_known_with_it(pattern: str) -> None:
    """Flags and comments notwithstanding."""
    assert marks(f"x=/{pattern}/since", "c a\nc") == "12312"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("x=/a(b/", "unterminated subpattern"),
        ("x=/[z-a]/since", "bad character range"),
        ("x=a..(", "unterminated subpattern"),
        ("x=/a(?=b)/since", "cannot be judged before the text is read on"),
        ("x=/(?>a)/count", "cannot be judged before"),
        ("x=/a++/count", "cannot be judged before"),
        (r"x=/a\Z..b/after:2", "cannot be judged before"),
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
def test_a_mistake_is_told_with_what_to_do(written: str, said: str) -> None:
    """In one line, and never as a traceback."""
    with pytest.raises(WrongUsageError, match=re.escape(said)) as raised:
        parse_custom_concept(written)
    assert "\n" not in raised.value.message
    assert len(raised.value.message) < 250


@pytest.mark.parametrize(("pattern", "at"), [("a(b", 1), ("x" * 70 + "(b", 70), ("*a", 0)])
def test_a_broken_pattern_is_pointed_at(pattern: str, at: int) -> None:
    """The caret stands under the character that the message counts."""
    with pytest.raises(WrongUsageError) as raised:
        parse_custom_concept(f"x=/{pattern}/")
    where, shown, pointer = (raised.value.hint or "").splitlines()
    assert where == f"at character {at + 1}:"
    assert shown[pointer.index("^")] == pattern[at]


def test_a_quantified_plus_is_no_possessive_one() -> None:
    r"""\++ is one or more plus signs."""
    assert marks(r"x=/\++/count", "a++b+") == "01112"


def test_a_match_too_long_to_be_followed_is_refused_but_a_latch_is_not() -> None:
    """Every character of a match has it matched again; from one pattern to another nothing is."""
    text = ParsedText.of("a" + "c" * MAX_MATCH_CHARS + "b")
    with pytest.raises(CharrnnError, match="1,002 characters"):
        parse_custom_concept("x=/a[^b]*b/since").mark(text)
    assert parse_custom_concept("x=a..b").mark(text).sum() == MAX_MATCH_CHARS + 1


def test_a_function_makes_a_concept() -> None:
    """From Python, of any rule."""
    concept = concept_of("caps", lambda text: np.cumsum([one.isupper() for one in text]), kind="counter")
    assert concept.mark(ParsedText.of("aBcD")).tolist() == [0, 1, 1, 2]
    assert (concept.name, concept.kind, concept.family, concept.uses_future) == ("caps", "counter", "state", False)
    assert concept.name not in CONCEPTS


@pytest.mark.parametrize("given", [[1], [0, 2], [0, -1], [0.5, 0], [[0, 1]]])
def test_a_function_that_gives_no_marks_is_told_so(given: list[float]) -> None:
    """A number for each character, whole, not below 0, and of its kind."""
    concept = concept_of("odd", lambda _: given, kind="binary")
    with pytest.raises(ValueError, match="odd gave"):
        concept.mark(ParsedText.of("ab"))
