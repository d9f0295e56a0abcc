"""Memory limits of this process: the smallest limit of the machine, the container (cgroup) and the user (ulimit)."""

import os
from contextlib import suppress
from pathlib import Path

try:
    import resource
except ImportError:  # Windows does not have this module
    resource = None  # type: ignore[assignment]


def usable_memory() -> float:
    """Return the bytes that this process can use in total, including the memory in use."""
    limits = [_available() + used_memory(), _cgroup_limit()]
    if resource is not None:
        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        limits += [] if soft == resource.RLIM_INFINITY else [float(soft)]
    return min(limits)


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
    return float("inf")


def _cgroup_limit() -> float:
    """Return the bytes that the container can use; infinity without a limit."""
    with suppress(OSError, ValueError):
        return float(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
    return float("inf")
