"""The entry point of `charrnn` and `python -m charrnn`."""

import os
import sys
from typing import NoReturn

STANDARD_DESCRIPTORS, STANDARD_ERROR = range(3), 2
"""numbers of file descriptors"""
OUT_OF_MEMORY = b"error: out of memory\n"
"""message that is written without allocating memory"""


def main() -> None:
    """Run the command of the command line, and exit with its exit code."""
    reserve_standard_descriptors()
    try:
        from charrnn.cli.main import run
    except (MemoryError, ImportError) as error:
        from charrnn.errors import is_out_of_memory

        if not is_out_of_memory(error):
            raise
        os.write(STANDARD_ERROR, OUT_OF_MEMORY)
        sys.exit(1)
    _exit(run(sys.argv[1:]))


def _exit(code: int) -> NoReturn:
    """Exit with a code; in a distributed training, without the destructors of its connections.

    These wait for or abort with a process that has already ended.
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        os._exit(code)
    sys.exit(code)


def reserve_standard_descriptors() -> None:
    """Open the null device as each standard descriptor that is closed.

    Otherwise the next file that is opened would get the number, and receive output of that descriptor. Python checked
    the descriptors at its start, so `sys.stdout` remains None if standard output was closed.
    """
    for descriptor in STANDARD_DESCRIPTORS:
        try:
            os.fstat(descriptor)
        except OSError:
            # The system assigns the lowest free number, and all lower numbers are in use.
            os.open(os.devnull, os.O_RDWR)


if __name__ == "__main__":
    main()
