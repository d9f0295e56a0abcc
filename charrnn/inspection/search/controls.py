"""Controls of the search: permutation tests and networks with shuffled weights."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, permutations
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.measures.activations import DEFAULT_SIGNAL
from charrnn.inspection.search.probes import CellProducts, fit_linear_probes
from charrnn.inspection.search.scores import Scores
from charrnn.inspection.search.search_data import CHUNK_STEPS, SearchData, stream_activations
from charrnn.inspection.search.splits import SCRAMBLED, ConceptCodes, Groups, Progress, SplitStreams, no_progress
from charrnn.inspection.search.statistics import DEAD_VARIANCE, Numbers
from charrnn.inspection.search.sufficient_statistics import Activations, accumulate
from charrnn.network.inference import InferenceRNN
from charrnn.threads import read_ahead

# Permutation tests over whole streams: the labels of a concept in one stream are assigned to another stream. Cells
# and labels are centered within each stream, so that neither slow drift nor autocorrelation produces findings (Harris
# 2020). The maximum over all cells controls the family-wise error rate over cells (Westfall and Young 1993); there is
# no correction over concepts. The test uses the confirmation streams. Its p-value is a threshold and not a score,
# because with enough text even the weakest relation is significant.

MAX_PERMUTED_CHARS = 100_000
"""maximum number of characters, evenly spaced over the text, that limits the time of a test"""
PERMUTATIONS = 999
"""maximum number of permutations besides the identity; the smallest p-value is 0.001"""

Labels = NDArray[np.float32]


class PermutationTest:
    """Permutation test over streams: inner products of each stream's labels with each stream's activations."""

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
        """Add every n-th step of a block (T, B, H) that begins at `step`."""
        first = -step % self.every
        sampled = part[first :: self.every][:, self._streams]
        if not len(sampled):
            return
        steps = slice(self._steps, self._steps + len(sampled))
        labels = self._labels[:, steps].transpose(0, 2, 1).reshape(-1, len(sampled))
        self._products += labels @ sampled.reshape(len(sampled), -1)
        self._sums += sampled.sum(axis=0, dtype=np.float64)
        self._squares += np.square(sampled).sum(axis=(0, 1), dtype=np.float64)
        self._steps += len(sampled)

    def p_values(self, rng: np.random.Generator, *, count: int = PERMUTATIONS) -> list[float]:
        """Return the p-value of each concept: the fraction of permutations whose best cell is at least as good.

        The statistic is the largest |r| over all cells, with cells and labels centered within each stream. All
        permutations are used if there are at most `count` besides the identity, which always counts.
        """
        orders = _orders(self.count, count, rng)
        permutation_matrices = np.zeros((len(orders), self.count, self.count), dtype=np.float32)
        np.put_along_axis(permutation_matrices, orders[:, :, None], 1.0, axis=2)
        residual = self._squares - (self._sums**2).sum(axis=0) / self._steps
        alive = residual >= DEAD_VARIANCE * self._steps * self.count
        scale = (1.0 / np.sqrt(np.where(alive, residual, np.inf))).astype(np.float32)
        p_values = []
        for products in self._products.reshape(len(self._labels), -1, len(scale)):
            best = np.abs(permutation_matrices.reshape(len(orders), -1) @ products * scale).max(axis=1)
            # the identity counts as a permutation, so that no p-value is 0
            p_values.append(float((best >= best[0] * (1 - 1e-5)).mean()))
        return p_values


def permutation_count(streams: SplitStreams) -> int:
    """Return the number of permutations of the confirmation streams, without the identity.

    For few streams all permutations are enumerated. Random draws would repeat the identity so often that p-values
    near a threshold would depend on the seed.
    """
    return min(PERMUTATIONS, math.factorial(int(streams.confirmation.sum())) - 1)


def _orders(streams: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the identity and `count` random permutations of the streams, or all permutations if there are fewer."""
    if math.factorial(streams) - 1 <= count:
        return np.array(list(permutations(range(streams))))
    return np.stack([np.arange(streams), *(rng.permutation(streams) for _ in range(count))])


def _centered_labels(coding: ConceptCodes, streams: SplitStreams, every: int) -> Labels:
    """Return a concept's labels on the confirmation streams, centered within each stream (T, S)."""
    labels = coding.subsample(every=every).labels[:, streams.confirmation]
    centered: Labels = (labels - labels.mean(axis=0, dtype=np.float64)).astype(np.float32)
    return centered


# Shuffled-weights control: networks with the trained weights in random order, permuted within each gate, read the
# same text. The best cells of these networks show what cells explain without training. Freshly initialized weights
# would be a weaker control, because they are smaller.

SHUFFLES = 2
"""number of shuffled networks; a single one may follow a simple concept, such as line ends, by coincidence"""
MAX_SHUFFLED_CHARS = 50_000
"""maximum number of characters that each shuffled network reads"""


@dataclass(frozen=True, kw_only=True)
class ShuffledControl:
    """Best scores of networks with shuffled weights for K concepts."""

    fit: tuple[float, ...]
    """fit of the best cell for each concept (K,)"""
    memory: tuple[float, ...]
    """largest memory of any cell for each concept (K,)"""
    linear_r2: tuple[float, ...]
    """held-out R² of the linear probe on all cells of a layer (K,)"""


def shuffled_control(
    rnn: InferenceRNN,
    search_data: SearchData,
    codings: Sequence[ConceptCodes],
    rng: np.random.Generator,
    *,
    signal: str = DEFAULT_SIGNAL,
    progress: Progress = no_progress,
) -> ShuffledControl:
    """Return the best scores of shuffled networks, which read the beginnings of the streams."""
    streams = search_data.streams.shortened(MAX_SHUFFLED_CHARS)
    shortened = [coding.subsample(streams.length - streams.warm_up) for coding in codings]
    chunks = (
        (number, chunk)
        for number in range(SHUFFLES)
        for chunk in stream_activations(shuffle_weights(rnn, rng), search_data.ids, streams, signal=signal)
    )
    steps = progress(read_ahead(chunks), SCRAMBLED, SHUFFLES * -(-streams.length // CHUNK_STEPS))
    results = [
        _scores_of_shuffled(rnn, (chunk for _, chunk in network), shortened, search_data.trigram_groups, streams)
        for _, network in groupby(steps, key=itemgetter(0))
    ]
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
    """Return each concept's best fit, largest memory and R² by all cells of a layer (K,), (K,), (K,)."""
    products = CellProducts(streams, rnn.config.layers, rnn.config.hidden)
    statistics = accumulate(chunks, codings, groups, streams, accumulators=[products.accumulate])
    scores = Scores.of(statistics)
    memory = np.where(statistics.alive, scores.memory, 0.0).max(axis=1)
    return (
        scores.best()[0],
        memory,
        np.array([probe.r2_by_cells[-1][1] for probe in fit_linear_probes(statistics, products)]),
    )


def shuffle_weights(rnn: InferenceRNN, rng: np.random.Generator) -> InferenceRNN:
    """Return a network whose weights are permuted within each gate of each matrix."""
    shuffled = {
        name: np.concatenate(
            [_shuffle_block(block, rng) for block in _blocks(name, np.asarray(weight), rnn.config.hidden)]
        )
        for name, weight in rnn.weights.items()
    }
    return InferenceRNN(rnn.config, shuffled, end_id=rnn.end_id)


def _blocks(name: str, weight: NDArray[np.floating], hidden: int) -> list[NDArray[np.floating]]:
    """Return the gates of a recurrent layer's weight (gates · H, …), or any other weight as one block."""
    return np.split(weight, len(weight) // hidden) if name.startswith("rnn.") else [weight]


def _shuffle_block(block: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.floating]:
    return rng.permutation(block.ravel()).reshape(block.shape)
