"""Errors that a user can correct: a message, a hint and an exit code.

The command line prints these errors in one place. The errors of bugs keep their traceback.
"""

import re
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from keyword import iskeyword

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
            # A traceback in Python shows notes below the message; the command line shows `hint`.
            self.add_note(f"hint: {_with_keywords(_escaped(hint))}")


def missing_package(purpose: str, requirement: str) -> CharrnnError:
    """Return the error for something that needs a package, with the command that installs it for this Python.

    The command names the package in place of an extra of charrnn, which may be installed from a clone.
    """
    from shlex import quote  # only for this error

    package = requirement.partition(">")[0]
    hint = f"`{quote(sys.executable or 'python3')} -m pip install {quote(requirement)}` installs it"
    return CharrnnError(f"{purpose} needs the package {package}", hint=hint)


def _escaped(text: str) -> str:
    r"""Return a text on one line, with control characters as escape sequences: a file name can contain any of them.

    >>> print(_escaped("a\nb\x1b[31m.txt: no such file"))
    a\nb\x1b[31m.txt: no such file
    """
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _with_keywords(hint: str) -> str:
    """Return a hint with the keyword arguments of the Python API in place of options of the command line.

    >>> _with_keywords("`--out DIR` or `--new`, or `--val-split end`; `--from MODEL` starts from its model")
    '`out=DIR` or `new=True`, or `val_split=end`; `from_=MODEL` starts from its model'
    """

    def replaced(option: re.Match[str]) -> str:
        name = option[1].replace("-", "_")
        return f"`{name}{'_' if iskeyword(name) else ''}={option[2] or 'True'}`"

    return re.sub(r"`--([a-z][a-z-]*)(?: ([^`\s]+))?`", replaced, hint)


class WrongUsageError(CharrnnError):
    """Invalid arguments or options: exit code 2, as for Click's own usage errors."""

    exit_code = WRONG_USAGE


class DivergedError(CharrnnError):
    """Divergence of a training: the loss or its gradient is not finite; exit code 3."""

    exit_code = DIVERGED


class PeerLostError(CharrnnError):
    """Another process of a distributed training has ended, so this process cannot continue."""

    def __init__(self, message: str = "another process of the training has ended") -> None:
        super().__init__(message, hint="the same command continues")


class ReplicasDifferError(CharrnnError):
    """Weights or moments that differ between the processes of a distributed training."""


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


# Hints at what may have been meant

LONGEST_NAME = 100
"""characters of a name that are compared with known names"""


def did_you_mean(name: str, valid_names: Iterable[str]) -> str | None:
    """Return a hint with the valid name that is most similar to a misspelled one; None if none is similar.

    >>> did_you_mean("temprature", ["temperature", "top_k"])
    'did you mean temperature?'
    """
    from difflib import get_close_matches  # not needed by the help

    similar = get_close_matches(name[:LONGEST_NAME], valid_names, n=1)
    return f"did you mean {similar[0]}?" if similar else None


GPU_NAME = re.compile(r"(?:cuda|gpu):?(\d*)|(\d+)", re.IGNORECASE | re.ASCII)
"""names of GPUs in other programs"""


def choice_hint(value: str, choices: Collection[str]) -> str:
    """Return a hint about a string that is none of the choices: the most similar choice; "" if there is none.

    >>> choice_hint("LSMT", ("lstm", "gru")), choice_hint("gpu", ("cpu", "cuda")), choice_hint("x", ("gru", "rnn"))
    ('did you mean lstm?', 'did you mean cuda?', '')
    >>> choice_hint("cuda:1", ("cpu", "cuda"))
    'the environment variable CUDA_VISIBLE_DEVICES=1 selects this GPU for the device cuda'
    """
    if number := gpu_number(value, choices):
        return f"the environment variable CUDA_VISIBLE_DEVICES={number} selects this GPU for the device cuda"
    if "cuda" in choices and GPU_NAME.fullmatch(value):
        return "did you mean cuda?"
    return did_you_mean(value.lower(), choices) or ""


def gpu_number(value: str, devices: Collection[str]) -> str:
    """Return the number of a GPU such as cuda:1; "" if the value is not one, or CUDA is not among the devices."""
    match = GPU_NAME.fullmatch(value) if "cuda" in devices else None
    return (match[1] or match[2] or "") if match else ""
