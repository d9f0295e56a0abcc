"""Scores of a text under a model: negative log-likelihood, bits per character and perplexity.

The state is carried through a text and starts anew at each line of `--lines`. A long text is cut into rows that are
read side by side, and so are lines.
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
from charrnn.text.documents import ensure_terminated
from charrnn.text.vocabulary import UNKNOWN, Ids, Vocabulary

ROW_WARM_UP = 256
"""characters that bring a row's state to what one long pass would have made it, to about a millionth of a nat"""
MAX_ROWS, ROWS_PER_THREAD = 256, 64
"""in all, and read at once by a thread, which multiplies fastest with so many"""
MAX_CHUNK_NUMBERS = 16_000_000
"""in the chunks being read, logits and what they are made from: what bounds the memory, whatever text and network"""

LINES_PER_BATCH = 64
MAX_NATS = 700.0
"""whose exponential is a number"""
MAX_CHUNK_CHARS = 128
"""characters of a row"""


@dataclass(frozen=True, kw_only=True)
class Score:
    """How well a text was predicted.

    >>> round(Score(characters=100, nats=138.6294).bits_per_char, 4)
    2.0
    """

    characters: int
    """predicted: all that the model knows, but the first, which nothing predicts"""
    nats: float
    """what they cost together: the sum of −ln p"""
    unknown: int = 0
    """characters outside the vocabulary"""
    unknown_read_as_ufffd: bool = False
    """whether those were read as its U+FFFD, and so predicted too; else they were left out"""

    @property
    def unknown_share(self) -> float:
        """Share of the text that is outside the vocabulary: near 1, it is in another alphabet."""
        return min(1.0, self.unknown / (self.characters + self.unknown * (not self.unknown_read_as_ufffd)))

    @property
    def nats_per_char(self) -> float:
        """Mean cost of a character."""
        return self.nats / self.characters

    @property
    def bits_per_char(self) -> float:
        """The same in bits: what a perfect compressor using this model would need."""
        return self.nats_per_char / math.log(2)

    @property
    def perplexity(self) -> float:
        """Among how many equally likely characters the model would be as unsure; inf: more than there are numbers."""
        return math.exp(self.nats_per_char) if self.nats_per_char < MAX_NATS else math.inf


class Predictor(Protocol):
    """What carries a state through text and tells what each character costs.

    A `InferenceRNN` needs no torch, so it begins at once; a `CharRNN` reads many rows faster.
    """

    config: NetworkConfig
    vocabulary_size: int
    end: int | None
    """the character that ends a document"""

    def initial_state(self, streams: int) -> Any:
        """Give the state before any text."""

    def nll(self, inputs: Ids, targets: Ids, state: Any) -> tuple[Nats, Any]:
        """Read inputs (T, B) and say what each of the targets that follow them cost: nats (T, B), and the state."""


def score(predictor: Predictor, vocabulary: Vocabulary, text: str, *, threads: int = 1) -> Score:
    """Score a text; characters outside the vocabulary are read as its U+FFFD, or left out if it has none.

    A model of documents predicts all of each, its end too, and nothing is carried to the next. Raise CharrnnError if
    fewer than two are left: without documents the first one is predicted by nothing.
    """
    text = ensure_terminated(text, predictor.config.documents)
    unknown = vocabulary.count_unknown(text).total()
    ids = vocabulary.encode(text, unknown="replace")
    if predictor.end is not None:
        ids = np.concatenate([[predictor.end], ids])
    if ids.size < 2:
        suffix = "" if UNKNOWN in vocabulary or not unknown else " that the model knows"
        raise CharrnnError(f"it has {ids.size} characters{suffix}; at least 2 are needed")
    nats = char_nll(predictor, ids, threads=threads)
    return Score(
        characters=nats.size,
        nats=float(nats.sum(dtype=np.float64)),
        unknown=unknown,
        unknown_read_as_ufffd=UNKNOWN in vocabulary,
    )


def split_lines(text: str) -> list[str]:
    r"""Split a text at its line ends, as the network learned them: nothing else ends a line.

    >>> split_lines("one\rtwo\n\nthree\n")
    ['one\rtwo', '', 'three']
    """
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def score_lines(
    predictor: Predictor, vocabulary: Vocabulary, lines: Sequence[str], *, threads: int = 1
) -> list[Score | None]:
    r"""Score lines one by one, without their ends; None for one of which too little is known to be scored.

    Each is read as it would stand in a text, from the zero state: after a line end, which the model is given, and up
    to the next one, which it has to predict. A model that knows no line end is scored on what follows a line's first
    character. A model of documents reads it as the beginning of one.
    """
    newline = [vocabulary.id_of("\n")] if "\n" in vocabulary else []
    before, after = (newline, newline) if predictor.end is None else ([predictor.end], newline or [predictor.end])
    ids = [np.array([*before, *vocabulary.encode(line, unknown="replace"), *after], np.int64) for line in lines]
    by_length = sorted((number for number, line in enumerate(ids) if line.size > 1), key=lambda n: ids[n].size)
    scores: list[Score | None] = [None] * len(lines)

    def read(together: Sequence[int]) -> Iterator[None]:
        sums = yield from _line_nll(predictor, [ids[number] for number in together])
        for number, nats in zip(together, sums.tolist(), strict=True):
            unknown = vocabulary.count_unknown(lines[number]).total()
            scores[number] = Score(
                characters=ids[number].size - 1,
                nats=nats,
                unknown=unknown,
                unknown_read_as_ufffd=UNKNOWN in vocabulary,
            )

    starts = range(0, len(by_length), LINES_PER_BATCH)
    run_generators([partial(read, by_length[first : first + LINES_PER_BATCH]) for first in starts], threads=threads)
    return scores


def next_char_probabilities(
    rnn: InferenceRNN, vocabulary: Vocabulary, text: str, *, most: int
) -> tuple[tuple[str, float], ...]:
    """Give the likeliest characters after a text with their probabilities, the likeliest first."""
    state = prefill(rnn, vocabulary.encode(text, unknown="replace"))
    hidden = state[-1].hidden
    probabilities = np.exp(log_softmax(rnn.logits(hidden)[0].astype(np.float64)))
    order = np.argsort(-probabilities, kind="stable")[:most]
    return tuple((vocabulary.characters[number], float(probabilities[number])) for number in order)


def char_nll(
    predictor: Predictor, ids: Ids, *, rows: int | None = None, warm_up: int = ROW_WARM_UP, threads: int = 1
) -> Nats:
    """Give −ln p of each character of a text but the first: ids (T,) -> (T - 1,).

    In one row that is one long pass from the zero state. In several, each but the first meets its text with
    `warm_up` characters of it read, instead of all; left out, the number of rows follows the length. With any number
    of threads the result is the same.
    """
    wanted = min(MAX_ROWS, len(ids) // (4 * ROW_WARM_UP)) if rows is None else rows
    layout = split_into_rows(len(ids), rows=wanted, warm_up=warm_up)
    sides = _row_groups(layout.count)
    length = _chunk_length(predictor, threads * -(-layout.count // len(sides)))
    nats = np.empty(len(ids) - 1, dtype=np.float32)

    def read(side: slice) -> Iterator[None]:
        state = predictor.initial_state(side.stop - side.start)
        for chunk in layout.chunks(ids, length, side):
            costs, state = predictor.nll(chunk.inputs, chunk.targets, state)
            nats[chunk.positions[chunk.is_scored] - 1] = costs[chunk.is_scored]
            yield

    run_generators([partial(read, side) for side in sides], threads=threads)
    return nats


def _row_groups(rows: int) -> list[slice]:
    """Share rows out evenly, so that no more than are best are read side by side."""
    count = -(-rows // ROWS_PER_THREAD)
    edges = [rows * number // count for number in range(count + 1)]
    return [slice(first, last) for first, last in pairwise(edges)]


def _chunk_length(predictor: Predictor, rows: int) -> int:
    """Say how many characters of each row are read at once, where so many rows are at the same time."""
    width = predictor.vocabulary_size + predictor.config.hidden
    return max(1, min(MAX_CHUNK_CHARS, MAX_CHUNK_NUMBERS // (rows * width)))


def _line_nll(predictor: Predictor, lines: Sequence[Ids]) -> Generator[None, None, NDArray[np.float64]]:
    """Sum the nats of all but the first character of each line, (B,), read side by side; the last is the longest."""
    lengths = np.array([len(line) for line in lines])
    padded = np.zeros((lengths[-1], len(lines)), dtype=np.int64)
    for number, line in enumerate(lines):
        padded[: len(line), number] = line
    sums, state, chunk = (
        np.zeros(len(lines)),
        predictor.initial_state(len(lines)),
        _chunk_length(predictor, len(lines)),
    )
    for first in range(0, len(padded) - 1, chunk):
        targets = padded[first + 1 : first + chunk + 1]
        costs, state = predictor.nll(padded[first : first + len(targets)], targets, state)
        in_line = np.arange(first + 1, first + len(targets) + 1)[:, None] < lengths
        sums += costs.sum(axis=0, dtype=np.float64, where=in_line)
        yield
    return sums


# Work in several threads at once, each piece a generator. NumPy releases the interpreter lock while it multiplies, so
# threads that multiply for themselves do not take turns.


def run_generators(work: Sequence[Callable[[], Iterator[Any]]], *, threads: int = 1) -> None:
    """Begin every generator and go through all that it yields, so many at a time; what they raise is raised.

    What fails, or an interruption, ends the others at what they yield next.

    >>> seen = []
    >>> run_generators([lambda: map(seen.append, "ab"), lambda: map(seen.append, "cd")])
    >>> seen
    ['a', 'b', 'c', 'd']
    """
    stopped = Event()

    def run(begin: Callable[[], Iterator[Any]]) -> None:
        try:
            for _ in begin():
                if stopped.is_set():
                    return
        except BaseException:
            stopped.set()
            raise

    if threads == 1 or len(work) <= 1:
        for begin in work:
            run(begin)
        return
    with ThreadPoolExecutor(min(threads, len(work))) as pool:
        try:
            for done in [pool.submit(run, begin) for begin in work]:
                done.result()
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
