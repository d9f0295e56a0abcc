"""Signals at any moment: the run is saved within two seconds, and the process ends by the signal."""

import json
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from launcher import LaunchedCommand, Launcher, wait_until
from slow_phases import SECONDS_PER_STEP

from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_file import read_tensors

STEPS = 40
SMALL = ("train", "book.txt", "--hidden", "16", "--batch", "4", "--length", "16", "--dropout", "0.2", "--steps", "40")
QUICK = (*SMALL, "--sample-every", "0")
RUN = RunDirectory(Path("checkpoints/book"))
PAUSE = 1.0
"""seconds"""
PIECES_AFTER = {"save": 8, "preview": 20}
"""pieces of the slow phase, a tenth of a second each, that may still be begun after a signal: two saves are made
durable, and of a preview some characters are written; of anything else, what is at hand"""
PHASES_WITH_STEPS = ("preview", "evaluation", "step", "save", "finish")


@pytest.fixture(scope="module")
def uninterrupted(launch: Launcher, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """Return a run that was trained without a stop."""
    parent = tmp_path_factory.mktemp("uninterrupted")
    (parent / "book.txt").write_text("".join(f"{n} green bottles, {n * n % 97} walls (and).\n" for n in range(120)))
    assert launch(*QUICK, "-q", at=parent).wait() == 0
    return RunDirectory(parent / RUN.path)


def assert_same_end(launch: Launcher, book: Path, uninterrupted: RunDirectory) -> None:
    """Resume to the end, and assert that all weights and metrics are those of an uninterrupted run."""
    assert launch(*QUICK, "-q", at=book.parent).wait() == 0
    for actual_array, other in (
        (uninterrupted.checkpoint(STEPS), RUN.checkpoint(STEPS)),
        (uninterrupted.model, RUN.model),
    ):
        first, second = read_tensors(actual_array).arrays, read_tensors(other).arrays
        assert first.keys() == second.keys()
        assert [name for name in first if not np.array_equal(first[name], second[name])] == []
    assert RUN.metrics.read_text() == uninterrupted.metrics.read_text()


@pytest.mark.fault("F35", "F37", "F38")
@pytest.mark.parametrize(
    ("number", "phase"),
    [
        *((number, phase) for phase in PHASES_WITH_STEPS for number in (signal.SIGINT, signal.SIGTERM)),
        *((signal.SIGUSR1, "step"), (signal.SIGUSR2, "save"), (signal.SIGUSR1, "finish")),
    ],
)
def test_a_signal_in_any_phase_saves_the_run_and_ends_the_process(
    number: int, phase: str, launch: Launcher, book: Path, uninterrupted: RunDirectory
) -> None:
    """The message has the command that resumes, and the resumed run ends like an uninterrupted one."""
    previews = "7" if phase == "preview" else "0"
    command = launch(*SMALL, "--save-every", "0.01", "--sample-every", previews, at=book.parent, slow_phase=phase)
    command.reach_slow_phase(slow_steps=2)
    before = command.slow_steps
    command.signal(number)
    assert command.wait() == -number
    assert command.slow_steps - before <= PIECES_AFTER.get(phase, 2)
    saved = re.search(r"saved step (\d+) in checkpoints/book .* run the same command to continue", command.err)
    assert saved is not None
    assert RUN.last_checkpoint_step() == int(saved[1]) > 0
    assert_same_end(launch, book, uninterrupted)


@pytest.mark.fault("F37")
@pytest.mark.parametrize(
    ("number", "phase"),
    [
        (number, "encoding")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
    ],
)
def test_a_signal_before_the_first_step_leaves_no_incomplete_file(
    number: int, phase: str, launch: Launcher, book: Path, uninterrupted: RunDirectory
) -> None:
    """The same command starts again."""
    command = launch(*QUICK, at=book.parent, slow_phase=phase)
    command.reach_slow_phase()
    before = command.slow_steps
    command.signal(number)
    assert command.wait() == -number
    assert command.slow_steps - before <= PIECES_AFTER.get(phase, 2)
    assert "stopped before the first step" in command.err
    assert not [path for path in RUN.path.iterdir() if path.suffix == ".tmp"]
    assert_same_end(launch, book, uninterrupted)


@pytest.mark.fault("F36")
@pytest.mark.parametrize(
    ("number", "phase"),
    [(signal.SIGINT, "step"), (signal.SIGINT, "evaluation"), (signal.SIGINT, "save"), (signal.SIGUSR1, "step")],
)
def test_a_second_signal_ends_the_process_at_once(
    number: int, phase: str, launch: Launcher, book: Path, uninterrupted: RunDirectory
) -> None:
    """The message names the intact checkpoint; at most later steps are lost."""
    command = launch(*QUICK, "--save-every", "0.01", at=book.parent, slow_phase=phase)
    command.reach_slow_phase(slow_steps=3)
    command.signal(number)
    wait_until(lambda: "stopping" in command.err)
    command.signal(number)
    assert command.wait() == -number
    assert_same_end(launch, book, uninterrupted)


@pytest.mark.fault("F38", "F50")
def test_ctrl_c_stops_a_training_once(launch: Launcher, book: Path) -> None:
    """The cursor is visible again, and the last line explains how to continue."""
    command = launch(*QUICK, at=book.parent, slow_phase="step", terminal=True)
    command.reach_slow_phase()
    wait_until(lambda: is_drawn(command))
    command.type(b"\x03")
    assert command.wait() == -signal.SIGINT
    output = command.screen.decode()
    assert output.rfind("\x1b[?25h") > output.rfind("\x1b[?25l") > -1
    assert "stopping after this step" in output
    assert "run the same command to continue" in output.splitlines()[-1]


@pytest.mark.fault("F36")
def test_a_second_ctrl_c_leaves_the_cursor_visible(launch: Launcher, book: Path) -> None:
    """The message names the intact checkpoint."""
    command = launch(*QUICK, "--save-every", "0.01", at=book.parent, slow_phase="step", terminal=True)
    command.reach_slow_phase()
    wait_until(lambda: is_drawn(command))
    command.type(b"\x03")
    wait_until(lambda: b"stopping" in command.screen)
    command.type(b"\x03")
    assert command.wait() == -signal.SIGINT
    output = command.screen.decode()
    assert output.rfind("\x1b[?25h") > output.rfind("\x1b[?25l") > -1
    assert re.search(r"the last save \(step \d+\) is intact", output)


@pytest.mark.fault("F39")
def test_a_closed_terminal_loses_nothing(launch: Launcher, book: Path, uninterrupted: RunDirectory) -> None:
    """The process gets SIGHUP, and later output fails."""
    command = launch(*QUICK, at=book.parent, slow_phase="step", terminal=True)
    command.reach_slow_phase()
    wait_until(lambda: is_drawn(command))
    command.hang_up()
    assert command.wait() == -signal.SIGHUP
    last = RUN.last_checkpoint_step()
    assert last is not None
    assert last > 4
    assert_same_end(launch, book, uninterrupted)


@pytest.mark.fault("F39")
def test_a_training_under_nohup_continues_when_its_terminal_is_closed(launch: Launcher, book: Path) -> None:
    """Without SIGHUP, writing fails; the training ends as planned, without a log."""
    command = launch(*QUICK, at=book.parent, slow_phase="step", terminal=True, ignored=(signal.SIGHUP,))
    command.reach_slow_phase()
    wait_until(lambda: is_drawn(command))
    command.hang_up()
    command.release()
    assert command.wait() == 0
    assert RUN.last_checkpoint_step() == STEPS


@pytest.mark.fault("F39")
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_signals_that_were_ignored_at_the_start_remain_ignored(number: int, launch: Launcher, book: Path) -> None:
    """As for nohup and for background jobs of a script."""
    command = launch(*QUICK, "-q", at=book.parent, slow_phase="step", ignored=(number,))
    command.reach_slow_phase()
    command.signal(number)
    command.release()
    assert command.wait() == 0


@pytest.mark.fault("F40")
def test_a_paused_training_ends_like_an_uninterrupted_one(
    launch: Launcher, book: Path, uninterrupted: RunDirectory
) -> None:
    """The pause by Ctrl-Z does not count as training time."""
    began = time.monotonic()
    command = launch(*QUICK, "--json", at=book.parent, slow_phase="step")
    command.reach_slow_phase(slow_steps=3)
    command.signal(signal.SIGTSTP)
    wait_until(command.is_stopped)
    slow = command.slow_steps - 1
    time.sleep(PAUSE)
    command.signal(signal.SIGCONT)
    command.release()
    assert command.wait() == 0
    done = json.loads(command.out.splitlines()[-1])
    assert SECONDS_PER_STEP * slow < done["seconds"] < time.monotonic() - began - PAUSE
    assert_same_end(launch, book, uninterrupted)


@pytest.mark.fault("F40")
def test_a_pause_restores_the_screen(launch: Launcher, book: Path) -> None:
    """After it the display is drawn again below."""
    command = launch(*QUICK, at=book.parent, slow_phase="step", terminal=True)
    command.reach_slow_phase()
    wait_until(lambda: is_drawn(command))
    command.type(b"\x1a")
    wait_until(command.is_stopped)
    wait_until(lambda: command.screen.rfind(b"\x1b[?25h") > command.screen.rfind(b"\x1b[?25l") > -1)
    before = command.screen.decode()
    assert before.endswith(("\n", "\x1b[?25h"))
    command.signal(signal.SIGCONT)
    command.release()
    assert command.wait() == 0
    after = command.screen.decode()[len(before) :]
    assert after.index("\x1b[?25l") < after.index("step ")
    assert after.rfind("\x1b[?25h") > after.rfind("\x1b[?25l")


def is_drawn(command: LaunchedCommand) -> bool:
    """Return whether the display of a training is on the terminal, with a hidden cursor."""
    return command.screen.find(b"step ", command.screen.find(b"\x1b[?25l")) > -1
