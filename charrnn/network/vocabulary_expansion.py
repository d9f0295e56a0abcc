"""Expansion of the vocabulary of a model for fine-tuning: new characters get the next ids."""

import numpy as np
from numpy.typing import NDArray

from charrnn.network.model_file import Model


def expand_vocabulary(model: Model, size: int) -> dict[str, NDArray[np.float32]]:
    """Return the weights of a model for a vocabulary of `size` characters, the new ones last.

    A new embedding is the mean of the known ones (Hewitt 2021, "Initializing new word embeddings for pretrained
    language models"). The output bias of new characters is lower, so that all of them together are as likely as one
    character with the mean logit: at most 1 / V for V known characters, and usually about 1 / 1000. The relative
    probabilities of known characters do not change.
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


def _with_mean(rows: NDArray[np.float32], added: int) -> NDArray[np.float32]:
    """Return rows with their mean appended `added` times, (V, …) -> (V + added, …)."""
    mean = rows.mean(axis=0, keepdims=True, dtype=np.float64).astype(rows.dtype)
    return np.concatenate([rows, *[mean] * added])
