"""The n-gram baseline of a run is fitted once, within the time budget, and recorded."""

import dataclasses
import json
import threading
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from charrnn.storage.run_directory import RunDirectory
from charrnn.text.ngram import MAX_TRAIN_CHARS, NGram
from charrnn.training import ngram_baseline
from charrnn.training.events import Event, Report
from charrnn.training.loop import train_loop
from charrnn.training.metrics import log_events, read_ngram, write_ngram
from charrnn.training.ngram_baseline import NGramBaseline, chars_affordable
from charrnn.training.trainer import Trainer

NGRAM = NGram(order=3, nats=1.5, learned_from=900, characters=100, nats_by_order=(3.0, 2.0, 1.5, 1.6))


def test_the_ngram_is_fitted_once(
    make_trainer: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second call returns the recorded result, exact to the last digit."""
    trainer, directory = make_trainer(), RunDirectory(tmp_path)
    ngram = NGramBaseline(trainer, directory).ngram
    assert (ngram.learned_from, ngram.characters) == (trainer.train_characters, trainer.held_out_characters)
    list(log_events(iter([ngram]), directory.metrics, step=0))
    monkeypatch.setattr(ngram_baseline, "fit_best_ngram", None)
    assert NGramBaseline(trainer, directory).ngram == ngram


def test_the_ngram_is_fitted_beside_the_first_steps(
    make_trainer: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is yielded once: after the event during which it became known, or at the end, but not to a stopped run."""
    is_allowed = threading.Event()

    def fit_when_allowed(*_arguments: object, **_options: object) -> NGram:
        assert is_allowed.wait(10)
        return NGRAM

    monkeypatch.setattr(ngram_baseline, "fit_best_ngram", fit_when_allowed)
    stopped = make_trainer()
    baseline = NGramBaseline(stopped, RunDirectory(tmp_path))
    assert NGRAM not in baseline.add_to(islice(train_loop(stopped, sample_every=0), 3))
    events: list[Event] = []
    for event in baseline.add_to(train_loop(stopped, sample_every=0)):
        events.append(event)
        if len(events) == 5:
            is_allowed.set()
            assert baseline.ngram == NGRAM
    assert events.index(NGRAM) == 5
    assert events.count(NGRAM) == 1
    assert stopped.progress.finished
    assert list(NGramBaseline(stopped, RunDirectory(tmp_path)).add_to(iter(()))) == [NGRAM]


def test_a_longer_budget_fits_the_ngram_to_more_text(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """The result of the short budget is replaced in the metrics file."""
    trainer, directory = make_trainer(), RunDirectory(tmp_path)
    write_ngram(directory.metrics, NGRAM)
    ngram = NGramBaseline(trainer, directory).ngram
    list(log_events(iter([ngram]), directory.metrics, step=0))
    assert ngram.learned_from == trainer.train_characters > NGRAM.learned_from
    assert read_ngram(directory.metrics) == ngram
    assert len(directory.metrics.read_text().splitlines()) == 1


def test_the_line_of_the_ngram_is_kept_when_a_run_resumes(tmp_path: Path) -> None:
    """Also at step 0, and it stays the first line."""
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"event": "report", "step": 1}\n{"event": "report", "step": 9}\n')
    write_ngram(path, NGRAM)
    report = Report(step=2, epoch=0.1, nats=1.0, gradient_norm=1.0, learning_rate=0.1, progress=0.5)
    list(log_events(iter([report]), path, step=1))
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["ngram", "report", "report"]
    assert read_ngram(path) == NGRAM
    list(log_events(iter([]), path, step=0))
    assert read_ngram(path) == NGRAM


@pytest.mark.parametrize(
    "change", [{"order": None}, {"nats": "x"}, {"nats_by_order": 3}, {"learned_from": 1e999}, {"event": "report"}]
)
def test_an_invalid_line_is_not_read_as_an_ngram(change: dict[str, object], tmp_path: Path) -> None:
    """A missing file is not an error either."""
    path = tmp_path / "metrics.jsonl"
    assert read_ngram(path) is None
    path.write_text(json.dumps({"event": "ngram", "step": 0, **dataclasses.asdict(NGRAM), **change}))
    assert read_ngram(path) is None


def test_an_ngram_that_cannot_be_recorded_is_fitted_again(
    make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    """The failure is not reported here."""
    directory = RunDirectory(tmp_path / "missing")
    assert NGramBaseline(make_trainer(), directory).ngram == NGramBaseline(make_trainer(), directory).ngram
    write_ngram(tmp_path, NGRAM)


def test_more_time_affords_more_characters_up_to_the_maximum() -> None:
    """The number is never 0; without a time budget it is the maximum."""
    amounts = [chars_affordable(minutes) for minutes in (1e-9, 0.05, 0.1, 1, 10, 1000)]
    assert amounts == sorted(amounts)
    assert amounts[0] > 0
    assert amounts[-1] == chars_affordable(None) == MAX_TRAIN_CHARS
