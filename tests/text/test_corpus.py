"""Corpora: encoding of files without loss, and refusal of files that are not text."""

import codecs
import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.text import source_file
from charrnn.text.batching import TrainingBatches
from charrnn.text.corpus import Corpus, open_corpus
from charrnn.text.corpus_encoder import count_characters, encode
from charrnn.text.decoding import check_encoding
from charrnn.text.source_file import STANDARD_LIBRARY, standard_library_files
from charrnn.text.sources import open_sources
from charrnn.text.vocabulary import UNKNOWN


def encoded(content: bytes, directory: Path, encoding: str = "utf-8", min_count: int = 1) -> Corpus:
    """Write a file and return its corpus."""
    (directory / "text.txt").write_bytes(content)
    sources = open_sources([str(directory / "text.txt")])
    return encode(
        sources, encoding, count_characters(sources, encoding), directory / "corpus.bin", min_count=min_count
    )


@settings(max_examples=25, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=2, max_size=300))
def test_any_text_survives_encoding(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every script, emoji, line end and control character, wherever the chunks begin."""
    directory = tmp_path_factory.mktemp("corpus")
    text = text + "ab" * 100
    before = source_file.CHUNK_BYTES
    source_file.CHUNK_BYTES = 7
    try:
        corpus = encoded(text.encode(), directory)
    finally:
        source_file.CHUNK_BYTES = before
    expected = text.removeprefix("\ufeff")
    assert corpus.text(0, corpus.characters) == expected
    assert corpus.characters == len(expected)
    assert list(corpus.counts) == [expected.count(character) for character in corpus.vocabulary.characters]
    assert open_corpus(corpus.path) == corpus


@pytest.mark.parametrize(("distinct", "dtype"), [(200, "uint8"), (256, "uint8"), (257, "uint16"), (70_000, "uint32")])
def test_ids_have_the_smallest_type_for_the_vocabulary(distinct: int, dtype: str, tmp_path: Path) -> None:
    """One, two or four bytes per character."""
    points = [point for point in range(1, 0x20000) if not 0xD800 <= point < 0xE000][:distinct]
    text = "".join(map(chr, points)) * (1 if distinct > 200 else 2)
    corpus = encoded(text.encode(), tmp_path)
    assert (corpus.dtype, len(corpus.vocabulary)) == (dtype, distinct)
    assert corpus.text(0, corpus.characters) == text


def test_several_files_are_concatenated(tmp_path: Path) -> None:
    """Without separators, and without the byte order mark of a file."""
    (tmp_path / "a.txt").write_bytes(b"a" * 150 + b"b")
    (tmp_path / "b.txt").write_bytes(codecs.BOM_UTF8 + b"c" * 150)
    sources = open_sources([str(tmp_path / "a.txt"), str(tmp_path / "b.txt")])
    corpus = encode(sources, "utf-8", count_characters(sources, "utf-8"), tmp_path / "corpus.bin")
    assert corpus.text(0, 1000) == "a" * 150 + "b" + "c" * 150
    assert count_characters(sources, "utf-8").notes == (f"{tmp_path / 'b.txt'}: byte order mark removed",)


def test_rare_characters_are_replaced(tmp_path: Path) -> None:
    """With a minimum count, rarer characters are read as U+FFFD, and counted there."""
    corpus = encoded(("ab" * 200 + "xyz").encode(), tmp_path, min_count=2)
    assert corpus.vocabulary.characters == ("a", "b", UNKNOWN)
    assert corpus.counts == (200, 200, 3)


def test_the_split_is_by_position(tmp_path: Path) -> None:
    """The first int(0.9 n) characters are training text, as in other programs."""
    assert encoded(b"ab" * 111, tmp_path).split_position(0.1) == int(222 * 0.9)


def test_frequencies_are_those_of_the_training_text(tmp_path: Path) -> None:
    """Held-out text is not counted, and no frequency is 0."""
    corpus = encoded(("a" * 150 + "b" * 50 + "c" * 100).encode(), tmp_path)
    assert np.allclose(corpus.frequencies(200), np.array([151, 51, 1]) / 203)


def test_a_text_that_changes_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    """The two readings have to agree; no file is left."""
    path = tmp_path / "text.txt"
    path.write_text("abc" * 100)
    sources = open_sources([str(path)])
    counted = count_characters(sources, "utf-8")
    path.write_text("abd" * 100)
    with pytest.raises(CharrnnError, match="changed while it was read"):
        encode(sources, "utf-8", counted, tmp_path / "corpus.bin")
    assert [entry.name for entry in tmp_path.iterdir()] == ["text.txt"]


def test_a_truncated_corpus_is_damaged(tmp_path: Path) -> None:
    """Missing ids are an error when the corpus is opened."""
    corpus = encoded(b"ab" * 200, tmp_path)
    os.truncate(corpus.path, 399)
    with pytest.raises(CharrnnError, match="damaged"):
        open_corpus(corpus.path)


@pytest.mark.fault("F17")
def test_the_ids_do_not_depend_on_the_text_file(tmp_path: Path) -> None:
    """The encoded text file can be truncated or deleted."""
    corpus = encoded(b"ab" * 200, tmp_path)
    os.truncate(tmp_path / "text.txt", 3)
    assert corpus.text(0, 400) == "ab" * 200
    corpus.release_pages()
    assert np.array_equal(corpus.ids[:4], [0, 1, 0, 1])


@pytest.mark.fault("F17")
def test_a_truncated_file_of_ids_cannot_end_the_process(tmp_path: Path) -> None:
    """The ids are in memory; reading a mapped page that is missing would be a bus error, which ends the child."""
    corpus = open_corpus(encoded(b"ab" * 20_000, tmp_path).path)
    os.truncate(corpus.path, 0)
    if (child := os.fork()) == 0:
        os._exit(0 if corpus.text(39_000, 39_010) == "ab" * 5 else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0


@pytest.mark.fault("F17")
def test_a_large_corpus_is_mapped_and_its_truncation_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch and each evaluation compares the size before it reads."""
    monkeypatch.setattr("charrnn.text.corpus.MAX_BYTES_IN_MEMORY", 100)
    corpus = open_corpus(encoded(b"ab" * 20_000, tmp_path).path)
    batches = TrainingBatches(corpus=corpus, characters=39_000, batch=2, length=8)
    assert batches.batch_ids(0).shape == (9, 2)
    corpus.release_pages()
    os.truncate(corpus.path, 20_000)
    for use in (lambda: batches.batch_ids(1), lambda: corpus.text(0, 10), lambda: corpus.ids):
        with pytest.raises(CharrnnError, match=r"corpus\.bin was truncated while it was in use"):
            use()


def error_of(content: bytes, directory: Path, encoding: str = "utf-8") -> CharrnnError:
    """Return the error of a text that is error_of."""
    (directory / "text.txt").write_bytes(content)
    with pytest.raises(CharrnnError) as caught:
        count_characters(open_sources([str(directory / "text.txt")]), encoding)
    return caught.value


@pytest.mark.fault("F01")
def test_a_missing_file_is_reported_with_similar_names(tmp_path: Path) -> None:
    """The hint contains the right name."""
    (tmp_path / "hamlet.txt").touch()
    with pytest.raises(WrongUsageError, match="no such file") as caught:
        open_sources([str(tmp_path / "hamelt.txt")])
    assert "hamlet.txt" in str(caught.value.hint)


@pytest.mark.fault("F02")
def test_a_directory_is_refused(tmp_path: Path) -> None:
    """The hint says what to name."""
    with pytest.raises(WrongUsageError, match="is a directory") as caught:
        open_sources([str(tmp_path)])
    assert caught.value.hint == "name a file in it"


@pytest.mark.fault("F03")
@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_an_unreadable_file_is_reported(tmp_path: Path) -> None:
    """The message contains the reason of the system."""
    (tmp_path / "text.txt").touch(mode=0)
    with pytest.raises(CharrnnError, match="permission denied"):
        count_characters(open_sources([str(tmp_path / "text.txt")]), "utf-8")


@pytest.mark.fault("F04", "F05", "F07")
def test_texts_with_nothing_to_learn_are_refused(tmp_path: Path) -> None:
    """Empty, too short, or constant texts."""
    assert "is empty" in error_of(b"", tmp_path).message
    assert "has 12 characters; at least 200" in error_of(b"hello, world", tmp_path).message
    assert "every character is 'a'" in error_of(b"a" * 500, tmp_path).message


@pytest.mark.fault("F08")
def test_invalid_bytes_are_reported_with_their_position(tmp_path: Path) -> None:
    """Byte, line and value, wherever the chunks begin; the hint names the command that drops them."""
    for before in (b"a\n" * 300, b"a\n" * (1 << 21) + b"\xc3\xa9" * 3):
        error = error_of(before + b"caf\xe9 au lait" + b"b" * 300, tmp_path)
        line = before.count(10) + 1
        assert f"at byte {len(before) + 3:,} (line {line:,}): 0xE9, the only invalid byte" in error.message
        assert "`iconv -c" in str(error.hint)


@pytest.mark.fault("F09")
def test_utf_16_is_recognized(tmp_path: Path) -> None:
    """By its byte order mark; the suggested encoding works."""
    content = ("héllo wörld\n" * 50).encode("utf-16")
    assert "--encoding utf-16" in str(error_of(content, tmp_path).hint)
    assert encoded(content, tmp_path, "utf-16").text(0, 12) == "héllo wörld\n"


@pytest.mark.fault("F11")
def test_binary_files_are_refused(tmp_path: Path) -> None:
    """A NUL is reported with its position, whether or not the rest is valid text."""
    assert "NUL at byte 4)" in error_of(b"ab\x03\x04" + bytes(9) + b"a" * 500, tmp_path).message
    assert "NUL at byte 8)" in error_of(b"\x89PNG\r\n\x1a\n\0\0\0\r" + b"a" * 500, tmp_path).message
    wide = error_of(("a line\n" * 30 + "\0").encode("utf-16"), tmp_path, encoding="utf-16")
    assert "(NUL in line 31)" in wide.message
    assert "utf-16" not in (wide.hint or "")


@pytest.mark.fault("F12")
def test_line_ends_are_kept(tmp_path: Path) -> None:
    """CRLF, CR and form feeds are ordinary characters."""
    assert encoded(b"a\r\nb\rc\x0c" * 60, tmp_path).text(0, 7) == "a\r\nb\rc\x0c"


@pytest.mark.fault("F19")
def test_a_fifo_is_read_once_and_completely(tmp_path: Path) -> None:
    """A copy is kept for the second reading."""
    import threading

    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(b"abc" * 1000))
    writer.start()
    sources = open_sources([str(fifo)])
    writer.join()
    corpus = encode(sources, "utf-8", count_characters(sources, "utf-8"), tmp_path / "corpus.bin")
    assert corpus.text(0, 9999) == "abc" * 1000


@pytest.mark.fault("F19", "F20")
def test_standard_input_is_read_unless_it_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe is a text; a terminal without input is a mistake."""
    stdin = io.TextIOWrapper(io.BytesIO(b"xyz" * 100))
    monkeypatch.setattr("sys.stdin", stdin)
    sources = open_sources(["-"])
    assert count_characters(sources, "utf-8").characters == 300
    assert sources.name == "stdin"
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    with pytest.raises(WrongUsageError, match="no text on standard input"):
        open_sources(["-"])


def test_an_unknown_encoding_is_refused() -> None:
    """Codecs that are not text encodings are unknown too."""
    assert check_encoding("latin-1") == "iso8859-1"
    for name in ("klingon", "base64", ""):
        with pytest.raises(WrongUsageError, match="unknown encoding"):
            check_encoding(name)


@pytest.mark.parametrize("name", ["unicode_escape", "raw-unicode-escape", "IDNA", "punycode", "rot13", "undefined"])
def test_codecs_for_parts_of_texts_are_refused(name: str) -> None:
    """They take very long, or split characters."""
    with pytest.raises(WrongUsageError, match="encoding"):
        check_encoding(name)


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (b"ab+2AA-", "utf-7", "is not valid UTF-7: it has U+D800"),
        (b"no mark here", "utf-16", "is not valid UTF-16: "),
        (b"a\xdcb\xdc", "utf-16", "is not valid UTF-16 at byte 0 (line 1): 0x61"),
    ],
)
def test_decoding_errors_are_one_line(tmp_path: Path, content: bytes, encoding: str, message: str) -> None:
    """Surrogates, or bytes without a byte order mark."""
    with pytest.raises(CharrnnError, match=re.escape(message)):
        encoded(content * 100, tmp_path, encoding)


def test_the_default_corpus_is_large_fixed_and_text() -> None:
    """The same files in the same order each time: a few million characters of Python."""
    sources = open_sources([])
    assert sources.name == STANDARD_LIBRARY
    assert standard_library_files() == standard_library_files()
    assert 3_500_000 < count_characters(sources, "utf-8").characters < 7_000_000


def test_a_changed_file_changes_its_fingerprint(tmp_path: Path) -> None:
    """Size or time show a change; the checksum shows whether the content changed."""
    path = tmp_path / "text.txt"
    path.write_text("one")
    sources = open_sources([str(path)])
    before, checksum = sources.fingerprint(), sources.checksum()
    path.write_text("two")
    os.utime(path, ns=(1, 1))
    assert sources.fingerprint() != before
    assert sources.checksum() != checksum
