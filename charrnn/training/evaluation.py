"""Evaluation of the loss on held-out text: a sample during training, up to 200,000 characters at the end.

There are two protocols with different results: `carried`, where the state is carried over the whole text, and
`window256`, where the state is reset every 256 characters. The second is comparable with published results of
networks with such a context, for example nanoGPT.
"""

import math
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from charrnn.network.char_rnn import CharRNN
from charrnn.text.batching import Chunk, EvalRows, split_into_rows
from charrnn.text.corpus import Corpus
from charrnn.training.device import tf32
from charrnn.training.early_stopping import keeps_last_weights, shows_no_overfitting
from charrnn.training.events import Evaluation, SafePoint, run_to_result
from charrnn.training.process_group import ProcessGroup
from charrnn.training.trainer import Trainer

ROWS = 64
"""number of rows that are read in parallel"""
ROW_WARM_UP = 256
"""characters that each row reads before it is scored; after a hundred only the third digit of the loss changes"""
SHORT_WARM_UP = 64
"""characters of warm-up in evaluations during training"""
WINDOW = 256
"""characters between two resets of the state; a multiple of the chunk sizes, which are powers of two"""
MAX_CHUNK_CHARS = 128
"""maximum number of characters of each row that are read at once"""
TRAINING_FRACTION = 1 / 260
"""size of an evaluation, as a fraction of the characters read in training; all twenty take under 3 % of the time"""
MIN_CHARACTERS = 8_192
"""minimum size of an evaluation during training"""
MAX_CHARACTERS = 200_000
"""maximum size of the final evaluation, which reads an equal share of every part of a longer text"""
MAX_LOGITS = 1 << 22
"""maximum number of logits per chunk, which bounds the memory"""


@dataclass(frozen=True, kw_only=True)
class EvalLoss:
    """A mean loss over characters."""

    nats: float
    error: float
    """standard error of the mean, as if the losses of characters were independent"""
    characters: int
    """number of scored characters"""
    read: int
    """number of characters read, including warm-ups, which determines the time"""


@dataclass(frozen=True, kw_only=True)
class FinalLosses:
    """The losses of the final evaluation, by protocol."""

    carried: EvalLoss
    window256: EvalLoss


def evaluate_final(trainer: Trainer, network: CharRNN) -> Generator[SafePoint, None, FinalLosses]:
    """Return the losses of a network on the held-out text of a run, or on MAX_CHARACTERS of it."""
    carried = yield from _loss(trainer, network, _rows(trainer, ROW_WARM_UP), max_chars=MAX_CHARACTERS)
    window256 = yield from _loss(trainer, network, _window_rows(trainer), max_chars=MAX_CHARACTERS, window=WINDOW)
    return FinalLosses(carried=carried, window256=window256)


def evaluate(trainer: Trainer) -> Iterator[SafePoint | Evaluation]:
    """Evaluate the EMA weights on a sample of the held-out text, always the same, and keep them if they are the best.

    The run changes only after the last safe point. Raise DivergedError if the loss is not finite.
    """
    characters = trainer.bookkeeping.eval_chars or _sample_size(trainer)
    loss = yield from _loss(trainer, trainer.ema_network, _rows(trainer, SHORT_WARM_UP), max_chars=characters)
    yield _record(trainer, loss, characters)


def _record(trainer: Trainer, loss: EvalLoss, characters: int) -> Evaluation:
    """Record an evaluation of a sample of `characters`, and return its event."""
    if not math.isfinite(loss.nats):
        raise trainer.divergence_error("the held-out loss", trainer.step)
    train_nats = trainer.bookkeeping.record_evaluation(trainer.progress, eval_chars=characters)
    best = trainer.bookkeeping.keep_best(
        trainer.step,
        nats=loss.nats,
        train_nats=train_nats,
        characters=loss.characters,
        weights=trainer.ema_weights,
        always=keeps_last_weights(trainer.corpus),
    )
    if shows_no_overfitting(loss.nats, loss.error, train_nats, best):
        trainer.bookkeeping.mark_no_overfitting()
    return Evaluation(
        step=trainer.step,
        nats=loss.nats,
        characters=loss.characters,
        read=loss.read,
        best_nats=best.nats,
        best_step=best.step,
    )


def held_out_loss(trainer: Trainer, *, max_chars: int = MAX_CHARACTERS, warm_up: int = ROW_WARM_UP) -> EvalLoss:
    """Return the `carried` loss of the EMA weights, in float32 without dropout.

    Rows are read in parallel, each warmed up on the end of the row before it. Of a text longer than `max_chars`, the
    beginning of every row is scored.
    """
    return run_to_result(_loss(trainer, trainer.ema_network, _rows(trainer, warm_up), max_chars=max_chars))


def held_out_window_loss(trainer: Trainer) -> EvalLoss:
    """Return the `window256` loss of the EMA weights, in float32 without dropout.

    Consecutive windows are read from the zero state, and all 256 targets of a window are scored, the first one after
    a single character. The scored characters are those of `carried`, or nearly those where a part is scored.
    """
    return run_to_result(
        _loss(trainer, trainer.ema_network, _window_rows(trainer), max_chars=MAX_CHARACTERS, window=WINDOW)
    )


def eval_cost_chars(trainer: Trainer) -> int:
    """Return the number of characters that an evaluation during training reads, including warm-ups."""
    rows = _rows(trainer, SHORT_WARM_UP)
    return (trainer.bookkeeping.eval_chars or 0) + rows.count * rows.warm_up


def final_cost_chars(trainer: Trainer) -> int:
    """Return the number of characters that the final evaluation reads by both protocols."""
    rows, windows = _rows(trainer, ROW_WARM_UP), _window_rows(trainer)
    carried = min(trainer.held_out_characters, MAX_CHARACTERS) + rows.count * rows.warm_up
    windows_per_row = -(-min(windows.length * windows.count, MAX_CHARACTERS) // (windows.count * WINDOW))
    return carried + windows.count * windows_per_row * WINDOW


def _loss(
    trainer: Trainer, network: CharRNN, rows: EvalRows, *, max_chars: int, window: int = 0
) -> Generator[SafePoint, None, EvalLoss]:
    """Return the loss of `max_chars` characters of the rows; the state is reset every `window` (0: never).

    Each process reads some of the rows.
    """
    losses, time = [], 0
    try:
        for chunk, nats in _target_nll(trainer, network, rows, window):
            losses.append(nats[chunk.is_scored])
            time += len(chunk.inputs)
            yield SafePoint()
            at_window_end = not window or time % window == 0
            if at_window_end and rows.scored_before(time) >= max_chars:
                break
    finally:
        trainer.corpus.release_pages()
    char_nats = np.concatenate(losses, dtype=np.float64)
    mean, deviation = _mean_and_deviation(trainer.group, char_nats)
    count = rows.scored_before(time)
    return EvalLoss(nats=mean, error=deviation / math.sqrt(count), characters=count, read=time * rows.count)


def _mean_and_deviation(group: ProcessGroup, values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean and the standard deviation of the values of all processes."""
    if not group.is_distributed:
        return float(values.mean()), float(values.std())
    sums = torch.tensor([values.size, values.sum(), np.square(values).sum()], dtype=torch.float64)
    group.sum(sums)
    count, total, squares = sums.tolist()
    return total / count, math.sqrt(max(0.0, squares / count - (total / count) ** 2))


def _target_nll(
    trainer: Trainer, network: CharRNN, rows: EvalRows, window: int
) -> Iterator[tuple[Chunk, NDArray[np.float32]]]:
    """Yield chunks of the rows of this process with the nats of every target (T, B), scored or not."""
    ids = trainer.corpus.ids[trainer.train_characters :]
    length, shard = _chunk_chars(rows.count * network.vocabulary_size), trainer.group.world.shard(rows.count)
    for number, chunk in enumerate(rows.chunks(ids, length, shard.rows)):
        if not shard.size:
            yield chunk, np.empty(chunk.inputs.shape, np.float32)
            continue
        if number == 0 or (window and number * length % window == 0):
            state = network.initial_state(shard.size)
        with tf32(trainer.device, allowed=False):
            nats, state = network.nll(chunk.inputs, chunk.targets, state)
        yield chunk, nats


def _chunk_chars(logits: int) -> int:
    """Return the number of characters of each row per chunk, a power of two, for `logits` per position."""
    fitting = max(1, min(MAX_CHUNK_CHARS, MAX_LOGITS // logits))
    return 1 << (fitting.bit_length() - 1)


def _rows(trainer: Trainer, warm_up: int) -> EvalRows:
    """Split the held-out text into rows; a short text has fewer rows with a shorter warm-up."""
    characters = trainer.held_out_characters
    return split_into_rows(
        characters, rows=min(ROWS, max(1, characters // 64)), warm_up=min(warm_up, characters // 4)
    )


def _window_rows(trainer: Trainer) -> EvalRows:
    """Split the held-out text into rows of whole windows, which need no warm-up."""
    return split_into_rows(trainer.held_out_characters, rows=ROWS, warm_up=0, stride_multiple=WINDOW)


def _sample_size(trainer: Trainer) -> int:
    """Return the number of characters of an evaluation during training, in proportion to those read in training."""
    steps = trainer.plan.steps or trainer.step
    train_characters = steps * trainer.training.batch * trainer.training.length
    return min(trainer.held_out_characters, max(MIN_CHARACTERS, round(train_characters * TRAINING_FRACTION)))


# Baselines in bits per character: a uniform distribution, character frequencies and gzip

GZIP_CHARS = 1_000_000
"""number of characters that gzip compresses"""


def baselines(corpus: Corpus) -> dict[str, float]:
    """Return the bits per character of a uniform guess, of character frequencies, and of gzip."""
    counts = np.array([count for count in corpus.counts if count])
    frequencies = counts / counts.sum()
    start = corpus.text(0, GZIP_CHARS)
    return {
        "random": math.log2(len(corpus.vocabulary)),
        "letter frequencies": float(-(frequencies * np.log2(frequencies)).sum()),
        "gzip": 8 * len(zlib.compress(start.encode())) / len(start),
    }
