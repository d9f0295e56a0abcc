"""Carriers of concepts: single cells, groups of redundant cells, and directions, in networks where they are known."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from carrier_networks import DIRECTION_CELLS, alphabet, carried_network, quoted_text

from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.search.controls import shuffle_weights
from charrnn.inspection.search.directions import LayerMemory
from charrnn.inspection.search.finding import Carrier, CausalEffect, Finding
from charrnn.inspection.search.findings import Findings
from charrnn.inspection.search.group_ablation import CONTROL_DRAWS, ControlCells, required_z
from charrnn.inspection.search.screening import SearchOptions
from charrnn.inspection.search.search import search
from charrnn.inspection.search.splits import quantize_marks, split_text
from charrnn.inspection.search.verdicts import judge
from charrnn.network.cells import CellState, CellStep
from charrnn.network.clamps import DirectionClamp
from charrnn.network.inference import InferenceRNN

FEW_CONCEPTS = [CONCEPTS[name] for name in ("in_quote", "line_pos", "word_pos", "punct")]
CASES = [
    (cell, carriers, used) for cell in ("lstm", "gru", "rnn") for carriers in (1, 2, 4, 32) for used in (True, False)
]
IN_SUITE = [("lstm", 2, True), ("lstm", 32, True), ("lstm", 32, False), ("gru", 4, True), ("rnn", 2, False)]
"""cases of the first seed that are not restricted to exhaustive runs"""


def parameters() -> Iterator[Any]:
    """Yield every case with 20 seeds; most of them belong to exhaustive runs."""
    for cell, carriers, used in CASES:
        for seed in range(20):
            is_quick = seed == 0 and (cell, carriers, used) in IN_SUITE
            marks = [] if is_quick else [pytest.mark.exhaustive]
            yield pytest.param(cell, carriers, used, seed, marks=marks)


def searched(rnn: InferenceRNN, seed: int = 0) -> Findings:
    """Return the findings of a search of a network for a few concepts."""
    text = quoted_text()
    ids = np.array([alphabet().index(character) for character in text])
    options = SearchOptions(concepts=FEW_CONCEPTS)
    return search(rnn, ParsedText.of(text, "quoted.md"), ids, rng=np.random.default_rng(seed), options=options)


@pytest.mark.parametrize(("cell", "carriers", "used", "seed"), list(parameters()))
def test_a_concept_has_the_planted_carriers(cell: str, carriers: int, used: bool, seed: int) -> None:
    """One cell, 2 or 4 redundant cells, or a direction; without weights of the output it is unused."""
    config, weights, units = carried_network(cell, carriers, seed=seed, used=used)
    findings = searched(InferenceRNN(config, weights), seed)
    first = next(finding for finding in findings.concepts if finding.concept == "in_quote")
    names = {f"1.{unit}" for unit in units}
    if not used:
        assert (first.verdict, first.carriers) == ("unused", ())
    elif carriers == DIRECTION_CELLS:
        assert (first.verdict, len(first.carriers)) == ("direction", config.hidden)
    else:
        assert (first.verdict, set(first.carriers)) == ("causal" if carriers == 1 else "shared", names)
    others = [finding for finding in findings.concepts if finding.concept != "in_quote"]
    assert not [finding.concept for finding in others if finding.carriers]


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(20))
def test_a_network_with_scrambled_weights_has_no_carriers(seed: int) -> None:
    """All weights of a network with four carriers, in random order within each gate."""
    config, weights, _ = carried_network(("lstm", "gru", "rnn")[seed % 3], 4, seed=seed)
    scrambled = shuffle_weights(InferenceRNN(config, weights), np.random.default_rng(seed))
    assert not [finding.concept for finding in searched(scrambled, seed).concepts if finding.carriers]


# Rules

EFFECT = CausalEffect(
    edges=100,
    edge_delta=0.4,
    edge_se=0.02,
    edge_z=8.0,
    elsewhere_delta=0.01,
    elsewhere_se=0.001,
    elsewhere_z=0.0,
    controls=(0.0, 0.01),
    doses=((-1.0, 0.1), (1.0, 0.3)),
    monotone=True,
    required_z=3.2,
)
NOTHING = replace(EFFECT, edge_delta=0.0, edge_z=0.0, elsewhere_delta=0.0)


def group(size: int, effect: CausalEffect, r2: float = 0.8) -> Carrier:
    """Return a group of this number of cells."""
    return Carrier(cells=tuple(f"1.{unit}" for unit in range(size)), r2=r2, effect=effect)


def finding(
    *sizes: CausalEffect, fit: float = 0.8, r2: float = 0.8, direction: CausalEffect | None = None
) -> Finding:
    """Return a finding with the effects of its cell and of groups of 2, 4, … cells."""
    return Finding(
        concept="in_quote",
        description="",
        cell="1.0",
        sign=1,
        fit=fit,
        fit_se=0.01,
        memory=0.7,
        tuning=(),
        episodes=100,
        top=(),
        p=0.001,
        r2_by_cells=((1, fit), (64, 0.9)),
        cause=sizes[0],
        groups=tuple(group(2**power, effect, r2) for power, effect in enumerate(sizes)),
        direction=group(64, direction) if direction else None,
    )


@pytest.mark.parametrize(
    ("judged", "verdict", "carriers"),
    [
        (finding(EFFECT, EFFECT), "causal", 1),
        (finding(NOTHING, EFFECT, EFFECT), "shared", 2),
        (finding(NOTHING, NOTHING, EFFECT), "shared", 4),
        (finding(NOTHING, EFFECT, fit=0.4), "shared", 2),
        (finding(NOTHING, EFFECT, fit=0.4, r2=0.4), "distributed", 0),
        (finding(NOTHING, replace(EFFECT, edge_z=3.1)), "detector", 0),
        (finding(NOTHING, replace(EFFECT, edge_z=0.9)), "unused", 0),
        (finding(NOTHING, replace(EFFECT, edge_z=3.1), fit=0.4), "distributed", 0),
        (finding(NOTHING, replace(EFFECT, edge_z=0.9), fit=0.4), "unused", 0),
        (finding(NOTHING, replace(EFFECT, monotone=False)), "redundant", 0),
        (finding(NOTHING, replace(NOTHING, elsewhere_delta=0.1, elsewhere_z=9.0)), "redundant", 0),
        (finding(NOTHING, NOTHING, direction=EFFECT), "direction", 64),
        (finding(NOTHING, NOTHING, fit=0.4, direction=EFFECT), "direction", 64),
        (finding(NOTHING, NOTHING, direction=NOTHING), "unused", 0),
        (finding(NOTHING, NOTHING), "unused", 0),
    ],
)
def test_the_smallest_carrier_that_meets_the_rules_counts(judged: Finding, verdict: str, carriers: int) -> None:
    """A cell before groups, groups before a direction; unused only if none of them costs anything."""
    result = judge(judged)
    assert (result.verdict, len(result.carriers)) == (verdict, carriers)


def test_more_tests_require_a_larger_difference() -> None:
    """Bonferroni's correction of a one-sided test at five percent."""
    assert required_z(1) == pytest.approx(1.645, abs=1e-3)
    assert required_z(5) < required_z(60) == pytest.approx(3.14, abs=0.01)


# Controls and directions


def test_control_groups_have_other_cells_of_a_similar_variance() -> None:
    """Concepts of a layer share them; a size for which too few cells are left has none."""
    variance = np.concatenate([np.full(20, 1.0), np.full(20, 100.0), np.full(40, 1.0)])
    is_first = np.arange(80) < 40
    cells = ControlCells(variance=variance, allowed=is_first, unrelated=is_first, hidden=40)
    controls = cells.groups([list(range(8)), [20, 21, 22, 23]], np.random.default_rng(0))
    assert set(controls) == {(0, 2), (0, 4), (0, 8), (1, 2), (1, 4)}
    assert controls[0, 2] == controls[1, 2]
    assert all(len(drawn) == CONTROL_DRAWS for drawn in controls.values())
    for drawn in controls[0, 8]:
        assert len(drawn) == 8
        assert drawn <= set(range(8, 20))


def test_erasure_holds_the_readout_and_removes_all_linear_information() -> None:
    """No linear function of the erased memory covaries with the concept, and placebos leave its readout alone."""
    text = quoted_text()
    streams, rng = split_text(text), np.random.default_rng(0)
    concept = CONCEPTS["in_quote"]
    coding = quantize_marks(concept, concept.mark(ParsedText.of(text, "quoted.md")), streams)
    steps, discovery = np.arange(0, len(coding.codes), 3), np.flatnonzero(streams.discovery)
    labels = coding.labels[steps][:, discovery]
    noise = rng.normal(size=(*labels.shape, 6))
    values = (noise @ rng.normal(size=(6, 6)) + labels[..., None] * rng.normal(size=6)).astype(np.float32)
    memory = LayerMemory(layer=1, values=values.copy(), steps=steps, streams=discovery)
    readout = memory.readout(coding)
    clamp = DirectionClamp(read=readout.read[None], write=readout.write[None], value=np.array([[readout.mean]]))
    flat = values.reshape(-1, 6).astype(np.float64)
    erased = clamp.apply(CellStep(CellState(flat), {})).state.hidden
    assert erased @ readout.read == pytest.approx(readout.mean, abs=1e-6)
    centered = (labels - labels.mean(axis=0)).ravel()
    before, after = (np.abs(centered @ states).max() for states in (flat, erased))
    assert after < 0.02 * before
    for control in memory.controls(coding, [], rng):
        assert control.write @ readout.read == pytest.approx(0.0, abs=1e-6)
        assert control.write @ control.read == pytest.approx(1.0, rel=1e-3)


def test_a_clamped_direction_of_an_lstm_changes_c_and_the_output_computed_from_it() -> None:
    """The output is o·tanh(c) of the changed c."""
    c, o = np.array([[1.0, 2.0]]), np.array([[0.5, 1.0]])
    clamp = DirectionClamp(read=np.array([[1.0, 0.0]]), write=np.array([[1.0, 0.5]]), value=np.array([[0.0]]))
    state = clamp.apply(CellStep(CellState(o * np.tanh(c), c), {"o": o})).state
    assert state.cell_state == pytest.approx(np.array([[0.0, 1.5]]))
    assert state.hidden == pytest.approx(o * np.tanh(state.cell_state))
