"""Model files in half precision: they are converted exactly on loading, and checked as strictly as others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.network.model_file import Model, load_model, model_metadata, save_model
from charrnn.storage import safetensors_file
from charrnn.storage.half_precision import BFLOAT16, to_float32


def bfloat16(array: NDArray[np.float32]) -> NDArray[np.void]:
    """Return the upper halves of float32 numbers, which bfloat16 represents."""
    return (array.view(np.uint32) >> 16).astype(np.uint16).view(BFLOAT16)


def write(path: Path, model: Model, kind: str, names: tuple[str, ...] = ()) -> Path:
    """Write a model with the named weights, or all, in half precision."""
    halves = {
        name: (array.astype(np.float16) if kind == "float16" else bfloat16(array))
        for name, array in model.weights.items()
        if not names or name in names
    }
    safetensors_file.write_tensors(path, {**model.weights, **halves}, model_metadata(model) | {"kind": "model"})
    return path


@pytest.mark.parametrize(("kind", "error"), [("float16", 2**-11), ("bfloat16", 2**-7)])
def test_half_precision_is_float32_in_memory(tmp_path: Path, model: Model, kind: str, error: float) -> None:
    """With the precision of their type."""
    loaded = load_model(write(tmp_path / "half.safetensors", model, kind))
    for name, array in model.weights.items():
        assert loaded.weights[name].dtype == np.float32
        np.testing.assert_allclose(loaded.weights[name], array, rtol=error, atol=1e-7)


def test_a_file_may_mix_precisions_and_is_saved_in_single_precision(tmp_path: Path, model: Model) -> None:
    """The types of the arrays are independent; saving and loading the converted model changes nothing."""
    mixed = load_model(write(tmp_path / "mixed.safetensors", model, "float16", ("output.weight",)))
    assert np.array_equal(mixed.weights["embedding.weight"], model.weights["embedding.weight"])
    save_model(tmp_path / "saved.safetensors", mixed)
    saved = load_model(tmp_path / "saved.safetensors")
    assert all(np.array_equal(saved.weights[name], array) for name, array in mixed.weights.items())


def test_half_precision_halves_the_file(tmp_path: Path, model: Model) -> None:
    """The arrays take two bytes a number."""
    single = save_model(tmp_path / "single.safetensors", model)
    half = write(tmp_path / "half.safetensors", model, "float16").stat().st_size
    assert abs(single - half - 2 * model.parameters) < 100


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@pytest.mark.parametrize("number", [np.inf, -np.inf, np.nan])
def test_infinity_and_nan_in_half_precision_are_refused(
    tmp_path: Path, model: Model, kind: str, number: float
) -> None:
    """As in single precision."""
    bias = model.weights["output.bias"].copy()
    bias[3] = number
    path = write(tmp_path / "bad.safetensors", replace(model, weights={**model.weights, "output.bias": bias}), kind)
    with pytest.raises(CharrnnError, match=r"output\.bias contains NaN or infinity"):
        load_model(path)


def test_other_types_of_two_bytes_are_refused(tmp_path: Path, model: Model) -> None:
    """16-bit integers are not weights."""
    integers = {name: array.astype(np.int16) for name, array in model.weights.items()}
    path = tmp_path / "integers.safetensors"
    safetensors_file.write_tensors(path, integers, model_metadata(model) | {"kind": "model"})
    with pytest.raises(CharrnnError, match="int16"):
        load_model(path)


def test_the_memory_of_the_conversion_is_checked(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that fits into memory in half precision only is refused before it is read."""
    path = write(tmp_path / "half.safetensors", model, "float16")
    monkeypatch.setattr(safetensors_file, "SMALL", 0)
    monkeypatch.setattr(safetensors_file, "free_memory", lambda: 5 * model.parameters)
    with pytest.raises(CharrnnError, match="out of memory"):
        load_model(path)


def test_every_bfloat16_is_converted_as_torch_does() -> None:
    """All 65,536 bit patterns."""
    torch = pytest.importorskip("torch")
    bits = np.arange(1 << 16, dtype=np.uint16)
    expected = torch.from_numpy(bits.view(np.int16)).view(torch.bfloat16).float().numpy()
    np.testing.assert_array_equal(to_float32(bits.view(BFLOAT16)), expected)
