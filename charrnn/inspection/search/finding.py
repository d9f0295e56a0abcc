"""Finding of a search: the cell that follows a concept best, its statistics, and a verdict by fixed rules."""

from dataclasses import dataclass, replace
from typing import Any

from charrnn.inspection.measures.provenance import DIGITS, rounded_fields

LOSS_DIGITS = 6
"""decimals of losses in nats and of probabilities in JSON"""


@dataclass(frozen=True, kw_only=True)
class CausalEffect:
    """Effect of a cell on the loss: mean ablation at the edges of its concept and elsewhere, and a dose-response."""

    edges: int
    """number of edges at which the loss was measured"""
    edge_delta: float
    """mean increase in loss at the edges under mean ablation, in nats per character"""
    edge_se: float
    """standard error of `edge_delta`, bootstrapped over segments of text"""
    edge_z: float
    """difference of `edge_delta` from the matched controls, in standard errors"""
    elsewhere_delta: float
    """mean increase in loss at all other characters, in nats per character"""
    elsewhere_se: float
    """standard error of `elsewhere_delta`"""
    controls: tuple[float, ...]
    """`edge_delta` of each matched control: cells of the layer with a similar variance"""
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
    """difference of `pair_added` from the matched controls, in standard errors"""

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
            **rounded_fields(self, "pair_z", digits=2),
        }


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

    def __repr__(self) -> str:
        return (
            f"<Finding {self.concept} at {self.cell}: fit {self.fit:.2f}, memory {self.memory:.2f}, {self.verdict}>"
        )

    @property
    def linear(self) -> float | None:
        """Return the held-out R² of the linear probe on all cells of a layer."""
        return self.r2_by_cells[-1][1] if self.r2_by_cells else None

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
            "verdict": self.verdict,
            "reason": self.reason,
            "tuning": [[round(level, DIGITS), round(mean, DIGITS)] for level, mean in self.tuning],
            "episodes": self.episodes,
            "top": [{"cell": cell, "fit": round(fit, DIGITS)} for cell, fit in self.top],
        }


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Thresholds of the verdicts, which are one word for a cell and a concept."""

    p_value: float = 0.05
    """largest p-value of a significant finding"""
    margin: float = 0.02
    """minimum difference of a fit or memory from that of controls"""
    weak_fit: float = 0.2
    """fit below which a finding is a trace"""
    detector_fit: float = 0.5
    """minimum fit of a detector"""
    shuffled_ratio: float = 2.0
    """minimum ratio of a detector's EV to that of shuffled weights, or the inverse ratio of unexplained variance"""
    local_memory: float = 0.05
    """memory below which a cell follows only the last three characters"""
    linear_r2: float = 0.5
    """minimum R² of a layer's linear probe for a distributed concept"""
    single_cell_ratio: float = 0.5
    """maximum R² of the best single cell for a distributed concept, as a fraction of the layer's R²"""
    shuffled_margin: float = 0.1
    """minimum difference of a layer's R² from that of shuffled weights"""
    min_z: float = 3.0
    """minimum difference of a causal cell's ablation loss from matched controls, in standard errors"""
    min_nats: float = 0.02
    """minimum increase in loss that matters, in nats per character"""
    min_contrast: float = 3.0
    """minimum ratio of the increase at the edges to that elsewhere, for a causal cell"""

    def to_json(self) -> dict[str, float]:
        """Return the thresholds under their names in JSON."""
        return {
            "chance": self.p_value,
            "noise": self.margin,
            "trace": self.weak_fit,
            "detector": self.detector_fit,
            "twin": self.shuffled_ratio,
            "local": self.local_memory,
            "told": self.linear_r2,
            "alone": self.single_cell_ratio,
            "twin_told": self.shuffled_margin,
            "needed": self.min_z,
            "felt": self.min_nats,
            "contrast": self.min_contrast,
        }


THRESHOLDS = Thresholds()

# The rules of the verdicts, each with its reason


def judge(finding: Finding, rules: Thresholds = THRESHOLDS) -> Finding:
    """Return a finding with its verdict, and with the condition that led to the verdict."""
    verdict, reason = _verdict(finding, rules)
    return replace(finding, verdict=verdict, reason=reason)


def _verdict(finding: Finding, rules: Thresholds) -> tuple[str, str]:
    """Return the verdict of the first rule that applies, and the reason."""
    if finding.p is not None and finding.p > rules.p_value:
        return "none", f"p above {rules.p_value}"
    if _is_distributed(finding, rules):
        return "distributed", (
            f"fit below {rules.detector_fit}, but R² of all cells of a layer at least {rules.linear_r2} and"
            f" {1 / rules.single_cell_ratio:g} times that of the best one"
        )
    if finding.fit <= rules.margin:
        return "none", f"fit at most {rules.margin}"
    if not _above_controls(finding, rules):
        return "none", f"fit and memory at most {rules.margin} above scrambled weights and placebos"
    if finding.fit < rules.weak_fit:
        return "trace", f"fit below {rules.weak_fit}, however often the cell is on inside"
    if finding.memory < rules.local_memory:
        return "local", f"memory below {rules.local_memory}: the last three characters explain as much"
    if finding.fit < rules.detector_fit:
        return "partial", f"fit below {rules.detector_fit}, whatever the ablation costs"
    if not _beats_shuffled(finding, rules):
        return "partial", f"neither fit nor memory {rules.shuffled_ratio:g} times those of scrambled weights"
    if finding.cause is None:
        return "detector", f"fit at least {rules.detector_fit}; ablation not measured"
    return _causal_verdict(finding.cause, rules)


def _above_controls(finding: Finding, rules: Thresholds) -> bool:
    """Return whether the fit or memory exceeds that of shuffled weights and placebos."""
    control_fit = max(finding.scrambled or 0.0, finding.placebo)
    control_memory = max(finding.scrambled_memory or 0.0, finding.placebo_memory, rules.local_memory)
    # memory counts, because some concepts are fitted well by spelling alone, even without training
    return finding.fit > control_fit + rules.margin or finding.memory > control_memory + rules.margin


def _beats_shuffled(finding: Finding, rules: Thresholds) -> bool:
    """Return whether the fit or memory is far above the best cell with shuffled weights."""
    by_memory = finding.memory >= rules.weak_fit and _ratio_exceeds(finding.memory, finding.scrambled_memory, rules)
    return by_memory or _ratio_exceeds(finding.fit, finding.scrambled, rules)


def _ratio_exceeds(ev: float, shuffled: float | None, rules: Thresholds) -> bool:
    """Return whether the explained variance is `shuffled_ratio` times larger, or the unexplained variance smaller."""
    shuffled_ev = shuffled or 0.0
    return ev >= rules.shuffled_ratio * shuffled_ev or rules.shuffled_ratio * (1.0 - ev) <= 1.0 - shuffled_ev


def _is_distributed(finding: Finding, rules: Thresholds) -> bool:
    """Return whether a layer has learned a concept that no single cell predicts."""
    if not finding.r2_by_cells or finding.fit >= rules.detector_fit:
        return False
    single_r2, layer_r2 = finding.r2_by_cells[0][1], finding.r2_by_cells[-1][1]
    learned = layer_r2 > (finding.scrambled_linear or 0.0) + rules.shuffled_margin
    return learned and layer_r2 >= rules.linear_r2 and single_r2 < rules.single_cell_ratio * layer_r2


def _causal_verdict(cause: CausalEffect, rules: Thresholds) -> tuple[str, str]:
    """Return the verdict of a detector with a measured causal effect, and the reason."""
    at_edges = f"ablation costs at least {rules.min_nats} nats at edges"
    if _is_needed(cause.edge_delta, cause.edge_z, rules):
        if cause.edge_delta < rules.min_contrast * abs(cause.elsewhere_delta):
            return "detector", f"{at_edges}, but less than {rules.min_contrast:g} times as much as elsewhere"
        if not cause.monotone:
            return "detector", f"{at_edges}, but the probability of an end does not follow clamps"
        return "causal", f"{at_edges}, {rules.min_contrast:g} times as much as elsewhere, and clamps agree"
    # a cell that its partner can replace is needed only when the partner is ablated, too
    if cause.pair_added is not None and _is_needed(cause.pair_added, cause.pair_z or 0.0, rules):
        return "detector", f"{at_edges} only when another detector is ablated, too"
    # a cell that the network needs between the edges is not unused
    if cause.elsewhere_delta >= rules.min_nats:
        return "detector", f"ablation costs at least {rules.min_nats} nats elsewhere, but not at edges"
    return "unused", f"ablation costs less than {rules.min_nats} nats, or no more than that of control cells"


def _is_needed(delta: float, z: float, rules: Thresholds) -> bool:
    """Return whether an ablation loss is significantly above the controls and large enough to matter."""
    return z >= rules.min_z and delta >= rules.min_nats
