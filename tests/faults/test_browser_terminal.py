"""The browser on a real terminal: opening, resizing, and a restored terminal whatever ends it."""

import fcntl
import os
import signal
import struct
import sys
import termios
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

import pytest
from common import PACKAGE_HOME, Call, letters_model
from launcher import Command, Launcher
from terminal_screen import Terminal, terminal

from charrnn.cli.inspect_browse import REQUIREMENT
from charrnn.network.model_file import save_model
from charrnn.storage.run_directory import RunDirectory

TEXT = 'abc "defghi" jkl\nmno "pq" rst\n' * 20
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?2004l")
"""sequences that leave the alternate screen, show the cursor, and end bracketed paste"""


@pytest.fixture(autouse=True)
def _model_and_text(run_here: RunDirectory) -> None:
    """Change to a directory with a run of the handmade model and a text."""
    save_model(run_here.model, letters_model())
    Path("text.txt").write_text(TEXT)


@contextmanager
def browser(launch: Launcher | None, *arguments: str, **environment: str) -> Iterator[Terminal]:
    """Open the browser on a terminal, and wait until it shows the text."""
    command = ("inspect", "--browse", "--text", "text.txt", *arguments)
    with terminal(*command, environment=environment, launch=launch) as opened:
        opened.wait_for(lambda: "next " in opened.text and "search is" not in opened.text)
        yield opened


def resize(opened: Terminal, columns: int, lines: int) -> None:
    """Change the size of a terminal, whose processes get a signal."""
    fcntl.ioctl(opened.controller, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    opened.screen.resize(lines, columns)
    assert isinstance(opened.process, Command)
    opened.process.signal(signal.SIGWINCH)


def is_restored(opened: Terminal) -> bool:
    """Return whether the terminal echoes again, and is in the state before the browser."""
    return opened.echoes and all(sequence in opened.raw for sequence in RESTORED)


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"TERM": "xterm"}, {"NO_COLOR": ""}], ids=str)
def test_the_browser_opens_follows_the_size_and_quits(launch: Launcher, environment: dict[str, str]) -> None:
    """In 256 and 16 colors and without color; the terminal is restored."""
    with browser(launch, **environment) as opened:
        assert 'abc "defghi" jkl' in opened.text
        assert ("0…9" in opened.text) == bool(environment.get("NO_COLOR"))
        colored = {b"38;5;", b"48;5;"} if not environment.get("TERM") else {b"[30m", b"104m"}
        assert any(color in opened.raw for color in colored) == (not environment.get("NO_COLOR"))
        opened.type("j")
        opened.wait_for(lambda: "2 of 30" in opened.screen.display[1])
        resize(opened, 40, 12)
        opened.wait_for(lambda: "2 of 30" in opened.screen.display[1])
        opened.wait_for(lambda: opened.screen.display[11].startswith("? help  j k cell"))
        resize(opened, 100, 30)
        opened.wait_for(lambda: "character 0 of 600" in opened.screen.display[26])
        opened.type("q")
        assert opened.wait() == 0
        assert is_restored(opened)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_restores_the_terminal(launch: Launcher, number: signal.Signals) -> None:
    """And the process ends by it."""
    with browser(launch) as opened:
        assert isinstance(opened.process, Command)
        assert not opened.echoes
        opened.process.signal(number)
        assert opened.wait() == -number
        assert is_restored(opened)


def test_a_bug_restores_the_terminal(tmp_path: Path) -> None:
    """Its traceback is printed below, and the exit code is 1."""
    (tmp_path / "sitecustomize.py").write_text(
        "import charrnn.browser.session as module\nmodule.Session.do_mark = lambda session: 1 / 0\n"
    )
    with browser(None, PYTHONPATH=f"{tmp_path}{os.pathsep}{PACKAGE_HOME}") as opened:
        opened.type("m")
        assert opened.wait() == 1
        assert "ZeroDivisionError" in opened.text
        assert is_restored(opened)


def test_hostile_text_does_not_control_the_terminal(launch: Launcher) -> None:
    """Neither the title, nor the clipboard, nor the screen."""
    Path("text.txt").write_text('abc\x1b]0;owned\x07\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e\u200b "d" e\n' * 30)
    with browser(launch) as opened:
        opened.type("lq")
        opened.type("\x1b")
        opened.wait_for(lambda: "character" in opened.screen.display[20])
        opened.type("q")
        assert opened.wait() == 0
        assert not any(sequence in opened.raw for sequence in (b"\x1b]0", b"\x1b]52", b"\x1b[2J", b"\x9b"))
        assert is_restored(opened)


@pytest.mark.parametrize("stream", ["<&-", "< /dev/null", "> out", "2> err"])
def test_the_browser_needs_a_terminal(shell: Call, stream: str) -> None:
    """Each of the standard streams; nothing is read."""
    result = shell(f"charrnn inspect --browse {stream}")
    assert result.code == 1
    assert "--browse needs a terminal" in result.err or stream == "2> err"
    assert result.err.count("\n") <= 1


def test_the_error_without_textual_has_the_command_that_installs_it(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is read."""
    monkeypatch.setattr("charrnn.cli.inspect_browse.find_spec", lambda _name: None)
    result = call("inspect", "--browse")
    command = f"{quote(sys.executable)} -m pip install 'textual>=8.0'"
    message = f"error: --browse needs the package textual\n\nhint: `{command}` installs it\n"
    assert result == (1, "", message)
    extras = tomllib.loads((PACKAGE_HOME / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras["browse"] == [REQUIREMENT]


OTHER_OPTIONS = {
    "--json": (),
    "--svg": ("a.svg",),
    "--html": ("a.html",),
    "--npz": ("a.npz",),
    "--confirm": ("text.txt",),
    "--quick": (),
    "--surprise": (),
    "--gates": (),
    "--errors": (),
    "--swap": ("a", "b"),
    "--at": ("3",),
    "--top": ("3",),
    "--title": ("a",),
}


@pytest.mark.parametrize("option", OTHER_OPTIONS)
def test_options_that_the_browser_does_not_use_are_refused(call: Call, option: str) -> None:
    """By their name."""
    result = call("inspect", "--browse", option, *OTHER_OPTIONS[option])
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: --browse and {option} cannot go together\n")
