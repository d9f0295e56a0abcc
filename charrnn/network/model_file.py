"""Model files: weights, configuration, vocabulary and training record of a model in one safetensors file."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.network.cells import CELLS
from charrnn.storage import safetensors_file
from charrnn.storage.half_precision import WEIGHT_DTYPES, to_float32
from charrnn.storage.safetensors_header import Header, TensorInfo
from charrnn.storage.schema import (
    Amount,
    Choice,
    Count,
    Loss,
    Partial,
    PathText,
    PlannedSteps,
    check_partial,
    parse_json,
)
from charrnn.text.vocabulary import FORMS, Vocabulary, end_char, normalize

# The record of the training, for users and scripts; of it, inference uses the normalization form


@dataclass(frozen=True, kw_only=True)
class ImportRecord:
    """Where the weights of a model come from, if another program trained them; each field may be missing."""

    source: str
    """name of the file"""
    sha256: str
    """checksum of the file"""
    layout: str
    """layout of its weights: torch, keras or onnx"""
    mapping: dict[str, Any]
    """names of the parts by the names of the tensors in the file, joined by " + " for a tensor that is two parts"""


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """The schema of the record; each field may be missing, and later versions may add others."""

    command: str
    """command that trained the model, if the model is distributed without its run"""
    corpus: str
    """name of the text"""
    license: str
    """license of the text, if the model is distributed without its run"""
    from_: PathText | None
    """model file that the training started from"""
    normalization: Annotated[str, Choice(FORMS, "normalization form")]
    """normalization form of the text, in which the model reads other texts; missing if the text is in none"""
    characters: Count
    """length of the text"""
    train_characters: Count
    """length of the training split, at the beginning of the text"""
    held_out: str
    """the part of the text that was held out, such as "the last 10%" """
    step: Count
    """step of the weights in the file"""
    steps: PlannedSteps | None
    """planned steps"""
    epoch: Amount
    """passes over the training split up to `step`"""
    val_nats: Loss | None
    """loss on held-out text, with carried state"""
    val_window256_nats: Loss | None
    """loss on held-out text, with the state zeroed every 256 characters"""
    val_characters: Count
    """number of held-out characters over which the losses are averaged"""
    stopped_early_at: Count | None
    """step at which early stopping ended the training; None if it was not stopped early"""
    seconds: Amount
    """training time"""
    imported: Annotated[dict[str, Any], Partial(ImportRecord)]
    """see `ImportRecord`"""
    settings: Annotated[dict[str, Any], Partial(TrainingConfig)]
    """all settings of the training"""


# Models and their files

OUTPUT_BIAS = "output.bias"
"""name of the output bias, whose length is the size of the vocabulary"""
MAX_SETTINGS, MAX_TRAINING_VALUES = 100, 10_000
"""largest number of JSON values in the configuration and in the training record of a file"""

MAX_CELL_STATE = 2.0**24
"""largest |c| of an LSTM in float32: a step adds at most 1, which no longer changes this number"""
MAX_PREACTIVATION = 1e37
"""largest valid bound of the preactivations and logits, so that differences of logits are finite in float32"""

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """A model without its weights, as read from the header of its file."""

    config: NetworkConfig
    vocabulary: Vocabulary
    training: Mapping[str, Any]
    """see `Model.training`"""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A trained model: all that generation, scoring and inspection need."""

    config: NetworkConfig
    vocabulary: Vocabulary
    weights: Weights
    """arrays by the names in PyTorch's `state_dict`; see `weight_shapes`"""
    training: Mapping[str, Any] = field(default_factory=dict)
    """record of the training (corpus, steps, losses, …), see `TrainingRecord`"""

    @property
    def end_id(self) -> int | None:
        """The id of the character that ends each document and resets the state; None without documents."""
        return self.vocabulary.end_id(self.config.documents)

    def normalize(self, text: str) -> str:
        """Return a text in the normalization form of the training text; unchanged if that is in none."""
        return normalize(text, self.training.get("normalization"))

    @property
    def parameters(self) -> int:
        """The number of parameters."""
        return sum(array.size for array in self.weights.values())


def weight_shapes(config: NetworkConfig, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of a network, by their names in PyTorch's `state_dict`.

    >>> weight_shapes(NetworkConfig(hidden=8, embedding=2), 5)["rnn.weight_ih_l0"]
    (32, 2)
    """
    width = config.embedding or vocabulary_size
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (vocabulary_size, width)} if config.embedding else {}
    for layer in range(config.layers):
        by_name = layer_shapes(config.cell, config.hidden if layer else width, config.hidden)
        shapes |= {f"rnn.{name}_l{layer}": shape for name, shape in by_name.items()}
    return shapes | {"output.weight": (vocabulary_size, config.hidden), OUTPUT_BIAS: (vocabulary_size,)}


def layer_shapes(cell: str, width: int, hidden: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of a layer with `width` inputs, by their names in torch without the layer.

    >>> layer_shapes("peephole", 2, 8)["weight_peephole"]
    (24,)
    """
    rows, peepholes = len(CELLS[cell].gates) * hidden, CELLS[cell].peepholes * hidden
    shapes = {"weight_ih": (rows, width), "weight_hh": (rows, hidden), "bias_ih": (rows,), "bias_hh": (rows,)}
    return shapes | ({"weight_peephole": (peepholes,)} if peepholes else {})


def count_parameters(config: NetworkConfig, vocabulary_size: int) -> int:
    """Return the number of weights of a network without building it."""
    return sum(math.prod(shape) for shape in weight_shapes(config, vocabulary_size).values())


def count_matmul_weights(config: NetworkConfig, vocabulary_size: int) -> int:
    """Return the number of weights in matrix products and biases: all but the embedding, which is looked up."""
    return count_parameters(config, vocabulary_size) - vocabulary_size * config.embedding


def max_preactivation(config: NetworkConfig, weights: Weights) -> float:
    """Return an upper bound of all preactivations and logits for any text: hidden states are in [-1, 1]."""
    largest_weight = {name: max(float(weight.max()), -float(weight.min())) for name, weight in weights.items()}
    sums = [config.hidden * largest_weight["output.weight"] + largest_weight[OUTPUT_BIAS]]
    for layer in range(config.layers):
        width = weights[f"rnn.weight_ih_l{layer}"].shape[1]
        largest = 1.0 if layer else largest_weight.get("embedding.weight", 1.0)
        products = (
            width * largest_weight[f"rnn.weight_ih_l{layer}"] * largest
            + config.hidden * largest_weight[f"rnn.weight_hh_l{layer}"]
        )
        products += MAX_CELL_STATE * largest_weight.get(f"rnn.weight_peephole_l{layer}", 0.0)
        sums.append(products + largest_weight[f"rnn.bias_ih_l{layer}"] + largest_weight[f"rnn.bias_hh_l{layer}"])
    return max(sums)


def model_metadata(model: Model) -> dict[str, str]:
    """Return all values of a model except the weights, as the strings of a file's metadata."""
    return {
        "config": json.dumps(model.config.to_mapping()),
        "vocabulary": json.dumps(model.vocabulary.characters),
        "training": json.dumps(model.training),
    }


def save_model(path: Path, model: Model) -> int:
    """Write a model to `path` atomically and return the number of bytes (OSError)."""
    return safetensors_file.write_tensors(path, model.weights, model_metadata(model) | {"kind": "model"})


def load_model(path: Path) -> Model:
    """Return the model in a file; raise CharrnnError, with the name of the file, if the model is not valid."""
    with safetensors_file.open_tensors(path) as file:
        info = parse_info(path, file.header)
        names = weight_shapes(info.config, len(info.vocabulary))
        # The header agrees with the configuration now, so the arrays take no more memory than that network.
        arrays = file.arrays()
    weights = {name: to_float32(arrays[name]) for name in names}
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise CharrnnError(f"{path} is not a valid model file: {name} contains NaN or infinity")
    if max_preactivation(info.config, weights) > MAX_PREACTIVATION:
        raise CharrnnError(f"{path} is not a valid model file: its weights are too large to compute with")
    return Model(config=info.config, vocabulary=info.vocabulary, weights=weights, training=info.training)


def read_info(path: Path) -> ModelInfo:
    """Return the model in a file without its weights; raise CharrnnError as `load_model` does."""
    with safetensors_file.open_tensors(path) as file:
        return parse_info(path, file.header)


def parse_info(path: Path, header: Header) -> ModelInfo:
    """Return the model without weights from the header of a file; raise CharrnnError if it is not consistent."""
    try:
        info = _parse_metadata(header)
        _check_arrays(weight_shapes(info.config, len(info.vocabulary)), header.tensors)
    except CharrnnError as error:
        raise CharrnnError(f"{path} is not a valid model file: {error.message}") from error
    return info


def _parse_metadata(header: Header) -> ModelInfo:
    """Return configuration, vocabulary and training record from the metadata of a file (CharrnnError)."""
    bias = header.tensors.get(OUTPUT_BIAS)
    if bias is None or len(bias.shape) != 1:
        raise CharrnnError(f"{OUTPUT_BIAS} is missing or not a vector")
    rows = bias.shape[0]
    config = NetworkConfig.from_mapping(_parse_field(header.metadata, "config", dict, max_values=MAX_SETTINGS))
    # A JSON list of n strings has n - 1 commas and a bracket; comma, bracket and brace can also be characters.
    vocabulary = Vocabulary(tuple(_parse_field(header.metadata, "vocabulary", list, max_values=rows + 3)))
    if len(vocabulary) != rows:
        raise CharrnnError(f"its vocabulary has {len(vocabulary):,} characters, but its weights are for {rows:,}")
    if config.documents is not None and end_char(config.documents) not in vocabulary:
        raise CharrnnError(f"its documents end with {end_char(config.documents)!r}, which its vocabulary lacks")
    training = _parse_field(header.metadata, "training", dict, max_values=MAX_TRAINING_VALUES)
    check_partial(TrainingRecord, training, "training")
    return ModelInfo(config=config, vocabulary=vocabulary, training=training)


def _parse_field(metadata: Mapping[str, str], name: str, kind: type, *, max_values: int) -> Any:
    """Return the value of a metadata field with JSON of at most `max_values` values (CharrnnError)."""
    text = metadata.get(name)
    if text is None:
        raise CharrnnError(f"it has no {name}")
    return parse_json(text, name, kind, max_values=max_values)


def _check_arrays(shapes: Mapping[str, tuple[int, ...]], tensors: Mapping[str, TensorInfo]) -> None:
    """Raise CharrnnError unless a file has the arrays of its configuration."""
    for name, shape in shapes.items():
        tensor = tensors.get(name)
        if tensor is None:
            raise CharrnnError(f"{name} is missing")
        if tensor.shape != shape or tensor.dtype not in WEIGHT_DTYPES:
            raise CharrnnError(f"{name} is {tensor.dtype} {tensor.shape}, but its configuration says float32 {shape}")
