"""Status messages while a training is prepared."""

import sys
from io import StringIO

import pytest

from charrnn.cli.train_display import status_line


class Terminal(StringIO):
    """A stream that claims to be a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Return True."""
        return True


def printed(stream: StringIO, monkeypatch: pytest.MonkeyPatch, *, quiet: bool = False) -> tuple[str, str]:
    """Return the content of standard error during a status message, and after a failure in its block."""
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    meanwhile = []

    def fail() -> None:
        with status_line("starting …", quiet=quiet):
            meanwhile.append(stream.getvalue())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    return meanwhile[0], stream.getvalue()


def test_a_status_message_is_shown_on_a_terminal_while_its_block_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is erased afterwards, also after Ctrl-C."""
    assert printed(Terminal(), monkeypatch) == ("starting …", "starting …\r\x1b[K")


def test_there_is_no_status_message_in_a_pipe_or_with_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No byte is written."""
    assert printed(StringIO(), monkeypatch) == ("", "")
    assert printed(Terminal(), monkeypatch, quiet=True) == ("", "")
