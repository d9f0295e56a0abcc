"""Invalid corpora: each causes an error of one line with a hint, and no file is created."""

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from common import Call, CommandResult

from charrnn.errors import CharrnnError
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus_encoder import count_characters, encode
from charrnn.text.sources import open_sources


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to an empty directory."""
    monkeypatch.chdir(tmp_path)


def is_refused(result: CommandResult, code: int, message: str, hint: str = "") -> bool:
    """Return whether a command failed with the message on one line, with the hint, and created no file."""
    expected = f"error: {message}\n" + (f"\nhint: {hint}\n" if hint else "")
    return (result.code, result.out, result.err) == (code, "", expected) and not Path("checkpoints").exists()


@pytest.mark.fault("F01")
def test_the_error_for_a_missing_text_suggests_similar_names(call: Call) -> None:
    """A common suffix such as .txt does not make names similar."""
    for name in ("hamlet.txt", "bom.txt"):
        Path(name).touch()
    assert is_refused(call("train", "hamelt.txt"), 2, "hamelt.txt: no such file", "did you mean hamlet.txt?")
    assert is_refused(call("train", "hamlet"), 2, "hamlet: no such file", "did you mean hamlet.txt?")
    assert is_refused(call("train", "nope.txt"), 2, "nope.txt: no such file")


@pytest.mark.fault("F02")
def test_a_directory_without_a_text_is_one_error(call: Call) -> None:
    """Whether it is empty or has other files only; the hint counts those."""
    Path("books").mkdir()
    for given in ("books", "books/", "./books"):
        assert is_refused(call("train", given), 1, f"{given} has no text file")
    Path("books/a.bin").write_bytes(bytes(99))
    Path("books/.hidden").touch()
    Path("books/none.txt").touch()
    left_out = "1 left out (hidden): books/.hidden; 1 left out (binary): books/a.bin"
    assert is_refused(
        call("train", "books"), 1, "books has no text file", f"{left_out}; 1 left out (empty): books/none.txt"
    )


@pytest.mark.fault("F02")
def test_a_command_that_reads_one_text_names_a_directory_as_one(call: Call, run_here: RunDirectory) -> None:
    """The hint says what to name instead."""
    Path("books").mkdir()
    message = "error: books is a directory"
    for command in (("inspect", "--text", "books"), ("sample", "--prompt-file", "books")):
        assert call(*command).err == f"{message}\n\nhint: name a file in it\n"
    assert (
        call("score", str(run_here.path), "books").err == f"{message} without a model\n\nhint: name the files in it\n"
    )


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Act as an unprivileged user in a directory that this user can read."""
    before = os.geteuid()
    Path().chmod(0o755)
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


@pytest.mark.fault("F03")
def test_the_error_for_an_unreadable_text_has_the_reason_of_the_system(
    call: Call, request: pytest.FixtureRequest
) -> None:
    """The message is "permission denied"."""
    Path("book.txt").write_text("text " * 100)
    Path("book.txt").chmod(0)
    request.getfixturevalue("unprivileged")
    assert is_refused(call("train", "book.txt"), 1, "cannot read book.txt: permission denied")


@pytest.mark.fault("F04", "F05", "F07")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "book.txt is empty"),
        (b"\xef\xbb\xbf", "book.txt is empty"),
        (b"hello, world", "book.txt has 12 characters; at least 200 are needed"),
        (b"a" * 5000, "every character is 'a'; there is nothing to learn"),
        (b"\x1b" * 5000, r"every character is '\x1b'; there is nothing to learn"),
    ],
)
def test_a_text_that_is_too_short_or_constant_is_refused(call: Call, content: bytes, message: str) -> None:
    """The message states how long it is, and how long it must be."""
    Path("book.txt").write_bytes(content)
    assert is_refused(call("train", "book.txt"), 1, message)


@pytest.mark.fault("F05")
def test_several_texts_are_counted_together(call: Call) -> None:
    """No single text is called too short."""
    Path("a.txt").write_text("abc")
    Path("b.txt").write_text("de")
    assert is_refused(call("train", "a.txt", "b.txt"), 1, "the text has 5 characters; at least 200 are needed")


LATIN = "`--encoding latin-1` reads any byte; `--encoding cp1252` is usual for old Windows files"
DROPPED = "`iconv -c -f utf-8 -t utf-8 < book.txt > fixed.txt` drops what is invalid"
OTHER = "`--encoding` names its encoding, such as cp1251, koi8-r, shift_jis or gb18030"
WINDOWS = "; `--encoding cp1252` is usual for old Windows files"
TEXT = "les œuvres complètes\n" * 50


@pytest.mark.fault("F08", "F09")
@pytest.mark.parametrize(
    ("content", "where", "hint"),
    [
        (b"caf\xe9 au lait\n" * 99, "at byte 3 (line 1): 0xE9, the first of 99 invalid bytes", LATIN),
        (b"plain\n" * 99 + b"\xff", "at byte 594 (line 100): 0xFF, the only invalid byte", DROPPED + WINDOWS),
        (b"\xed\xa0\x80" * 99, "at byte 0 (line 1): 0xED, the first of 297 invalid bytes", OTHER),
        ("Привет, мир. ".encode("cp1251") * 99, "at byte 0 (line 1): 0xCF, the first of 891 invalid bytes", OTHER),
        (
            TEXT.encode("utf-16"),
            "at byte 0 (line 1): 0xFF, the first of 52 invalid bytes",
            "this looks like UTF-16; `--encoding utf-16`",
        ),
        (
            TEXT.encode("utf-32"),
            "at byte 0 (line 1): 0xFF, the first of 52 invalid bytes",
            "this looks like UTF-32; `--encoding utf-32`",
        ),
    ],
)
def test_the_error_for_invalid_utf_8_has_the_position(call: Call, content: bytes, where: str, hint: str) -> None:
    """The hint suggests another encoding."""
    Path("book.txt").write_bytes(content)
    assert is_refused(call("train", "book.txt"), 1, f"book.txt is not valid UTF-8 {where}", hint)


@pytest.mark.fault("F09")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_the_suggested_encoding_works(call: Call, encoding: str) -> None:
    """The text is read correctly with it."""
    Path("book.txt").write_bytes("one, two, three\n".encode(encoding) * 1 + ("four\n" * 99).encode(encoding))
    result = call("train", "book.txt")
    assert f"`--encoding {encoding}`" in result.err
    assert count_characters(open_sources(["book.txt"]), encoding).characters >= 16 + 5 * 99


@pytest.mark.fault("F11")
@pytest.mark.parametrize(
    ("start", "at", "hint"),
    [
        (b"\x7fELF\x02\x01\x01\0", 7, "charrnn learns text files"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 8, "charrnn learns text files"),
        (b"\x1f\x8b\x08\0abc", 3, "it is compressed; `zcat book.txt | charrnn train -` learns its content"),
        (b"BZh91AY\0", 7, "it is compressed; `bzcat book.txt | charrnn train -` learns its content"),
        (b"text, then \0\0\0\0", 11, "charrnn learns text files"),
    ],
)
def test_a_binary_file_is_recognized(call: Call, start: bytes, at: int, hint: str) -> None:
    """By its first NUL; the hint for compressed text names the program that decompresses it."""
    Path("book.txt").write_bytes(start + b"abc" * 99)
    assert is_refused(call("train", "book.txt"), 1, f"book.txt looks like a binary file (NUL at byte {at})", hint)


NUL_HINT = r"`tr -d '\0' < book.txt > fixed.txt` removes it"
CUT = "é" * 300


@pytest.mark.fault("F08", "F11")
@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"line\n" * 99 + b"\0", "has a NUL at byte 495 (line 100), the only one", NUL_HINT),
        (b"line\n" * 99 + bytes(512), "has a NUL at byte 495 (line 100), the first of 512", NUL_HINT),
        ("Привет, мир.\n".encode("utf-16-le") * 99, "looks like a binary file", "this looks like UTF-16 without"),
        (b"line\n" * 99 + b"a\0b\0", "has a NUL at byte 496 (line 100), the first of 2", NUL_HINT),
        (CUT.encode() + b"\xe9" + CUT.encode(), "is not valid UTF-8 at byte 600 (line 1): 0xE9", DROPPED),
        (b"%PDF-1.4\n" + b"text\n" * 99, "is a PDF file, not plain text", "`pdftotext book.txt text.txt` extracts"),
        (b"PK\x03\x04" + bytes(99), "is a zip file, as DOCX, ODT and EPUB files are", "`pandoc -t plain book.txt"),
        (b"version https://git-lfs.github.com/spec/v1\noid 1", "is a git-lfs pointer", "`git lfs pull` downloads"),
    ],
)
def test_a_user_who_brings_an_almost_valid_text_reads_which_command_repairs_it(
    call: Call, content: bytes, message: str, hint: str
) -> None:
    """The message states the error, its position and count; it names document formats and pointers."""
    Path("book.txt").write_bytes(content)
    result = call("train", "book.txt")
    assert result.err.startswith(f"error: book.txt {message}")
    assert result.err.splitlines()[2].startswith(f"hint: {hint}")


def notes_on(content: bytes, name: str = "book.txt") -> tuple[str, ...]:
    """Return the notes on a text in a file."""
    Path(name).write_bytes(content)
    return count_characters(open_sources([name]), "utf-8").notes


def test_a_user_who_cut_a_text_by_head_trains_on_all_but_the_last_character() -> None:
    """Of two to four bytes; a note names the file."""
    for character in "é€😀":
        content = b"text " * 50 + character.encode()
        assert notes_on(content[:-1]) == ("book.txt: the last character is incomplete, as after `head -c`; dropped",)
        assert count_characters(open_sources(["book.txt"]), "utf-8").characters == 250
        assert notes_on(content) == ()


@pytest.mark.parametrize(
    ("ends", "note"),
    [
        (("\r",), r"lines end with CR, not LF (99 CR); `tr '\r' '\n' < book.txt > fixed.txt` makes them LF"),
        (("\r\n", "\n", "\n"), r"line ends are mixed (66 LF, 33 CRLF); `tr -d '\r' < book.txt > fixed.txt`"),
        (("\r\n", "\n", "\r"), r"line ends are mixed (33 LF, 33 CR, 33 CRLF); `perl -pe 's/\r\n?/\n/g' < book.txt"),
        (("\r", "\n"), r"line ends are mixed (50 CR, 49 LF); `perl -pe 's/\r\n?/\n/g' < book.txt > fixed.txt`"),
        (("\n",), ""),
        (("\r\n",), ""),
    ],
)
@pytest.mark.parametrize("chunk", [7, 1 << 22])
def test_a_user_with_line_ends_of_an_old_mac_or_of_several_systems_reads_the_command(
    ends: tuple[str, ...], note: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a chunk ends; LF alone and CRLF alone are ordinary."""
    monkeypatch.setattr("charrnn.text.source_file.CHUNK_BYTES", chunk)
    notes = notes_on("".join(f"line {n}{ends[n % len(ends)]}" for n in range(99)).encode())
    assert [text.startswith(f"book.txt: {note}") for text in notes] == [True] * bool(note)


def test_a_user_with_names_that_end_with_cr_reads_why_there_are_no_documents(call: Call) -> None:
    """The hint is the command that makes the line ends LF."""
    Path("names.txt").write_bytes(b"Ann\rBob\r" * 99)
    assert r"`tr '\r' '\n' < names.txt > fixed.txt`" in call("train", "names.txt", "--documents", "line").err


def test_a_user_who_trains_on_markup_reads_that_the_markup_is_learned() -> None:
    """A user may want to train on HTML or RTF, so training starts."""
    assert notes_on(b"<!DOCTYPE html>" + b"<p>text" * 99)[0].startswith("book.txt: HTML, whose markup is learned too")
    assert notes_on(b"<!-- saved -->\n<p>text" * 99)[0].startswith("book.txt: HTML, whose markup is learned too")
    assert notes_on(b"<?xml version='1.0'?>" + b"<p>text" * 99)[0].startswith("book.txt: XML, whose markup is")
    assert notes_on(rb"{\rtf1" + b" text" * 99)[0].startswith("book.txt: RTF, whose markup is learned too; `pandoc")


def test_a_user_who_scores_a_cut_text_reads_that_its_end_was_dropped(call: Call, run_here: RunDirectory) -> None:
    """As a user who trains on it; and a prompt file too, unless --quiet."""
    Path("cut.txt").write_bytes(b"abcabc\xc3")
    note = "note: cut.txt: the last character is incomplete, as after `head -c`; dropped\n"
    assert call("score", str(run_here.path), "cut.txt").err == note
    sample = ("sample", "--prompt-file", "cut.txt", "-n", "3")
    assert (call(*sample).err, call(*sample, "-q").err) == (note, "")


@pytest.mark.fault("F13")
def test_a_vocabulary_of_too_many_characters_is_refused() -> None:
    """The hint merges rare characters."""
    points = range(0x10000, 0x10000 + 250_001)
    Path("book.txt").write_text("".join(map(chr, points)) + "text, text", encoding="utf-8")
    counts = count_characters(open_sources(["book.txt"]), "utf-8")
    with pytest.raises(CharrnnError, match="250,006 distinct characters are more than the 250,000") as caught:
        counts.vocabulary()
    assert caught.value.hint == "`--min-count 2` replaces all that occur once by U+FFFD"
    assert len(counts.vocabulary(min_count=2)) == 4


@pytest.mark.fault("F16")
@pytest.mark.slow
def test_a_large_text_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    """Neither while it is read nor after it is encoded."""
    block = ("".join(f"{n} green bottles, " for n in range(5000))).encode()
    with Path("large.txt").open("wb") as file:
        for _ in range(1000):
            file.write(block)
    sources = open_sources(["large.txt"])
    tracemalloc.start()
    corpus = encode(sources, "utf-8", count_characters(sources, "utf-8"), tmp_path / "corpus.bin")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert corpus.characters == 1000 * len(block) > 90_000_000
    assert peak < 80_000_000
    assert np.array_equal(corpus.ids[-len(block) :], corpus.ids[: len(block)])


@pytest.mark.fault("F20")
def test_a_command_does_not_wait_for_text_from_a_terminal(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait if standard input is closed either."""
    message, hint = "no text on standard input", "`charrnn train - < book.txt`, or name the file"
    monkeypatch.setattr("sys.stdin", None)
    assert is_refused(call("train", "-"), 2, message, hint)
