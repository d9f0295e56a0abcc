"""Documents are told apart however the file is cut, and none is lost when they are put in another order."""

import io
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from charrnn.errors import CharrnnError
from charrnn.text import documents
from charrnn.text.corpus import Corpus, open_corpus
from charrnn.text.corpus_encoder import count_characters, encode
from charrnn.text.documents import document_offsets, nearest_document_start, shuffle_documents, terminate_documents
from charrnn.text.sources import open_sources
from charrnn.text.vocabulary import END_CHARS, END_OF_TEXT

CASES = {
    "line": ("\n \n Ann \nBob\r\n\n\t\nCleo\tDora  \n\r\n  Eve\n \n", [" Ann", "Bob", "Cleo\tDora", "  Eve"]),
    "blank": (
        "\n\none\n two \r\nthree  \n\n\n\n  four\n \t\nfive\r\n\r\nsix",
        ["one\n two \r\nthree", "  four", "five", "six"],
    ),
    "file": ("\n a\n\nb \n", ["\n a\n\nb \n"]),
}


def split(pieces: list[str], kind: str) -> list[str]:
    """Give the documents in the pieces of a file."""
    text = "".join(terminate_documents(pieces, kind, "text.txt"))
    assert not text or text.endswith(END_CHARS[kind])
    return text.split(END_CHARS[kind])[:-1]


@pytest.mark.parametrize("kind", CASES)
def test_documents_are_what_stands_between_separators(kind: str) -> None:
    """Whatever blanks and empty lines are about, and wherever the file is cut into pieces."""
    text, expected = CASES[kind]
    assert split([text], kind) == expected
    assert split(list(text), kind) == expected
    for cut in range(len(text)):
        assert split([text[:cut], "", text[cut:]], kind) == expected, cut


@pytest.mark.parametrize("kind", CASES)
def test_nothing_but_blanks_is_no_document(kind: str) -> None:
    """Of lines and of what is between blank lines; a file of blanks is a document, an empty one is none."""
    assert split(["", "  \n", "\n\r\n", ""], kind) == ([] if kind != "file" else ["  \n\n\r\n"])
    assert split([""], kind) == []


@pytest.mark.parametrize("kind", ["blank", "file"])
def test_a_text_that_has_the_end_in_it_is_refused(kind: str) -> None:
    """It would end documents where none does."""
    with pytest.raises(CharrnnError, match=r"odd.txt has U\+0003, .* end of a document"):
        list(terminate_documents(["a\n", f"b{END_OF_TEXT}c"], kind, "odd.txt"))
    assert split([f"b{END_OF_TEXT}c\n"], "line") == [f"b{END_OF_TEXT}c"]


def test_long_runs_of_blanks_take_no_longer_than_others() -> None:
    """A megabyte of spaces within a line is looked at once."""
    text = "a" + " " * 1_000_000 + "b\n\nc"
    assert [len(document) for document in split([text], "blank")] == [1_000_002, 1]


def random_ids(seed: int, count: int) -> np.ndarray:
    """Make documents of zero to nine characters above 0, each ended by 0."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 10, count)
    return np.concatenate([np.append(rng.integers(1, 5, length), 0) for length in lengths]).astype(np.uint16)


def in_pieces(ids: np.ndarray) -> list[tuple[int, ...]]:
    """Cut ids into documents, each with its end."""
    ends = np.flatnonzero(ids == 0) + 1
    return [tuple(ids[start:stop].tolist()) for start, stop in pairwise([0, *ends.tolist()])]


@pytest.mark.parametrize("most", [1, 7, 40, 1_000_000])
@pytest.mark.parametrize("piece", [3, 1 << 20])
def test_mixing_keeps_every_document_whole(most: int, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, once; in the same new order each time; where there are too many, some stay together."""
    monkeypatch.setattr(documents, "MAX_DOCUMENTS", most)
    monkeypatch.setattr(documents, "CHUNK_IDS", piece)
    ids, dtype = random_ids(0, 300), np.dtype(np.uint16)
    mixed = []
    for _ in range(2):
        unmixed, out = io.BytesIO(), io.BytesIO()
        unmixed.write(ids.tobytes())
        shuffle_documents(unmixed, dtype, 0, out)
        mixed.append(np.frombuffer(out.getvalue(), dtype))
    assert np.array_equal(mixed[0], mixed[1])
    assert sorted(in_pieces(mixed[0])) == sorted(in_pieces(ids))
    edges = document_offsets(len(ids), [ids[:5], ids[5:]], 0)
    assert len(edges) - 1 <= most
    if most > len(ids):
        assert len(edges) - 1 == 300
        assert np.mean([one == other for one, other in zip(in_pieces(mixed[0]), in_pieces(ids), strict=True)]) < 0.3


@pytest.mark.parametrize("piece", [1, 4, 1 << 20])
def test_the_nearest_end_is_found_from_everywhere(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves a document on either side."""
    monkeypatch.setattr(documents, "CHUNK_IDS", piece)
    ids = random_ids(1, 12)
    edges = np.flatnonzero(ids == 0)[:-1] + 1
    for place in range(len(ids) + 1):
        assert abs(nearest_document_start(ids, 0, place) - place) == np.abs(edges - place).min()
    assert all(nearest_document_start(np.array([1, 0, 1, 1, 1, 0]), 0, place) == 2 for place in range(7))


def corpus_of(directory: Path, kind: str, *texts: str, **how: object) -> Corpus:
    """Encode texts as files of documents."""
    paths = [directory / f"{number}.txt" for number, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, newline="")
    sources = open_sources([str(path) for path in paths])
    found = count_characters(sources, "utf-8", documents=kind)
    return encode(sources, "utf-8", found, directory / "corpus.bin", **how)  # type: ignore[arg-type]


POEMS = tuple("\n".join(f"{verse} of {poem}" for verse in range(poem % 5 + 1)) for poem in range(40))


@pytest.mark.parametrize("kind", CASES)
def test_a_corpus_holds_every_document_once(kind: str, tmp_path: Path) -> None:
    """In another order; of several files, the end of each ends a document too; and it is opened as it was written."""
    if kind == "file":
        texts = POEMS
    elif kind == "blank":
        texts = ("\n\n".join(POEMS[:25]), "\n\n\n".join(POEMS[25:]) + "\n")
    else:
        texts = ("\n".join(poem.replace("\n", ", ") for poem in POEMS),)
    corpus = corpus_of(tmp_path, kind, *texts)
    told = corpus.text(0, corpus.characters).split(END_CHARS[kind])
    expected = [poem.replace("\n", ", ") for poem in POEMS] if kind == "line" else list(POEMS)
    assert told[-1] == ""
    assert sorted(told[:-1]) == sorted(expected)
    assert told[:-1] != expected
    assert corpus.counts[corpus.end or 0] == 40
    assert open_corpus(corpus.path) == corpus


def test_what_ends_a_document_is_never_rare(tmp_path: Path) -> None:
    """However few there are of them; all else that is rare becomes one."""
    corpus = corpus_of(tmp_path, "file", "ab" * 90 + "x", "ba" * 80 + "y", min_count=50)
    assert set(corpus.vocabulary.characters) == {"a", "b", END_OF_TEXT, "\N{REPLACEMENT CHARACTER}"}


def test_the_held_out_end_begins_with_a_document(tmp_path: Path) -> None:
    """At the one nearest to where it would begin."""
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
def test_a_text_that_is_not_made_of_documents_is_refused(kind: str, text: str, words: str, tmp_path: Path) -> None:
    """With what it lacks."""
    with pytest.raises(CharrnnError, match=words):
        corpus_of(tmp_path, kind, text)


def test_a_corpus_of_unknown_documents_is_damaged(tmp_path: Path) -> None:
    """It is not opened and then stumbled over."""
    corpus = corpus_of(tmp_path, "line", "\n".join(POEMS))
    described = corpus.path.with_suffix(".json")
    described.write_text(json.dumps(json.loads(described.read_text()) | {"documents": "page"}))
    with pytest.raises(CharrnnError, match="damaged"):
        open_corpus(corpus.path)


def test_known_characters_keep_their_numbers(tmp_path: Path) -> None:
    """Also where they are in no order and not in the text; the new ones come after them."""
    known = ("z", "b", "\n", "q", "a")
    corpus = corpus_of(tmp_path, "line", "abc\nbcd\n" * 40, known_characters=known)
    assert corpus.vocabulary.characters == (*known, "c", "d")
    assert corpus.text(0, 4) in ("abc\n", "bcd\n")
    assert corpus.counts == (0, 80, 80, 0, 40, 80, 40)
    rare = corpus_of(tmp_path, "line", "abc\nbcd\n" * 40, known_characters=known, min_count=60)
    assert rare.vocabulary.characters == (*known, "c", "\N{REPLACEMENT CHARACTER}")
