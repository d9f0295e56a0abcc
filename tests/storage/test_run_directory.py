"""Places: names of runs and of what is in them, and which model is meant."""

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import CharrnnError
from charrnn.storage.run_directory import MAX_NAME_BYTES, RunDirectory, display_name, find_model, run_name

DEVICES = {"con", "prn", "aux", "nul", "com1", "lpt9"}


def made(directory: Path, *, age: int = 0) -> RunDirectory:
    """Make a run whose model was written so many seconds before the others."""
    run = RunDirectory(directory)
    run.path.mkdir(parents=True)
    run.model.touch()
    os.utime(run.model, (10_000 - age, 10_000 - age))
    return run


def test_the_newest_model_is_meant_if_none_is_named(tmp_path: Path) -> None:
    """By when the model was written, not by the run's name."""
    made(tmp_path / "z", age=5)
    newest = made(tmp_path / "b")
    (tmp_path / "c").mkdir()
    (tmp_path / "README.md").touch()
    assert find_model(runs=tmp_path) == newest.model


def test_a_model_is_named_by_its_file_or_by_its_run(tmp_path: Path) -> None:
    """Both give the file."""
    run = made(tmp_path / "a")
    assert find_model(run.path) == find_model(run.model) == run.model
    assert display_name(run.model) == str(run.path)
    assert display_name(tmp_path / "other.safetensors") == str(tmp_path / "other.safetensors")


@pytest.mark.fault("F53")
@pytest.mark.parametrize("named", [None, Path("nowhere"), Path("nowhere/model.safetensors"), Path()])
def test_no_model_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: Path | None) -> None:
    """Neither here, nor where it was said to be."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CharrnnError, match="no trained model") as caught:
        find_model(named)
    assert caught.value.hint == "`charrnn train corpus.txt`"
    assert caught.value.exit_code == 1


def test_a_runs_bare_name_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever leaves the directory out is told the whole name."""
    monkeypatch.chdir(tmp_path)
    made(Path("checkpoints/hamlet"))
    with pytest.raises(CharrnnError) as caught:
        find_model(Path("hamlet"))
    assert caught.value.hint == f"did you mean {Path('checkpoints/hamlet')}?"


def test_checkpoints_are_listed_by_step(tmp_path: Path) -> None:
    """The oldest first, whatever else lies there; more than eight digits are no trouble."""
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
def test_a_weird_corpus_name_becomes_a_plain_run_name(corpus: str, name: str) -> None:
    """What no file system, shell or terminal stumbles over; letters of every script stay."""
    assert run_name(PurePosixPath(corpus)) == name


@pytest.mark.fault("F33")
def test_windows_paths_are_named_by_their_last_part() -> None:
    """With the drive and the directories left out."""
    assert run_name(PureWindowsPath(r"C:\My texts\Moby Dick.txt")) == "Moby-Dick"
    assert run_name(PureWindowsPath(r"C:\texts\nul.txt")) == "_nul"


@given(st.text(max_size=300))
def test_every_run_name_is_one_plain_directory(corpus: str) -> None:
    """Whatever the corpus is called: one part, not hidden, no option, no device, not too long."""
    name = run_name(PurePosixPath(corpus))
    assert PurePosixPath(name).parts == PureWindowsPath(name).parts == (name,)
    assert name[0] not in "-."
    assert name[-1] not in ". "
    assert name.partition(".")[0].lower() not in DEVICES
    assert len(name.encode()) <= MAX_NAME_BYTES + 1
    assert name.isprintable()
    assert not set(name) & set('<>:"/\\|?* ')
