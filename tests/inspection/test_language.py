"""The language of a text: by its name's suffix, or else by what it is made of."""

import pytest

from charrnn.inspection.concepts import detect_language

BY_CONTENT = {
    "python": "import os\n\n\ndef f(x):\n    return x\n",
    "c-like": "int f(int x) {\n  return x;\n}\n",
    "c": "#include <a.h>\nint f(int x) {\n  return x;\n}\n",
    "markup": "<p>Some words\nin <b>two</b> lines.</p>\n",
    "tex": "\\section{One}\nWords, words,\nwords.\n\\begin{proof}\nA formula.\n\\end{proof}\n",
    "markdown": "# One\n\nSee [this](that),\nand this:\n\n```\ncode\n```\n",
    "prose": "To be, or not to be,\nthat is the question;\n",
    "plain": "12:30 [4] 0x3f = 17.5%\n",
}


@pytest.mark.parametrize(("expected", "text"), BY_CONTENT.items())
def test_the_language_is_told_by_content(expected: str, text: str) -> None:
    """Where the suffix says nothing, as that of every run's own copy of its text."""
    assert detect_language(text * 9, "corpus.txt").name == expected


def test_markdown_with_a_table_of_html_is_markdown() -> None:
    """Documentation often has one; a page of HTML has no fences."""
    row = "<tr>\n  <td>one</td>\n  <td>two</td>\n</tr>\n"
    assert detect_language(BY_CONTENT["markdown"] * 9 + row * 20).name == "markdown"
    assert detect_language(row * 20).name == "markup"


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        ("python", "run.PY"),
        ("c", "a.h"),
        ("c-like", "a.java"),
        ("script", "a.ts"),
        ("dash", "a.lua"),
        ("markup", "a.html"),
        ("markdown", "a.md"),
        ("tex", "a.tex"),
    ],
)
def test_a_suffix_that_is_known_outweighs_the_content(expected: str, name: str) -> None:
    """Whoever named the file knew."""
    for text in BY_CONTENT.values():
        assert detect_language(text * 9, name).name == expected


@pytest.mark.parametrize(
    ("expected", "text", "name"),
    [
        ("prose", "吾輩は猫である。名前はまだ無い。\n", ""),
        ("prose", "Let x < y; and (so on), if you (please).\n# no heading\n", "a.txt"),
        ("plain", "", ""),
    ],
)
def test_what_looks_like_nothing_else_is_prose_if_it_is_letters(expected: str, text: str, name: str) -> None:
    """And plain if it is not even that."""
    assert detect_language(text * 9, name).name == expected
