"""What a file that a drawing goes to may be called.

Writing it is left to the streams.
"""

from pathlib import Path
from typing import Any

import click

FORMATS = {".svg", ".html", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf"}
"""suffixes by which programs tell drawings apart"""


class DrawingType(click.Path):
    """A file to draw into; a name that says another format is refused, since no program would open it."""

    name = "file"

    def __init__(self, suffix: str) -> None:
        super().__init__(dir_okay=False, path_type=Path)
        self.suffix = suffix

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Take the path, unless its suffix is another drawing's."""
        path = Path(str(super().convert(value, param, ctx)))
        if path.suffix.lower() in FORMATS - {self.suffix}:
            written = self.suffix[1:].upper()
            self.fail(f"what is written is {written}, so call it {path.stem}{self.suffix}", param, ctx)
        return path
