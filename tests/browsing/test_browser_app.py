"""The browser as an application: every key through Textual's pilot, resizing, and work in the background."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from threading import Event
from typing import Any

import pytest
from browser_sessions import QUOTE_CELL, make_recording, new_session
from textual.geometry import Region
from textual.pilot import Pilot

from charrnn.browser.app import BrowserApp
from charrnn.browser.jobs import CancelledError, IsCancelled
from charrnn.browser.keys import KEYS
from charrnn.browser.recording import Recording
from charrnn.browser.session import Session
from charrnn.cli.error_handler import Stopped
from charrnn.cli.inspect_browse import ending_by_signals
from charrnn.errors import CharrnnError
from charrnn.views.heatmap import Heatmap

Play = Callable[[Pilot[None]], Awaitable[None]]

TEXTUAL_NAMES = {
    ":": "colon",
    "/": "slash",
    "?": "question_mark",
    "+": "plus",
    "-": "minus",
    '"': "quotation_mark",
    ".": "full_stop",
}
"""Textual's names of the keys that are not letters"""


@pytest.fixture(scope="module")
def recording() -> Recording:
    """Return the recording of a text with quotations."""
    return make_recording()


def play(session: Session, steps: Play, *, size: tuple[int, int] = (80, 24)) -> BrowserApp:
    """Run the application without a terminal while the pilot takes some steps."""
    app = BrowserApp(session)

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await steps(pilot)

    asyncio.run(run())
    return app


def shown(pilot: Pilot[Any]) -> list[str]:
    """Return the text of each row that the application shows."""
    app = pilot.app
    assert isinstance(app, BrowserApp)
    return [app.canvas.render_line(row).text.rstrip() for row in range(app.size.height)]


async def press(pilot: Pilot[Any], keys: str) -> None:
    """Press the characters of a string, or one key given by its name."""
    names = [keys] if len(keys) > 1 and keys.isalnum() else [TEXTUAL_NAMES.get(key, key) for key in keys]
    await pilot.press(*names)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


CHANGES: dict[str, tuple[str, str]] = {
    "next_cell": ("j", "2 of 30 by finding"),
    "previous_cell": ("k", "30 of 30 by finding"),
    "first_cell": ("f", "1 of 30 by finding"),
    "order": ("o", "of 30 by variance"),
    "choose_cell": (":1.7", "cell 1.7"),
    "next_signal": ("s", " h ·"),
    "previous_signal": ("S", " o ·"),
    "mark": ("m", "· marked ·"),
    "next_marked": ("M", "no cell is marked"),
    "left": ("left", "character 29 of 600"),
    "right": ("right", "character 31 of 600"),
    "up": ("up", "character 17 of 600"),
    "down": ("down", "character 47 of 600"),
    "page_up": ("pageup", "character 0 of 600"),
    "page_down": ("pagedown", "character 300 of 600"),
    "home": ("home", "character 0 of 600"),
    "end": ("end", "character 599 of 600"),
    "search": ("/pq", "/pq"),
    "next_match": ("n", "nothing was searched yet"),
    "previous_match": ("N", "nothing was searched yet"),
    "concept": ("u", "concept to underline"),
    "why": ("a", "influence on character 30 by occlusion"),
    "select": ("v", "selected 1"),
    "list_active": ("l", "only at the cursor"),
    "continue_text": ("c", "continuation after 30 (number 1"),
    "continue_high": ("+", "at +1 (number 1"),
    "continue_low": ("-", "at -1 (number 1"),
    "save": ("w", "SVG file cell-"),
    "escape": ("escape", "character 30 of 600"),
    "help": ("?", "next cell"),
}
"""keys of each action and what the screen shows then, from character 30 and the first cell on"""


def test_the_table_has_every_action() -> None:
    """Except the end, which has a test of its own."""
    assert {*CHANGES, "quit"} == {key.action for key in KEYS}


@pytest.mark.parametrize("action", CHANGES)
def test_every_key_changes_the_screen(recording: Recording, action: str) -> None:
    """As the help says."""
    session = new_session(recording)
    session.state.go_to(30)
    keys, expected = CHANGES[action]

    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, keys)
        assert expected in "\n".join(shown(pilot))

    play(session, steps)


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
def test_the_keys_that_quit_end_the_application(recording: Recording, key: str) -> None:
    """Without an error."""

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press(key)

    app = play(new_session(recording), steps)
    assert not app.is_running
    assert app.return_code == 0


def test_a_list_and_a_prompt_lead_to_a_cell_and_to_a_file(recording: Recording) -> None:
    """A whole walk: search, selection, query, choice, file."""
    saved: list[tuple[str, Heatmap]] = []
    session = new_session(recording, saved=saved)

    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, '/"')
        await press(pilot, "enter")
        await press(pilot, "v")
        for _ in range(6):
            await press(pilot, "right")
        await press(pilot, "l")
        await press(pilot, "enter")
        assert shown(pilot)[1].startswith(QUOTE_CELL)
        await press(pilot, "w")
        await press(pilot, "enter")

    play(session, steps)
    assert [(name, heatmap.text) for name, heatmap in saved] == [(f"cell-{QUOTE_CELL}.svg", '"defghi')]


@pytest.mark.parametrize("size", [(200, 50), (30, 8), (1, 1)])
def test_the_screen_follows_the_size_of_the_terminal(recording: Recording, size: tuple[int, int]) -> None:
    """The text is laid out anew, and the cursor stays visible."""
    session = new_session(recording)
    session.state.go_to(555)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.resize_terminal(*size)
        await pilot.pause()
        rows = shown(pilot)
        assert len(rows) == size[1]
        assert all(len(row) <= size[0] for row in rows)
        assert session.view.layout.screen_columns == size[0]
        line = session.view.layout.line_of(555)
        assert session.view.top <= line < session.view.top + session.view.height

    play(session, steps)


class SlowSearch:
    """A search that ends when it is released or cancelled."""

    def __init__(self, error: Exception | None = None) -> None:
        self.release, self.was_cancelled, self.error = Event(), Event(), error

    def run(self, is_cancelled: IsCancelled) -> tuple[()]:
        """Wait."""
        while not self.release.wait(0.01):
            if is_cancelled():
                self.was_cancelled.set()
                raise CancelledError
        if self.error:
            raise self.error
        return ()


def test_keys_are_answered_during_the_search(recording: Recording) -> None:
    """The line of the cell says that the search runs, and a message that it is done."""
    search = SlowSearch()

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("j")
        assert shown(pilot)[1].endswith("2 of 30 by finding (searching ...)")
        search.release.set()
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert "searching" not in shown(pilot)[1]
        assert shown(pilot)[-1].startswith("0 cells have a finding")

    play(new_session(recording, search=search), steps)


def test_quitting_cancels_the_search(recording: Recording) -> None:
    """And does not wait for its end."""
    search = SlowSearch()

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("q")

    begin = time.monotonic()
    play(new_session(recording, search=search), steps)
    assert search.was_cancelled.is_set()
    assert time.monotonic() - begin < 10


def test_a_bug_in_the_background_ends_the_application(recording: Recording) -> None:
    """With its traceback; an error of the user is a message."""

    async def steps(pilot: Pilot[None]) -> None:
        search.release.set()
        await pilot.app.workers.wait_for_complete()

    search = SlowSearch(ZeroDivisionError())
    with pytest.raises(Exception, match="ZeroDivisionError"):
        play(new_session(recording, search=search), steps)
    search = SlowSearch(CharrnnError("too short"))
    session = new_session(recording, search=search)
    play(session, steps)
    assert session.message == "no findings: too short"


def test_only_the_rows_that_changed_are_drawn_again(recording: Recording) -> None:
    """A movement of the cursor in a line changes that line and the lines about the character."""
    drawn: list[set[int]] = []

    async def steps(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, BrowserApp)
        await pilot.pause()
        refresh = app.canvas.refresh

        def record_rows(*regions: Region, **options: Any) -> Any:
            drawn.append({region.y for region in regions})
            return refresh(*regions, **options)

        app.canvas.refresh = record_rows  # type: ignore[method-assign]
        await pilot.press("right")
        await pilot.pause()

    play(new_session(recording), steps)
    assert [rows for rows in drawn if rows] == [{2, 20, 21, 22}]


def test_a_signal_before_the_start_ends_the_application(recording: Recording) -> None:
    """As soon as it starts; the signal is not lost, and no thread fails."""
    session = new_session(recording)
    app = BrowserApp(session)

    async def run() -> None:
        async with app.run_test() as pilot:
            await pilot.pause()
            assert not app.is_running

    def run_after_a_signal() -> None:
        with ending_by_signals(app):
            signal.raise_signal(signal.SIGTERM)
            asyncio.run(run())

    with pytest.raises(Stopped):
        run_after_a_signal()
