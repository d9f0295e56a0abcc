"""Damaged, foreign and malicious model files: an error of one line, at once, and no code is executed."""

import io
import json
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from common import Call, CommandResult, random_model
from file_damage import Header, forge, join_file, split_file

from charrnn.errors import CharrnnError
from charrnn.generation.generate import StopCriteria, generate
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import load_model, model_metadata
from charrnn.storage import safetensors_file, safetensors_header
from charrnn.storage.run_directory import RunDirectory

VOCABULARY = "\n abcdefgh\x1b"
COMMANDS = (
    ("info",),
    ("sample", "-n", "3"),
    ("score", "text.txt"),
    ("inspect", "--cell", "1.0", "--text", "text.txt"),
)


@pytest.fixture
def model_bytes(run_here: RunDirectory) -> bytes:
    """Return the content of the model file; a text for commands is in the current directory."""
    Path("text.txt").write_text("abc abc\n")
    return run_here.model.read_bytes()


def is_refused(result: CommandResult, *metadata: str) -> bool:
    """Return whether a command failed with one line and perhaps a hint, without control sequences."""
    lines = result.err.splitlines()
    return (
        (result.code, result.out) == (1, "")
        and lines[0].startswith("error: checkpoints/hamlet/model.safetensors ")
        and len(lines) in (1, 3)
        and all(field in result.err for field in metadata)
        and result.err.replace("\n", "").isprintable()
    )


def with_layout(content: bytes, name: str, value: Any) -> bytes:
    """Return a file with another data type, shape or position of an array, with correct checksums."""

    def change(layout: Header, _: Header) -> None:
        field, value_of = (
            ("data_offsets", lambda old: [old[0] + value[0], old[1] + value[1]])
            if name == "moved"
            else (name, lambda _: value)
        )
        layout["rnn.weight_hh_l1"][field] = value_of(layout["rnn.weight_hh_l1"][field])

    return forge(content, change)


def with_field(content: bytes, name: str, value: Any) -> bytes:
    """Return a file with another metadata field, with correct checksums; values are written as JSON."""

    def change(_: Header, metadata: Header) -> None:
        metadata[name] = value if isinstance(value, str) else json.dumps(value)

    return forge(content, change)


def with_setting(content: bytes, name: str, value: Any) -> bytes:
    """Return a file with another setting of the network, with correct checksums."""
    config = json.loads(split_file(content)[0]["__metadata__"]["config"])
    return with_field(content, "config", config | {name: value})


def header_only(header: bytes) -> bytes:
    """Return a file of a header without data."""
    return join_file(header, b"")


HEADERS: dict[str, Callable[[bytes], bytes]] = {
    "a length of 2^63": lambda model_bytes: struct.pack("<Q", 2**63) + model_bytes[8:],
    "a length of 2^64 - 1": lambda model_bytes: struct.pack("<Q", 2**64 - 1) + model_bytes[8:],
    "a length of 0": lambda model_bytes: bytes(8) + model_bytes[8:],
    "a length of 1": lambda model_bytes: struct.pack("<Q", 1) + model_bytes[8:],
    "a length beyond the file": lambda model_bytes: struct.pack("<Q", len(model_bytes)) + model_bytes[8:],
    "no header": lambda model_bytes: model_bytes[:8],
    "seven bytes": lambda model_bytes: model_bytes[:7],
    "nothing": lambda _: b"",
    "90 MB of JSON": lambda _: header_only(b'{"a":"' + b"x" * 90_000_000 + b'"}'),
    "not UTF-8": lambda _: header_only(b'{"\xff\xfe":1}'),
    "not JSON": lambda _: header_only(b"{'a': 1}"),
    "cut off JSON": lambda _: header_only(b'{"a": {'),
    "a list": lambda _: header_only(b"[]"),
    "nothing said": lambda _: header_only(b"{}"),
    "brackets without an end": lambda _: header_only(b'{"a":' + b"[" * 90_000 + b"}"),
    "a megabyte of brackets": lambda _: header_only(b'{"a":' + b"[" * 1_000_000 + b"}"),
    "a megabyte of quotes": lambda _: header_only(b'{"a":' + b'"' * 1_000_000 + b"}"),
    "words that are no strings": lambda model_bytes: join_file(
        split_file(model_bytes)[0] | {"__metadata__": {"format": 1}}, b""
    ),
    "words that are a list": lambda model_bytes: join_file(
        split_file(model_bytes)[0] | {"__metadata__": ["charrnn/1"]}, b""
    ),
    "a name twice": lambda model_bytes: model_bytes.replace(b'"rnn.weight_ih_l0"', b'"rnn.weight_hh_l0"', 1),
    "a number of 5,000 digits": lambda model_bytes: join_file(
        json.dumps(split_file(model_bytes)[0]).replace("176", "1" * 5000).encode(), b""
    ),
}


@pytest.mark.fault("F57")
@pytest.mark.parametrize("name", HEADERS)
def test_an_invalid_header_is_refused(call: Call, run_here: RunDirectory, model_bytes: bytes, name: str) -> None:
    """Whatever its length field and its JSON are."""
    run_here.model.write_bytes(HEADERS[name](model_bytes))
    assert is_refused(call("info"))


LAYOUTS: dict[str, tuple[str, Any]] = {
    "a shape that overflows": ("shape", [2**62, 4]),
    "a shape that overflows to the right size": ("shape", [2**33, 2**33 + 12]),
    "a negative shape": ("shape", [-48, -12]),
    "a shape of halves": ("shape", [48.0, 12]),
    "a shape that is none": ("shape", "48×12"),
    "a shape of truths": ("shape", [True, 576]),
    "a shape turned round": ("shape", [12, 48]),
    "a shape of forty dimensions": ("shape", [1] * 38 + [48, 12]),
    "a place before the data": ("moved", [-8, -8]),
    "overlapping places": ("moved", [-4, -4]),
    "a gap": ("moved", [4, 4]),
    "a place that is too short": ("moved", [0, -4]),
    "a place beyond the file": ("moved", [10**15, 10**15]),
    "a place backwards": ("data_offsets", [6124, 3820]),
    "half a place": ("data_offsets", [3820]),
    "another width": ("dtype", "F64"),
    "a type of the same width": ("dtype", "I32"),
    "bfloat16": ("dtype", "BF16"),
    "no type": ("dtype", "F9"),
    "a type that is a number": ("dtype", 32),
    "an object": ("dtype", "O"),
}


@pytest.mark.fault("F57")
@pytest.mark.parametrize("name", LAYOUTS)
def test_impossible_shapes_types_and_positions_of_arrays_are_refused(
    call: Call, run_here: RunDirectory, model_bytes: bytes, name: str
) -> None:
    """With correct checksums."""
    run_here.model.write_bytes(with_layout(model_bytes, *LAYOUTS[name]))
    assert is_refused(call("info"))


@pytest.mark.fault("F57")
def test_the_error_counts_missing_and_excess_bytes(call: Call, run_here: RunDirectory, model_bytes: bytes) -> None:
    """A truncated and an extended file are refused."""
    run_here.model.write_bytes(model_bytes[:-100])
    assert is_refused(call("info"), "9,096 of 9,196 bytes of data are there")
    run_here.model.write_bytes(model_bytes + b"x")
    assert is_refused(call("info"), "more than 9,196 bytes of data are there")


@pytest.mark.fault("F57")
def test_empty_arrays_are_refused_as_weights(tmp_path: Path) -> None:
    """The format allows them, but no network has them."""
    safetensors_file.write_tensors(tmp_path / "empty", {"none": np.zeros((0, 3), np.float32), "one": np.ones(1)}, {})
    arrays = safetensors_file.read_tensors(tmp_path / "empty").arrays
    assert (arrays["none"].shape, arrays["one"].tolist()) == ((0, 3), [1.0])
    safetensors_file.write_tensors(tmp_path / "nothing", {}, {})
    assert safetensors_file.read_tensors(tmp_path / "nothing").arrays == {}


SETTINGS: dict[str, tuple[str, Any]] = {
    "a cell that there is not": ("cell", "transformer"),
    "a cell that is none": ("cell", ["lstm"]),
    "more units than there are bytes": ("hidden", 10**9),
    "so many units that multiplying takes long": ("hidden", 10**4000),
    "another number of units": ("hidden", 13),
    "no units": ("hidden", 0),
    "fewer than no units": ("hidden", -12),
    "units that are a truth": ("hidden", True),
    "units that are words": ("hidden", "twelve \x1b[31m"),
    "half units": ("hidden", 12.0),
    "a million layers": ("layers", 10**6),
    "another number of layers": ("layers", 3),
    "no embedding": ("embedding", 0),
    "a dropout of everything": ("dropout", 1.0),
    "a dropout that is no number": ("dropout", float("nan")),
    "a dropout without an end": ("dropout", "x" * 10_000),
    "a setting that there is not": ("__class__", "os.system"),
    "a setting without a name's end": ("x" * 10_000, 1),
}


@pytest.mark.fault("F57", "F63")
@pytest.mark.parametrize("name", SETTINGS)
def test_a_configuration_that_does_not_fit_the_weights_is_refused(
    call: Call, run_here: RunDirectory, model_bytes: bytes, name: str
) -> None:
    """Before a network is built, in a short line."""
    run_here.model.write_bytes(with_setting(model_bytes, *SETTINGS[name]))
    result = call("info")
    assert is_refused(result)
    assert len(result.err) < 250


WORDS: dict[str, tuple[str, Any, str]] = {
    "a character more": (
        "vocabulary",
        [*VOCABULARY, "z"],
        "its vocabulary has 12 characters, but its weights are for 11",
    ),
    "a character less": (
        "vocabulary",
        list(VOCABULARY[1:]),
        "its vocabulary has 10 characters, but its weights are for 11",
    ),
    "a character twice": ("vocabulary", [*VOCABULARY[:-1], "a"], "the same character twice"),
    "characters that are words": ("vocabulary", ["word", *VOCABULARY[1:]], "not single characters"),
    "characters that are numbers": ("vocabulary", list(range(11)), "not single characters"),
    "characters that are none": ("vocabulary", [None] * 11, "not single characters"),
    "no characters": ("vocabulary", [], "empty"),
    "a million characters": ("vocabulary", ["a"] * 1_000_000, "more than it should"),
    "lists in lists": ("vocabulary", "[" * 100_000, "more than it should"),
    "no list": ("vocabulary", {"a": 0}, "not a list"),
    "10 MB of a character": ("vocabulary", ["x" * 10_000_000], "charrnn"),
    "no settings": ("config", "", "not JSON"),
    "settings that are a list": ("config", [["hidden", 12]], "not a dict"),
    "settings without an end": ("config", {str(n): n for n in range(1000)}, "more than it should"),
    "a story that is none": ("training", [], "not a dict"),
    "a story in a story": ("training", '{"a":' * 9000 + "1" + "}" * 9000, "not JSON"),
    "a newer format": (
        "format",
        "charrnn/7",
        "written by another version of charrnn (format '7'); this one reads charrnn/1",
    ),
    "a format that drives the terminal": (
        "format",
        "charrnn/\x1b[2J\x1b]0;x\x07",
        "written by another version of charrnn",
    ),
    "another program's format": ("format", "pt", "not a charrnn model"),
}


@pytest.mark.fault("F60", "F62", "F63")
@pytest.mark.parametrize("name", WORDS)
def test_metadata_that_do_not_fit_the_weights_are_refused(
    call: Call, run_here: RunDirectory, model_bytes: bytes, name: str
) -> None:
    """Vocabulary, settings, training record and format, with correct checksums."""
    field, value, message = WORDS[name]
    run_here.model.write_bytes(with_field(model_bytes, field, value))
    assert is_refused(call("info"), message)


@pytest.mark.fault("F59")
@pytest.mark.parametrize("field", ["config", "vocabulary", "training", "sha256", "words_sha256"])
def test_each_metadata_field_is_required(call: Call, run_here: RunDirectory, model_bytes: bytes, field: str) -> None:
    """A file without one is refused."""
    layout, data = split_file(model_bytes)
    del layout["__metadata__"][field]
    run_here.model.write_bytes(join_file(layout, data))
    assert is_refused(call("info"), "damaged")
    if not field.endswith("sha256"):
        run_here.model.write_bytes(forge(model_bytes, lambda _, metadata: metadata.pop(field)))
        assert is_refused(call("info"), f"it has no {field}")


@pytest.mark.fault("F61")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(
    call: Call, run_here: RunDirectory, model_bytes: bytes, value: float
) -> None:
    """One is enough."""
    layout, data = split_file(model_bytes)
    start = layout["rnn.weight_hh_l1"]["data_offsets"][0] + 400
    data = data[:start] + np.float32(value).tobytes() + data[start + 4 :]
    run_here.model.write_bytes(forge(model_bytes, lambda *_: None, data))
    assert is_refused(call("info"), "rnn.weight_hh_l1 contains NaN or infinity")


@pytest.mark.fault("F56", "F57")
def test_reading_takes_little_more_memory_than_the_file(tmp_path: Path) -> None:
    """For valid and damaged files: less than 1.5 times the size of the file, beyond a constant."""
    model = random_model()
    size, path = 12_000_000, tmp_path / "large.safetensors"
    safetensors_file.write_tensors(
        path, {**model.weights, "more": np.zeros(size // 4, np.float32)}, model_metadata(model)
    )
    content = path.read_bytes()
    for name, damaged in {
        "model_bytes": content,
        "cut": content[:-5],
        "flipped": content[:-5] + b"x" + content[-4:],
    }.items():
        path.write_bytes(damaged)
        tracemalloc.start()
        try:
            load_model(path)
        except CharrnnError:
            assert name != "model_bytes"
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1.5 * size, name


@pytest.mark.fault("P3")
def test_arrays_agree_with_the_safetensors_library(model_bytes: bytes, run_here: RunDirectory) -> None:
    """Names, types, shapes and numbers are equal."""
    import safetensors.numpy

    expected, actual = safetensors.numpy.load(model_bytes), safetensors_file.read_tensors(run_here.model).arrays
    assert expected.keys() == actual.keys()
    assert all(
        np.array_equal(expected[name], actual[name]) and expected[name].dtype == actual[name].dtype for name in actual
    )
    assert safetensors_header.DTYPES["F32"] == np.float32


class Harmful:
    """An object that creates a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return _sing, (str(self.canary),)


def _sing(canary: str) -> None:
    Path(canary).write_text("code ran")


def zipped(content: bytes, name: str) -> bytes:
    """Return a zip file that contains a file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, content)
    return packed.getvalue()


PICKLES: dict[str, Callable[[Harmful], bytes]] = {
    **{f"protocol {n}": lambda harmful, n=n: pickle.dumps(harmful, protocol=n) for n in range(6)},  # type: ignore[misc]
    "PyTorch's": lambda harmful: zipped(pickle.dumps(harmful), "archive/data.pkl"),
    "an array of objects": lambda harmful: _numpy_file(harmful),
    "Keras's": lambda harmful: zipped(pickle.dumps(harmful), "config.json"),
}


def _numpy_file(harmful: Harmful) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([harmful], dtype=object), allow_pickle=True)
    return file.getvalue()


@pytest.mark.fault("P3", "F58")
@pytest.mark.parametrize("name", PICKLES)
def test_no_code_in_a_file_is_ever_executed(
    call: Call, run_here: RunDirectory, model_bytes: bytes, name: str
) -> None:
    """All commands reject pickles and zip files with the name of a model, and never run the payload."""
    assert model_bytes
    canary = Path("canary")
    content = PICKLES[name](Harmful(canary))
    run_here.model.write_bytes(content)
    for command in COMMANDS:
        assert is_refused(call(*command))
    assert not canary.exists()
    # The payload works.
    if content.startswith(b"PK"):
        archive = zipfile.ZipFile(io.BytesIO(content))
        content = archive.read(archive.namelist()[0])
    np.load(io.BytesIO(content), allow_pickle=True)
    assert canary.exists()


@pytest.mark.fault("F58")
def test_the_error_for_a_pickle_says_that_it_can_execute_code(
    call: Call, run_here: RunDirectory, model_bytes: bytes
) -> None:
    """The hint names the file to use instead."""
    assert model_bytes
    for start, kind in ((b"PK\x03\x04", "zip file"), (b"\x80\x02", "pickle file"), (b"\x80\x05\x95", "pickle file")):
        run_here.model.write_bytes(start + b"..." * 30)
        assert is_refused(call("sample"), f"is a {kind}", "can run code", "hint: name a model.safetensors")


@pytest.mark.fault("F59")
@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n",
            "is a git-lfs pointer",
            "git lfs pull",
        ),
        (b"<!DOCTYPE html>\n<html><title>404</title></html>", "is a web page", "download the file again"),
        (b"\n<html>\n<body>Not found</body></html>", "is a web page", "download the file again"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\3" + bytes(99), "is compressed by gzip", "gunzip"),
    ],
)
def test_a_user_whose_download_failed_reads_what_the_file_is(
    call: Call, run_here: RunDirectory, content: bytes, message: str, hint: str
) -> None:
    """A git-lfs pointer, an error page and a compressed file are named in place of a missing header."""
    run_here.model.write_bytes(content)
    assert is_refused(call("sample"), message, "not a model", hint)


@pytest.mark.fault("F62")
def test_a_very_long_training_record_is_truncated(call: Call, run_here: RunDirectory, model_bytes: bytes) -> None:
    """It is sanitized, and only its beginning is shown."""
    record = {"corpus": "\x1b]0;x\x07\u202e" * 40_000, "n\x1bc" * 10_000: 1, "step": 10**15, "val_nats": 1e15}
    run_here.model.write_bytes(with_field(model_bytes, "training", record))
    message = call("info")
    assert message.code == 0
    assert len(message.out) < 3000
    assert message.out.replace("\n", "").isprintable()
    assert call("sample", "-n", "3").code == 0


@pytest.mark.fault("F64")
def test_a_model_is_read_completely_before_it_is_used(run_here: RunDirectory, model_bytes: bytes) -> None:
    """Its file can be replaced, truncated or removed afterwards."""
    assert model_bytes
    before, after = load_model(run_here.model), load_model(run_here.model)
    texts = [_written(before)]
    run_here.model.write_bytes(b"")
    texts.append(_written(after))
    run_here.model.unlink()
    texts.append(_written(after))
    assert texts[0] == texts[1] == texts[2]


def _written(model: Any) -> str:
    rnn, stop_criteria = InferenceRNN.from_model(model), StopCriteria(max_chars=50)
    characters = generate(rnn, model.vocabulary, rng=np.random.default_rng(0), stop=stop_criteria)
    return "".join(character.char for character in characters)


@pytest.mark.fault("F53")
@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "fifo"])
def test_a_path_that_is_not_a_regular_file_does_not_block(
    call: Call, shell: Call, model_bytes: bytes, name: str
) -> None:
    """Devices are rejected by their first bytes; a model from a pipe is read."""
    assert model_bytes
    if name == "fifo":
        result = shell("charrnn sample -n 3 --seed 1 <(cat checkpoints/hamlet/model.safetensors)")
        assert result == call("sample", "-n", "3", "--seed", "1")
    else:
        result = call("info", name)
        assert (result.code, result.err.partition(":")[0]) == (1, "error")
