"""A corpus on disk that is not what is said of it is noticed."""

import json
from pathlib import Path
from typing import Any

import pytest

from charrnn.errors import CharrnnError
from charrnn.text.corpus import Corpus, counts_match, open_corpus


@pytest.mark.fault("P4")
def test_a_changed_byte_is_noticed(corpus: Corpus) -> None:
    """Whether it is another character's or nobody's."""
    assert counts_match(open_corpus(corpus.path))
    content = corpus.path.read_bytes()
    for at, byte in ((0, content[0] ^ 1), (len(content) - 1, content[-1] ^ 2), (1000, 0xFF)):
        corpus.path.write_bytes(content[:at] + bytes([byte]) + content[at + 1 :])
        assert not counts_match(open_corpus(corpus.path))


@pytest.mark.fault("P4")
def test_a_character_that_nothing_is_said_of_is_noticed(corpus: Corpus) -> None:
    """Where only a part of the text is read too."""
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
def test_what_is_said_of_a_corpus_is_not_believed_unseen(corpus: Corpus, name: str, value: Any) -> None:
    """Types, counts, sizes: an error that says what can be done."""
    described = corpus.path.with_suffix(".json")
    said = json.loads(described.read_bytes())
    described.write_text(json.dumps(said | {name: value}))
    with pytest.raises(CharrnnError, match="damaged") as caught:
        open_corpus(corpus.path)
    assert caught.value.hint == "`--new` reads the text again"


@pytest.mark.fault("P4")
@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b"null"])
def test_a_description_that_is_none_is_damage(corpus: Corpus, content: bytes) -> None:
    """However it is none."""
    Path(corpus.path.with_suffix(".json")).write_bytes(content)
    with pytest.raises(CharrnnError, match="damaged"):
        open_corpus(corpus.path)
