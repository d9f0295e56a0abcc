"""The brackets that are open, as a text goes by; where in a text to look for them is left to the scanner."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.concepts.marks import hold

OPENERS = {")": "(", "]": "[", "}": "{"}


@dataclass(kw_only=True)
class Brackets:
    """The open brackets, and how many there were after each change.

    A closer closes the nearest bracket of its own kind and whatever was opened since; one with nothing
    to close is passed over. A blank line closes what the language says, down to the first bracket it spares.
    """

    blank_line_closes: str = ""
    """The kinds of bracket that a blank line closes."""
    opened: list[str] = field(default_factory=list)
    """The brackets open now, outermost first."""
    kinds: Counter[str] = field(default_factory=Counter)
    """How many of each kind: without it, a closer with nothing to close would search them all."""
    changes: list[tuple[int, int]] = field(default_factory=list)
    """Position and depth of each change."""

    def meet(self, mark: str, position: int) -> None:
        """Take a bracket, or a blank line, at this position."""
        if mark in OPENERS.values():
            self.opened.append(mark)
            self.kinds[mark] += 1
        elif mark in OPENERS:
            self._close(OPENERS[mark])
        else:
            self._blank_line()
        self.changes.append((position, len(self.opened)))

    def restart(self, position: int) -> None:
        """Close them all at this position."""
        self.opened.clear()
        self.kinds.clear()
        self.changes.append((position, 0))

    def depths(self, length: int) -> NDArray[np.int64]:
        """Draw the changes out over the text: (length,)."""
        return hold(length, [position for position, _ in self.changes], [depth for _, depth in self.changes])

    def _pop(self) -> str:
        bracket = self.opened.pop()
        self.kinds[bracket] -= 1
        return bracket

    def _close(self, opener: str) -> None:
        if self.kinds[opener]:
            while self._pop() != opener:
                pass

    def _blank_line(self) -> None:
        while self.opened and self.opened[-1] in self.blank_line_closes:
            self._pop()
