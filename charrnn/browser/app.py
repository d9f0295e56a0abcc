"""The browser as a Textual application: the terminal of a session, and threads for its work in the background."""

from collections.abc import Callable
from functools import partial
from typing import Any

from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.worker import get_current_worker

from charrnn.browser.jobs import CancelledError, IsCancelled
from charrnn.browser.screen import draw_screen
from charrnn.browser.session import Session
from charrnn.errors import CharrnnError

SUSPEND = "ctrl+z"
"""key that stops the process until the shell continues it; the terminal is restored in between"""


class JobDone(Message):
    """The end of work in the background."""

    def __init__(self, finish: Callable[[], None]) -> None:
        super().__init__()
        self.finish = finish
        """function that passes the result on, or reports an error"""


class MapWidget(Widget):
    """A widget that shows the rows of a screen."""

    DEFAULT_CSS = "MapWidget { width: 100%; height: 100%; }"

    def __init__(self) -> None:
        super().__init__()
        self._strips: list[Strip] = []

    def show(self, strips: list[Strip]) -> None:
        """Show other rows; only those that changed are written to the terminal."""
        old, self._strips = self._strips, strips
        changed = [number for number, strip in enumerate(strips) if old[number : number + 1] != [strip]]
        if len(old) != len(strips):
            self.refresh()
        elif changed:
            self.refresh(*(Region(0, number, int(self.size.width), 1) for number in changed))

    def render_line(self, y: int) -> Strip:
        """Return a row."""
        return self._strips[y] if y < len(self._strips) else Strip.blank(int(self.size.width))


class BrowserApp(App[None], inherit_bindings=False):
    """A session of the browser in a terminal; the session handles every key."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    CSS = "Screen { background: ansi_default; color: ansi_default; overflow: hidden; }"

    def __init__(self, session: Session) -> None:
        super().__init__(ansi_color=True)
        self.animation_level = "none"
        self.session = session
        self.canvas = MapWidget()
        session.start = self.start

    def compose(self) -> ComposeResult:
        """Yield the only widget."""
        yield self.canvas

    def draw(self) -> None:
        """Draw the session, or end the application if the user has quit."""
        if not self.session.is_open:
            self.exit()
            return
        columns, rows = int(self.size.width), int(self.size.height)
        if columns and rows:
            drawn = draw_screen(self.session, columns, rows, self.console)
            self.canvas.show([Strip(row).adjust_cell_length(columns) for row in drawn])

    # Events

    def on_mount(self) -> None:
        """Draw the first screen, and begin the search."""
        self.session.begin_search()
        self.draw()

    def on_resize(self, _event: events.Resize) -> None:
        """Draw the whole screen in its new size, also after the process was stopped and continued."""
        self.canvas.show([])
        self.call_after_refresh(self.draw)

    def on_key(self, event: events.Key) -> None:
        """Pass a key to the session."""
        event.stop()
        event.prevent_default()
        if event.key == SUSPEND:
            self.action_suspend_process()
            return
        self.session.press(str(event.key), event.character)
        self.draw()

    def on_paste(self, event: events.Paste) -> None:
        """Pass pasted text to the session."""
        self.session.paste(str(event.text))
        self.draw()

    # Work in the background

    def start(self, work: Callable[[IsCancelled], Any], done: Callable[[Any], None]) -> None:
        """Start work in a thread, and pass its result on in the thread of the application."""

        def run() -> None:
            worker = get_current_worker()
            try:
                result = work(lambda: bool(worker.is_cancelled))
            except CancelledError:
                return
            except CharrnnError as error:
                self.post_message(JobDone(partial(self.session.report, error)))
            else:
                self.post_message(JobDone(partial(done, result)))

        self.run_worker(run, thread=True)

    def on_job_done(self, event: JobDone) -> None:
        """Pass the result of work on, and draw it."""
        event.finish()
        self.draw()
