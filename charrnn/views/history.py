"""The course of a training as a plot: losses by step, beside what is to be beaten."""

from charrnn.training.history import History
from charrnn.views.plot import Axis, Plot, Series


def history_plot(history: History, title: str, *, ngram_bits: float | None = None) -> Plot:
    """Plot a history; `ngram_bits`: what the best n-gram reaches, as a level line."""
    courses = {"training": history.training, "validation": history.validation}
    series = [Series(label=label, points=course) for label, course in courses.items() if course]
    steps = [step for course in courses.values() for step, _ in course]
    if ngram_bits is not None and steps:
        series.append(Series(label="n-gram", points=((min(steps), ngram_bits), (max(steps), ngram_bits))))
    return Plot(
        title=title,
        across=Axis(label="step", written="{:,.0f}".format),
        up=Axis(label="bits per character", written="{:.3f}".format),
        series=tuple(series),
    )
