"""Whether a corpus on disk is what is said of it: the parts of what is said first, then every character.

Reading either is left to `corpus`, and what to do about damage to whoever asked.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from charrnn.errors import CharrnnError

if TYPE_CHECKING:
    from charrnn.text.corpus import Corpus

CHUNK_CHARS = 1 << 20
"""characters counted at a time"""
LARGEST_COUNT = 2**60
FINGERPRINT_FIELDS = 3
"""bytes, modified, sha256"""


def size_of_ids(characters: int, distinct: int) -> int:
    """Return how many bytes the ids of a text take, of so many distinct characters."""
    return characters * np.min_scalar_type(max(0, distinct - 1)).itemsize


def validate_description(corpus: "Corpus", size: int) -> None:
    """See that a description's parts fit each other and the ids' size in bytes (ValueError, TypeError, KeyError)."""
    narrowest = np.min_scalar_type(len(corpus.vocabulary) - 1)
    if not type(corpus.name) is type(corpus.encoding) is str or not _is_count(corpus.min_count):
        raise ValueError("its name, encoding or least count is none")
    _refuse_fingerprint(dict(corpus.fingerprint))
    if corpus.dtype != narrowest.name or not _are_counts(corpus.counts, len(corpus.vocabulary)):
        raise ValueError("its counts are not those of its characters")
    if size != corpus.characters * narrowest.itemsize:
        raise ValueError(f"it has {size:,} bytes")
    # Whatever ends its documents is one of its characters.
    _ = corpus.end


def verify_unchanged(corpus: "Corpus") -> None:
    """See that the ids are those that were written (CharrnnError)."""
    if not counts_match(corpus):
        raise CharrnnError(f"{corpus.path} is damaged: it is not what was written", hint="`--new` starts over")


def counts_match(corpus: "Corpus") -> bool:
    """Tell whether every character stands among the ids as often as is said; one changed byte, and one does not."""
    counts = np.zeros(len(corpus.vocabulary), dtype=np.int64)
    for start in range(0, corpus.characters, CHUNK_CHARS):
        counted = np.bincount(corpus.ids[start : start + CHUNK_CHARS], minlength=counts.size)
        if counted.size > counts.size:
            return False
        counts += counted
        corpus.release_pages()
    return np.array_equal(counts, corpus.counts)


def _are_counts(counts: Sequence[object], distinct: int) -> bool:
    return len(counts) == distinct and all(_is_count(count) for count in counts)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < LARGEST_COUNT


def _refuse_fingerprint(fingerprint: Mapping[str, object]) -> None:
    """Raise ValueError unless a fingerprint holds the values that `CorpusFiles.fingerprint` and a checksum have."""
    modified = fingerprint.get("modified")
    are_numbers = _is_count(fingerprint.get("bytes")) and type(modified) is int and abs(modified) < 2**63
    if not are_numbers or type(fingerprint.get("sha256")) is not str or len(fingerprint) > FINGERPRINT_FIELDS:
        raise ValueError("its fingerprint is none")
