"""charrnn score: bits per character of texts."""

import dataclasses
import json
import math
import re
import shutil
from pathlib import Path

import pytest
from common import Call, random_model

import charrnn
from charrnn.config import NetworkConfig
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import load_model, save_model
from charrnn.scoring import Score, score
from charrnn.storage.run_directory import RunDirectory


@pytest.fixture
def expected(run_here: RunDirectory) -> Score:
    """Write a text with two characters that the model does not know, and return its score."""
    Path("book.txt").write_bytes("abc é\nabcdé".encode())
    Path("short.txt").write_bytes(b"a")
    model = load_model(run_here.model)
    return score(InferenceRNN.from_model(model), model.vocabulary, "abc é\nabcdé")


def test_json_has_the_score(call: Call, expected: Score) -> None:
    """One line per text, with all numbers."""
    result = call("score", "book.txt", "book.txt", "--json")
    first, second = map(json.loads, result.out.splitlines())
    assert first == second
    assert first == {
        "model": "checkpoints/hamlet/model.safetensors",
        "text": "book.txt",
        "characters": expected.characters,
        "unknown": 2,
        "nats_per_char": expected.nats_per_char,
        "bits_per_char": expected.bits_per_char,
        "perplexity": expected.perplexity,
        "bytes": expected.utf8_bytes,
        "bits_per_byte": expected.bits_per_byte,
        "words": expected.words,
        "perplexity_per_word": expected.perplexity_per_word,
    }
    assert math.isclose(first["bits_per_char"] * math.log(2), first["nats_per_char"])


def test_a_person_reads_two_lines_a_text(call: Call, expected: Score) -> None:
    """With the number of unknown characters, and with the units of other models below."""
    result = call("score", "book.txt")
    assert result.err == ""
    assert f"{expected.bits_per_char:.4f} bits/char" in result.out
    assert "8 chars  2 unknown (20.0%)" in result.out
    first, second = result.out.splitlines()
    assert max(len(first), len(second)) < 90
    assert second.split()[0] == f"{expected.bits_per_byte:.4f}"
    assert second.endswith(" 2 words")


@pytest.mark.usefixtures("run_here")
def test_a_text_without_words_has_no_perplexity_per_word(call: Call) -> None:
    """It is null in JSON."""
    Path("blank.txt").write_text("  \n \n")
    assert call("score", "blank.txt").out.endswith("bits/byte  no words\n")
    values = json.loads(call("score", "blank.txt", "--json").out)
    assert (values["bytes"], values["words"], values["perplexity_per_word"]) == (4, 0, None)


def test_long_texts_are_scored_by_torch(call: Call, expected: Score, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a size on; the score is equal up to rounding."""
    monkeypatch.setattr("charrnn.cli.scorer.TORCH_FROM_OPS", 0)
    monkeypatch.setattr("charrnn.network.inference.InferenceRNN.nll", None)
    result = json.loads(call("score", "book.txt", "--json").out)
    assert math.isclose(result["nats_per_char"], expected.nats_per_char, abs_tol=1e-6)
    assert call("score", "book.txt", "--per-line").out.count("\n") == 3


@pytest.mark.usefixtures("expected")
@pytest.mark.parametrize(("worth", "given"), [(0, 1), (1e18, 3)])
def test_torch_has_threads_of_its_own(call: Call, monkeypatch: pytest.MonkeyPatch, worth: float, given: int) -> None:
    """One worker with torch, since more would wait for each other; several with NumPy."""
    thread_counts = []
    monkeypatch.setattr("charrnn.cli.scorer.TORCH_FROM_OPS", worth)
    monkeypatch.setattr("charrnn.resources.threads_for_workers", lambda: 3)
    monkeypatch.setattr("charrnn.scoring.run_generators", lambda _, threads: thread_counts.append(threads))
    call("score", "book.txt", "--json")
    assert thread_counts == [given]


@pytest.mark.usefixtures("expected")
def test_the_model_can_be_named_first(call: Call) -> None:
    """As a directory or by its suffix; any other argument is a text."""
    for model in ("checkpoints/hamlet", "checkpoints/hamlet/model.safetensors"):
        assert call("score", model, "book.txt") == call("score", "book.txt")
    assert call("score", "none.safetensors", "book.txt").err.startswith("error: no trained model at none.safetensors")


@pytest.mark.usefixtures("expected")
def test_standard_input_is_a_text(shell: Call, call: Call) -> None:
    """Its name is a dash."""
    piped = json.loads(shell("charrnn score - --json < book.txt").out)
    assert piped | {"text": "book.txt"} == json.loads(call("score", "book.txt", "--json").out)


@pytest.mark.usefixtures("expected")
def test_what_cannot_be_scored_is_named(call: Call) -> None:
    """No text, a text that is too short, a missing file, a binary file."""
    Path("latin.txt").write_bytes(b"ab\xe9c")
    result = call("score")
    assert (result.code, result.out) == (1, "")
    assert result.err.endswith("is not beside it\n\nhint: name a text to score, or - for standard input\n")
    assert call("score", "--top", "3").code == 2
    assert call("score", "short.txt").err.startswith("error: short.txt: too short to score: at least 2")
    assert call("score", "none.txt").err.startswith("error: none.txt: no such file")
    assert "latin.txt is not valid UTF-8 at byte 2" in call("score", "latin.txt").err
    assert call("score", "latin.txt", "--encoding", "latin-1").code == 0
    assert call("score", "book.txt", "--encoding", "utf-9").code == 2


def test_lines_can_be_put_in_order(call: Call, run_here: RunDirectory) -> None:
    """The best predicted line first; only a line end ends a line."""
    assert run_here.model.is_file()
    Path("names.txt").write_text("abc\nfeed\x0cbag\n\nhead\n", encoding="utf-8")
    plain = call("score", "names.txt", "--per-line")
    assert plain.out.splitlines()[0].split() == ["bits/char", "line"]
    assert [line.split("  ")[-1] for line in plain.out.splitlines()[1:]] == ["abc", "feed␌bag", "", "head"]
    bits = [
        json.loads(line)["bits_per_char"]
        for line in call("score", "names.txt", "--per-line", "--json").out.splitlines()
    ]
    ordered = call("score", "names.txt", "--per-line", "--sort", "--json").out.splitlines()
    assert [json.loads(line)["bits_per_char"] for line in ordered] == sorted(bits)
    assert {json.loads(line)["content"] for line in ordered} == {"abc", "feed\x0cbag", "", "head"}
    assert call("score", "names.txt", "--sort").code == 2
    assert call("score", "names.txt", "--sort", "--per-line", "--top", "3").code == 2


@pytest.mark.usefixtures("expected")
def test_several_models_are_set_side_by_side(call: Call, run_here: RunDirectory) -> None:
    """A column for each model below its name; a JSON object for each model."""
    result = call("score", str(run_here.path), str(run_here.model), "book.txt")
    assert result.out.splitlines()[0].split() == [
        "checkpoints/hamlet",
        "checkpoints/hamlet",
        "bits/char",
        "of",
        "text",
    ]
    first, second, name = result.out.splitlines()[1].split()[:3]
    assert (first, name) == (second, "book.txt")
    assert len(call("score", str(run_here.path), str(run_here.model), "book.txt", "--json").out.splitlines()) == 2


@pytest.mark.usefixtures("expected")
def test_the_next_characters_can_be_requested(call: Call) -> None:
    """The most likely character first, with the probabilities."""
    results = json.loads(call("score", "book.txt", "--top", "3", "--json").out)["next"]
    assert len(results) == 3
    assert [share for _, share in results] == sorted((share for _, share in results), reverse=True)
    result = call("score", "book.txt", "--top", "3").out.splitlines()
    assert result[0] == "book.txt: after 'abc é␊abcdé', by checkpoints/hamlet"
    assert len(result) == 4


@pytest.mark.usefixtures("expected")
def test_the_next_characters_after_each_line_have_its_number_as_the_scores_have(call: Call) -> None:
    """A script joins both outputs by the same keys."""
    Path("lines.txt").write_text("abc\nab\n", encoding="utf-8")
    outputs = [call("score", "lines.txt", "--per-line", "--json", *option).out for option in ((), ("--top", "1"))]
    lines = [[json.loads(line) for line in output.splitlines()] for output in outputs]
    scored, following = ([(values["line"], values["content"]) for values in output] for output in lines)
    assert scored == following == [(1, "abc"), (2, "ab")]


@pytest.mark.usefixtures("expected")
def test_blanks_among_the_next_characters_are_visible(call: Call) -> None:
    """A space and a newline have the signs of a heat map."""
    shown = {line.split()[0] for line in call("score", "book.txt", "--top", "99").out.splitlines()[1:]}
    assert {"␣", "¶"} <= shown


@pytest.mark.usefixtures("run_here")
def test_a_text_in_another_alphabet_is_distinguished_from_a_badly_predicted_one(call: Call) -> None:
    """By the share of characters that the model never saw."""
    Path("greek.txt").write_text("αβγδε abc", encoding="utf-8")
    result = call("score", "greek.txt")
    assert "5 unknown (62.5%)" in result.out
    assert "note: greek.txt: much of it the model never saw" in result.err


@pytest.mark.usefixtures("expected")
def test_a_model_after_a_text_is_refused_before_anything_is_scored(call: Call, run_here: RunDirectory) -> None:
    """The newest model is not scored on the text by mistake; training on a model file names `--from`."""
    for late in (run_here.path, run_here.model):
        result = call("score", "book.txt", str(late))
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith(f"error: {late} is a model, and models come first")
    assert f"hint: `--from {run_here.model}` starts from it" in call("train", str(run_here.model)).err


@pytest.mark.usefixtures("expected")
def test_models_that_know_different_characters_cannot_be_compared(call: Call) -> None:
    """The row has the largest number of unknown characters, and a note says why the losses differ."""
    for letters in ("ab ", "abc "):
        save_model(Path(f"{letters.strip()}.safetensors"), random_model(letters))
    Path("text.txt").write_text("abc cab bac", encoding="utf-8")
    result = call("score", "abc.safetensors", "ab.safetensors", "text.txt")
    assert result.out.endswith("  text.txt  up to 3 unknown (30.0%)\n")
    assert "note: text.txt: the models know different characters, so their losses cannot be compared" in result.err
    assert result.err == call("score", "ab.safetensors", "abc.safetensors", "text.txt").err
    assert "different characters" not in call("score", "ab.safetensors", "ab.safetensors", "text.txt").err


@pytest.fixture
def compared(finished: RunDirectory) -> list[str]:
    """Return two runs of one text: the finished LSTM, and a GRU of another size that has the same corpus."""
    gru = RunDirectory(finished.path.with_name("gru"))
    shutil.copytree(finished.path, gru.path)
    trained = load_model(finished.model)
    config = NetworkConfig(cell="gru", layers=1, hidden=24, embedding=8)
    model = random_model("".join(trained.vocabulary.characters), config=config)
    save_model(gru.model, dataclasses.replace(model, training=trained.training))
    return [str(finished.path), str(gru.path)]


def test_models_are_compared_on_their_held_out_text_if_no_text_is_given(call: Call, compared: list[str]) -> None:
    """Column headings name the models, also above the lines; JSON names the text."""
    result = call("score", *compared)
    heading, row = result.out.splitlines()
    assert heading.split() == ["book", "gru", "bits/char", "of", "text"]
    assert row.split()[2:] == ["held-out", "text", "of", "book.txt"]
    assert "training text" not in result.err
    lines = [json.loads(line) for line in call("score", *compared, "--json").out.splitlines()]
    assert [line["text"] for line in lines] == ["held-out text of book.txt"] * 2
    held_out = charrnn.load(compared[0]).held_out()
    assert lines[0]["bits_per_char"] == charrnn.load(compared[0]).score(held_out).bits_per_char
    per_line = call("score", *compared, "--per-line").out.splitlines()
    assert per_line[0].split()[:2] == ["book", "gru"]
    assert len(per_line) == 1 + len(held_out.splitlines())
    assert call("score", compared[0]).out.startswith("held-out text of book.txt  ")


def test_a_narrow_terminal_gets_numbered_columns(
    call: Call, compared: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names of the models are listed above the table."""
    monkeypatch.setattr("charrnn.cli.scorer.terminal_columns", lambda _: 30)
    assert [line.split() for line in call("score", *compared).out.splitlines()[:3]] == [
        ["1:", "book"],
        ["2:", "gru"],
        ["1", "2", "bits/char", "of", "text"],
    ]


def test_models_with_different_held_out_texts_cannot_be_compared_without_a_text(
    call: Call, compared: list[str]
) -> None:
    """Each is scored on its own held-out text, in a line that names the model, with a note."""
    other = RunDirectory(Path(compared[1]))
    model = load_model(other.model)
    training = {**model.training, "train_characters": model.training["train_characters"] - 400}
    save_model(other.model, dataclasses.replace(model, training=training))
    result = call("score", *compared)
    assert "note: the held-out texts differ, so the losses cannot be compared" in result.err
    assert [line.split("  ")[0] for line in result.out.splitlines()[::2]] == [
        f"{path}: held-out text of book.txt" for path in compared
    ]


@pytest.mark.parametrize("options", [[], ["--per-line"], ["--json"]])
def test_scoring_the_training_text_is_misleading(call: Call, compared: list[str], options: list[str]) -> None:
    """A note says how much of the text is training text of which models; of other texts nothing is result."""
    Path("new.txt").write_text("walls and bottles, bottles and walls of green and more.\n" * 9)
    result = call("score", *compared, "book.txt", "new.txt", *options)
    (note,) = (line for line in result.err.splitlines() if "training text" in line)
    assert re.match(r"note: book\.txt: about (8[5-9]|9[0-5])% is in the training text of book, gru, so", note)
    Path("excerpt.txt").write_text(Path("book.txt").read_text()[700:1000])
    assert "excerpt.txt: about 100% is" in call("score", compared[0], "excerpt.txt", *options).err


def test_a_model_without_its_run_cannot_tell_its_training_text(call: Call, finished: RunDirectory) -> None:
    """No note, and no error."""
    shutil.move(finished.model, "model.safetensors")
    result = call("score", "model.safetensors", "book.txt")
    assert (result.code, result.err) == (0, "")


def test_documents_are_found_in_a_shuffled_training_text(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of a list that the model was trained on; other names are not found in it."""
    monkeypatch.chdir(tmp_path)
    names = [f"{first}{second}" for first in ("an", "bo", "cle", "dir", "emi") for second in map(chr, range(97, 123))]
    Path("names.txt").write_text("\n".join(names) + "\n")
    Path("other.txt").write_text("\n".join(name[::-1] for name in names) + "\n")
    charrnn.train("names.txt", documents="line", steps=2, hidden=8, batch=4, length=8, threads=1)
    assert re.search(r"names\.txt: about (8|9)\d% is", call("score", "names.txt").err)
    assert "training text" not in call("score", "other.txt").err


@pytest.mark.parametrize("command", ["score", "info"])
def test_compared_networks_of_different_kinds_and_sizes_get_a_note(
    call: Call, compared: list[str], command: str
) -> None:
    """The same time budget gives each kind of cell another size; --hidden makes the sizes equal."""
    result = call(command, *compared)
    assert (
        "note: the sizes differ: LSTM 1×16, GRU 1×24; trained with the same `--hidden` they are alike" in result.err
    )
    assert "sizes differ" not in call(command, compared[0], compared[0]).err
    assert "sizes differ" not in call(command, compared[0]).err


def test_info_compares_the_named_runs_in_their_order(call: Call, compared: list[str]) -> None:
    """As a table or in JSON, with a line for each, or as a picture of their curves."""
    assert [line.split()[0] for line in call("info", *compared[::-1]).out.splitlines()[1:3]] == compared[::-1]
    runs = json.loads(call("info", *compared, "--json").out)["runs"]
    assert [run["network"] for run in runs] == ["LSTM 1×16", "GRU 1×24"]
    assert call("info", *compared, "--svg", "loss.svg").code == 0
    assert "<svg" in Path("loss.svg").read_text(encoding="utf-8")
