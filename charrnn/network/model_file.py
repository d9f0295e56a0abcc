"""A trained model as plain values, and the one file it is kept in: weights, vocabulary, configuration.

Which network computes with them is left to `reader` and `module`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError
from charrnn.network import tensor_file
from charrnn.network.cells import CELLS
from charrnn.text.vocabulary import ENDS, Vocabulary

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Model:
    """All that writing, scoring and looking inside need."""

    config: NetworkConfig
    vocabulary: Vocabulary
    weights: Weights
    """torch's names; see `weight_shapes`"""
    training: Mapping[str, Any] = field(default_factory=dict)
    """how it came to be (corpus, steps, losses, …): for people, never needed to compute"""

    @property
    def end(self) -> int | None:
        """The number of the character that ends each document and makes the state fresh; None: there are none."""
        return self.vocabulary.end_of(self.config.documents)

    @property
    def parameters(self) -> int:
        """How many numbers were learned."""
        return sum(array.size for array in self.weights.values())


def weight_shapes(config: NetworkConfig, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """Say which weights a network has, under torch's names, and their shapes.

    >>> weight_shapes(NetworkConfig(hidden=8, embedding=2), 5)["rnn.weight_ih_l0"]
    (32, 2)
    """
    rows = len(CELLS[config.cell].gates) * config.hidden
    width = config.embedding or vocabulary_size
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (vocabulary_size, width)} if config.embedding else {}
    for layer in range(config.layers):
        shapes[f"rnn.weight_ih_l{layer}"] = (rows, config.hidden if layer else width)
        shapes[f"rnn.weight_hh_l{layer}"] = (rows, config.hidden)
        shapes[f"rnn.bias_ih_l{layer}"] = shapes[f"rnn.bias_hh_l{layer}"] = (rows,)
    return shapes | {"output.weight": (vocabulary_size, config.hidden), "output.bias": (vocabulary_size,)}


def count_weights(config: NetworkConfig, vocabulary_size: int) -> int:
    """Count a network's numbers without building it."""
    return sum(math.prod(shape) for shape in weight_shapes(config, vocabulary_size).values())


def count_multiplied(config: NetworkConfig, vocabulary_size: int) -> int:
    """Count the weights that every character is multiplied with: all but the embedding's, which is looked up."""
    return count_weights(config, vocabulary_size) - vocabulary_size * config.embedding


def model_metadata(model: Model) -> dict[str, str]:
    """Put what is not an array into the strings that a file can hold."""
    return {
        "config": json.dumps(model.config.to_mapping()),
        "vocabulary": json.dumps(model.vocabulary.characters),
        "training": json.dumps(model.training),
    }


def save(path: Path, model: Model) -> int:
    """Write a model to `path`, wholly or not at all; give the number of bytes (OSError)."""
    return tensor_file.write(path, model.weights, model_metadata(model) | {"kind": "model"})


def load(path: Path) -> Model:
    """Read the model in a file; raise CharrnnError, naming the file, if anything in it does not fit."""
    file = tensor_file.read(path)
    try:
        return model_from(file.arrays, file.metadata)
    except CharrnnError as error:
        raise CharrnnError(f"{path} is not a valid model file: {error.message}") from error


def model_from(arrays: tensor_file.Arrays, metadata: Mapping[str, str]) -> Model:
    """Build a model from a file's content, checking its parts against each other (CharrnnError)."""
    values = described(metadata)
    config = NetworkConfig.from_mapping(values["config"])
    vocabulary = Vocabulary(tuple(values["vocabulary"]))
    if config.documents is not None and ENDS[config.documents] not in vocabulary:
        raise CharrnnError(f"its documents end with {ENDS[config.documents]!r}, which its vocabulary lacks")
    shapes = weight_shapes(config, len(vocabulary))
    for name, shape in shapes.items():
        array = arrays.get(name)
        if array is None:
            raise CharrnnError(f"{name} is missing")
        if array.shape != shape or array.dtype != np.float32:
            raise CharrnnError(f"{name} is {array.dtype} {array.shape}, but its configuration says float32 {shape}")
        if not np.isfinite(array).all():
            raise CharrnnError(f"{name} contains NaN or infinity")
    weights = {name: arrays[name] for name in shapes}
    return Model(config=config, vocabulary=vocabulary, weights=weights, training=values["training"])


def described(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Parse a file's strings: config and training (mappings), vocabulary (list); raise CharrnnError."""
    kinds: dict[str, type] = {"config": dict, "vocabulary": list, "training": dict}
    try:
        values = {name: json.loads(metadata[name]) for name in kinds}
    except KeyError as error:
        raise CharrnnError(f"it has no {error.args[0]}") from error
    except (ValueError, RecursionError) as error:
        raise CharrnnError("its description is not JSON") from error
    for name, kind in kinds.items():
        if not isinstance(values[name], kind):
            raise CharrnnError(f"its {name} is not a {kind.__name__}")
    return values
