"""Events of a training, as records: the training loop yields them, and everything else reads them."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True, kw_only=True)
class Step:
    """One update of the weights."""

    step: int
    """updates so far, this one included"""
    nats: float | None
    """training loss a character, with dropout; of a GPU's steps, which are not waited for one by one, the mean since
    it was last known, and None where it is not known yet"""
    gradient_norm: float | None
    """before clipping; likewise"""
    learning_rate: float
    progress: float
    """share of the plan that is done, 0 to 1; 0 while the speed is being measured"""
    steps: int | None
    """how many there will be; None while the speed is being measured"""


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
    """The loss of the averaged weights on held-out text, with carried state and without dropout."""

    step: int
    nats: float
    characters: int
    """how many held-out characters it is the mean over"""
    read: int
    """how many were read for it, those of the warm-ups too"""
    best_nats: float
    best_step: int
    """the best evaluation so far, perhaps this one"""

    @property
    def improved(self) -> bool:
        """Tell whether this one is the best."""
        return self.best_step == self.step


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A little text, written by the averaged weights as they are now."""

    step: int
    text: str


@dataclass(frozen=True, kw_only=True)
class TrainingWarning:
    """Something went wrong that training outlives."""

    step: int
    message: str


@dataclass(frozen=True, kw_only=True)
class EarlyStop:
    """The training ends before its plan does: the network now only learns the text by heart."""

    step: int
    progress: float
    """share of the plan that was done"""
    best_nats: float
    best_step: int


@dataclass(frozen=True)
class SafePoint:
    """A place inside of something long, an evaluation say, where a training can be left: it is then done anew."""


@dataclass(frozen=True)
class Pause:
    """The process is about to stand still, because its user has other things to do; next comes what was next."""


Event = TrainingWarning | Step | Report | Evaluation | Preview | EarlyStop | SafePoint | Pause

Result = TypeVar("Result")


def run_to_result(work: Generator[SafePoint, None, Result]) -> Result:
    """Do something long in one go, and give what it comes to."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]  # it is the work's
