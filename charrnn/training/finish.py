"""The end of a training: the best weights, measured on the held-out text once more and more widely, as the model."""

import copy
from collections.abc import Generator
from dataclasses import dataclass

from charrnn.runs import RunDirectory
from charrnn.training.evaluation import Measured, measure
from charrnn.training.events import Moment
from charrnn.training.patience import overfits
from charrnn.training.run import Run
from charrnn.training.saving import save_last


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a training came to."""

    measured: Measured
    """of the best weights, on the held-out text"""
    best_step: int
    steps: int
    stopped_early: bool
    """whether these are fewer steps than planned, because the run overfitted"""
    characters: int
    """trained on, counting each time anew"""
    characters_per_second: float
    """in the steps alone"""
    parameters: int


def finish(run: Run, directory: RunDirectory) -> Generator[Moment, None, Outcome]:
    """Measure the best weights on the held-out text, write that beside them, and note that it is done.

    Left at a moment, the run and its files are as they were. Raise CharrnnError if it cannot be saved.
    """
    best = run.best
    assert best is not None, "a training ends after an evaluation"
    network = copy.deepcopy(run.averaged)
    network.take(best.weights)
    measured = yield from measure(run, network)
    save_last(run, directory, measured=measured)
    characters = run.step * run.training.batch * run.training.length
    return Outcome(
        measured=measured,
        best_step=best.step,
        steps=run.step,
        stopped_early=overfits(run),
        characters=characters,
        characters_per_second=characters / run.step_seconds if run.step_seconds else 0.0,
        parameters=run.model(best.weights).parameters,
    )
