"""The progress of a run and its bookkeeping: records that own their changes, and that a checkpoint stores.

A run is divided into equal periods. At the end of a period an evaluation, a preview or a report is due.
"""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.network.model_file import Weights
from charrnn.storage.safetensors_file import Arrays
from charrnn.training.checkpoint_file import BEST_PREFIX, RunRecord
from charrnn.training.lr_schedule import Plan

PERIODS = {"evaluation": 20, "preview": 8, "report": 200}
"""number of equal periods of a run, at the end of which an evaluation, a preview or a report is due"""


@dataclass(kw_only=True)
class RunProgress:
    """The steps made, the plan, and the time spent."""

    plan: Plan
    step: int = 0
    """number of updates of the weights"""
    seconds: float = 0.0
    """total time of the run, over all of its sessions"""
    step_seconds: float = 0.0
    """time spent in training steps, a part of `seconds`"""

    @classmethod
    def from_record(cls, record: RunRecord) -> "RunProgress":
        """Return the progress that a checkpoint recorded."""
        return cls(plan=record.plan, step=record.step, seconds=record.seconds, step_seconds=record.step_seconds)

    def to_dict(self) -> dict[str, Any]:
        """Return the progress as plain values, under the keys of a checkpoint."""
        times = {"seconds": self.seconds, "step_seconds": self.step_seconds}
        return {"step": self.step, **times, "plan": dataclasses.asdict(self.plan)}

    @property
    def fraction(self) -> float:
        """Return the fraction of the plan that is done, 0 to 1."""
        return self.plan.progress(self.step)

    @property
    def finished(self) -> bool:
        """Return whether no step of the plan is left."""
        return self.plan.finished(self.step)

    def periods_done(self, periods: int) -> int:
        """Return how many of `periods` equal periods of the run are complete."""
        return self.plan.periods_done(self.step, periods)

    def advance(self) -> None:
        """Count one more step."""
        self.step += 1

    def record_time(self, seconds: float, *, in_step: float = 0.0) -> None:
        """Set the total time of the run, and add the time spent in a step."""
        self.seconds = seconds
        self.step_seconds += in_step

    def change_steps(self, steps: int) -> None:
        """Change the total number of steps; the progress so far stays."""
        self.plan = self.plan.with_steps(self.step, steps)

    def change_plan(self, plan: Plan) -> None:
        """Replace the plan."""
        self.plan = plan


@dataclass(frozen=True, kw_only=True)
class BestWeights:
    """The EMA weights with the lowest held-out loss so far."""

    step: int
    nats: float
    train_nats: float
    """training loss at that step, NaN if unknown"""
    characters: int
    """number of held-out characters that `nats` is the mean over"""
    weights: Weights

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the weights as plain values."""
        return {name: getattr(self, name) for name in ("step", "nats", "train_nats", "characters")}


@dataclass(kw_only=True)
class Bookkeeping:
    """What was evaluated, previewed and reported, the sums for the next report, and the best weights."""

    periods_done: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PERIODS, 0))
    """number of periods at whose end the evaluation, preview or report was made"""
    last_period_without_overfitting: int = 0
    """number of evaluation periods that were done when an evaluation last showed no overfitting"""
    last_preview_step: int = -1
    """step of the last preview; -1: none"""
    eval_chars: int | None = None
    """number of held-out characters that each evaluation reads; determined by the first one"""
    final_evaluated: bool = False
    """whether the best weights were evaluated on the held-out text after the last step"""
    best: BestWeights | None = None
    report_sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    """number of steps, and sums of nats and gradient norms, since the last report"""
    train_sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    """number of steps, and sum of nats, since the last evaluation"""

    @classmethod
    def from_record(cls, record: RunRecord, arrays: Arrays, weight_names: Iterable[str]) -> "Bookkeeping":
        """Return the bookkeeping that a checkpoint recorded; checkpoints of earlier versions lack `train_sums`."""
        periods = dataclasses.asdict(record.parts)
        best = None
        if record.best is not None:
            weights = {name: arrays[f"{BEST_PREFIX}{name}"] for name in weight_names}
            best = BestWeights(**dataclasses.asdict(record.best), weights=weights)
        bookkeeping = cls(
            periods_done=periods,
            # Earlier versions had no early stopping: for their runs it begins here.
            last_period_without_overfitting=periods["evaluation"]
            if record.sound_parts is None
            else record.sound_parts,
            last_preview_step=record.previewed_at,
            eval_chars=record.evaluation_characters,
            final_evaluated=record.concluded,
            best=best,
            report_sums=arrays["since_report"].copy(),
        )
        if "since_evaluation" in arrays:
            bookkeeping.train_sums = arrays["since_evaluation"].copy()
        bookkeeping._repair(RunProgress.from_record(record))
        return bookkeeping

    def to_dict(self) -> dict[str, Any]:
        """Return everything but arrays as plain values, under the keys of a checkpoint."""
        return {
            "concluded": self.final_evaluated,
            "parts": self.periods_done,
            "sound_parts": self.last_period_without_overfitting,
            "previewed_at": self.last_preview_step,
            "evaluation_characters": self.eval_chars,
            "best": None if self.best is None else self.best.to_dict(),
        }

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the sums and the best weights, under the names of a checkpoint."""
        best = {} if self.best is None else self.best.weights
        sums = {"since_report": self.report_sums, "since_evaluation": self.train_sums}
        return sums | {f"{BEST_PREFIX}{name}": weight for name, weight in best.items()}

    def is_due(self, activity: str, progress: RunProgress) -> bool:
        """Return whether a period of an evaluation, preview or report is complete and not yet marked as done."""
        return progress.periods_done(PERIODS[activity]) > self.periods_done[activity]

    def mark_done(self, activity: str, progress: RunProgress) -> None:
        """Record that the evaluation, preview or report of all complete periods was made."""
        self.periods_done[activity] = progress.periods_done(PERIODS[activity])

    def add_steps(self, steps: float, nats: float, gradient_norm: float) -> None:
        """Add a number of steps with the sums of their losses and gradient norms."""
        self.report_sums += (steps, nats, gradient_norm)
        self.train_sums += (steps, nats)

    def record_preview(self, progress: RunProgress) -> None:
        """Record that a preview was made."""
        self.mark_done("preview", progress)
        self.last_preview_step = progress.step

    def record_report(self, progress: RunProgress) -> tuple[float, float]:
        """Return the mean loss and gradient norm since the last report, and start new sums."""
        self.mark_done("report", progress)
        steps, nats, gradient_norm = self.report_sums.tolist()
        self.report_sums[:] = 0
        return nats / steps, gradient_norm / steps

    def record_evaluation(self, progress: RunProgress, *, eval_chars: int) -> float:
        """Record that an evaluation was made; return the mean training loss since the last one, NaN without steps."""
        self.eval_chars = eval_chars
        self.mark_done("evaluation", progress)
        steps, nats = self.train_sums.tolist()
        self.train_sums[:] = 0
        return nats / steps if steps else float("nan")

    def keep_best(
        self,
        step: int,
        *,
        nats: float,
        train_nats: float,
        characters: int,
        weights: Callable[[], Weights],
        always: bool = False,
    ) -> BestWeights:
        """Keep the weights if their loss is the lowest so far, or `always`, and return the best ones.

        `weights` copies the weights.
        """
        if always or self.best is None or nats < self.best.nats:
            self.best = BestWeights(
                step=step, nats=nats, train_nats=train_nats, characters=characters, weights=weights()
            )
        return self.best

    def mark_no_overfitting(self) -> None:
        """Record that the last evaluation showed no overfitting."""
        self.last_period_without_overfitting = self.periods_done["evaluation"]

    def mark_final_evaluation(self, done: bool) -> None:
        """Record whether the best weights were evaluated after the last step."""
        self.final_evaluated = done

    def restart_periods(self, progress: RunProgress) -> None:
        """Count periods by a changed plan, starting at the current step."""
        self.final_evaluated = False
        for activity in PERIODS:
            self.mark_done(activity, progress)
        if progress.finished:
            # A run that ends before its first evaluation would have no best weights.
            self.periods_done["evaluation"] -= 1
        self.mark_no_overfitting()

    def _repair(self, progress: RunProgress) -> None:
        """Restore what the rest of a run relies on, so that nothing counts as done that was never done."""
        if self.best is None:
            # Early stopping needs a best evaluation, and the final evaluation needs its weights.
            self.periods_done["evaluation"] = min(self.periods_done["evaluation"], PERIODS["evaluation"] - 1)
            self.mark_no_overfitting()
        if self.is_due("report", progress) and not self.report_sums[0]:
            # A report is a mean over at least one step.
            self.mark_done("report", progress)
