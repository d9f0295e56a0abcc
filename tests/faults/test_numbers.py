"""NaN, exploding losses and out-of-memory errors: a message with a remedy, and nothing is lost."""

import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from common import Call
from launcher import Launcher

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError, DivergedError
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_file import read_tensors
from charrnn.training import checkpoint, checkpointer
from charrnn.training.checkpoint import state_arrays
from charrnn.training.device import USABLE_FRACTION, estimate_bytes, suggest_smaller
from charrnn.training.events import Event, Step, TrainingWarning
from charrnn.training.loop import train_loop, warn_on_explosion
from charrnn.training.trainer import Trainer

RUN = RunDirectory(Path("checkpoints/book"))


def poison(trainer: Trainer, value: float) -> None:
    """Set a weight and its average to NaN."""
    for network in (trainer.network, trainer.ema_network):
        network.output.bias.data[0] = value


@pytest.mark.fault("F65")
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_nan_stops_before_the_update(value: float, make_trainer: Callable[..., Trainer]) -> None:
    """The state is unchanged except for the weight that was set to NaN."""
    trainer = make_trainer(reset=0.0)
    for _ in range(3):
        trainer.train_step()
    poison(trainer, value)
    before = {name: array.copy() for name, array in state_arrays(trainer).items()}
    with pytest.raises(DivergedError, match="at step 4 ") as caught:
        trainer.train_step()
    assert caught.value.exit_code == 3
    assert all(np.array_equal(array, before[name], equal_nan=True) for name, array in state_arrays(trainer).items())


@pytest.mark.fault("F65")
def test_a_gradient_that_is_nan_stops_before_the_update(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the loss is finite."""
    trainer = make_trainer()
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_, **_options: torch.tensor(math.inf))
    before = trainer.raw_weights()
    with pytest.raises(DivergedError, match="the gradient is not finite at step 1 "):
        trainer.train_step()
    assert all(np.array_equal(weight, before[name]) for name, weight in trainer.raw_weights().items())


@pytest.mark.fault("F65")
def test_nan_is_never_saved(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """Neither in a checkpoint nor in a model nor in the best weights; earlier files remain."""
    trainer, directory = make_trainer(), RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    trainer.train_step()
    checkpoint.save_checkpoint(trainer, directory)
    saved = directory.checkpoint(1).read_bytes()
    poison(trainer, math.nan)
    for save in (checkpoint.save_checkpoint, checkpoint.save_best_model, checkpointer.save_final):
        with pytest.raises(DivergedError, match=r"output\.bias is not finite"):
            save(trainer, directory)
    trainer.bookkeeping.mark_done("report", trainer.progress)
    trainer.progress.change_steps(trainer.step)
    with pytest.raises(DivergedError, match="the held-out loss is not finite"):
        list(train_loop(trainer, sample_every=0))
    with pytest.raises(DivergedError, match="the preview is not finite"):
        list(train_loop(trainer, sample_every=1))
    assert trainer.best is None
    assert [path.name for path in directory.path.iterdir()] == [directory.checkpoint(1).name]
    assert directory.checkpoint(1).read_bytes() == saved


@pytest.mark.fault("F65")
def test_the_hint_names_the_step_from_which_a_lower_rate_continues(
    make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    """It is the step of an intact checkpoint."""
    trainer, directory = make_trainer(), RunDirectory(tmp_path / "run")
    directory.path.mkdir()

    def events() -> Iterator[Event]:
        for event in train_loop(trainer, sample_every=0):
            yield event
            if trainer.step == 6:
                poison(trainer, math.inf)

    with pytest.raises(DivergedError) as caught:
        list(checkpointer.save_during_training(events(), trainer, directory, every_seconds=0.0))
    last = directory.last_checkpoint_step()
    assert last == 6
    assert caught.value.hint == "the same command with `--lr 0.001` continues from step 6"
    assert all(np.isfinite(array).all() for array in read_tensors(directory.checkpoint(last)).arrays.values())


@pytest.mark.fault("F65")
@pytest.mark.parametrize("rate", ["1e6", "1e30"])
def test_divergence_has_its_own_exit_code_and_leaves_finite_files(rate: str, call: Call, book: Path) -> None:
    """A far too high learning rate causes one line and a hint, and the command of the hint works."""
    command = ("train", str(book), "--hidden", "16", "--batch", "4", "--length", "16", "--threads", "1")
    result = call(*command, "--steps", "300", "--lr", rate, "--clip", "0", "--warm-up", "0")
    if result.code == 0:
        assert rate == "1e6"
        return
    assert result.code == 3
    assert "training diverged" in result.err
    assert "--lr" in result.err.splitlines()[-1]
    for path in RUN.path.glob("*.safetensors"):
        assert all(np.isfinite(array).all() for array in read_tensors(path).arrays.values())
    result = call(*command, "--steps", "20", "--lr", "0.01", "--clip", "0", "--warm-up", "0")
    assert result.code in (0, 3)


@pytest.mark.fault("F66")
def test_an_exploding_loss_causes_one_warning(make_trainer: Callable[..., Trainer]) -> None:
    """The limit is three times the loss of a uniform guess, and training continues."""
    trainer = make_trainer()
    start = math.log(len(trainer.corpus.vocabulary))

    def step(number: int, nats: float) -> Step:
        return Step(step=number, nats=nats, gradient_norm=1.0, learning_rate=0.1, progress=0.5, steps=40)

    losses = [start, 2.9 * start, 3.1 * start, 1.0, 4 * start]
    events = list(warn_on_explosion(iter([step(number, nats) for number, nats in enumerate(losses, 1)]), trainer))
    warnings = [event for event in events if isinstance(event, TrainingWarning)]
    assert [type(event) for event in events[:4]] == [Step, Step, Step, TrainingWarning]
    assert len(events) == 6
    assert "at step 3" in warnings[0].message
    assert "`--new --lr 0.001`" in warnings[0].message


@pytest.mark.fault("F66")
def test_the_warning_is_shown_on_standard_error(call: Call, book: Path) -> None:
    """The message is on a separate line."""
    result = call(
        *("train", str(book), "--hidden", "16", "--batch", "4", "--length", "16", "--threads", "1"),
        *("--steps", "60", "--lr", "50", "--clip", "0", "--warm-up", "0", "--sample-every", "0"),
    )
    assert result.code in (0, 3)
    assert len([line for line in result.err.splitlines() if line.startswith("warning: the loss exploded to")]) == 1


@pytest.mark.fault("F67", "F68")
@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("could not create a primitive"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_all_out_of_memory_errors_are_recognized(error: Exception, make_trainer: Callable[..., Trainer]) -> None:
    """Those of the CPU, the GPU, oneDNN and Python."""
    trainer = make_trainer()
    with (
        pytest.raises(CharrnnError, match=r"out of memory: the training needs about \d+\.\d GB") as caught,
        trainer.oom_as_error(),
    ):
        raise error
    assert caught.value.exit_code == 1
    assert "--batch" in str(caught.value.hint)


@pytest.mark.fault("F67")
def test_other_errors_are_not_converted(make_trainer: Callable[..., Trainer]) -> None:
    """A bug keeps its traceback."""
    trainer = make_trainer()
    with pytest.raises(RuntimeError, match="a bug"), trainer.oom_as_error():
        raise RuntimeError("a bug")


@pytest.mark.fault("F67", "F68")
def test_the_suggested_setting_fits() -> None:
    """Twice as much would not fit; if no batch fits, only a narrower network is suggested."""

    def sizes(hidden: int = 2048, batch: int = 256) -> tuple[NetworkConfig, TrainingConfig]:
        return NetworkConfig(hidden=hidden, layers=2), TrainingConfig(batch=batch, length=256, steps=1, lr=0.01)

    for available in (8e9, 4e9, 2.5e9):
        hint, most = suggest_smaller(*sizes(), 100, available), USABLE_FRACTION * available
        batch, hidden = number_in(hint, "--batch"), number_in(hint, "--hidden")
        assert batch or hidden
        if batch:
            assert estimate_bytes(*sizes(batch=batch), 100) <= most < estimate_bytes(*sizes(batch=2 * batch), 100)
        if hidden:
            assert estimate_bytes(*sizes(hidden=hidden), 100) <= most < estimate_bytes(*sizes(hidden=2 * hidden), 100)
    assert "--batch" not in suggest_smaller(*sizes(), 100, 1.6e9)


def number_in(hint: str, option: str) -> int | None:
    """Return the value of an option in a hint."""
    after = hint.partition(f"`{option} ")[2]
    return int(after.partition("`")[0]) if after else None


@pytest.mark.fault("F67")
@pytest.mark.parametrize(
    "arguments", ["--hidden 4000 --batch 2 --length 8", "--hidden 64 --batch 20000 --length 512"]
)
def test_the_error_for_limited_memory_suggests_a_setting_that_fits(
    arguments: str, launch: Launcher, book: Path
) -> None:
    """Under RLIMIT_AS, a network or batch that is too large causes one line and a hint, no traceback."""
    text = book.read_text()
    book.write_text(text * (400 if "20000" in arguments else 1))
    command = launch("train", "book.txt", "--steps", "5", *arguments.split(), at=book.parent, memory=150_000_000)
    assert command.wait() == 1
    errors = [line for line in command.err.splitlines() if line.startswith(("error:", "hint:", "Traceback"))]
    assert len(errors) == 2, command.err
    assert errors[0].startswith("error: out of memory: the training needs about ")
    assert "--hidden" in errors[1] or "--batch" in errors[1]


@pytest.mark.fault("F52")
def test_a_clock_that_is_set_back_has_no_effect(call: Call, book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By days at each reading: no time is negative, and the time budget is met."""
    looks = iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: 1e9 - 86_400 * next(looks))
    result = call("train", str(book), "--hidden", "16", "--minutes", "0.03", "--threads", "1", "--json")
    events: list[dict[str, Any]] = [json.loads(line) for line in result.out.splitlines()]
    assert result.code == 0
    assert 0 < events[-1]["seconds"] < 60
    assert events[-1]["characters_per_second"] > 0
    assert all(event.get("progress", 0) >= 0 for event in events)
