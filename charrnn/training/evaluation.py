"""Evaluation of the loss on the held-out text: a sample during training, up to 200,000 characters at the end.

There are two protocols with different results: `carried`, one stream over all of it, and `window256`, with the
state set to zero every 256 characters. The second is comparable with published results of networks with such a
context, for example nanoGPT.
"""

import math
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.network.char_rnn import CharRNN
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.batching import Chunk, EvalRows, split_into_rows
from charrnn.text.corpus import Corpus
from charrnn.text.ngram import CHARACTERS_PER_SECOND, MAX_ORDER, MAX_TRAIN_CHARS, NGram, fit_best_ngram
from charrnn.training.device import tf32
from charrnn.training.early_stopping import shows_no_overfitting
from charrnn.training.events import Evaluation, SafePoint, run_to_result
from charrnn.training.metrics import read_ngram, write_ngram
from charrnn.training.trainer import Trainer

ROWS = 64
ROW_WARM_UP = 256
"""characters that each row reads before it is scored; a hundred are enough for all but the third digit"""
SHORT_WARM_UP = 64
WINDOW = 256
"""characters that are scored from a cold start; a whole number of pieces, which are powers of two"""
MAX_CHUNK_CHARS = 128
"""characters of each row that are read at once"""
TRAINING_FRACTION = 1 / 260
"""of the characters that will be trained on, read in each of twenty evaluations: under three per cent of the time"""
MIN_CHARACTERS = 8_192
MAX_CHARACTERS = 200_000
"""of the held-out text, at the end: all of most texts, and of the others as much from every part"""
MAX_LOGITS = 1 << 22
"""numbers, in one piece of an evaluation: what bounds its memory"""


@dataclass(frozen=True, kw_only=True)
class EvalLoss:
    """A mean over characters."""

    nats: float
    error: float
    """standard error of the mean, each character taken as drawn by itself"""
    characters: int
    read: int
    """characters read for it, those of the warm-ups too: what its time depends on"""


@dataclass(frozen=True, kw_only=True)
class FinalLosses:
    """The losses at the end, by both protocols."""

    carried: EvalLoss
    window256: EvalLoss


def evaluate_final(trainer: Trainer, network: CharRNN) -> Generator[SafePoint, None, FinalLosses]:
    """Measure a network on all of a run's held-out text, or on as much as is read at the end."""
    carried = yield from _loss(trainer, network, _rows(trainer, ROW_WARM_UP), at_most=MAX_CHARACTERS)
    window256 = yield from _loss(trainer, network, _window_rows(trainer), at_most=MAX_CHARACTERS, window=WINDOW)
    return FinalLosses(carried=carried, window256=window256)


def evaluate(trainer: Trainer) -> Iterator[SafePoint | Evaluation]:
    """Measure the averaged weights on a sample, the same one each time, and remember them if they are the best.

    The run is changed after the last moment only. Raise DivergedError if the loss is no number.
    """
    characters = trainer.bookkeeping.eval_chars or _sample_size(trainer)
    loss = yield from _loss(trainer, trainer.ema_network, _rows(trainer, SHORT_WARM_UP), at_most=characters)
    yield _record(trainer, loss, characters)


def _record(trainer: Trainer, loss: EvalLoss, characters: int) -> Evaluation:
    """Take note of an evaluation's loss, on a sample of so many characters, and of the weights if it is the best."""
    if not math.isfinite(loss.nats):
        raise trainer.divergence_error("the held-out loss", trainer.step)
    train_nats = trainer.bookkeeping.record_evaluation(trainer.progress, eval_chars=characters)
    best = trainer.bookkeeping.keep_best(
        trainer.step,
        nats=loss.nats,
        train_nats=train_nats,
        characters=loss.characters,
        weights=trainer.ema_weights,
    )
    if shows_no_overfitting(loss.nats, loss.error, train_nats, best):
        trainer.bookkeeping.mark_good()
    return Evaluation(
        step=trainer.step,
        nats=loss.nats,
        characters=loss.characters,
        read=loss.read,
        best_nats=best.nats,
        best_step=best.step,
    )


def held_out_loss(trainer: Trainer, *, at_most: int = MAX_CHARACTERS, warm_up: int = ROW_WARM_UP) -> EvalLoss:
    """Measure `carried`: in rows side by side, each warmed up on the end of the one before; float32, no dropout.

    Of a text longer than `at_most` the beginning of every row is read, so from all its parts alike.
    """
    return run_to_result(_loss(trainer, trainer.ema_network, _rows(trainer, warm_up), at_most=at_most))


def held_out_window_loss(trainer: Trainer) -> EvalLoss:
    """Measure `window256`: in windows that follow each other, each read from the zero state; float32, no dropout.

    All 256 targets of a window are scored, the first of them after a single character. The characters are those
    that `carried` is the mean over, or where that reads a part only, nearly.
    """
    return run_to_result(
        _loss(trainer, trainer.ema_network, _window_rows(trainer), at_most=MAX_CHARACTERS, window=WINDOW)
    )


def eval_cost_chars(trainer: Trainer) -> int:
    """Foresee the characters read in an evaluation on the way, those of the warm-ups too."""
    rows = _rows(trainer, SHORT_WARM_UP)
    return (trainer.bookkeeping.eval_chars or 0) + rows.count * rows.warm_up


def final_cost_chars(trainer: Trainer) -> int:
    """Foresee the characters read at the end, by both protocols."""
    rows, windows = _rows(trainer, ROW_WARM_UP), _window_rows(trainer)
    carried = min(trainer.held_out_characters, MAX_CHARACTERS) + rows.count * rows.warm_up
    windows_a_row = -(-min(windows.length * windows.count, MAX_CHARACTERS) // (windows.count * WINDOW))
    return carried + windows.count * windows_a_row * WINDOW


def _loss(
    trainer: Trainer, network: CharRNN, rows: EvalRows, *, at_most: int, window: int = 0
) -> Generator[SafePoint, None, EvalLoss]:
    """Read rows until so many characters are scored; the state is zeroed every `window` characters, 0: never."""
    costs, count, read = [], 0, 0
    try:
        for chunk, nats in _target_nll(trainer, network, rows, window):
            costs.append(nats[chunk.is_scored])
            count += costs[-1].size
            read += chunk.inputs.size
            yield SafePoint()
            at_an_edge = not window or read % (window * rows.count) == 0
            if at_an_edge and count >= at_most:
                break
    finally:
        trainer.corpus.release_pages()
    nats_of_each = np.concatenate(costs, dtype=np.float64)
    error = float(nats_of_each.std()) / math.sqrt(count)
    return EvalLoss(nats=float(nats_of_each.mean()), error=error, characters=count, read=read)


def _target_nll(
    trainer: Trainer, network: CharRNN, rows: EvalRows, window: int
) -> Iterator[tuple[Chunk, NDArray[np.float32]]]:
    """Give the nats of every target (T, B), scored or not, a piece of all rows at a time."""
    ids = trainer.corpus.ids[trainer.train_characters :]
    length = _chunk_chars(rows.count * network.vocabulary_size)
    for number, chunk in enumerate(rows.chunks(ids, length)):
        if number == 0 or (window and number * length % window == 0):
            state = network.initial_state(rows.count)
        with tf32(trainer.device, allowed=False):
            nats, state = network.nll(chunk.inputs, chunk.targets, state)
        yield chunk, nats


def _chunk_chars(numbers: int) -> int:
    """Say how many characters of each row to read at once, a power of two, where each makes so many logits."""
    fitting = max(1, min(MAX_CHUNK_CHARS, MAX_LOGITS // numbers))
    return 1 << (fitting.bit_length() - 1)


def _rows(trainer: Trainer, warm_up: int) -> EvalRows:
    """Cut the held-out text into rows, fewer and less warmed up where it is short."""
    characters = trainer.held_out_characters
    return split_into_rows(
        characters, rows=min(ROWS, max(1, characters // 64)), warm_up=min(warm_up, characters // 4)
    )


def _window_rows(trainer: Trainer) -> EvalRows:
    """Cut the held-out text into rows of whole windows, which need no warm-up."""
    return split_into_rows(trainer.held_out_characters, rows=ROWS, warm_up=0, stride_multiple=WINDOW)


def _sample_size(trainer: Trainer) -> int:
    """Choose how much an evaluation on the way reads: a small share of what training reads."""
    steps = trainer.plan.steps or trainer.step
    trained = steps * trainer.training.batch * trainer.training.length
    return min(trainer.held_out_characters, max(MIN_CHARACTERS, round(trained * TRAINING_FRACTION)))


# Baselines in bits per character: a uniform model, character frequencies and gzip

GZIP_CHARS = 1_000_000


def baselines(corpus: Corpus) -> dict[str, float]:
    """Give the bits per character of chance, of letter frequencies, and of gzip on the text's first million."""
    counts = np.array([count for count in corpus.counts if count])
    shares = counts / counts.sum()
    start = corpus.text(0, GZIP_CHARS)
    return {
        "random": math.log2(len(corpus.vocabulary)),
        "letter frequencies": float(-(shares * np.log2(shares)).sum()),
        "gzip": 8 * len(zlib.compress(start.encode())) / len(start),
    }


# The n-gram baseline, fitted once per run and kept in the run's metrics

BUDGET_FRACTION = 0.03
"""of a budget of time, for the n-gram"""
MIN_TRAIN_CHARS = 20_000
"""characters, however little time there is: they take a twentieth of a second"""
ENOUGH_FRACTION = 0.9
"""of what the budget affords is as good"""


def ngram_baseline(trainer: Trainer, directory: RunDirectory) -> NGram:
    """Look up the n-gram of a run's text, or learn it and note it; anew only where a longer budget affords more."""
    at_most = round(chars_affordable(trainer.training.minutes) / _document_padding(trainer))
    recorded = read_ngram(directory.metrics)
    if recorded is not None and recorded.learned_from >= ENOUGH_FRACTION * min(at_most, trainer.train_characters):
        return recorded
    size = len(trainer.corpus.vocabulary)
    fitted = fit_best_ngram(
        trainer.corpus.ids,
        train_characters=trainer.train_characters,
        size=size,
        at_most=at_most,
        end=trainer.corpus.end,
    )
    trainer.corpus.release_pages()
    write_ngram(directory.metrics, fitted)
    return fitted


def _document_padding(trainer: Trainer) -> float:
    """Say how much longer a text becomes where its documents are kept apart."""
    corpus = trainer.corpus
    return 1.0 if corpus.end is None else 1 + (MAX_ORDER - 1) * corpus.counts[corpus.end] / corpus.characters


def chars_affordable(minutes: float | None) -> int:
    """Say how many characters it may learn from; all that it would, where time is not what is short.

    >>> chars_affordable(None), chars_affordable(0.1), chars_affordable(5)
    (2000000, 144000, 2000000)
    """
    if minutes is None:
        return MAX_TRAIN_CHARS
    return min(MAX_TRAIN_CHARS, max(MIN_TRAIN_CHARS, round(BUDGET_FRACTION * 60 * minutes * CHARACTERS_PER_SECOND)))
