"""The process group of a distributed training: collectives, and a store of JSON messages before the first one.

Everything runs on `torch.distributed`: NCCL reduces the gradients of GPUs, gloo all others and the control messages.
Messages are JSON. The collectives of objects are never used, because they unpickle what they receive.
"""

import json
import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from charrnn.errors import CharrnnError, PeerLostError
from charrnn.storage.schema import parse_json
from charrnn.training.world import SINGLE_PROCESS_WORLD, World

STOP_SIGNALS = tuple(
    number
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
    if (number := getattr(signal, name, None)) is not None
)
"""signals that request a training to save and stop; batch systems send SIGTERM, SIGUSR1 or SIGUSR2 before the end"""
COLLECTIVE_TIMEOUT = timedelta(minutes=10)
"""time after which a collective fails; the longest wait is for a save or a preview by rank 0"""
CONNECTION_TIMEOUT = timedelta(minutes=10)
"""time in which every process must have connected to the store"""
UNLIMITED = timedelta(days=365)
MAX_MESSAGE_VALUES = 10_000
"""maximum number of values in a message"""
LOST_CONNECTION = ("closed by peer", "connection reset", "broken pipe", "timed out", "timeout", "connection refused")
"""parts of error messages of the backends when another process has ended"""


class ProcessGroup:
    """The processes of a training; with a single process there are no messages and no collectives.

    Messages can be exchanged from the start through `store`, a store of `torch.distributed`, and collectives can be
    called after `join`. Each raises PeerLostError if another process has ended.
    """

    def __init__(self, world: World, store: Any = None) -> None:
        self.world = world
        self._store = store

    @property
    def is_main(self) -> bool:
        """Return whether this process has rank 0."""
        return self.world.is_main

    @property
    def is_distributed(self) -> bool:
        """Return whether there are several processes."""
        return self.world.is_distributed

    # Messages

    def publish(self, key: str, message: Mapping[str, Any]) -> None:
        """Make a message, an object of JSON, readable by all processes."""
        assert self._store is not None
        with _lost_peer_as_error():
            self._store.set(key, json.dumps(message))

    def receive(self, key: str) -> dict[str, Any]:
        """Wait for a message, however long another process prepares it, and return it.

        Raise CharrnnError if it is not an object of JSON.
        """
        assert self._store is not None
        with _default_signals(), _lost_peer_as_error():
            self._store.wait([key], UNLIMITED)
            text = self._store.get(key).decode(errors="replace")
        try:
            return parse_json(text, key, dict, max_values=MAX_MESSAGE_VALUES)  # type: ignore[no-any-return]
        except CharrnnError as error:
            raise CharrnnError(f"received an invalid message from another process: {error.message}") from error

    # Collectives: all processes call them in the same order

    def wait_for_end(self) -> None:
        """Wait until torchrun ends this process, or until rank 0 has ended; rank 0 reports an error meanwhile."""
        self.receive("end of the training")

    def join(self, device: torch.device) -> None:
        """Connect all processes for collectives on the CPU and, with NCCL, on the device."""
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        gpu = torch.device("cuda", torch.cuda.current_device()) if device.type == "cuda" else None
        with _default_signals(), _failed_connection_as_error():
            dist.init_process_group(
                backend,
                store=self._store,
                rank=self.world.rank,
                world_size=self.world.size,
                timeout=COLLECTIVE_TIMEOUT,
                device_id=gpu,
            )

    def sum(self, tensor: Tensor) -> None:
        """Replace a tensor by its sum over all processes, the same bits in each."""
        with _lost_peer_as_error():
            dist.all_reduce(tensor)

    def max(self, values: Sequence[float]) -> list[float]:
        """Return the maximum of each number over all processes."""
        tensor = torch.tensor(values, dtype=torch.float64)
        with _lost_peer_as_error():
            dist.all_reduce(tensor, dist.ReduceOp.MAX)
        return tensor.tolist()

    def all_agree(self, value: bool) -> bool:
        """Return whether the value is true in all processes."""
        return value if not self.is_distributed else not any(self.max([float(not value)]))

    def broadcast(self, tensor: Tensor) -> None:
        """Replace a tensor on the CPU by that of rank 0."""
        with _lost_peer_as_error():
            dist.broadcast(tensor, 0)

    def all_gather(self, number: int) -> list[int]:
        """Return the 64-bit integers of all processes, in the order of the ranks."""
        own = torch.tensor([number], dtype=torch.int64)
        numbers = [torch.empty_like(own) for _ in range(self.world.size)]
        with _lost_peer_as_error():
            dist.all_gather(numbers, own)
        return [int(tensor.item()) for tensor in numbers]

    def gather_streams(self, part: Tensor, batch: int) -> Tensor | None:
        """Return the state of all streams, (layers, B, H), from those of each process; None except on rank 0."""
        shards = [World(rank=rank, size=self.world.size).shard(batch) for rank in range(self.world.size)]
        widest = max(shard.size for shard in shards)
        # gloo gathers tensors of equal shapes only.
        padded = torch.zeros((part.shape[0], widest, part.shape[2]), dtype=part.dtype)
        padded[:, : part.shape[1]] = part.cpu()
        parts = [torch.empty_like(padded) for _ in shards] if self.is_main else None
        with _lost_peer_as_error():
            dist.gather(padded, parts)
        if parts is None:
            return None
        return torch.cat([whole[:, : shard.size] for whole, shard in zip(parts, shards, strict=True)], dim=1)


SINGLE_PROCESS = ProcessGroup(SINGLE_PROCESS_WORLD)
"""the group of a training in one process"""


def connect(world: World) -> ProcessGroup:
    """Return the group of a world, connected to its store by the environment variables of torchrun."""
    if not world.is_distributed:
        return ProcessGroup(world)
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    if world.has_agent_store:
        _check_agent(address, port)
    with _default_signals(), _failed_connection_as_error():
        store = dist.TCPStore(  # type: ignore[attr-defined]
            address,
            port,
            is_master=world.is_main and not world.has_agent_store,
            timeout=CONNECTION_TIMEOUT,
            wait_for_workers=False,
        )
    # On one machine torchrun keeps its store for restarted processes, which must not find the old addresses in it.
    # Several machines count their restarts separately.
    attempt = world.restarts if world.nodes == 1 else 0
    return ProcessGroup(world, dist.PrefixStore(f"charrnn/{attempt}", store))  # type: ignore[attr-defined]


def _check_agent(address: str, port: int) -> None:
    """Raise PeerLostError if torchrun, whose store exists before its processes, has been killed.

    The store itself would try to connect until its timeout, and print warnings.
    """
    try:
        socket.create_connection((address, port), timeout=1).close()
    except ConnectionRefusedError as error:
        raise PeerLostError from error
    except OSError:
        pass  # the store reports any other failure


@contextmanager
def _lost_peer_as_error() -> Iterator[None]:
    """Raise PeerLostError for an error of a backend that means that another process has ended."""
    try:
        yield
    except RuntimeError as error:
        is_lost = isinstance(error, (dist.DistNetworkError, dist.DistStoreError))
        if is_lost or any(part in str(error).lower() for part in LOST_CONNECTION):
            raise PeerLostError from error
        raise


@contextmanager
def _failed_connection_as_error() -> Iterator[None]:
    """Raise CharrnnError with the reason why the processes cannot be connected."""
    try:
        yield
    except RuntimeError as error:
        address = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise CharrnnError(
            f"cannot connect to the other processes at {address}: {reason}",
            hint="check the firewall; GLOO_SOCKET_IFNAME or NCCL_SOCKET_IFNAME selects the network interface",
        ) from error


@contextmanager
def _default_signals() -> Iterator[None]:
    """Let signals end the process during a block that waits in a library, where Python's handlers do not run."""
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    # An ignored signal stays ignored, and a handler that is not Python's (None) stays installed.
    handlers = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}
    for number in handlers:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
