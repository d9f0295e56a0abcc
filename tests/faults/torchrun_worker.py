"""charrnn in a process that torchrun starts, with a fault that a test puts in: the program in the variable FAULT."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from charrnn.__main__ import main

rank, attempt = int(os.environ["RANK"]), int(os.environ["TORCHELASTIC_RESTART_COUNT"])


def before(owner: Any, name: str, action: Callable[[], object], *, call: int = 1) -> None:
    """Run an action before the n-th call of a function."""
    original, calls = getattr(owner, name), 0

    def wrapped(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            action()
        return original(*arguments, **named)

    setattr(owner, name, wrapped)


def die() -> None:
    """Kill this process."""
    os.kill(os.getpid(), signal.SIGKILL)


FAULT = os.environ.get("FAULT", "")
exec(FAULT, {"rank": rank, "attempt": attempt, "before": before, "die": die, "sys": sys, "os": os, "Path": Path})  # noqa: S102
main()
