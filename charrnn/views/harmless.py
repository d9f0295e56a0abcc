"""A console on which no plain string can do harm, wherever it comes from.

What is drawn with styles has been made harmless by whoever draws it.
"""

from typing import Any

from rich.console import Console
from rich.text import Text

from charrnn.views.terminal import typeset, unicode_output, visible


class HarmlessConsole(Console):
    """Rich's console, but a string is text of others until it has been made visible."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a string harmless, our own signs in it ASCII where the console has no others."""
        unicode = unicode_output(self)
        return super().render_str(visible(typeset(text, unicode=unicode), unicode=unicode), **options)
