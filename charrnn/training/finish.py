"""The end of a training: the best weights, measured on the held-out text once more and more widely, as the model."""

import copy
from collections.abc import Generator
from dataclasses import dataclass

from charrnn.runs import RunDirectory
from charrnn.training.evaluation import FinalLosses, evaluate_final
from charrnn.training.events import SafePoint
from charrnn.training.patience import should_stop
from charrnn.training.run import Trainer
from charrnn.training.saving import save_final


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """What a training came to."""

    losses: FinalLosses
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


def final_evaluation(trainer: Trainer, directory: RunDirectory) -> Generator[SafePoint, None, TrainingResult]:
    """Measure the best weights on the held-out text, write that beside them, and note that it is done.

    Left at a moment, the run and its files are as they were. Raise CharrnnError if it cannot be saved.
    """
    best = trainer.best
    assert best is not None, "a training ends after an evaluation"
    network = copy.deepcopy(trainer.ema_network)
    network.load_weights(best.weights)
    losses = yield from evaluate_final(trainer, network)
    save_final(trainer, directory, losses=losses)
    characters = trainer.step * trainer.training.batch * trainer.training.length
    return TrainingResult(
        losses=losses,
        best_step=best.step,
        steps=trainer.step,
        stopped_early=should_stop(trainer),
        characters=characters,
        characters_per_second=characters / trainer.step_seconds if trainer.step_seconds else 0.0,
        parameters=trainer.model(best.weights).parameters,
    )
