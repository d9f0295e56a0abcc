"""Verdicts: the threshold of each rule."""

import re
from dataclasses import replace
from typing import Any

import pytest

from charrnn.inspection.search.cell_summary import verdict_of_cell
from charrnn.inspection.search.finding import Carrier, CausalEffect, Finding
from charrnn.inspection.search.findings import VERDICT_RANK, VERDICTS, explain, reasons
from charrnn.inspection.search.verdicts import THRESHOLDS, judge

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
    assert judge(replace(STRONG, **changes)).verdict == expected


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
        ({"edge_z": 1.0, "pair_added": 0.3, "pair_z": 7.0}, "redundant"),
        ({"edge_z": 1.0, "pair_added": 0.01, "pair_z": 7.0}, "unused"),
    ],
)
def test_the_verdict_of_a_detector_depends_on_its_ablation(changes: dict[str, Any], expected: str) -> None:
    """The loss must be significant, large enough, concentrated at the edges, and the dose-response monotone."""
    assert judge(replace(STRONG, cause=replace(CAUSE, **changes))).verdict == expected


def test_every_verdict_has_a_definition_with_numbers() -> None:
    """The definitions in the help are ordered by strength."""
    assert list(VERDICT_RANK)[:5] == ["causal", "shared", "direction", "detector", "redundant"]
    assert list(VERDICT_RANK)[5:] == ["unused", "partial", "distributed", "local", "trace", "none"]
    assert not any("{" in explain(name) for name in VERDICTS)
    assert "0.05" in explain("local")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"fit": 0.3, "cause": replace(CAUSE, edge_delta=0.94)},
            "partial: fit below 0.5, whatever the ablation costs",
        ),
        ({"fit": 0.11, "inside": 1.0, "outside": 0.05}, "trace: fit below 0.2, however often the cell is on inside"),
        (
            {"fit": 0.6, "scrambled": 0.4, "memory": 0.19},
            "partial: neither fit nor memory 2 times those of scrambled",
        ),
        ({"p": 0.06}, "none: p above 0.05"),
        ({"cause": None}, "detector: fit at least 0.5; ablation not measured"),
        ({}, "causal: ablation costs at least 0.02 nats at edges, 3 times as much as elsewhere"),
    ],
)
def test_a_verdict_that_puzzles_has_a_reason(changes: dict[str, Any], reason: str) -> None:
    """A high cost of ablation, or a cell that is on exactly inside the concept, does not raise the verdict."""
    finding = judge(replace(STRONG, **changes))
    assert f"{finding.verdict}: {finding.reason}".startswith(reason)
    assert finding.to_json()["reason"] == finding.reason


@pytest.mark.parametrize(
    ("threshold", "changes"),
    [
        ("p_value", {"p": 0.06}),
        ("detector_fit", {"fit": 0.3}),
        ("weak_fit", {"fit": 0.15}),
        ("local_memory", {"memory": 0.04}),
        ("margin", {"fit": 0.015}),
        ("linear_r2", {"fit": 0.3, "r2_by_cells": ((1, 0.2), (64, 0.7))}),
        ("min_contrast", {"cause": replace(CAUSE, elsewhere_delta=0.2)}),
        ("min_nats", {"cause": replace(CAUSE, edge_delta=0.01, elsewhere_delta=0.0)}),
    ],
)
def test_a_reason_states_the_threshold_that_the_rule_compares(threshold: str, changes: dict[str, Any]) -> None:
    """A threshold that is changed a little changes the numbers of the reason, and nothing else."""
    finding, value = replace(STRONG, **changes), getattr(THRESHOLDS, threshold)
    before, after = (judge(finding, replace(THRESHOLDS, **{threshold: value * by})) for by in (1.0, 1.0078125))
    numbers = re.compile(r"[0-9.]*[0-9]")
    assert before.verdict == after.verdict
    assert before.reason != after.reason
    assert numbers.sub("", before.reason) == numbers.sub("", after.reason)


def test_the_reasons_of_a_table_have_a_line_for_each_verdict() -> None:
    """Ordered by strength; different reasons of a verdict are joined, and equal ones are not repeated."""
    changes: list[dict[str, Any]] = [
        {"fit": 0.1},
        {"fit": 0.3},
        {"fit": 0.4},
        {"fit": 0.6, "scrambled": 0.4, "memory": 0.1},
        {},
    ]
    lines = reasons([judge(replace(STRONG, **change)) for change in changes])
    assert list(lines) == ["causal", "partial", "trace"]
    assert lines["partial"].count("fit below 0.5") == 1
    assert "; or neither fit nor memory" in lines["partial"]


@pytest.mark.parametrize(("fit", "expected"), [(0.8, "detector"), (0.3, "partial"), (0.1, "trace")])
def test_a_cell_is_counted_by_its_own_scores_when_a_group_or_a_direction_carries_the_concept(
    fit: float, expected: str
) -> None:
    """The verdicts of groups and directions are not those of each cell that follows the concept."""
    single = Carrier(cells=("1.0",), r2=0.9, effect=CAUSE)
    pair = Carrier(cells=("1.0", "1.1"), r2=0.9, effect=CAUSE)
    no_cost = replace(CAUSE, edge_delta=0.0, edge_z=0.0)
    for groups, direction in (((single, pair), None), ((), pair)):
        finding = judge(replace(STRONG, cause=no_cost, groups=groups, direction=direction))
        assert finding.verdict in ("shared", "direction")
        assert verdict_of_cell(finding, fit=fit, memory=0.7) == expected
