"""Number of threads for a model of a given size."""

import math
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from charrnn import resources


def threads(model: Path, environment: dict[str, str] | None = None) -> str:
    """Return how many threads are set for a model."""
    environment = {} if environment is None else environment
    resources.use_few_cores(model, environment)
    return environment[resources.VARIABLE]


def set_cores(monkeypatch: pytest.MonkeyPatch, cores: int, quota: float = math.inf) -> None:
    """Let the machine have so many cores, and the process a CPU quota."""
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.setattr("os.process_cpu_count", lambda: cores, raising=False)
    monkeypatch.setattr(resources, "cpu_quota", lambda _root=None: quota)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Create a sparse file of the size of a large model."""
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.truncate(resources.LARGE_WEIGHT_BYTES)
    return path


def test_a_large_model_on_idle_cores_gets_two(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One if another process needs one of the cores."""
    set_cores(monkeypatch, 2)
    monkeypatch.setattr(resources, "busy_cores", lambda: 0.0)
    assert threads(large) == "2"
    monkeypatch.setattr(resources, "busy_cores", lambda: 1.0)
    assert threads(large) == "1"


def test_a_small_or_missing_model_gets_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With any number of idle cores."""
    monkeypatch.setattr(resources, "busy_cores", lambda: 0.0)
    assert threads(Path(__file__)) == threads(tmp_path / "none") == "1"


def test_many_streams_get_all_idle_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """At least one, even if the machine is busy or its load is unknown."""
    set_cores(monkeypatch, 8)
    for busy, left in ((0.0, "8"), (2.5, "5"), (99.0, "1"), (math.inf, "1")):
        environment: dict[str, str] = {}
        monkeypatch.setattr(resources, "busy_cores", lambda busy=busy: busy)
        resources.use_idle_cores(environment)
        assert environment[resources.VARIABLE] == left


def test_threads_of_our_own_multiply_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker for each idle core, each with one NumPy thread; none if the user set NumPy's threads."""
    set_cores(monkeypatch, 4)
    monkeypatch.setattr(resources, "busy_cores", lambda: 1.0)
    environment: dict[str, str] = {}
    assert (resources.threads_for_workers(environment), environment[resources.VARIABLE]) == (3, "1")
    environment = {resources.VARIABLE: "2"}
    assert (resources.threads_for_workers(environment), environment[resources.VARIABLE]) == (1, "2")


def test_what_the_user_set_stays(large: Path) -> None:
    """The user's number of threads is not changed."""
    assert threads(large, {resources.VARIABLE: "7"}) == "7"


def test_the_cores_in_use_are_counted() -> None:
    """The count is a number on every system."""
    assert resources.busy_cores() >= 0


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators are left as they are")
def test_memory_that_was_used_once_is_given_out_again_without_the_system() -> None:
    """Allocating a freed tensor of 128 MB again causes no new page faults; by default, and afterwards, it does."""
    program = """
import resource, sys, numpy
from charrnn import resources
if sys.argv[1] != "left alone":
    resources.keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    numpy.ones(1 << 25, dtype=numpy.float32)
    if sys.argv[1] == "released":
        resources.release_freed_memory()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""
    saved, left, released = (
        int(subprocess.run([sys.executable, "-c", program, variant], capture_output=True, check=True).stdout)
        for variant in ("kept", "left alone", "released")
    )
    assert saved < 10 < min(left, released)


# Control groups: files as Linux writes them, below a directory that stands for the root of the file system

V2_MOUNT = "30 23 0:26 {top} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V1_MOUNT = "33 32 0:30 {top} /sys/fs/cgroup/{name} ro,nosuid master:11 - cgroup cgroup rw,{name}"


def machine(root: Path, groups: str, mounts: Sequence[str], files: Mapping[str, str]) -> Path:
    """Create the files of a system with control groups; those of the groups are below /sys/fs/cgroup."""
    contents = {"proc/self/cgroup": groups, "proc/self/mountinfo": "\n".join(mounts)}
    contents |= {f"sys/fs/cgroup/{name}": content for name, content in files.items()}
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{content}\n")
    return root


def test_a_container_of_docker_has_its_quota_and_its_memory(tmp_path: Path) -> None:
    """Version 2, in a namespace of its own, as by `docker run --cpus 2.5 -m 512m`."""
    files = {"cpu.max": "250000 100000", "memory.max": "536870912"}
    root = machine(tmp_path, "0::/", [V2_MOUNT.format(top="/")], files)
    assert (resources.cpu_quota(root), resources.cgroup_memory_limit(root)) == (2.5, 536870912)


def test_a_container_of_docker_has_its_quota_and_its_memory_in_version_1(tmp_path: Path) -> None:
    """The mounted hierarchies begin at the container's own group."""
    groups = "4:memory:/docker/f00\n2:cpu,cpuacct:/docker/f00\n1:name=systemd:/docker/f00"
    names = "name=systemd", "memory", "cpu,cpuacct"
    mounts = [V1_MOUNT.format(top="/docker/f00", name=name) for name in names]
    files = {
        "cpu,cpuacct/cpu.cfs_quota_us": "150000",
        "cpu,cpuacct/cpu.cfs_period_us": "50000",
        "memory/memory.limit_in_bytes": "1073741824",
    }
    root = machine(tmp_path, groups, mounts, files)
    assert (resources.cpu_quota(root), resources.cgroup_memory_limit(root)) == (3, 1 << 30)


@pytest.mark.parametrize(("outer", "cores"), [("100000", 1), ("max", 4)])
def test_the_smallest_limit_of_nested_groups_applies(tmp_path: Path, outer: str, cores: int) -> None:
    """As for a job in a slice of systemd or SLURM; a group without a limit has the word max."""
    files = {
        "user.slice/cpu.max": f"{outer} 100000",
        "user.slice/memory.max": "2000",
        "user.slice/job.scope/cpu.max": "400000 100000",
        "user.slice/job.scope/memory.max": "max",
    }
    root = machine(tmp_path, "0::/user.slice/job.scope", [V2_MOUNT.format(top="/")], files)
    assert (resources.cpu_quota(root), resources.cgroup_memory_limit(root)) == (cores, 2000)


def test_both_versions_can_be_mounted(tmp_path: Path) -> None:
    """Controllers may belong to either; a quota of -1 is no limit; paths may contain blanks."""
    mounts = [V1_MOUNT.format(top="/", name="cpu"), r"34 32 0:31 / /sys/fs/cgroup/all\040of rw - cgroup2 cgroup2 rw"]
    files = {
        "cpu/a b/cpu.cfs_quota_us": "-1",
        "cpu/a b/cpu.cfs_period_us": "100000",
        "cpu/cpu.cfs_quota_us": "200000",
        "cpu/cpu.cfs_period_us": "100000",
        "all of/a b/memory.max": "77",
    }
    root = machine(tmp_path, "3:cpu:/a b\n0::/a b", mounts, files)
    assert (resources.cpu_quota(root), resources.cgroup_memory_limit(root)) == (2, 77)


@pytest.mark.parametrize(
    ("groups", "mount"),
    [("", ""), ("0::/", ""), ("nonsense", "more nonsense - cgroup2"), ("0::/../..", V2_MOUNT.format(top="/x"))],
)
def test_without_control_groups_there_is_no_limit(tmp_path: Path, groups: str, mount: str) -> None:
    """The files may be missing or of an unknown form."""
    unknown = {"cpu.max": "nonsense", "memory.max": "-3"}
    for root in (tmp_path / "empty", machine(tmp_path / "strange", groups, [mount], unknown)):
        assert resources.cpu_quota(root) == resources.cgroup_memory_limit(root) == math.inf


@pytest.mark.parametrize(
    ("cores", "quota", "threads"), [(32, 1, 1), (32, 0.2, 1), (8, 2.5, 3), (8, 2.4, 2), (2, 16, 2), (4, math.inf, 4)]
)
def test_torch_has_a_thread_for_each_available_core(
    monkeypatch: pytest.MonkeyPatch, cores: int, quota: float, threads: int
) -> None:
    """Unless the user set a number; torch's own default, which may be lower, is kept."""
    set_cores(monkeypatch, cores, quota)
    assert resources.available_cores() == resources.torch_threads(cores, {}) == threads
    assert resources.torch_threads(cores, {"OMP_NUM_THREADS": "9"}) == cores
    assert resources.torch_threads(1, {}) == 1


def test_idle_cores_are_at_most_those_of_the_quota(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes may run on the cores that the quota excludes."""
    set_cores(monkeypatch, 64, 4)
    for busy, idle in ((0.0, 4), (50.0, 4), (62.0, 2), (70.0, 1)):
        monkeypatch.setattr(resources, "busy_cores", lambda busy=busy: busy)
        assert resources.idle_cores() == idle


# Threads and memory of a training in Python


def test_the_variable_for_torch_is_set_only_while_torch_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later child processes do not inherit it; a value that the user set is kept."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    environment: dict[str, str] = {}
    with resources.loading_torch(environment) as is_short:
        assert (is_short, environment) == (True, {"GOMP_SPINCOUNT": "1000"})
    assert environment == {}
    with resources.loading_torch({"GOMP_SPINCOUNT": "7"}) as is_short:
        assert is_short
    monkeypatch.setitem(sys.modules, "torch", sys)
    with resources.loading_torch(environment) as is_short:
        assert is_short is (sys.platform != "linux")
