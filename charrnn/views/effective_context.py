"""Plots of the effective context of models: gradient and occlusion by lag, and loss by context.

Models are drawn side by side on the same scales.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from charrnn.inspection.measures.effective_context import EffectiveContext
from charrnn.views.layout import Screen, model_display_name
from charrnn.views.plot import COLORS, Curve, Plot, Point, decade_axis, doubling_axis, hstack, linear_axis

Numbers = NDArray[Any]

FLOOR = -6
"""exponent of ten of the lowest share drawn"""
_HEIGHT = 13
_MIN_PLOT_COLUMNS = 24
_GAP = 2
_MAX_NAMED = 3
"""number of models whose names fit into the heading of the table; more models have their letters only"""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CELLS = {"lstm": "LSTM", "gru": "GRU", "rnn": "tanh RNN"}
_CELLS |= {"peephole": "peephole LSTM", "cifg": "CIFG LSTM", "capped": "capped LSTM"}
_CELLS |= {"gru-reset-before": "reset-before GRU"}
_LEGEND = (
    "line: median norm of the gradient{}; {}: occlusion, the mean change in bits of the next character's probability"
    " when the character is replaced; both as shares of the value at lag 0"
)
_WARNING = (
    "A gradient near zero does not show that something is forgotten: a saturated cell keeps a value that no small"
    " change moves. Where the two differ, believe the occlusion."
)

Marked = tuple[str, EffectiveContext]
"""the letter of a model, empty for a single one, and its effective context"""


@dataclass(frozen=True, kw_only=True)
class ContextPlots:
    """Plots of the effective context of one or more models."""

    contexts: tuple[EffectiveContext, ...]
    """plain numbers of at least one model"""
    has_gradients: bool = True
    """whether the gradients of several models are drawn in one plot, which a notebook shows as a picture"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        screen = Screen.of(console, options)
        folded = options.update(width=screen.columns, overflow="fold", no_wrap=False)
        marks = _marks(self.contexts)
        named = zip(marks, map(model_display_name, (context.model for context in self.contexts)), strict=True)
        models = (f"{mark} {name}".strip() for mark, name in named if name)
        first = self.contexts[0]
        yield from console.render(screen.header((*models, first.text, f"{first.characters:,} characters")), folded)
        yield Text()
        if self.has_gradients and len(self.contexts) > 1:
            yield from console.render(gradients_plot(self.contexts, screen), options.update(width=screen.columns))
            yield Text()
        yield from self._by_lag(screen)
        yield from console.render(
            Text(
                screen.ascii_signs(
                    _LEGEND.format(" (dots: quartiles)" if screen.unicode else "", _occlusion_mark(screen))
                ),
                style="dim",
            ),
            folded,
        )
        yield Text()
        yield from hstack([_rows(_context_plot(self._trained, screen), screen.columns, screen)])
        yield Text()
        yield from console.render(_table(self.contexts, screen), folded)
        yield Text()
        yield from console.render(Text(_WARNING), folded)

    @property
    def _trained(self) -> list[Marked]:
        """Return the trained models with their marks; all networks if none of them is trained."""
        marked = list(zip(_marks(self.contexts), self.contexts, strict=True))
        return [(mark, context) for mark, context in marked if not context.untrained] or marked

    def _by_lag(self, screen: Screen) -> Iterator[Text]:
        """Yield the plots of the trained models, as many side by side as fit."""
        plots = [_lag_plot(context, mark, screen) for mark, context in self._trained]
        max_count = max(1, (screen.columns + _GAP) // (_MIN_PLOT_COLUMNS + _GAP))
        count = min(max_count, len(plots))
        width = (screen.columns + _GAP) // count - _GAP
        for start in range(0, len(plots), count):
            yield from hstack([_rows(plot, width, screen) for plot in plots[start : start + count]])


def gradients_plot(contexts: Sequence[EffectiveContext], screen: Screen | None = None) -> Plot:
    """Return the plot of the median gradients of all models by lag, for a screen or, without one, for a picture."""
    marked = list(zip(contexts, _marks(contexts), strict=True))
    medians = [context.attribution.gradient.median[1:] for context in contexts]
    top = max((float(median.max(initial=0.0)) for median in medians), default=0.0)
    curves = [
        Curve(points=_points(range(1, len(median) + 1), median), label=_name(context, mark, screen))
        for median, (context, mark) in zip(medians, marked, strict=True)
    ]
    return Plot(
        title="median gradient, as a share of that at lag 0",
        curves=tuple(curves),
        x_axis=doubling_axis(max(map(len, medians)), "characters back"),
        y_axis=decade_axis(FLOOR, highest=min(-FLOOR, math.ceil(math.log10(top))) if top > 1 else 0),
        height=_HEIGHT,
    )


def _marks(contexts: Sequence[EffectiveContext]) -> list[str]:
    """Return a letter for each model; a single model has none."""
    return list(_LETTERS[: len(contexts)]) if len(contexts) > 1 else [""]


def _occlusion_mark(screen: Screen) -> str:
    return "●" if screen.unicode else "o"


def _rows(plot: Plot, columns: int, screen: Screen) -> list[Text]:
    return plot.rows(columns, unicode=screen.unicode, colored=screen.color_system is not None)


def _lag_plot(context: EffectiveContext, mark: str, screen: Screen) -> Plot:
    """Return the plot of gradient and occlusion by lag."""
    gradient = context.attribution.gradient
    lags = range(1, len(gradient.median))
    quartiles = [
        Curve(points=_points(lags, values[1:]), style="dim", mark="·", joined=False)
        for values in (gradient.low, gradient.high)
        if screen.unicode
    ]
    gradient_curve = Curve(points=_points(lags, gradient.median[1:]), style=COLORS[0])
    occlusion_curve = Curve(
        points=_points(context.attribution.occluded[1:], context.attribution.occlusion_share[1:]),
        mark=_occlusion_mark(screen),
        style=COLORS[1],
        joined=False,
    )
    return Plot(
        title=_name(context, mark, screen),
        curves=(*quartiles, gradient_curve, occlusion_curve),
        x_axis=doubling_axis(lags[-1], "characters back"),
        y_axis=decade_axis(FLOOR),
        height=_HEIGHT,
    )


def _context_plot(marked: Sequence[Marked], screen: Screen) -> Plot:
    """Return the plot of the loss by length of context, with all models on one pair of axes."""
    curves = [
        Curve(points=_points(context.losses.contexts, context.losses.bits), mark=mark or _occlusion_mark(screen))
        for mark, context in marked
    ]
    return Plot(
        title="bits per character by context",
        curves=tuple(curves),
        x_axis=doubling_axis(
            max(context.losses.contexts[-1] for _, context in marked), "k, the characters of context"
        ),
        y_axis=linear_axis(bits for curve in curves for _, bits in curve.points),
        height=_HEIGHT,
    )


def _points(x: Sequence[int], y: Numbers) -> tuple[Point, ...]:
    return tuple(zip(x, y.tolist(), strict=True))


def _table(contexts: Sequence[EffectiveContext], screen: Screen) -> Table:
    """Return the numbers behind the plots, with a column for each model."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(overflow="fold")
    for context, mark in zip(contexts, _marks(contexts), strict=True):
        heading = mark if len(contexts) > _MAX_NAMED else _name(context, mark, screen)
        table.add_column(Text(heading), justify="right", overflow="fold")
    rows: dict[str, Callable[[EffectiveContext], str]] = {
        "bits, with all the text": lambda context: f"{context.losses.full_bits:.3f}",
        "within 1 % of that at k": lambda context: _lag(context.losses.sufficient_context),
        "gradient < 1/10 from lag": lambda context: _lag(context.gradient_below(0.1)),
        "gradient < 1/100": lambda context: _lag(context.gradient_below(0.01)),
        "gradient < 1/1000": lambda context: _lag(context.gradient_below(0.001)),
        "occlusion < 1/100": lambda context: _lag(context.occlusion_below(0.01)),
    }
    for heading, entry in rows.items():
        table.add_row(Text(heading), *(Text(entry(context)) for context in contexts))
    return table


def _lag(lag: int | None) -> str:
    return "further" if lag is None else f"{lag}"


def _name(context: EffectiveContext, mark: str, screen: Screen | None) -> str:
    """Return the mark, the kind and the size of a network, and how it began if it is untrained."""
    network = f"{_CELLS[context.cell]} {context.layers}×{context.hidden}"
    _, *settings = context.untrained.split(",")
    untrained = ", ".join(["untrained", *settings]).replace("=", " ") if context.untrained else ""
    name = " ".join(filter(None, (mark, network, untrained)))
    return screen.ascii_signs(name) if screen else name
