"""The vocabulary of a model: its characters and their ids.

Every model file contains the characters in the order of ids, and ids never change.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, WrongUsageError

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""the replacement for all characters outside the vocabulary, in vocabularies that contain it"""

END_OF_TEXT = "\x03"
"""the character that ends a document, unless each document is a line"""

MAX_VOCABULARY = 250_000
"""characters; Unicode has assigned about 155,000"""

Ids = NDArray[np.integer]


@dataclass(frozen=True)
class Vocabulary:
    """Distinct characters in id order.

    >>> vocabulary = Vocabulary(("a", "b", "c"))
    >>> vocabulary.encode("cab").tolist(), vocabulary.decode([2, 0, 1])
    ([2, 0, 1], 'cab')
    """

    characters: tuple[str, ...]
    """in the order of ids"""

    def __post_init__(self) -> None:
        if not self.characters:
            raise CharrnnError("the vocabulary is empty")
        if len(self.characters) > MAX_VOCABULARY:
            raise CharrnnError(
                f"{len(self.characters):,} distinct characters are more than the {MAX_VOCABULARY:,} that charrnn can"
                " learn",
                hint="`--min-count 2` replaces all that occur once by U+FFFD",
            )
        if any(type(character) is not str or len(character) != 1 for character in self.characters):
            raise CharrnnError("the vocabulary has entries that are not single characters")
        if len(set(self.characters)) != len(self.characters):
            raise CharrnnError("the vocabulary has the same character twice")
        try:
            "".join(self.characters).encode()
        except UnicodeEncodeError as error:
            point = ord(error.object[error.start])
            raise CharrnnError(f"the vocabulary has U+{point:04X}, which is half a character") from error

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: str) -> bool:
        return character in self._ids

    def id_of(self, character: str) -> int:
        """Return the id of a character (KeyError if it is not in the vocabulary)."""
        return self._ids[character]

    def end_id(self, documents: str | None) -> int | None:
        """Return the id of the character that ends a document of a kind; None if there are no documents."""
        return None if documents is None else self._ids[end_char(documents)]

    def count_unknown(self, text: str) -> Counter[str]:
        """Return the counts of the characters of a text that are not in the vocabulary, the most frequent first."""
        return Counter(dict(Counter(c for c in text if c not in self._ids).most_common()))

    def drop_unencodable(self, text: str) -> str:
        """Return a text without unknown characters; unchanged if the vocabulary contains U+FFFD to replace them."""
        return text if UNKNOWN in self else "".join(character for character in text if character in self)

    def encode(self, text: str, *, unknown: str = "error") -> Ids:
        """Return the ids of a text, (T,).

        Characters outside the vocabulary raise WrongUsageError (`unknown="error"`), are left out ("skip"), or are
        replaced by U+FFFD, or left out if U+FFFD is not in the vocabulary ("replace").
        """
        if unknown == "error" and (missing := self.count_unknown(text)):
            raise WrongUsageError(
                f"the model never saw {format_characters(missing)}", hint="`--unknown skip` leaves them out"
            )
        replacement = self._ids.get(UNKNOWN) if unknown == "replace" else None
        ids = (self._ids.get(character, replacement) for character in text)
        return np.array([char_id for char_id in ids if char_id is not None], dtype=np.int64)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of some ids (IndexError if an id is too large)."""
        return "".join(self.characters[char_id] for char_id in ids)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {character: char_id for char_id, character in enumerate(self.characters)}


def end_char(documents: str) -> str:
    """Return the character that ends a document of a kind."""
    return "\n" if documents == "line" else END_OF_TEXT


def format_characters(counts: Counter[str], *, max_shown: int = 5) -> str:
    """Return a list of characters for messages, each with its count if it is above 1; at most `max_shown` are shown.

    >>> format_characters(Counter({"é": 2, "€": 1}))
    "'é' (2×), '€'"
    """
    shown = [f"{character!r} ({count}×)" if count > 1 else f"{character!r}" for character, count in counts.items()]
    more = f" and {len(shown) - max_shown:,} more" if len(shown) > max_shown else ""
    return ", ".join(shown[:max_shown]) + more
