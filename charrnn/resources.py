"""Resources of this process: limits of memory and CPU time, and the threads and memory of NumPy and torch.

Thread counts are set before either library starts its threads. Threads that synchronize hundreds of times per
millisecond become a hundred times slower as soon as one of them shares its core with another process, for example a
training. NumPy's results do not depend on the number of threads.
"""

import math
import os
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from charrnn.errors import CharrnnError

try:
    import resource
except ImportError:  # Windows does not have this module
    resource = None  # type: ignore[assignment]

VARIABLE = "OPENBLAS_NUM_THREADS"
SPIN_VARIABLE, SHORT_SPIN = "GOMP_SPINCOUNT", "1000"
TORCH_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
LARGE_WEIGHT_BYTES = 4_000_000
"""bytes of weights from which a second thread makes one stream faster"""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
"""parameters of mallopt(3)"""
TRIM_NEVER = -1
"""value of M_TRIM_THRESHOLD with which glibc never returns memory to the system"""
DEFAULT_MMAP_MAX, LARGEST_MMAP_THRESHOLD = 65_536, 32 << 20
"""glibc's default of M_MMAP_MAX, and the value to which it raises M_MMAP_THRESHOLD when large tensors are freed"""

ROOT = Path("/")
CGROUP = r"(?m)^\d+:(.*?):(.*)$"
"""a line of /proc/self/cgroup: the controllers of a hierarchy, none in version 2, and the group of the process"""
CGROUP_MOUNT = r"(?m)^\S+ \S+ \S+ (\S+) (\S+) .* - (cgroup2?) \S+ (\S+)$"
"""a line of mountinfo: the mounted directory of a hierarchy, where it is mounted, its version and its controllers"""

LOADING_BYTES = 150_000_000
"""bytes that loading torch and NumPy takes in addition to the files of torch's libraries"""
RAISE_LIMIT = "raise the limit (`ulimit -v unlimited`)"


def usable_memory() -> float:
    """Return the bytes that this process can use in total, including the memory in use."""
    return min(_available() + used_memory(), cgroup_memory_limit(), memory_limit() or math.inf)


def free_memory() -> float:
    """Return the bytes that this process can still allocate and fill."""
    return max(0.0, usable_memory() - used_memory())


def used_memory() -> float:
    """Return the bytes of memory that this process occupies (resident set); 0 if the system does not report them."""
    return _process_memory(1)


def _process_memory(field: int) -> float:
    """Return a field of /proc/self/statm in bytes; 0 if the system does not have it."""
    with suppress(OSError, ValueError, AttributeError, IndexError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[field])
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


# Control groups (cgroups), by which containers and batch systems limit memory and CPU time, in both versions


def cgroup_memory_limit(root: Path = ROOT) -> float:
    """Return the bytes that the control groups of this process may use; infinity without a limit."""
    names = "memory.max", "memory.limit_in_bytes"
    limits = [_read(group / name).strip() for group in _control_groups("memory", root) for name in names]
    return min((float(limit) for limit in limits if limit.isdecimal()), default=math.inf)


def cpu_quota(root: Path = ROOT) -> float:
    """Return the number of cores whose time the control groups of this process may use; infinity without a limit."""
    return min(map(_group_quota, _control_groups("cpu", root)), default=math.inf)


def _group_quota(group: Path) -> float:
    """Return the CPU quota of one control group in cores; infinity without a limit ("max", or -1 in version 1)."""
    names = "cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"
    words = " ".join(_read(group / name) for name in names).split()
    is_limited = len(words) == 2 and all(word.isdecimal() and int(word) for word in words)
    return int(words[0]) / int(words[1]) if is_limited else math.inf


def _control_groups(controller: str, root: Path) -> list[Path]:
    """Return the directories of this process's control groups with a controller, and of all groups above them.

    Version 1 has a hierarchy for each controller, version 2 a single one. In a container, the mounted hierarchy may
    begin at the container's own group.
    """
    groups = {}
    for controllers, group in re.findall(CGROUP, _read(root / "proc/self/cgroup")):
        if not controllers or controller in controllers.split(","):
            groups["cgroup" if controllers else "cgroup2"] = PurePosixPath(group)
    directories = []
    for top, place, kind, options in re.findall(CGROUP_MOUNT, _read(root / "proc/self/mountinfo")):
        if kind in groups and (kind == "cgroup2" or controller in options.split(",")):
            group, inner = groups[kind], PurePosixPath()
            if group.is_relative_to(top) and ".." not in group.parts:
                inner = group.relative_to(top)
            # A blank in a path is written as its octal code.
            mount = root / re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place).lstrip("/")
            directories += [mount / part for part in (inner, *inner.parents)]
    return directories


def _read(path: Path) -> str:
    """Return the content of a file of the system; empty if it cannot be read."""
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    return ""


# Cores and threads


def available_cores(root: Path = ROOT) -> int:
    """Return the number of cores that this process can use: its affinity, limited by its CPU quota; at least 1.

    A fractional quota is rounded, because the system suspends all threads of a process that has used up its quota.
    """
    return max(1, math.floor(min(_allowed_cores(), cpu_quota(root)) + 0.5))


def _allowed_cores() -> int:
    """Return the number of cores on which the system may run this process."""
    count = getattr(os, "process_cpu_count", os.cpu_count)  # Python 3.13
    has_affinity = count is os.cpu_count and hasattr(os, "sched_getaffinity")
    return len(os.sched_getaffinity(0)) if has_affinity else count() or 1


def torch_threads(default: int, environment: Mapping[str, str] = os.environ) -> int:
    """Return the number of threads of torch: its default or, if that is larger, a thread for each available core.

    With 32 threads on one core, training is four times slower. A number that the user set is kept.
    """
    return default if any(name in environment for name in TORCH_THREAD_VARIABLES) else min(default, available_cores())


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
    environment.setdefault(SPIN_VARIABLE, SHORT_SPIN)
    environment.setdefault(VARIABLE, "1")


@contextmanager
def loading_torch(environment: MutableMapping[str, str] = os.environ) -> Iterator[bool]:
    """Set a short spin time in a block that imports torch; yield False if torch was imported with a long one before.

    Later child processes do not inherit the variable. Raise CharrnnError as `require_memory_for_torch` does.
    """
    require_memory_for_torch()
    before = environment.get(SPIN_VARIABLE)
    environment[SPIN_VARIABLE] = before or SHORT_SPIN
    try:
        yield before is not None or "torch" not in sys.modules or sys.platform != "linux"
    finally:
        if before is None:
            del environment[SPIN_VARIABLE]


def keep_freed_memory() -> None:
    """Set glibc's malloc to keep freed memory of large tensors for the next ones.

    By default glibc maps memory for each tensor over 32 MB and unmaps it afterwards, and the system clears every page
    each time: half of a training step at 2×512, 32×64. Nothing changes if the user set an option of malloc, or with
    another C library.
    """
    _set_malloc({M_MMAP_MAX: 0, M_TRIM_THRESHOLD: TRIM_NEVER})


def release_freed_memory() -> None:
    """Undo `keep_freed_memory`: glibc returns freed memory, as in a process that has freed large tensors before."""
    threshold = LARGEST_MMAP_THRESHOLD
    _set_malloc({M_MMAP_MAX: DEFAULT_MMAP_MAX, M_MMAP_THRESHOLD: threshold, M_TRIM_THRESHOLD: 2 * threshold})
    if (library := _glibc()) is not None:
        library.malloc_trim(0)


def _set_malloc(parameters: Mapping[int, int]) -> None:
    """Set parameters of mallopt(3), unless the user set an option of malloc."""
    library = _glibc()
    user_options = {"MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"} & os.environ.keys()
    if library is not None and not user_options:
        for parameter, value in parameters.items():
            library.mallopt(parameter, value)


def _glibc() -> Any:
    """Return the C library; None if it is not glibc."""
    import ctypes

    library = ctypes.CDLL(None) if os.name == "posix" else None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


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
    needed = _process_memory(0) + size + LOADING_BYTES
    if limit < needed:
        amounts = f"loading PyTorch takes {needed / 1e6:,.0f} MB, this process may use {limit / 1e6:,.0f}"
        raise CharrnnError(f"out of memory: {amounts}", hint=RAISE_LIMIT)


def memory_limit() -> int | None:
    """Return the bytes of address space that this process may use, None if they are not limited."""
    if resource is None:
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def idle_cores() -> int:
    """Return the number of cores that this process can use and no other process uses; at least 1."""
    idle = (os.cpu_count() or 1) - min(busy_cores(), 1e9)
    return max(1, math.floor(min(available_cores(), idle)))


def busy_cores() -> float:
    """Return the number of cores that other processes use: now on Linux, else the mean of the last minute."""
    try:
        entities = Path("/proc/loadavg").read_text(encoding="ascii").split()[3]
        # This process is one of the running ones.
        return int(entities.partition("/")[0]) - 1
    except (OSError, ValueError, IndexError):
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else math.inf
