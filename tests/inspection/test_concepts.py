"""Concepts: exact examples, and marks that depend only on the characters read so far."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.inspection.concepts import CONCEPTS, ParsedText

LENGTH = 20_000
"""characters of a hostile text"""
SUFFIXES = (".py", ".c", ".java", ".js", ".sh", ".lua", ".html", ".md", ".tex", ".csv", ".txt")
PIECES = (
    *"\"'`“”«»「」‘’()[]{}<>!-#/*\\\n\r\t .,;:=$%~&aB9_é日。\0",
    *('"""', "'''", "/*", "*/", "//", "--", "--[[", "]]", "[[", "<!--", "-->", "\n\n", "\r\n\r\n"),
    *("\ndef f(", "\nclass A:", "\nimport os\n", "\nfrom os import x", "\nif ", "elif x", ":=", "\\\n", '\n    """'),
    *("if (", "while(", "\n#if", "\n# ", "```", "\n```", "\n~~~", "``", "$$", "</a>", "<b>", "<br/>"),
    *("it's", "’t ", " 'a", ". ", "?! ", "://", "www.", "0x", "1,5", "ABC", " No "),
)
anything = st.integers(0, 0x10FFFF).map(chr)
texts = st.one_of(
    st.lists(anything, max_size=60).map("".join), st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
)
suffixes = st.sampled_from(SUFFIXES)


def marks(concept: str, text: str, name: str = "") -> str:
    """Return the marks of a text as one digit per character."""
    return "".join(str(mark) for mark in CONCEPTS[concept].mark(ParsedText.of(text, name)))


EXAMPLES = [
    ("in_quote", "", 'a "b" c', "0011000"),
    ("in_quote", "", "“a b” c", "1111000"),
    ("in_quote", "", '"a\n\nb"', "111001"),
    ("in_quote", "", '"a\r\n\r\nb', "1111100"),
    ("in_squote", "", "a 'b's' c", "001111100"),
    ("in_squote", "", "dogs' 'a''b'.", "0000001111110"),
    ("in_squote", "", "‘it’s’ ’a", "111111000"),
    ("in_squote", "", "'a\n\n'", "11101"),
    ("sent_pos", "", "Ab. C?) D", "123012301"),
    ("sent_pos", "", "あ。」い\n\nう", "1001201"),
    ("sent_pos", "", "1.5 a", "12345"),
    ("sent_words", "", "A bc. It's", "1122201111"),
    ("para_pos", "", "a\n\nabcdefgh", "11011222233"),
    ("line_pos", "", "ab\n\nc", "12001"),
    ("line_start", "", "  a b\n \nc", "110001110"),
    ("after_blank", "", "a\n\nb c\nd\n\n\ne", "001111000111"),
    ("after_blank", "", "\r\n\r\na", "00011"),
    ("indent", "", "  a b\n\n\tc", "122220088"),
    ("indent", "", " \tc", "188"),
    ("word_pos", "", "it's a_b 'n", "12340123001"),
    ("token_pos", "", "it's\t(a)\nb", "1234012301"),
    ("capword", "", "Ab aB _Éc 3D", "110000011001"),
    ("upper_word", "", "NO. A_B Nn NOo I 日本", "0100001000001000000"),
    ("number", "", "1,000.5, 0xFg a1", "1111111101110001"),
    ("number", "", "5,, 1__2", "11001101"),
    ("url", "", "see http://a.b/c) www.x", "00000000001111110000011"),
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
    ("comment", "a.tex", "5\\% % a\nb", "000011100"),
    ("bracket_depth", "a.py", "f(a[1])", "0112210"),
    ("bracket_depth", "a.py", "(')'#)", "111111"),
    ("bracket_depth", "a.py", ")([}", "0122"),
    ("bracket_depth", "a.c", "{([)}", "12310"),
    ("bracket_depth", "a.c", "{(a\n\n}", "122210"),
    ("paren_depth", "a.c", "(({[)", "12221"),
    ("square_depth", "a.c", "[({a[)", "111121"),
    ("brace_depth", "a.c", "{(\n\n}}", "111100"),
    ("if_cond", "a.c", "if (a(b)) c; elif (d)", "000111110000000000000"),
    ("if_cond", "a.c", 'while(")") /*if (*/ x', "000001111000000000000"),
    ("if_cond", "a.py", "if a(b:c): d if e: f", "00111111100000000000"),
    ("if_cond", "a.py", "elif a:=b:\nif(a,\n b)\\\n:", "00001101100001111111110"),
    ("if_cond", "a.py", "x=[\nif a]", "000000000"),
    ("if_cond", "a.txt", "if (a) b", "00000000"),
    ("stmt_pos", "a.c", "a;{b(';')}", "1001234560"),
    ("stmt_pos", "a.py", "a(\n b)\n'\n", "123456010"),
    ("stmt_pos", "a.txt", "a;\nb", "0000"),
    ("preproc", "a.c", " #if \\\n a /*\n*/ b\nc", "0111111111111111100"),
    ("preproc", "a.c", "/*\n#a\n*/\na #b", "0000000000000"),
    ("preproc", "a.py", "#if\n", "0000"),
    ("docstring", "a.py", 'def f():\n  """a"b"""\nc', "0000000000000111111000"),
    ("docstring", "a.py", 'x = """a"""\n(\n"""b"""\n', "0000000000000000000000"),
    ("docstring", "a.py", 'x = \\\n"""a"""', "0000000000000"),
    ("docstring", "a.py", "\"\"\"a\n\"\"\"\nr'''b'''", "00111110000011110"),
    ("tag", "a.html", "<a b='c'>d < e</a>", "011111110000000110"),
    ("tag", "a.py", "<a>", "000"),
    ("xml_depth", "a.xml", "<a><b>c</b><br></a></a>", "00111222221111111100000"),
    ("xml_depth", "a.xml", "<!--<a>--><b/>", "00000000000000"),
    ("wiki_link", "a.rst", "[[a]] [[b\n\n]]", "0111000111000"),
    ("wiki_link", "a.lua", "[[a]]", "00000"),
    ("md_code", "a.md", "a `b` ``c`` `d\n\ne", "00110011100011100"),
    ("md_code", "a.md", "```\n`a`\n```\n`b", "11000000000011"),
    ("md_fence", "a.md", "```a\n~~~\n``\n```\nb", "00111111111111000"),
    ("md_fence", "a.csv", "```a", "0000"),
    ("md_head", "a.md", "# a\nb # c\n```\n# d", "11100000000000000"),
    ("tex_math", "a.tex", r"$a$ \$b $$c$$", "1100000011100"),
    ("tex_math", "a.md", "$a\n\nb", "11100"),
    ("tex_math", "a.txt", "$a$", "000"),
    ("vowel", "", "aÉy日", "1100"),
    ("letter", "", "a1 日", "1001"),
    ("digit", "", "a1²٣", "0101"),
    ("space", "", " \t\n\u3000", "1101"),
    ("punct", "", "a.“-+", "01110"),
    ("next:newline", "", "a\n\n", "110"),
    ("next:space", "", "a b", "100"),
    ("next:quote", "", 'a "b', "0100"),
    ("next:closer", "", "(a])", "0110"),
]


@pytest.mark.parametrize(("concept", "name", "text", "expected"), EXAMPLES)
def test_marks_are_exact(concept: str, name: str, text: str, expected: str) -> None:
    """A span begins at its opener and ends at its closer; quoted, escaped and commented delimiters are ignored."""
    assert marks(concept, text, name) == expected


def test_every_concept_has_an_example() -> None:
    """The examples cover the whole registry."""
    assert {concept for concept, *_ in EXAMPLES} == set(CONCEPTS)


@settings(max_examples=100, deadline=None)
@given(text=texts, suffix=suffixes, cut=st.integers(0, 60))
def test_marks_do_not_depend_on_later_characters(text: str, suffix: str, cut: int) -> None:
    """The marks of a prefix are the prefix of the marks, so that a network can know them."""
    language = ParsedText.of("", "a" + suffix).language
    complete, prefix = ParsedText(text=text, language=language), ParsedText(text=text[:cut], language=language)
    for concept in CONCEPTS.values():
        if not concept.uses_future:
            assert concept.mark(prefix).tolist() == concept.mark(complete)[:cut].tolist(), concept.name


def test_only_anticipation_depends_on_later_characters() -> None:
    """The flag `uses_future` agrees with the family for all built-in concepts."""
    ahead = [concept.name for concept in CONCEPTS.values() if concept.uses_future]
    assert ahead == [concept.name for concept in CONCEPTS.values() if concept.family == "anticipation"]
    assert ahead


@settings(max_examples=60, deadline=None)
@given(text=texts, suffix=suffixes)
def test_marks_are_nonnegative_integers(text: str, suffix: str) -> None:
    """Marks of binary concepts are 0 or 1."""
    parsed = ParsedText.of(text, "a" + suffix)
    for concept in CONCEPTS.values():
        marked = concept.mark(parsed)
        assert marked.shape == (len(text),)
        assert marked.dtype == np.int64
        assert marked.min(initial=0) >= 0
        assert concept.kind != "binary" or marked.max(initial=0) <= 1


def test_a_text_that_begins_inside_a_long_string_recovers_at_the_next_definition() -> None:
    """Otherwise strings and code would be exchanged up to the end of the text."""
    rest = 'end."""\n\ndef g(x):\n    """Doc."""\n    return "a"\n'
    sound = rest.removeprefix('end."""')
    repeated = len("(x):" + rest.partition("(x):")[2])
    assert marks("string", rest, "a.py")[-repeated:] == marks("string", sound, "a.py")[-repeated:]


HOSTILE = {
    ".c": ('"', "\n", "([{", "/*", "'\n", "{(\n\n", "if (", "\\\n#", "if" + " " * LENGTH, "." + '"' * LENGTH),
    ".py": ("\ndef f(", "\nif ", '\n"""', "'a", ". ", "0_", "://", "(" * (LENGTH // 2) + "]" * (LENGTH // 2)),
    ".html": ("<a", "</", "[[", "<!--", "<" + "a" * LENGTH),
    ".md": ("`", "$", "\n```", "\n#"),
}


@pytest.mark.parametrize(
    ("suffix", "hostile"), [(suffix, text) for suffix, texts_ in HOSTILE.items() for text in texts_]
)
def test_marking_takes_linear_time(suffix: str, hostile: str) -> None:
    """No text makes a scan backtrack; the time is about a fifth of a second."""
    parsed = ParsedText.of((hostile * (LENGTH // len(hostile) + 1))[:LENGTH], "a" + suffix)
    started = time.process_time()
    assert all(len(concept.mark(parsed)) == LENGTH for concept in CONCEPTS.values())
    assert time.process_time() - started < 3
