"""What a drawing has to know of the screen that it is drawn on, and how its head is written.

What is drawn is left to the other views.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, ConsoleOptions
from rich.text import Text

from charrnn.runs import display_name
from charrnn.views.layout import MAX_LINE_COLUMNS, one_line
from charrnn.views.terminal import ascii_signs, unicode_output


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A screen to draw on."""

    columns: int
    """how wide a line may be"""
    unicode: bool
    """whether it shows more than ASCII"""
    color_system: str | None
    """Rich's name for the colours it has; None for none"""

    @classmethod
    def of(cls, console: Console, options: ConsoleOptions) -> Screen:
        """Look at a console."""
        return cls(
            columns=min(max(options.max_width, 1), MAX_LINE_COLUMNS),
            unicode=unicode_output(console),
            color_system=None if console.no_color else console.color_system,
        )

    def sanitized(self, text: str) -> str:
        """Make a foreign name harmless."""
        return one_line(text, unicode=self.unicode)

    def ascii_signs(self, text: str) -> str:
        """Write our own words with what signs there are."""
        return ascii_signs(text, unicode=self.unicode)

    def header(self, parts: Iterable[str]) -> Text:
        """Say in a line what is shown of what; empty parts are left out."""
        return Text(self.ascii_signs(" · ").join(self.sanitized(part) for part in parts if part), style="dim")


def model_display_name(path: str) -> str:
    """Say what people call the model in a file; "" where no file is told.

    >>> model_display_name("checkpoints/hamlet/model.safetensors"), model_display_name("")
    ('checkpoints/hamlet', '')
    """
    return display_name(Path(path)) if path else ""
