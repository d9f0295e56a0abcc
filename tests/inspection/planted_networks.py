"""Networks with planted cells of known meaning among random cells: the ground truth of the search."""

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
from charrnn.inspection.search.screening import SearchOptions
from charrnn.inspection.search.search import search
from charrnn.network.cells import CELLS
from charrnn.network.inference import InferenceRNN

Weights = dict[str, Any]
Gates = Mapping[str, tuple[float, Mapping[str, float], float]]
"""for each gate: its bias, its weights for some characters, and its weight for the cell's own output"""

B = 20.0
"""bias that saturates a gate: sigmoid(20) is 1 in float32"""
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
"""gates of a cell that is on for one step after a quotation mark"""

FITTED = 3_000
"""characters on which the output layer is fitted"""
FEW_CONCEPTS = [CONCEPTS[name] for name in ("in_quote", "line_pos", "bracket_depth", "word_pos")]
"""a few concepts, for a quick search"""


def some_text(quotes: str = '""', lines: int = 800) -> str:
    """Return lines of words, some in quotes, brackets or both, all of them closed within their line."""
    rng = np.random.default_rng(0)
    words = ["a", "to", "sun", "so", "moon", "there", "is", "no", "sea"]
    delimiters = [("", ""), tuple(quotes), ("(", ")"), ("(so (", "))")]
    phrases = [" ".join(rng.choice(words, size=1 + number % 5)) for number in range(3 * lines)]
    enclosed = [phrase.join(delimiters[rng.choice(4, p=(0.55, 0.2, 0.15, 0.1))]) for phrase in phrases]
    return "".join(
        " ".join(enclosed[3 * line : 3 * line + 1 + line % 3]) + ("\n\n" if line % 9 == 8 else "\n")
        for line in range(lines)
    )


TEXT = some_text()
TEXTS = {"lstm": TEXT, "gru": TEXT, "rnn": some_text("“”")}


@cache
def alphabet_of(text: str) -> str:
    """Return the characters of a text."""
    return "".join(sorted(set(text)))


def random_weights(config: NetworkConfig, alphabet: str, seed: int, *, scale: float = 1.0) -> Weights:
    """Return random weights of a network with one-hot input that predicts nothing."""
    rng = np.random.default_rng(seed)
    hidden, rows = config.hidden, len(CELLS[config.cell].gates) * config.hidden
    weights = {
        "output.weight": rng.normal(size=(len(alphabet), hidden)) * 0.01,
        "output.bias": np.zeros(len(alphabet)),
    }
    for layer in range(config.layers):
        bias = np.zeros(rows)
        if config.cell == "lstm":
            bias[hidden : 2 * hidden] = rng.uniform(0, 3, size=hidden)
        inputs = hidden if layer else len(alphabet)
        weights |= {
            f"rnn.weight_ih_l{layer}": rng.normal(size=(rows, inputs)) * scale,
            f"rnn.weight_hh_l{layer}": rng.normal(size=(rows, hidden)) * 1.5 * scale / math.sqrt(hidden),
            f"rnn.bias_ih_l{layer}": bias,
            f"rnn.bias_hh_l{layer}": np.zeros(rows),
        }
    return {name: array.astype(np.float32) for name, array in weights.items()}


def plant(weights: Weights, unit: int, gates: Gates, inputs: str, *, sign: int = 1, layer: int = 0) -> None:
    """Set the weights of a unit; the sign inverts the values it writes and thus its output.

    `inputs` lists the characters of the columns of the layer's input weights.
    """
    hidden = weights[f"rnn.weight_hh_l{layer}"].shape[1]
    for number, (gate, (bias, by_character, recurrent)) in enumerate(gates.items()):
        row = number * hidden + unit
        factor = sign if gate in "gnh" else 1
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            weights[f"rnn.{name}_l{layer}"][row] = 0.0
        weights[f"rnn.bias_ih_l{layer}"][row] = factor * bias
        weights[f"rnn.weight_hh_l{layer}"][row, unit] = recurrent
        for character, weight in by_character.items():
            weights[f"rnn.weight_ih_l{layer}"][row, inputs.index(character)] = factor * weight


def fit_output(weights: Weights, units: Sequence[int], activations: NDArray[Any], text: str) -> None:
    """Fit the output weights of units to their activations (T, units) by softmax regression, with momentum.

    Hand-written weights would overshoot.
    """
    alphabet = alphabet_of(text)
    targets = np.array([alphabet.index(character) for character in text[1 : FITTED + 1]])
    inputs = np.concatenate([activations[:FITTED], np.ones((FITTED, 1))], axis=1)
    scale = np.maximum(np.abs(inputs).max(axis=0), 1e-3)
    inputs, one_hot = inputs / scale, np.eye(len(alphabet))[targets]
    coefficients = velocity = np.zeros((inputs.shape[1], len(alphabet)))
    for _ in range(300):
        probs = np.exp(inputs @ coefficients)
        probs /= probs.sum(axis=1, keepdims=True)
        velocity = 0.95 * velocity + inputs.T @ (one_hot - probs) / len(targets)
        coefficients = coefficients + velocity
    coefficients = coefficients / scale[:, None]
    weights["output.weight"][:, list(units)] = coefficients[:-1].T
    weights["output.bias"][:] = coefficients[-1]


def activations_of(
    config: NetworkConfig, weights: Weights, units: Sequence[int], text: str, *, layer: int = 0
) -> NDArray[Any]:
    """Return the activations of units over a text (T, units)."""
    rnn, alphabet = InferenceRNN(config, weights), alphabet_of(text)
    ids = np.array([alphabet.index(character) for character in text])
    return np.asarray(rnn.run_with_cache(ids[:, None], rnn.initial_state(1)).layers[layer].hidden[:, 0, list(units)])


@cache
def learned(cell: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the output weights and bias fitted to the planted cells of a kind, of sign 1 (V, cells), (V,)."""
    config, text = NetworkConfig(cell=cell, layers=1, hidden=len(PLANTED[cell]), embedding=0), TEXTS[cell]
    weights = random_weights(config, alphabet_of(text), 0)
    for unit, gates in enumerate(PLANTED[cell].values()):
        plant(weights, unit, gates, alphabet_of(text))
    fit_output(weights, range(config.hidden), activations_of(config, weights, range(config.hidden), text), text)
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
    """Return a network with cells planted for these concepts at these units, and output weights fitted to them.

    `twins` maps units to planted units that they copy, without output weights.
    """
    config, text = NetworkConfig(cell=cell, layers=1, hidden=hidden, embedding=0), TEXTS[cell]
    weights = random_weights(config, alphabet_of(text), seed)
    coefficients, bias = learned(cell)
    for unit, concept in units.items():
        plant(weights, unit, PLANTED[cell][concept], alphabet_of(text), sign=sign)
        weights["output.weight"][:, unit] = sign * coefficients[:, list(PLANTED[cell]).index(concept)]
    for unit, original in twins.items():
        plant(weights, unit, PLANTED[cell][units[original]], alphabet_of(text), sign=sign)
        weights["output.weight"][:, unit] = 0.0
    weights["output.bias"][:] = bias
    return config, weights


def search_network(config: NetworkConfig, weights: Weights, text: str = TEXT, **settings: Any) -> Findings:
    """Return the findings of a network, by default for a few concepts."""
    alphabet = alphabet_of(text)
    ids = np.array([alphabet.index(character) for character in text])
    rng = settings.pop("rng", np.random.default_rng(0))
    options = SearchOptions(**{"concepts": FEW_CONCEPTS, "model": "planted"} | settings)
    return search(InferenceRNN(config, weights), ParsedText.of(text, "planted.md"), ids, rng=rng, options=options)


def finding_of(findings: Findings, concept: str) -> Finding:
    """Return the first finding of a concept."""
    return next(finding for finding in findings.concepts if finding.concept == concept)
