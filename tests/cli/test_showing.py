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


def test_words_stand_on_a_terminal_for_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is erased afterwards, also after Ctrl-C."""
    assert printed(Terminal(), monkeypatch) == ("starting …", "starting …\r\x1b[K")


def test_neither_a_pipe_nor_the_quiet_hear_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """No byte is written."""
    assert printed(StringIO(), monkeypatch) == ("", "")
    assert printed(Terminal(), monkeypatch, quiet=True) == ("", "")
