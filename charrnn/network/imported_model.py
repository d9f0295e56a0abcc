"""A model from the tensors of another program: its weights in torch's layout, and where they come from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError
from charrnn.network.import_weights import Recognition, recognize
from charrnn.network.model_file import MAX_PREACTIVATION, OUTPUT_BIAS, Model, max_preactivation, weight_shapes
from charrnn.network.part_names import ImportRequest, shown
from charrnn.network.weight_layouts import Float32s, Shape, to_torch_biases, to_torch_matrix, to_torch_rows
from charrnn.storage.foreign_tensors import ForeignTensors, as_float32
from charrnn.text.vocabulary import Vocabulary

Tensor = Callable[[str], Float32s]
"""returns a tensor of the file in float32 by its name"""


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What the user says about the tensors."""

    layout: str | None = None
    """None: recognized by names and dimensions"""
    cell: str | None = None
    """None: by the number of gates"""
    mapped: Mapping[str, str]
    """names of parts by names of tensors; "" leaves a tensor out"""


def import_model(
    tensors: ForeignTensors, vocabulary: Vocabulary, options: ImportOptions, *, source: str
) -> tuple[Model, Recognition]:
    """Return the model in some tensors, and which tensor is which part; `source` is the name of the file.

    Raise CharrnnError if the tensors are no supported network, or not finite.
    """
    request = ImportRequest(
        shapes=tensors.shapes,
        vocabulary_size=len(vocabulary),
        layout=options.layout or detect_layout(tensors.shapes),
        cell=options.cell,
        mapped=options.mapped,
    )
    recognition = recognize(request)
    config = NetworkConfig(
        cell=recognition.cell,
        layers=len(recognition.layers),
        hidden=recognition.hidden,
        embedding=recognition.embedding,
    )
    weights = _weights(recognition, lambda name: _finite(name, tensors.arrays[name]))
    shapes = weight_shapes(config, len(vocabulary))
    complete = {
        name: np.ascontiguousarray(weights[name]) if name in weights else np.zeros(shape, np.float32)
        for name, shape in shapes.items()
    }
    assert {name: weight.shape for name, weight in complete.items()} == shapes
    if max_preactivation(config, complete) > MAX_PREACTIVATION:
        raise CharrnnError("the weights are too large to compute with")
    record = {
        "source": source,
        "sha256": tensors.sha256,
        "layout": recognition.layout,
        "mapping": recognition.mapping(),
    }
    return Model(config=config, vocabulary=vocabulary, weights=complete, training={"imported": record}), recognition


def detect_layout(shapes: Mapping[str, Shape]) -> str:
    """Return the layout of some tensors: Keras by its names, ONNX by its three dimensions, else torch."""
    if any("recurrent_kernel" in name for name in shapes):
        return "keras"
    return "onnx" if any(len(shape) == 3 for shape in shapes.values()) else "torch"


def _finite(name: str, array: NDArray[np.generic]) -> Float32s:
    """Return a tensor in float32 (CharrnnError if a number is not finite)."""
    values = as_float32(array)
    if not np.isfinite(values).all():
        raise CharrnnError(f"{shown(name)} contains NaN, or numbers that are infinite in float32")
    return values


def _weights(recognition: Recognition, tensor: Tensor) -> dict[str, Float32s]:
    """Return the weights by their names in a model file; missing biases are left out."""
    weights = {}
    if recognition.ends.embedding is not None:
        weights["embedding.weight"] = tensor(recognition.ends.embedding)
    for number, layer in enumerate(recognition.layers):
        for role, name in layer.items():
            for part, weight in _layer_weights(recognition, role, tensor(name)).items():
                weights[f"rnn.{part}_l{number}"] = weight
    output = tensor(recognition.ends.output)
    weights["output.weight"] = output.T if recognition.ends.transposed else output
    if recognition.ends.bias is not None:
        weights[OUTPUT_BIAS] = tensor(recognition.ends.bias).reshape(-1)
    return weights


def _layer_weights(recognition: Recognition, role: str, values: Float32s) -> dict[str, Float32s]:
    """Return the weights of a layer in one tensor: a single bias becomes two."""
    layout, cell = recognition.layout, recognition.cell
    if role == "bias":
        bias_ih, bias_hh = to_torch_biases(layout, cell, values)
        return {"bias_ih": bias_ih, "bias_hh": bias_hh}
    if role in ("weight_ih", "weight_hh"):
        return {role: to_torch_matrix(layout, cell, values)}
    return {role: to_torch_rows(layout, cell, values) if role != "weight_peephole" else values}
