"""Languages as sets of delimiters, and language detection by file name or content."""

import re
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Language:
    """The delimiters of a language by which strings, comments, brackets, statements and markup are recognized."""

    name: str
    """name of the language"""
    line_comments: tuple[str, ...] = ()
    """openers of comments that end at the newline"""
    block_comments: tuple[tuple[str, str], ...] = ()
    """opener and closer of comments that may span lines"""
    strings: tuple[str, ...] = ()
    """single characters that open and close strings within a line"""
    long_strings: tuple[str, ...] = ()
    """delimiters of strings that may span lines, such as triple quotes"""
    escape: str = ""
    """character that escapes the next one inside a string"""
    blank_line_closes: str = ""
    """opening brackets that a blank line closes, so that an unbalanced one has no effect after it"""
    restart: str = ""
    """pattern of lines that are certainly code and close everything; without it, a text that begins inside a long
    string would be parsed with strings and code exchanged"""
    escapes_code: bool = False
    """whether the escape character also works outside strings"""
    conditions: Literal["", "parentheses", "colon"] = ""
    """delimiter of the condition of an if"""
    statement_ends: str = ""
    """characters that end a statement; a newline ends one only if no bracket is open"""
    docstrings: bool = False
    """whether a long string at the beginning of a statement is documentation"""
    directives: bool = False
    """whether a line that begins with # is a preprocessor directive"""
    tags: bool = False
    """whether < opens a tag"""
    links: bool = False
    """whether [[ opens a link"""
    markdown: bool = False
    """whether backticks and # have their Markdown meaning"""
    formulas: bool = False
    """whether $ opens a formula"""


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

LANGUAGES_BY_SUFFIX = {
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

_SAMPLE_CHARS = 100_000
"""characters from the beginning of a text by which its language is detected"""
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
_INDICATORS = (
    (_PYTHON_LINE, 0.06, PYTHON),
    (_MARKDOWN_MARK, 0.02, MARKDOWN),
    (_CLOSING_TAG, 0.05, MARKUP),
)
"""pattern, minimum matches per line, language; Markdown, which may have tags, comes before markup"""


def detect_language(text: str, name: str = "") -> Language:
    """Return the language of a text by the suffix of its file name if it is known, otherwise by its content.

    >>> detect_language("", name="hash.lua").name, detect_language("To be, or not to be", name="a.txt").name
    ('dash', 'prose')
    """
    language = LANGUAGES_BY_SUFFIX.get(PurePath(name).suffix.lower().removeprefix("."))
    return language or _by_content(text[:_SAMPLE_CHARS])


def _by_content(text: str) -> Language:
    """Return the language by the fractions of lines typical of code, then by the fraction of letters.

    The thresholds are far from the fractions in real texts.
    """
    lines = sum(1 for line in text.splitlines() if line.strip()) or 1
    if len(_TEX_LINE.findall(text)) > 0.05 * lines:
        return TEX
    # Verse has many lines that end with a semicolon, but none that end with a brace.
    if len(_C_LINE.findall(text)) > 0.25 * lines and len(_BRACE_LINE.findall(text)) > 0.05 * lines:
        return C if len(_C_DIRECTIVE.findall(text)) > 0.001 * lines else C_LIKE
    for pattern, min_fraction, language in _INDICATORS:
        if len(pattern.findall(text)) > min_fraction * lines:
            return language
    letters = sum(character.isalpha() or character.isspace() for character in text)
    return PROSE if letters > 0.8 * max(1, len(text)) else PLAIN
