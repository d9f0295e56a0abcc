"""Messages are wrapped on a terminal, and stay on one line in a pipe."""

import os
import pty
import termios
from pathlib import Path

import pytest

from charrnn.cli.streams import fold_line, terminal_columns

LINE = "checkpoints/hamlet · repeat with --seed 17 · said by somebody who had very much to say"


def test_a_line_is_folded_at_its_blanks_on_a_terminal() -> None:
    """At the width of the terminal; no word is cut, and none is lost."""
    controller, terminal_end = pty.openpty()
    termios.tcsetwinsize(terminal_end, (24, 40))
    with os.fdopen(terminal_end, "w") as terminal:
        lines = fold_line(LINE, terminal).splitlines()
        assert terminal_columns(terminal) == 40
    os.close(controller)
    assert max(map(len, lines)) <= 40
    assert " ".join(lines) == LINE


def test_a_line_in_a_pipe_stays_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of any length, and a line to a closed stream."""
    monkeypatch.setenv("COLUMNS", "20")
    with (tmp_path / "out.txt").open("w") as pipe:
        assert fold_line(LINE, pipe) == LINE
    assert fold_line(LINE, None) == LINE
