"""Facts in two columns: a word, and beside it what there is to say; long ones go on below themselves."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from charrnn.views.terminal import plain_line, unicode_output

GAP = 2
"""columns between the two"""


@dataclass(frozen=True, kw_only=True)
class KeyValueLines:
    """What there is to say of something."""

    lines: tuple[tuple[str, str], ...]
    """a word and what it is, e.g. ("model", "LSTM 1 × 512 …"); no word: it goes on from the line above"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the words in one column, what they are in the next."""
        unicode = unicode_output(console)
        table = Table.grid(padding=(0, GAP, 0, 0))
        table.add_column(no_wrap=True, style="bold")
        table.add_column(overflow="fold")
        for word, meaning in self.lines:
            table.add_row(Text(plain_line(word, unicode=unicode)), Text(plain_line(meaning, unicode=unicode)))
        yield table


def indented(line: str, style: str = "") -> Padding:
    """Draw a line that stands a little to the right, all of it where it has to be folded."""
    return Padding(Text(line, style=style), (0, 0, 0, GAP), expand=False)
