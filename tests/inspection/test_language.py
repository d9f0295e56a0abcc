"""Language detection by the suffix of the file name, or else by the content."""

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
def test_the_language_is_detected_by_content(expected: str, text: str) -> None:
    """The suffix .txt, which a run gives to its copy of the text, has no meaning."""
    assert detect_language(text * 9, "corpus.txt").name == expected


def test_markdown_with_an_html_table_is_markdown() -> None:
    """A page of HTML has no fences."""
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
def test_a_known_suffix_takes_precedence_over_the_content(expected: str, name: str) -> None:
    """The suffix is not compared with the content."""
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
def test_other_texts_are_prose_if_they_consist_of_letters(expected: str, text: str, name: str) -> None:
    """Texts of other characters are plain."""
    assert detect_language(text * 9, name).name == expected
