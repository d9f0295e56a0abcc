"""What a network has to beat is learned once a run, within its budget, and kept."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from charrnn.storage.run_directory import RunDirectory
from charrnn.text.ngram import MAX_TRAIN_CHARS, NGram
from charrnn.training.evaluation import chars_affordable, ngram_baseline
from charrnn.training.events import Report
from charrnn.training.metrics import log_events, read_ngram, write_ngram
from charrnn.training.trainer import Trainer

KNOWN = NGram(order=3, nats=1.5, learned_from=900, characters=100, nats_by_order=(3.0, 2.0, 1.5, 1.6))


def test_it_is_learned_once(
    make_trainer: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks again is given what was noted, to the last digit."""
    trainer, directory = make_trainer(), RunDirectory(tmp_path)
    found = ngram_baseline(trainer, directory)
    assert (found.learned_from, found.characters) == (trainer.train_characters, trainer.held_out_characters)
    monkeypatch.setattr("charrnn.training.evaluation.fit_best_ngram", None)
    assert ngram_baseline(trainer, directory) == found


def test_a_longer_budget_has_it_learned_from_more(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """What little was learned in a short one gives way, and stands in the record no more."""
    trainer, directory = make_trainer(), RunDirectory(tmp_path)
    write_ngram(directory.metrics, KNOWN)
    found = ngram_baseline(trainer, directory)
    assert found.learned_from == trainer.train_characters > KNOWN.learned_from
    assert read_ngram(directory.metrics) == found
    assert len(directory.metrics.read_text().splitlines()) == 1


def test_its_line_outlives_going_back(tmp_path: Path) -> None:
    """A run that goes on from an earlier step, even the first, keeps it, before all other lines."""
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"event": "report", "step": 1}\n{"event": "report", "step": 9}\n')
    write_ngram(path, KNOWN)
    report = Report(step=2, epoch=0.1, nats=1.0, gradient_norm=1.0, learning_rate=0.1, progress=0.5)
    list(log_events(iter([report]), path, step=1))
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["ngram", "report", "report"]
    assert read_ngram(path) == KNOWN
    list(log_events(iter([]), path, step=0))
    assert read_ngram(path) == KNOWN


@pytest.mark.parametrize(
    "change", [{"order": None}, {"nats": "x"}, {"nats_by_order": 3}, {"learned_from": 1e999}, {"event": "report"}]
)
def test_a_line_that_is_none_of_ours_tells_of_no_n_gram(change: dict[str, object], tmp_path: Path) -> None:
    """Nor does a file that is not there."""
    path = tmp_path / "metrics.jsonl"
    assert read_ngram(path) is None
    path.write_text(json.dumps({"event": "ngram", "step": 0, **dataclasses.asdict(KNOWN), **change}))
    assert read_ngram(path) is None


def test_a_record_that_cannot_be_written_costs_nothing_but_time(
    make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    """The n-gram is learned anew each time; that the record is broken is told by others."""
    directory = RunDirectory(tmp_path / "missing")
    assert ngram_baseline(make_trainer(), directory) == ngram_baseline(make_trainer(), directory)
    write_ngram(tmp_path, KNOWN)


def test_more_time_affords_more_up_to_what_is_enough() -> None:
    """Some however short it is, and all that is ever learned from where the budget is not of time."""
    amounts = [chars_affordable(minutes) for minutes in (1e-9, 0.05, 0.1, 1, 10, 1000)]
    assert amounts == sorted(amounts)
    assert amounts[0] > 0
    assert amounts[-1] == chars_affordable(None) == MAX_TRAIN_CHARS
