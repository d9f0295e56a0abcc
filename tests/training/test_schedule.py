"""Progress and learning rate are functions of the step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.config import TrainingConfig
from charrnn.training.lr_schedule import Plan, learning_rate

TRAINING = TrainingConfig(batch=1, length=1, lr=1.0, warm_up=10, final_lr=0.1)


def test_the_learning_rate_rises_from_zero_and_falls_to_its_final_value() -> None:
    """Linear warm-up, then a monotone decay to the configured fraction."""
    plan = Plan(steps=1000)
    rates = [learning_rate(TRAINING, plan, step) for step in range(1001)]
    assert rates[0] < 0.1
    assert max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[1000] == pytest.approx(0.1)


@given(steps=st.integers(2, 10_000), at=st.floats(0, 1), longer=st.floats(0.3, 3))
def test_a_corrected_plan_changes_only_the_future(steps: int, at: float, longer: float) -> None:
    """The progress at the step of the correction is unchanged, rises monotonically from there, and ends at 1."""
    plan, step = Plan(steps=steps), int(at * (steps - 1))
    revised = plan.with_steps(step, max(step + 1, round(steps * longer)))
    assert revised.progress(step) == pytest.approx(plan.progress(step))
    assert revised.steps is not None
    assert revised.progress(revised.steps) == 1.0
    later = [revised.progress(s) for s in range(step, revised.steps + 1, max(1, revised.steps // 50))]
    assert later == sorted(later)


def test_a_plan_without_a_number_of_steps_has_no_progress() -> None:
    """While the speed is measured, nothing decays and nothing is finished."""
    plan = Plan(steps=None)
    assert plan.progress(10) == 0.0
    assert not plan.finished(10**9)
