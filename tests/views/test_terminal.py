"""Nothing foreign commands a terminal, and the consoles do as the environment says."""

import os
import pty
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, TextIOWrapper
from typing import TextIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.text import Text

from charrnn.views.console import stderr_console, stdout_console
from charrnn.views.sanitize import JOINERS, can_animate, light_background, sanitize, unicode_output

FOREIGN = st.text(st.characters(exclude_categories=()) | st.sampled_from("\x1b\x07\r\x9b\u202e\u2066\ud800\u200d[m"))
COMMANDING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
HOSTILE = "\x1b]52;c;aGk=\x07 \x9b31m \u202e \ud800 [/bold] :smile: {} %s"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no variable of whoever runs the tests steer the consoles."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "COLORTERM", "COLORFGBG", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@contextmanager
def pseudo_terminal() -> Iterator[TextIO]:
    """Open a stream that is a terminal."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as stream:
        yield stream
    os.close(master)


@given(FOREIGN)
@settings(deadline=None)
@example(HOSTILE)
def test_no_text_can_command_a_terminal(text: str) -> None:
    """What is left is printable, but for the newline and tab kept and the joiners that scripts need."""
    left = set(sanitize(text)) - set("\n\t") - JOINERS
    assert not [character for character in left if unicodedata.category(character) in COMMANDING]


@given(FOREIGN)
@settings(deadline=None)
def test_one_character_stays_one_character(text: str) -> None:
    """Columns and counts of the shown text are those of the text."""
    assert len(sanitize(text)) == len(text)


@given(FOREIGN)
@settings(deadline=None)
def test_what_is_visible_is_left_as_it_is(text: str) -> None:
    """Showing twice changes nothing more."""
    assert sanitize(sanitize(text)) == sanitize(text)


@pytest.mark.parametrize(
    "text", ["plain [/bold] :smile: ~", "Война и мир", "日本　語", "שלום", "نمی\u200cخواهم", "👩\u200d🚀 ❤\ufe0f"]
)
def test_ordinary_text_of_any_script_is_untouched(text: str) -> None:
    """Harmless text passes, its joiners, selectors and wide spaces included."""
    assert sanitize(text) == text


@given(FOREIGN)
@settings(deadline=None)
def test_ascii_output_is_printable_ascii(text: str) -> None:
    """Nothing but printable ASCII, newline and tab is left for an ASCII terminal."""
    shown = sanitize(text, unicode=False).replace("\n", "").replace("\t", "")
    assert shown.isascii()
    assert shown.isprintable()


def test_only_what_is_kept_passes() -> None:
    """A name on one line keeps no newline; a caller may keep what it can draw."""
    assert sanitize("a\nb\tc", keep="") == "a␊b␉c"
    assert sanitize("a\x1b", keep="\x1b") == "a\x1b"


def test_showing_text_needs_neither_rich_nor_numpy() -> None:
    """The sampler starts fast because this module imports little."""
    program = "import sys, charrnn.views.sanitize; sys.exit(bool({'rich', 'numpy', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_results_and_talk_have_a_stream_each(capsys: pytest.CaptureFixture[str]) -> None:
    """Output goes to standard output, talk to standard error."""
    stdout_console().print("text")
    stderr_console().print("progress")
    assert capsys.readouterr() == ("text\n", "progress\n")


def test_markup_is_shown_literally(capsys: pytest.CaptureFixture[str]) -> None:
    """Rich would take a closing tag as an error and a smile as an emoji."""
    stdout_console().print("[/bold] [red] :smile: {} %s 12")
    assert capsys.readouterr().out == "[/bold] [red] :smile: {} %s 12\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_no_encoding_makes_a_console_fail(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """What a stream cannot encode comes out escaped."""
    drain = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(drain, encoding=encoding))
    console = stdout_console()
    console.print(Text(sanitize("é 日 ␛")))
    console.file.flush()
    assert drain.getvalue().decode(encoding).startswith(("é", "\\xe9"))
    assert unicode_output(console) == (encoding == "utf-8")


def test_a_missing_stream_swallows_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python has no standard output at all when its descriptor is closed."""
    monkeypatch.setattr(sys, "stdout", None)
    stdout_console().print("text")
    assert not can_animate(None)


@pytest.mark.parametrize("value", ["0", "-3", "", "wide", "²", "9" * 5000])
def test_a_width_that_is_no_size_is_not_obeyed(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A COLUMNS that makes no sense leaves a console that can draw."""
    monkeypatch.setenv("COLUMNS", value)
    assert 0 < stdout_console().width < 10_000


def test_a_width_that_is_a_size_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """COLUMNS beats what the terminal says."""
    monkeypatch.setenv("COLUMNS", "33")
    assert stdout_console().width == stderr_console().width == 33


def test_a_pipe_gets_color_only_if_forced(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FORCE_COLOR colours a pipe, and NO_COLOR beats it, bold included."""
    stdout_console().print(Text("text", style="bold red"))
    monkeypatch.setenv("FORCE_COLOR", "1")
    stdout_console().print(Text("text", style="bold red"))
    monkeypatch.setenv("NO_COLOR", "1")
    stdout_console().print(Text("text", style="bold red"))
    plain, forced, neither = capsys.readouterr().out.splitlines()
    assert plain == neither == "text"
    assert forced.startswith("\x1b[1;")


def test_a_forced_pipe_is_not_animated(monkeypatch: pytest.MonkeyPatch) -> None:
    """FORCE_COLOR makes Rich believe in a terminal; drawing over a pipe would only litter it."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not can_animate(TextIOWrapper(BytesIO()))
    assert not stdout_console().is_interactive


@pytest.mark.parametrize(("term", "moves"), [("xterm-256color", True), ("dumb", False)])
def test_a_terminal_is_animated_unless_it_is_dumb(monkeypatch: pytest.MonkeyPatch, term: str, moves: bool) -> None:
    """A dumb terminal cannot move its cursor."""
    monkeypatch.setenv("TERM", term)
    with pseudo_terminal() as stream:
        assert can_animate(stream) is moves


def test_a_closed_stream_is_not_animated() -> None:
    """Asking a closed stream is no error."""
    stream = TextIOWrapper(BytesIO())
    stream.close()
    assert not can_animate(stream)


@pytest.mark.parametrize(("told", "light"), [("0;15", True), ("0;default;7", True), ("15;0", False), ("", False)])
def test_a_terminal_may_tell_of_a_light_background(monkeypatch: pytest.MonkeyPatch, told: str, light: bool) -> None:
    """COLORFGBG ends in the number of the background; dark where nothing is said."""
    monkeypatch.setenv("COLORFGBG", told)
    assert light_background() is light
