"""Documents (names and poems): charrnn train --documents, then sample, score and inspect."""

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
from common import Call, CommandResult

SMALL = ("--hidden", "16", "--batch", "4", "--length", "16", "--threads", "1", "--steps", "30")


def made_up(count: int) -> list[str]:
    """Return random names of a few syllables each."""
    rng = Random(0)
    starts, middles, ends = ["Al", "Ber", "Ca", "Dor", "El", "Fin"], ["la", "mi", "no", "re"], ["n", "s", "th", ""]
    return [
        rng.choice(starts) + "".join(rng.choices(middles, k=rng.randint(1, 3))) + rng.choice(ends)
        for _ in range(count)
    ]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a directory with names, one per line, and poems."""
    monkeypatch.chdir(tmp_path)
    Path("names.txt").write_text("\n".join(made_up(300)) + "\n")
    poems = ["\n".join(made_up(2 + number % 3)) for number in range(80)]
    Path("poems.txt").write_text("\n\n".join(poems))


def test_every_sample_of_names_is_one_line(call: Call) -> None:
    """The requested number of samples, also in JSON, and after a prompt."""
    trained = call("train", "names.txt", "--documents", "line", *SMALL)
    assert trained.code == 0
    assert "300 documents" in trained.err
    assert "10% of the documents held out" in " ".join(trained.err.split())  # at random, not the last ones
    result = call("sample", "--count", "7", "--seed", "1")
    assert (result.code, result.out.count("\n"), result.out[-1]) == (0, 7, "\n")
    lines = [json.loads(line) for line in call("sample", "--count", "7", "--seed", "1", "--json").out.splitlines()]
    assert [line["text"] for line in lines] == result.out.splitlines()
    continued = call("sample", "-p", "Ber", "--seed", "1").out
    assert (continued[:3], continued.count("\n")) == ("Ber", 1)
    assert len(call("sample", "-n", "2", "--count", "9", "--seed", "1").out) <= 9 * 3
    assert call("info").out.count("one per line") == 1


def test_generated_poems_are_separated_by_blank_lines(call: Call) -> None:
    """The output can be trained on again."""
    assert call("train", "poems.txt", "--documents", "blank", *SMALL).code == 0
    result = call("sample", "--count", "6", "--seed", "2", "-n", "60")
    assert result.out.endswith("\n")
    assert "\x03" not in result.out
    assert result.out.count("\n\n") >= 5


def test_a_text_is_scored_document_by_document(call: Call) -> None:
    """The order of the documents does not matter; all characters and ends count."""
    call("train", "names.txt", "--documents", "line", *SMALL)
    Path("back.txt").write_text("\n\n".join(reversed(Path("names.txt").read_text().splitlines())))
    forward, back = (json.loads(call("score", name, "--json").out) for name in ("names.txt", "back.txt"))
    assert forward["characters"] == back["characters"] == len(Path("names.txt").read_text())
    assert forward["nats_per_char"] == pytest.approx(back["nats_per_char"], rel=1e-4)
    assert forward["unknown"] == 0


def test_a_model_of_documents_can_be_inspected(call: Call) -> None:
    """On the held-out text and on a file."""
    call("train", "poems.txt", "--documents", "blank", *SMALL)
    for more in ((), ("--text", "poems.txt")):
        result = call("inspect", "--cell", "1.3", "--chars", "120", *more)
        assert result.code == 0
        assert "\x03" not in result.out


def test_the_settings_of_a_run_of_documents_reproduce_it(call: Call) -> None:
    """The kind of documents is a setting."""
    call("train", "names.txt", "--documents", "line", *SMALL)
    assert "documents: line  # command line" in Path("checkpoints/names/config.yaml").read_text()
    assert call("train", "--config", "checkpoints/names/config.yaml", "--out", "again", "--threads", "1").code == 0
    assert Path("again/corpus.bin").read_bytes() == Path("checkpoints/names/corpus.bin").read_bytes()
    assert call("sample", "again", "--seed", "5").out == call("sample", "checkpoints/names", "--seed", "5").out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["names.txt", "--documents", "page"], 1, "has no 'page' between two documents"),
        (["names.txt", "--documents", ""], 2, "the separator of documents is empty"),
        (["names.txt", "--documents", "x" * 201], 2, "has more than 200 characters"),
        (["names.txt", "--documents", "/^Zz/"], 1, "has no second match of /^Zz/"),
        (["names.txt", "--documents", "/[Event /"], 2, "unterminated character set"),
        (["names.txt", "--documents", "/(a+)+b/"], 2, "a group cannot be repeated"),
        (["names.txt", "--documents", "/x*/"], 2, "matches the empty text"),
        (["names.txt", "--documents", "blank"], 1, "has no blank line between two documents"),
        (["names.txt", "--documents", "file"], 1, "is one file, and so one document"),
        (["one.txt", "--documents", "line"], 1, "has no second line"),
        (["odd.txt", "--documents", "blank"], 1, "has U+0003"),
        (["none.txt", "--documents", "line"], 2, "no such file"),
        (["names.txt", "--documents", "line", "--documents", "blank"], 1, "no blank line"),
    ],
)
def test_bad_documents_are_refused_in_a_line(arguments: list[str], code: int, words: str, call: Call) -> None:
    """No file is created."""
    Path("one.txt").write_text("one line " * 50)
    Path("odd.txt").write_text("one\n\ntwo\x03three\n\n" * 50)
    result: CommandResult = call("train", *arguments, *SMALL)
    assert result.code == code
    assert words in result.err
    assert "Traceback" not in result.err
    assert not Path("checkpoints").exists()


@pytest.mark.slow
def test_thirty_thousand_names_are_learned_and_every_sample_ends_by_itself(call: Call) -> None:
    """After a short training: one line each, of about the same length, most of them new."""
    listed = made_up(30_000)
    Path("list.txt").write_text("\n".join(listed) + "\n")
    small = ("--hidden", "48", "--batch", "32", "--length", "32", "--threads", "1", "--steps", "250")
    trained = call("train", "list.txt", "--documents", "line", *small, "--json")
    assert json.loads(trained.out.splitlines()[-1])["val_bits"] < 2
    samples = call("sample", "--count", "300", "--seed", "1").out
    assert samples.endswith("\n")
    names = samples.removesuffix("\n").split("\n")
    assert len(names) == 300
    assert all(0 < len(name) <= 30 for name in names)
    assert abs(np.mean([*map(len, names)]) - np.mean([*map(len, listed)])) < 1
    assert len(set(names)) > 150
