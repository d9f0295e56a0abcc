"""The normalization form of a training text, and texts in the other form that a model reads in its own."""

import json
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from common import Call, random_model
from hypothesis import given, settings
from hypothesis import strategies as st

import charrnn
from charrnn.errors import CharrnnError
from charrnn.network.model_file import load_model, save_model
from charrnn.text import vocabulary
from charrnn.text.corpus import open_corpus
from charrnn.text.corpus_encoder import CharacterCounts, count_characters
from charrnn.text.sources import open_sources

FRENCH = "élève à la forêt, garçon naïf\n" * 20


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to an empty directory."""
    monkeypatch.chdir(tmp_path)


def in_form(form: str, text: str = FRENCH) -> str:
    """Return a text in a normalization form."""
    return unicodedata.normalize(form, text)  # type: ignore[arg-type]


def counted(*texts: str) -> CharacterCounts:
    """Return the character counts of files with these texts."""
    names = [f"{number}.txt" for number in range(len(texts))]
    for name, text in zip(names, texts, strict=True):
        Path(name).write_text(text, encoding="utf-8", newline="")
    return count_characters(open_sources(names), "utf-8")


@pytest.mark.parametrize(
    "text",
    [FRENCH, "Мой за́мок на горе́, ёж. " * 20, "한국어 문장은 이렇게 보인다. " * 20, "Tiếng Việt được viết " * 20],
    ids=["French", "Russian", "Korean", "Vietnamese"],
)
@pytest.mark.parametrize("chunk", [7, 1 << 22])
def test_the_form_of_a_text_is_recognized(text: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever its chunks and blocks end; stress marks that no letter includes are in both forms."""
    monkeypatch.setattr("charrnn.text.source_file.CHUNK_BYTES", chunk)
    monkeypatch.setattr("charrnn.text.vocabulary.BLOCK", 5)
    for form in vocabulary.FORMS:
        assert (counted(in_form(form, text)).normalization, counted(in_form(form, text)).notes) == (form, ())
    assert counted("plain text " * 30).normalization is None
    assert counted("日本 " * 99).normalization is None


@settings(max_examples=150, deadline=None)
@given(text=st.text(st.sampled_from("aeéс̧́̀나ᄂ\u1161कंِّآا\u0653Ω\u2126א゙ּか"), min_size=200, max_size=210))
def test_a_text_has_a_form_only_if_it_is_normalized(text: str) -> None:
    """Any mixture of marks, whatever their order, and of characters that no form contains."""
    form = counted(text + "ab").normalization
    assert form is None or unicodedata.is_normalized(form, text)  # type: ignore[arg-type]


def test_a_user_whose_text_mixes_forms_reads_how_many_where_and_the_command() -> None:
    """The command composes all; it names the file with the first decomposed character."""
    notes = counted(in_form("NFC"), "text", in_form("NFD", "ça va"), in_form("NFD")).notes
    command = """python3 -c "import sys, unicodedata as u; sys.stdout.write(u.normalize('NFC', sys.stdin.read()))\""""
    assert notes == (
        "2.txt: 120 composed and 121 decomposed characters are mixed (the first: 'ç' as 'c' + U+0327); "
        f"`{command} < 2.txt > fixed.txt` composes all",
    )
    assert counted(in_form("NFC"), "text", in_form("NFD")).normalization is None


def french_model(form: str | None) -> None:
    """Write a model of French text in a form."""
    alphabet = "".join(sorted(set(in_form(form or "NFC"))))
    model = random_model(alphabet)
    training = model.training if form is None else {**model.training, "normalization": form}
    path = Path("checkpoints/french/model.safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(path, replace(model, training=training))


@pytest.mark.parametrize("form", vocabulary.FORMS)
def test_a_user_who_types_a_prompt_in_the_other_form_gets_the_same_text(form: str, call: Call) -> None:
    """Prompts, texts to stop at, scored and inspected texts; on the command line and in Python."""
    french_model(form)
    prompts = [in_form(each, "élève garçon") for each in vocabulary.FORMS]
    samples = [call("sample", "-p", prompt, "--seed", "1", "-n", "30", "--stop", prompt[:3]) for prompt in prompts]
    assert samples[0] == samples[1]
    assert (samples[0].code, samples[0].out[:3]) == (0, in_form(form, "élè")[:3])
    for each in vocabulary.FORMS:
        Path(f"{each}.txt").write_text(in_form(each), encoding="utf-8")
    scores = [call("score", f"{each}.txt", *more) for more in ((), ("--per-line",)) for each in vocabulary.FORMS]
    assert [result.out.replace("NFD.txt", "NFC.txt").split()[:3] for result in scores[:2]] == [
        scores[0].out.split()[:3]
    ] * 2
    assert "unknown" not in scores[0].out + scores[1].out
    inspect = ("inspect", "--cell", "1.0", "--chars", "40", "--json", "--text")
    content = [json.loads(call(*inspect, f"{each}.txt").out)["content"] for each in vocabulary.FORMS]
    assert content == [in_form(form)[:40]] * 2
    model = charrnn.load()
    assert model.sample(prompts[0], seed=1, stops=["ç"]) == model.sample(
        prompts[1], seed=1, stops=[in_form("NFD", "ç")]
    )
    assert model.score(prompts[0]) == model.score(prompts[1])
    assert model.score_lines(prompts[0]) == model.score_lines(prompts[1])
    assert model.activations(prompts[0]).cell("1.0").tolist() == model.activations(prompts[1]).cell("1.0").tolist()


def test_a_user_who_fine_tunes_on_the_other_form_reads_which_command_converts_the_text(call: Call) -> None:
    """New marks are named by their code points, since they would be drawn over a quotation mark."""
    french_model("NFC")
    Path("other.txt").write_text(in_form("NFD") * 9, encoding="utf-8")
    notes = call("train", "other.txt", "--from", "checkpoints/french", "--steps", "2", "--out", "tuned").err
    assert "U+0301" in notes
    assert "the text is in NFD, and" in notes
    assert "has learned NFC; `python3 -c" in notes


def test_a_model_without_a_form_reads_a_text_as_it_is(call: Call) -> None:
    """As older models do."""
    french_model(None)
    assert "the model never saw" in call("sample", "-p", in_form("NFD", "élève")).err
    assert call("sample", "-p", "élève", "-n", "1").code == 0


def test_a_user_who_trains_on_decomposed_text_finds_the_form_in_the_model(call: Call) -> None:
    """In the text of the run, in the model, and in `info`; another value is not valid."""
    Path("book.txt").write_text(in_form("NFD"), encoding="utf-8")
    result = call("train", "book.txt", "--steps", "2", "--hidden", "4", "--batch", "2", "--length", "8")
    assert result.code == 0
    run = Path("checkpoints/book")
    assert open_corpus(run / "corpus.bin").normalization == "NFD"
    model = load_model(run / "model.safetensors")
    assert model.training["normalization"] == "NFD"
    assert "normalization  NFD" in call("info").out
    save_model(run / "model.safetensors", replace(model, training={**model.training, "normalization": "nfd"}))
    with pytest.raises(CharrnnError, match="unknown normalization form 'nfd'"):
        load_model(run / "model.safetensors")
