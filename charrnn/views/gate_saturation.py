"""Gate saturation, drawn as Karpathy's scatter plot in ten by ten fields of cell counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.table import Table
from rich.text import Text

from charrnn.inspection.measures.gate_saturation import GateSaturation, GateShares, LayerGates
from charrnn.views import colors
from charrnn.views.formatting import sparkline
from charrnn.views.layout import Screen, model_display_name
from charrnn.views.plot import hstack

Counts = NDArray[np.int64]

FIELDS = 10
"""each way"""
_MARGIN = 5
_WIDTH = _MARGIN + 2 * FIELDS
_GAP = 2
DENSITIES = (1, 2, 5, 10)
"""cells in a field, from which on it is drawn denser"""
_GLYPHS = {True: "░▒▓█", False: "-+*#"}
_LEVELS = (2, 4, 6, 8)
"""of the sequential colours, of which there are eight"""
TIMES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""the edges of the classes of time, in characters"""


@dataclass(frozen=True, kw_only=True)
class GateSaturationView:
    """A picture for each gate of each layer, and how long its cells remember."""

    gates: GateSaturation
    """plain numbers"""
    light: bool = False
    """whether the terminal's background is light"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        gates, screen = self.gates, Screen.of(console, options)
        folded = options.update(width=screen.columns, overflow="fold", no_wrap=False)
        named = (model_display_name(gates.model), gates.text, f"{gates.characters:,} characters")
        yield from console.render(screen.header(named), folded)
        styles = colors.sequential_styles(screen.color_system, light=self.light) if screen.color_system else None
        for layer in gates.layers:
            yield Text()
            yield Text(f"layer {layer.layer}, {len(layer.dead):,} cells", style="bold")
            yield from _pictures(layer, screen, styles)
            yield from console.render(_table(layer, gates, screen), folded)
        yield Text()
        yield from console.render(_densities(screen, styles), folded)
        yield from console.render(Text(screen.ascii_signs(_legend(gates)), style="dim"), folded)


def _pictures(layer: LayerGates, screen: Screen, styles: tuple[Style, ...] | None) -> Iterator[Text]:
    """Draw the gates side by side, as many as there is room for."""
    count = max(1, (screen.columns + _GAP) // (_WIDTH + _GAP))
    for begin in range(0, len(layer.saturations), count):
        yield from hstack(
            [_picture(saturation, screen, styles) for saturation in layer.saturations[begin : begin + count]]
        )


def _picture(saturation: GateShares, screen: Screen, styles: tuple[Style, ...] | None) -> list[Text]:
    """Draw one gate: across the share of the time that it is open, upwards the share that it is shut."""
    upright, corner, flat = ("│", "└", "──") if screen.unicode else ("|", "`", "--")
    counts = fields(saturation)
    across, upwards = ("high", "low") if saturation.gate == "h" else ("open", "shut")
    rows = [_filled(Text(f"{'':{_MARGIN}}{saturation.gate}"))]
    for row in range(FIELDS - 1, -1, -1):
        label = {FIELDS - 1: "1", 0: "0", FIELDS // 2: upwards}.get(row, "")
        drawn = Text(f"{label:>{_MARGIN - 1}}{upright}")
        for column in range(FIELDS - row):
            drawn.append(*_field(int(counts[row, column]), screen, styles))
        rows.append(_filled(drawn))
    rows.append(_filled(Text(f"{'':{_MARGIN - 1}}{corner}{flat * FIELDS}")))
    rows.append(_filled(Text(f"{'':{_MARGIN}}0{across:^{2 * FIELDS - 2}}1")))
    return rows


def fields(saturation: GateShares) -> Counts:
    """Count the cells in each field: rows by the share of the time below, columns by that above (10, 10)."""
    high, low = (
        np.minimum((share * FIELDS).astype(np.int64), FIELDS - 1) for share in (saturation.high, saturation.low)
    )
    # Both shares together are at most 1; on the diagonal itself a cell belongs to the field below it.
    beyond = high + low >= FIELDS
    high = np.where(beyond & (high >= low), FIELDS - 1 - low, high)
    low = np.where(high + low >= FIELDS, FIELDS - 1 - high, low)
    counts = np.zeros((FIELDS, FIELDS), np.int64)
    np.add.at(counts, (low, high), 1)
    return counts


def _field(count: int, screen: Screen, styles: tuple[Style, ...] | None) -> tuple[str, str | Style]:
    """Draw a field as dense as there are cells in it."""
    if not count:
        return (" ·" if screen.unicode else " ."), "dim"
    density = sum(count >= least for least in DENSITIES) - 1
    if styles is None:
        return 2 * _GLYPHS[screen.unicode][density], ""
    return "  ", styles[_LEVELS[density]]


def _densities(screen: Screen, styles: tuple[Style, ...] | None) -> Text:
    """Say how many cells which density stands for."""
    line = Text("cells: ")
    for least, beyond in zip(DENSITIES, (*DENSITIES[1:], None), strict=True):
        line.append(*_field(least, screen, styles))
        line.append(f" {least} and more" if beyond is None else f" {least}" + f"-{beyond - 1}" * (beyond > least + 1))
        line.append("" if beyond is None else ", ")
    return line


def _table(layer: LayerGates, gates: GateSaturation, screen: Screen) -> Table:
    """Say in numbers what the pictures show, and how long cells remember."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        table.add_column(overflow="fold")
    cells = len(layer.dead)
    if layer.keeping:
        condition = f"{layer.keeping} above 0.9 for 90 % of the time"
        table.add_row("never forget", _share(layer.never_forgets, cells), Text(condition, style="dim"))
        forgot = f"{layer.keeping} below 0.1 for 90 % of the time"
        table.add_row("always forget", _share(layer.always_forgets, cells), Text(forgot, style="dim"))
    table.add_row("dead", _share(layer.dead, cells), Text("do not move", style="dim"))
    if layer.time_constants is not None:
        table.add_row("time constant", *_times(layer.time_constants, f"-1 / mean ln {layer.keeping}", gates, screen))
    measured = f"autocorrelation of {gates.signal} below 1/e"
    table.add_row("1/e time", *_times(layer.correlation_times, measured, gates, screen))
    if layer.agreement is not None:
        table.add_row(
            "agreement", Text(f"{layer.agreement:.2f}"), Text("rank correlation of the two times", style="dim")
        )
    return table


def _times(times: NDArray[np.float64], meaning: str, gates: GateSaturation, screen: Screen) -> tuple[Text, Text]:
    """Give the median, and how many cells have which time."""
    median = float(np.median(times))
    shown = f"{median:.1f}" if median <= gates.longest else f"> {gates.longest}"
    classes = np.bincount(np.searchsorted(TIMES, times, side="right"), minlength=len(TIMES) + 1)
    histogram = Text(sparkline(classes.tolist(), unicode=screen.unicode))
    histogram.append(f" under 1, 2, 4 {screen.ascii_signs('…')} {TIMES[-1]}, above: {meaning}", style="dim")
    return Text(shown), histogram


def _share(cells: NDArray[np.bool_], count: int) -> Text:
    return Text(f"{int(cells.sum()):,} ({cells.mean():.0%})" if count else "0")


def _filled(row: Text) -> Text:
    row.pad_right(_WIDTH - row.cell_len)
    return row


def _legend(gates: GateSaturation) -> str:
    """Say what the pictures show."""
    if gates.cell == "rnn":
        what = "across, the share of the time that a cell's h is above 0.9; upwards, that it is below -0.9"
    else:
        what = "across, the share of the time that a cell's gate is above 0.9; upwards, that it is below 0.1"
    return f"{what}. Times in characters: the median, and a bar of cells for each class."
