"""The loss on the held-out end of a text: of a sample on the way, of up to 200,000 characters at the end.

By two protocols, whose figures differ: `carried`, one stream over all of it, and `window256`, the state zeroed every
256 characters. The second compares with what is published of networks that see so much at once, such as nanoGPT.
"""

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.network.module import CharacterNetwork
from charrnn.text.rows import Chunk, Rows, cut
from charrnn.training.device import tf32
from charrnn.training.events import Evaluation, Moment, result_of
from charrnn.training.patience import is_sound, recent_nats
from charrnn.training.run import Best, Run

ROWS = 64
WARM_UP = 256
"""characters that each row reads before it is scored; a hundred are enough for all but the third digit"""
SHORT_WARM_UP = 64
WINDOW = 256
"""characters that are scored from a cold start; a whole number of pieces, which are powers of two"""
LONGEST_PIECE = 128
"""characters of each row that are read at once"""
SHARE_OF_TRAINING = 1 / 260
"""of the characters that will be trained on, read in each of twenty evaluations: under three per cent of the time"""
FEWEST_CHARACTERS = 8_192
MOST_CHARACTERS = 200_000
"""of the held-out text, at the end: all of most texts, and of the others as much from every part"""
LARGEST_LOGITS = 1 << 22
"""numbers, in one piece of an evaluation: what bounds its memory"""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A mean over characters."""

    nats: float
    error: float
    """standard error of the mean, each character taken as drawn by itself"""
    characters: int
    read: int
    """characters read for it, those of the warm-ups too: what its time depends on"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The losses at the end, by both protocols."""

    carried: Loss
    window256: Loss


def measure(run: Run, network: CharacterNetwork) -> Generator[Moment, None, Measured]:
    """Measure a network on all of a run's held-out text, or on as much as is read at the end."""
    carried = yield from _loss(run, network, _rows(run, WARM_UP), at_most=MOST_CHARACTERS)
    window256 = yield from _loss(run, network, _windows(run), at_most=MOST_CHARACTERS, window=WINDOW)
    return Measured(carried=carried, window256=window256)


def evaluate(run: Run) -> Iterator[Moment | Evaluation]:
    """Measure the averaged weights on a sample, the same one each time, and remember them if they are the best.

    The run is changed after the last moment only. Raise DivergedError if the loss is no number.
    """
    characters = run.evaluation_characters or _sample_size(run)
    loss = yield from _loss(run, run.averaged, _rows(run, SHORT_WARM_UP), at_most=characters)
    yield _judged(run, loss, characters)


def _judged(run: Run, loss: Loss, characters: int) -> Evaluation:
    """Take note of an evaluation's loss, on a sample of so many characters, and of the weights if it is the best."""
    if not math.isfinite(loss.nats):
        raise run.diverged("the held-out loss", run.step)
    run.evaluation_characters = characters
    train_nats = recent_nats(run)
    run.since_evaluation[:] = 0
    run.take_part("evaluation")
    if run.best is None or loss.nats < run.best.nats:
        run.best = Best(
            step=run.step,
            nats=loss.nats,
            train_nats=train_nats,
            characters=loss.characters,
            weights=run.averages(),
        )
    if is_sound(loss.nats, loss.error, train_nats, run.best):
        run.sound_parts = run.parts["evaluation"]
    return Evaluation(
        step=run.step,
        nats=loss.nats,
        characters=loss.characters,
        read=loss.read,
        best_nats=run.best.nats,
        best_step=run.best.step,
    )


def held_out_loss(run: Run, *, at_most: int = MOST_CHARACTERS, warm_up: int = WARM_UP) -> Loss:
    """Measure `carried`: in rows side by side, each warmed up on the end of the one before; float32, no dropout.

    Of a text longer than `at_most` the beginning of every row is read, so from all its parts alike.
    """
    return result_of(_loss(run, run.averaged, _rows(run, warm_up), at_most=at_most))


def held_out_window_loss(run: Run) -> Loss:
    """Measure `window256`: in windows that follow each other, each read from the zero state; float32, no dropout.

    All 256 targets of a window are scored, the first of them after a single character. The characters are those
    that `carried` is the mean over, or where that reads a part only, nearly.
    """
    return result_of(_loss(run, run.averaged, _windows(run), at_most=MOST_CHARACTERS, window=WINDOW))


def read_on_the_way(run: Run) -> int:
    """Foresee the characters read in an evaluation on the way, those of the warm-ups too."""
    rows = _rows(run, SHORT_WARM_UP)
    return (run.evaluation_characters or 0) + rows.count * rows.warm_up


def read_at_the_end(run: Run) -> int:
    """Foresee the characters read at the end, by both protocols."""
    rows, windows = _rows(run, WARM_UP), _windows(run)
    carried = min(run.held_out_characters, MOST_CHARACTERS) + rows.count * rows.warm_up
    windows_a_row = -(-min(windows.length * windows.count, MOST_CHARACTERS) // (windows.count * WINDOW))
    return carried + windows.count * windows_a_row * WINDOW


def _loss(
    run: Run, network: CharacterNetwork, rows: Rows, *, at_most: int, window: int = 0
) -> Generator[Moment, None, Loss]:
    """Read rows until so many characters are scored; the state is zeroed every `window` characters, 0: never."""
    costs, count, read = [], 0, 0
    try:
        for chunk, nats in _costs(run, network, rows, window):
            costs.append(nats[chunk.scored])
            count += costs[-1].size
            read += chunk.inputs.size
            yield Moment()
            at_an_edge = not window or read % (window * rows.count) == 0
            if at_an_edge and count >= at_most:
                break
    finally:
        run.corpus.release()
    nats_of_each = np.concatenate(costs, dtype=np.float64)
    error = float(nats_of_each.std()) / math.sqrt(count)
    return Loss(nats=float(nats_of_each.mean()), error=error, characters=count, read=read)


def _costs(
    run: Run, network: CharacterNetwork, rows: Rows, window: int
) -> Iterator[tuple[Chunk, NDArray[np.float32]]]:
    """Give the nats of every target (T, B), scored or not, a piece of all rows at a time."""
    ids = run.corpus.ids[run.train_characters :]
    length = _piece(rows.count * network.vocabulary_size)
    for number, chunk in enumerate(rows.chunks(ids, length)):
        if number == 0 or (window and number * length % window == 0):
            state = network.start(rows.count)
        with tf32(run.device, allowed=False):
            nats, state = network.costs(chunk.inputs, chunk.targets, state)
        yield chunk, nats


def _piece(numbers: int) -> int:
    """Say how many characters of each row to read at once, a power of two, where each makes so many logits."""
    fitting = max(1, min(LONGEST_PIECE, LARGEST_LOGITS // numbers))
    return 1 << (fitting.bit_length() - 1)


def _rows(run: Run, warm_up: int) -> Rows:
    """Cut the held-out text into rows, fewer and less warmed up where it is short."""
    characters = run.held_out_characters
    return cut(characters, rows=min(ROWS, max(1, characters // 64)), warm_up=min(warm_up, characters // 4))


def _windows(run: Run) -> Rows:
    """Cut the held-out text into rows of whole windows, which need no warm-up."""
    return cut(run.held_out_characters, rows=ROWS, warm_up=0, multiple=WINDOW)


def _sample_size(run: Run) -> int:
    """Choose how much an evaluation on the way reads: a small share of what training reads."""
    steps = run.plan.steps or run.step
    trained = steps * run.training.batch * run.training.length
    return min(run.held_out_characters, max(FEWEST_CHARACTERS, round(trained * SHARE_OF_TRAINING)))
