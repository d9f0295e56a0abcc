"""State of the browser: the current cell, the order of the cells, the cursor, the selection and the search."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from charrnn.browser.query import DEFAULT_THRESHOLD, THRESHOLD_STEP, ActiveCell, active_cells
from charrnn.browser.recording import Prediction, Recording, Values
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.inspection.concepts import Concept
from charrnn.inspection.search.findings import VERDICT_RANK, Finding
from charrnn.network.cell_id import check_cell, parse_cell
from charrnn.views.heatmap import Marks, marks_of

ORDERS = ("finding", "variance", "number")
"""orders of the cells; by finding, the cells without one follow by variance"""
MAX_NEEDLE_CHARS = 200
"""characters of a searched text"""


class BrowserState:
    """The state that the browser shows: cell, signal, order, cursor and selection; each change is a method."""

    def __init__(self, recording: Recording, *, signal: str | None = None) -> None:
        """`signal`: the signal that is shown first; the first of the recording by default (WrongUsageError)."""
        self.recording = recording
        self.signal = recording.signals.index(signal) if signal else 0
        self.order = ORDERS[0]
        self.findings: dict[int, Finding] = {}
        """strongest finding of each cell that has one"""
        self.marked: list[int] = []
        """cells that the user marked, in the order of the marking"""
        self.cursor = 0
        """position of the current character"""
        self.anchor: int | None = None
        """position at which the selection begins; None without a selection"""
        self.marks: Marks | None = None
        """characters at which the underlined concept holds"""
        self.needle = ""
        self.threshold = DEFAULT_THRESHOLD
        self.cell = self.ranking[0]
        """number of the current cell among the cells of all layers"""

    # Cells

    @property
    def cell_name(self) -> str:
        """The id of the current cell."""
        return str(self.recording.cell_id(self.cell))

    @property
    def signal_name(self) -> str:
        """The name of the current signal."""
        return self.recording.signals[self.signal]

    @property
    def values(self) -> Values:
        """The current signal of the current cell at each character (T,)."""
        return self.recording.cell_values(self.signal, self.cell)

    @cached_property
    def _by_variance(self) -> list[int]:
        return np.argsort(-self.recording.variances, kind="stable").tolist()  # type: ignore[no-any-return]

    @property
    def ranking(self) -> list[int]:
        """The cells in the current order."""
        if self.order == "number":
            return list(range(self.recording.cells))
        if self.order == "variance":
            return self._by_variance
        return sorted(self._by_variance, key=self._strength)

    def _strength(self, cell: int) -> tuple[float, float]:
        """Return the key by which a cell with a stronger finding comes first."""
        finding = self.findings.get(cell)
        return (VERDICT_RANK[finding.verdict], -finding.fit) if finding else (len(VERDICT_RANK), 0.0)

    @property
    def rank(self) -> int:
        """The place of the current cell in the current order, from 1."""
        return 1 + self.ranking.index(self.cell)

    def step_cell(self, step: int) -> None:
        """Go to a following or preceding cell in the current order, from the last to the first."""
        ranking = self.ranking
        self.cell = ranking[(ranking.index(self.cell) + step) % len(ranking)]

    def first_cell(self) -> None:
        """Go to the first cell in the current order."""
        self.cell = self.ranking[0]

    def choose_cell(self, name: str) -> None:
        """Go to the cell with this id (WrongUsageError)."""
        cell, config = parse_cell(name.strip()), self.recording.rnn.config
        check_cell(cell, layers=config.layers, units=config.hidden)
        self.cell = self.recording.number_of(cell)

    def step_order(self) -> None:
        """Order the cells by the next criterion; the current cell stays."""
        self.order = ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)]

    def step_signal(self, step: int) -> None:
        """Show the next or the previous signal."""
        self.signal = (self.signal + step) % len(self.recording.signals)

    def add_findings(self, findings: Sequence[Finding]) -> None:
        """Add the findings of a search, of which the strongest of each cell is kept."""
        for finding in findings:
            cell = self.recording.number_of(parse_cell(finding.cell))
            strongest = self.findings.get(cell)
            key = VERDICT_RANK[finding.verdict], -finding.fit
            if strongest is None or key < (VERDICT_RANK[strongest.verdict], -strongest.fit):
                self.findings[cell] = finding

    def toggle_mark(self) -> bool:
        """Mark the current cell, or remove its mark; return whether it is marked now."""
        if self.cell in self.marked:
            self.marked.remove(self.cell)
        else:
            self.marked.append(self.cell)
        return self.cell in self.marked

    def next_marked(self) -> None:
        """Go to the marked cell after the current one (WrongUsageError without marked cells)."""
        if not self.marked:
            raise WrongUsageError("no cell is marked", hint="m marks the current cell")
        number = self.marked.index(self.cell) + 1 if self.cell in self.marked else 0
        self.cell = self.marked[number % len(self.marked)]

    # Places in the text

    def go_to(self, position: int) -> None:
        """Move the cursor to a position, or to the nearest one in the text."""
        self.cursor = max(0, min(position, len(self.recording) - 1))

    def predicted(self) -> Prediction | None:
        """Return the prediction of the character at the cursor; None for the first character."""
        return self.recording.prediction_after(self.cursor - 1) if self.cursor else None

    def underline(self, concept: Concept | None) -> None:
        """Underline the characters at which a concept holds; None: remove the underlines."""
        self.marks = marks_of(concept, self.recording.parsed) if concept else None

    def search(self, needle: str) -> None:
        """Search the text for a string, and go to its next occurrence (CharrnnError if there is none).

        Upper and lower case are the same unless the string has upper case.
        """
        self.needle = needle[:MAX_NEEDLE_CHARS]
        self.step_match(1)

    def step_match(self, step: int) -> int:
        """Go to the next or the previous occurrence of the searched string, and return its number (CharrnnError)."""
        if not self.needle:
            raise CharrnnError("nothing was searched yet", hint="/ searches the text")
        flags = re.IGNORECASE if self.needle == self.needle.lower() else 0
        starts = [match.start() for match in re.finditer(re.escape(self.needle), self.recording.parsed.text, flags)]
        if not starts:
            raise CharrnnError(f"the text does not contain {self.needle}")
        match_number = bisect_right(starts, self.cursor) if step > 0 else bisect_left(starts, self.cursor) - 1
        self.cursor = starts[match_number % len(starts)]
        return match_number % len(starts) + 1

    # Selection, and the cells that are active in it

    @property
    def selection(self) -> slice | None:
        """The selected range, from the anchor to the cursor; None without a selection."""
        if self.anchor is None:
            return None
        return slice(min(self.anchor, self.cursor), max(self.anchor, self.cursor) + 1)

    def toggle_selection(self) -> None:
        """Begin a selection at the cursor, or remove it."""
        self.anchor = self.cursor if self.anchor is None else None

    def change_threshold(self, step: int) -> None:
        """Change the threshold of active cells by a step, between one step and 1."""
        self.threshold = round(max(THRESHOLD_STEP, min(1.0, self.threshold + step * THRESHOLD_STEP)), 1)

    def active_cells(self) -> list[ActiveCell]:
        """Return the cells that are active in the selection only, or at the cursor only without a selection."""
        text_range = self.selection or slice(self.cursor, self.cursor + 1)
        return active_cells(self.recording.values[self.signal], text_range, threshold=self.threshold)
