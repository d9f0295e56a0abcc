"""Worlds of several processes, forked from the test's process: a training whose ranks run on this machine."""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch.distributed import FileStore  # type: ignore[attr-defined]

from charrnn.training.process_group import ProcessGroup
from charrnn.training.world import World

LONG = 60.0
"""timeout in seconds, which is reached only if a test fails"""


def in_each_rank(
    size: int, work: Callable[[ProcessGroup], Any], directory: Path, *, world: World | None = None
) -> list[Any]:
    """Run a function in each rank of a world, and return its results, values of JSON, in the order of the ranks.

    A rank that raises an error yields the error's name and message. The function joins the group itself.
    """
    directory.mkdir()
    processes = [_forked(rank, size, work, directory, world or World()) for rank in range(size)]
    ends = time.monotonic() + LONG
    for process in processes:
        while os.waitpid(process, os.WNOHANG) == (0, 0):
            assert time.monotonic() < ends, f"a rank did not end within {LONG} s"
            time.sleep(0.002)
    results = [directory / f"result{rank}" for rank in range(size)]
    return [json.loads(path.read_text()) if path.exists() else None for path in results]


def _forked(rank: int, size: int, work: Callable[[ProcessGroup], Any], directory: Path, world: World) -> int:
    """Fork a process that writes the result of a function in a rank; return the number of the process."""
    process = os.fork()
    if process:
        return process
    try:
        torch.set_num_threads(1)
        store = FileStore(str(directory / "store"), size)
        store.set_timeout(timedelta(seconds=LONG))
        group = ProcessGroup(replace(world, rank=rank, size=size, local_rank=rank, local_size=size), store)
        try:
            result = work(group)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            result = {"error": type(error).__name__, "message": str(error)}
        (directory / f"result{rank}").write_text(json.dumps(result))
    finally:
        os._exit(0)
