"""A temporary copy of a text that can be read only once, such as standard input or a pipe.

The copy has no name, so it disappears with the process, whichever signal ends the process.
"""

import os
import tempfile
from collections.abc import Iterator

PIECE = 1 << 22
"""bytes read at a time"""


class Spool:
    """A nameless file, which is closed as soon as nothing refers to it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="charrnn-", buffering=0)  # noqa: SIM115 - `__del__` closes it

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def status(self) -> os.stat_result:
        """Return what the system knows of the file (OSError)."""
        return os.fstat(self._file.fileno())

    def write(self, content: bytes) -> None:
        """Append all bytes (OSError)."""
        left = memoryview(content)
        while left:
            left = left[self._file.write(left) :]

    def pieces(self) -> Iterator[bytes]:
        """Read the file from its start; several readings may go on at the same time (OSError)."""
        position = 0
        while piece := self._read_at(position):
            position += len(piece)
            yield piece

    def _read_at(self, position: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), PIECE, position)
        self._file.seek(position)  # on Windows, where only one thread reads
        return self._file.read(PIECE)
