"""The verdicts: one word for what was found of a cell and a concept, by rules that are written down.

The numbers that the rules ask for are measured elsewhere.
"""

from dataclasses import dataclass

from charrnn.inspection.finding import Cause, Finding


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Where the lines are drawn."""

    chance: float = 0.05
    """a p above it: any text would have shown as much"""
    noise: float = 0.02
    """what a fit must have above that of controls"""
    trace: float = 0.2
    """a fit below it is a trace"""
    detector: float = 0.5
    """a fit from here on is a detector's"""
    twin: float = 2.0
    """so many times the scrambled network's fit or memory, or so many times less left unexplained, for a detector"""
    local: float = 0.05
    """a memory below it: the cell reads the last three characters"""
    told: float = 0.5
    """R² of a layer's cells from which on they hold a concept together"""
    alone: float = 0.5
    """the share of that which one cell would tell were it not spread"""
    twin_told: float = 0.1
    """what cells together must tell above those of the scrambled network"""
    needed: float = 3.0
    """standard errors above the controls at the edges, for a causal cell; below, it is no more used than they are"""
    felt: float = 0.02
    """nats: a character that costs less than that more is no loss, however certain"""
    contrast: float = 3.0
    """times as much at the edges as elsewhere, for a causal cell"""


RULES = Rules()

VERDICTS = {
    "causal": "a detector that the network uses: held still, it costs {felt} nats and {needed:.0f} standard errors"
    " more at the concept's ends than control cells do, and {contrast:.0f} times as much as elsewhere; held at its"
    " inside value, it makes an end likelier than at its outside value",
    "detector": "fit >= {detector}; fit or memory {twin:.0f} times the scrambled network's, or half as far from 1",
    "unused": "a detector that, held still, costs no more than controls do at the concept's ends, and elsewhere less"
    " than {felt} nats",
    "partial": "fit >= {trace}",
    "distributed": "a layer's cells together tell R2 >= {told} of it, none of them half as much alone",
    "local": "memory < {local}: the last three characters tell as much",
    "trace": "fit < {trace}",
    "none": "p > {chance}, or no better than scrambled weights or placebos",
}
"""what each word says, the strongest first; a concept that came too rarely to be judged is too rare"""

ORDER = {verdict: place for place, verdict in enumerate(VERDICTS)}


def explained(verdict: str, rules: Rules = RULES) -> str:
    """Say in a line what a verdict means.

    >>> explained("partial")
    'fit >= 0.2'
    """
    return VERDICTS[verdict].format(**vars(rules))


def verdict(finding: Finding, rules: Rules = RULES) -> str:
    """Judge a finding by its numbers."""
    if finding.p is not None and finding.p > rules.chance:
        return "none"
    if _distributed(finding, rules):
        return "distributed"
    if not _above_controls(finding, rules):
        return "none"
    if finding.fit < rules.trace:
        return "trace"
    if finding.memory < rules.local:
        return "local"
    if finding.fit < rules.detector or not _learnt(finding, rules):
        return "partial"
    return _used(finding.cause, rules) if finding.cause else "detector"


def _above_controls(finding: Finding, rules: Rules) -> bool:
    """Say whether a cell does better than those of the scrambled network and those that follow placebos.

    In its fit, or in what of it takes memory: what spelling alone explains is much for some concepts, learnt or not.
    """
    fit = max(finding.scrambled or 0.0, finding.placebo)
    memory = max(finding.scrambled_memory or 0.0, finding.placebo_memory, rules.local)
    return finding.fit > rules.noise and (finding.fit > fit + rules.noise or finding.memory > memory + rules.noise)


def _learnt(finding: Finding, rules: Rules) -> bool:
    """Say whether no cell of the scrambled network comes near: in the fit, or in what of it takes memory."""
    remembers = finding.memory >= rules.trace and _beats(finding.memory, finding.scrambled_memory, rules)
    return remembers or _beats(finding.fit, finding.scrambled, rules)


def _beats(share: float, scrambled: float | None, rules: Rules) -> bool:
    """Say whether so many times as much is explained, or left to be explained, as by the scrambled network."""
    without = scrambled or 0.0
    return share >= rules.twin * without or rules.twin * (1.0 - share) <= 1.0 - without


def _distributed(finding: Finding, rules: Rules) -> bool:
    """Say whether cells hold a concept together and not one by itself, and have learnt to."""
    if not finding.spread or finding.fit >= rules.detector:
        return False
    one, every = finding.spread[0][1], finding.spread[-1][1]
    above = every > (finding.scrambled_linear or 0.0) + rules.twin_told
    return above and every >= rules.told and one < rules.alone * every


def _used(cause: Cause, rules: Rules) -> str:
    """Say whether a detector is used for what it detects."""
    alone = _needed(cause.edge_delta, cause.edge_z, rules)
    there, elsewhere = cause.edge_delta, abs(cause.elsewhere_delta)
    if alone and there >= rules.contrast * elsewhere and cause.monotone:
        return "causal"
    # what a partner makes up for shows only when both are held
    beside = cause.pair_added is not None and _needed(cause.pair_added, cause.pair_z or 0.0, rules)
    # nor is a cell unused that the network needs between the ends
    return "detector" if alone or beside or cause.elsewhere_delta >= rules.felt else "unused"


def _needed(delta: float, z: float, rules: Rules) -> bool:
    """Say whether holding costs clearly more than holding controls, and enough to matter."""
    return z >= rules.needed and delta >= rules.felt
