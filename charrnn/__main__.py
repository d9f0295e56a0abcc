"""The entry point of `charrnn` and `python -m charrnn`."""

import os
import sys

STANDARD_DESCRIPTORS, STANDARD_ERROR = range(3), 2
OUT_OF_MEMORY = b"error: out of memory\n"


def main() -> None:
    """Run the command that was typed, and leave with its exit code."""
    reserve_standard_descriptors()
    try:
        from charrnn.cli.main import run
    except (MemoryError, ImportError) as error:
        from charrnn.errors import is_out_of_memory

        if not is_out_of_memory(error):
            raise
        os.write(STANDARD_ERROR, OUT_OF_MEMORY)
        sys.exit(1)
    sys.exit(run(sys.argv[1:]))


def reserve_standard_descriptors() -> None:
    """Open the null device as each standard descriptor that is closed.

    Otherwise the next file to be opened would get its number, and receive what is written to that descriptor. Python
    has looked at the descriptors before: `sys.stdout` stays None where standard output was closed.
    """
    for descriptor in STANDARD_DESCRIPTORS:
        try:
            os.fstat(descriptor)
        except OSError:
            # The system gives out the lowest free number, and all lower ones are taken.
            os.open(os.devnull, os.O_RDWR)


if __name__ == "__main__":
    main()
