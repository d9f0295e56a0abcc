"""The scrambled twins: the network with its trained weights in disorder, each within its own gate, on the same text.

What their best cells explain is what cells of such weights explain without having learnt anything; fresh weights
would be too small to say so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from charrnn.inspection.coding import Coding
from charrnn.inspection.evidence import Activations, gather
from charrnn.inspection.reading import CHUNK, USUAL, Ids, activations
from charrnn.inspection.scores import Scores
from charrnn.inspection.spread import Products, spreads
from charrnn.inspection.stages import SCRAMBLED, Watch
from charrnn.inspection.streams import Streams
from charrnn.inspection.sums import Numbers
from charrnn.inspection.trigrams import Groups
from charrnn.network.reader import Reader

TWINS = 2
"""disorders that are tried: by chance one may follow the ends of lines"""
MOST_CHARACTERS = 50_000
"""of the text, read by each"""


@dataclass(frozen=True, kw_only=True)
class Twin:
    """What a network knows of K concepts without having learnt anything."""

    fit: tuple[float, ...]
    """of its best cell for each (K,)"""
    memory: tuple[float, ...]
    """the best of any cell (K,)"""
    told: tuple[float, ...]
    """R² by all cells of a layer (K,)"""


def twin(
    reader: Reader,
    ids: Ids,
    groups: Groups,
    codings: Sequence[Coding],
    streams: Streams,
    chance: np.random.Generator,
    watch: Watch,
    *,
    signal: str = USUAL,
) -> Twin:
    """Read the beginnings of the streams with scrambled networks, and judge their cells as the others are."""
    streams = streams.shortened(MOST_CHARACTERS)
    shortened = [coding.shortened(streams.length - streams.warm_up) for coding in codings]
    chunks = -(-streams.length // CHUNK)
    read = (activations(scrambled(reader, chance), ids, streams, signal=signal) for _ in range(TWINS))
    watched = iter(watch(chain.from_iterable(read), SCRAMBLED, TWINS * chunks))
    found = [_judged(reader, islice(watched, chunks), shortened, groups, streams) for _ in range(TWINS)]
    # whoever watches sees the end too
    assert next(watched, None) is None
    fit, memory, told = np.array(found).max(axis=0)
    return Twin(fit=tuple(fit.tolist()), memory=tuple(memory.tolist()), told=tuple(told.tolist()))


def _judged(
    reader: Reader, chunks: Iterable[Activations], codings: Sequence[Coding], groups: Groups, streams: Streams
) -> tuple[Numbers, Numbers, Numbers]:
    """Give each concept's best fit, best memory, and R² by all cells of a layer."""
    products = Products(streams, reader.config.layers, reader.config.hidden)
    evidence = gather(chunks, codings, groups, streams, also=[products.take])
    scores = Scores.of(evidence)
    memory = np.where(evidence.alive, scores.memory, 0.0).max(axis=1)
    return scores.best()[0], memory, np.array([spread.told[-1][1] for spread in spreads(evidence, products)])


def scrambled(reader: Reader, chance: np.random.Generator) -> Reader:
    """Permute the weights of a NumPy reader within each gate of each matrix."""
    gates = max(len(reader.gate_names), 1)
    disordered = {
        name: np.concatenate([_permuted(block, chance) for block in _blocks(name, np.asarray(weight), gates)])
        for name, weight in reader.weights.items()
    }
    return Reader(reader.config, disordered, end=reader.end)


def _blocks(name: str, weight: NDArray[np.floating], gates: int) -> list[NDArray[np.floating]]:
    """Cut a layer's weight (gates · H, …) into its gates; others are one piece."""
    return np.split(weight, gates) if name.startswith("rnn.") else [weight]


def _permuted(block: NDArray[np.floating], chance: np.random.Generator) -> NDArray[np.floating]:
    return chance.permutation(block.ravel()).reshape(block.shape)
