"""The browser of `charrnn inspect`: its text and its search, the terminal that it needs, and signals that end it."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import TYPE_CHECKING

import click

from charrnn.cli.error_handler import Stopped
from charrnn.cli.inspect_heatmaps import InspectionTarget, load_target, write_heatmap
from charrnn.cli.inspect_options import InspectOptions
from charrnn.cli.path_types import DrawingType
from charrnn.cli.streams import status
from charrnn.errors import FAILURE, CharrnnError, WrongUsageError, missing_package, os_reason
from charrnn.inspection.concepts import CONCEPTS, Concept, ParsedText
from charrnn.inspection.search.search_data import EncodedText
from charrnn.storage.run_directory import display_name
from charrnn.text.held_out import DEFAULT_CHARS
from charrnn.views.console import stderr_console
from charrnn.views.heatmap import Heatmap
from charrnn.views.sanitize import can_animate, is_terminal, light_background, unicode_output

if TYPE_CHECKING:
    from charrnn.browser.app import BrowserApp
    from charrnn.browser.session import Session

REQUIREMENT = "textual>=8.0"
"""the package of the application, as in the extra `browse`"""
BROWSE_CHARS = 20_000
"""default number of characters in the browser"""
SIZE_VARIABLES = ("COLUMNS", "LINES")
"""environment variables with a size that would not change with the terminal"""


def browse(path: Path, options: InspectOptions, concepts: Sequence[Concept]) -> None:
    """Open the browser on the terminal, and return when the user quits it (CharrnnError, Stopped)."""
    check_terminal()
    session = make_session(path, options, concepts)
    from charrnn.browser.app import BrowserApp

    for name in SIZE_VARIABLES:
        os.environ.pop(name, None)
    if not os.environ.get("NO_COLOR"):
        # An empty value means that colors are allowed, but Textual only looks whether there is one.
        os.environ.pop("NO_COLOR", None)
    app = BrowserApp(session)
    with ending_by_signals(app), restored_terminal():
        app.run(mouse=False)
    if app.return_code:
        raise click.exceptions.Exit(FAILURE)


def check_terminal() -> None:
    """Raise CharrnnError unless Textual is installed, and the standard streams are a terminal with a cursor."""
    if find_spec("textual") is None:
        raise missing_package("--browse", REQUIREMENT)
    streams = (("input", sys.stdin), ("output", sys.stdout), ("error", sys.stderr))
    for name, stream in streams:
        if not is_terminal(stream):
            raise CharrnnError(f"--browse needs a terminal, and standard {name} is not one")
    if not can_animate(sys.stderr):
        raise CharrnnError("--browse needs a terminal whose cursor can move")


def make_session(path: Path, options: InspectOptions, concepts: Sequence[Concept]) -> "Session":
    """Return the session for a model and a text, which are read first (CharrnnError)."""
    from charrnn.browser.jobs import QuickSearch
    from charrnn.browser.lines import Terminal
    from charrnn.browser.recording import record
    from charrnn.browser.session import Session
    from charrnn.browser.state import BrowserState
    from charrnn.inspection.measures.activations import signal_name

    target = load_target(path, options, options.chars or DEFAULT_CHARS)
    signal = signal_name(target.rnn, options.signal)
    length = browsed_characters(target, options)
    parsed = ParsedText.of(target.parsed.text[:length], target.parsed.name)
    with status(f"reading {length:,} characters"):
        recording = record(target.rnn, target.model.vocabulary, parsed, target.ids[:length])
    state = BrowserState(recording, signal=signal)
    for cell in reversed(options.cells):
        state.choose_cell(str(cell))
        state.marked.insert(0, state.cell)
    state.underline(concepts[0] if concepts else None)
    console = stderr_console()
    text = EncodedText(parsed=target.parsed, ids=target.ids)
    return Session(
        state,
        title=f"{display_name(path)} over {target.parsed.name}",
        terminal=Terminal(
            unicode=unicode_output(console),
            color_system=None if console.no_color else console.color_system,
            light=light_background(),
        ),
        save=save,
        concepts={concept.name: concept for concept in (*concepts, *CONCEPTS.values())},
        search=QuickSearch(
            rnn=target.rnn, text=text, concepts=tuple(concepts), signal=options.signal, seed=options.seed
        ),
    )


def browsed_characters(target: InspectionTarget, options: InspectOptions) -> int:
    """Return the number of characters to record; raise CharrnnError if more are requested than fit into memory."""
    from charrnn.browser.recording import max_characters

    largest = max_characters(target.rnn)
    if options.chars is None:
        return min(BROWSE_CHARS, largest, len(target.ids))
    if len(target.ids) > largest:
        raise CharrnnError(
            f"the activations at {len(target.ids):,} characters take too much memory",
            hint=f"`--chars {largest}` is the most for this model",
        )
    return len(target.ids)


def save(name: str, heatmap: Heatmap) -> str:
    """Write a heat map to the file of a name that the user typed, and return a note with its size (CharrnnError)."""
    try:
        path = DrawingType(".svg").convert(name, None, None)
        return write_heatmap(path, heatmap, None)
    except click.UsageError as error:
        raise WrongUsageError(error.message) from error
    except OSError as error:
        raise CharrnnError(f"cannot write {name}: {os_reason(error)}") from error


# The end of the browser


@contextmanager
def ending_by_signals(app: "BrowserApp") -> Iterator[None]:
    """End the application at a stop signal in the block, and raise Stopped after it has restored the terminal."""
    received: list[int] = []

    def exit_if_running() -> None:
        with suppress(RuntimeError):
            app.call_from_thread(app.exit)

    def end(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        # An application that has not started yet ends when it draws its first screen.
        app.session.do_quit()
        # A signal does not wake the event loop, but a call from another thread does.
        Thread(target=exit_if_running, daemon=True).start()

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    previous = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if received:
        raise Stopped(received[0])


@contextmanager
def restored_terminal() -> Iterator[None]:
    """Restore the mode of the terminal after the block, even if the application could not."""
    try:
        import termios
    except ImportError:  # Windows does not have this module
        yield
        return
    descriptor = sys.stdin.fileno()
    mode = termios.tcgetattr(descriptor)
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSANOW, mode)
