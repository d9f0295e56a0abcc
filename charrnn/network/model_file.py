"""Model files: a trained model as plain values in one safetensors file, with vocabulary and configuration."""

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
from charrnn.storage.safetensors_header import Header, TensorInfo
from charrnn.storage.schema import Amount, Count, Loss, Partial, PathText, PlannedSteps, check_partial, parse_json
from charrnn.text.vocabulary import END_CHARS, Vocabulary

# The record of a training, for people and scripts; inference does not need it


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """The schema of the record; each field may be missing, and later versions may add others."""

    corpus: str
    """name of the text"""
    from_: PathText | None
    """model file that the training started from"""
    characters: Count
    """length of the text"""
    train_characters: Count
    """how many of these, from the beginning, were trained on"""
    step: Count
    """step of the weights in the file"""
    steps: PlannedSteps | None
    """planned steps"""
    epoch: Amount
    """how often the text was read up to `step`"""
    val_nats: Loss | None
    """loss on held-out text, with carried state"""
    val_window256_nats: Loss | None
    """loss on held-out text, with the state zeroed every 256 characters"""
    val_characters: Count
    """held-out characters that the losses are means over"""
    stopped_early_at: Count | None
    """step at which the training ended before its plan did"""
    seconds: Amount
    """time spent"""
    settings: Annotated[dict[str, Any], Partial(TrainingConfig)]
    """all settings of the training"""


# Models and their files

LAST_BIAS = "output.bias"
"""has a number for each character of the vocabulary"""
MAX_SETTINGS, MAX_TRAINING_VALUES = 100, 10_000
"""values that a file's configuration, and what it tells of its training, may hold"""

MAX_PREACTIVATION = 1e37
"""that what goes into a unit may come to: a logit less another one is still a number of single precision"""

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """What a model is, its weights aside."""

    config: NetworkConfig
    vocabulary: Vocabulary
    training: Mapping[str, Any]
    """as a `Model`'s"""


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
        return self.vocabulary.end_id(self.config.documents)

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
    return shapes | {"output.weight": (vocabulary_size, config.hidden), LAST_BIAS: (vocabulary_size,)}


def count_weights(config: NetworkConfig, vocabulary_size: int) -> int:
    """Count a network's numbers without building it."""
    return sum(math.prod(shape) for shape in weight_shapes(config, vocabulary_size).values())


def count_matmul_weights(config: NetworkConfig, vocabulary_size: int) -> int:
    """Count the weights that every character is multiplied with: all but the embedding's, which is looked up."""
    return count_weights(config, vocabulary_size) - vocabulary_size * config.embedding


def max_preactivation(config: NetworkConfig, weights: Weights) -> float:
    """Bound what goes into any unit or logit, whatever is read: what comes in is within ±1, or an embedding."""
    largest_weight = {name: max(float(weight.max()), -float(weight.min())) for name, weight in weights.items()}
    sums = [config.hidden * largest_weight["output.weight"] + largest_weight[LAST_BIAS]]
    for layer in range(config.layers):
        width = weights[f"rnn.weight_ih_l{layer}"].shape[1]
        largest = 1.0 if layer else largest_weight.get("embedding.weight", 1.0)
        products = (
            width * largest_weight[f"rnn.weight_ih_l{layer}"] * largest
            + config.hidden * largest_weight[f"rnn.weight_hh_l{layer}"]
        )
        sums.append(products + largest_weight[f"rnn.bias_ih_l{layer}"] + largest_weight[f"rnn.bias_hh_l{layer}"])
    return max(sums)


def model_metadata(model: Model) -> dict[str, str]:
    """Put what is not an array into the strings that a file can hold."""
    return {
        "config": json.dumps(model.config.to_mapping()),
        "vocabulary": json.dumps(model.vocabulary.characters),
        "training": json.dumps(model.training),
    }


def save_model(path: Path, model: Model) -> int:
    """Write a model to `path`, wholly or not at all; give the number of bytes (OSError)."""
    return safetensors_file.write_tensors(path, model.weights, model_metadata(model) | {"kind": "model"})


def load_model(path: Path) -> Model:
    """Read the model in a file; raise CharrnnError, naming the file, if anything in it does not fit."""
    with safetensors_file.open_tensors(path) as file:
        about = described(path, file.header)
        # The memory that the weights take is now known to be that of the network that is described.
        arrays = file.arrays()
    names = weight_shapes(about.config, len(about.vocabulary))
    for name in names:
        if not np.isfinite(arrays[name]).all():
            raise CharrnnError(f"{path} is not a valid model file: {name} contains NaN or infinity")
    weights = {name: arrays[name] for name in names}
    if max_preactivation(about.config, weights) > MAX_PREACTIVATION:
        raise CharrnnError(f"{path} is not a valid model file: its weights are too large to compute with")
    return Model(config=about.config, vocabulary=about.vocabulary, weights=weights, training=about.training)


def read_info(path: Path) -> ModelInfo:
    """Read what a file says of its model, but not the weights; raise CharrnnError as `load_model` does."""
    with safetensors_file.open_tensors(path) as file:
        return described(path, file.header)


def described(path: Path, header: Header) -> ModelInfo:
    """Return what a file's header says of its model, its parts checked against each other (CharrnnError)."""
    try:
        about = _parse_info(header)
        _check_arrays(weight_shapes(about.config, len(about.vocabulary)), header.tensors)
    except CharrnnError as error:
        raise CharrnnError(f"{path} is not a valid model file: {error.message}") from error
    return about


def _parse_info(header: Header) -> ModelInfo:
    """Read configuration, vocabulary and training out of a file's words (CharrnnError)."""
    bias = header.tensors.get(LAST_BIAS)
    if bias is None or len(bias.shape) != 1:
        raise CharrnnError(f"{LAST_BIAS} is missing or no vector")
    rows = bias.shape[0]
    config = NetworkConfig.from_mapping(_parse_field(header.metadata, "config", dict, most=MAX_SETTINGS))
    # A list of so many has a comma less, but comma, bracket and brace may be among its characters.
    vocabulary = Vocabulary(tuple(_parse_field(header.metadata, "vocabulary", list, most=rows + 3)))
    if len(vocabulary) != rows:
        raise CharrnnError(f"its vocabulary has {len(vocabulary):,} characters, but its weights are for {rows:,}")
    if config.documents is not None and END_CHARS[config.documents] not in vocabulary:
        raise CharrnnError(f"its documents end with {END_CHARS[config.documents]!r}, which its vocabulary lacks")
    training = _parse_field(header.metadata, "training", dict, most=MAX_TRAINING_VALUES)
    check_partial(TrainingRecord, training, "training")
    return ModelInfo(config=config, vocabulary=vocabulary, training=training)


def _parse_field(words: Mapping[str, str], name: str, kind: type, *, most: int) -> Any:
    """Parse the JSON of one of a file's words, which may hold so many values (CharrnnError)."""
    text = words.get(name)
    if text is None:
        raise CharrnnError(f"it has no {name}")
    return parse_json(text, name, kind, most=most)


def _check_arrays(shapes: Mapping[str, tuple[int, ...]], places: Mapping[str, TensorInfo]) -> None:
    """See that the arrays in a file are those that its configuration speaks of (CharrnnError)."""
    for name, shape in shapes.items():
        place = places.get(name)
        if place is None:
            raise CharrnnError(f"{name} is missing")
        if place.shape != shape or place.dtype != np.float32:
            raise CharrnnError(f"{name} is {place.dtype} {place.shape}, but its configuration says float32 {shape}")


# A larger vocabulary: new characters get the next ids


def expand_vocabulary(model: Model, size: int) -> dict[str, NDArray[np.float32]]:
    """Give a model's weights with those of new characters appended, `size` characters in all.

    A new one begins as the mean of the known, as Hewitt 2021 ("Initializing new word embeddings for pretrained
    language models") has it; the output's bias is lower, so that all new ones together are as likely as the mean
    logit makes one. That is at most 1 in as many as are known, mostly one in thousands, and what is left is shared
    among those as it was.
    """
    weights, known_count = dict(model.weights), len(model.vocabulary)
    added = size - known_count
    for name in ("embedding.weight", "output.weight", "output.bias"):
        if name in weights:
            weights[name] = _with_mean(weights[name], added)
    weights["output.bias"][known_count:] -= np.float32(np.log(max(1, added)))
    if not model.config.embedding:
        weights["rnn.weight_ih_l0"] = _with_mean(weights["rnn.weight_ih_l0"].T, added).T
    return weights


def _with_mean(rows: NDArray[np.float32], more: int) -> NDArray[np.float32]:
    """Append so many times the mean of all rows, (V, …) -> (V + more, …)."""
    mean = rows.mean(axis=0, keepdims=True, dtype=np.float64).astype(rows.dtype)
    return np.concatenate([rows, *[mean] * more])
