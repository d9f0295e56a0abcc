"""Strict decoding of bytes to code points, in chunks, with a diagnosis of files that are not valid text."""

import codecs
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import first_names, shown
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.text.documents import terminate_documents
from charrnn.text.source_file import (
    BOMS,
    FIRST_BYTES,
    MARKUP,
    SourceFile,
    extraction_command,
    filter_command,
    markup_format,
    reading_hint,
)

NON_TEXT_CODECS = frozenset({"unicode-escape", "raw-unicode-escape", "idna", "punycode"})
"""codecs for string literals and host names, which Python lists as text encodings"""

BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"

LF, CR = b"\n\r"

CodePoints = NDArray[np.unsignedinteger]

# Notes on a text, collected while it is decoded


@dataclass
class Examination:
    """What a user should know about the files of a text; decoding them fills it in."""

    marked: list[str] = field(default_factory=list)
    """files that begin with a byte order mark"""
    cut: list[str] = field(default_factory=list)
    """files whose last character is incomplete"""
    empty: list[str] = field(default_factory=list)
    """files without text"""
    formats: dict[str, list[SourceFile]] = field(default_factory=dict)
    """files of text with markup, by the names of their formats"""
    line_ends: Counter[str] = field(default_factory=Counter)
    """number of line ends of each kind"""
    first_files: dict[str, SourceFile] = field(default_factory=dict)
    """the first file with each kind of line end"""

    def add_line_ends(self, source: SourceFile, counts: Counter[str]) -> None:
        """Add the line ends of a file."""
        self.line_ends += counts
        for kind in +counts:
            self.first_files.setdefault(kind, source)

    @property
    def has_lone_cr(self) -> bool:
        """Whether lines end with CR alone."""
        return self.line_ends["CR"] > self.line_ends["LF"] + self.line_ends["CRLF"]

    def reading_notes(self) -> Iterator[str]:
        """Yield the notes on files that were not read as they are."""
        if self.cut:
            yield f"{first_names(self.cut)}: the last character is incomplete, as after `head -c`; dropped"

    def notes(self) -> Iterator[str]:
        """Yield the notes on a training text, one line each."""
        if self.empty:
            yield f"empty: {first_names(self.empty)}"
        if self.marked:
            yield f"{first_names(self.marked)}: byte order mark removed"
        yield from self.reading_notes()
        for kind, sources in self.formats.items():
            names = first_names([source.name for source in sources])
            yield f"{names}: {kind}, whose markup is learned too; {extraction_command(MARKUP[kind], sources[0])}"
        if len(+self.line_ends) > 1 or self.has_lone_cr:
            yield self.line_end_note()

    def line_end_note(self) -> str:
        """Return the note on line ends that are mixed, or CR alone, with the command that makes them LF."""
        command = REMOVE_CR if "CR" not in self.first_files else ALL_TO_LF if len(self.first_files) > 1 else CR_TO_LF
        names = {source.name for source in self.first_files.values()}
        counts = ", ".join(
            f"{count:,} {kind}" + (f" ({self.first_files[kind].name})" if len(names) > 1 else "")
            for kind, count in self.line_ends.most_common()
        )
        source = self.first_files.get("CR") or self.first_files["CRLF"]
        where = f"{source.name}: " if len(names) == 1 else ""
        problem = "line ends are mixed" if len(self.first_files) > 1 else "lines end with CR, not LF"
        return f"{where}{problem} ({counts}); {filter_command(command, source)} makes them LF"


# Decoding


def decode_text(
    source: SourceFile, encoding: str, *, documents: str | None = None, examination: Examination | None = None
) -> Iterator[str]:
    """Yield the text of a file in chunks, without a byte order mark, and with terminated documents.

    An incomplete last character is dropped. Raise CharrnnError with byte and line if the file is not valid in the
    encoding.
    """
    if examination is None:
        examination = Examination()
    chunks = _without_bom(_decode(source, encoding, examination), source, examination)
    return chunks if documents is None else terminate_documents(chunks, documents, source.name)


def code_points(
    source: SourceFile, encoding: str, *, documents: str | None = None, examination: Examination | None = None
) -> Iterator[CodePoints]:
    """Yield the code points of `decode_text` in arrays (CharrnnError)."""
    for text in decode_text(source, encoding, documents=documents, examination=examination):
        # ASCII is the most frequent case, and takes a quarter of the time.
        if text.isascii():
            yield np.frombuffer(text.encode("ascii"), dtype=np.uint8)
            continue
        try:
            yield np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
        except UnicodeEncodeError as error:
            surrogate = f"it has U+{ord(text[error.start]):04X}, which is half a character"
            raise CharrnnError(f"{source.name} is not valid {encoding.upper()}: {surrogate}") from error


def _without_bom(chunks: Iterator[str], source: SourceFile, examination: Examination) -> Iterator[str]:
    """Yield the chunks of a file without the byte order mark at its start."""
    has_text = False
    for text in chunks:
        is_marked = not has_text and text.startswith(BYTE_ORDER_MARK)
        if is_marked:
            examination.marked.append(source.name)
        yield text[is_marked:]
        has_text = has_text or bool(text)


def check_encoding(name: str) -> str:
    """Return the canonical name of a text encoding (WrongUsageError if Python has no such encoding)."""
    hint = "utf-8, latin-1, cp1252, utf-16, shift_jis, gb18030 and many more are known"
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)
    except (LookupError, ValueError) as error:
        raise WrongUsageError(f"unknown encoding {shown(name)}", hint=hint) from error
    if codec.name.replace("_", "-") in NON_TEXT_CODECS:
        raise WrongUsageError(f"{name} is not an encoding of text files", hint=hint)
    return codec.name


def _decode(source: SourceFile, encoding: str, examination: Examination) -> Iterator[str]:
    """Yield the text of a file in chunks (CharrnnError for invalid bytes and NUL)."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    position, line, last, line_ends = 0, 1, b"", Counter[str]()
    is_ascii_compatible = "\r\n".encode(encoding) == b"\r\n"
    for chunk in chain(source.chunks(), [b""]):
        if not position and (markup := markup_format(source, chunk[:FIRST_BYTES])):
            examination.formats.setdefault(markup, []).append(source)
        pending = decoder.getstate()[0]
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            if not chunk and position and error.reason in INCOMPLETE:
                examination.cut.append(source.name)
                break
            at = position - len(pending) + error.start
            line += error.object[: error.start].count(b"\n")
            raise _invalid_error(source, encoding, at, line, error) from error
        except UnicodeError as error:
            # For example UTF-16 without a byte order mark.
            message = f"{source.name} is not valid {encoding.upper()}: {error}"
            raise CharrnnError(message, hint="`--encoding` names another, such as utf-8 or utf-16-le") from error
        if "\0" in text:
            raise _nul_error(source, encoding, text, pending + chunk, position - len(pending), line)
        content = chunk if is_ascii_compatible else text.encode("utf-8", "surrogatepass")
        counts = _count_line_ends(last + content)
        last = content[-1:] if content.endswith(b"\r") else b"" if content else last
        line_ends.update(counts)
        line += counts["LF"] + counts["CRLF"]
        position += len(chunk)
        yield text
    if not position:
        examination.empty.append(source.name)
    line_ends["CR"] += len(last)
    examination.add_line_ends(source, line_ends)


def _count_line_ends(content: bytes) -> dict[str, int]:
    """Return the number of line ends of each kind, without a CR at the end."""
    codes = np.frombuffer(content, np.uint8)
    is_lf = codes == LF
    newlines, pairs, returns = int(np.count_nonzero(is_lf)), 0, 0
    if b"\r" in content:
        is_cr = codes[:-1] == CR
        pairs, returns = int(np.count_nonzero(is_cr & is_lf[1:])), int(np.count_nonzero(is_cr))
    return {"LF": newlines - pairs, "CR": returns - pairs, "CRLF": pairs}


# Diagnosis of files that are not valid text

INCOMPLETE = frozenset({"unexpected end of data", "truncated data", "incomplete multibyte sequence"})
"""reasons of decoders for a character without its last bytes"""
REMOVE_NUL, REMOVE_CR, CR_TO_LF = r"tr -d '\0'", r"tr -d '\r'", r"tr '\r' '\n'"
ALL_TO_LF = r"perl -pe 's/\r\n?/\n/g'"
"""filters that repair texts"""
MAX_DAMAGE = 0.01
"""share of invalid bytes or NUL up to which a file is a text with errors, and above which another kind of file"""
HEADER_BYTES = 32
"""bytes at the beginning of a file, where a NUL shows a binary file"""
FEW = 10
"""invalid bytes in a text of ASCII, from which they are probably letters of another encoding"""
OTHER_ENCODINGS = "`--encoding latin-1` reads any byte; `--encoding cp1252` is usual for old Windows files"
NOT_LATIN_ENCODINGS = "`--encoding` names its encoding, such as cp1251, koi8-r, shift_jis or gb18030"
TEXT_FILES = "charrnn learns text files"


class _Damage(NamedTuple):
    """Counts over a whole file."""

    invalid: int
    """invalid sequences of bytes"""
    nul: int
    wide: int
    """valid characters that are not ASCII"""
    characters: int

    @property
    def is_rare(self) -> bool:
        """Whether the file is a text with few errors."""
        return self.characters > 0 and self.invalid + self.nul <= MAX_DAMAGE * self.characters


def _measure_damage(source: SourceFile, encoding: str) -> _Damage:
    """Return how often a file is not valid text, as far as the decoder of the encoding reads it."""
    make_decoder = codecs.getincrementaldecoder(encoding)
    ignoring, replacing = make_decoder(errors="ignore"), make_decoder(errors="replace")
    invalid = nul = wide = characters = 0
    with suppress(UnicodeError):  # the decoder cannot continue, as in UTF-16 without a byte order mark
        for chunk in chain(source.chunks(), [b""]):
            text = ignoring.decode(chunk, final=not chunk)
            invalid += replacing.decode(chunk, final=not chunk).count("\ufffd") - text.count("\ufffd")
            nul += text.count("\0")
            wide += len(text) - len(text.encode("ascii", "ignore"))
            characters += len(text)
    return _Damage(invalid, nul, wide, characters)


def _invalid_error(
    source: SourceFile, encoding: str, position: int, line: int, error: UnicodeDecodeError
) -> CharrnnError:
    """Return the error for invalid bytes at a position, with their number, and with the command that helps."""
    first, damage = source.first_bytes, _measure_damage(source, encoding)
    is_binary = b"\0" in first[:HEADER_BYTES] or (b"\0" in first and not damage.is_rare)
    if is_binary and not first.startswith(tuple(BOMS)):
        return _binary_error(source, first.index(b"\0"))
    where = f"at byte {position:,} (line {line:,}): 0x{error.object[error.start]:02X}"
    how_often = "the only invalid byte" if damage.invalid == 1 else f"the first of {damage.invalid:,} invalid bytes"
    return CharrnnError(
        f"{source.name} is not valid {encoding.upper()} {where}" + (f", {how_often}" if damage.invalid else ""),
        hint=reading_hint(source, first) or _repair(source, encoding, damage),
    )


def _repair(source: SourceFile, encoding: str, damage: _Damage) -> str:
    """Return the hint for invalid bytes: they are dropped if most of the file is valid, or have another encoding."""
    name, is_other = encoding.replace("_", "-"), damage.wide <= damage.invalid
    dropped = f"{filter_command(f'iconv -c -f {name} -t {name}', source)} drops what is invalid"
    if damage.is_rare and (damage.invalid < FEW or not is_other):
        return f"{dropped}; `--encoding cp1252` is usual for old Windows files" if is_other else dropped
    return NOT_LATIN_ENCODINGS if damage.invalid > damage.characters else OTHER_ENCODINGS


def _nul_error(
    source: SourceFile, encoding: str, text: str, content: bytes, position: int, line: int
) -> CharrnnError:
    """Return the error for a NUL, with its byte, or with its line if other characters contain zero bytes too."""
    line += text.count("\n", 0, text.index("\0"))
    if content.count(b"\0") != text.count("\0"):
        return CharrnnError(f"{source.name} looks like a binary file (NUL in line {line:,})", hint=TEXT_FILES)
    position += content.index(b"\0")
    damage = _measure_damage(source, encoding)
    if position < HEADER_BYTES or (text.rstrip("\0").count("\0") and not damage.is_rare):  # not only padding
        return _binary_error(source, position)
    how_often = "the only one" if damage.nul == 1 else f"the first of {damage.nul:,}"
    return CharrnnError(
        f"{source.name} has a NUL at byte {position:,} (line {line:,}), {how_often}",
        hint=f"{filter_command(REMOVE_NUL, source)} removes it",
    )


def _binary_error(source: SourceFile, position: int) -> CharrnnError:
    """Return the error for a zero byte at a position, with a guess at the kind of the file as a hint."""
    hint = reading_hint(source, source.first_bytes) or TEXT_FILES
    return CharrnnError(f"{source.name} looks like a binary file (NUL at byte {position:,})", hint=hint)
