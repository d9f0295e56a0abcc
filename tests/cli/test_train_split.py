"""charrnn train: which text is held out, from the user's point of view."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from common import Call, CommandResult

import charrnn
from charrnn.api.train import validate_settings
from charrnn.errors import WrongUsageError
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus import open_corpus
from charrnn.training.events import EarlyStop
from charrnn.training.metrics import read_history
from charrnn.views.training_progress import early_stop_line

SMALL = ("--hidden", "32", "--batch", "8", "--length", "32", "--threads", "1", "--lr", "0.02")
WORDS = ("river", "stone", "lamp", "garden", "letter", "window", "market", "bridge")

Split = Callable[..., tuple[CommandResult, str]]
"""a function that trains with options; it returns what the command printed and the held-out text"""


def prose(sentences: int, seed: int = 0) -> str:
    """Return sentences of random words."""
    choose = random.Random(seed).choice
    return "".join(f"The {choose(WORDS)} hides a {choose(WORDS)}.\n" for _ in range(sentences))


def clauses(count: int) -> str:
    """Return numbered clauses of a licence, which share few words with the prose."""
    return "".join(f"{n}) CLAUSE {n * n % 97} OF {1900 + n % 99}; SEE {n % 7}.{n % 9}\n" for n in range(count))


@pytest.fixture
def train(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Change to a directory with texts, and return a function that trains a small network."""
    monkeypatch.chdir(tmp_path)
    Path("book.txt").write_text(prose(700))
    Path("licensed.txt").write_text(prose(700) + clauses(60))
    Path("other.txt").write_text(prose(500, seed=1))
    Path("licence.txt").write_text(clauses(120))
    return lambda *arguments: call("train", *SMALL, *arguments)


@pytest.fixture
def split_of(train: Call) -> Split:
    """Return a function that trains for a few steps; it returns what the command printed and the held-out text."""

    def trained(*arguments: str) -> tuple[CommandResult, str]:
        result = train("--steps", "2", "--out", "run", "--new", *arguments)
        assert result.code == 0, result.err
        return result, charrnn.load("run").held_out(10**6)

    return trained


def test_a_book_with_a_licence_at_its_end_is_learned(train: Call) -> None:
    """The best weights are late ones, and no overfitting is reported: 10 blocks are held out instead of the end."""
    result = train("licensed.txt", "--steps", "120")
    assert re.search(
        r"note: the end is of a different kind than the rest \(\d+\.\d\d bits/char by a 4-gram", result.err
    )
    assert "10% in blocks held out" in result.err
    assert "overfits" not in result.err
    history = read_history(RunDirectory(Path("checkpoints/licensed")).metrics)
    assert history.validation[-1][1] < 0.6 * history.validation[0][1]


def test_an_ordinary_book_has_its_end_held_out(split_of: Split) -> None:
    """As in earlier versions, and without a note."""
    result, held_out = split_of("book.txt")
    assert "note: the end" not in result.err
    assert "the last 10% held out" in result.err
    assert Path("book.txt").read_text().endswith(held_out)


def test_the_end_is_held_out_of_each_of_several_files(split_of: Split) -> None:
    """The held-out text ends with the end of the last file and contains that of the first."""
    result, held_out = split_of("book.txt", "other.txt")
    assert "the last 10% of each file held out" in " ".join(result.err.split())
    for name in ("book.txt", "other.txt"):
        assert Path(name).read_text()[-1000:] in held_out


def test_a_user_can_insist_on_blocks(split_of: Split) -> None:
    """`--val-split spread` holds out ten blocks, which the description of the corpus lists."""
    result, held_out = split_of("book.txt", "--val-split", "spread")
    assert "10% in blocks held out" in result.err
    split = open_corpus(RunDirectory(Path("run")).corpus).split
    assert split is not None
    text = Path("book.txt").read_text()
    assert "".join(text[start:stop] for start, stop in split.spans).endswith(held_out)
    assert len(split.spans) == 10


def test_a_user_who_insists_on_a_different_end_gets_the_last_weights(train: Call) -> None:
    """The held-out loss rises although nothing overfits, so it does not choose the weights."""
    result = train("licensed.txt", "--val-split", "end", "--steps", "120", "--json")
    events = [json.loads(line) for line in result.out.splitlines()]
    losses = [event["nats"] for event in events if event["event"] == "evaluation"]
    assert losses[-1] > min(losses)
    assert (events[-1]["best_step"], events[-1]["stopped_early"]) == (120, False)
    assert "the last weights are kept" in result.err


def test_a_file_for_validation_is_held_out_as_a_whole(split_of: Split) -> None:
    """It is excluded from the training text, even where a pattern names it."""
    result, held_out = split_of("book.txt", "other.txt", "--val-file", "other.txt")
    assert "other.txt held out" in result.err
    assert held_out == Path("other.txt").read_text()
    corpus = open_corpus(RunDirectory(Path("run")).corpus)
    assert corpus.text(0, len(prose(700))) == prose(700)


def test_files_for_validation_are_searched_for_like_those_for_training(split_of: Split) -> None:
    """The patterns of files apply to directories only, and files that are left out are reported."""
    Path("held").mkdir()
    Path("held/out.txt").write_text(prose(300, seed=2))
    Path("held/picture.txt").write_bytes(b"\0" * 99)
    result, held_out = split_of("book.txt", "--val-file", "held", "--include", "*.txt")
    assert "1 left out (binary): held/picture.txt" in result.err
    assert held_out == Path("held/out.txt").read_text()
    _, held_out = split_of("held", "--val-file", "other.txt", "--include", "*.txt")
    assert held_out == Path("other.txt").read_text()


def test_a_file_for_validation_of_a_different_kind_is_reported(
    split_of: Split,
) -> None:
    """A note gives the figures, and early stopping is not called overfitting."""
    result, _ = split_of("book.txt", "--val-file", "licence.txt")
    assert "the held-out text is of a different kind than the rest" in result.err
    stop = EarlyStop(step=9, progress=0.5, best_nats=1, best_step=2, is_different=True)
    assert "overfits" not in early_stop_line(stop)


def test_a_file_that_is_predicted_worse_than_by_chance_does_not_choose_the_weights(train: Call) -> None:
    """The last weights are kept, because the held-out loss rises from the first steps on."""
    result = train("book.txt", "--val-file", "licence.txt", "--steps", "80", "--json")
    done = json.loads(result.out.splitlines()[-1])
    assert (done["best_step"], done["stopped_early"]) == (80, False)
    assert "the last weights are kept" in result.err


def test_the_split_is_recorded_for_people_and_scripts(train: Call, call: Call) -> None:
    """Info, its JSON, the first event of a training and the file of settings name it."""
    result = train("licensed.txt", "--steps", "2", "--json")
    assert json.loads(result.out.splitlines()[0])["held_out"] == "10% in blocks"
    assert "10% in blocks held out" in call("info", "checkpoints/licensed").out
    training = json.loads(call("info", "checkpoints/licensed", "--json").out)["training"]
    assert (training["held_out"], training["settings"]["val_split"]) == ("10% in blocks", "spread")
    assert yaml.safe_load(Path("checkpoints/licensed/config.yaml").read_text())["val_split"] == "spread"


def test_a_file_of_settings_repeats_a_run_with_separate_files(train: Call) -> None:
    """`--config` accepts the settings that a run has recorded."""
    assert train("book.txt", "--val-file", "other.txt", "--steps", "2", "--out", "first").code == 0
    recorded = yaml.safe_load(Path("first/config.yaml").read_text())
    assert recorded["val_file"] == ["other.txt"]
    assert not {"val_split", "val_fraction"} & (set(recorded) | set(charrnn.load("first").model.training["settings"]))
    assert train("--config", "first/config.yaml", "--out", "second").code == 0
    first, second = (open_corpus(RunDirectory(Path(name)).corpus) for name in ("first", "second"))
    assert first.split == second.split


def test_a_stopped_run_continues_with_its_split(train: Call) -> None:
    """With the options of the first command or without them, and not with others."""
    for first in (("--val-file", "other.txt"), ("--val-split", "spread")):
        start = ("book.txt", "--out", first[1].partition(".")[0])
        assert train(*start, *first, "--steps", "2").code == 0
        assert "resuming" in train(*start, *first, "--steps", "4").err
        assert "resuming" in train(*start, "--steps", "6").err
        assert train(*start, "--val-split", "end", "--steps", "8").code == (0 if first[0] == "--val-file" else 1)
    assert "val_file: saved none, requested licence.txt" in train(*start, "--val-file", "licence.txt").err


def test_a_changed_file_for_validation_is_reported(train: Call) -> None:
    """A run never continues with another held-out text."""
    command = ("book.txt", "--val-file", "other.txt")
    assert train(*command, "--steps", "2").code == 0
    Path("other.txt").write_text(prose(500, seed=2) + "!")
    assert "since step 2" in train(*command, "--steps", "4").err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("book.txt", "--val-file", "book.txt"), "no text is left to train on"),
        (("book.txt", "--val-file", "missing.txt"), "missing.txt: no such file"),
        (("book.txt", "--val-file", "other.txt", "--val-fraction", "0.2"), "--val-file and --val-fraction"),
        (("book.txt", "--val-file", "other.txt", "--val-split", "end"), "--val-file and --val-split"),
        (("-", "--val-file", "-"), "standard input can be read only once"),
        (("--files-from", "-", "--val-file", "-"), "standard input can be read only once"),
        (("book.txt", "--documents", "line", "--val-split", "spread"), "--val-split spread and --documents"),
        (("book.txt", "--val-split", "middle"), "middle"),
    ],
)
def test_an_impossible_split_is_refused(arguments: tuple[str, ...], message: str, train: Call) -> None:
    """In one line, before anything is written."""
    result = train(*arguments)
    assert result.code == 2
    assert message in result.err
    assert not Path("checkpoints").exists()


def test_a_tiny_file_for_validation_is_refused(train: Call) -> None:
    """Fewer than ten characters say nothing."""
    Path("tiny.txt").write_text("a")
    assert "only 1 characters would be held out" in train("book.txt", "--val-file", "tiny.txt").err


@pytest.mark.usefixtures("train")
def test_python_has_the_same_settings() -> None:
    """One path or several, and the names of the kinds."""
    assert validate_settings({"val_file": Path("a.txt")}).val_file == ("a.txt",)
    assert validate_settings({"val_file": ["a.txt", Path("b.txt")]}).val_file == ("a.txt", "b.txt")
    for settings in ({"val_split": "middle"}, {"val_file": 3}):
        with pytest.raises(WrongUsageError):
            validate_settings(settings)
    model = charrnn.train("book.txt", val_file="other.txt", steps=2, hidden=8, batch=4, length=16, threads=1, out="x")
    assert model.held_out(30) in Path("other.txt").read_text()


def test_novelty_counts_held_out_blocks_as_new(train: Call, call: Call) -> None:
    """The training text of a run with blocks held out is everything else."""
    train("book.txt", "--val-split", "spread", "--steps", "2", "--out", "run")
    corpus = open_corpus(RunDirectory(Path("run")).corpus)
    position = corpus.split_position(0.1)
    assert position == int(0.9 * corpus.characters)
    result = call("sample", "run", "--novelty", "-n", "50", "--seed", "1", "--json")
    assert json.loads(result.out)["novelty"]["held_out_copied"] is not None
