"""How far back a model reaches: what more context gains, and what each earlier character still does.

How either is measured is left to `reach` and `lags`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.inspection.lags import Lags, Quartiles, lags
from charrnn.inspection.reach import Reach, reach
from charrnn.network.reader import Reader
from charrnn.text.vocabulary import Ids

SHORTEST_TEXT = 2_000
DIGITS = 4
"""of bits, in JSON"""
SIGNIFICANT = 4
"""digits of a share that may be next to nothing"""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """How far back one model reaches in a text."""

    model: str
    """the model's name"""
    text: str
    """the text's name"""
    characters: int
    """how long the text is"""
    cell: str
    """lstm, gru or rnn"""
    layers: int
    """how many"""
    hidden: int
    """units in each"""
    reach: Reach
    """what more context gains"""
    lags: Lags
    """what each earlier character does"""

    @property
    def vanishes(self) -> dict[float, int | None]:
        """The lag at which the median gradient first falls below a tenth, a hundredth, … of that at lag 0."""
        median = self.lags.gradient.median
        below = {share: np.flatnonzero(median < share) for share in (1e-1, 1e-2, 1e-3)}
        return {share: int(found[0]) if len(found) else None for share, found in below.items()}

    def to_json(self) -> dict[str, Any]:
        """Give plain values, rounded."""
        return {
            "view": "memory",
            "model": self.model,
            "text": self.text,
            "characters": self.characters,
            "cell": self.cell,
            "layers": self.layers,
            "hidden": self.hidden,
            "full_bits": round(self.reach.full_bits, DIGITS),
            "positions": list(self.reach.positions),
            "contexts": list(self.reach.contexts),
            "bits": self.reach.bits.round(DIGITS).tolist(),
            "errors": self.reach.errors.round(DIGITS).tolist(),
            "enough": self.reach.enough,
            "anchors": self.lags.anchors,
            "gradient": _quartiles(self.lags.gradient),
            "occluded": list(self.lags.occluded),
            "occlusion_bits": _significant(self.lags.occlusion),
            "divergence_bits": _quartiles(self.lags.divergence),
        }


def memory(reader: Reader, ids: Ids, rng: np.random.Generator, *, model: str = "", text: str = "") -> Memory:
    """Measure a model over a text's ids (T,); raise CharrnnError where that is too short."""
    if len(ids) < SHORTEST_TEXT:
        raise CharrnnError(
            f"{len(ids):,} characters do not show how far a model reaches: at least {SHORTEST_TEXT:,} are needed",
            hint="`--text FILE` with more that the model knows, or a higher `--chars`",
        )
    return Memory(
        model=model,
        text=text,
        characters=len(ids),
        cell=reader.config.cell,
        layers=reader.config.layers,
        hidden=reader.config.hidden,
        reach=reach(reader, ids),
        lags=lags(reader, ids, rng),
    )


def _quartiles(of: Quartiles) -> dict[str, list[float]]:
    return {"low": _significant(of.low), "median": _significant(of.median), "high": _significant(of.high)}


def _significant(values: NDArray[np.floating]) -> list[float]:
    return [float(f"{value:.{SIGNIFICANT}g}") for value in values.tolist()]
