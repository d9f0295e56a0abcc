"""Concepts: exact examples, and the law that a mark is known when its character has been read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.inspection.concepts import CONCEPTS, Source, detect_language

SUFFIXES = (".py", ".c", ".js", ".sh", ".lua", ".html", ".md", ".csv")
PIECES = (
    *"\"'`“”«»「」()[]{}<>!-#/*\\\n\r\t .,;:aB9_é’日\0",
    *('"""', "'''", "/*", "*/", "//", "--", "--[[", "]]", "<!--", "-->", "\n\n", "\ndef f(", "\nclass A:"),
    *("\nimport os\n", "\nfrom os import x", "it's"),
)
anything = st.integers(0, 0x10FFFF).map(chr)
texts = st.one_of(
    st.lists(anything, max_size=60).map("".join), st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
)


def marks(concept: str, text: str, name: str = "") -> str:
    """Draw the marks of a text as one digit a character."""
    return "".join(str(mark) for mark in CONCEPTS[concept].mark(Source.of(text, name)))


EXAMPLES = [
    ("in_quote", "", 'a "b" c', "0011000"),
    ("in_quote", "", "“a b” c", "1111000"),
    ("in_quote", "", '"a\n\nb"', "111001"),
    ("in_quote", "", '"a\r\n\r\nb', "1111100"),
    ("line_pos", "", "ab\n\nc", "12001"),
    ("word_pos", "", "it's a_b 'n", "12340123001"),
    ("indent", "", "  a b\n\n\tc", "122220088"),
    ("indent", "", " \tc", "188"),
    ("string", "a.py", "a='b' 'c", "00110011"),
    ("string", "a.py", r"'\'' a", "111000"),
    ("string", "a.py", '"""a"b""" c', "10111111000"),
    ("string", "a.py", '"" a', "1000"),
    ("string", "a.py", "'a\nb", "1100"),
    ("string", "a.py", "#'a'\n'b", "0000011"),
    ("string", "a.js", "`a\nb` c", "1111000"),
    ("string", "a.py", '"""a\ndef f():', "1011111111000"),
    ("comment", "a.py", "a # b\nc", "0011100"),
    ("comment", "a.py", "'#' #", "00001"),
    ("comment", "a.c", "a // b\nc", "00011100"),
    ("comment", "a.c", "/*/ b */c", "011111100"),
    ("comment", "a.lua", "--a\n--[[b\n]]c", "0110011111100"),
    ("comment", "a.html", "<!--a-->b", "000111100"),
    ("bracket_depth", "a.py", "f(a[1])", "0112210"),
    ("bracket_depth", "a.py", "(')'#)", "111111"),
    ("bracket_depth", "a.py", ")([}", "0122"),
    ("bracket_depth", "a.c", "{([)}", "12310"),
    ("bracket_depth", "a.c", "{(a\n\n}", "122210"),
]


@pytest.mark.parametrize(("concept", "name", "text", "expected"), EXAMPLES)
def test_marks_are_exact(concept: str, name: str, text: str, expected: str) -> None:
    """An opener counts at once, a closer no more; what is quoted, escaped or commented out does not count."""
    assert marks(concept, text, name) == expected


@settings(max_examples=200, deadline=None)
@given(text=texts, suffix=st.sampled_from(SUFFIXES), cut=st.integers(0, 60))
def test_what_comes_later_changes_no_mark(text: str, suffix: str, cut: int) -> None:
    """Marking the beginning of a text gives the beginning of its marks: a network could know them too."""
    whole, begun = Source.of(text, "a" + suffix), Source.of(text[:cut], "a" + suffix)
    for concept in CONCEPTS.values():
        assert concept.mark(begun).tolist() == concept.mark(whole)[:cut].tolist(), concept.name


@settings(max_examples=100, deadline=None)
@given(text=texts, suffix=st.sampled_from(SUFFIXES))
def test_every_character_has_one_mark_that_is_never_below_zero(text: str, suffix: str) -> None:
    """Whatever the text, marks are whole numbers from 0, and only 0 and 1 for a binary concept."""
    source = Source.of(text, "a" + suffix)
    for concept in CONCEPTS.values():
        marked = concept.mark(source)
        assert marked.shape == (len(text),)
        assert marked.dtype == np.int64
        assert marked.min(initial=0) >= 0
        assert concept.kind != "binary" or marked.max(initial=0) <= 1


def test_a_text_cut_inside_a_long_string_is_read_right_again_from_the_next_definition() -> None:
    """Without that, strings and code would change places to the end of the text."""
    rest = 'end."""\n\ndef g(x):\n    """Doc."""\n    return "a"\n'
    sound = rest.removeprefix('end."""')
    again = len("(x):" + rest.partition("(x):")[2])
    assert marks("string", rest, "a.py")[-again:] == marks("string", sound, "a.py")[-again:]


@pytest.mark.parametrize(
    "hostile", ['"', "\n", "([{", "/*", "'\n", "\ndef f(", "{(\n\n", "(" * 20_000 + "]" * 20_000]
)
def test_marking_takes_time_in_proportion_to_the_text(hostile: str) -> None:
    """No text makes a scan look back over all it has read: the marks are there before the test's patience ends."""
    source = Source.of((hostile * (40_000 // len(hostile) + 1))[:40_000], "a.c")
    assert all(len(concept.mark(source)) == 40_000 for concept in CONCEPTS.values())


@pytest.mark.parametrize(
    ("expected", "text", "name"),
    [
        ("python", "", "run.PY"),
        ("dash", "def f(x):", "a.lua"),
        ("python", "import os\n\n\ndef f(x):\n    return x\n" * 9, "corpus.txt"),
        ("c-like", "int f(int x) {\n  return x;\n}\n" * 9, "corpus.txt"),
        ("prose", "To be, or not to be,\nthat is the question;\n" * 9, "hamlet.txt"),
        ("prose", "吾輩は猫である。名前はまだ無い。\n" * 9, ""),
        ("plain", "12:30 [4] 0x3f = 17.5%\n" * 9, "log.txt"),
        ("plain", "", ""),
    ],
)
def test_the_language_is_told_by_suffix_and_else_by_content(expected: str, text: str, name: str) -> None:
    """A suffix that says nothing, such as .txt, leaves it to the characters."""
    assert detect_language(text, name).name == expected
