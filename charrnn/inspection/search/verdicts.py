"""Verdicts: one word for a concept, by fixed rules that apply alike to cells, groups of cells and directions."""

from dataclasses import dataclass, replace

from charrnn.inspection.search.finding import CausalEffect, Finding


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
    nothing_z: float = 1.0
    """largest difference from controls, in standard errors, at which the ablation of a group costs nothing"""
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
            "nothing": self.nothing_z,
            "felt": self.min_nats,
            "contrast": self.min_contrast,
        }


THRESHOLDS = Thresholds()

# The rules of the verdicts, each with its reason

_UNUSED_LAYER = "neither the ablation of 16 cells nor the erasure of a direction costs more than that of controls"
_Verdict = tuple[str, str]
"""a verdict and its reason"""


def judge(finding: Finding, rules: Thresholds = THRESHOLDS) -> Finding:
    """Return a finding with its verdict, the condition that led to the verdict, and the cells that carry the concept.

    A cell is tested before groups, a small group before a larger one, and a direction last.
    """
    verdict, reason = _represented(finding, rules)
    if verdict not in ("detector", "partial", "distributed"):
        return replace(finding, verdict=verdict, reason=reason, carriers=())
    if verdict == "detector" and finding.cause and not _failure(finding.cause, rules):
        return replace(finding, verdict="causal", reason=_causal_reason(rules), carriers=(finding.cell,))
    for group in finding.groups[1:]:
        # a group that includes a detector represents the concept, other groups must do so together
        represents = verdict == "detector" or is_learned(finding, group.r2, rules)
        if represents and not _failure(group.effect, rules):
            reason = f"of {len(group.cells)} cells together, not of fewer: {_causal_reason(rules)}"
            return replace(finding, verdict="shared", reason=reason, carriers=group.cells)
    if finding.direction and not _failure(finding.direction.effect, rules):
        reason = f"of a layer's direction, not of 16 cells: {_causal_reason(rules)}"
        return replace(finding, verdict="direction", reason=reason, carriers=finding.direction.cells)
    verdict, reason = _without_carrier(finding, verdict, reason, rules)
    return replace(finding, verdict=verdict, reason=reason, carriers=())


def _represented(finding: Finding, rules: Thresholds) -> _Verdict:
    """Return the verdict of the first rule about the fit of the cell that applies, and the reason."""
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
    return "detector", f"fit at least {rules.detector_fit}; ablation not measured"


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
    return is_learned(finding, layer_r2, rules) and single_r2 < rules.single_cell_ratio * layer_r2


def is_learned(finding: Finding, r2: float, rules: Thresholds = THRESHOLDS) -> bool:
    """Return whether cells predict a concept with this R², and much better than those of the shuffled networks."""
    return r2 >= rules.linear_r2 and r2 > (finding.scrambled_linear or 0.0) + rules.shuffled_margin


# Causal rules, which are the same for the ablation of a cell, of a group and of a direction


def _causal_reason(rules: Thresholds) -> str:
    return f"{_cost(rules)}, {rules.min_contrast:g} times as much as elsewhere, and clamps agree"


def _cost(rules: Thresholds) -> str:
    return f"ablation costs at least {rules.min_nats} nats at edges"


def _failure(effect: CausalEffect, rules: Thresholds) -> str:
    """Return the causal rule that an effect does not meet; empty if it meets all of them."""
    if not _is_needed(effect.edge_delta, effect.edge_z, effect, rules):
        return f"ablation costs less than {rules.min_nats} nats, or no more than that of control cells"
    if effect.edge_delta < rules.min_contrast * abs(effect.elsewhere_delta):
        return f"{_cost(rules)}, but less than {rules.min_contrast:g} times as much as elsewhere"
    if not effect.monotone:
        return f"{_cost(rules)}, but the probability of an end does not follow clamps"
    return ""


def _is_needed(delta: float, z: float, effect: CausalEffect, rules: Thresholds) -> bool:
    """Return whether an ablation loss is significantly above the controls and large enough to matter."""
    return z >= max(rules.min_z, effect.required_z) and delta >= rules.min_nats


def has_specific_cost(effect: CausalEffect, rules: Thresholds = THRESHOLDS) -> bool:
    """Return whether an ablation meets the rules about losses, whatever the clamps show."""
    return not _failure(replace(effect, monotone=True), rules)


def _costs_more_than_controls(effect: CausalEffect, rules: Thresholds) -> bool:
    """Return whether an ablation costs more than that of controls, at edges of the concept or elsewhere."""
    is_needed_elsewhere = _is_needed(effect.elsewhere_delta, effect.elsewhere_z or 0.0, effect, rules)
    return has_specific_cost(effect, rules) or is_needed_elsewhere


def _costs_nothing(effect: CausalEffect, rules: Thresholds) -> bool:
    """Return whether an ablation costs too little to matter, or no more than that of the average control."""
    return effect.edge_delta < rules.min_nats or effect.edge_z < rules.nothing_z


def _without_carrier(finding: Finding, verdict: str, reason: str, rules: Thresholds) -> _Verdict:
    """Return the verdict of a represented concept that neither a cell nor a group nor a direction carries."""
    cause = finding.cause
    groups_and_direction = [*finding.groups[1:], *([finding.direction] if finding.direction else [])]
    is_costly = any(_costs_more_than_controls(carrier.effect, rules) for carrier in groups_and_direction)
    is_free = not is_costly and all(_costs_nothing(carrier.effect, rules) for carrier in groups_and_direction)
    if verdict != "detector" or cause is None:
        if (
            verdict == "distributed"
            and groups_and_direction
            and is_free
            and (cause is None or _costs_nothing(cause, rules))
        ):
            return "unused", _UNUSED_LAYER
        return verdict, reason
    if _is_needed(cause.edge_delta, cause.edge_z, cause, rules):
        return "detector", _failure(cause, rules)
    # a cell that others can replace is needed only when they are ablated, too
    if cause.pair_added is not None and _is_needed(cause.pair_added, cause.pair_z or 0.0, cause, rules):
        return "redundant", f"{_cost(rules)} only when another detector is ablated, too"
    if is_costly:
        return "redundant", f"ablation costs at least {rules.min_nats} nats only with more cells or a direction"
    # a cell that the network needs between the edges is not unused
    if cause.elsewhere_delta >= rules.min_nats:
        return "detector", f"ablation costs at least {rules.min_nats} nats elsewhere, but not at edges"
    if not is_free:
        return (
            "detector",
            f"with more cells, ablation may cost {rules.min_nats} nats, but controls cost nearly as much",
        )
    return "unused", _failure(cause, rules)
