"""The visible part of the map: its layout in lines, its scroll position, and what is drawn over the text."""

from collections.abc import Callable
from typing import Any

import numpy as np

from charrnn.browser.lines import MapContent, QuantizedValues, Terminal, TextLayout, rows_per_line
from charrnn.browser.state import BrowserState
from charrnn.inspection.measures.attribution import Attribution
from charrnn.views.attribution import attribution_heatmap
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks

COLUMNS, ROWS = 80, 20
"""size of the map before the size of the terminal is known"""


class Viewport:
    """The map of a browser's state on a part of a terminal."""

    def __init__(self, state: BrowserState, terminal: Terminal) -> None:
        self.state, self.terminal = state, terminal
        self.influence: Attribution | None = None
        """attribution that is drawn in place of the cell"""
        self.top = 0
        """number of the first visible line"""
        self._quantized: tuple[Any, QuantizedValues] | None = None
        self.layout = self._new_layout(COLUMNS)
        self.resize(COLUMNS, ROWS)

    def _new_layout(self, columns: int) -> TextLayout:
        return TextLayout(self.state.recording.parsed.text, columns, unicode=self.terminal.unicode)

    def resize(self, columns: int, rows: int) -> None:
        """Fit the map into so many columns and rows."""
        self.rows, self.height = max(1, rows), max(1, rows // rows_per_line(self.terminal))
        if columns != self.layout.screen_columns:
            self.layout = self._new_layout(columns)
        self.scroll_to_cursor()

    def scroll_to_cursor(self) -> None:
        """Scroll by the smallest number of lines that shows the cursor."""
        line = self.layout.line_of(self.state.cursor)
        top = max(line - self.height + 1, min(self.top, line))
        self.top = max(0, min(top, len(self.layout.lines) - self.height))

    def step(self, characters: int) -> None:
        """Move the cursor by a number of characters."""
        self.state.go_to(self.state.cursor + characters)

    def step_lines(self, lines: int) -> None:
        """Move the cursor by a number of lines."""
        self.state.go_to(self.layout.move(self.state.cursor, lines))

    def step_pages(self, pages: int) -> None:
        """Scroll by a number of pages; the cursor stays in its row if the text is long enough."""
        self.top += pages * self.height
        self.step_lines(pages * self.height)

    # What is drawn

    def content(self) -> MapContent:
        """Return what is drawn over the text; values are quantized once for each cell and signal."""
        state = self.state
        drawn = state.cell, state.signal, id(self.influence)
        if self._quantized is None or self._quantized[0] != drawn:
            self._quantized = drawn, QuantizedValues(self._row().values)
        return MapContent(
            quantized=self._quantized[1], marks=self._marks(), selection=state.selection, cursor=state.cursor
        )

    def heatmap(self, title: str) -> Heatmap:
        """Return a heat map of the selection, or else of the visible lines."""
        row, marks = self._row(), self._marks()
        part = self.state.selection or self.layout.characters(self.top, self.height)
        return Heatmap(
            text=self.state.recording.parsed.text[part],
            rows=(HeatmapRow(label=row.label, values=row.values[part]),),
            signal="relative strength" if self.influence else self.state.signal_name,
            marks=Marks(label=marks.label, holds=marks.holds[part]) if marks else None,
            title=title,
        )

    def _row(self) -> HeatmapRow:
        """Return the values that are drawn: those of the cell, or those of the attribution by occlusion."""
        if self.influence is None:
            return HeatmapRow(label=self.state.cell_name, values=self.state.values)
        row, values = attribution_heatmap(self.influence).rows[1], np.zeros(len(self.state.recording))
        values[self.influence.start : self.influence.at + 1] = row.values
        return HeatmapRow(label=row.label, values=values)

    def _marks(self) -> Marks | None:
        """Return the underlined characters: those of the concept, or the attributed one."""
        if self.influence is None:
            return self.state.marks
        holds = np.arange(len(self.state.recording)) == self.influence.at
        return Marks(label="predicted character", holds=holds)


FARTHEST = 1 << 40
"""distance in characters that is longer than any text"""
MOVES: dict[str, Callable[[Viewport], None]] = {
    "left": lambda view: view.step(-1),
    "right": lambda view: view.step(1),
    "up": lambda view: view.step_lines(-1),
    "down": lambda view: view.step_lines(1),
    "page_up": lambda view: view.step_pages(-1),
    "page_down": lambda view: view.step_pages(1),
    "home": lambda view: view.step(-FARTHEST),
    "end": lambda view: view.step(FARTHEST),
}
"""the movements of the cursor by the names of their actions"""
