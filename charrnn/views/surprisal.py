"""Surprisal maps: a text colored by surprisal, with the model's best guesses (Karpathy 2015) below each character.

In the figures of "The Unreasonable Effectiveness of Recurrent Neural Networks" a guess stands below the character
before the predicted one; here it stands below the predicted character.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from charrnn.inspection.measures.surprisal import Surprise
from charrnn.views import colors
from charrnn.views.aligned_text import ConcordanceRow, concordance
from charrnn.views.layout import MAX_LINE_COLUMNS, Line, Screen, glyph_of, model_display_name, runs, wrap_text
from charrnn.views.value_scale import MAX_BITS, bits_legend

Row = Iterator[Segment]
Numbers = NDArray[np.int64]

_MIN_COLUMNS_FOR_LABELS = 40
_LABEL_COLUMNS = 5
_MIN_PROBABILITY = 0.05
"""minimum probability of a guess that is drawn without color"""


@dataclass(frozen=True, kw_only=True, eq=False)
class SurprisalMap:
    """A text with the surprisal of each of its characters."""

    surprise: Surprise
    """plain numbers and text"""
    light: bool = False
    """whether the terminal's background is light"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        screen = Screen.of(console, options)
        folded = options.update(width=screen.columns, overflow="fold", no_wrap=False)
        named = (
            model_display_name(self.surprise.model),
            self.surprise.text,
            f"{len(self.surprise.content):,} characters",
        )
        yield from console.render(screen.header(named), folded)
        styles = colors.sequential_styles(screen.color_system, light=self.light) if screen.color_system else None
        drawing = _SurprisalDrawing(self.surprise, screen, styles)
        yield from drawing.blocks()
        yield from console.render(drawing.legend(), folded)
        yield Segment.line()
        yield from console.render(Text(screen.ascii_signs(_summary(self.surprise))), folded)
        yield Segment.line()
        yield Segment("most surprising, by bits")
        yield Segment.line()
        yield from concordance(_concordance_rows(self.surprise, screen), screen)


class _SurprisalDrawing:
    """A surprisal map with the properties of a screen."""

    def __init__(self, surprise: Surprise, screen: Screen, styles: tuple[Style, ...] | None) -> None:
        self.surprise, self.screen, self.styles = surprise, screen, styles
        self.count = surprise.probabilities.shape[1]
        self.margin = (
            _LABEL_COLUMNS if screen.columns >= _MIN_COLUMNS_FOR_LABELS and (self.count or not styles) else 0
        )
        self.bits = colors.quantize_sequential(surprise.bits, MAX_BITS)

    def blocks(self) -> Row:
        """Yield each line of the text with the digits and guesses below it."""
        columns = self.screen.columns - self.margin
        min_widths = self._min_widths(columns)
        for line in wrap_text(self.surprise.content, columns, unicode=self.screen.unicode, min_widths=min_widths):
            yield from self._labeled("", self._text(line))
            if self.styles is None:
                yield from self._labeled("bits", self._digits(line, self.bits, self.surprise.ranks > 0))
            has_guesses = any(self.surprise.guesses[line.characters])
            for rank in range(self.count if has_guesses else 0):
                yield from self._labeled(f"{rank + 1}", self._guesses(line, rank))
            if has_guesses and self.styles is None:
                ranks = self.surprise.ranks
                yield from self._labeled("came", self._digits(line, ranks, (ranks > 0) & (ranks <= self.count)))
                tenths = np.floor(self.surprise.probabilities[:, 0] * 10).clip(0, 9).astype(np.int64)
                yield from self._labeled("sure", self._digits(line, tenths, ranks > 0))
            if self.count:
                yield Segment.line()

    def _labeled(self, label: str, row: Row) -> Row:
        yield Segment(set_cell_size(label, self.margin))
        yield from row
        yield Segment.line()

    def _min_widths(self, columns: int) -> Numbers:
        """Return the columns that each character needs for the guesses below it (T,)."""
        characters = set("".join(self.surprise.guesses))
        widths = {character: cell_len(_guess(character, self.screen, columns)) for character in characters}
        return np.array([max(map(widths.__getitem__, guesses), default=1) for guesses in self.surprise.guesses])

    def _text(self, line: Line) -> Row:
        levels = self.bits[line.characters]
        for start, stop in runs(levels):
            yield Segment("".join(line.glyphs[start:stop]), self.styles[levels[start]] if self.styles else None)

    def _digits(self, line: Line, values: Numbers, is_known: NDArray[np.bool_]) -> Row:
        """Yield a digit for each character, with a space where the value is unknown."""
        digits = np.where(is_known, values + ord("0"), ord(" "))
        yield Segment("".join(map(chr, line.by_column(digits).tolist())).rstrip())

    def _guesses(self, line: Line, rank: int) -> Row:
        """Yield the guesses of one rank, colored by probability and underlined if correct."""
        characters, columns = line.characters, self.screen.columns - self.margin
        probabilities = self.surprise.probabilities[characters, rank]
        levels = colors.quantize_sequential(probabilities, 1.0)
        is_correct = self.surprise.ranks[characters] == rank + 1
        entries = zip(self.surprise.guesses[characters], line.widths.tolist(), probabilities.tolist(), strict=True)
        glyphs = [
            set_cell_size(self._visible_guess(guesses[rank : rank + 1], probability, columns), width)
            for guesses, width, probability in entries
        ]
        for start, stop in runs(2 * levels + is_correct):
            yield Segment("".join(glyphs[start:stop]), self._style(int(levels[start]), bool(is_correct[start])))

    def _visible_guess(self, guess: str, probability: float, columns: int) -> str:
        return (
            _guess(guess, self.screen, columns) if guess and (self.styles or probability >= _MIN_PROBABILITY) else ""
        )

    def _style(self, level: int, is_correct: bool) -> Style | None:
        if self.styles is None:
            return None
        return self.styles[level] + Style(underline=True, bold=True) if is_correct else self.styles[level]

    def legend(self) -> Text:
        """Return the legend."""
        space = "·" if self.screen.unicode else "_"
        legend = bits_legend(self.styles)
        if self.styles is None:
            if self.count:
                legend.append(
                    f"; below, the best guesses at each character that have 5 % or more ({space} a space);"
                    " came: rank of the actual character; sure: tenths of the best guess's probability"
                )
            return legend
        if self.count:
            legend.append(f"; below, the best guesses at each character ({space} a space), 0")
            for style in self.styles:
                legend.append(" ", style)
            legend.append("1, ")
            legend.append("underlined", Style(underline=True, bold=True))
            legend.append(" if correct")
        return legend


def _guess(character: str, screen: Screen, columns: int = MAX_LINE_COLUMNS) -> str:
    """Return the glyph of a guess; a space has a visible sign."""
    if character == " ":
        return "·" if screen.unicode else "_"
    return glyph_of(character, columns, screen.unicode)[0]


def _summary(surprise: Surprise) -> str:
    """Return a line with the mean surprisal and the accuracy."""
    parts = [
        f"{surprise.characters:,} characters, {surprise.bits_per_char:.3f} bits each",
        f"best guess right {surprise.top_k_accuracy(1):.0%}",
    ]
    count = surprise.probabilities.shape[1]
    if count > 1:
        parts.append(f"among {count} best {surprise.top_k_accuracy(count):.0%}")
    return " · ".join(parts)


def _concordance_rows(surprise: Surprise, screen: Screen) -> list[ConcordanceRow]:
    return [
        ConcordanceRow(
            label=f"{shock.bits:.1f}",
            before=shock.before,
            character=shock.character,
            after=shock.after,
            note=f"not {_guess(shock.guess, screen)} ({shock.probability:.0%})" if shock.guess else "",
        )
        for shock in surprise.most_surprising()
    ]
