"""Files that are wholly there or not there: written beside their place, made durable, renamed into it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_TEMPORARY = re.compile(r"\..+\.(\d+)\.tmp")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the place of `path` once the block has ended.

    Until then, and for good if the block raises, `path` is what it was. The order is write, fsync, rename,
    fsync of the directory: after a power cut the old file or the new one stands there, never a part of one.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _make_durable(path.parent)


def leftovers(directory: Path) -> list[Path]:
    """List what writers that were killed left behind; those of living processes are not among it."""
    found = ((path, _TEMPORARY.fullmatch(path.name)) for path in directory.iterdir())
    return [path for path, match in found if match and not _is_running(int(match[1]))]


def write_whole(path: Path, *parts: bytes | memoryview) -> None:
    """Put the parts, joined, at `path`, wholly or not at all (OSError)."""
    with replacing(path) as file:
        for part in parts:
            file.write(part)


def _is_running(process: int) -> bool:
    """Tell whether there is such a process; where asking would end it, take it that there is."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _make_durable(directory: Path) -> None:
    """Have a rename in a directory outlive a power cut; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
