"""Scores of a text under a model: negative log-likelihood, bits per character and byte, and perplexities.

The state is carried through a text, or reset at the start of each line (`--per-line`). A long text is split into rows
that are read in parallel; lines are read in parallel too.
"""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from threading import Event
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError
from charrnn.generation.generate import prefill
from charrnn.network.inference import InferenceRNN, Nats, log_softmax
from charrnn.text.batching import split_into_rows
from charrnn.text.documents import ensure_terminated, mark_ends
from charrnn.text.vocabulary import UNKNOWN, Ids, Vocabulary

ROW_WARM_UP = 256
"""characters after which the state of a row is that of one long pass, to about a millionth of a nat"""
MAX_ROWS, ROWS_PER_THREAD = 256, 64
"""rows of a text, and rows that a thread reads at a time: matrix products are fastest with about 64 rows"""
MAX_CHUNK_NUMBERS = 16_000_000
"""numbers (logits and hidden values) in all chunks that are read at the same time, which bounds the memory"""

LINES_PER_BATCH = 64
"""lines that a thread reads at a time"""
MAX_NATS = 700.0
"""largest value whose exponential is finite"""
MAX_CHUNK_CHARS = 128
"""characters of a row that are read at a time"""


@dataclass(frozen=True, kw_only=True)
class Score:
    """The score of a text: the loss of its predicted characters, in several units.

    The first character is not predicted, so it counts in no unit; a model of documents predicts it, and the end of a
    document, which is one character and one byte. Unknown characters are left out, or count as U+FFFD.

    >>> score = Score(characters=8, nats=16.6355, utf8_bytes=10, words=2)
    >>> score, round(score.bits_per_byte, 2), round(score.perplexity_per_word)
    (Score(bits_per_char=3.0000, characters=8, utf8_bytes=10, words=2, unknown=0), 2.4, 4096)
    """

    characters: int
    """number of predicted characters"""
    nats: float
    """sum of −ln p of these characters"""
    utf8_bytes: int
    """length of these characters in UTF-8"""
    words: int
    """number of words: sequences of characters that are not whitespace"""
    unknown: int = 0
    """number of characters outside the vocabulary"""
    unknown_read_as_ufffd: bool = False
    """whether unknown characters were replaced by U+FFFD, and predicted; otherwise they were left out"""

    def __repr__(self) -> str:
        counts = f"characters={self.characters}, utf8_bytes={self.utf8_bytes}, words={self.words}"
        return f"Score(bits_per_char={self.bits_per_char:.4f}, {counts}, unknown={self.unknown})"

    @property
    def unknown_share(self) -> float:
        """Fraction of the text that is outside the vocabulary; near 1 if the text is in another alphabet."""
        return min(1.0, self.unknown / (self.characters + self.unknown * (not self.unknown_read_as_ufffd)))

    @property
    def nats_per_char(self) -> float:
        """Mean of −ln p."""
        return self.nats / self.characters

    @property
    def bits_per_char(self) -> float:
        """Mean of −log2 p: the compressed size of a character, if an ideal coder used this model."""
        return self.nats_per_char / math.log(2)

    @property
    def perplexity(self) -> float:
        """Exponential of the mean of −ln p, as a number of equally likely characters; inf on overflow."""
        return math.exp(self.nats_per_char) if self.nats_per_char < MAX_NATS else math.inf

    @property
    def bits_per_byte(self) -> float:
        """Sum of −log2 p per byte of UTF-8, which models of bytes, characters and tokens have in common."""
        return self.nats / math.log(2) / self.utf8_bytes

    @property
    def perplexity_per_word(self) -> float | None:
        """Perplexity per word, 2^(bits per character · characters / words), inf on overflow; None without words.

        Words are separated by whitespace, whose loss counts too, as usual in comparisons with word-level models.
        """
        if not self.words:
            return None
        nats = self.nats / self.words
        return math.exp(nats) if nats < MAX_NATS else math.inf


class Predictor(Protocol):
    """A recurrent network that computes −ln p of characters.

    `InferenceRNN` starts quickly, because it does not need torch; `CharRNN` reads many rows faster.
    """

    config: NetworkConfig
    vocabulary_size: int
    end_id: int | None
    """id of the character that ends a document; None if the model has no documents"""

    def initial_state(self, streams: int) -> Any:
        """Return the initial state of so many rows."""

    def nll(self, inputs: Ids, targets: Ids, state: Any) -> tuple[Nats, Any]:
        """Return −ln p of the targets (T, B) that follow the inputs (T, B): nats (T, B), and the final state."""


def score(predictor: Predictor, vocabulary: Vocabulary, text: str, *, threads: int = 1) -> Score:
    """Return the score of a text; unknown characters are replaced by U+FFFD, or left out if the model lacks U+FFFD.

    A model of documents predicts each document completely, including its end, and resets the state after it. Raise
    CharrnnError if fewer than two characters are left: without documents, the first one is not predicted.
    """
    text = ensure_terminated(text, predictor.config.documents)
    ids = vocabulary.encode(text, unknown="replace")
    if predictor.end_id is not None:
        ids = np.concatenate([[predictor.end_id], ids])
    if ids.size < 2:
        suffix = "" if UNKNOWN in vocabulary or not vocabulary.count_unknown(text) else " that the model knows"
        raise CharrnnError(f"too short to score: at least 2 characters{suffix} are needed")
    nats = char_nll(predictor, ids, threads=threads)
    return _score_of(vocabulary, predictor, text, ids[1:], float(nats.sum(dtype=np.float64)))


def _score_of(vocabulary: Vocabulary, predictor: Predictor, text: str, predicted: Ids, nats: float) -> Score:
    """Return the score of a text with the given ids of predicted characters."""
    return Score(
        characters=predicted.size,
        nats=nats,
        utf8_bytes=vocabulary.count_bytes(predicted),
        words=vocabulary.count_words(predicted, separator=predictor.end_id),
        unknown=vocabulary.count_unknown(text).total(),
        unknown_read_as_ufffd=UNKNOWN in vocabulary,
    )


def split_lines(text: str) -> list[str]:
    r"""Return the lines of a text, without their line feeds; only a line feed ends a line.

    >>> split_lines("one\rtwo\n\nthree\n")
    ['one\rtwo', '', 'three']
    """
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def score_lines(
    predictor: Predictor, vocabulary: Vocabulary, lines: Sequence[str], *, threads: int = 1
) -> list[Score | None]:
    r"""Return the score of each line, read from the initial state; None if a line has too few known characters.

    A line is given without its line feed. The model reads a line feed before it, and predicts the line and the line
    feed after it. If the vocabulary has no line feed, the first character of a line is not predicted. A model of
    documents reads a line as the beginning of a document.
    """
    newline = [vocabulary.id_of("\n")] if "\n" in vocabulary else []
    before, after = (
        (newline, newline) if predictor.end_id is None else ([predictor.end_id], newline or [predictor.end_id])
    )
    ids = [np.array([*before, *vocabulary.encode(line, unknown="replace"), *after], np.int64) for line in lines]
    by_length = sorted((index for index, line in enumerate(ids) if line.size > 1), key=lambda index: ids[index].size)
    scores: list[Score | None] = [None] * len(lines)

    def score_batch(batch: Sequence[int]) -> Iterator[None]:
        sums = yield from _line_nll(predictor, [ids[index] for index in batch])
        for index, nats in zip(batch, sums.tolist(), strict=True):
            scores[index] = _score_of(vocabulary, predictor, lines[index], ids[index][1:], nats)

    starts = range(0, len(by_length), LINES_PER_BATCH)
    batches = [by_length[start : start + LINES_PER_BATCH] for start in starts]
    run_generators([partial(score_batch, batch) for batch in batches], threads=threads)
    return scores


def next_char_probabilities(
    rnn: InferenceRNN, vocabulary: Vocabulary, text: str, *, most: int
) -> tuple[tuple[str, float], ...]:
    """Return the `most` likeliest next characters after a text and their probabilities, in descending order."""
    state = prefill(rnn, vocabulary.encode(mark_ends(text, rnn.config.documents), unknown="replace"))
    hidden = state[-1].hidden
    probabilities = np.exp(log_softmax(rnn.logits(hidden)[0].astype(np.float64)))
    order = np.argsort(-probabilities, kind="stable")[:most]
    return tuple((vocabulary.characters[char_id], float(probabilities[char_id])) for char_id in order)


def char_nll(
    predictor: Predictor, ids: Ids, *, rows: int | None = None, warm_up: int = ROW_WARM_UP, threads: int = 1
) -> Nats:
    """Return −ln p of each character of a text except the first: ids (T,) -> (T - 1,).

    A single row is one long pass from the initial state. Of several rows, each except the first reads `warm_up`
    characters before it is scored. The default number of rows depends on the length. The number of threads does not
    change the result.
    """
    if rows is None:
        rows = min(MAX_ROWS, len(ids) // (4 * ROW_WARM_UP))
    layout = split_into_rows(len(ids), rows=rows, warm_up=warm_up)
    groups = _row_groups(layout.count)
    length = _chunk_length(predictor, threads * -(-layout.count // len(groups)))
    nats = np.empty(len(ids) - 1, dtype=np.float32)

    def score_group(group: slice) -> Iterator[None]:
        state = predictor.initial_state(group.stop - group.start)
        for chunk in layout.chunks(ids, length, group):
            chunk_nats, state = predictor.nll(chunk.inputs, chunk.targets, state)
            nats[chunk.positions[chunk.is_scored] - 1] = chunk_nats[chunk.is_scored]
            yield

    run_generators([partial(score_group, group) for group in groups], threads=threads)
    return nats


def _row_groups(rows: int) -> list[slice]:
    """Return groups of about equal size, of at most ROWS_PER_THREAD rows each."""
    count = -(-rows // ROWS_PER_THREAD)
    edges = [rows * group // count for group in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def _chunk_length(predictor: Predictor, rows: int) -> int:
    """Return the number of characters of a chunk, if so many rows are read at the same time."""
    width = predictor.vocabulary_size + predictor.config.hidden
    return max(1, min(MAX_CHUNK_CHARS, MAX_CHUNK_NUMBERS // (rows * width)))


def _line_nll(predictor: Predictor, lines: Sequence[Ids]) -> Generator[None, None, NDArray[np.float64]]:
    """Return the sum of −ln p of each line except its first character, (B,); the last line is the longest.

    The generator yields after each chunk.
    """
    lengths = np.array([len(line) for line in lines])
    padded = np.zeros((lengths[-1], len(lines)), dtype=np.int64)
    for column, line in enumerate(lines):
        padded[: len(line), column] = line
    sums, state = np.zeros(len(lines)), predictor.initial_state(len(lines))
    chunk_length = _chunk_length(predictor, len(lines))
    for start in range(0, len(padded) - 1, chunk_length):
        targets = padded[start + 1 : start + chunk_length + 1]
        nats, state = predictor.nll(padded[start : start + len(targets)], targets, state)
        is_in_line = np.arange(start + 1, start + len(targets) + 1)[:, None] < lengths
        sums += nats.sum(axis=0, dtype=np.float64, where=is_in_line)
        yield
    return sums


# Generators that run in several threads. NumPy releases the interpreter lock during matrix products, so the threads
# run in parallel.


def run_generators(generators: Sequence[Callable[[], Iterator[Any]]], *, threads: int = 1) -> None:
    """Create and exhaust each generator, in so many threads; an exception in one is raised here.

    After an exception or an interrupt, the other generators end at their next `yield`.

    >>> calls = []
    >>> run_generators([lambda: map(calls.append, "ab"), lambda: map(calls.append, "cd")])
    >>> calls
    ['a', 'b', 'c', 'd']
    """
    stopped = Event()

    def run(create_generator: Callable[[], Iterator[Any]]) -> None:
        try:
            for _ in create_generator():
                if stopped.is_set():
                    return
        except BaseException:
            stopped.set()
            raise

    if threads == 1 or len(generators) <= 1:
        for create_generator in generators:
            run(create_generator)
        return
    with ThreadPoolExecutor(min(threads, len(generators))) as pool:
        try:
            for future in [pool.submit(run, create_generator) for create_generator in generators]:
                future.result()
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
