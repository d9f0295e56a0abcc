"""Recognize the tensor files that charrnn wrote by how they begin, damaged ones included.

Only such files are ever replaced or deleted; `tensor_file` says whether one is whole.
"""

import errno
import re
from pathlib import Path

from charrnn.storage import is_regular, open_regular, remove_file

LONGEST_READ = 1 << 18
"""bytes in which the format's name stands"""
_NAME = re.compile(rb'"format"\s*:\s*"charrnn/')
_BEGINNINGS = (b'{"__metadata__":{"config":"{\\"cell\\":', b'{"__metadata__":{"format":"charrnn/')
"""of files that were cut off before the name of the format"""
_LENGTH_BYTES = 8


def is_tensor_file(path: Path) -> bool:
    """Return whether a regular file is a tensor file of charrnn, damaged or not; an empty file counts as one."""
    if not is_regular(path):
        return False
    try:
        with open_regular(path) as file:
            content = file.read(LONGEST_READ)
    except OSError:
        return False
    header = content[_LENGTH_BYTES:]
    begins_so = any(header.startswith(beginning) or beginning.startswith(header) for beginning in _BEGINNINGS)
    return not content or (
        bool(header) and (begins_so or (header.startswith(b"{") and _NAME.search(header) is not None))
    )


def check_replaceable(path: Path) -> None:
    """Raise OSError if there is anything at `path` that is not a tensor file of charrnn."""
    try:
        path.lstat()
    except FileNotFoundError:
        return
    if not is_tensor_file(path):
        raise OSError(errno.EEXIST, "A file that charrnn did not write is there", str(path))


def remove_tensor_file(path: Path) -> None:
    """Remove a tensor file of charrnn, and leave any other file (OSError)."""
    if is_tensor_file(path):
        remove_file(path)
