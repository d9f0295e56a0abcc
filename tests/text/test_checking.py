"""Validation of an encoded text and its description."""

import json
from pathlib import Path
from typing import Any

import pytest

from charrnn.errors import CharrnnError
from charrnn.text.corpus import Corpus, counts_match, open_corpus


@pytest.mark.fault("P4")
def test_a_changed_byte_changes_the_counts(corpus: Corpus) -> None:
    """Valid and invalid ids are detected."""
    assert counts_match(open_corpus(corpus.path))
    content = corpus.path.read_bytes()
    for at, byte in ((0, content[0] ^ 1), (len(content) - 1, content[-1] ^ 2), (1000, 0xFF)):
        corpus.path.write_bytes(content[:at] + bytes([byte]) + content[at + 1 :])
        assert not counts_match(open_corpus(corpus.path))


@pytest.mark.fault("P4")
def test_an_id_outside_the_vocabulary_is_an_error(corpus: Corpus) -> None:
    """If only a part of the text is read, too."""
    corpus.path.write_bytes(b"\xff" * corpus.characters)
    with pytest.raises(CharrnnError, match="it contains ids that are not in its vocabulary"):
        open_corpus(corpus.path).text(0, 10)


@pytest.mark.fault("P4", "F57")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dtype", "O"),
        ("dtype", "uint16"),
        ("dtype", "none"),
        ("dtype", None),
        ("counts", [-1]),
        ("counts", ["a"] * 40),
        ("counts", 3),
        ("counts", [10**30] * 40),
        ("vocabulary", ["a", "a"]),
        ("vocabulary", [1, 2]),
        ("vocabulary", None),
        ("fingerprint", None),
        ("fingerprint", {}),
        ("name", 5),
        ("min_count", "1"),
        ("documents", "page"),
        ("documents", ["line"]),
        ("another", 1),
    ],
)
def test_the_values_of_a_description_are_validated(corpus: Corpus, name: str, value: Any) -> None:
    """Types, counts and sizes: the error has a hint."""
    description_path = corpus.path.with_suffix(".json")
    description = json.loads(description_path.read_bytes())
    description_path.write_text(json.dumps(description | {name: value}))
    with pytest.raises(CharrnnError, match="damaged") as caught:
        open_corpus(corpus.path)
    assert caught.value.hint == "`--new` reads the text again"


@pytest.mark.fault("P4")
@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b"null"])
def test_a_description_that_is_not_a_json_object_is_damaged(corpus: Corpus, content: bytes) -> None:
    """Empty, deeply nested, or of another type."""
    Path(corpus.path.with_suffix(".json")).write_bytes(content)
    with pytest.raises(CharrnnError, match="damaged"):
        open_corpus(corpus.path)
