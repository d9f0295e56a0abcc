"""A training that only learns its text by heart ends early, always at the same step; any other does not."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.runs import RunDirectory
from charrnn.text import corpus as corpora
from charrnn.text.corpus import Corpus
from charrnn.text.sources import find
from charrnn.training import checkpoint
from charrnn.training.events import Evaluation, Event, Moment, Overfitting, Step
from charrnn.training.loop import train
from charrnn.training.patience import is_sound, overfits
from charrnn.training.run import Best, Run
from charrnn.training.schedule import Plan
from charrnn.training.snapshot import arrays_of

STEPS = 200
PARTS = 20


@pytest.fixture
def noise(tmp_path: Path) -> Corpus:
    """Encode letters drawn by chance, of which nothing can be learned but the very text."""
    path = tmp_path / "noise.txt"
    path.write_text("".join(np.random.default_rng(0).choice(list("abcd"), size=1000)))
    sources = find([str(path)])
    return corpora.encode(sources, "utf-8", corpora.survey(sources, "utf-8"), tmp_path / "noise.bin")


@pytest.fixture
def make(noise: Corpus) -> Callable[..., Run]:
    """Give a function that makes runs whose network is large enough to learn the noise by heart."""

    def made(patience: float = 0.2) -> Run:
        training = TrainingConfig(batch=8, length=16, lr=0.03, steps=STEPS, patience=patience)
        return Run(noise, NetworkConfig(hidden=48, embedding=4), training, "cpu")

    return made


def evaluated(run: Run, losses: Sequence[tuple[float, float]]) -> list[bool]:
    """Pretend that a run has had evaluations of so much, held out and in training, and say when it overfitted."""
    overfitted = []
    for part, (nats, train_nats) in enumerate(losses, start=1):
        run.step, run.parts["evaluation"] = part * STEPS // PARTS, part
        if run.best is None or nats < run.best.nats:
            run.best = Best(step=run.step, nats=nats, train_nats=train_nats, characters=1000, weights={})
        if is_sound(nats, 0.01, train_nats, run.best):
            run.sound_parts = part
        overfitted.append(overfits(run))
    return overfitted


def everything(run: Run) -> dict[str, bytes]:
    """Lay out every array that a run consists of."""
    return {name: array.tobytes() for name, array in arrays_of(run).items()}


def test_a_text_learned_by_heart_ends_the_training(make: Callable[..., Run]) -> None:
    """Before its plan, right after an evaluation, a fifth of the plan after the last that was near the best."""
    run = make()
    events = list(train(run, sample_every=0))
    end, evaluations = events[-1], [event for event in events if isinstance(event, Evaluation)]
    assert isinstance(end, Overfitting)
    assert end.step == run.step == evaluations[-1].step < STEPS
    assert (end.best_step, end.best_nats) == (evaluations[-1].best_step, evaluations[-1].best_nats)
    assert end.progress == run.plan.progress(run.step)
    assert all(event.nats > 1.02 * end.best_nats for event in evaluations[-PARTS // 5 :])
    assert run.plan == Plan(steps=STEPS)


def happened(run: Run) -> Iterator[Event]:
    """Train, and pass all through but moments, in which nothing happens."""
    return (event for event in train(run, sample_every=0) if not isinstance(event, Moment))


def test_a_run_stopped_anywhere_ends_early_at_the_same_step(make: Callable[..., Run], tmp_path: Path) -> None:
    """Between any two events it can be saved and left, also after its last evaluation and after the end itself."""
    whole = make()
    told = list(happened(whole))
    places = [number for number, event in enumerate(told) if not isinstance(event, Step)]
    for place in (*places[::40], *range(len(told) - 4, len(told))):
        directory = RunDirectory(tmp_path / str(place))
        directory.path.mkdir()
        first, second = make(), make()
        for _, _event in zip(range(place + 1), happened(first), strict=False):
            pass
        checkpoint.load(second, checkpoint.save(first, directory))
        # Whoever is left at the end says again that it is one.
        assert list(happened(second)) == (told[place + 1 :] or told[-1:])
        assert everything(second) == everything(whole)


def test_with_more_patience_it_goes_on_as_if_it_had_never_ended(make: Callable[..., Run]) -> None:
    """To the last bit."""
    whole, run = make(patience=0.0), make()
    assert not any(isinstance(event, Overfitting) for event in train(whole, sample_every=0))
    list(train(run, sample_every=0))
    assert run.step < whole.step == STEPS
    run.training = dataclasses.replace(run.training, patience=0.0)
    list(train(run, sample_every=0))
    assert everything(run) == everything(whole)


@pytest.mark.parametrize("patience", [0.01, 0.05, 0.2, 0.5])
def test_patience_is_a_share_of_the_training(patience: float, make: Callable[..., Run]) -> None:
    """However small, it takes an evaluation that shows it; and never less than a reading of the text."""
    run = make(patience)
    overfitted = evaluated(run, [(2.0, 2.0), *[(3.0, 1.0)] * 18])
    reading = math.ceil(run.windows.per_epoch / STEPS * PARTS)
    assert overfitted.index(True) == max(1, round(patience * PARTS), reading)


@pytest.mark.parametrize(
    ("why", "losses"),
    [
        ("flat", [(2.0, 2.0), *[(2.035, 1.9)] * 18]),
        ("still getting better", [(3.0 - part / 10, 2.0) for part in range(19)]),
        ("up and down", [(2.0, 2.0), *[(2.2, 1.9), (2.2, 1.9), (2.2, 1.9), (2.03, 1.9)] * 4]),
        ("thrown off by a gradient, training loss and all", [(2.0, 2.0), *[(2.5, 2.4)] * 18]),
    ],
)
def test_what_may_get_better_does_not_end(
    why: str, losses: list[tuple[float, float]], make: Callable[..., Run]
) -> None:
    """A training that only stands still often comes down when the rate falls."""
    assert not any(evaluated(make(), losses)), why


def test_the_last_step_is_no_early_end(make: Callable[..., Run]) -> None:
    """Nor is a run stopped before its first evaluation, or while its speed is measured."""
    run = make()
    assert not overfits(run)
    overfitted = evaluated(run, [*[(2.0, 2.0)] * 16, *[(3.0, 1.0)] * 4])
    assert run.step == STEPS
    assert not any(overfitted)
    evaluated(run := make(), [(2.0, 2.0), *[(3.0, 1.0)] * 9])
    assert overfits(run)
    run.plan = Plan(steps=None)
    assert not overfits(run)


def test_what_is_within_the_standard_error_is_near_enough(make: Callable[..., Run]) -> None:
    """Of a short held-out text little is known."""
    evaluated(run := make(), [(2.0, 2.0)])
    assert run.best is not None
    assert is_sound(2.29, 0.3, 1.0, run.best)
    assert not is_sound(2.29, 0.2, 1.0, run.best)
    assert is_sound(2.03, 0.001, 1.0, run.best)
