"""Search of the LSTM variants: a planted cell is found and causal, as in an LSTM."""

from dataclasses import replace

import numpy as np
import pytest
from planted_networks import Weights, finding_of, network, search_network

from charrnn.config import NetworkConfig

UNIT = 7


def planted_variant(cell: str) -> tuple[NetworkConfig, Weights]:
    """Return an LSTM with a planted cell as a variant: its gates satisfy i = 1 - f, and it has no peepholes."""
    config, weights = network("lstm", {UNIT: "in_quote"})
    if cell == "cifg":
        weights = {name: weight[config.hidden :] if "rnn." in name else weight for name, weight in weights.items()}
    if cell == "peephole":
        peepholes = np.random.default_rng(0).normal(size=(3, config.hidden)).astype(np.float32)
        peepholes[:, UNIT] = 0
        weights["rnn.weight_peephole_l0"] = peepholes.ravel()
    return replace(config, cell=cell), weights


@pytest.mark.parametrize("signal", ["c", "f"])
@pytest.mark.parametrize("cell", ["peephole", "cifg", "capped"])
def test_a_planted_cell_of_a_variant_is_found(cell: str, signal: str) -> None:
    """By tanh(c), with its causal effect; the search for a gate works too."""
    findings = search_network(*planted_variant(cell), signal=signal, quick=signal != "c")
    assert findings.signal == {"c": "tanh(c)"}.get(signal, signal)
    if signal == "c":
        finding = finding_of(findings, "in_quote")
        assert (finding.cell, finding.verdict) == (f"1.{UNIT}", "causal")
        assert finding.fit > 0.95
