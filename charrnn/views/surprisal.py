"""A text with the surprisal of each character, and the model's best guesses below it.

After the figures of Karpathy 2015, "The Unreasonable Effectiveness of Recurrent Neural Networks"; here a guess is
below the character that it predicts.
"""

from __future__ import annotations

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

Row = Iterator[Segment]
Numbers = NDArray[np.int64]

MAX_BITS = 8.0
"""of surprise: a byte's worth; what costs more looks the same"""
_ROOM_FOR_LABELS = 40
_LABELS = 5
_LIKELY = 0.05
"""without colour a guess that is less likely than this is left out"""


@dataclass(frozen=True, kw_only=True, eq=False)
class SurprisalMap:
    """A text with the surprise at each of its characters."""

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
        yield from concordance(_places(self.surprise, screen), screen)


class _SurprisalDrawing:
    """A map on one screen."""

    def __init__(self, surprise: Surprise, screen: Screen, styles: tuple[Style, ...] | None) -> None:
        self.surprise, self.screen, self.styles = surprise, screen, styles
        self.count = surprise.probabilities.shape[1]
        self.margin = _LABELS if screen.columns >= _ROOM_FOR_LABELS and (self.count or not styles) else 0
        self.bits = colors.quantize_sequential(surprise.bits, MAX_BITS)

    def blocks(self) -> Row:
        """Yield each line of the text with what belongs below it."""
        columns = self.screen.columns - self.margin
        room = self._room(columns)
        for line in wrap_text(self.surprise.content, columns, unicode=self.screen.unicode, room=room):
            yield from self._labeled("", self._text(line))
            if self.styles is None:
                yield from self._labeled("bits", self._digits(line, self.bits, self.surprise.ranks > 0))
            guessed = any(self.surprise.guesses[line.characters])
            for rank in range(self.count if guessed else 0):
                yield from self._labeled(f"{rank + 1}", self._guesses(line, rank))
            if guessed and self.styles is None:
                ranks = self.surprise.ranks
                yield from self._labeled("came", self._digits(line, ranks, (ranks > 0) & (ranks <= self.count)))
                sure = np.floor(self.surprise.probabilities[:, 0] * 10).clip(0, 9).astype(np.int64)
                yield from self._labeled("sure", self._digits(line, sure, ranks > 0))
            if self.count:
                yield Segment.line()

    def _labeled(self, label: str, row: Row) -> Row:
        yield Segment(set_cell_size(label, self.margin))
        yield from row
        yield Segment.line()

    def _room(self, columns: int) -> Numbers:
        """Say how many columns a character needs for the guesses under it: a Chinese one has two."""
        width = {mark: cell_len(_guess(mark, self.screen, columns)) for mark in set("".join(self.surprise.guesses))}
        return np.array([max((width[mark] for mark in guesses), default=1) for guesses in self.surprise.guesses])

    def _text(self, line: Line) -> Row:
        here = self.bits[line.characters]
        for start, stop in runs(here):
            yield Segment("".join(line.glyphs[start:stop]), self.styles[here[start]] if self.styles else None)

    def _digits(self, line: Line, values: Numbers, is_known: NDArray[np.bool_]) -> Row:
        """Yield a digit for each character, a space where there is none."""
        digits = np.where(is_known, values + ord("0"), ord(" "))
        yield Segment("".join(map(chr, line.spread(digits).tolist())).rstrip())

    def _guesses(self, line: Line, rank: int) -> Row:
        """Yield the guesses of one rank, as strong as they are likely, underlined where they came true."""
        here, columns = line.characters, self.screen.columns - self.margin
        odds = self.surprise.probabilities[here, rank]
        levels, right = colors.quantize_sequential(odds, 1.0), self.surprise.ranks[here] == rank + 1
        cells = zip(self.surprise.guesses[here], line.widths.tolist(), odds.tolist(), strict=True)
        glyphs = [
            set_cell_size(self._shown(guesses[rank : rank + 1], probability, columns), width)
            for guesses, width, probability in cells
        ]
        for start, stop in runs(2 * levels + right):
            yield Segment("".join(glyphs[start:stop]), self._style(int(levels[start]), bool(right[start])))

    def _shown(self, guess: str, probability: float, columns: int) -> str:
        return _guess(guess, self.screen, columns) if guess and (self.styles or probability >= _LIKELY) else ""

    def _style(self, level: int, right: bool) -> Style | None:
        if self.styles is None:
            return None
        return self.styles[level] + Style(underline=True, bold=True) if right else self.styles[level]

    def legend(self) -> Text:
        """Say what is drawn."""
        space = "·" if self.screen.unicode else "_"
        legend = Text()
        if self.styles is None:
            legend.append("bits: how surprising, in whole bits, 8 for more")
            if self.count:
                legend.append(
                    f"; below, the best guesses at each character that have 5 % or more ({space} a space);"
                    " came: which of them it was; sure: tenths that the best had"
                )
            return legend
        legend.append("bits 0")
        for style in self.styles:
            legend.append(" ", style)
        legend.append("8 and more")
        if self.count:
            legend.append(f"; below, the best guesses at each character ({space} a space), 0")
            for style in self.styles:
                legend.append(" ", style)
            legend.append("1, ")
            legend.append("underlined", Style(underline=True, bold=True))
            legend.append(" where right")
        return legend


def _guess(character: str, screen: Screen, columns: int = MAX_LINE_COLUMNS) -> str:
    """Draw a guess; a space needs some ink, or it would be none."""
    if character == " ":
        return "·" if screen.unicode else "_"
    return glyph_of(character, columns, screen.unicode)[0]


def _summary(surprise: Surprise) -> str:
    """Say what all came to."""
    parts = [
        f"{surprise.characters:,} characters, {surprise.bits_per_char:.3f} bits each",
        f"best guess right {surprise.top_k_accuracy(1):.0%}",
    ]
    count = surprise.probabilities.shape[1]
    if count > 1:
        parts.append(f"among {count} best {surprise.top_k_accuracy(count):.0%}")
    return " · ".join(parts)


def _places(surprise: Surprise, screen: Screen) -> list[ConcordanceRow]:
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
