"""Forged model files with correct checksums: whatever a field contains, one line and no traceback."""

import json
import math
import os
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from common import Call
from file_damage import Header, forge, join_file, read_or_error, split_file

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.network.model_file import TrainingRecord, load_model, read_info, weight_shapes
from charrnn.storage import safetensors_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_header import with_checksums

HUGE_NUMBER = 10**400
DEEP: list[Any] = []
for _ in range(20):
    DEEP = [DEEP]
VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "empty text": "",
    "long text": "x" * 5000,
    "escape": "\x1b[31m\0\ud800",
    "empty list": [],
    "list": [1, 2],
    "empty object": {},
    "object": {"a": {"b": 1}},
    "deep": DEEP,
    "half": 1.5,
    "zero": 0,
    "minus one": -1,
    "large": 10**9,
    "larger": 2**63,
    "huge": HUGE_NUMBER,
    "huge float": 1e308,
    "minus huge": -1e308,
    "NaN": math.nan,
    "infinity": math.inf,
}
"""values of a field in a forged file"""
NUMBERLESS = ("true", "empty text", "long text", "escape", "empty list", "list", "empty object", "object", "deep")
ENDLESS = ("NaN", "infinity", "huge")
RECORDED = {field.name.rstrip("_"): str(field.type) for field in fields(TrainingRecord)}
TEXT = ("command", "corpus", "from", "held_out", "license", "normalization")
COMMANDS = (("info", "checkpoints/hamlet"), ("info", "checkpoints/hamlet", "--json"), ("sample", "-n", "3"))


@pytest.fixture
def model_bytes(run_here: RunDirectory) -> bytes:
    """Return the content of the model file."""
    Path("text.txt").write_text("abc abc\n")
    return run_here.model.read_bytes()


def with_metadata(content: bytes, name: str, value: Any) -> bytes:
    """Return the file with another metadata field, as text or as the JSON of a value."""

    def change(_: Header, words: Header) -> None:
        words[name] = value if isinstance(value, str) else json.dumps(value)

    return forge(content, change)


def assert_harmless(call: Call, path: Path, commands: tuple[tuple[str, ...], ...] = COMMANDS) -> None:
    """Assert that each command works with a file, or rejects it with a one-line error."""
    for command in commands:
        result = call(*command)
        if result.code == 0:
            if "--json" in command:
                json.loads(result.out, parse_constant=_fail)
        else:
            assert result.code == 1
            assert result.err.startswith(f"error: {path} ")
            assert len(result.err.splitlines()) in (1, 3)
            assert len(result.err) < 500


def is_read(path: Path) -> bool:
    """Return whether a file is read as a model; assert that it is otherwise rejected with a one-line error."""
    loaded = read_or_error(load_model, path)
    if not isinstance(loaded, CharrnnError):
        return True
    assert str(path) in loaded.message
    assert "\n" not in loaded.message
    assert len(loaded.message) < 250
    return False


def _fail(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.parametrize("field", [*RECORDED, "unheard of"])
def test_any_value_in_the_training_record_causes_no_failure(
    field: str, call: Call, run_here: RunDirectory, model_bytes: bytes
) -> None:
    """For each field and value, the file is rejected with a one-line error, or the value is shown."""
    for value in VALUES.values():
        run_here.model.write_bytes(
            with_metadata(model_bytes, "training", {"corpus": "a.txt", "step": 3, field: value})
        )
        if is_read(run_here.model):
            assert_harmless(call, run_here.model)


@pytest.mark.parametrize("field", [name for name in RECORDED if name not in (*TEXT, "settings", "imported")])
def test_numbers_in_the_training_record_are_checked(field: str, run_here: RunDirectory, model_bytes: bytes) -> None:
    """Other types, infinite and negative numbers are refused."""
    for name in (*NUMBERLESS, *ENDLESS, "minus one", "huge float"):
        run_here.model.write_bytes(with_metadata(model_bytes, "training", {field: VALUES[name]}))
        with pytest.raises(CharrnnError, match=rf"training\.{field} |nested too deeply"):
            load_model(run_here.model)
        with pytest.raises(CharrnnError):
            read_info(run_here.model)


@pytest.mark.parametrize("field", TEXT)
def test_texts_in_the_training_record_are_checked(field: str, run_here: RunDirectory, model_bytes: bytes) -> None:
    """Numbers and lists are refused."""
    for name in ("true", "empty list", "object", "zero", "half", "NaN"):
        run_here.model.write_bytes(with_metadata(model_bytes, "training", {field: VALUES[name]}))
        with pytest.raises(CharrnnError, match=rf"training\.{field} "):
            load_model(run_here.model)


@pytest.mark.parametrize("field", [field.name for field in fields(TrainingConfig)])
def test_settings_in_the_training_record_are_checked(field: str, run_here: RunDirectory, model_bytes: bytes) -> None:
    """They must have the right type and be finite; settings of a later version are allowed."""
    for name in ("true", "escape", "list", "object", "NaN", "infinity", "huge"):
        run_here.model.write_bytes(with_metadata(model_bytes, "training", {"settings": {field: VALUES[name]}}))
        with pytest.raises(CharrnnError, match=r"not a valid model file: "):
            load_model(run_here.model)
    run_here.model.write_bytes(with_metadata(model_bytes, "training", {"settings": {"of a later version": 1}}))
    assert load_model(run_here.model).training["settings"] == {"of a later version": 1}


@pytest.mark.parametrize("field", [field.name for field in fields(NetworkConfig)])
def test_any_value_in_the_configuration_causes_no_failure(
    field: str, run_here: RunDirectory, model_bytes: bytes
) -> None:
    """The file is rejected with a one-line error, or works as before."""
    config = json.loads(split_file(model_bytes)[0]["__metadata__"]["config"])
    for value in VALUES.values():
        run_here.model.write_bytes(with_metadata(model_bytes, "config", config | {field: value}))
        is_read(run_here.model)


JSON: dict[str, str] = {
    "a number of 400 digits under an unknown name": '{"x":' + "9" * 400 + "}",
    "a number of 9,000 digits": '{"step":' + "9" * 9000 + "}",
    "a number beyond double precision": '{"seconds":1e999}',
    "the same under an unknown name": '{"x":[{"y":1e999}]}',
    "NaN under an unknown name": '{"x":{"y":[NaN]}}',
    "minus infinity": '{"epoch":-Infinity}',
    "lists in lists": '{"x":' + "[" * 900 + "]" * 900 + "}",
    "objects in objects": '{"x":' * 900 + "1" + "}" * 900,
    "a million values": '{"x":[' + "0," * 1_000_000 + "0]}",
}


@pytest.mark.parametrize("name", JSON)
def test_excessive_json_is_refused(name: str, call: Call, run_here: RunDirectory, model_bytes: bytes) -> None:
    """Depth, size and numbers, under known and unknown names."""
    run_here.model.write_bytes(with_metadata(model_bytes, "training", JSON[name]))
    for command in COMMANDS:
        result = call(*command)
        assert result.code == 1, result.out
        assert result.err.startswith(f"error: {run_here.model} is not a valid model file: ")


SHAPES: dict[str, list[int]] = {
    "nothing of 2^47": [0, 2**47],
    "2^47 of nothing": [2**47, 0],
    "2^30 times 2^30 of nothing": [2**30, 0, 2**30],
    "seven huge dimensions": [2**47] * 7 + [0],
    "nothing times nothing": [0, 0, 2**47, 2**47],
}


@pytest.mark.parametrize("name", SHAPES)
def test_an_empty_array_with_an_impossible_shape_is_refused(
    name: str, call: Call, run_here: RunDirectory, model_bytes: bytes
) -> None:
    """It takes no bytes, but NumPy cannot create it."""
    start = len(split_file(model_bytes)[1])

    def change(layout: Header, _: Header) -> None:
        layout["zzz"] = {"dtype": "F32", "shape": SHAPES[name], "data_offsets": [start, start]}

    run_here.model.write_bytes(forge(model_bytes, change))
    for command in COMMANDS:
        result = call(*command)
        assert (result.code, len(result.err.splitlines())) == (1, 1)


def large(config: NetworkConfig, vocabulary: str = "ab") -> bytes:
    """Return the beginning of the file of a large network, without the weights."""
    layout, start = {}, 0
    for name, shape in weight_shapes(config, len(vocabulary)).items():
        stop = start + 4 * math.prod(shape)
        layout[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, stop]}
        start = stop
    words = {"config": config.to_mapping(), "vocabulary": list(vocabulary), "training": {}}
    result = {name: json.dumps(value) for name, value in words.items()} | {"kind": "model", "sha256": "0" * 64}
    return join_file({"__metadata__": with_checksums(result, layout), **layout}, b"")


def bytes_of(config: NetworkConfig) -> int:
    """Return the size of the weights of a network of two characters."""
    return 4 * sum(math.prod(shape) for shape in weight_shapes(config, 2).values())


def refused_at_once(path: Path, match: str) -> None:
    """Check that a file is rejected before memory is allocated or time is spent for its arrays."""
    tracemalloc.start()
    began = time.monotonic()
    with pytest.raises(CharrnnError, match=match):
        load_model(path)
    assert time.monotonic() - began < 2
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_a_file_is_compared_with_its_header_before_it_is_read(tmp_path: Path) -> None:
    """14 GB by the header, of which nothing is there, or all but a byte, or one too many."""
    config, path = NetworkConfig(hidden=30_000, embedding=1), tmp_path / "model.safetensors"
    header, size = large(config), bytes_of(config)
    assert size > 14e9
    for wrong in (0, size - 1, size + 1):
        path.write_bytes(header)
        os.truncate(path, len(header) + wrong)
        refused_at_once(path, "is damaged: .* bytes of data are there")
        with pytest.raises(CharrnnError, match="is damaged"):
            read_info(path)


@pytest.mark.parametrize("free", [1e9, 1e15])
def test_a_sparse_file_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float) -> None:
    """4 kB on the disk, 14 GB by header and size, whether or not there is so much memory."""
    config, path = NetworkConfig(hidden=30_000, embedding=1), tmp_path / "model.safetensors"
    header = large(config)
    path.write_bytes(header)
    os.truncate(path, len(header) + bytes_of(config))
    if path.stat().st_blocks > 10_000:
        pytest.skip("this file system has no sparse files")
    monkeypatch.setattr(safetensors_file, "free_memory", lambda: free)
    refused_at_once(path, r"is damaged: only [\d,]+ of 14,[\d,]+ bytes of data were ever written")


def test_a_model_larger_than_the_free_memory_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message states the required and the available memory."""
    path = tmp_path / "large.safetensors"
    safetensors_file.write_tensors(path, {"a": np.ones(6_000_000, np.float32)}, {})
    monkeypatch.setattr(safetensors_file, "free_memory", lambda: 20e6)
    tracemalloc.start()
    with pytest.raises(safetensors_file.UnreadableError, match=r"out of memory: .* needs about 0\.0 GB"):
        safetensors_file.read_tensors(path)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_memory_that_runs_out_while_reading_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was said to be free."""
    path = tmp_path / "model.safetensors"
    safetensors_file.write_tensors(path, {"a": np.ones(6, np.float32)}, {})

    def full(_: int) -> bytearray:
        raise MemoryError

    with safetensors_file.open_tensors(path) as file:
        monkeypatch.setattr(safetensors_file, "bytearray", full, raising=False)
        with pytest.raises(safetensors_file.UnreadableError, match="out of memory"):
            file.arrays()


def test_a_file_with_holes_of_zeros_is_read(tmp_path: Path) -> None:
    """A file system or a copy may leave blocks of zeros out; a quarter that was written is enough."""
    path = tmp_path / "model.safetensors"
    values = np.zeros(8_000_000, np.float32)
    values[:2_000_000] = 1
    safetensors_file.write_tensors(path, {"a": values}, {})
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - 24_000_000])
    os.truncate(path, len(content))
    assert np.array_equal(safetensors_file.read_tensors(path).arrays["a"], values)


@pytest.mark.parametrize("kind", ["directory", "pipe", "link to a device"])
def test_what_is_no_regular_file_is_refused_without_blocking(kind: str, tmp_path: Path) -> None:
    """In the place of a model."""
    path = tmp_path / "model.safetensors"
    make: dict[str, Callable[[], None]] = {
        "directory": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "link to a device": lambda: path.symlink_to("/dev/zero"),
    }
    make[kind]()
    with pytest.raises(CharrnnError, match=r"cannot read .*: (not a regular file|is a directory)$"):
        load_model(path)
