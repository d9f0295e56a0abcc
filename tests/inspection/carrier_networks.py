"""Networks in which one cell, several redundant cells or a direction of 32 cells carry a concept.

After a full stop, the quotation mark or a space follows with certainty, depending on whether a quotation is open. The
output reads this from the carriers with so large weights that any one of several redundant carriers suffices.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from common import encode_corpus
from numpy.typing import NDArray
from planted_networks import B, Gates, Weights, activations_of, plant, random_weights

from charrnn.config import NetworkConfig
from charrnn.network.model_file import Model, save_model
from charrnn.storage.run_directory import RunDirectory

HIDDEN = 64
"""cells of each network"""
DIRECTION_CELLS = 32
"""cells whose direction carries the concept"""
CERTAIN = 8.0
"""difference of logits that makes a character nearly impossible"""
MARGIN = 5.0
"""logit of the quotation mark that one redundant carrier writes after a full stop, negative outside a quotation"""
DIRECTION_MARGIN = 12.0
"""logit of the quotation mark that a direction writes"""

INSPECTED = 3_000
"""characters from which the mean of a readout inside and outside is computed"""

LATCHES: dict[str, Gates] = {
    "lstm": {
        "i": (-B, {"“": 2 * B, "”": 2 * B}, 0),
        "f": (B, {"“": -2 * B, "”": -2 * B}, 0),
        "g": (0, {"“": B, "”": -B}, 0),
        "o": (B, {}, 0),
    },
    "gru": {"r": (B, {}, 0), "z": (B, {"“": -2 * B, "”": -2 * B}, 0), "n": (0, {"“": B, "”": -B}, 0)},
    "rnn": {"h": (0, {"“": 6, "”": -6}, 2.5)},
}
"""a cell that is 1 inside and -1 outside of quotations"""
STOPS: dict[str, Gates] = {
    "lstm": {"i": (B, {}, 0), "f": (-B, {}, 0), "g": (0, {".": B}, 0), "o": (B, {}, 0)},
    "gru": {"r": (B, {}, 0), "z": (-B, {}, 0), "n": (0, {".": B}, 0)},
    "rnn": {"h": (0, {".": B}, 0)},
}
"""a cell that is 1 after a full stop, otherwise 0"""


@cache
def quoted_text() -> str:
    """Return sentences, about half of them in quotation marks, of nine random words and their lines."""
    rng = np.random.default_rng(1)
    words = ["a", "to", "sun", "so", "moon", "there", "is", "no", "sea"]
    text = ""
    for _ in range(900):
        sentence = " ".join(rng.choice(words, size=1 + rng.integers(6))) + "."
        text += f"“{sentence}” " if rng.random() < 0.5 else f"{sentence} "
        text += "\n" if rng.random() < 0.2 else ""
    return text


@cache
def alphabet() -> str:
    """Return the characters of the text."""
    return "".join(sorted(set(quoted_text())))


def carried_network(
    cell: str, carriers: int, *, seed: int, used: bool = True
) -> tuple[NetworkConfig, Weights, list[int]]:
    """Return a network in which this number of redundant cells carries quotations; 32: a direction of 32 cells."""
    rng = np.random.default_rng(seed)
    config = NetworkConfig(cell=cell, layers=1, hidden=HIDDEN, embedding=0)
    weights = random_weights(config, alphabet(), seed)
    order = rng.permutation(HIDDEN).tolist()
    stop, units = order[0], order[1 : 1 + carriers]
    # the decoys do not read the carriers, so that they do not follow the concept, too
    weights["rnn.weight_hh_l0"][:, order[: 1 + carriers]] = 0.0
    plant(weights, stop, STOPS[cell], alphabet())
    if carriers == DIRECTION_CELLS:
        readout = _plant_direction(weights, cell, units, rng)
    else:
        for unit in units:
            plant(weights, unit, LATCHES[cell], alphabet())
        readout = np.ones(carriers)
    _write_output(config, weights, stop, units, readout if used else np.zeros(carriers))
    return config, weights, sorted(units)


def carried_run(path: Path, cell: str, carriers: int, *, used: bool = True) -> RunDirectory:
    """Return a new run directory with such a network as its model, and the text, all of which is held out."""
    run = RunDirectory(path)
    path.mkdir(parents=True)
    (path / "quoted.md").write_text(quoted_text())
    corpus = encode_corpus([str(path / "quoted.md")], run.corpus)
    config, weights, _ = carried_network(cell, carriers, seed=0, used=used)
    assert corpus.vocabulary.characters == tuple(alphabet())
    single = {name: array.astype(np.float32) for name, array in weights.items()}
    training = {"train_characters": 0, "corpus": "quoted.md"}
    save_model(run.model, Model(config=config, vocabulary=corpus.vocabulary, weights=single, training=training))
    return run


def _plant_direction(
    weights: Weights, cell: str, units: Sequence[int], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Plant a memory along a random direction among decaying noise in all other directions, and return a readout.

    All cells are nearly linear, because their values are small. The memory is 1 inside a quotation, otherwise 0.
    """
    size = len(units)
    # each cell has about the same part in the direction, so that none of them and no few of them are special
    direction = rng.choice([-1.0, 1.0], size=size) * rng.uniform(0.9, 1.1, size=size)
    basis = np.linalg.qr(np.column_stack([direction, rng.normal(size=(size, size - 1))]))[0]
    decay = np.concatenate([[1.0], rng.uniform(0.3, 0.9, size=size - 1)])
    recurrent = basis * decay @ basis.T
    inputs = rng.normal(size=(size - 1, len(alphabet()))) * 0.06
    inputs -= inputs.mean(axis=1, keepdims=True)
    marks = np.array([(character == "“") - (character == "”") for character in alphabet()], dtype=np.float64)
    inputs *= marks == 0
    projected = basis @ np.concatenate([0.1 * marks[None], inputs])
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[cell]
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        for gate in range(gates):
            weights[f"rnn.{name}_l0"][[gate * HIDDEN + unit for unit in units]] = 0.0
    # the candidate of an LSTM is its third block, that of a GRU its last; the gates keep half of the old state
    block = {"lstm": 2, "gru": 2, "rnn": 0}[cell]
    rows = [block * HIDDEN + unit for unit in units]
    kept = {"lstm": 0.5, "gru": 0.5, "rnn": 0.0}[cell]
    scale = {"lstm": 1.0, "gru": 2.0, "rnn": 1.0}[cell]
    weights["rnn.weight_ih_l0"][rows] = scale * projected
    weights["rnn.weight_hh_l0"][np.ix_(rows, units)] = scale * (recurrent - kept * np.eye(size))
    if cell == "lstm":
        weights["rnn.bias_ih_l0"][units] = B
        weights["rnn.bias_ih_l0"][[3 * HIDDEN + unit for unit in units]] = B
    if cell == "gru":
        weights["rnn.bias_ih_l0"][units] = B
    return basis[:, 0]


def _write_output(
    config: NetworkConfig, weights: Weights, stop: int, units: Sequence[int], readout: NDArray[np.float64]
) -> None:
    """Set the output: letters by frequency; after a full stop, the quotation mark inside and the space outside."""
    text = quoted_text()
    characters = alphabet()
    stops = activations_of(config, weights, [stop], text)[:, 0]
    values = activations_of(config, weights, units, text)[:INSPECTED] @ readout
    inside = np.cumsum([(each == "“") - (each == "”") for each in text[:INSPECTED]]) > 0
    low, high = float(values[~inside].mean()), float(values[inside].mean())
    limit = DIRECTION_MARGIN if len(units) == DIRECTION_CELLS else MARGIN * len(units)
    strength = 2.0 * limit / (high - low) if readout.any() else 0.0
    frequency = np.array([text.count(character) for character in characters], dtype=np.float64)
    bias = np.log(frequency / frequency.sum())
    output = np.zeros((len(characters), HIDDEN))
    mark, space = characters.index("”"), characters.index(" ")
    output[:, stop] = -(limit + CERTAIN)
    output[space, stop] = -bias[space]
    output[mark, stop] = limit + CERTAIN
    output[:, stop] /= np.abs(stops).max()
    output[mark, units] = strength * readout
    bias[mark] = -(limit + CERTAIN) - strength * (low + high) / 2.0
    weights["output.weight"][:] = output
    weights["output.bias"][:] = bias
