"""Heat maps of the gates and states of one cell, below each other over a text."""

from charrnn.inspection.measures.cell_gates import CellGates, lowest_value
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks

SIGNAL = "gates and states"


def gates_heatmap(gates: CellGates, *, title: str = "", marks: Marks | None = None, light: bool = False) -> Heatmap:
    """Return a heat map with a row for each gate and each state of a cell."""
    rows = (HeatmapRow(label=name, values=values, low=lowest_value(name)) for name, values in gates.signals.items())
    return Heatmap(
        text=gates.content, rows=tuple(rows), signal=SIGNAL, marks=marks, title=title, cell=gates.cell, light=light
    )
