"""Documents by a separator of the user's own: an endoftext file and a PGN file, from `train` to `inspect`."""

import dataclasses
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from common import SMALL as CONFIG
from common import Call, random_model

import charrnn
from charrnn.errors import CharrnnError
from charrnn.network.model_file import load_model, model_metadata
from charrnn.storage.safetensors_file import write_tensors
from charrnn.text.documents import alternating_start

SMALL = ("--hidden", "16", "--batch", "4", "--length", "16", "--threads", "1", "--steps", "20")
EVENT = r"/^\[Event /"


def stories(count: int) -> list[str]:
    """Return short stories of two paragraphs, which contain blank lines and angle brackets."""
    rng = np.random.default_rng(0)
    words = ["stone", "river", "lamp", "<b>", "old", "bridge"]
    return [" ".join(rng.choice(words, 9)) + "\n\n" + " ".join(rng.choice(words, 5)) for _ in range(count)]


def games(count: int) -> list[str]:
    """Return chess games: a header, a blank line and the moves."""
    rng = np.random.default_rng(0)
    moves = [
        " ".join(f"{turn}. e{rng.integers(1, 9)} Nf{rng.integers(1, 9)}" for turn in range(1, 9))
        for _ in range(count)
    ]
    return [f'[Event "Cup {number % 7}"]\n[Result "1-0"]\n\n{each} 1-0' for number, each in enumerate(moves)]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a directory with an endoftext file and a PGN file."""
    monkeypatch.chdir(tmp_path)
    Path("stories.txt").write_text("".join(f"{story}\n<|endoftext|>\n" for story in stories(60)))
    Path("games.pgn").write_text("\n\n".join(games(60)) + "\n")


@pytest.mark.parametrize(
    ("name", "kind", "documents", "label"),
    [
        ("stories.txt", "<|endoftext|>", stories(60), "separated by '<|endoftext|>'"),
        ("games.pgn", EVENT, games(60), r"each begins with /^\[Event /"),
    ],
    ids=["endoftext", "PGN"],
)
def test_whole_stories_and_games_are_learned(
    name: str, kind: str, documents: list[str], label: str, call: Call
) -> None:
    """Each with one end, without the separator; every command reads a text of the same form in the same way."""
    trained = call("train", name, "--documents", kind, "--out", "run", *SMALL)
    assert trained.code == 0
    assert "60 documents" in trained.err
    assert label in " ".join(call("info", "run").out.split())
    model = charrnn.load("run")
    text = "".join(f"{each}\x03" for each in documents)
    assert "|" not in model.model.vocabulary.characters
    assert model.activations(Path(name).read_text()).text == text
    assert json.loads(call("score", "run", name, "--json").out)["characters"] == len(text)
    inspected = json.loads(call("inspect", "run", "--cell", "1.3", "--text", name, "--chars", "99999", "--json").out)
    assert inspected["content"] == text
    held_out = model.held_out()
    assert held_out.count("\x03") == 6
    assert set(held_out.split("\x03")[:-1]) <= set(documents)
    assert model.novelty(documents[0] + "\n" + "<|endoftext|>" * (name == "stories.txt")).documents == 1
    # The same command continues, and so does the file of settings.
    assert "already trained" in call("train", name, "--documents", kind, "--out", "run", *SMALL).err
    assert call("train", "--config", "run/config.yaml", "--out", "again", "--threads", "1").code == 0
    assert Path("again/corpus.bin").read_bytes() == Path("run/corpus.bin").read_bytes()
    assert "was started with other settings" in call("train", name, "--documents", "blank", "--out", "run").err


def test_samples_are_separated_as_in_the_file(call: Call) -> None:
    """The output can be trained on again; a separator in the prompt begins a new document."""
    call("train", "stories.txt", "--documents", "<|endoftext|>", "--out", "run", *SMALL)
    samples = [
        json.loads(line)["text"]
        for line in call("sample", "run", "--count", "3", "--seed", "1", "--json").out.splitlines()
    ]
    assert call("sample", "run", "--count", "3", "--seed", "1").out == "\n<|endoftext|>\n".join(samples) + "\n"
    prompt = "stone<|endoftext|>"
    assert call("sample", "run", "-p", prompt, "--seed", "1").out == f"{prompt}{samples[0]}\n"
    model = charrnn.load("run")
    assert model.sample(prompt, seed=1) == samples[0]
    assert model.next_characters(prompt) == model.next_characters("")
    assert model.score(f"{samples[0]}<|endoftext|>{samples[1]}").characters >= len(samples[0] + samples[1])


def test_escapes_are_those_of_a_separator_between_lines(call: Call) -> None:
    r"""A \n in the separator is a line end."""
    Path("rules.txt").write_text("\n----\n".join(stories(60)).replace("<b>", "--") + "\n")
    trained = call("train", "rules.txt", "--documents", r"\n----\n", "--out", "run", *SMALL)
    assert (trained.code, "60 documents" in trained.err) == (0, True)
    assert r"separated by '\\n----\\n'" in " ".join(call("info", "run").out.split())


def test_a_pattern_of_whole_lines_in_a_text_with_crlf_names_the_cr(call: Call) -> None:
    r"""The hint is \r?$, with which the same pattern matches."""
    Path("book.txt").write_bytes(b"Chapter 1\r\nA story.\r\n" * 60)
    refused = call("train", "book.txt", "--documents", r"/^Chapter \d+$/", "--out", "run", *SMALL)
    assert (refused.code, r"`\r?$` matches the end of a line" in refused.err) == (1, True)
    assert call("train", "book.txt", "--documents", r"/^Chapter \d+\r?$/", "--out", "run", *SMALL).code == 0


def test_games_between_blank_lines_alternate_in_kind(call: Call) -> None:
    """The note names the separator that begins each game; poems and that separator have no note."""
    result = call("train", "games.pgn", "--documents", "blank", "--out", "run", *SMALL)
    assert r"the documents alternate in kind; `--documents '/^\[Event /'`" in " ".join(result.err.split())
    assert "alternate" not in call("train", "games.pgn", "--documents", EVENT, "--out", "games", *SMALL).err
    assert "alternate" not in call("train", "stories.txt", "--documents", "blank", "--out", "stories", *SMALL).err


@pytest.mark.parametrize(
    ("kinds", "start"),
    [
        (("# {0}", "{0} is of {0} and {0}"), "# "),
        (("Q: {0}?", "A: {0}"), "Q:"),
        (("{0}, {0}", "{1}{1} 456"), ""),
        (("{0} is", "{0} was"), None),
        (("{0}", "{0}", "# {0}"), None),
    ],
    ids=["Markdown", "questions", "numbers", "prose", "three"],
)
def test_documents_alternate_by_first_letters_or_all_characters(kinds: tuple[str, ...], start: str | None) -> None:
    """Texts of one kind, and of other orders, do not alternate."""
    words = [word for story in stories(20) for word in re.findall(r"[a-z]{2,}", story)]
    texts = [kinds[number % len(kinds)].format(word, number * 37) for number, word in enumerate(words)]
    assert alternating_start(texts) == start
    assert alternating_start(texts[:8]) is None


def test_a_pattern_in_a_model_of_another_person_is_not_tried(call: Call) -> None:
    """A pattern that can take exponential time is refused before any text is read."""
    model = random_model("\x03 ab", config=dataclasses.replace(CONFIG, documents="<>"))
    path = Path("model.safetensors")
    Path("a.txt").write_text("a" * 40 + " b")
    for pattern in ("/(a+)+c/", "/a*a*a*c/"):
        metadata = model_metadata(model) | {"kind": "model"}
        metadata["config"] = metadata["config"].replace("<>", pattern)
        write_tensors(path, model.weights, metadata)
        began = time.monotonic()
        for command in (["score", "model.safetensors", "a.txt"], ["sample", "model.safetensors"]):
            result = call(*command)
            assert (result.code, result.out) == (1, "")
            assert result.err.startswith("error: model.safetensors is not a valid model file: --documents /")
        with pytest.raises(CharrnnError, match="is not a valid model file"):
            load_model(path)
        assert time.monotonic() - began < 2
