"""Resources of this process: memory limits, and the thread counts and spin times of NumPy and torch.

Thread counts are set before either library starts its threads. Threads that synchronize hundreds of times per
millisecond become a hundred times slower as soon as one of them shares its core with another process, for example a
training. NumPy's results do not depend on the number of threads.
"""

import ctypes
import math
import os
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from charrnn.errors import CharrnnError

try:
    import resource
except ImportError:  # Windows does not have this module
    resource = None  # type: ignore[assignment]

VARIABLE = "OPENBLAS_NUM_THREADS"
LARGE_WEIGHT_BYTES = 4_000_000
"""bytes of weights from which a second thread makes one stream faster"""

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""parameters of mallopt(3)"""
TRIM_NEVER = -1
"""value of M_TRIM_THRESHOLD with which glibc never returns memory to the system"""

LOADING_BYTES = 150_000_000
"""bytes that loading torch and NumPy takes in addition to the files of torch's libraries"""
RAISE_LIMIT = "raise the limit (`ulimit -v unlimited`)"


def usable_memory() -> float:
    """Return the bytes that this process can use in total, including the memory in use."""
    return min(_available() + used_memory(), _cgroup_limit(), memory_limit() or math.inf)


def free_memory() -> float:
    """Return the bytes that this process can still allocate and fill."""
    return max(0.0, usable_memory() - used_memory())


def used_memory() -> float:
    """Return the bytes of memory that this process occupies (resident set); 0 if the system does not report them."""
    with suppress(OSError, ValueError, AttributeError, IndexError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return float(pages * os.sysconf("SC_PAGE_SIZE"))
    return 0.0


def _available() -> float:
    """Return the bytes that the machine has available; without /proc, all of its memory."""
    with suppress(OSError, ValueError, KeyError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        amounts = {name: 1024.0 * int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        return amounts["MemAvailable"]
    with suppress(AttributeError, ValueError, OSError):
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return math.inf


def _cgroup_limit() -> float:
    """Return the bytes that the container can use; infinity without a limit."""
    with suppress(OSError, ValueError):
        return float(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
    return math.inf


def use_idle_cores(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set one NumPy thread for each idle core, for a batch of many streams."""
    environment.setdefault(VARIABLE, str(idle_cores()))


def threads_for_workers(environment: MutableMapping[str, str] = os.environ) -> int:
    """Return the number of worker threads, and set one NumPy thread for each; 1 if the user set NumPy's threads."""
    if VARIABLE in environment:
        return 1
    environment[VARIABLE] = "1"
    return idle_cores()


def use_few_cores(model: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """Set two NumPy threads if the model is large and two cores are idle, else one, for a single stream."""
    large = model.is_file() and model.stat().st_size >= LARGE_WEIGHT_BYTES
    environment.setdefault(VARIABLE, str(min(2 if large else 1, idle_cores())))


def set_short_spin(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set a short spin time for torch's threads, and one NumPy thread; call this before torch is imported.

    By default a waiting thread spins for milliseconds; if another program needs the core, each wait takes that long,
    and training becomes twenty times slower. Sleeping at once would cost a tenth of the speed on an idle machine.
    NumPy, which computes the previews, gets one thread, so that the two libraries do not compete for the cores.
    """
    environment.setdefault("GOMP_SPINCOUNT", "1000")
    environment.setdefault(VARIABLE, "1")


def keep_freed_memory() -> None:
    """Set glibc's malloc to keep freed memory of large tensors for the next ones, for the life of the process.

    By default glibc maps memory for each tensor over 32 MB and unmaps it afterwards, and the system clears every page
    each time: half of a training step at 2×512, 32×64. Nothing changes if the user set an option of malloc, or with
    another C library.
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
    needed = _address_space_in_use() + size + LOADING_BYTES
    if limit < needed:
        limited = f"this process may use {limit / 1e6:,.0f}"
        raise CharrnnError(
            f"out of memory: loading PyTorch takes {needed / 1e6:,.0f} MB, {limited}", hint=RAISE_LIMIT
        )


def memory_limit() -> int | None:
    """Return the bytes of address space that this process may use, None if they are not limited."""
    if resource is None:
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def _address_space_in_use() -> int:
    """Return the bytes of address space in use; 0 if unknown."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def idle_cores() -> int:
    """Return the number of cores that no other process uses; at least 1."""
    return max(1, math.floor((os.cpu_count() or 1) - min(busy_cores(), 1e9)))


def busy_cores() -> float:
    """Return the number of cores that other processes use: now on Linux, else the mean of the last minute."""
    try:
        entities = Path("/proc/loadavg").read_text(encoding="ascii").split()[3]
        # This process is one of the running ones.
        return int(entities.partition("/")[0]) - 1
    except (OSError, ValueError, IndexError):
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else math.inf
