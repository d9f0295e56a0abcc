"""Starting and resuming runs lose nothing: no trained model, no foreign file, no last step."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.errors import CharrnnError
from charrnn.network.model_file import load_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.run_lock import RunLock
from charrnn.text.corpus_encoder import count_characters
from charrnn.text.sources import CorpusFiles, open_sources
from charrnn.training import checkpointer, new_run
from charrnn.training.events import Step, run_to_result
from charrnn.training.fit import final_evaluation
from charrnn.training.loop import train_loop
from charrnn.training.new_run import Session
from charrnn.training.resume import resume
from charrnn.training.train_options import TrainOptions

GIVEN: dict[str, Any] = {"hidden": 12, "batch": 4, "length": 16, "steps": 20}


def begin(
    sources: CorpusFiles, place: RunDirectory, given: dict[str, Any], device: str, *, new: bool = False
) -> Session:
    """Count the characters of a text and start a run."""
    return new_run.start_new(
        new_run.NewRunRequest(
            sources=sources,
            counts=count_characters(sources, "utf-8"),
            directory=place,
            options=TrainOptions(**given, new=new),
            device=device,
        )
    )


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """Return the path of a small text."""
    path = tmp_path / "book.txt"
    path.write_text("".join(f"{n} green bottles, {n * n % 97} walls (and a line).\n" for n in range(90)))
    return path


@pytest.fixture
def place(tmp_path: Path) -> RunDirectory:
    """Return a run directory that does not exist yet."""
    return RunDirectory(tmp_path / "run")


def trained(text: Path, place: RunDirectory, *, conclude: bool = True, **given: Any) -> Session:
    """Train a run to its end, with or without the final evaluation."""
    made = begin(open_sources([str(text)]), place, GIVEN | given, "cpu", new=place.model.exists())
    list(checkpointer.save_during_training(train_loop(made.trainer, sample_every=0), made.trainer, place))
    if conclude:
        run_to_result(final_evaluation(made.trainer, place))
    return made


def test_a_model_without_a_checkpoint_is_not_replaced(text: Path, place: RunDirectory) -> None:
    """Only --new replaces a trained model."""
    trained(text, place)
    for path in place.checkpoints():
        path.unlink()
    before = place.model.read_bytes()
    with pytest.raises(CharrnnError, match="no checkpoint to continue from"):
        begin(open_sources([str(text)]), place, GIVEN, "cpu")
    assert place.model.read_bytes() == before


@pytest.mark.fault("F32")
@pytest.mark.parametrize("name", ["config.yaml", "model.safetensors", "thesis.tex"])
def test_files_that_are_not_ours_are_not_touched(name: str, text: Path, place: RunDirectory) -> None:
    """Other programs may have files with these names."""
    place.path.mkdir()
    (place.path / name).write_text("precious")
    with pytest.raises(CharrnnError, match="is not a charrnn run"):
        begin(open_sources([str(text)]), place, GIVEN, "cpu", new=True)
    assert [(entry.name, entry.read_text()) for entry in place.path.iterdir()] == [(name, "precious")]


def test_a_new_run_that_cannot_start_keeps_the_old_one(
    text: Path, place: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the disk is full while the new text is written, the old run stays."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    trained(text, place)
    before = {path.name: path.read_bytes() for path in place.path.iterdir()}
    monkeypatch.setattr("charrnn.text.corpus_encoder.encode", full)
    with pytest.raises(CharrnnError, match="no space left on device"):
        begin(open_sources([str(text)]), place, GIVEN, "cpu", new=True)
    assert {path.name: path.read_bytes() for path in place.path.iterdir()} == before


def test_what_a_killed_process_left_behind_is_cleared_away(text: Path, place: RunDirectory) -> None:
    """A half-written text does not prevent a run, and is removed."""
    place.path.mkdir()
    left = place.path / ".charrnn-99999999-0123456789abcdef.tmp"
    left.write_text("half")
    with RunLock(place) as lock:
        sources = open_sources([str(text)])
        counts, options = count_characters(sources, "utf-8"), TrainOptions(**GIVEN)
        request = new_run.NewRunRequest(
            sources=sources, counts=counts, directory=place, options=options, device="cpu"
        )
        new_run.start_new(request, lock)
    assert not left.exists()


def test_a_run_stopped_after_its_last_step_is_still_concluded(
    text: Path, place: RunDirectory, tmp_path: Path
) -> None:
    """The final evaluation is made up for, so the model is that of a run that was never stopped."""
    whole = RunDirectory(tmp_path / "whole")
    trained(text, whole)
    trained(text, place, conclude=False)
    again = resume(open_sources([str(text)]), place, TrainOptions(), "cpu")
    assert not again.finished
    list(checkpointer.save_during_training(train_loop(again.trainer, sample_every=0), again.trainer, place))
    run_to_result(final_evaluation(again.trainer, place))
    assert resume(open_sources([str(text)]), place, TrainOptions(), "cpu").finished
    one, other = load_model(whole.model).training, load_model(place.model).training
    assert {name: one[name] for name in ("step", "val_nats", "val_window256_nats", "val_characters")} == {
        name: other[name] for name in ("step", "val_nats", "val_window256_nats", "val_characters")
    }


@pytest.mark.fault("F54")
def test_a_damaged_checkpoint_gives_way_to_the_one_before(text: Path, place: RunDirectory) -> None:
    """A note names the damaged file."""
    made = begin(open_sources([str(text)]), place, GIVEN, "cpu")
    list(
        checkpointer.save_during_training(
            train_loop(made.trainer, sample_every=0), made.trainer, place, every_seconds=0.0
        )
    )
    newest = place.checkpoints()[-1]
    newest.write_bytes(newest.read_bytes()[:-5])
    again = resume(open_sources([str(text)]), place, TrainOptions(), "cpu")
    assert again.trainer.step == 19
    assert any("damaged" in note and "the one before" in note for note in again.notes)


@pytest.mark.fault("F55")
def test_if_all_checkpoints_are_damaged_each_is_named(text: Path, place: RunDirectory) -> None:
    """No file is deleted."""
    made = begin(open_sources([str(text)]), place, GIVEN, "cpu")
    list(
        checkpointer.save_during_training(
            train_loop(made.trainer, sample_every=0), made.trainer, place, every_seconds=0.0
        )
    )
    for path in place.checkpoints():
        path.write_bytes(b"nothing")
    with pytest.raises(CharrnnError) as caught:
        resume(open_sources([str(text)]), place, TrainOptions(), "cpu")
    assert all(path.name in caught.value.message for path in place.checkpoints())
    assert "the one before" not in caught.value.message
    assert f"--from {place.model}" in str(caught.value.hint)


@pytest.mark.fault("F30")
@pytest.mark.parametrize("given", [{"min_count": 50}, {"encoding": "latin-1"}, {"hidden": 13}, {"seed": 9}])
def test_settings_that_cannot_change_are_compared(given: dict[str, Any], text: Path, place: RunDirectory) -> None:
    """Settings of the text are compared too."""
    trained(text, place)
    with pytest.raises(CharrnnError, match="started with other settings"):
        resume(open_sources([str(text)]), place, TrainOptions(**given), "cpu")


def test_settings_that_may_change_apply_to_later_steps(text: Path, place: RunDirectory) -> None:
    """A lower learning rate and a longer budget apply from the current step on."""
    trained(text, place)
    again = resume(open_sources([str(text)]), place, TrainOptions(lr=1e-4, steps=40), "cpu")
    assert (again.trainer.training.lr, again.trainer.plan.steps, again.trainer.step) == (1e-4, 40, 20)
    assert not again.finished
    longer = resume(open_sources([str(text)]), place, TrainOptions(minutes=10.0), "cpu")
    assert longer.trainer.plan.steps is None
    assert longer.trainer.plan.progress(20) < 0.1


def test_a_run_cut_short_before_its_first_evaluation_is_evaluated(text: Path, place: RunDirectory) -> None:
    """The run ends at once if the new number of steps is already reached, and its weights become the model."""
    made = begin(open_sources([str(text)]), place, GIVEN | {"steps": 400}, "cpu")
    events = train_loop(made.trainer, sample_every=0)
    while made.trainer.step < 7:
        next(events)
    checkpointer.save_final(made.trainer, place)
    again = resume(open_sources([str(text)]), place, TrainOptions(steps=5), "cpu")
    assert again.trainer.best is None
    list(checkpointer.save_during_training(train_loop(again.trainer, sample_every=0), again.trainer, place))
    result = run_to_result(final_evaluation(again.trainer, place))
    assert (result.steps, result.best_step, load_model(place.model).training["step"]) == (7, 7, 7)
    assert resume(open_sources([str(text)]), place, TrainOptions(steps=5), "cpu").finished


def test_a_training_that_ended_early_is_finished_until_it_is_given_more(text: Path, place: RunDirectory) -> None:
    """More time or more patience continues it; the same budget again does not."""
    text.write_text("".join(np.random.default_rng(0).choice(list("abcd"), size=1000)))
    given: dict[str, Any] = {"hidden": 48, "batch": 8, "steps": 200, "lr": 0.03, "dropout": 0.0}
    made = trained(text, place, **given)
    assert made.trainer.best is not None
    assert made.trainer.best.step < made.trainer.step < 200
    assert load_model(place.model).training["stopped_early_at"] == made.trainer.step
    for same in ({}, given, {"patience": 0.2}):
        assert resume(open_sources([str(text)]), place, TrainOptions(**same), "cpu").finished
    for more in ({"steps": 400}, {"minutes": 10.0}, {"patience": 0.0}, {"patience": 0.9}):
        again = resume(open_sources([str(text)]), place, TrainOptions(**more), "cpu")
        assert not again.finished
        assert not again.trainer.bookkeeping.final_evaluated
        assert isinstance(next(train_loop(again.trainer, sample_every=0)), Step)


@pytest.mark.parametrize("less", [{"steps": 19}, {"epochs": 1e-9}, {"minutes": 0.0}])
def test_a_smaller_budget_does_not_change_a_finished_run(
    less: dict[str, Any], text: Path, place: RunDirectory
) -> None:
    """It stays unchanged; a run that was only stopped ends."""
    trained(text, place)
    again = resume(open_sources([str(text)]), place, TrainOptions(**less), "cpu")
    assert again.finished
    assert again.trainer.plan.steps == again.trainer.training.steps == 20


def test_another_text_of_the_same_name_is_distinguished_from_a_changed_one(
    text: Path, place: RunDirectory, tmp_path: Path
) -> None:
    """The hint does not suggest replacing the run of the first text."""
    trained(text, place)
    (tmp_path / "sub").mkdir()
    other = tmp_path / "sub" / "book.txt"
    other.write_text("another book altogether\n" * 50)
    with pytest.raises(CharrnnError, match="the run is of") as caught:
        resume(open_sources([str(other)]), place, TrainOptions(), "cpu")
    assert "--new" not in str(caught.value.hint)


@pytest.mark.parametrize(
    ("given", "words"), [({"min_count": 9999}, "--min-count"), ({"val_fraction": 0.002}, "--val")]
)
def test_settings_that_leave_nothing_to_learn_or_to_check_are_refused(
    given: dict[str, Any], words: str, text: Path, place: RunDirectory
) -> None:
    """No file is created."""
    with pytest.raises(CharrnnError) as caught:
        begin(open_sources([str(text)]), place, GIVEN | given, "cpu")
    assert words in str(caught.value.hint)
    assert not place.path.exists()


def test_another_number_of_threads_is_noted(text: Path, place: RunDirectory) -> None:
    """The run resumes, but not bit for bit."""
    import torch

    trained(text, place)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        notes = resume(open_sources([str(text)]), place, TrainOptions(steps=30), "cpu").notes
    finally:
        torch.set_num_threads(before)
    assert any("not bit for bit" in note and "threads" in note for note in notes)


def test_another_version_of_charrnn_is_noted(
    text: Path, place: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version may compute other results; a checkpoint without a version causes no note."""
    trained(text, place)
    monkeypatch.setattr("charrnn.training.checkpoint.__version__", "99.0")
    notes = resume(open_sources([str(text)]), place, TrainOptions(steps=30), "cpu").notes
    assert [note for note in notes if "not bit for bit: charrnn " in note and "99.0 now" in note] == list(notes)
    monkeypatch.setattr("charrnn.training.resume.environment", lambda _: {"what nobody noted": 1})
    assert not resume(open_sources([str(text)]), place, TrainOptions(steps=30), "cpu").notes
