"""Edges: the characters after which a concept should help to predict the next one."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_concepts import suffixes, texts

from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.concepts.custom import parse_custom_concept


def carets(concept: str, text: str, name: str = "") -> str:
    """Return a string with a caret under each character that follows an edge."""
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
def test_edges_precede_what_the_concept_predicts(concept: str, name: str, text: str, expected: str) -> None:
    """Edges precede the first character of a closer or a newline, but not the blank line that ends an open span."""
    assert carets(concept, text, name) == expected


@settings(max_examples=60, deadline=None)
@given(text=texts, suffix=suffixes)
def test_the_last_character_is_never_an_edge(text: str, suffix: str) -> None:
    """Edges are one truth value per character."""
    parsed = ParsedText.of(text, "a" + suffix)
    for concept in CONCEPTS.values():
        edges = concept.edges(parsed)
        assert edges.shape == (len(text),)
        assert edges.dtype == np.bool_
        assert not edges[-1:].any(), concept.name


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="ab ()", max_size=40))
def test_the_default_edge_is_where_the_next_mark_is_lower(text: str) -> None:
    """A lower mark ends an episode."""
    parsed, concept = ParsedText.of(text), parse_custom_concept("since-a=/a/since")
    marks, edges = concept.mark(parsed).tolist(), concept.edges(parsed).tolist()
    assert edges[:-1] == [after < before for before, after in pairwise(marks)]


def test_the_edge_of_a_latch_precedes_its_closer() -> None:
    """The edge precedes the first character of the closer, although the mark is 1 up to its last one."""
    concept, parsed = parse_custom_concept("block=begin..end"), ParsedText.of("begin a end b")
    assert np.flatnonzero(concept.edges(parsed)).tolist() == [7]
    assert np.flatnonzero(concept.mark(parsed)).tolist() == list(range(4, 10))
