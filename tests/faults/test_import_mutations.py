"""Thousands of damaged weights and vocabularies: each causes a one-line error, or is imported as a valid model."""

import json
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from common import Call
from file_damage import UNEXPECTED_VALUES, damage, join_file, read_or_error, split_file
from foreign_networks import CHARACTERS, keras_network, onnx_network, safetensors

from charrnn.errors import CharrnnError
from charrnn.network.imported_model import ImportOptions, import_model
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model
from charrnn.storage.foreign_tensors import read_foreign_tensors
from charrnn.text.vocabulary_file import read_vocabulary

FILES = 1_000
"""files per test"""
MAX_SECONDS = 1.0
"""CPU time in which each file is imported or refused"""
MAX_MEMORY = 2_000_000
"""bytes allocated for files of a few kilobytes: a chunk of reading, and copies"""

NETWORKS = {"keras": keras_network("lstm", 3)[0], "onnx": onnx_network("lstm", 3)[0]}
NETWORKS["torch"] = {
    "emb.weight": np.ones((len(CHARACTERS), 2), np.float32),
    "rnn.weight_ih_l0": np.ones((9, 2), np.float16),
    "rnn.weight_hh_l0": np.ones((9, 3), np.uint16),  # bfloat16
    "fc.weight": np.ones((len(CHARACTERS), 3), np.float64),
}
CONTENTS = {layout: safetensors(tensors) for layout, tensors in NETWORKS.items()}
VOCABULARY = json.dumps(CHARACTERS).encode()


def read_both(weights: Path, vocabulary: Path) -> Model:
    """Return the model of two files, as the command imports it."""
    tensors = read_foreign_tensors(weights)
    sizes = [length for shape in tensors.shapes.values() for length in shape]
    entries = read_vocabulary(vocabulary, sizes)
    return import_model(tensors, entries.vocabulary, ImportOptions(mapped={}), source=weights.name)[0]


def check(weights: Path, vocabulary: Path, seed: int) -> bool:
    """Return whether two files are imported; fail for long errors, infinite logits, and much time or memory."""
    start = time.process_time()
    tracemalloc.start()
    result = read_or_error(lambda path: read_both(path, vocabulary), weights)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.process_time() - start < MAX_SECONDS, seed
    assert peak < MAX_MEMORY, seed
    if isinstance(result, CharrnnError):
        assert len(result.message) < len(str(weights)) + 500, seed
        assert "\n" not in str(result).splitlines()[0], seed
        return False
    rnn = InferenceRNN.from_model(result)
    assert np.isfinite(rnn.step(np.array([0]), rnn.initial_state(1))[0]).all(), seed
    return True


def mutated_header(content: bytes, rng: Random) -> bytes:
    """Return a file in whose header a name, a shape, a type or an offset is another one."""
    layout, data = split_file(content)
    name = rng.choice(sorted(layout))
    kind = rng.randrange(4)
    if kind == 0:
        layout[rng.choice([name[:-1], name + "_reverse", "x", "fc.weight", "h\x1b[2J", "n" * 3000])] = layout.pop(
            name
        )
    elif kind == 1:
        layout[name]["shape"] = rng.choice(
            [layout[name]["shape"][::-1], [1, *layout[name]["shape"]], [], [0, 3], [2**40]]
        )
    elif kind == 2:
        layout[name]["dtype"] = rng.choice(["F16", "BF16", "F64", "I32", "F8_E4M3", "BOOL"])
    else:
        layout[name][rng.choice(["dtype", "shape", "data_offsets"])] = rng.choice(UNEXPECTED_VALUES)
    return join_file(layout, data)


def mutated_numbers(content: bytes, rng: Random) -> bytes:
    """Return a file with a few other numbers, among them NaN and infinity."""
    layout, data = split_file(content)
    changed = bytearray(data)
    at = rng.randrange(len(data) - 8) // 8 * 8
    changed[at : at + 8] = rng.choice([b"\xff" * 8, b"\0\0\x80\x7f" * 2, b"\xff\xff\x7f\x7f" * 2, rng.randbytes(8)])
    return join_file(layout, bytes(changed))


def mutated_vocabulary(rng: Random) -> bytes:
    """Return a damaged vocabulary, or one with other values."""
    entries: Any = list(CHARACTERS)
    kind = rng.randrange(6)
    if kind == 0:
        changed = bytearray(VOCABULARY)
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        return bytes(changed)
    if kind == 1:
        return VOCABULARY[: rng.randrange(len(VOCABULARY))]
    if kind == 2:
        entries[rng.randrange(len(entries))] = rng.choice(UNEXPECTED_VALUES)
    elif kind == 3:
        entries = {entry: rng.choice([number, number + 1, 10**30, -1]) for number, entry in enumerate(entries)}
    elif kind == 4:
        entries = {str(rng.choice([number, 0, "x"])): entry for number, entry in enumerate(entries)}
    else:
        entries = rng.choice(
            [entries[:-1], [*entries, "ab"], [*entries, entries[0]], [*entries, "<pad>"], "".join(entries)]
        )
        return entries.encode() if isinstance(entries, str) else json.dumps(entries).encode()
    return json.dumps(entries).encode()


def cases() -> Iterator[tuple[int, Random, bytes]]:
    """Yield a seed, a random generator and the content of a complete file."""
    for seed in range(FILES):
        yield seed, Random(seed), CONTENTS[sorted(CONTENTS)[seed % len(CONTENTS)]]


@pytest.mark.fault("P3")
def test_the_complete_files_are_imported(tmp_path: Path) -> None:
    """Otherwise the other tests would prove nothing."""
    (tmp_path / "v.json").write_bytes(VOCABULARY)
    for content in CONTENTS.values():
        (tmp_path / "w.safetensors").write_bytes(content)
        assert check(tmp_path / "w.safetensors", tmp_path / "v.json", 0)


@pytest.mark.fault("P3")
def test_mutated_weights_are_refused_in_one_line_or_imported(tmp_path: Path) -> None:
    """Damaged bytes, headers with other values, and other numbers."""
    (tmp_path / "v.json").write_bytes(VOCABULARY)
    weights, imports = tmp_path / "w.safetensors", 0
    for seed, rng, content in cases():
        mutate = rng.choice([damage, mutated_header, mutated_header, mutated_numbers])
        weights.write_bytes(mutate(content, rng))
        imports += check(weights, tmp_path / "v.json", seed)
    assert 0 < imports < FILES


@pytest.mark.fault("P3")
def test_mutated_vocabularies_are_refused_in_one_line_or_imported(tmp_path: Path) -> None:
    """Damaged bytes, other entries, other ids, and other sizes."""
    weights, vocabulary, imports = tmp_path / "w.safetensors", tmp_path / "v.json", 0
    for seed, rng, content in cases():
        weights.write_bytes(content)
        vocabulary.write_bytes(mutated_vocabulary(rng))
        imports += check(weights, vocabulary, seed)
    assert 0 < imports < FILES


@pytest.mark.fault("P3")
def test_the_command_reports_mutated_files_in_one_line(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most a hint follows; nothing is created."""
    monkeypatch.chdir(tmp_path)
    for seed in range(60):
        rng = Random(seed)
        content = CONTENTS["keras"]
        Path("w.safetensors").write_bytes(mutated_header(content, rng) if seed % 2 else content)
        Path("v.json").write_bytes(VOCABULARY if seed % 2 else mutated_vocabulary(rng))
        result = call("import", "w.safetensors", "--vocabulary", "v.json", "--out", f"out{seed}", "-q")
        lines = result.err.splitlines()
        assert (result.code, len(lines)) in ((0, 0), (1, 1), (1, 3)), seed
        assert Path(f"out{seed}").exists() == (result.code == 0), seed
        assert "".join(lines).isprintable(), seed


@pytest.mark.fault("P3")
@pytest.mark.parametrize("length", [2**31, 2**53, 2**63])
def test_no_memory_is_allocated_for_the_claims_of_a_header(tmp_path: Path, length: int) -> None:
    """A header of any length, and a tensor of any size."""
    weights, vocabulary = tmp_path / "w.safetensors", tmp_path / "v.json"
    vocabulary.write_bytes(VOCABULARY)
    weights.write_bytes(length.to_bytes(8, "little") + CONTENTS["torch"][8:])
    assert not check(weights, vocabulary, 0)
    layout, data = split_file(CONTENTS["torch"])
    layout["fc.weight"] = {"dtype": "F32", "shape": [length], "data_offsets": [0, 4 * length]}
    weights.write_bytes(join_file(layout, data))
    assert not check(weights, vocabulary, 0)
