"""What logits say: the probabilities of characters, by their logarithms."""

import numpy as np
from numpy.typing import NDArray

from charrnn.text.vocabulary import Ids

Logits = NDArray[np.float32]
Nats = NDArray[np.float32]


def log_probabilities(logits: Logits) -> Nats:
    """Give ln softmax(logits) of every character: (…, V) -> (…, V)."""
    shifted = logits - logits.max(-1, keepdims=True)
    told: Nats = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return told


def target_nats(logits: Logits, targets: Ids) -> Nats:
    """Give −ln softmax(logits)[target]: logits (…, V), targets (…) -> (…)."""
    shifted = logits - logits.max(-1, keepdims=True)
    told = np.take_along_axis(shifted, targets[..., None], -1)[..., 0]
    nats: Nats = np.log(np.exp(shifted).sum(-1)) - told
    return nats
