"""What is shown while a training is prepared."""

import sys
from io import StringIO

import pytest

from charrnn.cli.train_display import status_line


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Say so."""
        return True


def said(stream: StringIO, monkeypatch: pytest.MonkeyPatch, *, quiet: bool = False) -> tuple[str, str]:
    """Give what stands on standard error while something that fails takes its time, and afterwards."""
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
    """The line is empty again afterwards, also after Ctrl-C."""
    assert said(Terminal(), monkeypatch) == ("starting …", "starting …\r\x1b[K")


def test_neither_a_pipe_nor_the_quiet_hear_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a byte."""
    assert said(StringIO(), monkeypatch) == ("", "")
    assert said(Terminal(), monkeypatch, quiet=True) == ("", "")
