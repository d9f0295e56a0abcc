"""Starting and resuming runs loses nothing: no trained model, no file of another program, no last step."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.errors import CharrnnError
from charrnn.network.model_file import load_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.run_lock import RunLock
from charrnn.text.corpus_encoder import count_characters
from charrnn.text.source_file import CorpusFiles
from charrnn.text.sources import open_sources
from charrnn.training import checkpoint, checkpointer, new_run
from charrnn.training.events import Step, run_to_result
from charrnn.training.fit import final_evaluation
from charrnn.training.loop import train_loop
from charrnn.training.new_run import Session
from charrnn.training.resume import resume
from charrnn.training.train_options import TrainOptions

OPTIONS: dict[str, Any] = {"hidden": 12, "batch": 4, "length": 16, "steps": 20}


def begin(
    sources: CorpusFiles, directory: RunDirectory, options: dict[str, Any], device: str, *, new: bool = False
) -> Session:
    """Count the characters of a text and start a run."""
    return new_run.start_new(
        new_run.NewRunRequest(
            sources=sources,
            counts=count_characters(sources, "utf-8"),
            directory=directory,
            options=TrainOptions(**options, new=new),
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
def directory(tmp_path: Path) -> RunDirectory:
    """Return a run directory that does not exist yet."""
    return RunDirectory(tmp_path / "run")


def trained(text: Path, directory: RunDirectory, *, conclude: bool = True, **options: Any) -> Session:
    """Train a run to its end, with or without the final evaluation."""
    session = begin(open_sources([str(text)]), directory, OPTIONS | options, "cpu", new=directory.model.exists())
    list(checkpointer.save_during_training(train_loop(session.trainer, sample_every=0), session.trainer, directory))
    if conclude:
        run_to_result(final_evaluation(session.trainer, directory))
    return session


def test_a_model_without_a_checkpoint_is_not_replaced(text: Path, directory: RunDirectory) -> None:
    """Only --new replaces a trained model."""
    trained(text, directory)
    for path in directory.checkpoints():
        path.unlink()
    before = directory.model.read_bytes()
    with pytest.raises(CharrnnError, match="no checkpoint to continue from"):
        begin(open_sources([str(text)]), directory, OPTIONS, "cpu")
    assert directory.model.read_bytes() == before


@pytest.mark.fault("F32")
@pytest.mark.parametrize("name", ["config.yaml", "model.safetensors", "thesis.tex"])
def test_files_of_other_programs_are_not_touched(name: str, text: Path, directory: RunDirectory) -> None:
    """Other programs may have files with these names."""
    directory.path.mkdir()
    (directory.path / name).write_text("precious")
    with pytest.raises(CharrnnError, match="is not a charrnn run"):
        begin(open_sources([str(text)]), directory, OPTIONS, "cpu", new=True)
    assert [(entry.name, entry.read_text()) for entry in directory.path.iterdir()] == [(name, "precious")]


def test_a_new_run_that_cannot_start_keeps_the_old_one(
    text: Path, directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the disk is full while the new text is written, the old run stays."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    trained(text, directory)
    before = {path.name: path.read_bytes() for path in directory.path.iterdir()}
    monkeypatch.setattr("charrnn.text.corpus_encoder.encode", full)
    with pytest.raises(CharrnnError, match="no space left on device"):
        begin(open_sources([str(text)]), directory, OPTIONS, "cpu", new=True)
    assert {path.name: path.read_bytes() for path in directory.path.iterdir()} == before


def test_what_a_killed_process_left_behind_is_cleared_away(text: Path, directory: RunDirectory) -> None:
    """A half-written text does not prevent a run, and is removed."""
    directory.path.mkdir()
    left = directory.path / ".charrnn-99999999-0123456789abcdef.tmp"
    left.write_text("half")
    with RunLock(directory) as lock:
        sources = open_sources([str(text)])
        counts, options = count_characters(sources, "utf-8"), TrainOptions(**OPTIONS)
        request = new_run.NewRunRequest(
            sources=sources, counts=counts, directory=directory, options=options, device="cpu"
        )
        new_run.start_new(request, lock)
    assert not left.exists()


def test_a_run_stopped_after_its_last_step_is_still_concluded(
    text: Path, directory: RunDirectory, tmp_path: Path
) -> None:
    """The final evaluation is made up for, so the model is that of a run that was never stopped."""
    uninterrupted = RunDirectory(tmp_path / "whole")
    trained(text, uninterrupted)
    trained(text, directory, conclude=False)
    resumed = resume(open_sources([str(text)]), directory, TrainOptions(), "cpu")
    assert not resumed.finished
    list(checkpointer.save_during_training(train_loop(resumed.trainer, sample_every=0), resumed.trainer, directory))
    run_to_result(final_evaluation(resumed.trainer, directory))
    assert resume(open_sources([str(text)]), directory, TrainOptions(), "cpu").finished
    expected, actual = load_model(uninterrupted.model).training, load_model(directory.model).training
    assert {name: expected[name] for name in ("step", "val_nats", "val_window256_nats", "val_characters")} == {
        name: actual[name] for name in ("step", "val_nats", "val_window256_nats", "val_characters")
    }


@pytest.mark.fault("F54")
def test_a_damaged_checkpoint_is_replaced_by_the_one_before(text: Path, directory: RunDirectory) -> None:
    """A note names the damaged file."""
    session = begin(open_sources([str(text)]), directory, OPTIONS, "cpu")
    list(
        checkpointer.save_during_training(
            train_loop(session.trainer, sample_every=0), session.trainer, directory, every_seconds=0.0
        )
    )
    newest = directory.checkpoints()[-1]
    newest.write_bytes(newest.read_bytes()[:-5])
    resumed = resume(open_sources([str(text)]), directory, TrainOptions(), "cpu")
    assert resumed.trainer.step == 19
    assert any("damaged" in note and "the one before" in note for note in resumed.notes)


@pytest.mark.fault("F55")
def test_if_all_checkpoints_are_damaged_each_is_named(text: Path, directory: RunDirectory) -> None:
    """No file is deleted."""
    session = begin(open_sources([str(text)]), directory, OPTIONS, "cpu")
    list(
        checkpointer.save_during_training(
            train_loop(session.trainer, sample_every=0), session.trainer, directory, every_seconds=0.0
        )
    )
    for path in directory.checkpoints():
        path.write_bytes(b"nothing")
    with pytest.raises(CharrnnError) as caught:
        resume(open_sources([str(text)]), directory, TrainOptions(), "cpu")
    assert all(path.name in caught.value.message for path in directory.checkpoints())
    assert "the one before" not in caught.value.message
    assert f"--from {directory.model}" in str(caught.value.hint)


@pytest.mark.fault("F30")
@pytest.mark.parametrize("options", [{"min_count": 50}, {"encoding": "latin-1"}, {"hidden": 13}, {"seed": 9}])
def test_settings_that_cannot_change_are_compared(
    options: dict[str, Any], text: Path, directory: RunDirectory
) -> None:
    """Settings of the text are compared too."""
    trained(text, directory)
    with pytest.raises(CharrnnError, match="started with other settings"):
        resume(open_sources([str(text)]), directory, TrainOptions(**options), "cpu")


def test_settings_that_may_change_apply_to_later_steps(text: Path, directory: RunDirectory) -> None:
    """A lower learning rate and a longer budget apply from the current step on."""
    trained(text, directory)
    resumed = resume(open_sources([str(text)]), directory, TrainOptions(lr=1e-4, steps=40), "cpu")
    assert (resumed.trainer.training.lr, resumed.trainer.plan.steps, resumed.trainer.step) == (1e-4, 40, 20)
    assert not resumed.finished
    longer = resume(open_sources([str(text)]), directory, TrainOptions(minutes=10.0), "cpu")
    assert longer.trainer.plan.steps is None
    assert longer.trainer.plan.progress(20) < 0.1


def test_a_run_cut_short_before_its_first_evaluation_is_evaluated(text: Path, directory: RunDirectory) -> None:
    """The run ends at once if the new number of steps is already reached, and its weights become the model."""
    session = begin(open_sources([str(text)]), directory, OPTIONS | {"steps": 400}, "cpu")
    events = train_loop(session.trainer, sample_every=0)
    while session.trainer.step < 7:
        next(events)
    checkpointer.save_final(session.trainer, directory)
    resumed = resume(open_sources([str(text)]), directory, TrainOptions(steps=5), "cpu")
    assert resumed.trainer.best is None
    list(checkpointer.save_during_training(train_loop(resumed.trainer, sample_every=0), resumed.trainer, directory))
    result = run_to_result(final_evaluation(resumed.trainer, directory))
    assert (result.steps, result.best_step, load_model(directory.model).training["step"]) == (7, 7, 7)
    assert resume(open_sources([str(text)]), directory, TrainOptions(steps=5), "cpu").finished


def test_a_training_that_stopped_early_is_finished_until_its_budget_is_increased(
    text: Path, directory: RunDirectory
) -> None:
    """More time or more patience continues it; the same budget again does not."""
    text.write_text("".join(np.random.default_rng(0).choice(list("abcd"), size=1000)))
    options: dict[str, Any] = {"hidden": 48, "batch": 8, "steps": 200, "lr": 0.03, "dropout": 0.0}
    session = trained(text, directory, **options)
    assert session.trainer.best is not None
    assert session.trainer.best.step < session.trainer.step < 200
    assert load_model(directory.model).training["stopped_early_at"] == session.trainer.step
    for same in ({}, options, {"patience": 0.2}):
        assert resume(open_sources([str(text)]), directory, TrainOptions(**same), "cpu").finished
    for more in ({"steps": 400}, {"minutes": 10.0}, {"patience": 0.0}, {"patience": 0.9}):
        resumed = resume(open_sources([str(text)]), directory, TrainOptions(**more), "cpu")
        assert not resumed.finished
        assert not resumed.trainer.bookkeeping.final_evaluated
        assert isinstance(next(train_loop(resumed.trainer, sample_every=0)), Step)


@pytest.mark.parametrize("less", [{"steps": 19}, {"epochs": 1e-9}, {"minutes": 0.0}])
def test_a_smaller_budget_does_not_change_a_finished_run(
    less: dict[str, Any], text: Path, directory: RunDirectory
) -> None:
    """It stays unchanged; a run that was only stopped ends."""
    trained(text, directory)
    resumed = resume(open_sources([str(text)]), directory, TrainOptions(**less), "cpu")
    assert resumed.finished
    assert resumed.trainer.plan.steps == resumed.trainer.training.steps == 20


def test_another_text_of_the_same_name_is_distinguished_from_a_changed_one(
    text: Path, directory: RunDirectory, tmp_path: Path
) -> None:
    """The hint does not suggest replacing the run of the first text."""
    trained(text, directory)
    (tmp_path / "sub").mkdir()
    other = tmp_path / "sub" / "book.txt"
    other.write_text("another book altogether\n" * 50)
    with pytest.raises(CharrnnError, match="the run is of") as caught:
        resume(open_sources([str(other)]), directory, TrainOptions(), "cpu")
    assert "--new" not in str(caught.value.hint)


@pytest.mark.parametrize(
    ("options", "words"), [({"min_count": 9999}, "--min-count"), ({"val_fraction": 0.002}, "--val")]
)
def test_settings_that_leave_no_training_or_held_out_text_are_refused(
    options: dict[str, Any], words: str, text: Path, directory: RunDirectory
) -> None:
    """No file is created."""
    with pytest.raises(CharrnnError) as caught:
        begin(open_sources([str(text)]), directory, OPTIONS | options, "cpu")
    assert words in str(caught.value.hint)
    assert not directory.path.exists()


def test_another_number_of_threads_is_noted(text: Path, directory: RunDirectory) -> None:
    """The run resumes, but not bit for bit."""
    import torch

    trained(text, directory)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        notes = resume(open_sources([str(text)]), directory, TrainOptions(steps=30), "cpu").notes
    finally:
        torch.set_num_threads(before)
    assert any("not bit for bit" in note and "threads" in note for note in notes)


def test_another_version_of_charrnn_is_noted(
    text: Path, directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version may compute other results; a checkpoint without a version causes no note."""
    trained(text, directory)
    monkeypatch.setattr("charrnn.training.device.__version__", "99.0")
    notes = resume(open_sources([str(text)]), directory, TrainOptions(steps=30), "cpu").notes
    assert [note for note in notes if "not bit for bit: charrnn " in note and "99.0 now" in note] == list(notes)
    monkeypatch.setattr("charrnn.training.resume.environment", lambda *_: {"what nobody noted": 1})
    assert not resume(open_sources([str(text)]), directory, TrainOptions(steps=30), "cpu").notes


def test_a_repetitive_text_gets_dropout_that_resuming_keeps(text: Path, directory: RunDirectory) -> None:
    """A note states the amount of repetition at the start; a resumed run does not measure it again."""
    options = OPTIONS | {"steps": 400}
    plain = begin(open_sources([str(text)]), directory, options, "cpu")
    assert not any("repeats itself" in note for note in plain.notes)
    text.write_text(6 * text.read_text())
    session = begin(open_sources([str(text)]), directory, options | {"steps": 2_400}, "cpu")
    assert (
        "the text repeats itself: about 17% of its passages are distinct; dropout is chosen for those"
        in session.notes
    )
    assert session.trainer.network.config.dropout > plain.trainer.network.config.dropout
    session.trainer.train_step()
    checkpoint.save_checkpoint(session.trainer, directory)
    resumed = resume(open_sources([str(text)]), directory, TrainOptions(), "cpu")
    assert resumed.trainer.network.config == session.trainer.network.config
    assert not resumed.notes
