"""Slow down a phase of a command, or limit its resources.

These functions change charrnn or the limits of the process. The fork server calls them in the child process.
"""

import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Enter = Callable[[], None]

SECONDS_PER_STEP = 0.1
"""duration of a step of a slow phase, which then takes many seconds"""

RELEASE = Path("/nonexistent")
"""file whose existence ends the slow phase"""


def slow_down(phase: str, enter: Enter, release: Path) -> None:
    """Slow a phase down, in steps, until a file exists; call `enter` at each step."""
    global RELEASE
    RELEASE = release
    PHASES[phase](enter)


def pause(seconds: float) -> None:
    """Wait for a time, or until the slowdown ends."""
    deadline = time.monotonic() + seconds
    while (remaining := deadline - time.monotonic()) > 0 and not RELEASE.exists():
        time.sleep(min(remaining, 0.02))


def limit(memory: int | None, largest_file: int | None) -> None:
    """Limit the additional address space of the process, and the size of the files that it writes."""
    if memory is not None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit_bytes = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))


def with_pauses(
    module: Any, name: str, enter: Enter, *, begin_at: int = 1, seconds: float = SECONDS_PER_STEP
) -> None:
    """Make a generator function wait before each of its items, from its n-th call on."""
    original, calls = getattr(module, name), 0

    def slowed(*arguments: Any, **named: Any) -> Iterator[Any]:
        nonlocal calls
        calls += 1
        slow = calls >= begin_at
        for item in original(*arguments, **named):
            if slow:
                enter()
                pause(seconds)
            yield item

    setattr(module, name, slowed)


def encoding(enter: Enter) -> None:
    """Slow down the second pass over the text, which writes its ids."""
    from charrnn.text import corpus_encoder

    with_pauses(corpus_encoder, "_read_code_points", enter, seconds=8.0)


def preview(enter: Enter) -> None:
    """Slow down a preview after some steps."""
    from charrnn.training import loop

    with_pauses(loop, "generate", enter, begin_at=2)


def evaluation(enter: Enter) -> None:
    """Slow down the evaluation after some steps, which then reads one character of each row at a time."""
    from charrnn.training import evaluation

    evaluation.MAX_CHUNK_CHARS = 1
    with_pauses(evaluation, "_target_nll", enter, begin_at=2)


def finish(enter: Enter) -> None:
    """Slow down the final evaluation."""
    from charrnn.training import evaluation, fit

    original = evaluation.evaluate_final

    def slowed(*arguments: Any) -> Any:
        evaluation.MAX_CHUNK_CHARS = 1
        with_pauses(evaluation, "_target_nll", enter)
        return (yield from original(*arguments))

    fit.evaluate_final = slowed  # type: ignore[attr-defined, assignment]


def step(enter: Enter) -> None:
    """Slow down the training steps, from the fifth on."""
    from charrnn.training.trainer import Trainer

    original = Trainer.train_step

    def slowed(trainer: Trainer) -> Any:
        if trainer.step >= 4:
            enter()
            pause(SECONDS_PER_STEP)
        return original(trainer)

    setattr(Trainer, "train_step", slowed)  # noqa: B010 - mypy does not let methods be assigned


def save(enter: Enter) -> None:
    """Slow down each fsync, from the first checkpoint on."""
    from charrnn.training import checkpoint, checkpointer

    original_fsync, original_save = os.fsync, checkpoint.save_checkpoint

    def slow_fsync(descriptor: int) -> None:
        enter()
        pause(SECONDS_PER_STEP)
        original_fsync(descriptor)

    def save_slowly(*arguments: Any) -> Any:
        os.fsync = slow_fsync  # type: ignore[assignment]
        return original_save(*arguments)

    checkpointer.save_checkpoint = save_slowly  # type: ignore[attr-defined,assignment]


PHASES: dict[str, Callable[[Enter], None]] = {
    "encoding": encoding,
    "preview": preview,
    "evaluation": evaluation,
    "finish": finish,
    "step": step,
    "save": save,
}
