"""A training that is killed twenty times ends like an uninterrupted one; 200 times: tests/benchmarks/kill_loop.py."""

import json
import os
import subprocess
import sys

import pytest
from small import PACKAGE_HOME


@pytest.mark.fault("F41")
@pytest.mark.slow
def test_a_training_killed_twenty_times_ends_with_the_same_bytes() -> None:
    """Kills come at random moments, some of them during a save."""
    done = subprocess.run(
        [sys.executable, PACKAGE_HOME / "tests" / "benchmarks" / "kill_loop.py", "--times", "20", "--json"],
        env=os.environ | {"PYTHONPATH": str(PACKAGE_HOME), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    counts = json.loads(done.stdout)
    assert (counts["kills"], counts["same end"]) == (20, True)
    assert counts["before a step"] < 20
