"""Launcher that runs charrnn in child processes of the fork server, which has already imported torch.

A command can be slowed down in one of its phases, so that a test can interrupt it there.
"""

import os
import pty
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common import PACKAGE_HOME, CommandResult
from fork_server import CommandRequest

TIMEOUT = 60.0
"""timeout in seconds, which is reached only if a test fails"""

FORK_CLIENT = Path(__file__).with_name("fork_client.py")


def wait_until(condition: Callable[[], bool], seconds: float = TIMEOUT) -> None:
    """Wait until a condition is true; fail after the given number of seconds."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"not true after {seconds} s"
        time.sleep(0.005)


class Command:
    """A command that the fork server runs."""

    def __init__(self, path: str, request: CommandRequest, descriptors: list[int]) -> None:
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(path)
        content = ascii(asdict(request)).encode() + b"\n"
        sent = socket.send_fds(self._connection, [content], descriptors)
        self._connection.sendall(content[sent:])
        self._answer = b""
        self._status: int | None = None
        self.process = int(self._line(TIMEOUT))

    def wait(self, timeout: float = TIMEOUT) -> int:
        """Wait for the end and return the exit code, negative for a signal."""
        if self._status is None:
            self._status = int(self._line(timeout))
            self._connection.close()
        return self._status

    def poll(self) -> int | None:
        """Return the exit code, or None while the command runs."""
        ready = self._status is not None or b"\n" in self._answer or select.select([self._connection], [], [], 0)[0]
        return self.wait() if ready else None

    def signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.process, number)

    def kill(self) -> None:
        """Kill the command, unless it has ended."""
        if self.poll() is None:
            # The command may end between the two calls.
            with suppress(ProcessLookupError):
                self.signal(signal.SIGKILL)

    def _line(self, seconds: float) -> str:
        """Return the next line that the server sends about the command."""
        self._connection.settimeout(seconds)
        while b"\n" not in self._answer:
            more = self._connection.recv(100)
            assert more, "the fork server has ended"
            self._answer += more
        line, _, self._answer = self._answer.partition(b"\n")
        return line.decode()


class LaunchedCommand(Command):
    """A command whose output goes to files or to a new terminal."""

    def __init__(self, path: str, request: CommandRequest, record: Path, *, terminal: bool) -> None:
        self._record, self._master = record, None
        self.screen = bytearray()
        """output of the command on the terminal"""
        if terminal:
            self._master, slave = pty.openpty()
            descriptors = [slave]
            self._listener = threading.Thread(target=self._listen, daemon=True)
            self._listener.start()
        else:
            names = (os.devnull, record.with_suffix(".out"), record.with_suffix(".err"))
            descriptors = [os.open(name, os.O_RDWR | os.O_CREAT) for name in names]
        super().__init__(path, request, descriptors * (3 if terminal else 1))
        for descriptor in descriptors:
            os.close(descriptor)

    def reach_slow_phase(self, slow_steps: int = 1) -> None:
        """Wait until the command is in its slow phase and has started the given number of its steps."""
        wait_until(lambda: self.slow_steps >= slow_steps)

    def release(self) -> None:
        """Let the command continue at full speed."""
        self._record.with_suffix(".go").touch()

    @property
    def slow_steps(self) -> int:
        """Return the number of steps of the slow phase that have started."""
        path = self._record.with_suffix(".slow")
        return path.stat().st_size if path.exists() else 0

    def type(self, keys: bytes) -> None:
        """Send keys to the terminal of the command."""
        assert self._master is not None
        os.write(self._master, keys)

    def hang_up(self) -> None:
        """Close the terminal of the command."""
        assert self._master is not None
        master, self._master = self._master, None
        self._listener.join()
        os.close(master)

    def wait(self, timeout: float = TIMEOUT) -> int:
        """Wait for the end and return the exit code, negative for a signal; close the terminal."""
        status = super().wait(timeout)
        if self._master is not None:
            self.hang_up()
        return status

    def is_stopped(self) -> bool:
        """Return whether the command is stopped, as by Ctrl-Z."""
        return Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    @property
    def out(self) -> str:
        """The content of standard output."""
        return self._record.with_suffix(".out").read_text()

    @property
    def err(self) -> str:
        """The content of standard error."""
        return self._record.with_suffix(".err").read_text()

    def _listen(self) -> None:
        while (master := self._master) is not None:
            if select.select([master], [], [], 0.02)[0]:
                try:
                    self.screen += os.read(master, 65536)
                except OSError:
                    return


class Launcher:
    """The client of the fork server for the tests."""

    def __init__(self, records: Path) -> None:
        self._records = records
        self._commands: list[Command] = []
        # The path of a socket may have about a hundred characters; those of pytest's directories can be longer.
        self._place = tempfile.TemporaryDirectory(prefix="charrnn-")
        self._socket = str(Path(self._place.name, "requests"))
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, (PACKAGE_HOME, PACKAGE_HOME / "tests", Path(__file__).parent))),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._socket)
            listener.listen()
            program = [sys.executable, str(Path(__file__).with_name("fork_server.py")), str(listener.fileno())]
            self._server = subprocess.Popen(
                program, stdin=subprocess.PIPE, env=environment, pass_fds=[listener.fileno()]
            )

    def __call__(
        self,
        *arguments: str,
        at: Path,
        terminal: bool = False,
        environment: Mapping[str, str] | None = None,
        ignored: tuple[int, ...] = (),
        **options: Any,
    ) -> LaunchedCommand:
        """Start charrnn in a directory; the environment is added to that of the tests.

        The options are fields of CommandRequest.
        """
        record = self._records / str(len(self._commands))
        request = self._request(
            arguments,
            at,
            environment=os.environ | dict(environment or {}),
            terminal=terminal,
            slow_steps=str(record.with_suffix(".slow")),
            ignored=tuple(map(int, ignored)),
            release=str(record.with_suffix(".go")),
            **options,
        )
        launched = LaunchedCommand(self._socket, request, record, terminal=terminal)
        self._commands.append(launched)
        return launched

    def on(self, terminal: int, *arguments: str, environment: Mapping[str, str]) -> Command:
        """Start charrnn on a terminal, in this directory, with exactly this environment."""
        request = self._request(arguments, Path(), environment=environment, terminal=True)
        self._commands.append(Command(self._socket, request, [terminal] * 3))
        return self._commands[-1]

    @property
    def client(self) -> str:
        """Prefix of a shell command that forwards the following arguments to the fork server."""
        return shlex.join((sys.executable, "-I", "-S", str(FORK_CLIENT), self._socket))

    def shell(self, line: str, *, at: Path, environment: Mapping[str, str]) -> CommandResult:
        """Run a line of bash in a directory; the fork server runs the command `charrnn` in it."""
        return bash(f'charrnn() {{ {self.client} "$@"; }}; {line}', at=at, environment=environment)

    def close(self) -> None:
        """Stop the server, and the commands that failed tests have left running."""
        for command in self._commands:
            command.kill()
            command.wait()
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=TIMEOUT)
        self._place.cleanup()

    @staticmethod
    def _request(
        arguments: tuple[str, ...], at: Path, *, environment: Mapping[str, str], **options: Any
    ) -> CommandRequest:
        return CommandRequest(
            arguments=arguments,
            directory=str(at.absolute()),
            environment=dict(environment),
            descriptors=(0, 1, 2),
            **options,
        )


def bash(script: str, *, at: Path, environment: Mapping[str, str]) -> CommandResult:
    """Run a bash script in a directory, and return its result."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {script}"],  # noqa: S607 - whatever bash there is
        cwd=at,
        env=environment,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    return CommandResult(done.returncode, done.stdout.decode(), done.stderr.decode())
