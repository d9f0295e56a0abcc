"""How well a model predicts a text: the nats of each character, and the score made of them.

The state is carried through the whole text. Long texts are cut into rows that are read side by side.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.network.reader import Reader
from charrnn.text.rows import Chunk, cut
from charrnn.text.vocabulary import UNKNOWN, Ids, Vocabulary

WARM_UP = 256
"""characters that bring a row's state to what one long pass would have made it, to about a millionth of a nat"""
MOST_ROWS = 32
"""beyond it a row more gains nothing on a few cores"""
NUMBERS_AT_ONCE = 16_000_000
"""in one chunk's logits and gates; what bounds the memory, whatever the text, the network and the vocabulary"""

LONGEST_CHUNK = 256
"""characters of a row"""

Nats = NDArray[np.float32]


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
        """Among how many equally likely characters the model would be as unsure."""
        return math.exp(self.nats_per_char)


def score(reader: Reader, vocabulary: Vocabulary, text: str) -> Score:
    """Score a text; characters outside the vocabulary are read as its U+FFFD, or left out if it has none.

    Raise CharrnnError if fewer than two are left: the first one is predicted by nothing.
    """
    unknown = vocabulary.unknown_in(text).total()
    ids = vocabulary.encode(text, unknown="stand_in")
    if ids.size < 2:
        known = "" if UNKNOWN in vocabulary or not unknown else " that the model knows"
        raise CharrnnError(f"it has {ids.size} characters{known}; at least 2 are needed")
    nats = character_nats(reader, ids)
    return Score(characters=nats.size, nats=float(nats.sum(dtype=np.float64)), unknown=unknown)


def character_nats(reader: Reader, ids: Ids, *, rows: int | None = None, warm_up: int = WARM_UP) -> Nats:
    """Give −ln p of each character of a text but the first: ids (T,) -> (T - 1,).

    In one row that is one long pass from the zero state. In several, each but the first meets its text with
    `warm_up` characters of it read, instead of all; left out, the number of rows follows the length.
    """
    wanted = min(MOST_ROWS, len(ids) // (4 * WARM_UP)) if rows is None else rows
    layout = cut(len(ids), rows=wanted, warm_up=warm_up)
    nats = np.empty(len(ids) - 1, dtype=np.float32)
    for chunk, costs in _costs(reader, layout.count, layout.chunks(ids, _chunk_length(reader, layout.count))):
        nats[chunk.places[chunk.scored] - 1] = costs[chunk.scored]
    return nats


def _chunk_length(reader: Reader, rows: int) -> int:
    """Say how many characters of each row are read at once."""
    vocabulary_size: int = reader.logits(reader.start(1)[-1].hidden).shape[-1]
    # Of every step a reading keeps states and gates, up to six numbers a unit, and what went into them, four.
    width = vocabulary_size + 10 * reader.config.hidden * reader.config.layers
    return max(1, min(LONGEST_CHUNK, NUMBERS_AT_ONCE // (rows * width)))


def _costs(reader: Reader, rows: int, chunks: Iterator[Chunk]) -> Iterator[tuple[Chunk, Nats]]:
    """Read chunk after chunk with carried state, and say what each target cost, (T, B)."""
    state = reader.start(rows)
    for chunk in chunks:
        reading = reader.read(chunk.inputs, state)
        state = reading.state
        yield chunk, target_nats(reader.logits(reading.layers[-1].hidden), chunk.targets)


def target_nats(logits: Nats, targets: Ids) -> Nats:
    """Give −ln softmax(logits)[target]: logits (…, V), targets (…) -> (…)."""
    shifted = logits - logits.max(-1, keepdims=True)
    told = np.take_along_axis(shifted, targets[..., None], -1)[..., 0]
    nats: Nats = np.log(np.exp(shifted).sum(-1)) - told
    return nats
