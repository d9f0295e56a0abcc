"""Run directories: names of runs and files, and the model that an argument names."""

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import CharrnnError
from charrnn.storage.run_directory import MAX_NAME_BYTES, RunDirectory, display_name, find_model, run_name

DEVICES = {"con", "prn", "aux", "nul", "com1", "lpt9"}


def made(directory: Path, *, age: int = 0) -> RunDirectory:
    """Create a run whose model was written a number of seconds before the others."""
    run = RunDirectory(directory)
    run.path.mkdir(parents=True)
    run.model.touch()
    os.utime(run.model, (10_000 - age, 10_000 - age))
    return run


def test_the_newest_model_is_the_default(tmp_path: Path) -> None:
    """By the time of writing, not by the name of the run."""
    made(tmp_path / "z", age=5)
    newest = made(tmp_path / "b")
    (tmp_path / "c").mkdir()
    (tmp_path / "README.md").touch()
    assert find_model(runs=tmp_path) == newest.model


def test_a_model_is_named_by_its_file_or_its_run(tmp_path: Path) -> None:
    """Both lead to the file."""
    run = made(tmp_path / "a")
    assert find_model(run.path) == find_model(run.model) == run.model
    assert display_name(run.model) == str(run.path)
    assert display_name(tmp_path / "other.safetensors") == str(tmp_path / "other.safetensors")


@pytest.mark.fault("F53")
@pytest.mark.parametrize("named", [Path("nowhere"), Path("nowhere/model.safetensors"), Path()])
def test_the_error_for_a_missing_model_says_how_to_train_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: Path
) -> None:
    """Only the bundled model is there, which has to be named or is the default."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CharrnnError, match="no trained model") as caught:
        find_model(named)
    assert caught.value.hint == "`charrnn train corpus.txt`"
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("named", [None, Path("old"), Path("old/hamlt")])
def test_runs_in_another_directory_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: Path | None
) -> None:
    """Those in the current directory, in the named one, and beside a misspelled one."""
    monkeypatch.chdir(tmp_path)
    directory = Path("old") if named else Path()
    (directory / "hamlet").mkdir(parents=True)
    (directory / "hamlet" / "model.safetensors").touch()
    with pytest.raises(CharrnnError, match="no trained model") as caught:
        find_model(named)
    assert caught.value.hint is not None
    assert str(directory / "hamlet") in caught.value.hint


def test_the_bare_name_of_a_run_is_recognized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint has the whole path."""
    monkeypatch.chdir(tmp_path)
    made(Path("checkpoints/hamlet"))
    with pytest.raises(CharrnnError) as caught:
        find_model(Path("hamlet"))
    assert caught.value.hint == f"did you mean {Path('checkpoints/hamlet')}?"


def test_checkpoints_are_listed_by_step(tmp_path: Path) -> None:
    """Oldest first; other files are ignored, and steps may have more than eight digits."""
    run = made(tmp_path / "a")
    for step in (100_000_000, 99_999_999, 7):
        run.checkpoint(step).touch()
    for other in ("checkpoint-7.safetensors", ".checkpoint-00000009.safetensors.1.tmp", "checkpoint-x.safetensors"):
        (run.path / other).touch()
    assert run.checkpoints() == [run.checkpoint(step) for step in (7, 99_999_999, 100_000_000)]
    assert run.checkpoint(3500).name == "checkpoint-00003500.safetensors"
    assert RunDirectory(tmp_path / "none").checkpoints() == []


@pytest.mark.fault("F33")
@pytest.mark.parametrize(
    ("corpus", "name"),
    [
        ("shakespeare.txt", "shakespeare"),
        ("../a b:c?.txt", "a-b-c"),
        ("-rf.txt", "rf"),
        ("-", "text"),
        ("...", "text"),
        ("", "text"),
        ("CON.txt", "_CON"),
        ("aux.tar.gz", "_aux.tar"),
        ("COM¹", "_COM¹"),
        ("conserve.txt", "conserve"),
        ("Война и мир.txt", "Война-и-мир"),
        ("e\u0301te\u0301.txt", "été"),
        ("a\udcffb\x1b[31m.txt", "a-b-31m"),
        (".hidden", "hidden"),
        ("trailing. .txt", "trailing"),
    ],
)
def test_an_unusual_corpus_name_becomes_a_plain_run_name(corpus: str, name: str) -> None:
    """The name is valid for file systems, shells and terminals; letters of every script stay."""
    assert run_name(PurePosixPath(corpus)) == name


@pytest.mark.fault("F33")
def test_windows_paths_are_named_by_their_last_part() -> None:
    """Without the drive and the directories."""
    assert run_name(PureWindowsPath(r"C:\My texts\Moby Dick.txt")) == "Moby-Dick"
    assert run_name(PureWindowsPath(r"C:\texts\nul.txt")) == "_nul"


@given(st.text(max_size=300))
def test_every_run_name_is_one_plain_directory(corpus: str) -> None:
    """For any corpus name: one part, not hidden, no option, no device, not too long."""
    name = run_name(PurePosixPath(corpus))
    assert PurePosixPath(name).parts == PureWindowsPath(name).parts == (name,)
    assert name[0] not in "-."
    assert name[-1] not in ". "
    assert name.partition(".")[0].lower() not in DEVICES
    assert len(name.encode()) <= MAX_NAME_BYTES + 1
    assert name.isprintable()
    assert not set(name) & set('<>:"/\\|?* ')
