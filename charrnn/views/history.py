"""The course of a training as a plot: losses by step, beside what is to be beaten."""

from charrnn.training.history import History
from charrnn.views.axis import round_axis
from charrnn.views.plot import Curve, Plot


def loss_plot(history: History, title: str, *, ngram_bits: float | None = None) -> Plot:
    """Plot a history; `ngram_bits`: what the best n-gram reaches, as a level line."""
    courses = {"training": history.training, "validation": history.validation}
    curves = [Curve(label=label, points=course) for label, course in courses.items() if course]
    steps = [step for course in courses.values() for step, _ in course]
    if ngram_bits is not None and steps:
        curves.append(Curve(label="n-gram", points=((min(steps), ngram_bits), (max(steps), ngram_bits))))
    return Plot(
        title=title,
        x_axis=round_axis([0, *steps], "step", within=True),
        y_axis=round_axis((bits for curve in curves for _, bits in curve.points), "bits per character"),
        curves=tuple(curves),
    )
