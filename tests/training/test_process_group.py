"""Messages and connections between processes that have ended, or receive a signal."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest
import torch
from common_distributed import run_in_ranks

from charrnn.errors import PeerLostError
from charrnn.training.process_group import ProcessGroup, connect
from charrnn.training.world import World


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_process_that_waits_for_a_message(number: int, tmp_path: Path) -> None:
    """As Ctrl-C while rank 0 encodes a text; Python's handler would not run within the wait."""

    def work(group: ProcessGroup) -> str:
        if group.is_main:
            process = group.receive("process")["number"]
            time.sleep(0.1)
            os.kill(process, number)
            return "signaled"
        group.publish("process", {"number": os.getpid()})
        group.receive("never")
        return "received"

    assert run_in_ranks(2, work, tmp_path / "world") == ["signaled", None]


def test_a_process_whose_torchrun_was_killed_before_does_not_wait_for_its_store(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The store of torchrun exists before its processes; torch would print warnings."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(port))
    with pytest.raises(PeerLostError):
        connect(World(rank=1, size=2, has_agent_store=True))
    assert capfd.readouterr() == ("", "")


def test_a_process_may_end_right_after_the_last_collective(tmp_path: Path) -> None:
    """The others still receive its result."""

    def work(group: ProcessGroup) -> list[float]:
        group.join(torch.device("cpu"))
        return group.max([float(group.world.rank)])

    assert run_in_ranks(3, work, tmp_path / "world") == [[2.0]] * 3
