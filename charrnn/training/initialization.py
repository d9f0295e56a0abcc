"""Initializations of untrained networks, as users write them: lstm,bias=0 is an LSTM with forget-gate bias 0."""

import math
from dataclasses import dataclass

from charrnn.arguments import shown
from charrnn.config import CELL_TITLES, NetworkConfig
from charrnn.errors import WrongUsageError, choice_hint
from charrnn.network.cells import CELLS

SAME_CELL = "same"
"""name of the model's own kind of cell"""
MAX_VALUE = 100.0
"""largest magnitude of a bias or a scale"""
HINT = "a cell, bias=B and scale=S, separated by commas, such as lstm,bias=0"


@dataclass(frozen=True, kw_only=True)
class Initialization:
    """The kind of cell and the initial weights of an untrained network; what is None is as in training."""

    cell: str | None = None
    """kind of cell; None: the model's"""
    bias: float | None = None
    """initial bias of the forget gates"""
    scale: float | None = None
    """factor of the initial recurrent weights, which are orthogonal"""

    def __str__(self) -> str:
        settings = {"bias": self.bias, "scale": self.scale}
        given = [f"{name}={value:g}" for name, value in settings.items() if value is not None]
        return ",".join([self.cell or SAME_CELL, *given])

    def for_network(self, config: NetworkConfig) -> "Initialization":
        """Return the initialization with the cell of a network; raise WrongUsageError if its cell has no bias."""
        cell = self.cell or config.cell
        if self.bias is not None and "f" not in CELLS[cell].gates:
            raise WrongUsageError(f"cells of kind {cell} have no forget gate, so no bias", hint="scale=S, or lstm")
        return Initialization(cell=cell, bias=self.bias, scale=self.scale)


def parse_initialization(text: str) -> Initialization:
    """Return the initialization that a text describes; raise WrongUsageError if it describes none.

    >>> parse_initialization("lstm,bias=0"), str(parse_initialization("scale=2"))
    (Initialization(cell='lstm', bias=0.0, scale=None), 'same,scale=2')
    """
    cell, values = None, dict[str, float]()
    for number, part in enumerate(text.split(",")):
        name, sign, value = part.strip().partition("=")
        if not sign and number == 0:
            cell = _cell(name)
        elif sign and name in ("bias", "scale") and name not in values:
            values[name] = _number(name, value)
        else:
            raise WrongUsageError(f"{shown(part)} is no setting of an untrained network", hint=HINT)
    return Initialization(cell=cell, bias=values.get("bias"), scale=values.get("scale"))


def _cell(name: str) -> str | None:
    """Return the kind of cell with a name; None for the model's own."""
    if name != SAME_CELL and name not in CELL_TITLES:
        raise WrongUsageError(f"{shown(name)} is not a kind of cell", hint=choice_hint(name, CELL_TITLES) or HINT)
    return None if name == SAME_CELL else name


def _number(name: str, text: str) -> float:
    """Return a number within the bounds of a setting."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (-MAX_VALUE if name == "bias" else 0) <= value <= MAX_VALUE:
        low = f"{-MAX_VALUE:g}" if name == "bias" else "0"
        raise WrongUsageError(f"{name} must be a number from {low} to {MAX_VALUE:g}, not {shown(text)}", hint=HINT)
    return value
