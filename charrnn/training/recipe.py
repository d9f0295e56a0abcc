"""Settings that fit this corpus, device and budget, where the user gave none.

The rules: a network reads at least five characters for every recurrent weight in its budget, because a larger one
reads too little; and the more often it reads its text, the more it goes without. They come from trainings of prose,
code, a small text and one of three thousand characters, in tests/benchmarks/recipes.md.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import WrongUsageError
from charrnn.network.model_file import count_multiplied, count_weights
from charrnn.text.windows import steps_for

DEFAULT_MINUTES = 5.0
CHARACTERS_PER_WEIGHT = 5
"""of the recurrent weights; those of the output are as many as the alphabet wants"""
FLOPS_PER_WEIGHT = 6
"""a character's forward and backward pass: Kaplan et al. 2020, section 2.1"""
WIDTHS = (128, 192, 256, 320, 384, 448, 512, 640, 768, 1024, 1536, 2048)
TIMED_WIDTHS = (256, 768, 2048)
"""of which steps are timed on a GPU"""
CHARACTERS_PER_UNIT, WIDE_ENOUGH = 8, 384
"""of the alphabet: a softmax over thousands needs something to tell them by, whatever the time"""
LARGEST_BYTES = 1 << 38
"""a network whose training would need more than this is a slip of the finger"""
PEAK_RATES = {"lstm": 0.009, "gru": 0.009, "rnn": 0.005}
"""of 256 cells; wider layers learn with less, in proportion"""
FREELY = 2.0
"""so many times a text can be read without dropout, and is better without"""
HIGHEST_RATE = 0.02
SHARE_FOR_TRAINED = 0.5
"""of the rate, for a network that goes on with another text: at 1, 0.5 and 0.3 of it 1×128 cells came from most of
Tiny Shakespeare, on its last 111 kB, to 2.213, 2.210, 2.236 bits in 200 steps, and to 2.248, 2.228, 2.221 in 800"""
FEWEST_UPDATES = 1_500
"""where the budget allows no more than these of long windows, they are made shorter"""
BYTES_PER_WEIGHT = 24
"""weight, mean, gradient, two moments of AdamW and a copy of the best, 4 bytes each"""


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What the choice depends on."""

    train_characters: int
    vocabulary_size: int
    device: str
    flops_per_second: float
    """what the device reaches in training, roughly"""
    speeds: tuple[tuple[int, float], ...] = ()
    """widths, rising, and the characters a second that a step of each was timed at; none: arithmetic tells"""
    trained: bool = False
    """whether the network has learned another text before"""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything chosen, and why in a line."""

    network: NetworkConfig
    training: TrainingConfig
    why: str


def choose(given: Mapping[str, Any], circumstances: Circumstances) -> Recipe:
    """Fill in what was not given (None); raise WrongUsageError for a network that no machine can hold."""
    asked = {name: value for name, value in given.items() if value is not None}
    if not {"steps", "epochs", "minutes"} & asked.keys():
        asked["minutes"] = DEFAULT_MINUTES
    hidden = asked.get("hidden") or _width(asked, circumstances)
    network = _network(asked, hidden, circumstances)
    _refuse_the_absurd(network, circumstances.vocabulary_size)
    characters = _characters_to_read(asked, network, circumstances)
    epochs = characters / circumstances.train_characters
    crowding = count_multiplied(network, circumstances.vocabulary_size) / circumstances.train_characters
    network = dataclasses.replace(network, **_left_out(asked, epochs, crowding))
    training = _training(asked, network, circumstances, characters)
    return Recipe(network=network, training=training, why=_why(asked, circumstances, epochs))


def to_be_timed(
    given: Mapping[str, Any], circumstances: Circumstances
) -> tuple[tuple[NetworkConfig, ...], TrainingConfig]:
    """Name the networks whose speed decides, and the windows to time them on; none where time does not."""
    asked = {name: value for name, value in given.items() if value is not None}
    batch, length = _batch(asked, circumstances, math.inf)
    training = TrainingConfig(
        batch=batch, length=length, lr=1e-3, precision=asked.get("precision", TrainingConfig.precision)
    )
    if {"steps", "epochs"} & asked.keys():
        return (), training
    widths = (asked["hidden"],) if "hidden" in asked else TIMED_WIDTHS
    return tuple(_network(asked, width, circumstances) for width in widths), training


def _width(asked: Mapping[str, Any], circumstances: Circumstances) -> int:
    """Take the widest layer that still reads enough characters for its weights."""
    size = circumstances.vocabulary_size
    fitting = [
        width
        for width in WIDTHS
        if _characters_to_read(asked, network := _network(asked, width, circumstances), circumstances)
        >= CHARACTERS_PER_WEIGHT * (count_multiplied(network, size) - width * size)
    ]
    enough = min(WIDE_ENOUGH, size / CHARACTERS_PER_UNIT)
    return max([*fitting, next(width for width in WIDTHS if width >= enough)])


def _network(asked: Mapping[str, Any], hidden: int, circumstances: Circumstances) -> NetworkConfig:
    embedding = asked.get("embedding")
    return NetworkConfig(
        cell=asked.get("cell", NetworkConfig.cell),
        layers=asked.get("layers", NetworkConfig.layers),
        hidden=hidden,
        embedding=_embedding(circumstances.vocabulary_size) if embedding is None else embedding,
        documents=asked.get("documents"),
    )


def _embedding(vocabulary_size: int) -> int:
    """Take a third of the alphabet, within bounds: wider embeddings cost arithmetic and add no function."""
    return min(128, max(16, 16 * math.ceil(vocabulary_size / 48)))


def _left_out(asked: Mapping[str, Any], epochs: float, crowding: float) -> dict[str, Any]:
    """Choose what a network goes without while it learns: the more, the more often it reads its text.

    More too where it has more weights than the text has characters, `crowding` to one.

    What is asked for the outputs sets what is chosen for the rest: `--dropout 0` is none at all.
    """
    often = math.log2(max(epochs, FREELY) / FREELY)
    outputs = asked.get("dropout", min(0.5, 0.1 * often + 0.1 * math.log2(max(1, crowding))))
    chosen = {
        "dropout": outputs,
        "input_dropout": outputs / 4,
        "weight_drop": min(0.5, max(0.0, 1.25 * (outputs - 0.32))),
    }
    return {name: asked.get(name, round(share, 2)) for name, share in chosen.items()}


def _characters_to_read(asked: Mapping[str, Any], network: NetworkConfig, circumstances: Circumstances) -> float:
    """Say how many characters the budget allows, by steps, epochs or time."""
    if "steps" in asked:
        batch, length = _batch(asked, circumstances, math.inf)
        return float(asked["steps"]) * batch * length
    if "epochs" in asked:
        return float(asked["epochs"]) * circumstances.train_characters
    return float(asked["minutes"]) * 60 * _characters_per_second(network, circumstances)


def _characters_per_second(network: NetworkConfig, circumstances: Circumstances) -> float:
    """Foresee the speed: between widths that were timed as on a straight line of logarithms, else by arithmetic.

    What is narrower than all that were timed is as fast as the narrowest, what is wider slower by its arithmetic.
    """
    size = circumstances.vocabulary_size
    if not circumstances.speeds:
        return circumstances.flops_per_second / (FLOPS_PER_WEIGHT * count_multiplied(network, size))
    widths, speeds = np.log(np.array(circumstances.speeds)).T
    widest = dataclasses.replace(network, hidden=min(network.hidden, circumstances.speeds[-1][0]))
    slower = count_multiplied(widest, size) / count_multiplied(network, size)
    return slower * math.exp(np.interp(math.log(network.hidden), widths, speeds))


def _batch(asked: Mapping[str, Any], circumstances: Circumstances, characters: float) -> tuple[int, int]:
    """Choose streams and window: smaller ones where the text or what is read of it would make only a few of them."""
    usual = 64 if circumstances.device == "cuda" else 32
    updates = asked.get("steps", characters / (usual * 64))
    long = updates >= FEWEST_UPDATES and circumstances.train_characters >= 100_000
    length = asked.get("length", 64 if long else 32)
    fitting = 2 ** int(math.log2(max(4, circumstances.train_characters // (length * 16))))
    return asked.get("batch", min(usual, fitting)), length


def _training(
    asked: Mapping[str, Any], network: NetworkConfig, circumstances: Circumstances, characters: float
) -> TrainingConfig:
    batch, length = _batch(asked, circumstances, characters)
    steps = asked.get("steps")
    if "epochs" in asked:
        characters = circumstances.train_characters
        steps = steps_for(asked["epochs"], characters=characters, batch=batch, length=length)
    if "documents" in asked:
        # A document begins with a fresh state, and nothing else does.
        asked = {"reset": 0.0, **asked}
    names = ("warm_up", "final_lr", "weight_decay", "clip", "reset", "patience", "seed", "val_fraction", "precision")
    return TrainingConfig(
        batch=batch,
        length=length,
        lr=asked.get("lr", _rate(network, circumstances)),
        steps=steps,
        minutes=None if steps else asked["minutes"],
        **{name: asked[name] for name in names if name in asked},
    )


def _rate(network: NetworkConfig, circumstances: Circumstances) -> float:
    """Choose the highest learning rate: the wider or deeper, the lower; lower where there is something to lose."""
    rate = min(HIGHEST_RATE, PEAK_RATES[network.cell] * 256 / network.hidden / math.sqrt(network.layers))
    rate *= SHARE_FOR_TRAINED if circumstances.trained else 1
    return float(f"{rate:.2g}")


def _refuse_the_absurd(network: NetworkConfig, vocabulary_size: int) -> None:
    needed = count_weights(network, vocabulary_size) * BYTES_PER_WEIGHT
    if needed > LARGEST_BYTES:
        raise WrongUsageError(
            f"this network would need about {needed / 1e12:,.1f} TB", hint="lower --hidden or --layers"
        )


def _why(asked: Mapping[str, Any], circumstances: Circumstances, epochs: float) -> str:
    """Say what decided, in a line."""
    often = f"about {epochs:.1f} times" if epochs < 10 else f"about {epochs:.0f} times"
    if circumstances.trained:
        rate = "" if "lr" in asked else ", at half the usual rate so as not to forget"
        return f"a trained network; reads this text {often}{rate}"
    if "hidden" in asked or "minutes" not in asked:
        return f"settings chosen to read the text {often}"
    wanted = f"{CHARACTERS_PER_WEIGHT} characters per recurrent weight"
    return f"sized to see {wanted} in that time: reads the text {often}"
