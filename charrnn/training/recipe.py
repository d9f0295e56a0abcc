"""The recipe: hyperparameters for this corpus, device and budget, where the user gave none.

Two rules: a network reads at least five characters for every recurrent weight within its budget, because a larger
one would read too little; and the more often it reads its text, the higher is the dropout. Both come from trainings
on prose, code, a small text and one of three thousand characters, in tests/benchmarks/recipes.md.
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import WrongUsageError
from charrnn.network.model_file import count_matmul_weights, count_weights
from charrnn.text.batching import steps_for_epochs

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
MAX_BYTES = 1 << 38
"""a network whose training would need more than this is a slip of the finger"""
PEAK_LR = {"lstm": 0.009, "gru": 0.009, "rnn": 0.005}
"""of 256 cells; wider layers learn with less, in proportion"""
EPOCHS_WITHOUT_DROPOUT = 2.0
"""so many times a text can be read without dropout, and is better without"""
MAX_LR = 0.02
FINETUNE_LR_FACTOR = 0.5
"""of the rate, for a network that goes on with another text: at 1, 0.5 and 0.3 of it 1×128 cells came from most of
Tiny Shakespeare, on its last 111 kB, to 2.213, 2.210, 2.236 bits in 200 steps, and to 2.248, 2.228, 2.221 in 800"""
MIN_UPDATES = 1_500
"""where the budget allows no more than these of long windows, they are made shorter"""
BYTES_PER_WEIGHT = 24
"""weight, mean, gradient, two moments of AdamW and a copy of the best, 4 bytes each"""


@dataclass(frozen=True, kw_only=True)
class RecipeInputs:
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


def choose_hyperparameters(given: Mapping[str, Any], inputs: RecipeInputs) -> Recipe:
    """Fill in what was not given (None); raise WrongUsageError for a network that no machine can hold."""
    settings = {name: value for name, value in given.items() if value is not None}
    if not {"steps", "epochs", "minutes"} & settings.keys():
        settings["minutes"] = DEFAULT_MINUTES
    hidden = settings.get("hidden") or _width(settings, inputs)
    network = _network(settings, hidden, inputs)
    _check_size(network, inputs.vocabulary_size)
    characters = _characters_to_read(settings, network, inputs)
    epochs = characters / inputs.train_characters
    weights_per_char = count_matmul_weights(network, inputs.vocabulary_size) / inputs.train_characters
    network = dataclasses.replace(network, **_dropout(settings, epochs, weights_per_char))
    training = _training(settings, network, inputs, characters)
    return Recipe(network=network, training=training, why=_why(settings, inputs, epochs))


def networks_to_time(
    given: Mapping[str, Any], inputs: RecipeInputs
) -> tuple[tuple[NetworkConfig, ...], TrainingConfig]:
    """Name the networks whose speed decides, and the windows to time them on; none where time does not."""
    settings = {name: value for name, value in given.items() if value is not None}
    batch, length = _batch(settings, inputs, math.inf)
    training = TrainingConfig(
        batch=batch, length=length, lr=1e-3, precision=settings.get("precision", TrainingConfig.precision)
    )
    if {"steps", "epochs"} & settings.keys():
        return (), training
    widths = (settings["hidden"],) if "hidden" in settings else TIMED_WIDTHS
    return tuple(_network(settings, width, inputs) for width in widths), training


def _width(settings: Mapping[str, Any], inputs: RecipeInputs) -> int:
    """Take the widest layer that still reads enough characters for its weights."""
    size = inputs.vocabulary_size
    fitting = [
        width
        for width in WIDTHS
        if _characters_to_read(settings, network := _network(settings, width, inputs), inputs)
        >= CHARACTERS_PER_WEIGHT * (count_matmul_weights(network, size) - width * size)
    ]
    enough = min(WIDE_ENOUGH, size / CHARACTERS_PER_UNIT)
    return max([*fitting, next(width for width in WIDTHS if width >= enough)])


def _network(settings: Mapping[str, Any], hidden: int, inputs: RecipeInputs) -> NetworkConfig:
    embedding = settings.get("embedding")
    return NetworkConfig(
        cell=settings.get("cell", NetworkConfig.cell),
        layers=settings.get("layers", NetworkConfig.layers),
        hidden=hidden,
        embedding=_embedding(inputs.vocabulary_size) if embedding is None else embedding,
        documents=settings.get("documents"),
    )


def _embedding(vocabulary_size: int) -> int:
    """Take a third of the alphabet, within bounds: wider embeddings cost arithmetic and add no function."""
    return min(128, max(16, 16 * math.ceil(vocabulary_size / 48)))


def _dropout(settings: Mapping[str, Any], epochs: float, weights_per_char: float) -> dict[str, Any]:
    """Choose what a network goes without while it learns: the more, the more often it reads its text.

    More too where it has more weights than the text has characters, `weights_per_char` to one.

    What is asked for the outputs sets what is chosen for the rest: `--dropout 0` is none at all.
    """
    often = math.log2(max(epochs, EPOCHS_WITHOUT_DROPOUT) / EPOCHS_WITHOUT_DROPOUT)
    outputs = settings.get("dropout", min(0.5, 0.1 * often + 0.1 * math.log2(max(1, weights_per_char))))
    chosen = {
        "dropout": outputs,
        "input_dropout": outputs / 4,
        "weight_drop": min(0.5, max(0.0, 1.25 * (outputs - 0.32))),
    }
    return {name: settings.get(name, round(share, 2)) for name, share in chosen.items()}


def _characters_to_read(settings: Mapping[str, Any], network: NetworkConfig, inputs: RecipeInputs) -> float:
    """Say how many characters the budget allows, by steps, epochs or time."""
    if "steps" in settings:
        batch, length = _batch(settings, inputs, math.inf)
        return float(settings["steps"]) * batch * length
    if "epochs" in settings:
        return float(settings["epochs"]) * inputs.train_characters
    return float(settings["minutes"]) * 60 * _characters_per_second(network, inputs)


def _characters_per_second(network: NetworkConfig, inputs: RecipeInputs) -> float:
    """Foresee the speed: between widths that were timed as on a straight line of logarithms, else by arithmetic.

    What is narrower than all that were timed is as fast as the narrowest, what is wider slower by its arithmetic.
    """
    size = inputs.vocabulary_size
    if not inputs.speeds:
        return inputs.flops_per_second / (FLOPS_PER_WEIGHT * count_matmul_weights(network, size))
    widths, speeds = np.log(np.array(inputs.speeds)).T
    widest = dataclasses.replace(network, hidden=min(network.hidden, inputs.speeds[-1][0]))
    slower = count_matmul_weights(widest, size) / count_matmul_weights(network, size)
    return slower * math.exp(np.interp(math.log(network.hidden), widths, speeds))


def _batch(settings: Mapping[str, Any], inputs: RecipeInputs, characters: float) -> tuple[int, int]:
    """Choose streams and window: smaller ones where the text or what is read of it would make only a few of them."""
    usual = 64 if inputs.device == "cuda" else 32
    updates = settings.get("steps", characters / (usual * 64))
    long = updates >= MIN_UPDATES and inputs.train_characters >= 100_000
    length = settings.get("length", 64 if long else 32)
    fitting = 2 ** int(math.log2(max(4, inputs.train_characters // (length * 16))))
    return settings.get("batch", min(usual, fitting)), length


def _training(
    settings: Mapping[str, Any], network: NetworkConfig, inputs: RecipeInputs, characters: float
) -> TrainingConfig:
    batch, length = _batch(settings, inputs, characters)
    steps = settings.get("steps")
    if "epochs" in settings:
        characters = inputs.train_characters
        steps = steps_for_epochs(settings["epochs"], characters=characters, batch=batch, length=length)
    if "documents" in settings:
        # A document begins with a fresh state, and nothing else does.
        settings = {"reset": 0.0, **settings}
    names = ("warm_up", "final_lr", "weight_decay", "clip", "reset", "patience", "seed", "val_fraction", "precision")
    return TrainingConfig(
        batch=batch,
        length=length,
        lr=settings.get("lr", _peak_lr(network, inputs)),
        steps=steps,
        minutes=None if steps else settings["minutes"],
        **{name: settings[name] for name in names if name in settings},
    )


def _peak_lr(network: NetworkConfig, inputs: RecipeInputs) -> float:
    """Choose the highest learning rate: the wider or deeper, the lower; lower where there is something to lose."""
    rate = min(MAX_LR, PEAK_LR[network.cell] * 256 / network.hidden / math.sqrt(network.layers))
    rate *= FINETUNE_LR_FACTOR if inputs.trained else 1
    return float(f"{rate:.2g}")


def _check_size(network: NetworkConfig, vocabulary_size: int) -> None:
    needed = count_weights(network, vocabulary_size) * BYTES_PER_WEIGHT
    if needed > MAX_BYTES:
        raise WrongUsageError(
            f"this network would need about {needed / 1e12:,.1f} TB", hint="lower --hidden or --layers"
        )


def _why(settings: Mapping[str, Any], inputs: RecipeInputs, epochs: float) -> str:
    """Say what decided, in a line."""
    often = f"about {epochs:.1f} times" if epochs < 10 else f"about {epochs:.0f} times"
    if inputs.trained:
        rate = "" if "lr" in settings else ", at half the usual rate so as not to forget"
        return f"a trained network; reads this text {often}{rate}"
    if "hidden" in settings or "minutes" not in settings:
        return f"settings chosen to read the text {often}"
    wanted = f"{CHARACTERS_PER_WEIGHT} characters per recurrent weight"
    return f"sized to see {wanted} in that time: reads the text {often}"
