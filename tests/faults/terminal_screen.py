"""A real terminal for commands, and the screen that a user would see."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from select import select

import pyte
from common import PACKAGE_HOME
from launcher import Command, Launcher

TIMEOUT = 60.0
"""timeout in seconds"""


class Terminal:
    """A command on a pseudo-terminal, with its output so far."""

    def __init__(self, process: "Command | subprocess.Popen[bytes]", ours: int, columns: int, lines: int) -> None:
        self.process, self.controller = process, ours
        self.screen = pyte.HistoryScreen(columns, lines, history=1000)
        self.raw = b""
        self._stream = pyte.ByteStream(self.screen)

    def type(self, keys: str) -> None:
        """Type text."""
        os.write(self.controller, keys.encode())

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on the screen is true."""
        ends = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < ends, f"condition not true after {TIMEOUT} s; screen:\n{self.text}"
            assert self._read() or condition(), (
                f"the command ended before the condition was true; screen:\n{self.text}"
            )

    def wait(self) -> int:
        """Wait until the command ends; return its exit code."""
        while self._read():
            pass
        return self.process.wait(timeout=TIMEOUT)

    @property
    def text(self) -> str:
        """The text on the screen and in the scrollback, without trailing blanks."""
        above = (
            "".join(line[column].data for column in range(self.screen.columns)) for line in self.screen.history.top
        )
        return "\n".join(line.rstrip() for line in (*above, *self.screen.display)).rstrip()

    @property
    def echoes(self) -> bool:
        """Whether typed text is echoed."""
        return bool(termios.tcgetattr(self.controller)[3] & termios.ECHO)

    def _read(self) -> bool:
        """Read available output; return whether there may be more."""
        if not select([self.controller], [], [], 0.5)[0]:
            return self.process.poll() is None
        try:
            piece = os.read(self.controller, 65536)
        except OSError:
            # On Linux a read fails if the other side is closed.
            return False
        self.raw += piece
        self._stream.feed(piece)
        return bool(piece)


@contextmanager
def terminal(
    *arguments: str,
    columns: int = 80,
    lines: int = 24,
    environment: Mapping[str, str] | None = None,
    launch: Launcher | None = None,
) -> Iterator[Terminal]:
    """Run charrnn on a terminal of the given size, with all three streams; with `launch`, by the fork server."""
    controller, terminal_end = pty.openpty()
    fcntl.ioctl(terminal_end, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    clean = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1"}
    clean |= {"OMP_NUM_THREADS": "1"} | dict(environment or {})
    process = (launch.on if launch else _start)(terminal_end, *arguments, environment=clean)
    os.close(terminal_end)
    try:
        yield Terminal(process, controller, columns, lines)
    finally:
        process.kill()
        process.wait()
        os.close(controller)


def _start(terminal: int, *arguments: str, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start an interpreter with charrnn on a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "charrnn", *arguments],
        env={"PYTHONPATH": str(PACKAGE_HOME)} | dict(environment),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
