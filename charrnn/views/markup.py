"""Text of others made harmless in HTML and SVG: as markup, and to the eye."""

from __future__ import annotations

from html import escape

from charrnn.views.terminal import sanitize


def escape_html(text: str) -> str:
    """Write a text so that nothing in it is markup, in an attribute neither, and nothing hides.

    >>> escape_html('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return escape(sanitize(text, keep=""))
