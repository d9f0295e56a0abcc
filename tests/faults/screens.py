"""A real terminal to run commands on, and the screen that a person would see."""

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
from launching import Command, Launcher
from small import PACKAGE_HOME

SECONDS = 60.0
"""after which nothing more is expected"""


class Terminal:
    """A command on a pseudo-terminal, and what it has drawn there so far."""

    def __init__(self, process: "Command | subprocess.Popen[bytes]", ours: int, columns: int, lines: int) -> None:
        self.process, self.ours = process, ours
        self.screen = pyte.HistoryScreen(columns, lines, history=1000)
        self.raw = b""
        self._stream = pyte.ByteStream(self.screen)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.ours, keys.encode())

    def until(self, seen: Callable[[], bool]) -> None:
        """Watch until something is seen."""
        ends = time.monotonic() + SECONDS
        while not seen():
            assert time.monotonic() < ends, f"never seen; on the screen is:\n{self.text}"
            assert self._read() or seen(), f"ended before it was seen; on the screen is:\n{self.text}"

    def wait(self) -> int:
        """Watch until the command ends; give its exit code."""
        while self._read():
            pass
        return self.process.wait(timeout=SECONDS)

    @property
    def text(self) -> str:
        """What stands on the screen and above it, without blanks at the lines' ends."""
        above = (
            "".join(line[column].data for column in range(self.screen.columns)) for line in self.screen.history.top
        )
        return "\n".join(line.rstrip() for line in (*above, *self.screen.display)).rstrip()

    @property
    def echoes(self) -> bool:
        """Whether what is typed is shown."""
        return bool(termios.tcgetattr(self.ours)[3] & termios.ECHO)

    def _read(self) -> bool:
        """Take what was written; tell whether there may be more."""
        if not select([self.ours], [], [], 0.5)[0]:
            return self.process.poll() is None
        try:
            piece = os.read(self.ours, 65536)
        except OSError:
            # Linux's way of saying that the other side is closed.
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
    """Run charrnn on a terminal of that size, all three streams there; with `launch`, by the fork server."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    clean = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1"}
    clean |= {"OMP_NUM_THREADS": "1"} | dict(environment or {})
    process = (launch.on if launch else _begun)(theirs, *arguments, environment=clean)
    os.close(theirs)
    try:
        yield Terminal(process, ours, columns, lines)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _begun(terminal: int, *arguments: str, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
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
