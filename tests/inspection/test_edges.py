"""Edges: a concept says after which characters it should pay to follow it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_concepts import suffixes, texts

from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.concepts.custom import parse_custom_concept


def foreseen(concept: str, text: str, name: str = "") -> str:
    """Draw a caret under each character that the one before it is an edge for."""
    edges = CONCEPTS[concept].edges(ParsedText.of(text, name))
    return "".join("^" if edge else " " for edge in [False, *edges[:-1]]).rstrip()


EXAMPLES = [
    ("in_quote", "", 'a "b" c', "    ^"),
    ("in_quote", "", '"a\n\nb', ""),
    ("in_squote", "", "a 'b's' c", "      ^"),
    ("sent_pos", "", "A. B?", " ^  ^"),
    ("para_pos", "", "a\n\nb", "  ^"),
    ("line_pos", "", "ab\nc\n", "  ^ ^"),
    ("line_start", "", "  a\nb", "  ^ ^"),
    ("indent", "", "a\n  b c", "  ^^^"),
    ("word_pos", "", "it's a", "    ^"),
    ("xml_depth", "a.html", "<b>a</b>", "    ^"),
    ("wiki_link", "a.rst", "[[a]]", "   ^"),
    ("md_code", "a.md", "`a`\n`b\n\n", "  ^"),
    ("md_fence", "a.md", "```\na\n```", "      ^"),
    ("string", "a.py", "'a' 'b\n", "  ^"),
    ("string", "a.py", '"""a"""', "    ^"),
    ("comment", "a.c", "/*a*/ //b\n", "   ^     ^"),
    ("docstring", "a.py", '"""a"""', "    ^"),
    ("bracket_depth", "a.c", "(a[b])\n(\n\n", "    ^^"),
    ("if_cond", "a.py", "if a: b\n", "    ^"),
    ("if_cond", "a.c", "if (a) b", "     ^"),
    ("next:quote", "", 'a"b', " ^"),
    ("vowel", "", "ab", ""),
]


@pytest.mark.parametrize(("concept", "name", "text", "expected"), EXAMPLES)
def test_edges_stand_before_what_the_concept_foresees(concept: str, name: str, text: str, expected: str) -> None:
    """The closer's first character, the line's end; not the blank line that ends whatever was left open."""
    assert foreseen(concept, text, name) == expected


@settings(max_examples=60, deadline=None)
@given(text=texts, suffix=suffixes)
def test_the_last_character_is_no_edge(text: str, suffix: str) -> None:
    """Nothing comes after it; and every other character has one answer."""
    parsed = ParsedText.of(text, "a" + suffix)
    for concept in CONCEPTS.values():
        edges = concept.edges(parsed)
        assert edges.shape == (len(text),)
        assert edges.dtype == np.bool_
        assert not edges[-1:].any(), concept.name


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="ab ()", max_size=40))
def test_by_default_an_edge_is_where_the_mark_falls_next(text: str) -> None:
    """An episode's end, whatever the concept."""
    parsed, concept = ParsedText.of(text), parse_custom_concept("since-a=/a/since")
    marks, edges = concept.mark(parsed).tolist(), concept.edges(parsed).tolist()
    assert edges[:-1] == [after < before for before, after in pairwise(marks)]


def test_a_latch_pays_before_its_closer() -> None:
    """Before the closer's first character, though the mark is off from its last one on."""
    concept, parsed = parse_custom_concept("block=begin..end"), ParsedText.of("begin a end b")
    assert np.flatnonzero(concept.edges(parsed)).tolist() == [7]
    assert np.flatnonzero(concept.mark(parsed)).tolist() == list(range(4, 10))
