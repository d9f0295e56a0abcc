"""Errors that a user can correct: a message, a hint and an exit code.

A bug is not one of them: it keeps its traceback. The command line prints these errors in one place.
"""

from collections.abc import Iterator
from contextlib import contextmanager

FAILURE = 1
WRONG_USAGE = 2
DIVERGED = 3

SHORTAGES = (
    "can't allocate memory",
    "cannot allocate memory",
    "unable to allocate",
    "not enough memory",
    "out of memory",
    "bad_alloc",
    "could not create a primitive",
    "failed to map segment",
    "can't start new thread",
)
"""what libraries and the system say where memory ran out"""


class CharrnnError(Exception):
    """Something the user can put right: one line that says what, and one that says what to type.

    >>> error = CharrnnError("book.txt is empty", hint="name a file with some text")
    >>> error.message, error.hint, error.exit_code
    ('book.txt is empty', 'name a file with some text', 1)
    """

    exit_code = FAILURE

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


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error, or one that led to it, says that memory ran out.

    Libraries that cannot be loaded for lack of memory raise ImportError, torch RuntimeError, the system OSError.

    >>> is_out_of_memory(ImportError("libtorch.so: failed to map segment from shared object"))
    True
    >>> is_out_of_memory(ImportError("No module named 'torch'"))
    False
    """
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return any(isinstance(one, MemoryError) or any(sign in str(one).lower() for sign in SHORTAGES) for one in chain)


def os_reason(error: OSError) -> str:
    """Give the system's reason in our words' manner.

    >>> os_reason(OSError(28, "No space left on device"))
    'no space left on device'
    """
    return (error.strerror or str(error)).lower()
