"""Findings of a search: the findings of all concepts, with the text and the settings of the search."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from charrnn.inspection.measures.provenance import DIGITS, rounded_fields
from charrnn.inspection.notebook import NotebookRecord
from charrnn.inspection.search.finding import LOSS_DIGITS, CausalEffect, Finding
from charrnn.inspection.search.verdicts import THRESHOLDS, Thresholds

__all__ = [
    "STRONG_VERDICTS",
    "VERDICTS",
    "VERDICT_RANK",
    "CausalEffect",
    "CellCounts",
    "Finding",
    "Findings",
    "TooRare",
    "UnexplainedCell",
    "best_to_draw",
    "explain",
    "reasons",
]

MIN_DRAWN_FIT = 0.05
"""minimum fit of a finding that is drawn"""


VERDICTS = {
    "causal": "a detector that the network uses: its ablation costs {min_nats} nats at the concept's ends,"
    " {min_z:.0f} standard errors more than that of control cells (with many tests more: 5 % for all of them"
    " together), and {min_contrast:.0f} times as much as elsewhere; clamped to its inside value, it makes an end more"
    " probable than at its outside value",
    "shared": "no single cell is causal, but the best 2, 4, 8 or 16 cells of a layer are, by the same rules; without"
    " a detector they must predict the concept with R2 >= {linear_r2}",
    "direction": "no group is causal, but the direction in which a layer's cells predict the concept with R2 >="
    " {linear_r2} is, by the same rules, compared with directions of placebos and random ones",
    "detector": "fit >= {detector_fit}; fit or memory {shuffled_ratio:.0f} times the scrambled network's, or half as"
    " far from 1",
    "redundant": "a detector whose role other cells can take over: only a joint ablation costs {min_nats} nats",
    "unused": "the cell, or the layer's cells together, predict it, but neither their ablation nor the erasure of the"
    " direction costs more than that of controls at the concept's ends",
    "partial": "fit >= {weak_fit}",
    "distributed": "a layer's cells together predict it with R2 >= {linear_r2}, none of them half as well alone",
    "local": "memory < {local_memory}: the last three characters explain as much",
    "trace": "fit < {weak_fit}",
    "none": "p > {p_value}, or no better than scrambled weights or placebos",
}
"""definition of each verdict, the strongest first"""

STRONG_VERDICTS = ("causal", "shared", "direction", "detector")
"""verdicts of the concepts that are drawn and highlighted"""
VERDICT_RANK = {verdict: rank for rank, verdict in enumerate(VERDICTS)}


def explain(verdict: str, rules: Thresholds = THRESHOLDS) -> str:
    """Return the definition of a verdict in one line.

    >>> explain("partial")
    'fit >= 0.2'
    """
    return VERDICTS[verdict].format(**vars(rules))


def reasons(findings: Iterable[Finding]) -> dict[str, str]:
    """Return the reasons of each verdict that occurs, the strongest verdict first."""
    by_verdict: dict[str, list[str]] = {verdict: [] for verdict in VERDICTS}
    for finding in findings:
        if finding.reason and finding.reason not in by_verdict[finding.verdict]:
            by_verdict[finding.verdict].append(finding.reason)
    return {verdict: "; or ".join(texts) for verdict, texts in by_verdict.items() if texts}


MIN_EPISODES = 30
"""minimum number of complete episodes in each half for a search"""
MIN_STREAMS_WITH_CONCEPT = 6
"""minimum number of streams that contain the concept for a search"""
RARITY_LIMIT = (
    f"a concept needs {MIN_EPISODES} episodes in each half, and {MIN_STREAMS_WITH_CONCEPT} streams that contain it"
)
"""what a search needs to judge a concept"""


def rarity(halves: tuple[int, int], streams: int) -> str:
    """Return the numbers of episodes in both halves; with the number of streams, if only that is too small.

    >>> rarity((28, 32), 20), rarity((90, 80), 4)
    ('28 + 32', '90 + 80 in 4 streams')
    """
    counts = f"{halves[0]:,} + {halves[1]:,}"
    return f"{counts} in {streams} streams" if min(halves) >= MIN_EPISODES else counts


@dataclass(frozen=True, kw_only=True)
class TooRare:
    """A concept with too few episodes in the text for a judgement."""

    concept: str
    """name of the concept"""
    episodes: int
    """number of complete episodes in the streams"""
    halves: tuple[int, int] = (0, 0)
    """these episodes in the discovery half and in the confirmation half"""
    streams: int = 0
    """number of streams that contain the concept"""

    def to_json(self) -> dict[str, Any]:
        """Return the values in JSON."""
        return {
            "concept": self.concept,
            "cell": None,
            "episodes": self.episodes,
            "halves": list(self.halves),
            "streams_with_concept": self.streams,
            "verdict": "too rare",
            "reason": RARITY_LIMIT,
        }


@dataclass(frozen=True, kw_only=True)
class UnexplainedCell:
    """A cell that the network needs and that no concept explains."""

    cell: str
    """layer.unit, layers from 1, units from 0"""
    delta: float
    """mean increase in loss under mean ablation, in nats per character"""
    delta_se: float
    """standard error of `delta`"""
    best: str
    """concept that explains most of the cell"""
    fit: float
    """explained variance by this concept"""
    local: float
    """explained variance by the last three characters"""
    writes_on: tuple[str, ...]
    """characters at which the cell's mean absolute change is largest"""
    forgets_on: tuple[str, ...]
    """characters at which the keep gate is most closed; empty for cells without such a gate"""

    def to_json(self) -> dict[str, Any]:
        """Return the rounded values in JSON."""
        return {
            "cell": self.cell,
            "delta": round(self.delta, LOSS_DIGITS),
            "delta_se": round(self.delta_se, LOSS_DIGITS),
            "best": self.best or None,
            "fit": round(self.fit, DIGITS),
            "local": round(self.local, DIGITS),
            "writes_on": list(self.writes_on),
            "forgets_on": list(self.forgets_on),
        }


@dataclass(frozen=True, kw_only=True)
class CellCounts:
    """Numbers of cells by verdict; each cell is counted once, for the concept that explains most of it."""

    dead: int = 0
    """cells whose activation does not vary on this text"""
    detectors: int = 0
    """cells that detect a concept, causal cells included"""
    causal: int = 0
    """cells with a causal finding"""
    partial: int = 0
    """cells that follow a concept in part"""
    local: int = 0
    """cells with more than half of their variance explained by the last three characters"""

    def to_json(self) -> dict[str, int]:
        """Return the values in JSON."""
        return {
            "dead": self.dead,
            "detectors": self.detectors,
            "causal": self.causal,
            "partial": self.partial,
            "local": self.local,
        }


@dataclass(frozen=True, kw_only=True)
class Findings(NotebookRecord):
    """Result of a search of a model's cells for concepts."""

    model: str
    """path of the model file"""
    text: str
    """name of the text"""
    characters: int
    """length of the text"""
    signal: str
    """signal that was searched: tanh(c), h or a gate"""
    cells: int
    """number of cells that were searched"""
    concepts: tuple[Finding, ...]
    """findings by descending verdict and fit, one for each concept with enough evidence; two for a concept that two
    cells detect"""
    too_rare: tuple[TooRare, ...]
    """concepts without enough evidence"""
    confirmed_on: str = ""
    """name of a separate confirmation text; empty if a half of the same text was used"""
    start: int = 0
    """position at which reading of each text began"""
    streams: int = 0
    """number of streams, half of them for discovery"""
    seed: int = 0
    """seed of all random numbers"""
    permutations: int = 0
    """permutations of the streams behind each p-value, without the identity; 0 if there was no test"""
    placebo_fit: float | None = None
    """best fit of any cell to any placebo concept"""
    placebos: int = 0
    """number of placebo concepts"""
    quick: bool = False
    """whether the control with shuffled weights and the causal tests were skipped"""
    local: tuple[Finding, ...] = ()
    """findings of local concepts, which are controls"""
    census: CellCounts = CellCounts()
    """numbers of cells by verdict"""
    mysteries: tuple[UnexplainedCell, ...] = ()
    """unexplained cells by descending increase in loss"""

    def to_json(self) -> dict[str, Any]:
        """Return the values in JSON, with the concepts that are too rare last."""
        concepts: list[Finding | TooRare] = [*self.concepts, *self.too_rare]
        return {
            "view": "search",
            "model": self.model,
            "text": self.text,
            "confirmed_on": self.confirmed_on or None,
            "start": self.start,
            "characters": self.characters,
            "streams": self.streams,
            "signal": self.signal,
            "cells": self.cells,
            "seed": self.seed,
            "quick": self.quick,
            "permutations": self.permutations,
            "placebos": self.placebos,
            **rounded_fields(self, "placebo_fit"),
            "census": self.census.to_json(),
            "rules": THRESHOLDS.to_json()
            | {"min_episodes": MIN_EPISODES, "min_streams_with_concept": MIN_STREAMS_WITH_CONCEPT},
            "concepts": [concept.to_json() for concept in concepts],
            "local": [finding.to_json() for finding in self.local],
            "mysteries": [cell.to_json() for cell in self.mysteries],
        }


def best_to_draw(findings: Sequence[Finding], max_findings: int) -> list[Finding]:
    """Return the findings to draw, one per cell, by descending minimum of fit and memory.

    Findings with a fit below MIN_DRAWN_FIT are excluded. If no finding remains, return the one with the best fit.
    """
    fitting = [finding for finding in findings if finding.fit >= MIN_DRAWN_FIT]
    ranked = sorted(fitting, key=lambda finding: -min(finding.fit, finding.memory))
    # a cell that follows two concepts, such as strings and quotes, is drawn for the concept with the higher rank
    best_of_cell = {finding.cell: finding for finding in reversed(ranked)}
    ranked = [finding for finding in ranked if best_of_cell[finding.cell] is finding]
    return ranked[:max_findings] or sorted(findings, key=lambda finding: -finding.fit)[:1]
