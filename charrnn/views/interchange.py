"""Tables of an interchange intervention: the next characters before and after the copy of cells."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.inspection.measures.interchange import Interchange
from charrnn.views.formatting import format_number, pluralize
from charrnn.views.layout import Screen, glyph_of, model_display_name, visible_character

MAX_CELLS = 4
"""number of cells whose values are listed"""
_LEGEND = (
    "Bits are Kullback-Leibler divergences of predictions. Only the state at the last character is changed: {copied};"
    " layers above read the new h, and all other cells keep their values."
)
_COPIED = {
    "tanh(c)": "c is copied, and h = o·tanh(c) follows with the output gate o of the text that it is copied into",
    "h": "h is copied",
}
"""what is copied, by the signal of the cells"""


@dataclass(frozen=True, kw_only=True)
class InterchangeView:
    """The effect of copying cells from text A into text B, and in the reverse direction."""

    forward: Interchange
    """from A into B"""
    reverse: Interchange | None = None
    """from B into A; None if it was not measured"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        forward, screen = self.forward, Screen.of(console, options)
        folded = options.update(width=screen.columns, overflow="fold", no_wrap=False)
        more = f" and {len(forward.cells) - MAX_CELLS} more" if len(forward.cells) > MAX_CELLS else ""
        header = screen.header((model_display_name(forward.model), _copied_names(forward, more)))
        yield from console.render(header, folded)
        for name, text in (("A", forward.source), ("B", forward.target)):
            yield Text(f"{name}  {text_end(text, screen.columns - 3, unicode=screen.unicode)}")
        yield from console.render(Text(screen.ascii_signs("; ".join(_values(forward)) + more)), folded)
        directions = [(forward, "A", "B")] + ([(self.reverse, "B", "A")] if self.reverse else [])
        for interchange, source, target in directions:
            yield Text()
            yield Text(f"from {source} into {target}", style="bold")
            if interchange.changes():
                yield from console.render(_table(interchange, source, target, screen), folded)
            yield from console.render(Text(screen.ascii_signs(_effect(interchange, source))), folded)
        yield Text()
        legend = _LEGEND.format(copied=_COPIED[forward.signal]) + _level_legend(forward)
        yield from console.render(Text(screen.ascii_signs(legend), style="dim"), folded)


def _copied_names(interchange: Interchange, more: str) -> str:
    """Return the names of the copied cells and concepts."""
    concepts = [f"{copied.carrier.concept.name}, {copied.carrier.description}" for copied in interchange.concepts]
    if concepts:
        return "; ".join(concepts)
    names = ", ".join(cell.cell for cell in interchange.cells[:MAX_CELLS])
    return f"{'cell' if len(interchange.cells) == 1 else 'cells'} {names}{more}"


def _level_legend(interchange: Interchange) -> str:
    """Return the explanation of the levels of concepts; empty if no carrier of a concept is copied."""
    if not interchange.concepts:
        return ""
    has_direction = any(copied.carrier.readout for copied in interchange.concepts)
    along = " Only the component along a direction is copied." if has_direction else ""
    return f"{along} The level of a concept is −1 at its carrier's mean outside the concept, and 1 inside."


def text_end(text: str, columns: int, *, unicode: bool = True) -> str:
    """Return as much of the end of a text as fits on a line, sanitized, after an ellipsis if something is omitted.

    The last character is visible even if it is a blank.

    >>> text_end("say yes", 7), text_end("say yes", 4), text_end("say ", 7)
    ('say yes', '…yes', 'say␣')
    """
    ellipsis = "…" if unicode else "..."
    glyphs = [glyph_of(character, max(columns, 1), unicode) for character in text[-max(columns, 1) :]]
    is_whole = len(text) <= columns and sum(width for _, width in glyphs) <= columns
    if text.endswith(" "):
        glyphs[-1] = visible_character(" ", unicode=unicode), 1
    left, shown = columns if is_whole else columns - len(ellipsis), list[str]()
    for glyph, width in reversed(glyphs):
        left -= width
        if left < 0:
            break
        shown.append(glyph)
    return ("" if is_whole else ellipsis[: max(columns, 0)]) + "".join(reversed(shown))


def _values(interchange: Interchange) -> Iterator[str]:
    """Yield the levels of the concepts, and the values of the first cells, after each text."""
    for copied in interchange.concepts:
        source, target = format_number(copied.source, "+z.2f"), format_number(copied.target, "+z.2f")
        yield f"level of {copied.carrier.concept.name}: {source} after A, {target} after B"
    for cell in interchange.cells[:MAX_CELLS]:
        source, target = format_number(cell.source, "+z.2f"), format_number(cell.target, "+z.2f")
        yield f"{interchange.signal} of {cell.cell}: {source} after A, {target} after B"


def _table(interchange: Interchange, source: str, target: str, screen: Screen) -> Table:
    """Return the table of the characters whose probability changes most."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(Text("next"), overflow="fold")
    for heading in (f"after {target}", f"copied from {source}", "change", f"after {source}"):
        table.add_column(Text(heading), justify="right", overflow="fold")
    for change in interchange.changes():
        difference = screen.ascii_signs(format_number(100 * (change.after - change.before), "+z.2f"))
        probabilities = (f"{probability:.2%}" for probability in (change.before, change.after))
        character = visible_character(change.character, unicode=screen.unicode)
        table.add_row(Text(character), *map(Text, probabilities), Text(difference), Text(f"{change.source:.2%}"))
    return table


def _effect(interchange: Interchange, source: str) -> str:
    """Return a line about the size of the effect, compared with that of other cells."""
    before, after = interchange.source_divergences
    size = f"the copy changes the prediction by {interchange.divergence:.3f} bits"
    if interchange.rank is not None:
        layer, layer_size = interchange.cells[0].cell.partition(".")[0], len(interchange.single_copies)
        size += (
            f", rank {interchange.rank:,} of {pluralize(layer_size, 'cell')} of layer {layer}, each copied alone"
            f" (median {interchange.median_divergence:.3f})"
        )
    return f"{size}; it differs by {after:.3f} bits from that after {source}, without the copy by {before:.3f}"
