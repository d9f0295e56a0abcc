"""Controls of the search: permutation tests and networks with shuffled weights."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice, permutations

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.search.probes import CellProducts, fit_linear_probes
from charrnn.inspection.search.scores import Scores
from charrnn.inspection.search.search_data import CHUNK_STEPS, DEFAULT_SIGNAL, stream_activations
from charrnn.inspection.search.splits import SCRAMBLED, ConceptCodes, Groups, Progress, SplitStreams
from charrnn.inspection.search.statistics import DEAD_VARIANCE, Numbers
from charrnn.inspection.search.sufficient_statistics import Activations, accumulate
from charrnn.network.inference import InferenceRNN
from charrnn.text.vocabulary import Ids

# Permutation tests: how often a cell follows a concept as closely by chance. Streams are the sessions: the labels of
# a concept are kept whole and assigned to other streams, cell and label centered within each, so that neither slow
# drift nor long spans make a finding (Harris 2020). The best of all cells is compared with the best of all cells
# (Westfall and Young 1993), on the confirmation streams. The result is a threshold and never a rank, because with
# enough text the smallest relation is certain.

MAX_PERMUTED_CHARS = 100_000
"""of the whole text, spread over it evenly; more would only cost time"""
PERMUTATIONS = 999

Single = NDArray[np.float32]


class PermutationTest:
    """The products of every stream's labels with every stream's cells, S streams by S streams."""

    def __init__(self, codings: Sequence[ConceptCodes], streams: SplitStreams, cells: int) -> None:
        steps = streams.length - streams.warm_up
        self.every = max(1, -(-steps * streams.count // MAX_PERMUTED_CHARS))
        self.count = int(streams.confirmation.sum())
        self._streams = streams.confirmation
        self._labels = np.stack([_centered_labels(coding, streams, self.every) for coding in codings])
        self._products = np.zeros((len(codings) * self.count, self.count * cells), dtype=np.float32)
        self._sums = np.zeros((self.count, cells))
        self._squares = np.zeros(cells)
        self._steps = 0

    def accumulate(self, part: Activations, step: int) -> None:
        """Add a part (T, B, H): every few steps of it."""
        first = -step % self.every
        sampled = part[first :: self.every][:, self._streams]
        if not len(sampled):
            return
        here = slice(self._steps, self._steps + len(sampled))
        labels = self._labels[:, here].transpose(0, 2, 1).reshape(-1, len(sampled))
        self._products += labels @ sampled.reshape(len(sampled), -1)
        self._sums += sampled.sum(axis=0, dtype=np.float64)
        self._squares += np.square(sampled).sum(axis=(0, 1), dtype=np.float64)
        self._steps += len(sampled)

    def p_values(self, rng: np.random.Generator, *, count: int = PERMUTATIONS) -> list[float]:
        """Give p of each concept: the share of the streams' orders, their own among them, with as good a best cell.

        The statistic is the largest |r| of all cells, r being the correlation around each stream's own means. All
        orders are tried where there are no more than `count` others.
        """
        orders = _orders(self.count, count, rng)
        picked = np.zeros((len(orders), self.count, self.count), dtype=np.float32)
        np.put_along_axis(picked, orders[:, :, None], 1.0, axis=2)
        left = self._squares - (self._sums**2).sum(axis=0) / self._steps
        alive = left >= DEAD_VARIANCE * self._steps * self.count
        scale = (1.0 / np.sqrt(np.where(alive, left, np.inf))).astype(np.float32)
        p_values = []
        for products in self._products.reshape(len(self._labels), -1, len(scale)):
            best = np.abs(picked.reshape(len(orders), -1) @ products * scale).max(axis=1)
            # the own order counts among all of them, so that no p is 0
            p_values.append(float((best >= best[0] * (1 - 1e-5)).mean()))
        return p_values


def permutation_count(streams: SplitStreams) -> int:
    """Say how many orders of the confirmation streams are tried beside their own.

    Of few streams those are all that there are: drawn from so few, their own would come again and again, and whether
    p is below a limit would be chance.
    """
    return min(PERMUTATIONS, math.factorial(int(streams.confirmation.sum())) - 1)


def _orders(streams: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Give the streams' own order, then so many by chance, or else all others there are."""
    if math.factorial(streams) - 1 <= count:
        return np.array(list(permutations(range(streams))))
    return np.stack([np.arange(streams), *(rng.permutation(streams) for _ in range(count))])


def _centered_labels(coding: ConceptCodes, streams: SplitStreams, every: int) -> Single:
    """Give a concept's labels on the confirmation streams around each stream's mean: (T, S)."""
    labels = coding.subsample(every=every).labels[:, streams.confirmation]
    centered: Single = (labels - labels.mean(axis=0, dtype=np.float64)).astype(np.float32)
    return centered


# Shuffled networks: the trained weights in random order, each within its own gate, on the same text. Their best cells
# show what cells of such weights explain without training; freshly initialized weights would be too small for this.

SHUFFLES = 2
"""disorders that are tried: by chance one may follow the ends of lines"""
MAX_SHUFFLED_CHARS = 50_000
"""of the text, read by each"""


@dataclass(frozen=True, kw_only=True)
class ShuffledControl:
    """What a network knows of K concepts without having learnt anything."""

    fit: tuple[float, ...]
    """of its best cell for each (K,)"""
    memory: tuple[float, ...]
    """the best of any cell (K,)"""
    linear_r2: tuple[float, ...]
    """R² by all cells of a layer (K,)"""


def shuffled_control(
    rnn: InferenceRNN,
    ids: Ids,
    groups: Groups,
    codings: Sequence[ConceptCodes],
    streams: SplitStreams,
    rng: np.random.Generator,
    progress: Progress,
    *,
    signal: str = DEFAULT_SIGNAL,
) -> ShuffledControl:
    """Read the beginnings of the streams with scrambled networks, and judge their cells as the others are."""
    streams = streams.shortened(MAX_SHUFFLED_CHARS)
    shortened = [coding.subsample(streams.length - streams.warm_up) for coding in codings]
    chunks = -(-streams.length // CHUNK_STEPS)
    read = (stream_activations(shuffle_weights(rnn, rng), ids, streams, signal=signal) for _ in range(SHUFFLES))
    chunks_left = iter(progress(chain.from_iterable(read), SCRAMBLED, SHUFFLES * chunks))
    results = [
        _scores_of_shuffled(rnn, islice(chunks_left, chunks), shortened, groups, streams) for _ in range(SHUFFLES)
    ]
    # whoever watches sees the end too
    assert next(chunks_left, None) is None
    fit, memory, linear_r2 = np.array(results).max(axis=0)
    return ShuffledControl(
        fit=tuple(fit.tolist()), memory=tuple(memory.tolist()), linear_r2=tuple(linear_r2.tolist())
    )


def _scores_of_shuffled(
    rnn: InferenceRNN,
    chunks: Iterable[Activations],
    codings: Sequence[ConceptCodes],
    groups: Groups,
    streams: SplitStreams,
) -> tuple[Numbers, Numbers, Numbers]:
    """Give each concept's best fit, best memory, and R² by all cells of a layer."""
    products = CellProducts(streams, rnn.config.layers, rnn.config.hidden)
    statistics = accumulate(chunks, codings, groups, streams, accumulators=[products.accumulate])
    scores = Scores.of(statistics)
    memory = np.where(statistics.alive, scores.memory, 0.0).max(axis=1)
    return (
        scores.best()[0],
        memory,
        np.array([spread.r2_by_cells[-1][1] for spread in fit_linear_probes(statistics, products)]),
    )


def shuffle_weights(rnn: InferenceRNN, rng: np.random.Generator) -> InferenceRNN:
    """Permute the weights of a NumPy reader within each gate of each matrix."""
    gates = max(len(rnn.gate_names), 1)
    disordered = {
        name: np.concatenate([_shuffle_block(block, rng) for block in _blocks(name, np.asarray(weight), gates)])
        for name, weight in rnn.weights.items()
    }
    return InferenceRNN(rnn.config, disordered, end=rnn.end)


def _blocks(name: str, weight: NDArray[np.floating], gates: int) -> list[NDArray[np.floating]]:
    """Cut a layer's weight (gates · H, …) into its gates; others are one piece."""
    return np.split(weight, gates) if name.startswith("rnn.") else [weight]


def _shuffle_block(block: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.floating]:
    return rng.permutation(block.ravel()).reshape(block.shape)
