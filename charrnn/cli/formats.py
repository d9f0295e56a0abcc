"""Files that drawings are written to: what they may be called, and which existing files a drawing may replace."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from charrnn.errors import CharrnnError, os_reason
from charrnn.storage import is_regular, not_regular, open_regular

FORMATS = {".svg", ".html", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf"}
"""suffixes by which programs tell drawings apart"""
KINDS = {".svg": "an SVG picture", ".html": "an HTML page"}
LONGEST_BEGINNING = 4096
"""bytes in which a drawing shows of what kind it is"""


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
        check_output(path, self.suffix)
        return path


def check_output(path: Path, suffix: str) -> None:
    """Raise CharrnnError unless a drawing of a kind may be written to a path.

    The path must be free, or a regular file that is empty or a drawing of the same kind.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise CharrnnError(f"cannot write {path}: {os_reason(error)}") from error
    try:
        if not is_regular(path):
            raise not_regular(path)
        with open_regular(path) as file:
            beginning = file.read(LONGEST_BEGINNING)
    except OSError as error:
        raise CharrnnError(f"cannot write {path}: {os_reason(error)}", hint="name another file") from error
    if beginning and not _is_drawing(beginning, suffix):
        raise CharrnnError(
            f"{path} exists and is not {KINDS[suffix]}, so it is not overwritten", hint="name another file"
        )


def check_inputs_kept(outputs: Iterable[Path | None], inputs: Iterable[str | Path | None]) -> None:
    """Raise CharrnnError if a drawing would be written over a file that is read."""
    read = [Path(name) for name in inputs if name]
    for path in filter(None, outputs):
        if path.exists() and any(other.exists() and path.samefile(other) for other in read):
            raise CharrnnError(f"{path} is read by this command, so it is not overwritten", hint="name another file")


def _is_drawing(beginning: bytes, suffix: str) -> bool:
    """Return whether a file that begins so is a drawing of a kind."""
    content = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if suffix == ".html":
        return content.startswith((b"<!doctype html", b"<html"))
    return content.startswith(b"<svg") or (
        content.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in content
    )
