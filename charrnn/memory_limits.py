"""The memory that this process can use: the least that the machine, its container and the user's limits leave."""

import os
from contextlib import suppress
from pathlib import Path

try:
    import resource
except ImportError:  # there is none on Windows
    resource = None  # type: ignore[assignment]


def usable_memory() -> float:
    """Return the bytes that this process can use in all, those that it uses already included."""
    limits = [_available() + used_memory(), _cgroup_limit()]
    if resource is not None:
        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        limits += [] if soft == resource.RLIM_INFINITY else [float(soft)]
    return min(limits)


def free_memory() -> float:
    """Return the bytes that this process can still allocate and fill."""
    return max(0.0, usable_memory() - used_memory())


def used_memory() -> float:
    """Return the bytes of memory that this process occupies; 0 where the system does not say."""
    with suppress(OSError, ValueError, AttributeError, IndexError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return float(pages * os.sysconf("SC_PAGE_SIZE"))
    return 0.0


def _available() -> float:
    """Return the bytes that the machine has left; without /proc, all that it has."""
    with suppress(OSError, ValueError, KeyError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        known = {name: 1024.0 * int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        return known["MemAvailable"]
    with suppress(AttributeError, ValueError, OSError):
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return float("inf")


def _cgroup_limit() -> float:
    """Return the bytes that a container may use."""
    with suppress(OSError, ValueError):
        return float(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
    return float("inf")
