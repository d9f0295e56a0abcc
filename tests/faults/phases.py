"""What can be done to a command from within before it runs: slow one of its phases down, or limit what it may have.

Only for processes that `launching` has forked.
"""

import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Enter = Callable[[], None]

SECONDS_A_PIECE = 0.1
"""of something long; the whole of it then takes many seconds"""

RELEASE = Path("/nonexistent")
"""a file; once it exists, nothing is slow any more"""


def slow_down(phase: str, enter: Enter, release: Path) -> None:
    """Have a phase take long, in pieces as it is in earnest, until a file exists; call `enter` at each piece."""
    global RELEASE
    RELEASE = release
    PHASES[phase](enter)


def pause(seconds: float) -> None:
    """Wait for so long, or until everything is to go on as fast as it can."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0 and not RELEASE.exists():
        time.sleep(min(left, 0.02))


def limit(memory: int | None, largest_file: int | None) -> None:
    """Let the process have only so much address space more than now, and write only so large files."""
    if memory is not None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    if largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))


def in_pieces(module: Any, name: str, enter: Enter, *, begin_at: int = 1, seconds: float = SECONDS_A_PIECE) -> None:
    """Have a generator function wait so long before each of its items, from the n-th call of it on."""
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
    """Slow down the second reading of the text, while its ids are written."""
    from charrnn.text import corpus_encoder

    in_pieces(corpus_encoder, "_read_code_points", enter, begin_at=2, seconds=8.0)


def ngram(enter: Enter) -> None:
    """Slow down the learning of the n-gram, order by order."""
    from charrnn.text import ngram

    in_pieces(ngram, "probabilities", enter, seconds=1.0)


def preview(enter: Enter) -> None:
    """Slow down what the network writes after it has made some steps."""
    from charrnn.training import loop

    in_pieces(loop, "generate", enter, begin_at=2)


def evaluation(enter: Enter) -> None:
    """Slow down the reading of the held-out text, after some steps; a character of each row at a time."""
    from charrnn.training import evaluation

    evaluation.MAX_CHUNK_CHARS = 1
    in_pieces(evaluation, "_target_nll", enter, begin_at=2)


def finish(enter: Enter) -> None:
    """Slow down the last reading of the held-out text."""
    from charrnn.training import evaluation, fit

    original = evaluation.evaluate_final

    def slowed(*given: Any) -> Any:
        evaluation.MAX_CHUNK_CHARS = 1
        in_pieces(evaluation, "_target_nll", enter)
        return (yield from original(*given))

    fit.evaluate_final = slowed  # type: ignore[attr-defined, assignment]


def step(enter: Enter) -> None:
    """Slow down the updates of the weights, from the fifth step on."""
    from charrnn.training.trainer import Trainer

    original = Trainer.train_step

    def slowed(trainer: Trainer) -> Any:
        if trainer.step >= 4:
            enter()
            pause(SECONDS_A_PIECE)
        return original(trainer)

    setattr(Trainer, "train_step", slowed)  # noqa: B010 - mypy does not let methods be assigned


def save(enter: Enter) -> None:
    """Have a slow disk, which takes a while to make a file durable; from the first checkpoint on."""
    from charrnn.training import checkpoint, checkpointer

    original, saved = os.fsync, checkpoint.save_checkpoint

    def slowed(descriptor: int) -> None:
        enter()
        pause(SECONDS_A_PIECE)
        original(descriptor)

    def begun(*arguments: Any) -> Any:
        os.fsync = slowed  # type: ignore[assignment]
        return saved(*arguments)

    checkpointer.save_checkpoint = begun  # type: ignore[attr-defined,assignment]


PHASES: dict[str, Callable[[Enter], None]] = {
    "encoding": encoding,
    "ngram": ngram,
    "preview": preview,
    "evaluation": evaluation,
    "finish": finish,
    "step": step,
    "save": save,
}
