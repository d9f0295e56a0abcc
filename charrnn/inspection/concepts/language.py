"""Which language a text is written in, as far as strings, comments and brackets go.

A language is a record of its delimiters; reading a text by them is left to the scanner.
"""

import re
from dataclasses import dataclass
from pathlib import PurePath


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


PYTHON = Language(
    name="python",
    line_comments=("#",),
    strings=('"', "'"),
    long_strings=('"""', "'''"),
    escape="\\",
    restart=r"^(?:(?:async )?def \w+\(|class \w+[(:]|import [\w.]+\n|from [\w.]+ import )",
)
C_LIKE = Language(
    name="c-like",
    line_comments=("//",),
    block_comments=(("/*", "*/"),),
    strings=('"', "'"),
    escape="\\",
    blank_line_closes="([",
)
SCRIPT = Language(
    name="script",
    line_comments=("//",),
    block_comments=(("/*", "*/"),),
    strings=('"', "'"),
    long_strings=("`",),
    escape="\\",
    blank_line_closes="([",
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
MARKUP = Language(name="markup", block_comments=(("<!--", "-->"),), strings=('"',), blank_line_closes="([{")
PROSE = Language(name="prose", blank_line_closes="([{")
PLAIN = Language(name="plain", strings=('"',), escape="\\", blank_line_closes="([")

SUFFIXES = {
    suffix: language
    for language, suffixes in (
        (PYTHON, "py pyi pyx"),
        (C_LIKE, "c h cc cpp cxx hpp cu java cs kt swift scala m css php"),
        (SCRIPT, "js jsx mjs ts tsx go"),
        (HASH, "sh bash rb pl r jl yaml yml toml cfg ini mk cmake"),
        (DASH, "lua sql hs"),
        (MARKUP, "html htm xml svg xhtml"),
        (PROSE, "md rst"),
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


def detect_language(text: str, name: str = "") -> Language:
    """Tell the language by the file's suffix where it is known, else by what the text is made of.

    >>> detect_language("", name="hash.lua").name, detect_language("To be, or not to be", name="a.txt").name
    ('dash', 'prose')
    """
    known = SUFFIXES.get(PurePath(name).suffix.lower().removeprefix("."))
    return known or _by_content(text[:_LOOKED_AT])


def _by_content(text: str) -> Language:
    """Count lines that only code has, then letters: the shares are far apart in real texts."""
    lines = sum(1 for line in text.splitlines() if line.strip()) or 1
    # verse ends many lines in a semicolon, but none in a brace
    if len(_C_LINE.findall(text)) > 0.25 * lines and len(_BRACE_LINE.findall(text)) > 0.05 * lines:
        return C_LIKE
    if len(_PYTHON_LINE.findall(text)) > 0.06 * lines:
        return PYTHON
    worded = sum(character.isalpha() or character.isspace() for character in text)
    return PROSE if worded > 0.8 * max(1, len(text)) else PLAIN
