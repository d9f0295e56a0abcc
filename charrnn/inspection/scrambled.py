"""The scrambled twins: the network with its trained weights in disorder, each within its own gate, on the same text.

What their best cells explain is what cells of such weights explain without having learnt anything; fresh weights
would be too small to say so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.coding import ConceptCodes
from charrnn.inspection.evidence import Activations, accumulate
from charrnn.inspection.reading import CHUNK_STEPS, DEFAULT_SIGNAL, Ids, stream_activations
from charrnn.inspection.scores import Scores
from charrnn.inspection.spread import CellProducts, fit_linear_probes
from charrnn.inspection.stages import SCRAMBLED, Progress
from charrnn.inspection.streams import SplitStreams
from charrnn.inspection.sums import Numbers
from charrnn.inspection.trigrams import Groups
from charrnn.network.reader import InferenceRNN

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
