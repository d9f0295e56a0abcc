"""A console on which no plain string can do harm, wherever it comes from, and nobody's leaving is a failure.

What is drawn with styles has been made harmless by whoever draws it.
"""

from typing import Any

from rich.console import Console
from rich.text import Text

from charrnn.views.terminal import typeset, unicode_output, visible


class HarmlessConsole(Console):
    """Rich's console, but a string is text of others until it has been made visible."""

    def on_broken_pipe(self) -> None:
        """Let whoever prints know; Rich would end the program as if it had failed."""
        raise BrokenPipeError

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a string harmless, our own signs in it ASCII where the console has no others."""
        unicode = unicode_output(self)
        return super().render_str(visible(typeset(text, unicode=unicode), unicode=unicode), **options)
