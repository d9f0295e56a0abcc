"""Starts charrnn often, from one process that has imported torch already: a fork costs a hundredth of an import.

What runs is the command line as it is, in a process of its own, with files, a terminal, limits and signals of its
own. It can be slowed down in one of its phases, so that a test can meet it there.

Used as a module this is the tests' side; run as a program, the process that forks.
"""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from small import PACKAGE_HOME

LONG = 60.0
"""seconds; no test waits for so long unless something is wrong"""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be run, and how."""

    arguments: tuple[str, ...]
    directory: str
    record: str
    """beginning of the names of the files in which it leaves what it writes, its process and how it ended"""
    terminal: str | None = None
    slow_in: str | None = None
    """one of `phases.PHASES`"""
    ignored: tuple[int, ...] = ()
    """signals"""
    memory: int | None = None
    """bytes of address space above what is in use at the start"""
    largest_file: int | None = None
    """bytes"""
    environment: dict[str, str] = field(default_factory=dict)


class Launched:
    """A command that runs, or has run."""

    def __init__(self, order: Order, master: int | None) -> None:
        self._order, self._master = order, master
        self.screen = bytearray()
        """what the terminal was sent"""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        if master is not None:
            self._listener.start()
        self.process = int(self._wait_for("process"))

    def reach_slow_phase(self) -> None:
        """Wait until it is in the phase in which it is slow."""
        self._wait_for("slow")

    @property
    def pieces(self) -> int:
        """How many pieces of the slow phase were begun."""
        return Path(f"{self._order.record}.slow").stat().st_size

    def signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.process, number)

    def type(self, keys: bytes) -> None:
        """Type on its terminal."""
        assert self._master is not None
        os.write(self._master, keys)

    def hang_up(self) -> None:
        """Close its terminal."""
        assert self._master is not None
        master, self._master = self._master, None
        self._listener.join()
        os.close(master)

    def wait(self, seconds: float = LONG) -> int:
        """Wait for its end; give the exit code, negative for a signal."""
        status = int(self._wait_for("status", seconds))
        if self._master is not None:
            self.hang_up()
        return status

    def stands_still(self) -> bool:
        """Tell whether it is stopped, as by Ctrl-Z."""
        return Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def end(self) -> None:
        """Kill it, unless it has ended."""
        if not Path(f"{self._order.record}.status").exists():
            with suppress(ProcessLookupError):
                self.signal(signal.SIGKILL)

    @property
    def out(self) -> str:
        """What it wrote to standard output."""
        return Path(f"{self._order.record}.out").read_text()

    @property
    def err(self) -> str:
        """What it wrote to standard error."""
        return Path(f"{self._order.record}.err").read_text()

    def _wait_for(self, what: str, seconds: float = LONG) -> str:
        path, began = Path(f"{self._order.record}.{what}"), time.monotonic()
        while not path.exists():
            assert time.monotonic() - began < seconds, f"no {what} after {seconds} s"
            time.sleep(0.005)
        return path.read_text()

    def _listen(self) -> None:
        while (master := self._master) is not None:
            if select.select([master], [], [], 0.02)[0]:
                try:
                    self.screen += os.read(master, 65536)
                except OSError:
                    return


class Launcher:
    """The process that forks, from the tests' side."""

    def __init__(self, records: Path) -> None:
        self._records = records
        self._launched: list[Launched] = []
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, (PACKAGE_HOME, PACKAGE_HOME / "tests", Path(__file__).parent))),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._server = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, env=environment)

    def __call__(self, *arguments: str, at: Path, terminal: bool = False, **how: Any) -> Launched:
        """Start charrnn in a directory; `how`: see Order."""
        record = str(self._records / str(len(self._launched)))
        master, slave = pty.openpty() if terminal else (None, None)
        name = None if slave is None else os.ttyname(slave)
        order = Order(arguments=arguments, directory=str(at), record=record, terminal=name, **how)
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(asdict(order)).encode() + b"\n")
        self._server.stdin.flush()
        launched = Launched(order, master)
        self._launched.append(launched)
        if slave is not None:
            os.close(slave)
        return launched

    def close(self) -> None:
        """End it, and what a test that failed has left running."""
        for launched in self._launched:
            launched.end()
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=LONG)


def orders() -> Iterator[Order]:
    """Read the orders, as long as there are any."""
    for line in sys.stdin:
        yield Order(**json.loads(line))


def serve() -> None:
    """Import what takes long, then start what is ordered, until nobody orders any more."""
    import charrnn.cli.learning
    import charrnn.cli.train  # noqa: F401

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for order in orders():
        if os.fork() == 0:
            mind(order)


def mind(order: Order) -> None:
    """Start a command as a shell does, in a group of its own in the terminal's foreground; note how it ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.setsid()
    terminal = None if order.terminal is None else os.open(order.terminal, os.O_RDWR)
    command = os.fork()
    if command == 0:
        os.setpgid(0, 0)
        if terminal is not None:
            os.tcsetpgrp(terminal, os.getpgrp())
        obey(order, terminal)
    # When a terminal is closed, the system tells the shell, and the shell its jobs.
    signal.signal(signal.SIGHUP, lambda *_: os.kill(command, signal.SIGHUP))
    note(order, "process", str(command))
    _, status = os.waitpid(command, 0)
    note(order, "status", str(os.waitstatus_to_exitcode(status)))
    os._exit(0)


def note(order: Order, what: str, text: str) -> None:
    """Leave a word for the tests, wholly or not at all."""
    path = Path(f"{order.record}.{what}")
    path.with_suffix(".part").write_text(text)
    path.with_suffix(".part").rename(path)


def count_piece(order: Order) -> None:
    """Note that one more piece of the slow phase has begun."""
    with Path(f"{order.record}.slow").open("ab") as file:
        file.write(b".")


def obey(order: Order, terminal: int | None) -> None:
    """Be the command."""
    import phases

    from charrnn.cli.main import run

    for number in (signal.SIGHUP, signal.SIGTTOU):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for ignored in order.ignored:
        signal.signal(ignored, signal.SIG_IGN)
    os.chdir(order.directory)
    os.environ.update(order.environment)
    for descriptor, name in ((1, "out"), (2, "err")):
        there = os.open(f"{order.record}.{name}", os.O_WRONLY | os.O_CREAT) if terminal is None else terminal
        os.dup2(there, descriptor)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - it lives as long as the process
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115 - the same
    phases.limit(order.memory, order.largest_file)
    if order.slow_in is not None:
        phases.slow_down(order.slow_in, lambda: count_piece(order))
    code = 70
    try:
        code = run(order.arguments)
    except BaseException:
        note(order, "bug", traceback.format_exc())
        raise
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
