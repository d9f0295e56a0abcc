"""A training that is killed twenty times has the same result as an uninterrupted one.

`kill_loop.py` and `torchrun_kill_loop.py` in tests/benchmarks kill a training 200 times by default.
"""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from common import PACKAGE_HOME


@pytest.mark.fault("F41")
@pytest.mark.slow
def test_a_training_killed_twenty_times_ends_with_the_same_bytes() -> None:
    """Kills come at random moments, some of them during a save."""
    counts = _run_benchmark("kill_loop.py", "--times", "20")
    assert (counts["kills"], counts["equal result"]) == (20, True)
    assert counts["before a step"] < 20


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_processes_of_a_training_killed_twenty_times_end_with_the_same_bytes() -> None:
    """Processes of random rank are killed at random moments, and torchrun restarts them."""
    counts = _run_benchmark("torchrun_kill_loop.py", "--kills", "20")
    assert (counts["kills"], counts["equal result"], counts["unexpected lines"]) == (20, True, [])
    assert counts["before a step"] < 20


def _run_benchmark(*arguments: str) -> dict[str, Any]:
    """Run a script of the benchmarks, and return the counts that it prints."""
    name, *options = arguments
    done = subprocess.run(
        [sys.executable, PACKAGE_HOME / "tests" / "benchmarks" / name, *options, "--json"],
        env=os.environ | {"PYTHONPATH": str(PACKAGE_HOME), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)  # type: ignore[no-any-return]
