"""A trained network with room for more characters, which go by the numbers after those that it knows.

What is done with it is left to `training`.
"""

import numpy as np
from numpy.typing import NDArray

from charrnn.network.model_file import Model


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
