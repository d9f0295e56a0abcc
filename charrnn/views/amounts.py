"""How amounts are written for people: times, and many numbers in a line of bars."""

from collections.abc import Sequence

BARS = {True: "▁▂▃▄▅▆▇█", False: "0123456789"}
"""with all of Unicode, or with ASCII alone"""


def sparkline(values: Sequence[float], width: int | None = None, *, unicode: bool = True) -> str:
    """Draw values as heights between their lowest and highest; the mean of a few each if more than `width`.

    >>> sparkline([-1, 0, 1]), sparkline([-1, 0, 1], unicode=False), sparkline([3, 3, 2, 2, 1, 1], 3)
    ('▁▅█', '059', '█▅▁')
    """
    if not values:
        return ""
    bars, count = BARS[unicode], min(width or len(values), len(values))
    means = [_mean(values[i * len(values) // count : (i + 1) * len(values) // count]) for i in range(count)]
    low, span = min(means), max(means) - min(means)
    return "".join(bars[int((mean - low) / (span or 1.0) * (len(bars) - 1) + 0.5)] for mean in means)


def pluralize(number: float, noun: str) -> str:
    """Say how many of something.

    >>> pluralize(1, "minute"), pluralize(2.5, "minute"), pluralize(4000, "step")
    ('1 minute', '2.5 minutes', '4,000 steps')
    """
    return f"{number:,g} {noun}" if number == 1 else f"{number:,g} {noun}s"


def time_left(seconds: float) -> str:
    """Say how much time is left, no more exactly than it is known.

    >>> time_left(400), time_left(31), time_left(4000)
    ('7 min left', '31 s left', '1 h 7 min left')
    """
    if seconds < 120:
        return f"{max(0, seconds):.0f} s left"
    return f"{duration(60 * round(seconds / 60)).removesuffix(' 0 s')} left"


def duration(seconds: float) -> str:
    """Say how long something took.

    >>> duration(31.2), duration(700), duration(4020)
    ('31 s', '11 min 40 s', '1 h 7 min')
    """
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def age(seconds: float) -> str:
    """Say how long ago something was, no more exactly than matters.

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
