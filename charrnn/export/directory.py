"""Directories of exports: a new one is created with all of its files, or none; nothing that exists is changed."""

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast
from zipfile import ZipFile, ZipInfo

import numpy as np
from numpy.lib.format import write_array
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, os_reason
from charrnn.storage.atomic_file import atomic_open, atomic_write, remove_file
from charrnn.storage.run_directory import OTHER_DIRECTORY

MODEL_SCRIPT = "model.py"
"""name of the Python file that loads an exported model and writes text"""
VOCABULARY = "vocabulary.json"
"""name of the list of the characters in the order of their ids"""

Writer = Callable[[Path], object]
"""writes a file at a path (OSError)"""


@dataclass(frozen=True, kw_only=True)
class Export:
    """The files of an export, and how to use them."""

    files: Mapping[str, Writer]
    """the function that writes each file, by its name"""
    usage: str
    """command line or Python expression that uses the export, in which {directory} stands for its directory"""
    needs: str = ""
    """what has to be installed first"""


def bytes_writer(content: bytes) -> Writer:
    """Return a function that writes bytes."""
    return lambda path: atomic_write(path, content)


def text_writer(text: str) -> Writer:
    """Return a function that writes a text in UTF-8."""
    return bytes_writer(text.encode())


def arrays_writer(arrays: Mapping[str, NDArray[Any]]) -> Writer:
    """Return a function that writes arrays in the format of `np.savez`; equal arrays give equal files."""

    def write(path: Path) -> None:
        with atomic_open(path) as file, ZipFile(cast("IO[bytes]", file), "w") as archive:
            for name, array in arrays.items():
                content = BytesIO()
                write_array(content, np.ascontiguousarray(array))
                archive.writestr(ZipInfo(f"{name}.npy"), content.getvalue())

    return write


def json_writer(value: Any) -> Writer:
    """Return a function that writes a value as indented JSON."""
    return text_writer(json.dumps(value, indent=1, ensure_ascii=True, allow_nan=False) + "\n")


def check_directory(path: Path) -> None:
    """Raise CharrnnError unless nothing is at a path, or an empty directory."""
    try:
        if path.is_dir() and not any(path.iterdir()):
            return
        path.lstat()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise _cannot_write(path, error) from error
    state = "is not empty" if path.is_dir() else "is not a directory"
    raise CharrnnError(f"{path} exists and {state}, so nothing is written", hint=OTHER_DIRECTORY)


def write_directory(path: Path, files: Mapping[str, Writer]) -> dict[str, int]:
    """Create a directory with files and return their sizes; if one cannot be written, none stays (CharrnnError)."""
    check_directory(path)
    is_new = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
        for name, write in files.items():
            write(path / name)
        return {name: (path / name).stat().st_size for name in files}
    except BaseException as error:
        with contextlib.suppress(OSError):
            _remove(path, files, is_new=is_new)
        if isinstance(error, OSError):
            raise _cannot_write(path, error) from error
        raise


def _remove(path: Path, names: Mapping[str, Writer], *, is_new: bool) -> None:
    """Remove the files of an incomplete export, and their directory if it was created for them (OSError)."""
    for name in names:
        remove_file(path / name)
    if is_new:
        path.rmdir()


def _cannot_write(path: Path, error: OSError | ValueError) -> CharrnnError:
    """Return the error for a directory that cannot be written."""
    reason = os_reason(error) if isinstance(error, OSError) else str(error)
    return CharrnnError(f"cannot write {path}: {reason}", hint=OTHER_DIRECTORY)
