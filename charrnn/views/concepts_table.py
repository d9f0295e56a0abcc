"""The table of concepts, with the occurrences of each in a text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.inspection.search.concept_occurrences import ConceptCount, ConceptCounts
from charrnn.views.finding_columns import FUTURE, FUTURE_EXPLANATION
from charrnn.views.sanitize import ascii_signs, sanitize, unicode_output

_FAMILIES = {
    "state": "what a reader has to remember",
    "local": "controls: plain from the character just read",
    "anticipation": "what comes next, which a cell can only guess at",
}
_DESCRIPTION_FROM, _KIND_FROM = 60, 90
"""columns that the screen must have for what it is, beside the numbers, and for the kinds"""


@dataclass(frozen=True, kw_only=True)
class ConceptsTable:
    """Concepts under the headings of their families, each with its episodes if they were counted."""

    listing: ConceptCounts
    """plain numbers and text"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unicode = unicode_output(console)
        if self.listing.text is not None:
            yield _head(self.listing, unicode)
        for family, meaning in _FAMILIES.items():
            listed = [concept for concept in self.listing.concepts if concept.family == family]
            if listed:
                yield Text()
                yield Text(ascii_signs(f"{family} · {meaning}", unicode=unicode), style="dim")
                yield self._table(listed, options.max_width, unicode)
        yield from self._legend(unicode)

    def _table(self, listed: list[ConceptCount], width: int, unicode: bool) -> Table:
        counted = self.listing.text is not None
        described = width >= _DESCRIPTION_FROM or not counted
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        names = [_name(concept, unicode) for concept in self.listing.concepts]
        table.add_column(min_width=min(max(map(len, names)), width // 3), overflow="fold")
        if width >= _KIND_FROM:
            table.add_column(min_width=len("counter"), style="dim")
        if counted:
            table.add_column(min_width=len("100,000"), justify="right", no_wrap=True)
            table.add_column(min_width=len("too rare"), no_wrap=True)
        if described:
            table.add_column(overflow="fold", ratio=1)
        for concept in listed:
            row = [_name(concept, unicode)]
            row += [concept.kind] if width >= _KIND_FROM else []
            row += [f"{concept.episodes:,}", "" if concept.enough else "too rare"] if counted else []
            row += [sanitize(concept.description, keep="", unicode=unicode)] if described else []
            style = "dim" if counted and not concept.enough else ""
            table.add_row(*map(Text, row), style=style)
        return table

    def _legend(self, unicode: bool) -> Iterator[Text]:
        """Say what the numbers and signs are."""
        lines = []
        if self.listing.text is not None:
            lines.append("number: how often it ends in this text; too rare: no cell is judged by it")
        if any(concept.uses_future for concept in self.listing.concepts):
            lines.append(f"{FUTURE[unicode]} {FUTURE_EXPLANATION}")
        if lines:
            yield Text()
        for line in lines:
            yield Text(line, style="dim")


def _name(concept: ConceptCount, unicode: bool) -> str:
    return sanitize(concept.name, keep="", unicode=unicode) + (FUTURE[unicode] if concept.uses_future else "")


def _head(listing: ConceptCounts, unicode: bool) -> Text:
    """Say what was counted in what."""
    name = sanitize(listing.text or "", keep="", unicode=unicode)
    line = ascii_signs(f" · {listing.characters:,} characters · read as {listing.language}", unicode=unicode)
    return Text(name + line, style="dim")
