"""How far back models reach, as plots: the vanishing gradient and occlusion by lag, and the cost by context.

Models stand side by side on the same scales. The numbers are the inspection's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.inspection.memory import Memory
from charrnn.views.panel import Curve, Panel, Point, Tick, beside
from charrnn.views.screen import Screen, model_called

Numbers = NDArray[Any]

FLOOR = 1e-6
"""the lowest share drawn"""
_HEIGHT = 13
_NARROWEST = 24
"""columns that a plot must have"""
_GAP = 2
_STYLES = ("bright_blue", "dark_orange", "green", "magenta", "cyan", "yellow")
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
        rows = _context_plot(self.memories, screen).rows(screen.columns, _HEIGHT, unicode=screen.unicode)
        yield from beside([rows])
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
            group = plots[begin : begin + count]
            yield from beside([plot.rows(width, _HEIGHT, unicode=screen.unicode) for plot in group])


def _marks(memories: Sequence[Memory]) -> list[str]:
    """Give each model a letter; one alone needs none."""
    return list(_LETTERS[: len(memories)]) if len(memories) > 1 else [""]


def _occluded(screen: Screen) -> str:
    return "●" if screen.unicode else "o"


def _lag_plot(memory: Memory, mark: str, screen: Screen) -> Panel:
    """Plot what hangs on each earlier character."""
    lags = memory.lags
    numbers = np.arange(1, len(lags.gradient.median))
    quartiles = [
        Curve(points=_shares(numbers, values[1:]), style="dim", mark="·", joined=False)
        for values in (lags.gradient.low, lags.gradient.high)
        if screen.unicode
    ]
    seen = Curve(points=_shares(numbers, lags.gradient.median[1:]), style=_STYLES[0])
    occluded = Curve(
        points=_shares(np.array(lags.occluded[1:]), lags.occlusion_share[1:]),
        mark=_occluded(screen),
        style=_STYLES[1],
        joined=False,
    )
    return Panel(
        title=_name(memory, mark, screen),
        curves=(*quartiles, seen, occluded),
        across=_doublings(1, int(numbers[-1])),
        upwards=tuple((float(power), _power(power)) for power in range(round(math.log10(FLOOR)), 1)),
        unit="characters back",
    )


def _shares(lags: Numbers, shares: Numbers) -> tuple[Point, ...]:
    """Put shares of lags on logarithmic scales; what is below the floor is left out."""
    points = zip(lags.tolist(), shares.tolist(), strict=True)
    return tuple((math.log2(lag), math.log10(share)) for lag, share in points if share >= FLOOR)


def _context_plot(memories: Sequence[Memory], screen: Screen) -> Panel:
    """Plot what a character costs with more and more context, every model on the same axes."""
    curves = [
        Curve(
            points=tuple(
                (math.log2(context), bits)
                for context, bits in zip(memory.reach.contexts, memory.reach.bits.tolist(), strict=True)
            ),
            mark=mark or _occluded(screen),
            style=_STYLES[number % len(_STYLES)],
        )
        for number, (memory, mark) in enumerate(zip(memories, _marks(memories), strict=True))
    ]
    costs = [bits for curve in curves for _, bits in curve.points]
    return Panel(
        title="bits per character by context",
        curves=tuple(curves),
        across=_doublings(1, max(memory.reach.contexts[-1] for memory in memories)),
        upwards=_levels(min(costs), max(costs)),
        unit="k, the characters of context",
    )


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


def _doublings(first: int, last: int) -> tuple[Tick, ...]:
    """Mark 1, 2, 4, … as far as the last, which ends the axis."""
    ticks = [
        (math.log2(number), f"{number}") for number in (2**power for power in range(20)) if first <= number <= last
    ]
    return (*ticks, (math.log2(last), "")) if ticks[-1][0] < math.log2(last) else tuple(ticks)


def _levels(low: float, high: float) -> tuple[Tick, ...]:
    """Mark round numbers of bits, the lowest below all and the highest above."""
    step = next(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, math.inf) if (high - low) / step <= 6)
    first, last = math.floor(low / step), max(math.ceil(high / step), math.floor(low / step) + 1)
    return tuple((number * step, f"{number * step:.1f}") for number in range(first, last + 1))


def _power(power: int) -> str:
    """Write a power of ten.

    >>> _power(0), _power(-2), _power(-5)
    ('1', '0.01', '1e-5')
    """
    return f"{10.0**power:g}" if power > -4 else f"1e{power}"
