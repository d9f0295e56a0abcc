"""The keyboard while a picture is drawn over and over: a line end that is echoed would move it from its place.

What was typed is not lost: whoever reads next, such as the shell, gets it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

try:
    import termios
except ImportError:  # Windows has none of it, and echoes only while somebody reads.
    termios = None  # type: ignore[assignment]

LOCAL_MODES = 3
"""where in a terminal's attributes it stands what is echoed"""


@contextmanager
def echo_off(terminal: TextIO) -> Iterator[None]:
    """Have a terminal not show what is typed for as long as the block lasts.

    Nothing is done from the background, where the terminal is another's, and what others changed meanwhile stays.
    """
    echoed = _switch_echo(terminal, off=True)
    try:
        yield
    finally:
        if echoed:
            _switch_echo(terminal, off=False)


def _switch_echo(terminal: TextIO, *, off: bool) -> bool:
    """Switch the echo; tell whether that was done."""
    if termios is None:
        return False
    with suppress(OSError, ValueError, termios.error):
        descriptor = terminal.fileno()
        attributes = termios.tcgetattr(descriptor)
        echoes = bool(attributes[LOCAL_MODES] & termios.ECHO)
        if echoes is off and os.tcgetpgrp(descriptor) == os.getpgrp():
            attributes[LOCAL_MODES] ^= termios.ECHO
            termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
            return True
    return False
