"""What logits say: the probabilities of characters, by their logarithms."""

import numpy as np
from numpy.typing import NDArray

from charrnn.text.vocabulary import Ids

Logits = NDArray[np.float32]
Nats = NDArray[np.float32]


def log_softmax(logits: Logits) -> Nats:
    """Give ln softmax(logits) of every character: (…, V) -> (…, V)."""
    shifted = logits - logits.max(-1, keepdims=True)
    log_probs: Nats = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return log_probs


def target_nll(logits: Logits, targets: Ids) -> Nats:
    """Give −ln softmax(logits)[target]: logits (…, V), targets (…) -> (…)."""
    shifted = logits - logits.max(-1, keepdims=True)
    target_logits = np.take_along_axis(shifted, targets[..., None], -1)[..., 0]
    nats: Nats = np.log(np.exp(shifted).sum(-1)) - target_logits
    return nats
