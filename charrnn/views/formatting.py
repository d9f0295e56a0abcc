"""Formatting of numbers, durations, sparklines, key-value lines and n-gram results."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from charrnn.text.ngram import NGram
from charrnn.views.sanitize import plain_line, unicode_output

# Sparklines, bars and numbers

BARS = {True: "▁▂▃▄▅▆▇█", False: "0123456789"}
"""heights of a sparkline, in Unicode or in ASCII"""
BAR_WIDTH = 5
"""screen columns of a bar for a share"""


def sparkline(values: Sequence[float], width: int | None = None, *, unicode: bool = True) -> str:
    """Return values as a line of bars, scaled from the lowest to the highest value.

    If there are more than `width` values, each bar is the mean of several consecutive values.

    >>> sparkline([-1, 0, 1]), sparkline([-1, 0, 1], unicode=False), sparkline([3, 3, 2, 2, 1, 1], 3)
    ('▁▅█', '059', '█▅▁')
    """
    if not values:
        return ""
    bars, count = BARS[unicode], min(width or len(values), len(values))
    means = [_mean(values[i * len(values) // count : (i + 1) * len(values) // count]) for i in range(count)]
    low, span = min(means), max(means) - min(means)
    return "".join(bars[int((mean - low) / (span or 1.0) * (len(bars) - 1) + 0.5)] for mean in means)


def compact_number(number: float | None, format_spec: str = "z.2f", *, unicode: bool) -> str:
    """Return a number without the zero before its decimal point; "" for None.

    >>> [compact_number(number, unicode=True) for number in (0.834, -0.021, 1.0, -0.001, None)]
    ['.83', '−.02', '1.00', '.00', '']
    >>> compact_number(0.42, "+z.2f", unicode=True), compact_number(-0.001, "+z.3f", unicode=False)
    ('+.42', '-.001')
    """
    if number is None:
        return ""
    digits = format(number, format_spec)
    sign, digits = (digits[0], digits[1:]) if digits[0] in "+-" else ("", digits)
    return minus_sign(sign, unicode) + (digits.removeprefix("0") if digits.startswith("0.") else digits)


def format_number(value: float, format_spec: str) -> str:
    """Return a number with a typographic minus sign.

    >>> format_number(-0.0213, "z.2f"), format_number(-0.0001, "z.2f")
    ('−0.02', '0.00')
    """
    return format(value, format_spec).replace("-", "−")


def bar(share: float, unicode: bool) -> str:
    """Return a bar for a share between 0 and 1.

    >>> bar(0.5, False)
    '###  '
    """
    full = (
        round(max(0.0, min(1.0, share)) * BAR_WIDTH + 1e-9)
        if unicode
        else int(max(0.0, min(1.0, share)) * BAR_WIDTH + 0.5)
    )
    return ("█" if unicode else "#") * full + " " * (BAR_WIDTH - full)


def minus_sign(sign: str, unicode: bool) -> str:
    """Return a sign, with a typographic minus in Unicode."""
    return "−" if unicode and sign == "-" else sign


def pluralize(number: float, noun: str) -> str:
    """Return a number with a noun in the singular or plural.

    >>> pluralize(1, "minute"), pluralize(2.5, "minute"), pluralize(1234567, "step")
    ('1 minute', '2.5 minutes', '1,234,567 steps')
    """
    written = f"{number:,}" if isinstance(number, int) else f"{number:,g}"
    return f"{written} {noun}" if number == 1 else f"{written} {noun}s"


def rounded_number(number: float) -> str:
    """Return a number ≥ 1 with about four digits.

    >>> rounded_number(94.234), rounded_number(1234.9), rounded_number(1e30)
    ('94.23', '1,235', '1.00e+30')
    """
    return f"{number:.2f}" if number < 1000 else f"{number:,.0f}" if number < 1e9 else f"{number:.2e}"


def file_size(count: int) -> str:
    """Return a number of bytes in a suitable unit.

    >>> file_size(16_080), file_size(9_056_914), file_size(2_500_000_000)
    ('16.1 kB', '9.1 MB', '2,500.0 MB')
    """
    return f"{count / 1e3:.1f} kB" if count < 1e6 else f"{count / 1e6:,.1f} MB"


def omitted_line(names: Iterable[str]) -> str:
    """Return a line that lists the columns of a table that do not fit on the screen; "" if all do.

    >>> omitted_line(["size", "age"]), omitted_line([])
    ('left out on a screen of this width: size, age', '')
    """
    listed = ", ".join(names)
    return f"left out on a screen of this width: {listed}" if listed else ""


def about(number: float) -> str:
    """Return an estimate, with two significant digits.

    >>> about(1683), about(48)
    ('about 1,700', 'about 48')
    """
    return f"about {float(f'{number:.2g}'):,.0f}"


def time_left(seconds: float) -> str:
    """Return the time left, in a precision that fits an estimate.

    >>> time_left(400), time_left(31), time_left(4000)
    ('7 min left', '31 s left', '1 h 7 min left')
    """
    if seconds < 120:
        return f"{max(0, seconds):.0f} s left"
    return f"{duration(60 * round(seconds / 60)).removesuffix(' 0 s')} left"


def duration(seconds: float) -> str:
    """Return a duration in words.

    >>> duration(31.2), duration(700), duration(4020)
    ('31 s', '11 min 40 s', '1 h 7 min')
    """
    total = round(seconds)
    hours, minutes = total // 3600, total % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {total % 60} s" if minutes else f"{total} s"


def age(seconds: float) -> str:
    """Return how long ago something happened, in its largest unit.

    >>> age(20), age(400), age(4 * 3600), age(86400), age(40 * 86400)
    ('just now', '7 min', '4 h', '1 day', '40 days')
    """
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 86400 else pluralize(seconds // 86400, "day")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


# Key-value lines, in two columns

GAP = 2
"""blank columns between the two columns"""


@dataclass(frozen=True, kw_only=True)
class KeyValueLines:
    """Lines of a key and a value."""

    lines: tuple[tuple[str, str], ...]
    """key and value, e.g. ("model", "LSTM 1 × 512 …"); an empty key continues the line above"""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield a table with the keys in the first column and the values in the second."""
        unicode = unicode_output(console)
        table = Table.grid(padding=(0, GAP, 0, 0))
        table.add_column(no_wrap=True, style="bold")
        table.add_column(overflow="fold")
        for key, value in self.lines:
            table.add_row(Text(plain_line(key, unicode=unicode)), Text(plain_line(value, unicode=unicode)))
        yield table


def indented(line: str, style: str = "") -> Padding:
    """Return an indented line; if it is folded, all of its parts are indented."""
    return Padding(Text(line, style=style), (0, 0, 0, GAP), expand=False)


# The n-gram baseline, and its comparison with a network


def a_gram(order: int) -> str:
    """Return the name of an n-gram model with its article.

    >>> a_gram(7), a_gram(8), a_gram(11)
    ('a 7-gram', 'an 8-gram', 'an 11-gram')
    """
    return f"{'an' if order in (8, 11, 18) else 'a'} {order}-gram"


TIE_BITS = 0.005
"""bits; a smaller difference would be shown as 0.00"""


def ngram_line(ngram: NGram) -> str:
    """Return the result of the n-gram to beat, as a line below the other baselines.

    >>> ngram_line(NGram(order=7, nats=1.52, learned_from=1003854, characters=111540, nats_by_order=()))
    'to beat          2.19 by a 7-gram, learned from 1,003,854 characters'
    """
    learned = f"learned from {ngram.learned_from:,} characters"
    return f"to beat          {_bits(ngram):.2f} by {a_gram(ngram.order)}, {learned}"


def ngram_comparison(ngram: NGram, bits: float | None) -> str:
    """Return which is better, the n-gram or a network with this loss; None: not measured yet.

    >>> ngram = NGram(order=7, nats=1.52, learned_from=1003854, characters=111540, nats_by_order=())
    >>> ngram_comparison(ngram, 2.35)
    '7-gram 2.19 bits: still 0.16 better than the network'
    >>> ngram_comparison(ngram, 2.07)
    '7-gram 2.19 bits: the network is 0.12 better'
    """
    result = f"{ngram.order}-gram {_bits(ngram):.2f} bits"
    if bits is None:
        return result
    improvement = _bits(ngram) - bits
    if abs(improvement) < TIE_BITS:
        return f"{result}: the network is as good"
    if improvement < 0:
        return f"{result}: still {-improvement:.2f} better than the network"
    return f"{result}: the network is {improvement:.2f} better"


def _bits(ngram: NGram) -> float:
    return ngram.nats / math.log(2)
