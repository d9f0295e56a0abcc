"""The plan of a resumed run: a changed budget changes the remaining steps."""

import pytest

from charrnn.config import TrainingConfig
from charrnn.training.lr_schedule import Plan
from charrnn.training.progress import PERIODS, Bookkeeping, RunProgress
from charrnn.training.resume import Budget, new_plan

IN_STEPS = TrainingConfig(batch=4, length=16, lr=0.01, steps=100)
IN_MINUTES = TrainingConfig(batch=4, length=16, lr=0.01, minutes=2.0)


def progress(steps: int | None = 100) -> RunProgress:
    """Return the progress of a run after 40 steps in 60 seconds."""
    return RunProgress(plan=Plan(steps=steps), step=40, seconds=60.0)


@pytest.mark.parametrize("budget", [Budget(), Budget(steps=100)])
def test_an_unchanged_budget_keeps_the_plan(budget: Budget) -> None:
    """A command without a budget keeps it too."""
    assert new_plan(budget, IN_STEPS, progress()) is None
    assert new_plan(Budget(minutes=2.0), IN_MINUTES, progress()) is None


@pytest.mark.parametrize("training", [IN_STEPS, IN_MINUTES])
def test_a_number_of_steps_replaces_any_other_budget(training: TrainingConfig) -> None:
    """The schedule is that of a run that was started with this number."""
    assert new_plan(Budget(steps=80), training, progress()) == Plan(steps=80)


def test_steps_replace_minutes_even_if_the_number_is_the_planned_one() -> None:
    """A plan that was derived from minutes may still change; one of steps does not."""
    assert new_plan(Budget(steps=100), IN_MINUTES, progress()) == Plan(steps=100)


@pytest.mark.parametrize(("minutes", "done"), [(10.0, 0.1), (2.0, 0.4), (0.5, 0.4)])
def test_minutes_leave_the_steps_open_and_never_raise_the_progress(minutes: float, done: float) -> None:
    """The progress is the fraction of steps or of time that is done, whichever is lower."""
    plan = new_plan(Budget(minutes=minutes), IN_STEPS, progress())
    assert plan is not None
    assert (plan.steps, plan.from_step) == (None, 40)
    assert plan.from_progress == pytest.approx(done)


def test_a_budget_is_spent_if_the_run_has_used_as_much() -> None:
    """An absent budget always is."""
    spent = [Budget(), Budget(steps=40), Budget(minutes=1.0)]
    left = [Budget(steps=41), Budget(minutes=1.01)]
    assert all(budget.is_spent(progress()) for budget in spent)
    assert not any(budget.is_spent(progress()) for budget in left)


def test_a_changed_plan_makes_nothing_due_at_once_except_the_evaluation_at_its_end() -> None:
    """Without that evaluation, a run that is cut short would have no best weights."""
    for steps, due in ((100, set()), (40, {"evaluation"})):
        bookkeeping, changed = Bookkeeping(final_evaluated=True), progress(steps)
        bookkeeping.restart_periods(changed)
        assert {what for what in PERIODS if bookkeeping.is_due(what, changed)} == due
        assert not bookkeeping.final_evaluated
        assert bookkeeping.last_period_without_overfitting == bookkeeping.periods_done["evaluation"]
