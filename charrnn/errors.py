"""Errors that a user can correct: a message, a hint and an exit code.

The command line prints these errors in one place. The errors of bugs keep their traceback.
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
    "alloc_failed",
    "allocation_failed",
    "bad_alloc",
    "could not create a primitive",
    "failed to map segment",
    "can't start new thread",
)
"""parts of error messages of libraries and the operating system when memory has run out"""


class CharrnnError(Exception):
    """An error that the user can correct: one line with the problem, and a hint with what to type.

    >>> error = CharrnnError("book.txt is empty", hint="name a file with some text")
    >>> error.message, error.hint, error.exit_code
    ('book.txt is empty', 'name a file with some text', 1)
    """

    exit_code = FAILURE

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(_escaped(message))
        self.message = message
        self.hint = hint
        if hint:
            # A traceback in Python shows notes below the message.
            self.add_note(f"hint: {_escaped(hint)}")


def _escaped(text: str) -> str:
    r"""Return a text on one line, with control characters as escape sequences: a file name can contain any of them.

    >>> print(_escaped("a\nb\x1b[31m.txt: no such file"))
    a\nb\x1b[31m.txt: no such file
    """
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


class WrongUsageError(CharrnnError):
    """Invalid arguments or options: exit code 2, as for Click's own usage errors."""

    exit_code = WRONG_USAGE


class DivergedError(CharrnnError):
    """Divergence of a training: the loss or its gradient is not finite; exit code 3."""

    exit_code = DIVERGED


class OutputError(OSError):
    """Failure to write to standard output or standard error, other than the BrokenPipeError of a closed pipe."""


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
    """Return whether an error, or one of its causes, reports that memory has run out.

    For lack of memory, loading a library raises ImportError, torch RuntimeError, and the operating system OSError.

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
    return any(
        isinstance(cause, MemoryError) or any(message in str(cause).lower() for message in SHORTAGES)
        for cause in chain
    )


def os_reason(error: OSError) -> str:
    """Return the reason of an OSError in lower case.

    >>> os_reason(OSError(28, "No space left on device"))
    'no space left on device'
    """
    return (error.strerror or str(error)).lower()
