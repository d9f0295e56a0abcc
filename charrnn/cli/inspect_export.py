"""Data of `charrnn inspect` for other programs: all states and gates of a text as NumPy arrays (.npz)."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, cast
from zipfile import ZipFile, ZipInfo

import numpy as np
from numpy.lib.format import write_array_header_1_0
from numpy.typing import NDArray

from charrnn.cli.inspect_heatmaps import InspectionTarget, load_target, provenance
from charrnn.cli.inspect_options import InspectOptions
from charrnn.cli.path_types import check_output
from charrnn.cli.streams import status, write_json, write_note
from charrnn.errors import CharrnnError, os_reason
from charrnn.inspection.measures.activations import record_states, state_arrays
from charrnn.storage.atomic_file import atomic_open, scratch_file
from charrnn.views.formatting import file_size

# All states and gates of a text, as a file of NumPy arrays (.npz: a ZIP archive of one .npy file per array)

STATES_CHARS = 10_000
"""default number of characters whose states are written"""
COPIED_BYTES = 1 << 20
"""bytes of an array that are copied at a time"""


def export_states(path: Path, output: Path, options: InspectOptions) -> None:
    """Write all states and gates over the text to a file, and print its size or describe it in JSON (CharrnnError).

    The arrays have numeric types only, which programs without Python can read too.
    """
    target = load_target(path, options, options.chars or STATES_CHARS)
    arrays: dict[str, NDArray[Any]] = {
        "characters": np.array([ord(character) for character in target.parsed.text], np.uint32),
        "ids": target.ids.astype(np.int32),
        "positions": np.arange(options.start, options.start + len(target.ids), dtype=np.int64),
    }
    check_output(output, ".npz")
    try:
        with status(f"reading {len(target.ids):,} characters"):
            size = _write_states(output, arrays, target)
    except OSError as error:
        raise CharrnnError(f"cannot write {output}: {os_reason(error)}") from error
    if options.as_json:
        source = {**provenance(target, options), "characters": len(target.ids)}
        names = [*arrays, *state_arrays(target.rnn)]
        write_json({"view": "states", **source, "file": str(output), "arrays": names})
    else:
        write_note(f"{output}: {file_size(size)}, {len(target.ids):,} characters")


def _write_states(output: Path, arrays: Mapping[str, NDArray[Any]], target: InspectionTarget) -> int:
    """Write the arrays, then those of the states and gates; return the number of bytes (OSError).

    A ZIP archive contains one array after the other, but the network computes them together. Therefore they are first
    written to a scratch file, side by side, which bounds the memory.
    """
    names, shape = state_arrays(target.rnn), (len(target.ids), target.rnn.config.hidden)
    size, done = shape[0] * shape[1] * 4, 0
    with scratch_file(output.parent) as scratch, atomic_open(output) as file:
        for chunk in record_states(target.rnn, target.ids):
            for number, values in enumerate(chunk):
                scratch.seek(number * size + done)
                scratch.write(values.data)
            done += chunk[0].nbytes
        scratch.seek(0)
        with ZipFile(cast("IO[bytes]", file), "w") as archive:
            for name, array in arrays.items():
                _write_array(archive, name, array.dtype, array.shape, [array.tobytes()])
            for name in names:
                parts = (scratch.read(min(COPIED_BYTES, size - start)) for start in range(0, size, COPIED_BYTES))
                _write_array(archive, name, np.dtype(np.float32), shape, parts)
    return output.stat().st_size


def _write_array(
    archive: ZipFile, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], parts: Iterable[bytes]
) -> None:
    """Write an array to an archive as NumPy does, except that its bytes are given in parts (OSError)."""
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    with archive.open(ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
        write_array_header_1_0(member, header)
        for part in parts:
            member.write(part)
