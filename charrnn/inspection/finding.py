"""A finding: the cell that follows a concept best, with the numbers that say how well and what for.

How they are come by is left to the search; the findings of all concepts are a record of their own.
"""

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
