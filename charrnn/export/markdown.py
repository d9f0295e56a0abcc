"""Markdown of untrusted text: names and samples that neither end their element nor add links, images or HTML."""

import re

from charrnn.views.sanitize import sanitize

MAX_NAME_CHARS = 100
"""characters of a name that are shown"""


def code_span(text: str) -> str:
    r"""Return text as code on one line, also within a table.

    >>> print(code_span("a`b|c"))
    ``a`b\|c``
    """
    line = sanitize(text[:MAX_NAME_CHARS], keep="").strip() or "(empty)"
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    # In a table, even code is split at | unless a backslash precedes it.
    return f"{fence}{pad}{line}{pad}{fence}".replace("|", "\\|")


def code_block(text: str) -> str:
    """Return text as a block of code, with a fence that does not occur in it."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{sanitize(text)}\n{fence}"


def _longest_run(text: str) -> int:
    """Return the length of the longest run of backticks."""
    return max(map(len, re.findall("`+", text)), default=0)
