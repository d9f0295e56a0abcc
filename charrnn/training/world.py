"""The world of a distributed training: its processes, as torchrun describes them in environment variables.

This module does not import torch. A process that was not started by torchrun, or as the only one, is a world of size
1, in which nothing is distributed.
"""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from charrnn.errors import WrongUsageError
from charrnn.text.batching import Shard

MAX_PROCESSES = 1 << 20
"""maximum world size"""
NO_RUN_ID = "none"
"""run ID of each launch by torchrun without `--rdzv-id` or `--standalone`"""
MAX_PORT = (1 << 16) - 1
SHARED_STORE_VARIABLE = "TORCH_DISABLE_SHARE_RDZV_TCP_STORE"


@dataclass(frozen=True, kw_only=True)
class World:
    """The processes of a training, and the place of this process among them.

    >>> World(rank=1, size=3).shard(8)
    Shard(batch=8, start=2, stop=5)
    """

    rank: int = 0
    """number of this process; rank 0 reads and writes all files, and prints"""
    size: int = 1
    """number of processes"""
    local_rank: int = 0
    """number of this process among those of its machine"""
    local_size: int = 1
    """number of processes on this machine"""
    nodes: int = 1
    """number of nodes, each with one agent of torchrun"""
    restarts: int = 0
    """how often torchrun has restarted the processes"""
    max_restarts: int = 0
    run_id: str = ""
    """run ID of torchrun (`TORCHELASTIC_RUN_ID`), the same after a restart; empty without torchrun"""
    has_agent_store: bool = False
    """whether torchrun hosts the store through which the processes find each other"""

    @property
    def is_main(self) -> bool:
        """Return whether this process has rank 0."""
        return self.rank == 0

    @property
    def is_distributed(self) -> bool:
        """Return whether there are several processes."""
        return self.size > 1

    @property
    def has_unique_id(self) -> bool:
        """Return whether the run ID identifies the launch."""
        return self.run_id not in ("", NO_RUN_ID)

    def shard(self, rows: int) -> Shard:
        """Return the rows of this process; the numbers of rows of two processes differ by at most one."""
        return Shard(rows, rows * self.rank // self.size, rows * (self.rank + 1) // self.size)

    def check_batch(self, batch: int) -> None:
        """Raise WrongUsageError unless each process gets a row of the batch."""
        if batch < self.size:
            raise WrongUsageError(
                f"a batch of {batch} streams cannot be divided among {self.size} processes",
                hint=f"use `--batch {self.size}` or fewer processes",
            )


SINGLE_PROCESS_WORLD = World()
"""the world of a process that was not started by torchrun"""


def world_from_environment(environment: Mapping[str, str] = os.environ) -> World:
    """Return the world that torchrun describes; raise WrongUsageError for invalid variables.

    >>> variables = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "node1", "MASTER_PORT": "29500"}
    >>> world_from_environment(variables).rank
    1
    """
    size = _number(environment, "WORLD_SIZE", 1, low=1)
    run_id = environment.get("TORCHELASTIC_RUN_ID", "")[:200]
    restarts = _number(environment, "TORCHELASTIC_RESTART_COUNT", 0)
    max_restarts = _number(environment, "TORCHELASTIC_MAX_RESTARTS", 0)
    if size == 1:
        return World(restarts=restarts, max_restarts=max_restarts, run_id=run_id)
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        if name not in environment:
            raise WrongUsageError(
                f"WORLD_SIZE is {size}, but {name} is not set",
                hint="start the command with torchrun, or unset WORLD_SIZE",
            )
    _number(environment, "MASTER_PORT", 0, low=1, high=MAX_PORT)
    local_size = _number(environment, "LOCAL_WORLD_SIZE", 1, low=1, high=size)
    world = World(
        rank=_number(environment, "RANK", 0, high=size - 1),
        size=size,
        local_rank=_number(environment, "LOCAL_RANK", 0, high=local_size - 1),
        local_size=local_size,
        nodes=_number(environment, "GROUP_WORLD_SIZE", 1, low=1, high=size),
        restarts=restarts,
        max_restarts=max_restarts,
        run_id=run_id,
        has_agent_store=environment.get("TORCHELASTIC_USE_AGENT_STORE") == "True",
    )
    if world.nodes > 1 and max_restarts and world.has_agent_store:
        # torchrun keeps its store for the restarted processes, which then connect to the addresses of the old ones.
        raise WrongUsageError(
            f"restarts over several machines fail unless {SHARED_STORE_VARIABLE}=1 is set (PyTorch issue 135712)",
            hint=f"`export {SHARED_STORE_VARIABLE}=1` with `--rdzv-backend c10d`, or `--max-restarts 0`",
        )
    return world


def host_name() -> str:
    """Return the name of this machine."""
    import platform  # rarely needed

    return platform.node()


PR_SET_PDEATHSIG = 1
"""operation of prctl(2) that sets the signal that a process receives when its parent ends"""


def end_with_parent() -> None:
    """Ask Linux to send this process SIGTERM if torchrun is killed, which otherwise leaves its processes running."""
    if sys.platform != "linux":
        return
    import ctypes

    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)  # the parent had ended before


def _number(
    environment: Mapping[str, str], name: str, default: int, *, low: int = 0, high: int = MAX_PROCESSES
) -> int:
    """Return the whole number in an environment variable (WrongUsageError)."""
    text = environment.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and low <= int(text) <= high):
        raise WrongUsageError(
            f"the environment variable {name} is {text[:20]!r}; it must be a number from {low} to {high}",
            hint="torchrun sets it for each process",
        )
    return int(text)
