"""The verdicts: one word for what was found of a cell and a concept, by rules that are written down.

The numbers that the rules ask for are measured elsewhere.
"""

from dataclasses import dataclass

from charrnn.inspection.finding import CausalEffect, Finding


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Where the lines are drawn."""

    p_value: float = 0.05
    """a p above it: any text would have shown as much"""
    margin: float = 0.02
    """what a fit must have above that of controls"""
    weak_fit: float = 0.2
    """a fit below it is a trace"""
    detector_fit: float = 0.5
    """a fit from here on is a detector's"""
    shuffled_ratio: float = 2.0
    """so many times the scrambled network's fit or memory, or so many times less left unexplained, for a detector"""
    local_memory: float = 0.05
    """a memory below it: the cell reads the last three characters"""
    linear_r2: float = 0.5
    """R² of a layer's cells from which on they hold a concept together"""
    single_cell_ratio: float = 0.5
    """the share of that which one cell would tell were it not spread"""
    shuffled_margin: float = 0.1
    """what cells together must tell above those of the scrambled network"""
    min_z: float = 3.0
    """standard errors above the controls at the edges, for a causal cell; below, it is no more used than they are"""
    min_nats: float = 0.02
    """nats: a character that costs less than that more is no loss, however certain"""
    min_contrast: float = 3.0
    """times as much at the edges as elsewhere, for a causal cell"""

    def to_json(self) -> dict[str, float]:
        """Return the thresholds under the names that they have in JSON."""
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

VERDICTS = {
    "causal": "a detector that the network uses: held still, it costs {min_nats} nats and {min_z:.0f} standard errors"
    " more at the concept's ends than control cells do, and {min_contrast:.0f} times as much as elsewhere; held at"
    " its inside value, it makes an end likelier than at its outside value",
    "detector": "fit >= {detector_fit}; fit or memory {shuffled_ratio:.0f} times the scrambled network's, or half as"
    " far from 1",
    "unused": "a detector that, held still, costs no more than controls do at the concept's ends, and elsewhere less"
    " than {min_nats} nats",
    "partial": "fit >= {weak_fit}",
    "distributed": "a layer's cells together tell R2 >= {linear_r2} of it, none of them half as much alone",
    "local": "memory < {local_memory}: the last three characters tell as much",
    "trace": "fit < {weak_fit}",
    "none": "p > {p_value}, or no better than scrambled weights or placebos",
}
"""what each word says, the strongest first; a concept that came too rarely to be judged is too rare"""

VERDICT_RANK = {verdict: place for place, verdict in enumerate(VERDICTS)}


def explain(verdict: str, rules: Thresholds = THRESHOLDS) -> str:
    """Say in a line what a verdict means.

    >>> explain("partial")
    'fit >= 0.2'
    """
    return VERDICTS[verdict].format(**vars(rules))


def verdict(finding: Finding, rules: Thresholds = THRESHOLDS) -> str:
    """Judge a finding by its numbers."""
    if finding.p is not None and finding.p > rules.p_value:
        return "none"
    if _is_distributed(finding, rules):
        return "distributed"
    if not _above_controls(finding, rules):
        return "none"
    if finding.fit < rules.weak_fit:
        return "trace"
    if finding.memory < rules.local_memory:
        return "local"
    if finding.fit < rules.detector_fit or not _beats_shuffled(finding, rules):
        return "partial"
    return _causal_verdict(finding.cause, rules) if finding.cause else "detector"


def _above_controls(finding: Finding, rules: Thresholds) -> bool:
    """Say whether a cell does better than those of the scrambled network and those that follow placebos.

    In its fit, or in what of it takes memory: what spelling alone explains is much for some concepts, learnt or not.
    """
    fit = max(finding.scrambled or 0.0, finding.placebo)
    memory = max(finding.scrambled_memory or 0.0, finding.placebo_memory, rules.local_memory)
    return finding.fit > rules.margin and (finding.fit > fit + rules.margin or finding.memory > memory + rules.margin)


def _beats_shuffled(finding: Finding, rules: Thresholds) -> bool:
    """Say whether no cell of the scrambled network comes near: in the fit, or in what of it takes memory."""
    remembers = finding.memory >= rules.weak_fit and _ratio_exceeds(finding.memory, finding.scrambled_memory, rules)
    return remembers or _ratio_exceeds(finding.fit, finding.scrambled, rules)


def _ratio_exceeds(share: float, scrambled: float | None, rules: Thresholds) -> bool:
    """Say whether so many times as much is explained, or left to be explained, as by the scrambled network."""
    without = scrambled or 0.0
    return share >= rules.shuffled_ratio * without or rules.shuffled_ratio * (1.0 - share) <= 1.0 - without


def _is_distributed(finding: Finding, rules: Thresholds) -> bool:
    """Say whether cells hold a concept together and not one by itself, and have learnt to."""
    if not finding.spread or finding.fit >= rules.detector_fit:
        return False
    single, every = finding.spread[0][1], finding.spread[-1][1]
    above = every > (finding.scrambled_linear or 0.0) + rules.shuffled_margin
    return above and every >= rules.linear_r2 and single < rules.single_cell_ratio * every


def _causal_verdict(cause: CausalEffect, rules: Thresholds) -> str:
    """Say whether a detector is used for what it detects."""
    alone = _is_needed(cause.edge_delta, cause.edge_z, rules)
    there, elsewhere = cause.edge_delta, abs(cause.elsewhere_delta)
    if alone and there >= rules.min_contrast * elsewhere and cause.monotone:
        return "causal"
    # what a partner makes up for shows only when both are held
    beside = cause.pair_added is not None and _is_needed(cause.pair_added, cause.pair_z or 0.0, rules)
    # nor is a cell unused that the network needs between the ends
    return "detector" if alone or beside or cause.elsewhere_delta >= rules.min_nats else "unused"


def _is_needed(delta: float, z: float, rules: Thresholds) -> bool:
    """Say whether holding costs clearly more than holding controls, and enough to matter."""
    return z >= rules.min_z and delta >= rules.min_nats
