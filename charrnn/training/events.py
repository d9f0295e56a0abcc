"""Events of a training: records that the training loop yields and that wrappers log, save and draw.

Losses are in nats per character. At step 0 and after each step, the events occur in this order, if they are due:

- `Preview(step, text)`: a generated text, at growing distances, first at step 0.
- `Evaluation(step, nats, characters, read, best_nats, best_step)`: the loss on held-out text; `improved` is true if
  it is the lowest so far. The last step is always evaluated.
- `Report(step, epoch, nats, gradient_norm, learning_rate, progress)`: means since the last report.
- `EarlyStop(step, progress, best_nats, best_step, is_different)`: the end of a run that overfits.
- `Step(step, nats, gradient_norm, learning_rate, progress, steps)`: the next update of the weights.
- `TrainingWarning(step, message)`: a problem in that update that does not end the training.

Within a preview, an evaluation and the final evaluation, `SafePoint()` is a point where a training can stop.
`Pause()` and the n-gram baseline, `NGram(order, nats, learned_from, characters, nats_by_order)`, which comes once it
is fitted, occur on the command line only.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from charrnn.text.ngram import NGram


@dataclass(frozen=True, kw_only=True)
class Step:
    """One update of the weights."""

    step: int
    """number of updates so far, including this one"""
    nats: float | None
    """training loss per character, with dropout; on a GPU, where steps are queued, the mean over the steps since the
    results were last read, and None if they were not read at this step"""
    gradient_norm: float | None
    """norm of the gradient before clipping; on a GPU as for `nats`"""
    learning_rate: float
    progress: float
    """fraction of the plan that is done, 0 to 1; 0 while the speed is measured"""
    steps: int | None
    """planned number of steps; None while the speed is measured"""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The mean over the steps since the last report."""

    step: int
    epoch: float
    nats: float
    gradient_norm: float
    learning_rate: float
    progress: float


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The loss of the EMA weights on held-out text, with carried state and without dropout."""

    step: int
    nats: float
    characters: int
    """number of held-out characters that `nats` is the mean over"""
    read: int
    """number of characters read, including the warm-up of each row"""
    best_nats: float
    best_step: int
    """step of the best evaluation so far, which may be this one"""

    @property
    def improved(self) -> bool:
        """Return whether this evaluation is the best so far."""
        return self.best_step == self.step


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A short text generated with the current EMA weights."""

    step: int
    text: str


@dataclass(frozen=True, kw_only=True)
class TrainingWarning:
    """A problem that does not end the training."""

    step: int
    message: str


@dataclass(frozen=True, kw_only=True)
class EarlyStop:
    """The training ends before its last planned step, because the network overfits."""

    step: int
    progress: float
    """fraction of the plan that was done"""
    best_nats: float
    best_step: int
    is_different: bool = False
    """whether the held-out text is of a different kind, so that its loss can rise without overfitting"""


@dataclass(frozen=True)
class SafePoint:
    """A point inside a long operation, such as an evaluation, where a training can stop; a resumed run repeats it."""


@dataclass(frozen=True)
class Pause:
    """The process is about to be suspended by Ctrl-Z; the training continues when the process does."""


Event = TrainingWarning | Step | Report | Evaluation | Preview | EarlyStop | SafePoint | Pause | NGram

Result = TypeVar("Result")


def run_to_result(generator: Generator[SafePoint, None, Result]) -> Result:
    """Run a generator to its end, ignoring its safe points, and return its result."""
    while True:
        try:
            next(generator)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # a generator's value is untyped
