"""A list of names trained with --documents: `sample --novelty` finds copied names, `sample --new` writes others."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from common import SMALL, Call, random_model
from hypothesis import given
from hypothesis import strategies as st

import charrnn
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.generation.batched import GeneratedText
from charrnn.generation.novelty import NewDocuments, TrainingTextIndex
from charrnn.network.model_file import Model, load_model, save_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus_encoder import count_characters, encode
from charrnn.text.sources import open_sources
from charrnn.text.suffix_array import SuffixArray, build_suffix_array
from charrnn.text.vocabulary import Ids

LETTERS = "\n abcdefgh"
NAMES = dataclasses.replace(SMALL, documents="line")
OTHERS = "".join(f"a {first}{second}bad cab\n" for first in "abcdefgh" for second in "abcdefgh")
"""documents that no model of these tests writes, which have all letters"""

MakeRun = Callable[..., Model]


@pytest.fixture(autouse=True)
def _here(run_here: RunDirectory) -> None:
    """Change to the directory of a run."""
    assert run_here.model.exists()


@pytest.fixture
def learn(run_here: RunDirectory) -> MakeRun:
    """Return a function that stores a model with its training text and its held-out text."""

    def learn(model: Model, trained: list[str], held_out: list[str]) -> Model:
        texts = ["".join(f"{name}\n" for name in names) for names in (trained, held_out)]
        Path("names.txt").write_text("".join(texts))
        sources = open_sources(["names.txt"])
        encode(sources, "utf-8", count_characters(sources, "utf-8"), run_here.corpus)
        described = run_here.corpus.with_suffix(".json")
        described.write_text(json.dumps(json.loads(described.read_text()) | {"documents": "line"}))
        model = dataclasses.replace(model, training={"train_characters": len(texts[0])})
        save_model(run_here.model, model)
        return model

    return learn


@pytest.fixture
def names(learn: MakeRun, call: Call) -> list[str]:
    """Learn every third of the names that the model generates, and hold out every seventh; return all of them."""
    model = learn(random_model(LETTERS, config=NAMES), OTHERS.splitlines(), ["a bad cab"])
    generated = call("sample", "--count", "60", "--seed", "1", "-t", "1").out.split("\n")[:-1]
    trained = [name for name in generated[::3] if name.strip()]
    learn(model, [*trained, *OTHERS.splitlines()], [name for name in generated[::7] if name.strip()])
    return generated


def test_new_names_are_those_that_are_not_in_the_file(names: list[str], call: Call) -> None:
    """Each is written once, in the order of the seeds, and the discarded ones are counted."""
    known = set(Path("names.txt").read_text().splitlines())
    expected = [name for name in dict.fromkeys(names) if name.strip() and name not in known]
    assert 0 < len(expected) < len(names) - 20
    result = call("sample", "--new", "--count", str(len(expected)), "--seed", "1", "-t", "1")
    assert result.out.split("\n")[:-1] == expected
    last = names.index(expected[-1]) + 1
    copies = sum(name in known for name in names[:last])
    repeated = last - copies - len(expected)
    assert (
        f"note: discarded {last - len(expected)} documents ({copies} in names.txt, {repeated} repeated)" in result.err
    )
    assert call("sample", "--new", "--count", "3", "--seed", "1", "-t", "1", "-q").err == ""
    lines = call(
        "sample", "--new", "--count", str(len(expected)), "--seed", "1", "-t", "1", "--json"
    ).out.splitlines()
    assert [json.loads(line)["text"] for line in lines] == expected
    assert json.loads(lines[-1])["discarded"] == last - len(expected)
    alone = call("sample", "--seed", str(json.loads(lines[-1])["seed"]), "-t", "1").out
    assert alone == expected[-1] + "\n"


def test_new_names_in_python_are_those_of_the_command(names: list[str], call: Call) -> None:
    """The list counts the discarded names, and a single name is the first of them."""
    model = charrnn.load()
    texts = model.samples(count=5, seed=1, temperature=1, new=True)
    assert list(texts) == call("sample", "--new", "--count", "5", "--seed", "1", "-t", "1").out.split("\n")[:-1]
    assert texts.copies + texts.repeated == texts.discarded == names.index(texts[-1]) + 1 - 5  # type: ignore[attr-defined]
    assert model.sample(seed=1, temperature=1, new=True) == texts[0]
    with pytest.raises(WrongUsageError, match="at its end"):
        model.stream(new=True)


def test_a_prompt_is_the_beginning_of_the_new_name(learn: MakeRun, call: Call) -> None:
    """The name is the prompt and what follows it."""
    model = random_model(LETTERS, config=NAMES)
    learn(model, OTHERS.splitlines(), [])
    command = ("sample", "-p", "ab", "--seed", "1", "-t", "1")
    generated = call(*command).out.rstrip("\n")
    learn(model, [*OTHERS.splitlines(), generated], [])
    assert call(*command, "--new").out.rstrip("\n") not in ("", generated)
    learn(model, [*OTHERS.splitlines(), generated[2:]], [])
    assert call(*command, "--new").out.rstrip("\n") == generated
    assert call(*command, "--new", "--no-prompt").out.rstrip("\n") == generated[2:]


def only_a() -> Model:
    """Return a model that writes names of one letter, aa and a alike."""
    made = random_model(LETTERS, config=NAMES)
    bias = np.array([5, -99, 5, *[-99] * 7], np.float32)
    weights = {**made.weights, "output.weight": np.zeros_like(made.weights["output.weight"]), "output.bias": bias}
    return dataclasses.replace(made, weights=weights)


def test_a_model_that_only_copies_gives_up(learn: MakeRun, call: Call) -> None:
    """After a limited number of attempts, with a note; what is new until then is written."""
    learn(only_a(), ["a" * length for length in range(1, 40) if length != 3] + OTHERS.splitlines(), [])
    result = call("sample", "--new", "--count", "4", "--seed", "1")
    assert (result.code, result.out) == (0, "aaa\n")
    assert result.err.endswith("note: 3 of 4 are missing: gave up after discarding 500 in succession\n")
    learn(only_a(), ["a" * length for length in range(1, 40)] + OTHERS.splitlines(), [])
    assert call("sample", "--new", "--json").out == call("sample", "--new").out == ""
    assert "gave up after discarding one\n" in call("sample", "--new", "--argmax", "--count", "3").err
    texts = charrnn.load().samples(count=2, new=True)
    assert (list(texts), texts.discarded) == ([], 500)  # type: ignore[attr-defined]
    with pytest.raises(CharrnnError, match="no new document"):
        charrnn.load().sample(new=True)


def test_a_copied_name_is_reported_however_short_it_is(learn: MakeRun, call: Call) -> None:
    """In text, in JSON and in Python; the beginning of a longer name is not a copy."""
    learn(only_a(), ["a" * length for length in (2, 4, 5, 30)] + OTHERS.splitlines(), ["aaa"])
    result = call("sample", "--novelty", "--count", "8", "--seed", "1")
    generated = result.out.split("\n")[:-1]
    copied = [name for name in generated if len(name) in (2, 4, 5)]
    assert 0 < len(copied) < 8
    assert result.err.count("copied: 100.0% in whole documents and spans of 20 characters or more") == len(copied)
    assert result.err.count("the training text has this document word for word: 'aa") == len(copied)
    assert (
        f"word for word in the training text: {len(copied)} of 8 documents (held-out documents: 0.0%)" in result.err
    )
    lines = call("sample", "--novelty", "--count", "8", "--seed", "1", "--json").out.splitlines()
    for line, name in zip(map(json.loads, lines), generated, strict=True):
        novelty = line["novelty"]
        assert novelty["copied_documents"] == ([name] if name in copied else [])
        assert novelty["copied"] == (name in copied)
        assert novelty["documents"] == bool(name)
    in_python = charrnn.load().novelty("aa\n\naaa\na\naaaaa")
    assert (in_python.documents, in_python.copied_documents) == (4, ("aa", "aaaaa"))
    assert [(span.start, span.length) for span in in_python.spans] == [(0, 2), (10, 5)]
    assert [Path("names.txt").read_text()[span.source_start :][: span.length] for span in in_python.spans] == [
        "aa",
        "aaaaa",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--new", "-n", "0"], "--new needs complete samples"),
        (["--new", "--compare"], "--compare and --new cannot go together"),
        (["--new"], "has learned a text without documents"),
    ],
)
def test_new_names_of_another_model_are_refused(call: Call, arguments: list[str], words: str) -> None:
    """In one line."""
    result = call("sample", *arguments)
    assert (result.code, result.out) == (2, "")
    assert words in result.err


def test_new_names_need_the_text_of_the_run(call: Call, run_here: RunDirectory) -> None:
    """The error names the file, on the command line and in Python."""
    save_model(run_here.model, random_model(LETTERS, config=NAMES))
    result = call("sample", "--new")
    assert (result.code, result.out) == (1, "")
    assert "is not beside it" in result.err
    assert "hint: --new needs the run that the model comes from" in result.err
    with pytest.raises(CharrnnError, match="is not beside it"):
        charrnn.load().samples(count=2, new=True)
    save_model(run_here.model, dataclasses.replace(load_model(run_here.model), config=SMALL))
    with pytest.raises(WrongUsageError, match="without documents"):
        charrnn.load().samples(count=2, new=True)


DOCUMENTS = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=12)


@given(DOCUMENTS, DOCUMENTS, st.text("abc", max_size=5), st.sampled_from([np.uint8, np.uint16]))
def test_a_document_is_found_exactly_if_it_is_in_the_list(
    trained: list[str], held_out: list[str], document: str, dtype: type
) -> None:
    """Never as a part of another one, whatever the size of an id is."""
    model = random_model("\nab", config=NAMES)
    ids: list[Ids] = [
        model.vocabulary.encode("".join(f"{name}\n" for name in part)).astype(dtype) for part in (trained, held_out)
    ]
    index = TrainingTextIndex(
        model=model,
        suffix_array=SuffixArray(ids[0], build_suffix_array(ids[0], 3)),
        min_copy_chars=20,
        baseline_fraction=0.0,
        held_out=ids[1],
        corpus_name="names.txt",
    )
    for name in (document, *trained, *held_out):
        assert (index.find_document(name) is not None) == (name in trained)
        assert index.contains_document(name) == (name in trained + held_out)
    assert index.held_out_documents_copied == pytest.approx(np.mean([name in trained for name in held_out]))
    new = NewDocuments(index=index, missing=20, prompt="", max_discarded=30)
    texts = [*trained, "ba", "ba", *held_out, "aaaaa"]
    selected = [text.characters for _, text in new.select(GeneratedText(text, 0, 0) for text in texts)]
    assert selected == [text for text in ("ba", "aaaaa") if text not in trained + held_out]
    assert len(selected) + new.copies + new.repeated == len(texts)
