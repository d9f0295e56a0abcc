"""Language detection: the delimiters of strings, comments, brackets, statements and markup of a text."""

import re
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Language:
    """The delimiters of a language: enough to tell strings, comments and brackets apart."""

    name: str
    """What it is called."""
    line_comments: tuple[str, ...] = ()
    """Openers of a comment that the end of the line closes."""
    block_comments: tuple[tuple[str, str], ...] = ()
    """Opener and closer of a comment that may span lines."""
    strings: tuple[str, ...] = ()
    """Single characters that open and close a string of one line."""
    long_strings: tuple[str, ...] = ()
    """Delimiters of a string that may span lines, such as the triple quote."""
    escape: str = ""
    """The character that takes the next one's meaning away inside a string."""
    blank_line_closes: str = ""
    """The brackets that a blank line closes: where nobody checks them, one left open would count for ever."""
    restart: str = ""
    """A pattern that can only be code: it closes everything. A text cut inside a long string would
    otherwise be read inside out to its end."""
    escapes_code: bool = False
    """Whether the escape takes the next character's meaning away outside strings too."""
    conditions: Literal["", "parentheses", "colon"] = ""
    """What surrounds or ends the condition of an if."""
    statement_ends: str = ""
    """The characters that end a statement; a line's end does only where no bracket is open."""
    docstrings: bool = False
    """Whether a long string that stands where a statement may begin is documentation."""
    directives: bool = False
    """Whether a line that begins with # is for the preprocessor."""
    tags: bool = False
    """Whether < opens a tag."""
    links: bool = False
    """Whether [[ opens a link."""
    markdown: bool = False
    """Whether backticks and # at the beginning of a line mean what they do in Markdown."""
    formulas: bool = False
    """Whether $ opens a formula."""


PYTHON = Language(
    name="python",
    line_comments=("#",),
    strings=('"', "'"),
    long_strings=('"""', "'''"),
    escape="\\",
    restart=r"^(?:(?:async )?def \w+\(|class \w+[(:]|import [\w.]+\n|from [\w.]+ import )",
    conditions="colon",
    statement_ends="\n",
    docstrings=True,
)
C_LIKE = Language(
    name="c-like",
    line_comments=("//",),
    block_comments=(("/*", "*/"),),
    strings=('"', "'"),
    escape="\\",
    blank_line_closes="([",
    conditions="parentheses",
    statement_ends=";{}",
)
C = replace(C_LIKE, name="c", directives=True)
SCRIPT = Language(
    name="script",
    line_comments=("//",),
    block_comments=(("/*", "*/"),),
    strings=('"', "'"),
    long_strings=("`",),
    escape="\\",
    blank_line_closes="([",
    conditions="parentheses",
    statement_ends=";{}",
)
HASH = Language(name="hash", line_comments=("#",), strings=('"', "'"), escape="\\", blank_line_closes="([")
DASH = Language(
    name="dash",
    line_comments=("--",),
    block_comments=(("--[[", "]]"), ("/*", "*/")),
    strings=('"', "'"),
    escape="\\",
    blank_line_closes="([",
)
MARKUP = Language(
    name="markup",
    block_comments=(("<!--", "-->"),),
    strings=('"',),
    blank_line_closes="([{",
    tags=True,
    links=True,
)
PROSE = Language(name="prose", blank_line_closes="([{", links=True)
MARKDOWN = replace(PROSE, name="markdown", markdown=True, formulas=True)
TEX = Language(
    name="tex",
    line_comments=("%",),
    escape="\\",
    escapes_code=True,
    blank_line_closes="([{",
    formulas=True,
)
PLAIN = Language(name="plain", strings=('"',), escape="\\", blank_line_closes="([")

SUFFIXES = {
    suffix: language
    for language, suffixes in (
        (PYTHON, "py pyi pyx"),
        (C, "c h cc cpp cxx hpp cu m"),
        (C_LIKE, "java cs kt swift scala css php"),
        (SCRIPT, "js jsx mjs ts tsx go"),
        (HASH, "sh bash rb pl r jl yaml yml toml cfg ini mk cmake"),
        (DASH, "lua sql hs"),
        (MARKUP, "html htm xml svg xhtml"),
        (MARKDOWN, "md markdown"),
        (TEX, "tex sty"),
        (PROSE, "rst"),
        (PLAIN, "json csv tsv log"),
    )
    for suffix in suffixes.split()
}

_LOOKED_AT = 100_000
_PYTHON_LINE = re.compile(
    r"^[ \t]*(?:(?:async )?def \w+\(|class \w+[(:]|import \w|from \S+ import |elif .*:$|return\b|self\.\w+ )",
    re.MULTILINE,
)
_C_LINE = re.compile(r"[;{}][ \t\r]*$", re.MULTILINE)
_BRACE_LINE = re.compile(r"[{}][ \t\r]*$", re.MULTILINE)
_C_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(?:include|define|if|ifdef|ifndef|endif)\b", re.MULTILINE)
_TEX_LINE = re.compile(r"^.*\\(?:begin|end|section|subsection|item|label|cite|ref|usepackage)\b", re.MULTILINE)
_MARKDOWN_MARK = re.compile(r"^[ \t]*(?:```|~~~)|\]\(", re.MULTILINE)
_CLOSING_TAG = re.compile(r"</[A-Za-z]")
_SIGNS = (
    (_PYTHON_LINE, 0.06, PYTHON),
    (_MARKDOWN_MARK, 0.02, MARKDOWN),
    (_CLOSING_TAG, 0.05, MARKUP),
)
"""what a language has more often than in so great a share of the lines; Markdown may have tags, HTML has no fences"""


def detect_language(text: str, name: str = "") -> Language:
    """Tell the language by the file's suffix where it is known, else by what the text is made of.

    >>> detect_language("", name="hash.lua").name, detect_language("To be, or not to be", name="a.txt").name
    ('dash', 'prose')
    """
    language = SUFFIXES.get(PurePath(name).suffix.lower().removeprefix("."))
    return language or _by_content(text[:_LOOKED_AT])


def _by_content(text: str) -> Language:
    """Count lines that only code has, then letters: the shares are far apart in real texts."""
    lines = sum(1 for line in text.splitlines() if line.strip()) or 1
    if len(_TEX_LINE.findall(text)) > 0.05 * lines:
        return TEX
    # verse ends many lines in a semicolon, but none in a brace
    if len(_C_LINE.findall(text)) > 0.25 * lines and len(_BRACE_LINE.findall(text)) > 0.05 * lines:
        return C if len(_C_DIRECTIVE.findall(text)) > 0.001 * lines else C_LIKE
    for sign, share, language in _SIGNS:
        if len(sign.findall(text)) > share * lines:
            return language
    worded = sum(character.isalpha() or character.isspace() for character in text)
    return PROSE if worded > 0.8 * max(1, len(text)) else PLAIN
