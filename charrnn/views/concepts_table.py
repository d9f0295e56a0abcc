"""The table of concepts, with the occurrences of each in a text."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.inspection.search.concept_occurrences import ConceptCount, ConceptCounts
from charrnn.inspection.search.findings import RARITY_LIMIT, rarity
from charrnn.views.finding_columns import FUTURE, FUTURE_EXPLANATION
from charrnn.views.formatting import omitted_line
from charrnn.views.sanitize import ascii_signs, sanitize, unicode_output

_FAMILIES = {
    "state": "what a reader has to remember",
    "local": "controls: known from the last character",
    "anticipation": "what comes next, which a cell can only predict",
}
_DESCRIPTION_FROM, _KIND_FROM = 60, 90
"""minimum width of the screen for the description beside the numbers, and for the kind"""


@dataclass(frozen=True, kw_only=True)
class ConceptsTable:
    """Concepts grouped by family, each with the number of its episodes if a text was counted."""

    listing: ConceptCounts
    """plain numbers and text"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unicode = unicode_output(console)
        if self.listing.text is not None:
            yield _head(self.listing, unicode)
        for family, meaning in _FAMILIES.items():
            concepts = [concept for concept in self.listing.concepts if concept.family == family]
            if concepts:
                yield Text()
                yield Text(ascii_signs(f"{family} · {meaning}", unicode=unicode), style="dim")
                yield self._table(concepts, options.max_width, unicode)
        yield from self._legend(options.max_width, unicode)

    def _table(self, concepts: list[ConceptCount], width: int, unicode: bool) -> Table:
        has_counts = self.listing.text is not None
        has_descriptions = width >= _DESCRIPTION_FROM or not has_counts
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        names = [_name(concept, unicode) for concept in self.listing.concepts]
        table.add_column(min_width=min(max(map(len, names)), width // 3), overflow="fold")
        if width >= _KIND_FROM:
            table.add_column(min_width=len("counter"), style="dim")
        if has_counts:
            table.add_column(min_width=len("100,000"), justify="right", no_wrap=True)
            table.add_column(min_width=max(map(len, map(_rarity, self.listing.concepts))), no_wrap=True)
        if has_descriptions:
            table.add_column(overflow="fold", ratio=1)
        for concept in concepts:
            row = [_name(concept, unicode)]
            row += [concept.kind] if width >= _KIND_FROM else []
            row += [f"{concept.episodes:,}", _rarity(concept)] if has_counts else []
            row += [sanitize(concept.description, keep="", unicode=unicode)] if has_descriptions else []
            style = "dim" if has_counts and not concept.enough else ""
            table.add_row(*map(Text, row), style=style)
        return table

    def _legend(self, width: int, unicode: bool) -> Iterator[Text]:
        """Yield the explanations of the numbers and signs."""
        lines = []
        if self.listing.text is not None:
            lines.append("number: how often the concept ends in this text (episodes)")
            lines.append("too rare (a + b): episodes in the halves that a search compares, without warm-ups;")
            lines += [f"{RARITY_LIMIT};", "`--text FILE` reads a longer text"]
        if any(concept.uses_future for concept in self.listing.concepts):
            lines.append(f"{FUTURE[unicode]} {FUTURE_EXPLANATION}")
        has_descriptions = width >= _DESCRIPTION_FROM or self.listing.text is None
        omitted = {"kind": width < _KIND_FROM, "description": not has_descriptions}
        lines += filter(None, [omitted_line(name for name, is_omitted in omitted.items() if is_omitted)])
        if lines:
            yield Text()
        for line in lines:
            yield Text(line, style="dim")


def _rarity(concept: ConceptCount) -> str:
    """Return "too rare" with the episodes that a search counts; "" for a concept that is frequent enough."""
    if concept.enough or concept.episodes is None:
        return ""
    if not concept.episodes or concept.halves is None:
        return "too rare"
    return f"too rare ({rarity(concept.halves, concept.streams or 0)})"


def _name(concept: ConceptCount, unicode: bool) -> str:
    return sanitize(concept.name, keep="", unicode=unicode) + (FUTURE[unicode] if concept.uses_future else "")


def _head(listing: ConceptCounts, unicode: bool) -> Text:
    """Return a line with the text, its length and its language."""
    name = sanitize(listing.text or "", keep="", unicode=unicode)
    line = ascii_signs(f" · {listing.characters:,} characters · read as {listing.language}", unicode=unicode)
    return Text(name + line, style="dim")
