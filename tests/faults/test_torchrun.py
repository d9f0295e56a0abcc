"""Failures of a training by several processes under torchrun: nothing is lost, and one process reports each."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from common import PACKAGE_HOME, bottles
from launcher import TIMEOUT, wait_until

from charrnn.network.model_file import load_model
from charrnn.storage.run_directory import RunDirectory

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")]

WORKER = Path(__file__).with_name("torchrun_worker.py")
OPTIONS = (
    "--hidden",
    "12",
    "--batch",
    "4",
    "--length",
    "16",
    "--threads",
    "1",
    "--patience",
    "0",
    "--dropout",
    "0.2",
)
STEPS = ("--steps", "60")
"""a training that ends by itself"""
ENDLESS = ("--steps", "1000000")
"""a training that a test ends"""
SAVE_OFTEN = ("--save-every", "0.001")
MAX_SECONDS = 5 * TIMEOUT
"""timeout of a training with restarts, each of which loads torch"""


class Torchrun:
    """torchrun with two processes; its output goes to a file or a pseudo-terminal."""

    def __init__(
        self,
        *options: str,
        fault: str = "",
        restarts: int = 0,
        launch: tuple[str, ...] = ("--standalone",),
        stdin: Any = subprocess.DEVNULL,
        stdout: int | None = None,
        terminal: bool = False,
    ) -> None:
        command = [sys.executable, "-m", "torch.distributed.run", *launch, "--nproc-per-node=2"]
        command += [f"--max-restarts={restarts}", str(WORKER), "train", *options, *OPTIONS]
        environment = os.environ | {"PYTHONPATH": str(PACKAGE_HOME), "FAULT": fault, "GOMP_SPINCOUNT": "1000"}
        environment.pop("OMP_NUM_THREADS", None)
        self._master: int | None
        self._master, slave = pty.openpty() if terminal else (None, None)
        self._log = Path("torchrun.log")
        with self._log.open("wb") as log:
            output = log if slave is None else slave
            self.process = subprocess.Popen(
                command,
                stdin=stdin if slave is None else slave,
                stdout=stdout or output,
                stderr=output,
                env=environment,
                start_new_session=True,
                preexec_fn=None if slave is None else _take_terminal,
            )
        if slave is not None:
            os.close(slave)

    @property
    def workers(self) -> list[int]:
        """Return the numbers of the processes of the training, in the order of their ranks."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return sorted(map(int, path.read_text().split())) if path.exists() else []

    def type(self, keys: bytes) -> None:
        """Type on the terminal."""
        assert self._master is not None
        os.write(self._master, keys)

    def wait(self) -> tuple[int, str]:
        """Wait for the end, and return the exit code and the output."""
        if self._master is not None:
            self._log.write_bytes(self._read_terminal())
        try:
            code = self.process.wait(MAX_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait()
            raise AssertionError(self._log.read_text()) from None
        return code, self._log.read_text()

    def _read_terminal(self) -> bytes:
        """Return everything that is written to the terminal until it is closed."""
        content = b""
        assert self._master is not None
        while select.select([self._master], [], [], TIMEOUT)[0]:
            try:
                content += os.read(self._master, 65536)
            except OSError:
                break
        os.close(self._master)
        return content


def _take_terminal() -> None:
    """Make standard input the controlling terminal."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def lines(output: str) -> list[str]:
    """Return the lines that charrnn reports: errors, warnings and saves."""
    return [line for line in output.splitlines() if re.match(r"(error|warning|saved|note)\b", line)]


def weights(directory: str) -> dict[str, Any]:
    """Return the weights of a run's model."""
    return dict(load_model(RunDirectory(Path(directory)).model).weights)


def has_saved(directory: str, step: int = 1) -> bool:
    """Return whether a checkpoint of a step or a later one exists."""
    return (RunDirectory(Path(directory)).last_checkpoint_step() or 0) >= step


def assert_same(directory: str, expected: dict[str, Any]) -> None:
    """Assert that the model of a run has these weights, bit for bit."""
    actual = weights(directory)
    assert [name for name in expected if not np.array_equal(actual[name], expected[name])] == []


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the weights of a training by two processes that nothing disturbs."""
    directory = tmp_path_factory.mktemp("undisturbed")
    before = Path.cwd()
    os.chdir(directory)
    try:
        Path("book.txt").write_text(bottles(120))
        code, output = Torchrun("book.txt", *STEPS).wait()
        assert code == 0, output
        return weights("checkpoints/book")
    finally:
        os.chdir(before)


@pytest.fixture(autouse=True)
def _text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a directory with a text."""
    monkeypatch.chdir(tmp_path)
    Path("book.txt").write_text(bottles(120))


KILLS = """
from charrnn.network.char_rnn import CharRNN
from charrnn.storage import safetensors_file
from charrnn.text import corpus_encoder
from charrnn.training.trainer import Trainer
phases = {
    0: (0, corpus_encoder, "_write_ids", 1),
    1: (1, Trainer, "train_step", 13),
    2: (0, safetensors_file, "write_tensors", 4),
    3: (1, CharRNN, "nll", 3),
    4: (0, Trainer, "train_step", 9),
}
if attempt in phases and rank == phases[attempt][0]:
    _, owner, name, call = phases[attempt]
    before(owner, name, die, call=call)
"""


def test_processes_that_are_killed_in_any_phase_are_restarted_and_reach_the_same_weights(
    undisturbed: dict[str, Any],
) -> None:
    """Rank 0 or 1 is killed while it encodes the text, trains, saves or evaluates."""
    code, output = Torchrun("book.txt", *STEPS, *SAVE_OFTEN, fault=KILLS, restarts=5).wait()
    assert code == 0, output
    assert "terminate called" not in output
    errors = [line for line in lines(output) if line.startswith("error")]
    assert {line.partition(";")[0] for line in errors} <= {"error: another process of the training has ended"}
    assert_same("checkpoints/book", undisturbed)


def test_a_restart_repeats_neither_new_nor_the_reading_of_standard_input(undisturbed: dict[str, Any]) -> None:
    """The restarted processes resume the run that `--new` began, without its text, which came from a pipe."""
    RunDirectory(Path("run")).path.mkdir()
    fault = "from charrnn.training.trainer import Trainer\n"
    fault += 'if (rank, attempt) == (1, 0): before(Trainer, "train_step", die, call=20)'
    with Path("book.txt").open("rb") as text:
        torchrun = Torchrun("-", "--new", "--out", "run", *STEPS, fault=fault, restarts=1, stdin=text)
    code, output = torchrun.wait()
    assert code == 0, output
    assert_same("run", undisturbed)


def test_ctrl_c_saves_at_the_same_step_in_all_processes_and_the_run_resumes_exactly(
    undisturbed: dict[str, Any],
) -> None:
    """On a terminal; torchrun passes the signal on and exits with 1, or rarely aborts as it exits (torch 2.13)."""
    slow = "import time\nfrom charrnn.training.trainer import Trainer\nstep = Trainer.train_step\n"
    slow += "Trainer.train_step = lambda trainer: (time.sleep(0.05), step(trainer))[1]"
    torchrun = Torchrun("book.txt", *STEPS, *SAVE_OFTEN, fault=slow, terminal=True)
    wait_until(lambda: has_saved("checkpoints/book", 3))
    torchrun.type(b"\x03")
    code, output = torchrun.wait()
    assert code in (1, -signal.SIGABRT), output
    assert re.search(r"saved step \d+ in checkpoints/book", output), output
    code, output = Torchrun("book.txt", *STEPS).wait()
    assert code == 0, output
    assert_same("checkpoints/book", undisturbed)


def test_a_second_ctrl_c_ends_all_processes_at_once() -> None:
    """The last save is intact; torchrun sends SIGTERM as the second signal."""
    slow = "import time\nfrom charrnn.training.trainer import Trainer\nstep = Trainer.train_step\n"
    slow += "Trainer.train_step = lambda trainer: (trainer.step > 5 and time.sleep(100), step(trainer))[1]"
    torchrun = Torchrun("book.txt", *ENDLESS, *SAVE_OFTEN, fault=slow, terminal=True)
    wait_until(lambda: has_saved("checkpoints/book", 5))
    workers = torchrun.workers
    time.sleep(0.3)
    torchrun.type(b"\x03")
    time.sleep(1.5)
    torchrun.type(b"\x03")
    code, output = torchrun.wait()
    assert code == 1
    assert "is intact" in output
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


@pytest.mark.parametrize("rank", [0, 1])
def test_sigterm_to_one_process_stops_and_saves_all(rank: int) -> None:
    """Its request reaches all of them at the same step; they stay until rank 0 has saved, although that is slow."""
    slow = "import time\nfrom charrnn.training import checkpointer\nsave = checkpointer.save_final\n"
    slow += "def slow_save(trainer, *more, **named):\n"
    slow += "    if rank == 0: time.sleep(1)\n    save(trainer, *more, **named)\n"
    slow += "checkpointer.save_final = slow_save"
    torchrun = Torchrun("book.txt", *ENDLESS, *SAVE_OFTEN, fault=slow)
    wait_until(lambda: has_saved("checkpoints/book"))
    os.kill(torchrun.workers[rank], signal.SIGTERM)
    code, output = torchrun.wait()
    assert code == 1
    saved = re.search(r"saved step ([\d,]+) in checkpoints/book", output)
    assert saved, output
    assert RunDirectory(Path("checkpoints/book")).last_checkpoint_step() == int(saved[1].replace(",", ""))


def test_processes_whose_torchrun_is_killed_save_and_end() -> None:
    """Linux sends them SIGTERM; none of them is left running."""
    torchrun = Torchrun("book.txt", *ENDLESS, *SAVE_OFTEN)
    wait_until(lambda: has_saved("checkpoints/book"))
    workers = torchrun.workers
    torchrun.process.kill()
    torchrun.process.wait()
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    assert re.search(r"saved step [\d,]+ in checkpoints/book", Path("torchrun.log").read_text())


def test_a_machine_that_does_not_join_leads_to_no_message_of_charrnn() -> None:
    """The launcher waits for the second machine and gives up."""
    launch = ("--nnodes=2", "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", "--rdzv-conf=join_timeout=2")
    code, output = Torchrun("book.txt", *STEPS, launch=launch).wait()
    assert code == 1
    assert lines(output) == []
    assert not Path("checkpoints").exists()


OTHER_TEXT = """
from charrnn.training import replicas
replicas.VISIBLE_SECONDS = 0.1
if rank == 1: replicas._checksum_of_description = lambda corpus: "another"
"""


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            'if rank == 1: sys.argv += ["--seed", "7"]',
            r"--seed differs: none on rank 0, 7 on rank 1",
        ),
        (
            'from charrnn.training import replicas\nif rank == 1: replicas.__version__ = "9.9"',
            r"version of charrnn differs: .* on rank 0, 9\.9 on rank 1",
        ),
        (OTHER_TEXT, r"rank 1 \(.*\): checkpoints/book has no corpus\.bin, or its corpus\.bin is of another text"),
    ],
    ids=["options", "versions", "texts"],
)
def test_processes_that_do_not_fit_together_are_refused_with_one_line(fault: str, message: str) -> None:
    """The line names the rank and the difference."""
    code, output = Torchrun("book.txt", *STEPS, fault=fault).wait()
    assert code == 1
    reported = [line for line in lines(output) if "another process" not in line]
    assert len(reported) == 1, output
    assert re.search(message, reported[0]), output


def test_a_full_disk_of_rank_0_ends_the_training_with_one_error() -> None:
    """Saves that fail are warnings; the last one is an error, and all processes end."""
    fault = "import resource\nfrom charrnn.training.trainer import Trainer\n"
    fault += "limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
    fault += 'if rank == 0: before(Trainer, "train_step", limit, call=30)'
    code, output = Torchrun("book.txt", *STEPS, *SAVE_OFTEN, fault=fault).wait()
    assert code == 1
    reported = lines(output)
    assert any(line.startswith("warning: could not save step 3") for line in reported), output
    assert [line for line in reported if line.startswith("error")] == [reported[-1]]
    assert "file too large" in reported[-1]


def test_a_process_without_memory_reports_it_with_its_rank() -> None:
    """The others are silent, except for rank 0, which names the saved step."""
    fault = "from charrnn.training.trainer import Trainer\ndef fail(): raise MemoryError\n"
    fault += 'if rank == 1: before(Trainer, "train_step", fail, call=20)'
    code, output = Torchrun("book.txt", *STEPS, *SAVE_OFTEN, fault=fault).wait()
    assert code == 1
    errors = lines(output)
    assert len([line for line in errors if re.match(r"error: rank 1 \(.*\): out of memory", line)]) == 1, output
    others = [line for line in errors if "out of memory" not in line]
    assert all(
        re.match(r"error: another process of the training has ended; step \d+ is saved", line) for line in others
    )


def test_replicas_that_differ_are_not_saved() -> None:
    """The next save compares all weights; the checkpoint before it stays."""
    fault = "from charrnn.training.trainer import Trainer\nstep = Trainer.train_step\n"
    fault += "def damaged(trainer):\n    result = step(trainer)\n"
    fault += "    if (rank, trainer.step) == (1, 30): trainer.network.output.bias.data[0] += 1\n    return result\n"
    fault += "Trainer.train_step = damaged"
    code, output = Torchrun("book.txt", *STEPS, *SAVE_OFTEN, fault=fault).wait()
    assert code == 1
    assert len(errors := lines(output)) == 1, output
    assert re.match(r"error: the weights of ranks 0 and 1 differ at step 3\d", errors[0])
    assert not has_saved("checkpoints/book", 31)


def test_a_closed_reader_of_the_events_ends_all_processes_after_a_save() -> None:
    """As for one process: the events cannot be written, and the run is saved."""
    reading, writing = os.pipe()
    torchrun = Torchrun("book.txt", "--steps", "10000", "--json", stdout=writing)
    os.close(writing)
    content = b""
    while b'"event": "report"' not in content:
        content += os.read(reading, 65536)
    os.close(reading)
    code, output = torchrun.wait()
    assert code == 1
    assert [line for line in lines(output) if line.startswith("error: cannot write the events of --json")], output
    assert has_saved("checkpoints/book")
