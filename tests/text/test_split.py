"""Splits of texts: the held-out spans, the order of the ids, and the difference between the end and the rest."""

import json
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import CharrnnError
from charrnn.text.corpus import Corpus, description_path, open_corpus
from charrnn.text.corpus_encoder import count_characters, encode
from charrnn.text.sources import open_sources
from charrnn.text.split import (
    HELD_OUT_SAMPLE,
    MIN_FILE_CHARS,
    REST_SAMPLE,
    Difference,
    Split,
    SplitRequest,
    complement,
    held_out_spans,
    measure_difference,
    span_chars,
)

WORDS = ("river", "stone", "lamp", "garden", "letter", "window", "market", "bridge", "copper", "willow", "engine")
VERBS = ("carries", "follows", "hides", "opens", "paints", "lifts", "breaks", "greets", "watches", "mends")


def prose(characters: int, seed: int = 0) -> str:
    """Return sentences of random words."""
    choose = random.Random(seed).choice
    sentences = (f"The {choose(WORDS)} {choose(VERBS)} a {choose(WORDS)}. " for _ in range(characters // 20))
    return "".join(sentences)[:characters]


def clauses(characters: int) -> str:
    """Return numbered clauses of a licence."""
    lines = (
        f"{n}. Permission {n} of section {n * n % 97}, as amended in {1900 + n % 99}.\n" for n in range(characters)
    )
    return "".join(line for line, _ in zip(lines, range(characters // 40), strict=False))[:characters]


def names(count: int) -> str:
    """Return a sorted list of random names."""
    choose, syllables = (
        random.Random(1).choice,
        ["ka", "lo", "mi", "ren", "tu", "sha", "bel", "dor", "an", "vi", "os", "pe"],
    )
    return "".join(
        f"{name}\n" for name in sorted({"".join(choose(syllables) for _ in range(4)).title() for _ in range(count)})
    )


@pytest.fixture
def encoded(tmp_path: Path) -> Callable[..., Corpus]:
    """Return a function that encodes texts, each a file, with a split; the last `val_files` are held out."""

    def encode_texts(*texts: str, **settings: object) -> Corpus:
        paths = [tmp_path / f"{number}.txt" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text, encoding="utf-8")
        sources = open_sources([str(path) for path in paths])
        documents = settings.pop("documents", None)
        counted = count_characters(sources, "utf-8", documents=documents)  # type: ignore[arg-type]
        request = SplitRequest(**{"val_fraction": 0.1, **settings})  # type: ignore[arg-type]
        return encode(sources, "utf-8", counted, tmp_path / "corpus.bin", split=request)

    return encode_texts


def difference_of(text: str, *, kind: str = "end") -> Difference:
    """Return the difference between the end of a text, or blocks of it, and the rest."""
    ids = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    spans = held_out_spans(kind, [len(ids)], 0.1)
    difference = measure_difference(lambda start, stop: ids[start:stop], spans, [len(ids)], 0.1, size=0x110000)
    assert difference is not None
    return difference


sizes = st.lists(st.integers(0, 30_000), min_size=1, max_size=30).filter(lambda chars: sum(chars) > 100)


@given(sizes, st.sampled_from(["end", "spread"]), st.sampled_from([0.001, 0.1, 0.37, 0.5]))
def test_spans_are_ordered_disjoint_and_within_long_files(chars: Sequence[int], kind: str, fraction: float) -> None:
    """Each file has its share; the whole text has its share if most of it is in short files."""
    spans = held_out_spans(kind, chars, fraction)
    edges = spans.ravel()
    assert edges[0] >= 0
    assert edges[-1] <= sum(chars)
    assert (np.diff(edges) >= 0).all()
    held_out = [count - int(count * (1 - fraction)) for count in chars]
    in_long_files = sum(count for count in held_out if count >= MIN_FILE_CHARS)
    assert span_chars(spans) in (in_long_files, sum(chars) - int(sum(chars) * (1 - fraction)))
    assert span_chars(spans) >= sum(chars) * fraction / 2
    rest = complement(spans, sum(chars))
    assert span_chars(rest) + span_chars(spans) == sum(chars)


def test_each_file_has_its_end_held_out_and_a_short_file_has_none() -> None:
    """A file is short if fewer than 200 of its characters would be held out."""
    assert held_out_spans("end", [5000, 1900, 3000], 0.1).tolist() == [[4500, 5000], [9600, 9900]]


def test_blocks_come_from_ten_positions() -> None:
    """One block lies in the middle of each tenth, and all are equally long."""
    spans = held_out_spans("spread", [10_000], 0.1)
    assert spans.tolist() == [[450 + 1000 * tenth, 550 + 1000 * tenth] for tenth in range(10)]


@pytest.mark.parametrize("kind", ["end", "spread"])
def test_the_held_out_text_of_several_files_follows_the_training_text(
    encoded: Callable[..., Corpus], kind: str
) -> None:
    """The spans of the description give the same text as the ids."""
    texts = (prose(9000), clauses(5000), prose(30, seed=3))
    corpus, whole = encoded(*texts, kind=kind), "".join(texts)
    assert corpus.split is not None
    held_out = "".join(whole[start:stop] for start, stop in corpus.split.spans)
    rest = "".join(whole[start:stop] for start, stop in complement(np.array(corpus.split.spans), len(whole)).tolist())
    assert corpus.text(0, corpus.characters) == rest + held_out
    assert corpus.split_position(0.3) == len(rest) == corpus.split.train_characters
    if kind == "end":
        assert held_out == texts[0][8100:] + texts[1][4500:]
    assert open_corpus(corpus.path) == corpus


def test_a_single_text_with_its_end_held_out_keeps_its_order(encoded: Callable[..., Corpus]) -> None:
    """As in earlier versions, without a copy."""
    text = prose(20_000)
    corpus = encoded(text)
    assert corpus.text(0, corpus.characters) == text
    assert corpus.split is not None
    assert (corpus.split.kind, corpus.split.train_characters) == ("end", int(len(text) * 0.9))


def test_short_reads_of_a_file_system_do_not_change_the_text(
    encoded: Callable[..., Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read can return fewer bytes than requested."""
    text, read = prose(3000), os.read
    expected = encoded(text, kind="spread").text(0, 3000)
    monkeypatch.setattr("os.read", lambda descriptor, size: read(descriptor, min(size, 100)))
    assert encoded(text, kind="spread").text(0, 3000) == expected


def test_separate_files_are_held_out_whole(encoded: Callable[..., Corpus]) -> None:
    """They follow the other files, in which nothing is held out."""
    texts = (prose(3000), prose(2000, seed=1), prose(900, seed=2))
    corpus = encoded(*texts, val_files=1)
    assert corpus.text(0, corpus.characters) == "".join(texts)
    assert corpus.split_position(0.1) == 5000
    assert corpus.split is not None
    assert corpus.split.label(5900).endswith("2.txt")


def test_documents_of_separate_files_are_not_mixed_with_the_others(encoded: Callable[..., Corpus]) -> None:
    """Only the documents for training are shuffled."""
    corpus = encoded(
        "".join(f"train {n}\n" for n in range(99)),
        "".join(f"test {n}\n" for n in range(9)),
        documents="line",
        val_files=1,
    )
    position = corpus.split_position(0.1)
    assert "test" not in corpus.text(0, position)
    assert corpus.text(position, corpus.characters) == "".join(f"test {n}\n" for n in range(9))


TEXTS = {
    "prose and clauses": prose(40_000) + clauses(4500),
    "prose and names": prose(40_000) + names(700)[:4000],
    "sorted names": names(3000),
    "prose and another alphabet": prose(40_000) + "звезда и море, река и поле. " * 160,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_an_end_of_a_different_kind_is_recognized(text: str, encoded: Callable[..., Corpus]) -> None:
    """Blocks are held out, and the figures are recorded."""
    corpus = encoded(text)
    assert corpus.split is not None
    assert corpus.split.difference is not None
    assert corpus.split.kind == "spread"
    assert corpus.split.difference.held_out_bits > 1.25 * corpus.split.difference.block_bits
    assert len(corpus.split.spans) == 10


ORDINARY = {
    "prose": prose(50_000),
    "names in random order": "".join(random.Random(2).sample(names(3000).splitlines(keepends=True), 2500)),
    "prose and clauses in turn": "".join(prose(4000, seed) + clauses(1000) for seed in range(10)),
}


@pytest.mark.parametrize("text", ORDINARY.values(), ids=ORDINARY)
def test_an_end_of_the_same_kind_is_held_out(text: str, encoded: Callable[..., Corpus]) -> None:
    """The end costs about as many bits as blocks do."""
    corpus = encoded(text)
    assert corpus.split is not None
    assert corpus.split.difference is not None
    assert corpus.split.kind == "end"
    assert corpus.split.difference.held_out_bits < 1.2 * corpus.split.difference.block_bits


def test_the_share_of_characters_that_occur_nowhere_else_is_exact() -> None:
    """A quarter of the end is a letter of its own."""
    end = "".join("xyzé" for _ in range(1250))
    difference = difference_of("xyz" * 15_000 + end)
    assert difference.unseen_share == 0.25


def test_a_long_text_is_sampled() -> None:
    """The result is about that of the whole text, from a limited number of characters."""
    ids = np.frombuffer((prose(900_000) + clauses(100_000)).encode(), np.uint8)
    read_chars = []

    def read(start: int, stop: int) -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
        read_chars.append(stop - start)
        return ids[start:stop]

    difference = measure_difference(read, held_out_spans("end", [len(ids)], 0.1), [len(ids)], 0.1, size=128)
    assert difference is not None
    assert difference.is_large
    assert sum(read_chars) <= 2 * HELD_OUT_SAMPLE + REST_SAMPLE


def test_many_short_pieces_are_sampled_too() -> None:
    """The ends of a thousand files are shorter than the pieces of a long text."""
    ids = np.frombuffer(prose(3_000_000).encode(), np.uint8)
    spans = held_out_spans("end", [3000] * 1000, 0.1)
    difference = measure_difference(lambda start, stop: ids[start:stop], spans, [3000] * 1000, 0.1, size=128)
    assert difference is not None
    assert not difference.is_large


def test_a_tiny_end_is_not_measured(encoded: Callable[..., Corpus]) -> None:
    """Too few characters say nothing."""
    corpus = encoded(prose(900) + clauses(100))
    assert corpus.split is not None
    assert (corpus.split.kind, corpus.split.difference) == ("end", None)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "middle"},
        {"train_characters": 0},
        {"train_characters": 10**9},
        {"spans": [[5, 4]]},
        {"spans": [[0, 10**9]]},
        {"spans": [[0.5, 1]]},
        {"spans": [[1, 2]] * 2000},
        {"names": ["a"]},
        {"names": [1]},
        {"parts": "many"},
        {"difference": {"held_out_bits": -1, "block_bits": 1, "unseen_share": 0, "is_large": True}},
        {"other": 1},
    ],
)
def test_a_damaged_split_is_reported(change: dict[str, object], encoded: Callable[..., Corpus]) -> None:
    """The description of a corpus is not trusted."""
    corpus = encoded(prose(3000))
    path = description_path(corpus.path)
    description = json.loads(path.read_text())
    description["split"] |= change
    path.write_text(json.dumps(description))
    with pytest.raises(CharrnnError, match="missing or damaged"):
        open_corpus(corpus.path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"split": {}}, "is missing or damaged"),
        ({"split": 0}, "is missing or damaged"),
        ({"counts": [1.5, 10**400]}, "its counts do not fit its vocabulary"),
        ({"fingerprint": [[]] * 1_000_000}, "its description holds more than it should"),
    ],
)
def test_a_damaged_description_is_reported(
    change: dict[str, object], message: str, encoded: Callable[..., Corpus]
) -> None:
    """An empty split, numbers without a sum, and more values than any description has."""
    corpus = encoded(prose(3000))
    path = description_path(corpus.path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CharrnnError, match=message):
        open_corpus(corpus.path)


def test_a_description_of_an_earlier_version_has_its_end_held_out(encoded: Callable[..., Corpus]) -> None:
    """The fraction of the training determines the position."""
    corpus = encoded(prose(3000))
    path = description_path(corpus.path)
    description = json.loads(path.read_text())
    del description["split"]
    path.write_text(json.dumps(description))
    assert open_corpus(corpus.path).split_position(0.25) == 2250
    assert open_corpus(corpus.path).split is None


def test_a_label_names_what_is_held_out() -> None:
    """For each kind of split, of one text and of several."""
    assert Split(kind="end", train_characters=90).label(100) == "the last 10%"
    assert Split(kind="end", train_characters=996).label(1000) == "the last 0.4%"
    assert Split(kind="end", train_characters=90, parts=2).label(100) == "the last 10% of each file"
    assert Split(kind="spread", train_characters=90).label(100) == "10% in blocks"
    assert Split(kind="files", train_characters=90, names=("a", "b", "c")).label(100) == "a and 2 more"
