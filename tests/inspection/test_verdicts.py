"""Verdicts: the threshold of each rule."""

from dataclasses import replace
from typing import Any

import pytest

from charrnn.inspection.search.finding import VERDICT_RANK, VERDICTS, CausalEffect, Finding, explain, verdict

CAUSE = CausalEffect(
    edges=100,
    edge_delta=0.4,
    edge_se=0.02,
    edge_z=8.0,
    elsewhere_delta=0.01,
    elsewhere_se=0.001,
    controls=(0.0, 0.01, 0.02),
    doses=((-1.0, 0.1), (0.0, 0.2), (1.0, 0.3)),
    monotone=True,
)
STRONG = Finding(
    concept="in_quote",
    description="",
    cell="1.0",
    sign=1,
    fit=0.8,
    fit_se=0.01,
    memory=0.7,
    tuning=(),
    episodes=100,
    top=(),
    p=0.001,
    scrambled=0.1,
    scrambled_memory=0.05,
    r2_by_cells=((1, 0.8), (2, 0.85), (64, 0.9)),
    cause=CAUSE,
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "causal"),
        ({"cause": None}, "detector"),
        ({"p": 0.06}, "none"),
        ({"fit": 0.49}, "partial"),
        ({"fit": 0.19}, "trace"),
        ({"memory": 0.04}, "local"),
        ({"fit": 0.015, "memory": 0.3}, "none"),
        ({"fit": 0.11, "memory": 0.06}, "none"),
        ({"fit": 0.11, "memory": 0.3}, "trace"),
        ({"fit": 0.6, "scrambled": 0.4}, "causal"),
        ({"fit": 0.6, "scrambled": 0.4, "scrambled_memory": 0.4}, "partial"),
        ({"fit": 0.6, "scrambled": 0.4, "memory": 0.19}, "partial"),
        ({"fit": 0.9, "scrambled": 0.8, "memory": 0.19}, "causal"),
        ({"fit": 0.3, "placebo": 0.29, "placebo_memory": 0.69}, "none"),
        ({"fit": 0.3, "placebo": 0.29}, "partial"),
        ({"fit": 0.3, "r2_by_cells": ((1, 0.2), (64, 0.6))}, "distributed"),
        ({"fit": 0.3, "r2_by_cells": ((1, 0.2), (64, 0.6)), "scrambled_linear": 0.55}, "partial"),
        ({"fit": 0.3, "r2_by_cells": ((1, 0.35), (64, 0.6))}, "partial"),
        ({"fit": 0.6, "r2_by_cells": ((1, 0.2), (64, 0.9))}, "causal"),
    ],
)
def test_each_verdict_begins_at_its_threshold(changes: dict[str, Any], expected: str) -> None:
    """One value that crosses a threshold changes the verdict."""
    assert verdict(replace(STRONG, **changes)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"monotone": False}, "detector"),
        ({"elsewhere_delta": 0.2}, "detector"),
        ({"elsewhere_delta": -0.2}, "detector"),
        ({"edge_z": 2.9}, "unused"),
        ({"edge_z": 2.9, "elsewhere_delta": 0.03}, "detector"),
        ({"edge_delta": 0.019, "elsewhere_delta": 0.0}, "unused"),
        ({"edge_delta": -0.4, "edge_z": -8.0}, "unused"),
        ({"edge_z": 1.0, "pair_added": 0.3, "pair_z": 7.0}, "detector"),
        ({"edge_z": 1.0, "pair_added": 0.01, "pair_z": 7.0}, "unused"),
    ],
)
def test_the_verdict_of_a_detector_depends_on_its_ablation(changes: dict[str, Any], expected: str) -> None:
    """The loss must be significant, large enough, concentrated at the edges, and the dose-response monotone."""
    assert verdict(replace(STRONG, cause=replace(CAUSE, **changes))) == expected


def test_every_verdict_has_a_definition_with_numbers() -> None:
    """The definitions in the help are ordered by strength."""
    assert list(VERDICT_RANK) == ["causal", "detector", "unused", "partial", "distributed", "local", "trace", "none"]
    assert not any("{" in explain(name) for name in VERDICTS)
    assert "0.05" in explain("local")
