"""The record of a run that a checkpoint carries beside its arrays: the schema by which it is validated."""

import math
from dataclasses import dataclass
from typing import Annotated

from charrnn.config import TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.schema_rules import LARGEST, Amount, Count, Loss, PathText, Range, Text, Unknown
from charrnn.training.schedule import Plan

Since = Annotated[int, Range(-1, LARGEST)]
"""a step or part, or -1 for none"""
Word = Annotated[str, Text(200)]


@dataclass(frozen=True, kw_only=True)
class BestRecord:
    """The best evaluation, its weights aside."""

    step: Count
    nats: Loss
    train_nats: Annotated[Loss, Unknown()] = math.nan
    """earlier versions did not record it"""
    characters: Count


@dataclass(frozen=True, kw_only=True)
class PartsRecord:
    """How many parts of the training were evaluated, shown in a preview, reported."""

    evaluation: Since
    preview: Since
    report: Since


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """Everything that a run consists of beside arrays."""

    step: Count
    from_: PathText | None = None
    """model file that the run started from"""
    seconds: Amount
    step_seconds: Amount
    concluded: bool
    plan: Plan
    parts: PartsRecord
    sound_parts: Since | None = None
    """None in checkpoints of earlier versions, which had no patience"""
    previewed_at: Since
    evaluation_characters: Count | None
    best: BestRecord | None
    training: TrainingConfig
    fingerprint: dict[str, Word | int]
    machine: dict[str, Word | int]

    def __post_init__(self) -> None:
        plan, best = self.plan, self.best
        laws = {
            "plan.from_step is after step": plan.from_step <= self.step,
            "plan.from_step is after plan.steps": plan.steps is None or plan.from_step <= plan.steps,
            "neither steps nor minutes end it": plan.steps is not None or bool(self.training.minutes),
            "best.step is after step": best is None or best.step <= self.step,
            "previewed_at is after step": self.previewed_at <= self.step,
            "it is concluded without an evaluation": best is not None or not self.concluded,
        }
        for message, holds in laws.items():
            if not holds:
                raise CharrnnError(message)
