"""Fork server: a process that has imported charrnn and torch and forks a child process for each command.

The child runs the command line unchanged, with the file descriptors, environment, limits and signal handlers of the
request. The server receives requests and descriptors through a Unix socket.
"""

import ast
import gc
import os
import pkgutil
import selectors
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import charrnn

MAX_REQUEST_BYTES = 1_000_000
MAX_DESCRIPTORS = 64
STDERR = 2


@dataclass(frozen=True, kw_only=True)
class CommandRequest:
    """A command to run, with its environment."""

    arguments: tuple[str, ...]
    directory: str
    environment: dict[str, str]
    """complete environment of the command"""
    descriptors: tuple[int, ...]
    """numbers of the descriptors in the command, in the order in which they are sent"""
    terminal: bool = False
    """whether standard input becomes the controlling terminal"""
    ignored: tuple[int, ...] = ()
    """signals that the command ignores when it starts"""
    slow_phase: str | None = None
    """phase that is slowed down, one of `slow_phases.PHASES`"""
    slow_steps: str = ""
    """path of a file to which each step of the slow phase appends a byte"""
    release: str = ""
    """path of a file whose existence ends the slowdown"""
    memory: int | None = None
    """maximum address space in bytes, in addition to the address space at the start"""
    largest_file: int | None = None
    """maximum size of a file in bytes"""


def serve(listener: socket.socket) -> None:
    """Import slow modules, then run the commands requested at a socket until standard input is closed."""
    for module in pkgutil.walk_packages(charrnn.__path__, "charrnn."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    # A tiny network is enough to measure the speed of the machine.
    sys.modules["charrnn.training.throughput"].MAX_TIMED_UNITS = 16  # type: ignore[attr-defined]

    # Frozen objects are not scanned by the garbage collector, which would copy all of their pages in each command.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with selectors.DefaultSelector() as selector:
        for source in (sys.stdin, listener):
            selector.register(source, selectors.EVENT_READ)
        while not any(key.fileobj is sys.stdin for key, _ in selector.select()):
            _accept(listener)
    with suppress(ChildProcessError):
        # The processor time of a command is counted only for a process that waits for it.
        while True:
            os.wait()
    # The exit of the interpreter would take seconds with torch.
    os._exit(0)


def _accept(listener: socket.socket) -> None:
    """Accept one request, and fork a supervisor for it."""
    connection, _ = listener.accept()
    with connection:
        request, received = _receive(connection)
        if os.fork() == 0:
            listener.close()
            _supervise(request, received, connection)
    for descriptor in received:
        os.close(descriptor)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _receive(connection: socket.socket) -> tuple[CommandRequest, list[int]]:
    """Return a request, which ends with a line feed, and the descriptors that accompany its first bytes."""
    content, received, *_ = socket.recv_fds(connection, MAX_REQUEST_BYTES, MAX_DESCRIPTORS)
    while not content.endswith(b"\n"):
        content += connection.recv(MAX_REQUEST_BYTES)
    return CommandRequest(**ast.literal_eval(content.decode())), received


def _supervise(request: CommandRequest, received: list[int], connection: socket.socket) -> NoReturn:
    """Run a command in the foreground process group of the terminal, as a shell does; send its ID and exit code.

    The command is killed if its caller exits.
    """
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.setsid()
    if request.terminal:
        _take_terminal(received[0])
    command = os.fork()
    if command == 0:
        os.setpgid(0, 0)
        if request.terminal:
            os.tcsetpgrp(received[0], os.getpgrp())
        connection.close()
        _run_command(request, received)
    # When a terminal is closed, the system sends SIGHUP to the shell, and the shell sends it to its jobs.
    signal.signal(signal.SIGHUP, lambda *_: _send(command, signal.SIGHUP))
    for descriptor in received:
        os.close(descriptor)
    connection.sendall(f"{command}\n".encode())
    threading.Thread(target=_kill_if_abandoned, args=(command, connection), daemon=True).start()
    _, status = os.waitpid(command, 0)
    with suppress(OSError):
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _take_terminal(descriptor: int) -> None:
    """Make a terminal the controlling terminal of this session."""
    import fcntl
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)


def _kill_if_abandoned(command: int, connection: socket.socket) -> None:
    """Wait until the caller closes the connection, and kill the command if it is still running."""
    connection.recv(1)
    _send(command, signal.SIGKILL)


def _send(process: int, number: int) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(process, number)


def _run_command(request: CommandRequest, received: list[int]) -> NoReturn:
    """Run the command in this process."""
    import slow_phases

    from charrnn.__main__ import main

    for number in (signal.SIGHUP, signal.SIGTTOU):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for ignored in request.ignored:
        signal.signal(ignored, signal.SIG_IGN)
    os.chdir(request.directory)
    os.environ.clear()
    os.environ.update(request.environment)
    _take_descriptors(dict(zip(request.descriptors, received, strict=True)))
    sys.stdin, sys.stdout, sys.stderr = _stream(0, "r"), _stream(1, "w"), _stream(2, "w")
    sys.argv = ["charrnn", *request.arguments]
    slow_phases.limit(request.memory, request.largest_file)
    if request.slow_phase is not None:
        slow_phases.slow_down(request.slow_phase, lambda: _count_slow_step(request), Path(request.release))
    try:
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    os._exit(120 if _flush_fails() else status)


def _flush_fails() -> bool:
    """Flush the streams and report errors as the interpreter does at exit, which would take seconds with torch."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError:
        print("Exception ignored in: <the standard streams>", file=sys.__stderr__, flush=True)
        return True
    return False


def _take_descriptors(received: dict[int, int]) -> None:
    """Give each descriptor its requested number; close the standard streams that were not sent."""
    import fcntl

    above = {target: fcntl.fcntl(source, fcntl.F_DUPFD, 256) for target, source in received.items()}
    for descriptor in {0, 1, 2, *received.values()}:
        with suppress(OSError):
            os.close(descriptor)
    for target, source in above.items():
        os.dup2(source, target)
        os.close(source)


def _stream(descriptor: int, mode: str) -> Any:
    """Return a standard stream, opened as the interpreter does at start; None if it is closed."""
    try:
        os.fstat(descriptor)
    except OSError:
        return None
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "").partition(":")
    return open(
        descriptor,
        mode,
        encoding=encoding or "utf-8",
        errors="backslashreplace" if descriptor == STDERR else errors or "strict",
        buffering=1 if descriptor == STDERR or os.isatty(descriptor) else -1,
        closefd=False,
    )


def _count_slow_step(request: CommandRequest) -> None:
    """Record that one more step of the slow phase has started."""
    with Path(request.slow_steps).open("ab") as file:
        file.write(b".")


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
