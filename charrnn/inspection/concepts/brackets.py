"""The brackets that are open, as a text goes by; where in a text to look for them is left to the scanner."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from charrnn.inspection.concepts.marks import Marks, forward_fill

OPENERS = {")": "(", "]": "[", "}": "{"}


@dataclass(kw_only=True)
class Brackets:
    """The open brackets, and how many of each kind there were after each change.

    A closer closes the nearest bracket of its own kind and whatever was opened since; one with nothing
    to close is passed over. A blank line closes what the language says, down to the first bracket it spares.
    """

    blank_line_closes: str = ""
    """The kinds of bracket that a blank line closes."""
    opened: list[tuple[str, int]] = field(default_factory=list)
    """The brackets open now and where they were opened, outermost first."""
    kinds: Counter[str] = field(default_factory=Counter)
    """How many of each kind: without it, a closer with nothing to close would search them all."""
    changes: list[tuple[int, int, int, int]] = field(default_factory=list)
    """The position of each change, and how many (, [ and { are open after it."""
    closed_at: dict[int, int] = field(default_factory=dict)
    """Where brackets were closed, by where they were opened."""

    def process(self, mark: str, position: int) -> None:
        """Take a bracket, or a blank line, at this position."""
        if mark in OPENERS.values():
            self.opened.append((mark, position))
            self.kinds[mark] += 1
        elif mark in OPENERS:
            self._close(OPENERS[mark], position)
        else:
            self._blank_line(position)
        self._record_change(position)

    def close_all(self, position: int) -> None:
        """Close them all at this position."""
        while self.opened:
            self._pop(position)
        self._record_change(position)

    def depths(self, length: int) -> dict[str, Marks]:
        """Draw the changes out over the text, for each kind of bracket by its opener: (length,)."""
        positions, *counts = np.array(self.changes, dtype=np.int64).reshape(-1, 4).T
        return {opener: forward_fill(length, positions, count) for opener, count in zip("([{", counts, strict=True)}

    def _record_change(self, position: int) -> None:
        self.changes.append((position, self.kinds["("], self.kinds["["], self.kinds["{"]))

    def _pop(self, position: int) -> str:
        bracket, opened = self.opened.pop()
        self.kinds[bracket] -= 1
        self.closed_at[opened] = position
        return bracket

    def _close(self, opener: str, position: int) -> None:
        if self.kinds[opener]:
            while self._pop(position) != opener:
                pass

    def _blank_line(self, position: int) -> None:
        while self.opened and self.opened[-1][0] in self.blank_line_closes:
            self._pop(position)
