"""Small real things that many tests use: a random model, what a command said, where the package lies."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import charrnn
from charrnn.config import NetworkConfig
from charrnn.network.model_file import Model, weight_shapes
from charrnn.text.vocabulary import Vocabulary

PACKAGE_HOME = Path(charrnn.__file__).parents[1]


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]


def random_model(vocabulary: str = "\n abcdefgh\x1b", scale: float = 0.5) -> Model:
    """Make a model of two small layers, its weights so large that no character is as likely as another."""
    config = NetworkConfig(cell="lstm", layers=2, hidden=12, embedding=4)
    shapes, rng = weight_shapes(config, len(vocabulary)), np.random.default_rng(0)
    weights = {name: rng.normal(scale=scale, size=shape).astype(np.float32) for name, shape in shapes.items()}
    training = {"corpus": "hamlet.txt", "step": 3750, "val_nats": 1.5}
    return Model(config=config, vocabulary=Vocabulary(tuple(vocabulary)), weights=weights, training=training)
