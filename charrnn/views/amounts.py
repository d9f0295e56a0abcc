"""How amounts are written for people: times, and many numbers in a line of bars."""

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = ".:-=+*#@"


def sparkline(values: Sequence[float], width: int, *, unicode: bool = True) -> str:
    """Draw values as bars of eight heights, the mean of a few to a bar where there are more than `width`.

    >>> sparkline((3.0, 2.0, 1.0), 3)
    '█▅▁'
    """
    bars = BARS if unicode else ASCII_BARS
    count = min(width, len(values))
    means = [_mean(values[i * len(values) // count : (i + 1) * len(values) // count]) for i in range(count)]
    low, high = min(means), max(means)
    span = high - low or 1.0
    return "".join(bars[min(7, int((mean - low) / span * 7.999))] for mean in means)


def left_to_go(seconds: float) -> str:
    """Say how much time is left, no more exactly than it is known.

    >>> left_to_go(400), left_to_go(31), left_to_go(4000)
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


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
