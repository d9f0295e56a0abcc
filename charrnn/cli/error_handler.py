"""The error handler of the command line: one line, a hint and an exit code for each failure that is not a bug.

charrnn raises CharrnnError, Click raises its own exceptions, and the system raises OSError. Untrusted text in a
message is sanitized. Bugs keep their traceback.
"""

import os
import signal
import sys
from contextlib import suppress

import click
from click.core import ParameterSource

from charrnn.cli.streams import BOLD_CYAN, BOLD_RED, fold_line, styled
from charrnn.errors import FAILURE, WRONG_USAGE, CharrnnError, OutputError, is_out_of_memory, os_reason
from charrnn.views.sanitize import plain_line, redirect_to_null, unicode_stream

Failure = (CharrnnError, click.ClickException, click.Abort, KeyboardInterrupt, OSError)
"""the exceptions that `handle_error` reports"""

Shortage = (MemoryError, ImportError, RuntimeError, SystemError)
"""the exceptions that may mean that memory ran out, and may also be bugs"""

SMALLER = "close other programs, or ask for less at once"


class Stopped(KeyboardInterrupt):
    """Raised if a signal requests a stop; everything is saved, and the process shall die of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def handle_error(error: BaseException) -> int:
    """Report an error that is not a bug, and return the exit code; raise any other error again."""
    match error:
        case CharrnnError():
            return print_error(error.message, error.hint, error.exit_code)
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.format_message(), err=True)
            return WRONG_USAGE
        case click.UsageError() if os.environ.get("LOCAL_RANK", "0") != "0":
            return WRONG_USAGE  # torchrun starts all processes of a machine with the same options; one reports them
        case click.UsageError():
            return print_error(_usage_message(error), _usage_hint(error), WRONG_USAGE)
        case click.ClickException():
            return print_error(error.format_message(), None, error.exit_code)
        case Stopped():
            return _flush_and_exit_by_signal(error.number)
        case KeyboardInterrupt() | click.Abort():
            return _flush_and_exit_by_signal(signal.SIGINT)
        case BrokenPipeError():
            return 0
        case OSError():
            return _system_error(error)
    raise error


def _system_error(error: OSError) -> int:
    """Report an error of the system, and return the exit code."""
    if is_out_of_memory(error):
        return out_of_memory(error)
    where = "" if error.filename is None else f"{error.filename}: "
    prefix = "cannot write output: " if isinstance(error, OutputError) else where
    return print_error(prefix + os_reason(error), None, FAILURE)


def out_of_memory(error: BaseException) -> int:
    """Report that memory ran out, and return the exit code; raise the error again if it says something else."""
    # The module imports ctypes, which no other failure needs.
    from charrnn.resources import RAISE_LIMIT, memory_limit

    limit = memory_limit()
    # Importing without memory can fail in a C function that sets no exception.
    if not (is_out_of_memory(error) or (isinstance(error, SystemError) and limit is not None)):
        raise error
    # The frames of the traceback keep what took the memory.
    error.__traceback__ = error.__context__ = error.__cause__ = None
    limited = limit is not None and f"this process may use {limit / 1e6:,.0f} MB: {RAISE_LIMIT}"
    return print_error("out of memory", limited or SMALLER, FAILURE)


def print_error(message: str, hint: str | None, exit_code: int) -> int:
    """Print an error and a hint, sanitized, unless standard error is closed; return the exit code."""
    lines = [_with_prefix("error:", BOLD_RED, _rank_label() + message)]
    lines += ["", _with_prefix("hint:", BOLD_CYAN, hint)] if hint else []
    with suppress(OSError):
        click.echo("\n".join(lines), err=True, color=True)
    return exit_code


def _rank_label() -> str:
    """Return the rank and the machine of this process before its message; empty for rank 0, and without torchrun."""
    rank = os.environ.get("RANK", "0")
    if rank == "0" or os.environ.get("WORLD_SIZE", "1") == "1":
        return ""
    from charrnn.training.world import host_name

    return f"rank {rank} ({host_name()}): "


def _with_prefix(head: str, style: str, message: str) -> str:
    """Return a message with a styled word before it."""
    line = fold_line(f"{head} {plain_line(message, unicode=unicode_stream(sys.stderr))}", sys.stderr)
    return styled(head, style, sys.stderr) + line.removeprefix(head)


def _usage_message(error: click.UsageError) -> str:
    """Return the message on one line, with the option, or the variable or file that the value comes from."""
    if isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter) and error.param:
        return f"{_origin(error.param, error.ctx)}: {error.message.rstrip('.')}"
    message = error.format_message() if isinstance(error, click.MissingParameter) else error.message
    return message[:1].lower() + message[1:].rstrip(".")


def _origin(param: click.Parameter, ctx: click.Context | None) -> str:
    """Return where the user gave a parameter: the option, the argument, the variable or the file."""
    name = param.name or ""
    written_name = max(param.opts, key=len) if isinstance(param, click.Option) else name.upper()
    source = ctx.get_parameter_source(name) if ctx else None
    if ctx and source is ParameterSource.ENVIRONMENT:
        return str(param.envvar or f"{ctx.auto_envvar_prefix}_{name.upper()}")
    return f"{name} in the settings file" if source is ParameterSource.DEFAULT_MAP else written_name


def _usage_hint(error: click.UsageError) -> str | None:
    """Return the hint that is attached to an error, or else a reference to the help."""
    notes = getattr(error, "__notes__", [])
    path = error.ctx.command_path if error.ctx else "charrnn"
    return str(notes[0]) if notes else f"`{path} -h` shows the help"


def _flush_and_exit_by_signal(number: int) -> int:
    """Flush the output and exit by a signal; return the equivalent exit code if the system has no signals."""
    flush_or_discard()
    if os.name != "nt":
        exit_by_signal(number)
    return 128 + number


def exit_by_signal(number: int) -> None:
    """End the process by the default action of a signal, so that a shell loop around the command ends too."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def flush_or_discard() -> None:
    """Flush the output; discard it if the stream is closed, so that the interpreter does not report it at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            redirect_to_null(stream)
