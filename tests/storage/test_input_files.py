"""Files that the user names for reading: regular files, and descriptors such as those of `<(command)`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from common import Call

from charrnn.network.model_file import load_model, read_info
from charrnn.storage.atomic_file import open_input
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.settings_file import read_settings


@contextmanager
def piped(content: bytes) -> Iterator[int]:
    """Yield the descriptor of a pipe that holds some bytes."""
    reading, writing = os.pipe()
    try:
        os.write(writing, content)
        os.close(writing)
        yield reading
    finally:
        os.close(reading)


@pytest.mark.parametrize("directory", ["/dev/fd", "/proc/self/fd"])
def test_settings_and_models_can_be_read_from_a_pipe(run_here: RunDirectory, directory: str) -> None:
    """As a shell passes them for `<(command)`."""
    with piped(b"hidden: 8\n") as descriptor:
        assert read_settings(Path(f"{directory}/{descriptor}"), ["hidden"]) == {"hidden": 8}
    with piped(run_here.model.read_bytes()) as descriptor:
        model = load_model(Path(f"{directory}/{descriptor}"))
    assert model.vocabulary == load_model(run_here.model).vocabulary


def test_a_model_can_be_read_from_standard_input(run_here: RunDirectory) -> None:
    """From a pipe or a file."""
    before = os.dup(0)
    try:
        with piped(run_here.model.read_bytes()) as descriptor:
            os.dup2(descriptor, 0)
            from_pipe = read_info(Path("/dev/stdin"))
        with run_here.model.open("rb") as file:
            os.dup2(file.fileno(), 0)
            from_file = read_info(Path("/dev/stdin"))
    finally:
        os.dup2(before, 0)
        os.close(before)
    assert from_pipe.vocabulary == from_file.vocabulary == read_info(run_here.model).vocabulary


def test_a_command_takes_settings_from_a_pipe(call: Call, book: Path) -> None:
    """An error in them shows that they were read."""
    with piped(b"hidden: eight\n") as descriptor:
        result = call("train", str(book), "--config", f"/dev/fd/{descriptor}")
    assert result.code == 2
    assert "not a regular file" not in result.err
    assert "eight" in result.err


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/fd", "/dev/fd/../zero", "link", "pipe"])
def test_no_other_special_file_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Neither a device, nor a pipe with a name, nor a link that another person made to a descriptor."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with piped(b"hidden: 8\n") as descriptor:
        Path("link").symlink_to(f"/dev/fd/{descriptor}")
        with pytest.raises(OSError, match=r"regular file|directory"):
            open_input(Path(name))
