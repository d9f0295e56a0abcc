"""Model files: a saved model is loaded unchanged, and every damage is detected."""

import dataclasses
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError
from charrnn.network.model_file import Model, load_model, save_model, weight_shapes
from charrnn.text.vocabulary import Vocabulary


def small_model(config: NetworkConfig | None = None) -> Model:
    """Return a model with random weights."""
    config = config or NetworkConfig(cell="gru", layers=2, hidden=6, embedding=3)
    vocabulary = Vocabulary(("\n", "a", "é", "猫", "\x1b"))
    rng = np.random.default_rng(0)
    shapes = weight_shapes(config, len(vocabulary))
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return Model(config=config, vocabulary=vocabulary, weights=weights, training={"step": 3})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Save the small model and return its path."""
    save_model(tmp_path / "model.safetensors", small_model())
    return tmp_path / "model.safetensors"


def test_a_saved_model_is_loaded_unchanged(saved: Path) -> None:
    """Configuration, vocabulary, training record and every weight survive the round trip exactly."""
    before, after = small_model(), load_model(saved)
    assert (after.config, after.vocabulary, after.training) == (
        before.config,
        before.vocabulary,
        before.training,
    )
    assert all(np.array_equal(after.weights[name], weight) for name, weight in before.weights.items())
    assert after.parameters == sum(weight.size for weight in before.weights.values())


def test_saving_twice_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    """The file depends on the model only, not on time, randomness or machine."""
    save_model(tmp_path / "again.safetensors", load_model(saved))
    assert (tmp_path / "again.safetensors").read_bytes() == saved.read_bytes()


@pytest.mark.fault("P4", "F56")
def test_a_changed_byte_anywhere_is_detected(saved: Path) -> None:
    """Each changed byte causes an error or does not change the model."""
    content, before = saved.read_bytes(), small_model()
    for position in range(0, len(content), 3):
        saved.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        with suppress(CharrnnError):
            after = load_model(saved)
            same = all(np.array_equal(after.weights[name], weight) for name, weight in before.weights.items())
            assert same
            assert (after.config, after.vocabulary, after.training) == (
                before.config,
                before.vocabulary,
                before.training,
            )


def test_a_header_of_any_length_is_read(tmp_path: Path) -> None:
    """Also if its first byte is that of a pickle or zip file."""
    model, first = small_model(), set()
    for length in range(0, 2048, 8):
        path = tmp_path / "model.safetensors"
        save_model(path, dataclasses.replace(model, training={"corpus": "x" * length}))
        first.add(path.read_bytes()[0])
        assert load_model(path).training["corpus"] == "x" * length
    assert 0x80 in first


@pytest.mark.fault("F53")
def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message has the path and the reason."""
    with pytest.raises(CharrnnError, match="no such file"):
        load_model(tmp_path / "none.safetensors")


@pytest.mark.fault("F59")
def test_a_safetensors_file_of_another_program_is_refused(tmp_path: Path) -> None:
    """A valid file without charrnn's metadata is not a model."""
    import safetensors.numpy

    safetensors.numpy.save_file({"x": np.zeros(2, np.float32)}, tmp_path / "other.safetensors")
    with pytest.raises(CharrnnError, match="no charrnn metadata"):
        load_model(tmp_path / "other.safetensors")


PEEPHOLE = NetworkConfig(cell="peephole", layers=2, hidden=6, embedding=3)


@pytest.mark.parametrize("name", weight_shapes(PEEPHOLE, 5))
def test_weights_whose_products_would_overflow_are_refused(name: str, tmp_path: Path) -> None:
    """Each weight is finite, but logits would be NaN or infinite in the middle of a text."""
    model = small_model(PEEPHOLE)
    weights = {**model.weights, name: np.full_like(model.weights[name], 3e38)}
    save_model(tmp_path / "model.safetensors", dataclasses.replace(model, weights=weights))
    with pytest.raises(CharrnnError, match="too large to compute with"):
        load_model(tmp_path / "model.safetensors")
