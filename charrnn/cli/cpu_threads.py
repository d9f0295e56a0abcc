"""Thread counts and spin times of NumPy and torch, set before either library starts its threads.

Threads that wait for each other hundreds of times a millisecond become a hundred times slower as soon as one of
them shares its core, for example with a training. NumPy's results do not depend on the number of threads.
"""

import ctypes
import math
import os
import sys
from collections.abc import MutableMapping
from importlib.util import find_spec
from pathlib import Path

from charrnn.errors import CharrnnError

VARIABLE = "OPENBLAS_NUM_THREADS"
LARGE_WEIGHT_BYTES = 4_000_000
"""bytes of weights; below it a second thread costs one stream more than it brings"""

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""of mallopt(3)"""
TRIM_NEVER = -1

LOADING = 150_000_000
"""bytes that torch and NumPy take while they are loaded, beside torch's libraries"""
RAISE_LIMIT = "raise the limit (`ulimit -v unlimited`)"


def use_idle_cores(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have NumPy multiply with as many threads as there are idle cores: for many streams side by side."""
    environment.setdefault(VARIABLE, str(idle_cores()))


def threads_for_workers(environment: MutableMapping[str, str] = os.environ) -> int:
    """Say how many threads can work side by side, and have NumPy multiply with one in each; 1: it has its own."""
    if VARIABLE in environment:
        return 1
    environment[VARIABLE] = "1"
    return idle_cores()


def use_few_cores(model: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """Have NumPy multiply with two threads if the model is large and two cores idle, else one: for one stream."""
    large = model.is_file() and model.stat().st_size >= LARGE_WEIGHT_BYTES
    environment.setdefault(VARIABLE, str(min(2 if large else 1, idle_cores())))


def set_short_spin(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have torch's threads sleep soon when they wait for each other, before torch starts them.

    Left alone they spin for milliseconds; where another program wants a core, each wait then costs that long, and
    training becomes twenty times slower. Sleeping at once costs a tenth on an idle machine. NumPy, which writes the
    previews, keeps to one thread, or the two libraries' threads would wait for the same cores.
    """
    environment.setdefault("GOMP_SPINCOUNT", "1000")
    environment.setdefault(VARIABLE, "1")


def keep_freed_memory() -> None:
    """Have glibc keep what large tensors are made of and give it out again, for as long as this process lives.

    By itself it fetches each tensor over 32 MB from the system and hands it back, and the system clears every page of
    it each time: at 2×512, 32×64 that was half of a training step. Nothing is done where
    the user has set it, nor elsewhere than in glibc.
    """
    if {"MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"} & os.environ.keys():
        return
    mallopt = getattr(ctypes.CDLL(None) if os.name == "posix" else None, "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, TRIM_NEVER)


def require_memory_for_torch() -> None:
    """Raise CharrnnError if a limit on this process's memory leaves too little for torch's libraries.

    Loading them then ends the process from within C++, where nothing can be reported any more.
    """
    limit = memory_limit()
    if limit is None or "torch" in sys.modules:
        return
    spec = find_spec("torch")
    libraries = Path(spec.origin).parent / "lib" if spec and spec.origin else None
    size = sum(path.stat().st_size for path in libraries.glob("*.so*")) if libraries else 0
    needed = _memory_in_use() + size + LOADING
    if limit < needed:
        there = f"this process may use {limit / 1e6:,.0f}"
        raise CharrnnError(f"out of memory: loading PyTorch takes {needed / 1e6:,.0f} MB, {there}", hint=RAISE_LIMIT)


def memory_limit() -> int | None:
    """Return the bytes of address space that this process may use, None if they are not limited."""
    try:
        import resource
    except ImportError:  # there is none on Windows
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def _memory_in_use() -> int:
    """Return the bytes of address space in use; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


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
