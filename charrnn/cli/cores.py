"""How many threads the products of one stream are worth, decided before NumPy starts its own."""

import math
import os
from collections.abc import MutableMapping
from pathlib import Path

LARGE = 4_000_000
"""bytes of weights; below it a second thread costs more than it brings"""
VARIABLE = "OPENBLAS_NUM_THREADS"


def use_few(model: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """Set how many threads NumPy will multiply with: two where the model is large and two cores idle, else one.

    Threads that wait for each other hundreds of times a millisecond lose a hundredfold as soon as one of them
    has to share its core, say with a training. The text is the same with any number of them.
    """
    large = model.is_file() and model.stat().st_size >= LARGE
    two_idle = (os.cpu_count() or 1) - busy_cores() >= 2
    environment.setdefault(VARIABLE, "2" if large and two_idle else "1")


def wait_briefly(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have torch's threads sleep soon when they wait for each other, before torch starts them.

    Left alone they spin for milliseconds; where another program wants a core, each wait then costs that long, and
    training becomes twenty times slower. Sleeping at once costs a tenth on an idle machine.
    """
    environment.setdefault("GOMP_SPINCOUNT", "1000")


def busy_cores() -> float:
    """Count the cores that others use: at this moment, or where only that is known, in the last minute."""
    try:
        entities = Path("/proc/loadavg").read_text(encoding="ascii").split()[3]
        # This process runs too.
        return int(entities.partition("/")[0]) - 1
    except (OSError, ValueError, IndexError):
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else math.inf
