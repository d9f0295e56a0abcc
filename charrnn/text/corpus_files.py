"""Opening the two files of a corpus, the ids and their description, without blocking and in bounded memory."""

import mmap
from pathlib import Path

from charrnn.storage import open_regular

LARGEST_DESCRIPTION = 20_000_000
"""bytes; the largest vocabulary with its counts takes less than half of it"""


def read_description(path: Path) -> bytes:
    """Return the content of a description; raise OSError or ValueError if it is not a file of reasonable size."""
    with open_regular(path) as file:
        content = file.read(LARGEST_DESCRIPTION + 1)
    if len(content) > LARGEST_DESCRIPTION:
        raise ValueError(f"its description has more than {LARGEST_DESCRIPTION:,} bytes")
    return content


def mapped(path: Path) -> mmap.mmap:
    """Map a file of ids into memory; it stays the same file, whatever takes its name (OSError, ValueError)."""
    with open_regular(path) as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
