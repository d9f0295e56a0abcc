"""Documents: separation, end characters, shuffling and the split of held-out text."""

import io
import json
import re
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from charrnn.arguments import custom_separator
from charrnn.errors import CharrnnError
from charrnn.text import documents
from charrnn.text.corpus import Corpus, open_corpus
from charrnn.text.corpus_encoder import count_characters, encode
from charrnn.text.documents import document_offsets, nearest_document_start, shuffle_documents, terminate_documents
from charrnn.text.sources import open_sources
from charrnn.text.vocabulary import END_OF_TEXT, end_char

CASES = {
    "line": ("\n \n Ann \nBob\r\n\n\t\nCleo\tDora  \n\r\n  Eve\n \n", [" Ann", "Bob", "Cleo\tDora", "  Eve"]),
    "blank": (
        "\n\none\n two \r\nthree  \n\n\n\n  four\n \t\nfive\r\n\r\nsix",
        ["one\n two \r\nthree", "  four", "five", "six"],
    ),
    "file": ("\n a\n\nb \n", ["\n a\n\nb \n"]),
    "<|end|>": (
        " \n<|end|>\n  one\n\ntwo \t<|end|> \r\n\n<|end|><|end|> three\n<|end|\n|end|> <|end|>\n\n",
        ["  one\n\ntwo", " three\n<|end|\n|end|>"],
    ),
    r"\n--\n": ("one\n--\n\ntwo--\n--\n--\nthree\n--", ["one", "two--", "--\nthree\n--"]),
    "aab": ("aaab ab\naabc", ["a", " ab", "c"]),
    r"/^\[Event /": (
        "% a note\n\n[Event 1]\n[Site a]\n\n1. e4 [Event x] \n\n\n[Event 2]\n\n1. d4\n",
        ["% a note", "[Event 1]\n[Site a]\n\n1. e4 [Event x]", "[Event 2]\n\n1. d4"],
    ),
    r"/(?<=\n)(?=Chapter \d|Part)/": (
        "Chapter 1\na\nChapter 2\nb Part\nPart",
        ["Chapter 1\na", "Chapter 2\nb Part", "Part"],
    ),
}
CORPORA = ("line", "blank", "file")
"""kinds of the documents that are encoded"""


def split(pieces: list[str], kind: str) -> list[str]:
    """Return the documents in the chunks of a file."""
    text = "".join(terminate_documents(pieces, kind, "text.txt"))
    assert not text or text.endswith(end_char(kind))
    return text.split(end_char(kind))[:-1]


@pytest.mark.parametrize("kind", CASES)
def test_documents_are_separated_regardless_of_chunks(kind: str) -> None:
    """With any blanks and empty lines around the separators."""
    text, expected = CASES[kind]
    assert split([text], kind) == expected
    assert split(list(text), kind) == expected
    for cut in range(len(text)):
        assert split([text[:cut], "", text[cut:]], kind) == expected, cut


@pytest.mark.parametrize("kind", CASES)
def test_blanks_alone_are_not_a_document(kind: str) -> None:
    """Except as a file; an empty file is not a document."""
    assert split(["", "  \n", "\n\r\n", ""], kind) == ([] if kind != "file" else ["  \n\n\r\n"])
    assert split([""], kind) == []


@pytest.mark.parametrize("pattern", [r"^\d+\.", "a(?=b)", r"(?<=ab)c", r"b{2,4}", r"c|^a|\nb"])
def test_matches_in_blocks_are_those_in_the_whole_text(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the borders of blocks and chunks are."""
    text = "".join(np.random.default_rng(0).choice(list("aabbcc1.\n"), 3_000))
    starts = [0, *(match.start() for match in re.finditer(pattern, text, re.MULTILINE)), len(text)]
    whole = [text[start:stop].strip("\n") for start, stop in pairwise(starts)]
    expected = [document for document in whole if document]
    monkeypatch.setattr(documents, "MATCH_CHARS", 16)
    for block_chars in (1, 5, 64, 5_000):
        monkeypatch.setattr(documents, "BLOCK_CHARS", block_chars)
        for cut in (1, 7, 1_000, 3_000):
            chunks = [text[start : start + cut] for start in range(0, len(text), cut)]
            assert split(chunks, f"/{pattern}/") == expected, (block_chars, cut)


@pytest.mark.parametrize("kind", ["<|end|>", r"/^\[Event /"])
def test_a_custom_separator_takes_constant_memory(kind: str) -> None:
    """Chunks of a megabyte without a separator are passed on one by one."""
    chunks = ("one long line " * 70_000 for _ in range(20))
    sizes = [len(piece) for piece in terminate_documents(chunks, kind, "text.txt")]
    assert max(sizes) < 1_100_000
    assert sum(sizes) == 20 * 980_000  # the last blank is removed, and the end is added


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(a+)+b", "cannot be repeated"),
        ("(a|a)*b", "cannot be repeated"),
        ("(a|ab){1,20}c", "cannot be repeated"),
        ("a*a*a*b", "too much time"),
        ("^[^x]*[^x]*y", "too much time"),
        ("a?" * 20 + "a" * 20, "too much time"),
        ("(a|a)" * 20 + "b", "too much time"),
        (r"(a)\1", "not supported"),
        ("(?x) a b", "not supported"),
        ("(?#x)a", "not supported"),
        ("a**", "multiple repeat"),
        ("^", "matches the empty text"),
    ],
)
def test_a_pattern_that_can_take_much_time_is_refused(pattern: str, words: str) -> None:
    """Before it is tried on any text."""
    with pytest.raises(CharrnnError, match=words):
        custom_separator(f"/{pattern}/")


@pytest.mark.parametrize(
    "pattern",
    [r"^\[Event ", r"\[Event ", r"^\d+:\d+ ", r"(?i)^(?:chapter|part) [ivx]+\.?", r"[]\[a]+b", "^From .*@.*"],
)
def test_ordinary_patterns_take_little_time(pattern: str) -> None:
    """On a text that is made to be slow."""
    slow = ["1" * 500 + ":" + "1" * 500, "[]a" * 700, "From " + "@" * 1_000] * 20
    start_time = time.process_time()
    list(terminate_documents(slow, f"/{pattern}/", "text.txt"))
    assert time.process_time() - start_time < 2


@pytest.mark.parametrize("kind", ["blank", "file", "<|end|>", "/^a/"])
def test_a_text_that_contains_the_end_character_is_refused(kind: str) -> None:
    """The end character would end documents at the wrong place."""
    with pytest.raises(CharrnnError, match=r"odd.txt has U\+0003, .* end of a document"):
        list(terminate_documents(["a\n", f"b{END_OF_TEXT}c"], kind, "odd.txt"))
    assert split([f"b{END_OF_TEXT}c\n"], "line") == [f"b{END_OF_TEXT}c"]


def test_long_runs_of_blanks_take_linear_time() -> None:
    """A megabyte of spaces within a line is read once."""
    text = "a" + " " * 1_000_000 + "b\n\nc"
    assert [len(document) for document in split([text], "blank")] == [1_000_002, 1]


def random_ids(seed: int, count: int) -> np.ndarray:
    """Return documents of zero to nine ids above 0, each terminated by 0."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 10, count)
    return np.concatenate([np.append(rng.integers(1, 5, length), 0) for length in lengths]).astype(np.uint16)


def split_ids(ids: np.ndarray) -> list[tuple[int, ...]]:
    """Return the documents of a text of ids, each with its end."""
    ends = np.flatnonzero(ids == 0) + 1
    return [tuple(ids[start:stop].tolist()) for start, stop in pairwise([0, *ends.tolist()])]


@pytest.mark.parametrize("max_parts", [1, 7, 40, 1_000_000])
@pytest.mark.parametrize("chunk_ids", [3, 1 << 20])
def test_shuffling_keeps_every_document(max_parts: int, chunk_ids: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Always in the same order; with too many documents, consecutive ones stay together."""
    monkeypatch.setattr(documents, "MAX_DOCUMENTS", max_parts)
    monkeypatch.setattr(documents, "CHUNK_IDS", chunk_ids)
    ids, dtype = random_ids(0, 300), np.dtype(np.uint16)
    shuffled = []
    for _ in range(2):
        ordered, out = io.BytesIO(), io.BytesIO()
        ordered.write(ids.tobytes())
        shuffle_documents(ordered, dtype, 0, out)
        shuffled.append(np.frombuffer(out.getvalue(), dtype))
    assert np.array_equal(shuffled[0], shuffled[1])
    assert sorted(split_ids(shuffled[0])) == sorted(split_ids(ids))
    offsets = document_offsets(len(ids), [ids[:5], ids[5:]], 0)
    assert len(offsets) - 1 <= max_parts
    if max_parts > len(ids):
        assert len(offsets) - 1 == 300
        assert (
            np.mean([first == second for first, second in zip(split_ids(shuffled[0]), split_ids(ids), strict=True)])
            < 0.3
        )


@pytest.mark.parametrize("chunk_ids", [1, 4, 1 << 20])
def test_the_nearest_document_start_is_found_from_every_position(
    chunk_ids: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never the start or the end of the text."""
    monkeypatch.setattr(documents, "CHUNK_IDS", chunk_ids)
    ids = random_ids(1, 12)
    offsets = np.flatnonzero(ids == 0)[:-1] + 1
    for position in range(len(ids) + 1):
        assert abs(nearest_document_start(ids, 0, position) - position) == np.abs(offsets - position).min()
    assert all(nearest_document_start(np.array([1, 0, 1, 1, 1, 0]), 0, position) == 2 for position in range(7))


def corpus_of(directory: Path, kind: str, *texts: str, **options: object) -> Corpus:
    """Return the corpus of some texts, as files of documents."""
    paths = [directory / f"{number}.txt" for number, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, newline="")
    sources = open_sources([str(path) for path in paths])
    counted = count_characters(sources, "utf-8", documents=kind)
    return encode(sources, "utf-8", counted, directory / "corpus.bin", **options)  # type: ignore[arg-type]


POEMS = tuple("\n".join(f"{verse} of {poem}" for verse in range(poem % 5 + 1)) for poem in range(40))


@pytest.mark.parametrize("kind", CORPORA)
def test_a_corpus_contains_every_document_once(kind: str, tmp_path: Path) -> None:
    """In another order; the end of a file ends a document; the corpus can be opened again."""
    if kind == "file":
        texts = POEMS
    elif kind == "blank":
        texts = ("\n\n".join(POEMS[:25]), "\n\n\n".join(POEMS[25:]) + "\n")
    else:
        texts = ("\n".join(poem.replace("\n", ", ") for poem in POEMS),)
    corpus = corpus_of(tmp_path, kind, *texts)
    texts_in_corpus = corpus.text(0, corpus.characters).split(end_char(kind))
    expected = [poem.replace("\n", ", ") for poem in POEMS] if kind == "line" else list(POEMS)
    assert texts_in_corpus[-1] == ""
    assert sorted(texts_in_corpus[:-1]) == sorted(expected)
    assert texts_in_corpus[:-1] != expected
    assert corpus.counts[corpus.end_id or 0] == 40
    assert open_corpus(corpus.path) == corpus


def test_the_end_character_is_never_rare(tmp_path: Path) -> None:
    """Other rare characters are replaced by U+FFFD."""
    corpus = corpus_of(tmp_path, "file", "ab" * 90 + "x", "ba" * 80 + "y", min_count=50)
    assert set(corpus.vocabulary.characters) == {"a", "b", END_OF_TEXT, "\N{REPLACEMENT CHARACTER}"}


def test_held_out_text_begins_with_a_document(tmp_path: Path) -> None:
    """At the start of the nearest document."""
    corpus = corpus_of(tmp_path, "line", "\n".join(POEMS).replace("\n", "\n"))
    for share in (0.001, 0.1, 0.31, 0.5, 0.999):
        at = corpus.split_position(share)
        assert corpus.text(at - 1, at) == "\n"
        assert 0 < at < corpus.characters


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("line", "one long line " * 30, "no second line"),
        ("blank", "a line\n" * 60, "no blank line between two documents"),
        ("file", "a line\n" * 60, "is one file"),
        ("line", "\n \n" * 100, "is empty"),
    ],
)
def test_a_text_without_separators_is_refused(kind: str, text: str, words: str, tmp_path: Path) -> None:
    """The message says which separator is missing."""
    with pytest.raises(CharrnnError, match=words):
        corpus_of(tmp_path, kind, text)


def test_a_corpus_of_unknown_documents_is_damaged(tmp_path: Path) -> None:
    """The description is refused when the corpus is opened."""
    corpus = corpus_of(tmp_path, "line", "\n".join(POEMS))
    described = corpus.path.with_suffix(".json")
    described.write_text(json.dumps(json.loads(described.read_text()) | {"documents": "/(a+)+b/"}))
    with pytest.raises(CharrnnError, match="damaged"):
        open_corpus(corpus.path)


def test_known_characters_keep_their_ids(tmp_path: Path) -> None:
    """In any order, and if they do not occur in the text; new characters have the ids after them."""
    known = ("z", "b", "\n", "q", "a")
    corpus = corpus_of(tmp_path, "line", "abc\nbcd\n" * 40, known_characters=known)
    assert corpus.vocabulary.characters == (*known, "c", "d")
    assert corpus.text(0, 4) in ("abc\n", "bcd\n")
    assert corpus.counts == (0, 80, 80, 0, 40, 80, 40)
    rare = corpus_of(tmp_path, "line", "abc\nbcd\n" * 40, known_characters=known, min_count=60)
    assert rare.vocabulary.characters == (*known, "c", "\N{REPLACEMENT CHARACTER}")
