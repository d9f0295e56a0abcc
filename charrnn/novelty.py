"""How new a text is: the stretches of it that stand in the training text, and where.

The training text's suffixes are sorted once and kept beside the run; sorting is left to `text.suffixes`.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import whole_number
from charrnn.errors import CharrnnError
from charrnn.network import tensor_file
from charrnn.network.tensor_signature import check_replaceable
from charrnn.text.suffixes import Match, Places, Suffixes, sorted_suffixes
from charrnn.text.vocabulary import Ids

SHORTEST = 20
"""characters of a stretch that counts as copied, at least"""
ORDINARY = 0.05
"""share of held-out text that may be in stretches that count: all of its kind repeats some of itself"""
MOST_CHARACTERS = 100_000_000
"""of a training text: sorting takes some 40 bytes for each"""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A stretch of a text that stands in the training text, and is part of no longer one."""

    start: int
    """where it begins in the text"""
    length: int
    place: int
    """where it stands in the training text, or one of the places"""


@dataclass(frozen=True, kw_only=True)
class Novelty:
    """What of a text is copied."""

    characters: int
    copied: int
    """characters in a stretch that stands in the training text"""
    stretches: tuple[Stretch, ...]
    """from the beginning of the text on; they may overlap"""

    @classmethod
    def made_of(cls, characters: int, stretches: Iterable[Stretch]) -> "Novelty":
        """Add up what is in stretches of a text."""
        kept = tuple(stretches)
        return cls(characters=characters, copied=int(_marks(characters, kept).sum()), stretches=kept)

    @property
    def share(self) -> float:
        """Share of the text that is copied."""
        return self.copied / self.characters if self.characters else 0.0

    @property
    def longest(self) -> Stretch | None:
        """The longest stretch, the first of several; None if nothing is copied."""
        return max(self.stretches, key=lambda stretch: stretch.length, default=None)

    def at_least(self, length: int) -> "Novelty":
        """Leave shorter stretches out."""
        least = whole_number(length, "length")
        return Novelty.made_of(self.characters, (one for one in self.stretches if one.length >= least))

    def marks(self) -> NDArray[np.bool_]:
        """Say of each character whether it is copied, (characters,)."""
        return _marks(self.characters, self.stretches)


def _marks(characters: int, stretches: Iterable[Stretch]) -> NDArray[np.bool_]:
    edges = np.zeros(characters + 1, dtype=np.int64)
    for stretch in stretches:
        edges[stretch.start] += 1
        edges[stretch.start + stretch.length] -= 1
    marks: NDArray[np.bool_] = edges[:-1].cumsum() > 0
    return marks


def novelty_of(ids: Ids, training: Suffixes, shortest: int = SHORTEST) -> Novelty:
    """Find every stretch of a text, ids (N,), of at least `shortest` characters that stands in the training text."""
    firsts, stops = training.ranges(ids, shortest)
    known, begins = ids.astype(training.ids.dtype), np.flatnonzero(firsts < stops).tolist()

    def match(start: int, end: int | None = None) -> Match:
        return training.longest(known[start:end], int(firsts[start]), int(stops[start]))

    def next_beyond(number: int, end: int) -> int:
        """Find the first that begins inside a stretch and goes on beyond its end, or else the first after it."""

        def goes_on(other: int) -> bool:
            return match(begins[other], end + 1).length > end - begins[other]

        # If one goes on, so does all that begins later.
        inside = range(number + 1, bisect_right(begins, end + 1 - shortest))
        return number + 1 + bisect_left(inside, True, key=goes_on)

    stretches: list[Stretch] = []
    number = 0
    while number < len(begins):
        start = begins[number]
        length, place = match(start)
        stretches.append(Stretch(start=start, length=length, place=place))
        number = next_beyond(number, start + length)
    return Novelty.made_of(len(ids), stretches)


def ordinary(held_out: Novelty) -> int:
    """Say how long a stretch must be to be more than what text of this kind has in common with itself.

    That is the least length, of 20 or more, at which a twentieth of the held-out text at most is in stretches.
    """
    lengths = sorted({stretch.length + 1 for stretch in held_out.stretches})
    fitting = (length for length in [SHORTEST, *lengths] if held_out.at_least(length).share <= ORDINARY)
    return next(fitting, SHORTEST)


def suffixes_of(ids: Ids, size: int, path: Path) -> Suffixes:
    """Give the suffixes of a training text, ids (T,), below `size`, from the file that keeps them.

    One that is missing, damaged or of another text is made anew, and kept if it can be. Raise CharrnnError if the
    text is damaged or too long to be sorted.
    """
    if len(ids) > MOST_CHARACTERS:
        raise CharrnnError(f"the training text is too long to look for copies in: {len(ids):,} characters")
    if len(ids) and ids.max() >= size:
        raise CharrnnError("the training text is damaged: it has characters that nothing is said of")
    checksum = hashlib.sha256(np.ascontiguousarray(ids).data).hexdigest()
    order = _kept(path, checksum, len(ids))
    if order is None:
        order = sorted_suffixes(ids, size)
        with suppress(OSError):
            check_replaceable(path)
            tensor_file.write(path, {"order": order}, {"kind": "suffixes", "text_sha256": checksum})
    return Suffixes(ids, order)


def _kept(path: Path, checksum: str, characters: int) -> Places | None:
    """Return the order that is kept in a file; None if the file is missing, damaged, or of another text.

    The arrays are read only if the header describes nothing but an order of this text.
    """
    try:
        with tensor_file.opened(path) as file:
            places = file.header.places
            shapes = {name: (place.dtype, place.shape) for name, place in places.items()}
            if shapes != {"order": (np.dtype(np.int32), (characters,))}:
                return None
            if file.metadata.get("text_sha256") != checksum:
                return None
            order = file.arrays()["order"]
    except CharrnnError:
        return None
    return order if not characters or (order.min() >= 0 and order.max() < characters) else None
