"""How far back a model reaches: what more context gains, and what each earlier character still does.

How either is measured is left to `loss_by_context` and `attribute_by_lag`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.inspection.lags import LagAttribution, Quartiles, attribute_by_lag
from charrnn.inspection.reach import LossByContext, loss_by_context
from charrnn.network.reader import InferenceRNN
from charrnn.text.vocabulary import Ids

SHORTEST_TEXT = 2_000
SHARES = 0.1, 0.01, 0.001
"""of what is at lag 0, below which it is said from where on it stays"""
DIGITS = 4
"""of bits, in JSON"""
SIGNIFICANT = 4
"""digits of a share that may be next to nothing"""


@dataclass(frozen=True, kw_only=True)
class EffectiveContext:
    """How far back one model reaches in a text."""

    model: str
    """the path of the model's file"""
    text: str
    """the text's name"""
    start: int = 0
    """where in it was begun to read"""
    characters: int
    """how long the text is"""
    cell: str
    """lstm, gru or rnn"""
    layers: int
    """how many"""
    hidden: int
    """units in each"""
    reach: LossByContext
    """what more context gains"""
    lags: LagAttribution
    """what each earlier character does"""

    def gradient_below(self, share: float) -> int | None:
        """Give the lag from which on the median gradient is below a share of that at lag 0; None if none is."""
        return _below(range(len(self.lags.gradient.median)), self.lags.gradient.median, share)

    def occlusion_below(self, share: float) -> int | None:
        """Give the lag from which on occlusion does less than a share of what it does at lag 0; None if none is."""
        return _below(self.lags.occluded, self.lags.occlusion_share, share)

    def to_json(self) -> dict[str, Any]:
        """Give plain values, rounded."""
        return {
            "view": "memory",
            "model": self.model,
            "text": self.text,
            "start": self.start,
            "characters": self.characters,
            "cell": self.cell,
            "layers": self.layers,
            "hidden": self.hidden,
            "full_bits": round(self.reach.full_bits, DIGITS),
            "positions": list(self.reach.positions),
            "contexts": list(self.reach.contexts),
            "bits": self.reach.bits.round(DIGITS).tolist(),
            "errors": self.reach.errors.round(DIGITS).tolist(),
            "enough": self.reach.sufficient_context,
            "anchors": self.lags.anchors,
            "gradient_below": {f"{share:g}": self.gradient_below(share) for share in SHARES},
            "occlusion_below": {f"{share:g}": self.occlusion_below(share) for share in SHARES},
            "gradient": _quartiles(self.lags.gradient),
            "occluded": list(self.lags.occluded),
            "occlusion_bits": _significant(self.lags.occlusion),
            "divergence_bits": _quartiles(self.lags.divergence),
        }


def measure_context(
    rnn: InferenceRNN, ids: Ids, rng: np.random.Generator, *, model: str = "", text: str = "", start: int = 0
) -> EffectiveContext:
    """Measure a model over a text's ids (T,); raise CharrnnError where that is too short."""
    if len(ids) < SHORTEST_TEXT:
        raise CharrnnError(
            f"{len(ids):,} characters do not show how far a model reaches: at least {SHORTEST_TEXT:,} are needed",
            hint="`--text FILE` with more that the model knows, or a higher `--chars`",
        )
    return EffectiveContext(
        model=model,
        text=text,
        start=start,
        characters=len(ids),
        cell=rnn.config.cell,
        layers=rnn.config.layers,
        hidden=rnn.config.hidden,
        reach=loss_by_context(rnn, ids),
        lags=attribute_by_lag(rnn, ids, rng),
    )


def _below(lags: Sequence[int], values: NDArray[np.floating], share: float) -> int | None:
    """Find the lag after the last one that has the share or more."""
    after = int(np.flatnonzero(values >= share).max(initial=-1)) + 1
    return lags[after] if after < len(lags) else None


def _quartiles(of: Quartiles) -> dict[str, list[float]]:
    return {"low": _significant(of.low), "median": _significant(of.median), "high": _significant(of.high)}


def _significant(values: NDArray[np.floating]) -> list[float]:
    return [float(f"{value:.{SIGNIFICANT}g}") for value in values.tolist()]
