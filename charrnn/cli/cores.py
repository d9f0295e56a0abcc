"""How many threads NumPy and torch use, and how they wait, decided before either starts them.

Threads that wait for each other hundreds of times a millisecond lose a hundredfold as soon as one of them has to
share its core, say with a training. What NumPy computes is the same with any number of them.
"""

import math
import os
from collections.abc import MutableMapping
from pathlib import Path

VARIABLE = "OPENBLAS_NUM_THREADS"
LARGE = 4_000_000
"""bytes of weights; below it a second thread costs one stream more than it brings"""


def use_idle(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have NumPy multiply with as many threads as there are idle cores: for many streams side by side."""
    environment.setdefault(VARIABLE, str(idle_cores()))


def use_few(model: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """Have NumPy multiply with two threads if the model is large and two cores idle, else one: for one stream."""
    large = model.is_file() and model.stat().st_size >= LARGE
    environment.setdefault(VARIABLE, str(min(2 if large else 1, idle_cores())))


def wait_briefly(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have torch's threads sleep soon when they wait for each other, before torch starts them.

    Left alone they spin for milliseconds; where another program wants a core, each wait then costs that long, and
    training becomes twenty times slower. Sleeping at once costs a tenth on an idle machine. NumPy, which writes the
    previews, keeps to one thread, or the two libraries' threads would wait for the same cores.
    """
    environment.setdefault("GOMP_SPINCOUNT", "1000")
    environment.setdefault(VARIABLE, "1")


def idle_cores() -> int:
    """Count the cores that others leave; one is always taken."""
    return max(1, math.floor((os.cpu_count() or 1) - min(busy_cores(), 1e9)))


def busy_cores() -> float:
    """Count the cores that others use: at this moment, or where only that is known, in the last minute."""
    try:
        entities = Path("/proc/loadavg").read_text(encoding="ascii").split()[3]
        # This process runs too.
        return int(entities.partition("/")[0]) - 1
    except (OSError, ValueError, IndexError):
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else math.inf
