"""The progress bar of a training in Python, in a notebook, on a terminal and in a log."""

import re
import sys
from collections.abc import Iterator
from io import StringIO
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from charrnn.training.events import Evaluation, Event, Report, Step
from charrnn.views.training_progress import ProgressState
from charrnn.views.training_summary import show_progress

SECONDS_PER_STEP = 2.0
STEPS = 20


def training(clock: list[float]) -> Iterator[Event]:
    """Yield the events of a training, with a report at each step and an evaluation in the middle."""
    for step in range(1, STEPS + 1):
        clock[0] += SECONDS_PER_STEP
        yield Step(step=step, nats=1.0, gradient_norm=1, learning_rate=0.01, progress=step / STEPS, steps=STEPS)
        yield Report(step=step, epoch=step, nats=1.0, gradient_norm=1, learning_rate=0.01, progress=step / STEPS)
        if step == STEPS // 2:
            yield Evaluation(step=step, nats=1.2, characters=9, read=9, best_nats=1.2, best_step=step)


def shown_events() -> list[Event]:
    """Return the events that pass through the progress bar."""
    clock = [0.0]
    progress = ProgressState(characters_per_step=64, initial_steps=STEPS)
    return list(show_progress(training(clock), progress, lambda: clock[0]))


class Notebook(ModuleType):
    """The display functions of IPython in a kernel, which record what a cell shows."""

    def __init__(self) -> None:
        super().__init__("IPython.display")
        self.outputs: list[list[dict[str, str]]] = []

    def display(self, data: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        """Add an output with its data, and return its handle."""
        assert raw
        assert display_id
        versions = [data]
        self.outputs.append(versions)
        return SimpleNamespace(update=lambda new, raw: versions.append(new) if raw else None)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """Pretend to be the kernel of a notebook."""
    display, ipython = Notebook(), ModuleType("IPython")
    vars(ipython)["get_ipython"] = lambda: SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return display


def test_a_notebook_shows_one_output_that_is_redrawn(notebook: Notebook, capsys: pytest.CaptureFixture[str]) -> None:
    """As HTML and as plain text; nothing is printed, and every event passes through."""
    assert shown_events() == list(training([0.0]))
    (versions,) = notebook.outputs
    assert len(versions) > STEPS
    assert "step 2 / 20" in versions[1]["text/plain"]
    assert "step 20 / 20" in versions[-1]["text/plain"]
    assert "validation 1.731" in versions[-1]["text/html"]
    assert "<pre" in versions[-1]["text/html"]
    assert capsys.readouterr() == ("", "")


def test_a_training_that_is_closed_shows_its_last_step(notebook: Notebook) -> None:
    """As after Ctrl-C in a cell."""
    clock = [0.0]
    events = show_progress(training(clock), ProgressState(characters_per_step=64), lambda: clock[0])
    for _ in range(9):
        next(events)
    events.close()  # type: ignore[attr-defined]  # a generator
    assert "step 5 / 20" in notebook.outputs[0][-1]["text/plain"]


class Terminal(StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is redrawn in its place."""
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    shown_events()
    drawings = re.split(r"(?:\x1b\[1A\x1b\[2K)+", terminal.getvalue())
    assert len(drawings) > STEPS
    assert "step 2 / 20 " in drawings[1]
    assert "━━━" in drawings[-1]
    assert "step 20 / 20 " in drawings[-1]


@pytest.mark.parametrize("variable", [None, ("TERM", "dumb"), ("JPY_PARENT_PID", "7"), ("CI", "true")], ids=str)
def test_where_no_bar_can_be_drawn_there_is_a_line_for_a_report(
    monkeypatch: pytest.MonkeyPatch, variable: tuple[str, str] | None
) -> None:
    """At most every ten seconds, and for the last report; in a file, and on terminals that are shown as a log."""
    log = Terminal() if variable else StringIO()
    monkeypatch.setenv(*variable or ("TERM", "xterm"))
    monkeypatch.setattr(sys, "stderr", log)
    shown_events()
    lines = log.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["step=1", "step=6", "step=11", "step=16", "step=20"]
    assert "val_bpc=1.731" in lines[-1]
    assert "\x1b" not in log.getvalue()
