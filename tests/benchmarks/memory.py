"""Compare the peak memory of `charrnn train` on gigabytes of text with the peak on a few megabytes.

    python tests/benchmarks/memory.py [--gigabytes 8] [--steps 300] [--processes 1]

The text is the default corpus repeated, written to a temporary directory (it takes twice its size on disk). Both
trainings have the same network, so the difference of their peaks is the memory that the corpus takes. With several
processes, which torchrun starts, the peak of the largest process is measured.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from charrnn.text.sources import open_sources


def write_repeated(path: Path, size: int) -> None:
    """Write the default corpus repeatedly, up to a size in bytes."""
    block = b"".join(chunk for file in open_sources([]).files for chunk in file.chunks())
    with path.open("wb") as file:
        for start in range(0, size, len(block)):
            file.write(block[: size - start])


def measure_peak(text: Path, out: Path, steps: int, processes: int) -> tuple[float, float]:
    """Train on a text; return the peak resident memory of a process in bytes, and the duration in seconds."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"] * (processes > 1)
    command = [sys.executable, *launcher, "-m", "charrnn", "train", str(text), "--out", str(out), "--json", "-q"]
    command += ["--steps", str(steps), "--hidden", "128", "--sample-every", "0"]
    start_time = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = process.stdout.readlines()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert json.loads(lines[-1])["event"] == "done"
    return usage.ru_maxrss * 1024.0, time.perf_counter() - start_time


def main() -> None:
    """Print both peaks and their difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=8.0)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    peaks = []
    for size in (6_000_000, round(arguments.gigabytes * 1e9)):
        with tempfile.TemporaryDirectory() as directory:
            text = Path(directory, "text.txt")
            write_repeated(text, size)
            memory, seconds = measure_peak(text, Path(directory, "run"), arguments.steps, arguments.processes)
            print(f"{size / 1e9:.3f} GB of text: peak {memory / 1e6:,.0f} MB resident, {seconds:.0f} s in all")
            peaks.append(memory)
    print(f"the larger text takes {(peaks[1] - peaks[0]) / 1e6:,.0f} MB more memory")


if __name__ == "__main__":
    main()
