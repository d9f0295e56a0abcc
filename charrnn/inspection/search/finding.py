"""A finding: the cell that follows a concept best, its statistics, and a verdict by fixed rules."""

from dataclasses import dataclass
from typing import Any

DIGITS = 4
"""of a share, in JSON"""
LOSS_DIGITS = 6
"""of a loss in nats or of a probability, in JSON"""


@dataclass(frozen=True, kw_only=True)
class CausalEffect:
    """What the network loses when a cell is held still, and where: at the edges of its concept, or everywhere."""

    edges: int
    """how many edges of the concept the losses were taken at"""
    edge_delta: float
    """nats that the next character costs more there with the cell held at its mean"""
    edge_se: float
    """standard error of it, over stretches of text"""
    edge_z: float
    """how far it lies from what holding cells that move as much does there, in standard errors"""
    elsewhere_delta: float
    """nats that a character costs more everywhere else"""
    elsewhere_se: float
    """standard error of it"""
    controls: tuple[float, ...]
    """what holding other cells of the layer, that move about as much, costs at the same edges"""
    doses: tuple[tuple[float, float], ...]
    """what the cell was held at, outside, between and inside, and how probable that made the concept's end"""
    monotone: bool
    """whether that grows from outside to inside"""
    partner: str = ""
    """another cell that detects the same concept; empty where there is none"""
    pair_delta: float | None = None
    """nats that both held still cost at the edges"""
    pair_added: float | None = None
    """how much of that this cell adds, the partner being held already"""
    pair_z: float | None = None
    """how far that is from the controls"""

    def to_json(self) -> dict[str, Any]:
        """Give plain values, rounded."""
        return {
            "edges": self.edges,
            "edge_delta": round(self.edge_delta, LOSS_DIGITS),
            "edge_se": round(self.edge_se, LOSS_DIGITS),
            "edge_z": round(self.edge_z, 2),
            "elsewhere_delta": round(self.elsewhere_delta, LOSS_DIGITS),
            "elsewhere_se": round(self.elsewhere_se, LOSS_DIGITS),
            "control_deltas": [round(delta, LOSS_DIGITS) for delta in self.controls],
            "doses": [[round(value, DIGITS), round(probability, LOSS_DIGITS)] for value, probability in self.doses],
            "monotone": self.monotone,
            "partner": self.partner or None,
            "pair_delta": rounded(self.pair_delta, LOSS_DIGITS),
            "pair_added": rounded(self.pair_added, LOSS_DIGITS),
            "pair_z": rounded(self.pair_z, 2),
        }


@dataclass(frozen=True, kw_only=True, repr=False)
class Finding:
    """The cell that follows a concept best, chosen on one half of the text and scored on the other."""

    concept: str
    """the concept's name"""
    description: str
    """what it is, in one line"""
    cell: str
    """layer.unit, layers from 1, units from 0"""
    sign: int
    """1 where the cell rises with the concept, -1 where it falls"""
    fit: float
    """share of the cell's variance that the concept explains, on text that the cell was not chosen on"""
    fit_se: float
    """standard error of the fit"""
    memory: float
    """the same share, on the same text, of what the last three characters leave over"""
    tuning: tuple[tuple[float, float], ...]
    """the concept's levels and the cell's mean at each, on the text that it was chosen on"""
    episodes: int
    """how often the concept came to an end in the text: the evidence there was"""
    top: tuple[tuple[str, float], ...]
    """the cells that came first when this one was chosen, in that order, with their fit"""
    family: str = "state"
    """what sort of concept it is"""
    uses_future: bool = False
    """whether its marks depend on characters to come, so that no cell could follow it altogether"""
    near: tuple[str, ...] = ()
    """concepts that are nearly the same in this text"""
    verdict: str = ""
    """one word, see the verdicts"""
    p: float | None = None
    """how often chance alone has some cell follow the concept as much; None where it was not asked"""
    scrambled: float | None = None
    """the best fit in the network with its weights in disorder; None where there was none"""
    scrambled_memory: float | None = None
    """the best memory of any cell there"""
    scrambled_linear: float | None = None
    """how much of the concept all cells of a layer tell together there"""
    placebo: float = 0.0
    """the best fit to a placebo of the concept's kind, at least 0"""
    placebo_memory: float = 0.0
    """the best memory of one"""
    rival: str = ""
    """the other concept that explains most of the cell"""
    unique: float | None = None
    """the share of what the rival leaves over that this concept explains; None where there is no rival"""
    spread: tuple[tuple[int, float], ...] = ()
    """how much of the concept 1, 2, 4, 8 and all cells of a layer tell together: so many, held-out R²"""
    spread_layer: int = 0
    """the layer of those cells, from 1"""
    inside: float | None = None
    """how often the cell is on its side of a threshold where the concept holds; None for numbers"""
    outside: float | None = None
    """the same where it does not hold"""
    rank_correlation: float | None = None
    """Spearman's ρ of the cell with the concept; None for a concept that holds or not"""
    cause: CausalEffect | None = None
    """what the cell is for; None where it was not asked"""

    def __repr__(self) -> str:
        return (
            f"<Finding {self.concept} at {self.cell}: fit {self.fit:.2f}, memory {self.memory:.2f}, {self.verdict}>"
        )

    @property
    def linear(self) -> float | None:
        """How much of the concept all cells of a layer tell together."""
        return self.spread[-1][1] if self.spread else None

    def to_json(self) -> dict[str, Any]:
        """Give plain values, rounded."""
        cause = self.cause.to_json() if self.cause else {"edge_delta": None, "elsewhere_delta": None}
        return {
            "concept": self.concept,
            "family": self.family,
            "uses_future": self.uses_future,
            "near": list(self.near),
            "cell": self.cell,
            "sign": self.sign,
            "fit": round(self.fit, DIGITS),
            "fit_se": round(self.fit_se, DIGITS),
            "memory": round(self.memory, DIGITS),
            "scrambled": rounded(self.scrambled),
            "scrambled_memory": rounded(self.scrambled_memory),
            "scrambled_linear": rounded(self.scrambled_linear),
            "placebo": rounded(self.placebo),
            "placebo_memory": rounded(self.placebo_memory),
            "p": rounded(self.p, DIGITS),
            "rival": self.rival or None,
            "unique": rounded(self.unique, DIGITS),
            "spread_layer": self.spread_layer or None,
            "spread": [[cells, round(r2, DIGITS)] for cells, r2 in self.spread],
            "inside": rounded(self.inside, DIGITS),
            "outside": rounded(self.outside, DIGITS),
            "rank_correlation": rounded(self.rank_correlation, DIGITS),
            **cause,
            "verdict": self.verdict,
            "tuning": [[round(level, DIGITS), round(mean, DIGITS)] for level, mean in self.tuning],
            "episodes": self.episodes,
            "top": [{"cell": cell, "fit": round(fit, DIGITS)} for cell, fit in self.top],
        }


def rounded(number: float | None, digits: int = DIGITS) -> float | None:
    """Round a number that there may not be."""
    return None if number is None else round(number, digits)


# Verdicts: one word for a cell and a concept, by written rules


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
