"""The vocabulary: the characters that a model knows, and their ids.

It is stored in every model file in the order of ids, and ids never change.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, WrongUsageError

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""can stand for every character outside the vocabulary, in the vocabularies that have it"""

END_OF_TEXT = "\x03"
END_CHARS = {"line": "\n", "blank": END_OF_TEXT, "file": END_OF_TEXT}
"""the character that ends a document, for each way in which a text can be made of documents"""

MAX_VOCABULARY = 250_000
"""characters; Unicode has assigned some 155,000"""

Ids = NDArray[np.integer]


@dataclass(frozen=True)
class Vocabulary:
    """Distinct characters in id order.

    >>> vocabulary = Vocabulary(("a", "b", "c"))
    >>> vocabulary.encode("cab").tolist(), vocabulary.decode([2, 0, 1])
    ([2, 0, 1], 'cab')
    """

    characters: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.characters:
            raise CharrnnError("the vocabulary is empty")
        if len(self.characters) > MAX_VOCABULARY:
            raise CharrnnError(
                f"{len(self.characters):,} distinct characters are more than the {MAX_VOCABULARY:,} that charrnn can"
                " learn",
                hint="`--min-count 2` makes one of all that occur once",
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
        """Give the number of a character that the vocabulary has (KeyError otherwise)."""
        return self._ids[character]

    def end_id(self, documents: str | None) -> int | None:
        """Give the number of the character that ends a document of that kind; None where there are none."""
        return None if documents is None else self._ids[END_CHARS[documents]]

    def count_unknown(self, text: str) -> Counter[str]:
        """Count the characters of a text that the vocabulary lacks, the most frequent first."""
        return Counter(dict(Counter(c for c in text if c not in self._ids).most_common()))

    def drop_unencodable(self, text: str) -> str:
        """Leave out of a text what neither stands in the vocabulary nor has its U+FFFD to be read as."""
        return text if UNKNOWN in self else "".join(character for character in text if character in self)

    def encode(self, text: str, *, unknown: str = "error") -> Ids:
        """Turn a text into ids (T,).

        A character outside the vocabulary is named in a WrongUsageError (`unknown="error"`), left out ("skip"),
        or read as U+FFFD where the vocabulary has that and else left out ("replace").
        """
        if unknown == "error" and (missing := self.count_unknown(text)):
            raise WrongUsageError(
                f"the model never saw {format_characters(missing)}", hint="`--unknown skip` leaves them out"
            )
        stand_in = self._ids.get(UNKNOWN) if unknown == "replace" else None
        numbers = (self._ids.get(character, stand_in) for character in text)
        return np.array([number for number in numbers if number is not None], dtype=np.int64)

    def decode(self, ids: Iterable[int]) -> str:
        """Turn ids back into text."""
        return "".join(self.characters[number] for number in ids)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {character: number for number, character in enumerate(self.characters)}


def format_characters(counts: Counter[str], *, most: int = 5) -> str:
    """Name characters for a person, each with how often it stands there if more than once.

    >>> format_characters(Counter({"é": 2, "€": 1}))
    "'é' (2×), '€'"
    """
    shown = [f"{character!r} ({count}×)" if count > 1 else f"{character!r}" for character, count in counts.items()]
    more = f" and {len(shown) - most:,} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more
