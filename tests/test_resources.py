"""Number of threads for a model of a given size."""

import math
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn import resources


def threads(model: Path, environment: dict[str, str] | None = None) -> str:
    """Return how many threads are set for a model."""
    environment = {} if environment is None else environment
    resources.use_few_cores(model, environment)
    return environment[resources.VARIABLE]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Create a sparse file of the size of a large model."""
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.truncate(resources.LARGE_WEIGHT_BYTES)
    return path


def test_a_large_model_on_idle_cores_gets_two(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One if another process needs one of the cores."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
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
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    for busy, left in ((0.0, "8"), (2.5, "5"), (99.0, "1"), (math.inf, "1")):
        environment: dict[str, str] = {}
        monkeypatch.setattr(resources, "busy_cores", lambda busy=busy: busy)
        resources.use_idle_cores(environment)
        assert environment[resources.VARIABLE] == left


def test_threads_of_our_own_multiply_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker for each idle core, each with one NumPy thread; none if the user set NumPy's threads."""
    monkeypatch.setattr("os.cpu_count", lambda: 4)
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
    """Allocating a freed tensor of 128 MB again causes no new page faults; by default it does."""
    program = """
import resource, sys, numpy
from charrnn import resources as cores
if sys.argv[1] == "kept":
    cores.keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    numpy.ones(1 << 25, dtype=numpy.float32)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""
    saved, left = (
        int(subprocess.run([sys.executable, "-c", program, variant], capture_output=True, check=True).stdout)
        for variant in ("kept", "left alone")
    )
    assert saved < 10 < left
