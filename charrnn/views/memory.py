"""How far back models reach, as plots: the vanishing gradient and occlusion by lag, and the cost by context.

Models stand side by side on the same scales. The numbers are the inspection's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.inspection.memory import Memory
from charrnn.views.axis import decade_axis, doubling_axis, round_axis
from charrnn.views.plot import COLOURS, Curve, Plot, Point, beside
from charrnn.views.screen import Screen, model_called

Numbers = NDArray[Any]

FLOOR = -6
"""the power of ten that is the lowest share drawn"""
_HEIGHT = 13
_NARROWEST = 24
"""columns that a plot must have"""
_GAP = 2
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CELLS = {"lstm": "LSTM", "gru": "GRU", "rnn": "tanh RNN"}
_LEGEND = (
    "line: the gradient's norm, its median{}; {}: occlusion, how much the next"
    " character's odds change, in bits on average, when another character stands there; as shares of those at lag 0"
)
_WARNING = (
    "A gradient near zero does not show that something is forgotten: what a saturated cell keeps, no small change"
    " moves. Where the two differ, believe the occlusion."
)


@dataclass(frozen=True, kw_only=True)
class MemoryPlots:
    """How far back some models reach."""

    memories: tuple[Memory, ...]
    """plain numbers; at least one model's"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        screen = Screen.of(console, options)
        folded = options.update(width=screen.columns, overflow="fold", no_wrap=False)
        marks = _marks(self.memories)
        named = zip(marks, map(model_called, (memory.model for memory in self.memories)), strict=True)
        models = (f"{mark} {name}".strip() for mark, name in named)
        first = self.memories[0]
        yield from console.render(screen.head((*models, first.text, f"{first.characters:,} characters")), folded)
        yield Text()
        yield from self._by_lag(screen)
        yield from console.render(
            Text(
                screen.own(_LEGEND.format(" (dots: quartiles)" if screen.unicode else "", _occluded(screen))),
                style="dim",
            ),
            folded,
        )
        yield Text()
        yield from beside([_rows(_context_plot(self.memories, screen), screen.columns, screen)])
        yield Text()
        yield from console.render(_table(self.memories, screen), folded)
        yield Text()
        yield from console.render(Text(_WARNING), folded)

    def _by_lag(self, screen: Screen) -> Iterator[Text]:
        """Draw each model's plot, as many side by side as there is room for."""
        most = max(1, (screen.columns + _GAP) // (_NARROWEST + _GAP))
        count = min(most, len(self.memories))
        width = (screen.columns + _GAP) // count - _GAP
        plots = [_lag_plot(*marked, screen) for marked in zip(self.memories, _marks(self.memories), strict=True)]
        for begin in range(0, len(plots), count):
            yield from beside([_rows(plot, width, screen) for plot in plots[begin : begin + count]])


def _marks(memories: Sequence[Memory]) -> list[str]:
    """Give each model a letter; one alone needs none."""
    return list(_LETTERS[: len(memories)]) if len(memories) > 1 else [""]


def _occluded(screen: Screen) -> str:
    return "●" if screen.unicode else "o"


def _rows(plot: Plot, columns: int, screen: Screen) -> list[Text]:
    return plot.rows(columns, unicode=screen.unicode, coloured=screen.depth is not None)


def _lag_plot(memory: Memory, mark: str, screen: Screen) -> Plot:
    """Plot what hangs on each earlier character."""
    gradient = memory.lags.gradient
    numbers = range(1, len(gradient.median))
    quartiles = [
        Curve(points=_points(numbers, values[1:]), style="dim", mark="·", joined=False)
        for values in (gradient.low, gradient.high)
        if screen.unicode
    ]
    seen = Curve(points=_points(numbers, gradient.median[1:]), style=COLOURS[0])
    occluded = Curve(
        points=_points(memory.lags.occluded[1:], memory.lags.occlusion_share[1:]),
        mark=_occluded(screen),
        style=COLOURS[1],
        joined=False,
    )
    return Plot(
        title=_name(memory, mark, screen),
        curves=(*quartiles, seen, occluded),
        across=doubling_axis(numbers[-1], "characters back"),
        up=decade_axis(FLOOR),
        height=_HEIGHT,
    )


def _context_plot(memories: Sequence[Memory], screen: Screen) -> Plot:
    """Plot what a character costs with more and more context, every model on the same axes."""
    curves = [
        Curve(points=_points(memory.reach.contexts, memory.reach.bits), mark=mark or _occluded(screen))
        for memory, mark in zip(memories, _marks(memories), strict=True)
    ]
    return Plot(
        title="bits per character by context",
        curves=tuple(curves),
        across=doubling_axis(max(memory.reach.contexts[-1] for memory in memories), "k, the characters of context"),
        up=round_axis(bits for curve in curves for _, bits in curve.points),
        height=_HEIGHT,
    )


def _points(numbers: Sequence[int], values: Numbers) -> tuple[Point, ...]:
    return tuple(zip(numbers, values.tolist(), strict=True))


def _table(memories: Sequence[Memory], screen: Screen) -> Table:
    """Say in numbers what the plots show: a column for each model."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(overflow="fold")
    for memory, mark in zip(memories, _marks(memories), strict=True):
        table.add_column(Text(_name(memory, mark, screen)), justify="right", overflow="fold")
    rows: dict[str, Callable[[Memory], str]] = {
        "bits, with all the text": lambda memory: f"{memory.reach.full_bits:.3f}",
        "within 1 % of that at k": lambda memory: _lag(memory.reach.enough),
        "gradient < 1/10 from lag": lambda memory: _lag(memory.vanished(0.1)),
        "gradient < 1/100": lambda memory: _lag(memory.vanished(0.01)),
        "gradient < 1/1000": lambda memory: _lag(memory.vanished(0.001)),
        "occlusion < 1/100": lambda memory: _lag(memory.unheard(0.01)),
    }
    for heading, shown in rows.items():
        table.add_row(Text(heading), *(Text(shown(memory)) for memory in memories))
    return table


def _lag(lag: int | None) -> str:
    return "further" if lag is None else f"{lag}"


def _name(memory: Memory, mark: str, screen: Screen) -> str:
    return screen.own(f"{mark} {_CELLS[memory.cell]} {memory.layers}×{memory.hidden}".strip())
