"""Networks whose cells were given their meaning by hand among random ones: the ground truth of the search."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.config import NetworkConfig
from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.search.findings import Finding, Findings
from charrnn.inspection.search.search import search
from charrnn.network.cells import CELLS
from charrnn.network.inference import InferenceRNN

Weights = dict[str, Any]
Gates = Mapping[str, tuple[float, Mapping[str, float], float]]
"""for each gate: its bias, its weight for some characters, its weight for the cell's own output"""

B = 20.0
"""opens a gate altogether: the sigmoid of 20 is 1 in single precision"""
QUARTER, FIFTIETH = math.atanh(0.25), math.atanh(0.02)

LSTM: dict[str, Gates] = {
    "in_quote": {"i": (-B, {'"': 2 * B}, 0), "f": (B, {'"': -2 * B}, 0), "g": (2, {}, -8), "o": (B, {}, 0)},
    "line_pos": {
        "i": (B, {"\n": -2 * B}, 0),
        "f": (B, {"\n": -2 * B}, 0),
        "g": (FIFTIETH, {}, 0),
        "o": (B, {}, 0),
    },
    "bracket_depth": {
        "i": (-B, {"(": 2 * B, ")": 2 * B}, 0),
        "f": (B, {}, 0),
        "g": (0, {"(": QUARTER, ")": -QUARTER}, 0),
        "o": (B, {}, 0),
    },
}
GRU: dict[str, Gates] = {
    "in_quote": {"r": (B, {}, 0), "z": (B, {'"': -2 * B}, 0), "n": (2, {}, -8)},
    "line_pos": {"r": (0, {}, 0), "z": (math.log(49), {"\n": -2 * B}, 0), "n": (B, {"\n": -B}, 0)},
}
LATCH: dict[str, Gates] = {"in_quote": {"h": (0, {"“": 6, "”": -6}, 2.5)}}
PLANTED = {"lstm": LSTM, "gru": GRU, "rnn": LATCH}
SILENT: Gates = {gate: (0, {}, 0) for gate in "ifgo"}
DETECTOR: Gates = {"i": (B, {}, 0), "f": (-B, {}, 0), "g": (0, {'"': B}, 0), "o": (B, {}, 0)}
"""says for one step that a quotation mark came"""

FITTED = 8_000
"""characters that the output learns from"""
ASKED = [CONCEPTS[name] for name in ("in_quote", "line_pos", "bracket_depth", "word_pos")]
"""a few concepts, so that a search is quick"""


def some_text(quotes: str = '""', lines: int = 1_500) -> str:
    """Write lines of words, some in quotes, brackets or both; none stays open at a line's end."""
    chance = np.random.default_rng(0)
    words = ["a", "to", "sun", "so", "moon", "there", "is", "no", "sea"]
    around = [("", ""), tuple(quotes), ("(", ")"), ("(so (", "))")]
    phrases = [" ".join(chance.choice(words, size=1 + number % 5)) for number in range(3 * lines)]
    spoken = [phrase.join(around[chance.choice(4, p=(0.55, 0.2, 0.15, 0.1))]) for phrase in phrases]
    return "".join(
        " ".join(spoken[3 * line : 3 * line + 1 + line % 3]) + ("\n\n" if line % 9 == 8 else "\n")
        for line in range(lines)
    )


TEXT = some_text()
TEXTS = {"lstm": TEXT, "gru": TEXT, "rnn": some_text("“”")}


@cache
def alphabet_of(text: str) -> str:
    """List the characters of a text."""
    return "".join(sorted(set(text)))


def random_weights(config: NetworkConfig, alphabet: str, seed: int, *, scale: float = 1.0) -> Weights:
    """Draw a network with one-hot input whose cells mean something by accident only, and that predicts nothing."""
    chance = np.random.default_rng(seed)
    hidden, rows = config.hidden, len(CELLS[config.cell].gates) * config.hidden
    weights = {
        "output.weight": chance.normal(size=(len(alphabet), hidden)) * 0.01,
        "output.bias": np.zeros(len(alphabet)),
    }
    for layer in range(config.layers):
        bias = np.zeros(rows)
        if config.cell == "lstm":
            bias[hidden : 2 * hidden] = chance.uniform(0, 3, size=hidden)
        inputs = hidden if layer else len(alphabet)
        weights |= {
            f"rnn.weight_ih_l{layer}": chance.normal(size=(rows, inputs)) * scale,
            f"rnn.weight_hh_l{layer}": chance.normal(size=(rows, hidden)) * 1.5 * scale / math.sqrt(hidden),
            f"rnn.bias_ih_l{layer}": bias,
            f"rnn.bias_hh_l{layer}": np.zeros(rows),
        }
    return {name: array.astype(np.float32) for name, array in weights.items()}


def plant(weights: Weights, unit: int, gates: Gates, inputs: str, *, sign: int = 1, layer: int = 0) -> None:
    """Give a unit its meaning; the sign turns what it writes over, and with it all that it says.

    The inputs are the characters that the columns of its layer's input weights stand for.
    """
    hidden = weights[f"rnn.weight_hh_l{layer}"].shape[1]
    for number, (gate, (bias, by_character, by_itself)) in enumerate(gates.items()):
        row = number * hidden + unit
        written = sign if gate in "gnh" else 1
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            weights[f"rnn.{name}_l{layer}"][row] = 0.0
        weights[f"rnn.bias_ih_l{layer}"][row] = written * bias
        weights[f"rnn.weight_hh_l{layer}"][row, unit] = by_itself
        for character, weight in by_character.items():
            weights[f"rnn.weight_ih_l{layer}"][row, inputs.index(character)] = written * weight


def listen(weights: Weights, units: Sequence[int], said: NDArray[Any], text: str) -> None:
    """Let the output say what follows from what these units said (T, units), and next to nothing of the others.

    Softmax regression by gradient descent with momentum: weights guessed by hand overshoot.
    """
    alphabet = alphabet_of(text)
    targets = np.array([alphabet.index(character) for character in text[1 : FITTED + 1]])
    inputs = np.concatenate([said[:FITTED], np.ones((FITTED, 1))], axis=1)
    scale = np.maximum(np.abs(inputs).max(axis=0), 1e-3)
    inputs, wanted = inputs / scale, np.eye(len(alphabet))[targets]
    slopes = speed = np.zeros((inputs.shape[1], len(alphabet)))
    for _ in range(300):
        guess = np.exp(inputs @ slopes)
        guess /= guess.sum(axis=1, keepdims=True)
        speed = 0.95 * speed + inputs.T @ (wanted - guess) / len(targets)
        slopes = slopes + speed
    slopes = slopes / scale[:, None]
    weights["output.weight"][:, list(units)] = slopes[:-1].T
    weights["output.bias"][:] = slopes[-1]


def said_by(
    config: NetworkConfig, weights: Weights, units: Sequence[int], text: str, *, layer: int = 0
) -> NDArray[Any]:
    """Read a text; give what units say (T, units)."""
    rnn, alphabet = InferenceRNN(config, weights), alphabet_of(text)
    ids = np.array([alphabet.index(character) for character in text])
    return np.asarray(rnn.run_with_cache(ids[:, None], rnn.initial_state(1)).layers[layer].hidden[:, 0, list(units)])


@cache
def learned(cell: str, sign: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give what the output should make of the planted cells of a kind, (V, cells), (V,), found on their own."""
    config, text = NetworkConfig(cell=cell, layers=1, hidden=len(PLANTED[cell]), embedding=0), TEXTS[cell]
    weights = random_weights(config, alphabet_of(text), 0)
    for unit, gates in enumerate(PLANTED[cell].values()):
        plant(weights, unit, gates, alphabet_of(text), sign=sign)
    listen(weights, range(config.hidden), said_by(config, weights, range(config.hidden), text), text)
    return weights["output.weight"], weights["output.bias"]


def network(
    cell: str,
    units: Mapping[int, str],
    *,
    hidden: int = 30,
    seed: int = 0,
    sign: int = 1,
    twins: Mapping[int, int] = MappingProxyType({}),
) -> tuple[NetworkConfig, Weights]:
    """Plant cells for these concepts at these units, and for the others of their kind nothing; the output uses them.

    A twin is a copy of a planted unit that the output does not hear.
    """
    config, text = NetworkConfig(cell=cell, layers=1, hidden=hidden, embedding=0), TEXTS[cell]
    weights = random_weights(config, alphabet_of(text), seed)
    slopes, bias = learned(cell, sign)
    for unit, concept in units.items():
        plant(weights, unit, PLANTED[cell][concept], alphabet_of(text), sign=sign)
        weights["output.weight"][:, unit] = slopes[:, list(PLANTED[cell]).index(concept)]
    for unit, original in twins.items():
        plant(weights, unit, PLANTED[cell][units[original]], alphabet_of(text), sign=sign)
        weights["output.weight"][:, unit] = 0.0
    weights["output.bias"][:] = bias
    return config, weights


def search_network(config: NetworkConfig, weights: Weights, text: str = TEXT, **settings: Any) -> Findings:
    """Search a network; unless others are asked for, for a few concepts."""
    alphabet = alphabet_of(text)
    ids = np.array([alphabet.index(character) for character in text])
    settings.setdefault("concepts", ASKED)
    settings.setdefault("rng", np.random.default_rng(0))
    return search(InferenceRNN(config, weights), ParsedText.of(text, "planted.md"), ids, model="planted", **settings)


def about(findings: Findings, concept: str) -> Finding:
    """Pick out the first finding of a concept."""
    return next(finding for finding in findings.concepts if finding.concept == concept)
