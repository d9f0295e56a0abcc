"""What a user can put right: a message, a hint and an exit code.

A bug is not here: it keeps its traceback. Printing is left to the command line.
"""

from collections.abc import Iterator
from contextlib import contextmanager

COULD_NOT = 1
WRONG_USAGE = 2
DIVERGED = 3


class CharrnnError(Exception):
    """Something the user can put right: one line that says what, and one that says what to type.

    >>> error = CharrnnError("book.txt is empty", hint="name a file with some text")
    >>> error.message, error.hint, error.exit_code
    ('book.txt is empty', 'name a file with some text', 1)
    """

    exit_code = COULD_NOT

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            # What a traceback shows below the message, for those who call us from Python.
            self.add_note(f"hint: {hint}")


class WrongUsageError(CharrnnError):
    """What was asked for makes no sense as it was asked: exit code 2, as Click's own usage errors."""

    exit_code = WRONG_USAGE


class DivergedError(CharrnnError):
    """The loss or its gradient left the numbers: exit code 3."""

    exit_code = DIVERGED


class OutputError(OSError):
    """Standard output or standard error could not be written to; a closed pipe stays a BrokenPipeError."""


@contextmanager
def writing_output() -> Iterator[None]:
    """Raise OutputError in place of each OSError of a block that writes output, except BrokenPipeError."""
    try:
        yield
    except (BrokenPipeError, OutputError):
        raise
    except OSError as error:
        raise OutputError(error.errno, error.strerror or str(error)) from error


def reason(error: OSError) -> str:
    """Give the system's reason in our words' manner.

    >>> reason(OSError(28, "No space left on device"))
    'no space left on device'
    """
    return (error.strerror or str(error)).lower()
