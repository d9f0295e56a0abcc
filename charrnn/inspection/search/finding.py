"""Finding of a search: the cell that follows a concept best, its statistics, and its carrier."""

from dataclasses import dataclass
from typing import Any

from charrnn.inspection.measures.provenance import DIGITS, rounded_fields

LOSS_DIGITS = 6
"""decimals of losses in nats and of probabilities in JSON"""


@dataclass(frozen=True, kw_only=True)
class CausalEffect:
    """Effect of a cell, a group of cells or a direction on the loss: at the edges of its concept and elsewhere.

    Ablation holds it at its mean. The dose-response is the effect of other values on the probability of an end.
    """

    edges: int
    """number of edges at which the loss was measured"""
    edge_delta: float
    """mean increase in loss at the edges under mean ablation, in nats per character"""
    edge_se: float
    """standard error of `edge_delta`, bootstrapped over segments of text"""
    edge_z: float
    """z-score of the difference of `edge_delta` from the matched controls"""
    elsewhere_delta: float
    """mean increase in loss at all other characters, in nats per character"""
    elsewhere_se: float
    """standard error of `elsewhere_delta`"""
    controls: tuple[float, ...]
    """`edge_delta` of each matched control: cells or groups of the layer with a similar variance, or directions"""
    doses: tuple[tuple[float, float], ...]
    """clamped values outside, between and inside, and the resulting probability of the concept's end"""
    monotone: bool
    """whether this probability increases from outside to inside"""
    partner: str = ""
    """another cell that detects the concept; empty if there is none"""
    pair_delta: float | None = None
    """`edge_delta` with both cells ablated"""
    pair_added: float | None = None
    """`pair_delta` minus the `edge_delta` of the partner"""
    pair_z: float | None = None
    """z-score of the difference of `pair_added` from the matched controls"""
    elsewhere_z: float | None = None
    """z-score of the difference of `elsewhere_delta` from the matched controls; None for a single cell"""
    required_z: float = 0.0
    """smallest `edge_z` that is significant among all tests of the search (Bonferroni)"""

    def to_json(self) -> dict[str, Any]:
        """Return the rounded values in JSON."""
        return {
            "edges": self.edges,
            **rounded_fields(self, "edge_delta", "edge_se", digits=LOSS_DIGITS),
            "edge_z": round(self.edge_z, 2),
            **rounded_fields(self, "elsewhere_delta", "elsewhere_se", digits=LOSS_DIGITS),
            "control_deltas": [round(delta, LOSS_DIGITS) for delta in self.controls],
            "doses": [[round(value, DIGITS), round(probability, LOSS_DIGITS)] for value, probability in self.doses],
            "monotone": self.monotone,
            "partner": self.partner or None,
            **rounded_fields(self, "pair_delta", "pair_added", digits=LOSS_DIGITS),
            **rounded_fields(self, "pair_z", "elsewhere_z", "required_z", digits=2),
        }


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """A group of cells or a direction of a layer that may carry a concept, and the effect of its ablation."""

    cells: tuple[str, ...]
    """names of the cells of the group, the best first; of all cells of the layer for a direction"""
    r2: float
    """held-out R² of a linear probe on these cells"""
    effect: CausalEffect
    """effect of holding all cells, or the readout of the direction, at the mean"""
    weights: tuple[float, ...] = ()
    """weights with which the direction reads the cells; empty for a group"""

    def to_json(self) -> dict[str, Any]:
        """Return the rounded values in JSON, without the names of the cells."""
        group_keys = [
            *("edges", "edge_delta", "edge_se", "edge_z", "required_z"),
            *("elsewhere_delta", "elsewhere_se", "elsewhere_z", "control_deltas", "doses", "monotone"),
        ]
        effect = self.effect.to_json()
        values: dict[str, Any] = {"cells": len(self.cells), **rounded_fields(self, "r2")}
        values |= {key: effect[key] for key in group_keys}
        return values


@dataclass(frozen=True, kw_only=True, repr=False)
class Finding:
    """The cell that follows a concept best, selected on the discovery half and scored on the confirmation half."""

    concept: str
    """name of the concept"""
    description: str
    """description of the concept in one line"""
    cell: str
    """layer.unit, layers from 1, units from 0"""
    sign: int
    """1 if the cell increases with the concept, -1 if it decreases"""
    fit: float
    """held-out explained variance (EV): fraction of the cell's variance that the concept explains"""
    fit_se: float
    """standard error of `fit`"""
    memory: float
    """held-out partial EV: the fraction that the concept explains beyond the last three characters"""
    tuning: tuple[tuple[float, float], ...]
    """tuning curve: the concept's levels and the cell's mean at each level, on the discovery half"""
    episodes: int
    """number of complete episodes of the concept in the text"""
    top: tuple[tuple[str, float], ...]
    """cells with the highest selection scores, in descending order, and their fit"""
    family: str = "state"
    """family of the concept: state, local or anticipation"""
    uses_future: bool = False
    """whether marks depend on later characters, so that no cell can follow the concept completely"""
    near: tuple[str, ...] = ()
    """near duplicates of the concept in this text"""
    verdict: str = ""
    """a key of VERDICTS"""
    reason: str = ""
    """condition that led to the verdict, with its threshold"""
    p: float | None = None
    """family-wise p-value of the permutation test over all cells; None if not tested"""
    scrambled: float | None = None
    """best fit with shuffled weights; None if not measured"""
    scrambled_memory: float | None = None
    """largest memory of any cell with shuffled weights"""
    scrambled_linear: float | None = None
    """R² of a linear probe on all cells of a layer with shuffled weights"""
    placebo: float = 0.0
    """best fit to a placebo concept of this kind, at least 0"""
    placebo_memory: float = 0.0
    """largest memory of the cells selected for these placebos, at least 0"""
    rival: str = ""
    """other concept that explains most of the cell"""
    unique: float | None = None
    """partial EV of the concept beyond the rival; None without a rival"""
    r2_by_cells: tuple[tuple[int, float], ...] = ()
    """linear probes: number of cells and held-out R² for 1, 2, 4, 8 and all cells of a layer"""
    linear_layer: int = 0
    """layer of these probes, from 1"""
    inside: float | None = None
    """fraction of the concept's characters at which the cell is on (true positive rate); None for counters and
    depths"""
    outside: float | None = None
    """fraction of the other characters at which the cell is on (false positive rate)"""
    rank_correlation: float | None = None
    """Spearman's ρ of the cell and a counter or depth; None for binary concepts"""
    cause: CausalEffect | None = None
    """causal effect of the cell; None if not measured"""
    groups: tuple[Carrier, ...] = ()
    """groups of the best 1, 2, 4, 8 and 16 cells of a layer, in the order of their scores on the discovery half"""
    direction: Carrier | None = None
    """direction in which a layer's cells predict the concept; None if not measured"""
    carriers: tuple[str, ...] = ()
    """names of the cells that carry the concept, if it has a causal cell, group or direction"""

    def __repr__(self) -> str:
        return (
            f"<Finding {self.concept} at {self.cell}: fit {self.fit:.2f}, memory {self.memory:.2f}, {self.verdict}>"
        )

    @property
    def linear(self) -> float | None:
        """Return the held-out R² of the linear probe on all cells of a layer."""
        return self.r2_by_cells[-1][1] if self.r2_by_cells else None

    @property
    def carrier_effect(self) -> CausalEffect | None:
        """Return the effect of the group or direction that carries the concept, otherwise that of the cell."""
        if self.verdict == "direction" and self.direction:
            return self.direction.effect
        if self.verdict == "shared":
            return next(group.effect for group in self.groups if group.cells == self.carriers)
        return self.cause

    def to_json(self) -> dict[str, Any]:
        """Return the rounded values in JSON."""
        cause = self.cause.to_json() if self.cause else {"edge_delta": None, "elsewhere_delta": None}
        return {
            "concept": self.concept,
            "family": self.family,
            "uses_future": self.uses_future,
            "near": list(self.near),
            "cell": self.cell,
            "sign": self.sign,
            **rounded_fields(self, "fit", "fit_se", "memory", "scrambled", "scrambled_memory", "scrambled_linear"),
            **rounded_fields(self, "placebo", "placebo_memory", "p"),
            "rival": self.rival or None,
            **rounded_fields(self, "unique"),
            "spread_layer": self.linear_layer or None,
            "spread": [[cells, round(r2, DIGITS)] for cells, r2 in self.r2_by_cells],
            **rounded_fields(self, "inside", "outside", "rank_correlation"),
            **cause,
            "carriers": list(self.carriers),
            "groups": [group.to_json() for group in self.groups],
            "members": list(self.groups[-1].cells) if self.groups else [],
            "direction": self._direction_json(),
            "verdict": self.verdict,
            "reason": self.reason,
            "tuning": [[round(level, DIGITS), round(mean, DIGITS)] for level, mean in self.tuning],
            "episodes": self.episodes,
            "top": [{"cell": cell, "fit": round(fit, DIGITS)} for cell, fit in self.top],
        }

    def _direction_json(self) -> dict[str, Any] | None:
        """Return the direction with its layer, counted from 1, and the weights of the layer's cells."""
        if self.direction is None:
            return None
        layer = int(self.direction.cells[0].partition(".")[0])
        weights = [float(f"{weight:.4g}") for weight in self.direction.weights]
        return {"layer": layer, **self.direction.to_json(), "weights": weights}
