"""Profiles of cells on a terminal: the characters that a cell promotes and suppresses, and its histogram."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from charrnn.inspection.measures.cell_profile import CellProfile, CharacterWeight
from charrnn.views.formatting import BARS, KeyValueLines, format_number
from charrnn.views.layout import Screen, visible_character

_EMPTY = {True: "·", False: "."}
"""sign of an empty bin of a histogram"""
_LEGEND = (
    "promotes, suppresses: nats that the cell adds to the logit of a character, above the mean of all characters, at"
)
_REVERSED = {
    "tanh(c)": "h = o·tanh(c) = 1; the effects are reversed for c < 0",
    "h": "h = 1; the effects are reversed for h < 0",
}
"""meaning of the weights by the signal of `InferenceRNN.signal_name`"""
_NOT_OUTPUT = "no character directly: the cell is not in the last layer"


@dataclass(frozen=True, kw_only=True)
class CellProfilesView:
    """The profiles of one or more cells, with a legend."""

    profiles: tuple[CellProfile, ...]
    """plain numbers and text"""
    state: str
    """formula of the state of the model's cells: tanh(c) or h"""
    titled: bool = False
    """whether a single profile, too, has the name of its cell above it"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        screen = Screen.of(console, options)
        folded = options.update(width=screen.columns, overflow="fold", no_wrap=False)
        for profile in self.profiles:
            if self.titled or len(self.profiles) > 1:
                yield Text(screen.sanitized(profile.cell), style="bold")
            yield from console.render(KeyValueLines(lines=tuple(_lines(profile, screen))), folded)
        if any(profile.is_output for profile in self.profiles):
            yield from console.render(
                Text(screen.ascii_signs(f"{_LEGEND} {_REVERSED[self.state]}"), style="dim"), folded
            )


def _lines(profile: CellProfile, screen: Screen) -> Iterator[tuple[str, str]]:
    """Yield the lines of a profile: a heading and its content."""
    if profile.is_output:
        yield "promotes", _weights(profile.promotes, screen)
        yield "suppresses", _weights(profile.suppresses, screen)
    else:
        yield "writes", _NOT_OUTPUT
    count = f"{sum(profile.histogram):,} characters"
    yield "histogram", f"−1 {histogram_bars(profile.histogram, unicode=screen.unicode)} +1  {profile.signal}, {count}"


def _weights(weights: Sequence[CharacterWeight], screen: Screen) -> str:
    """Return characters with their weights."""
    entries = (
        f"{visible_character(weight.character, unicode=screen.unicode)} {format_number(weight.nats, '+z.2f')}"
        for weight in weights
    )
    return "  ".join(entries) or "no character"


def histogram_bars(counts: Sequence[int], *, unicode: bool = True) -> str:
    """Return a histogram as a line of bars, scaled from zero to the highest count; an empty bin has a dot.

    >>> histogram_bars([0, 1, 50, 100]), histogram_bars([0, 1, 50, 100], unicode=False)
    ('·▁▄█', '.049')
    """
    bars, most = BARS[unicode], max(counts, default=0)
    heights = (round(count / most * (len(bars) - 1) - 1e-9) if count else -1 for count in counts)
    return "".join(_EMPTY[unicode] if height < 0 else bars[height] for height in heights)
