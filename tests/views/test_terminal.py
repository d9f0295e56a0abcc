"""Untrusted text cannot control a terminal, and consoles respect the environment."""

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

from charrnn.cli.streams import status
from charrnn.views.console import stderr_console, stdout_console
from charrnn.views.sanitize import JOINERS, can_animate, can_style, light_background, sanitize, unicode_output

FOREIGN = st.text(st.characters(exclude_categories=()) | st.sampled_from("\x1b\x07\r\x9b\u202e\u2066\ud800\u200d[m"))
COMMANDING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
HOSTILE = "\x1b]52;c;aGk=\x07 \x9b31m \u202e \ud800 [/bold] :smile: {} %s"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove environment variables that affect consoles."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "COLORTERM", "COLORFGBG", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@contextmanager
def pseudo_terminal() -> Iterator[TextIO]:
    """Yield a stream that is a terminal."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as stream:
        yield stream
    os.close(master)


@given(FOREIGN)
@settings(deadline=None)
@example(HOSTILE)
def test_no_text_can_control_a_terminal(text: str) -> None:
    """Sanitized text is printable, except for newline, tab, and the joiners that scripts need."""
    remaining = set(sanitize(text)) - set("\n\t") - JOINERS
    assert not [character for character in remaining if unicodedata.category(character) in COMMANDING]


@given(FOREIGN)
@settings(deadline=None)
def test_one_character_stays_one_character(text: str) -> None:
    """Sanitization keeps the number of characters."""
    assert len(sanitize(text)) == len(text)


@given(FOREIGN)
@settings(deadline=None)
def test_sanitization_is_idempotent(text: str) -> None:
    """Sanitized text is not changed by a second pass."""
    assert sanitize(sanitize(text)) == sanitize(text)


@pytest.mark.parametrize(
    "text", ["plain [/bold] :smile: ~", "Война и мир", "日本　語", "שלום", "نمی\u200cخواهم", "👩\u200d🚀 ❤\ufe0f"]
)
def test_ordinary_text_of_any_script_is_unchanged(text: str) -> None:
    """Joiners, variation selectors and wide spaces are kept."""
    assert sanitize(text) == text


@given(FOREIGN)
@settings(deadline=None)
def test_ascii_output_is_printable_ascii(text: str) -> None:
    """An ASCII terminal gets only printable ASCII, newline and tab."""
    output = sanitize(text, unicode=False).replace("\n", "").replace("\t", "")
    assert output.isascii()
    assert output.isprintable()


def test_only_the_given_controls_are_kept() -> None:
    """A name on one line has no newline."""
    assert sanitize("a\nb\tc", keep="") == "a␊b␉c"
    assert sanitize("a\x1b", keep="\x1b") == "a\x1b"


def test_sanitization_imports_neither_rich_nor_numpy() -> None:
    """`charrnn sample` starts fast because of that."""
    program = "import sys, charrnn.views.sanitize; sys.exit(bool({'rich', 'numpy', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_results_and_messages_have_a_stream_each(capsys: pytest.CaptureFixture[str]) -> None:
    """Results go to standard output, messages to standard error."""
    stdout_console().print("text")
    stderr_console().print("progress")
    assert capsys.readouterr() == ("text\n", "progress\n")


def test_markup_is_shown_literally(capsys: pytest.CaptureFixture[str]) -> None:
    """Rich would fail at a closing tag and replace emoji codes."""
    stdout_console().print("[/bold] [red] :smile: {} %s 12")
    assert capsys.readouterr().out == "[/bold] [red] :smile: {} %s 12\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_console_works_with_any_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """Characters that a stream cannot encode are escaped."""
    drain = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(drain, encoding=encoding))
    console = stdout_console()
    console.print(Text(sanitize("é 日 ␛")))
    console.file.flush()
    assert drain.getvalue().decode(encoding).startswith(("é", "\\xe9"))
    assert unicode_output(console) == (encoding == "utf-8")


def test_a_missing_stream_discards_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Python standard output is None if its descriptor is closed."""
    monkeypatch.setattr(sys, "stdout", None)
    stdout_console().print("text")
    assert not can_animate(None)


@pytest.mark.parametrize("value", ["0", "-3", "", "wide", "²", "9" * 5000])
def test_an_invalid_width_is_ignored(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """With an invalid COLUMNS a console can still draw."""
    monkeypatch.setenv("COLUMNS", value)
    assert 0 < stdout_console().width < 10_000


def test_a_valid_width_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """COLUMNS takes precedence over the size of the terminal."""
    monkeypatch.setenv("COLUMNS", "33")
    assert stdout_console().width == stderr_console().width == 33


def test_a_pipe_gets_color_only_if_forced(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FORCE_COLOR colors a pipe; NO_COLOR takes precedence, also for bold."""
    stdout_console().print(Text("text", style="bold red"))
    monkeypatch.setenv("FORCE_COLOR", "1")
    stdout_console().print(Text("text", style="bold red"))
    monkeypatch.setenv("NO_COLOR", "1")
    stdout_console().print(Text("text", style="bold red"))
    plain, forced, neither = capsys.readouterr().out.splitlines()
    assert plain == neither == "text"
    assert forced.startswith("\x1b[1;")


def test_a_forced_pipe_is_not_animated(monkeypatch: pytest.MonkeyPatch) -> None:
    """With FORCE_COLOR Rich assumes a terminal, but the cursor of a pipe cannot move."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not can_animate(TextIOWrapper(BytesIO()))
    assert not stdout_console().is_interactive


def test_a_spinner_does_not_hide_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that a signal ends could not show it again."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as stream:
        monkeypatch.setattr("sys.stderr", stream)
        with status("reading 20,000 characters"):
            pass
        stream.flush()
        output = os.read(master, 65536)
    os.close(master)
    assert b"reading 20,000 characters" in output
    assert b"\x1b[?25l" not in output


@pytest.mark.parametrize(("term", "moves"), [("xterm-256color", True), ("dumb", False), ("", False)])
def test_a_terminal_is_animated_unless_it_is_dumb(monkeypatch: pytest.MonkeyPatch, term: str, moves: bool) -> None:
    """The cursor of a dumb terminal cannot move, and that of an unknown one may not."""
    monkeypatch.setenv("TERM", term)
    with pseudo_terminal() as stream:
        assert can_animate(stream) is can_style(stream) is moves


@pytest.mark.parametrize(
    ("environment", "moves"),
    [
        ({"JPY_PARENT_PID": "4711"}, False),
        ({"TERM": "xterm-color", "GIT_PAGER": "cat"}, False),
        ({"KAGGLE_KERNEL_RUN_TYPE": "Interactive"}, False),
        ({"CI": "true"}, False),
        ({"CI": "false"}, True),
        ({"INSIDE_EMACS": "30.1,comint"}, False),
        ({"INSIDE_EMACS": "29.4,tramp:2.6,comint"}, False),
        ({"INSIDE_EMACS": "vterm"}, True),
        ({"GIT_PAGER": "cat"}, True),
    ],
    ids=str,
)
def test_a_terminal_whose_output_is_shown_as_a_log_has_colors_but_no_animation(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], moves: bool
) -> None:
    """In notebooks (`!charrnn`), in CI systems and in a shell of Emacs, but not in its terminals."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pseudo_terminal() as stream:
        assert (can_animate(stream), can_style(stream)) == (moves, True)


def test_a_closed_stream_is_not_animated() -> None:
    """Testing a closed stream is not an error."""
    stream = TextIOWrapper(BytesIO())
    stream.close()
    assert not can_animate(stream)


@pytest.mark.parametrize(
    ("colorfgbg", "light"), [("0;15", True), ("0;default;7", True), ("15;0", False), ("", False)]
)
def test_colorfgbg_may_announce_a_light_background(
    monkeypatch: pytest.MonkeyPatch, colorfgbg: str, light: bool
) -> None:
    """COLORFGBG ends with the number of the background color; the default is dark."""
    monkeypatch.setenv("COLORFGBG", colorfgbg)
    assert light_background() is light
