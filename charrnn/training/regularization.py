"""Regularization by the recipe: dropout and weight decay, by how often the network reads its text."""

import math
from typing import Any

from charrnn.training.train_options import TrainOptions

EPOCHS_WITHOUT_DROPOUT = 2.0
"""epochs up to which training is better without dropout"""
MAX_WEIGHT_DECAY, DECAY_EPOCHS = 0.2, 2.0
"""maximum weight decay, and the minimum time constant of the decay, 1 / (rate · decay) steps, in epochs"""
SMALL_WEIGHT_DECAY = 0.02
"""maximum weight decay of a tanh RNN, whose loss a decay of 0.2 raised by 0.007 nats, and for fine-tuning, where more
would shrink the weights of the pretrained network"""


def dropout_rates(options: TrainOptions, readings: float, weights_per_char: float) -> dict[str, Any]:
    """Return the three dropout settings, which grow with the readings and with the weights per character of the text.

    A given dropout of the outputs determines the others: `--dropout 0` turns all dropout off.
    """
    doublings = math.log2(max(readings, EPOCHS_WITHOUT_DROPOUT) / EPOCHS_WITHOUT_DROPOUT)
    outputs = options.dropout
    if outputs is None:
        outputs = min(0.5, 0.1 * doublings + 0.1 * math.log2(max(1, weights_per_char)))
    chosen = {
        "dropout": outputs,
        "input_dropout": outputs / 4,
        "weight_drop": min(0.5, max(0.0, 1.25 * (outputs - 0.32))),
    }
    return {name: round(share, 2) for name, share in chosen.items()} | options.given(chosen)


def weight_decay(rate: float, steps_per_epoch: float, *, cell: str, trained: bool = False) -> float:
    """Return the weight decay for a peak learning rate; `trained` means that a pretrained network is fine-tuned.

    The weights of AdamW are averages of the updates within the time constant of the decay (Wang and Aitchison 2024),
    which should come from the whole text. A text that is read once needs hardly any decay.
    """
    maximum = SMALL_WEIGHT_DECAY if trained or cell == "rnn" else MAX_WEIGHT_DECAY
    return float(f"{min(maximum, 1 / (rate * DECAY_EPOCHS * max(1.0, steps_per_epoch))):.2g}")
