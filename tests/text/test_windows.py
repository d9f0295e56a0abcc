"""Training batches: windows of contiguous streams that cover the text."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from charrnn.text import corpus_encoder
from charrnn.text.batching import TrainingBatches
from charrnn.text.corpus import Corpus
from charrnn.text.sources import open_sources


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Encode a text in which every place has its own character."""
    directory = tmp_path_factory.mktemp("windows")
    (directory / "text.txt").write_text("".join(map(chr, range(0x100, 0x100 + 1000))))
    sources = open_sources([str(directory / "text.txt")])
    return corpus_encoder.encode(
        sources, "utf-8", corpus_encoder.count_characters(sources, "utf-8"), directory / "corpus.bin"
    )


sizes = {"characters": st.integers(50, 1000), "batch": st.integers(1, 8), "length": st.integers(1, 40)}


@given(**sizes, step=st.integers(0, 500))
def test_each_window_continues_its_stream(
    corpus: Corpus, characters: int, batch: int, length: int, step: int
) -> None:
    """The last row of a window is the first row of the next window, across the end of the ring too."""
    batches = TrainingBatches(corpus=corpus, characters=characters, batch=batch, length=length)
    assert np.array_equal(batches.batch_ids(step)[-1], batches.batch_ids(step + 1)[0])
    assert batches.batch_ids(step).shape == (length + 1, batch)


@given(**sizes)
def test_an_epoch_reads_every_character_once(corpus: Corpus, characters: int, batch: int, length: int) -> None:
    """If the text is not a multiple of the windows, the last windows overlap."""
    assume(batch * length <= characters)
    batches = TrainingBatches(corpus=corpus, characters=characters, batch=batch, length=length)
    steps = -(-characters // (batch * length))
    read = np.concatenate([batches.batch_ids(step)[:-1].ravel() for step in range(steps)])
    times = np.bincount(read, minlength=characters)[:characters]
    assert times.min() >= (1 if characters % batch == 0 else 0)
    assert times.max() <= 2
    if characters % (batch * length) == 0:
        assert (times == 1).all()


@given(step=st.integers(0, 10_000))
def test_targets_are_the_next_characters(corpus: Corpus, step: int) -> None:
    """The end of the training text is followed by its beginning."""
    window = TrainingBatches(corpus=corpus, characters=900, batch=3, length=7).batch_ids(step)
    assert np.array_equal((window[:-1] + 1) % 900, window[1:])


def test_held_out_text_is_never_read(corpus: Corpus) -> None:
    """The ring ends where the training text ends."""
    batches = TrainingBatches(corpus=corpus, characters=900, batch=3, length=7)
    assert max(batches.batch_ids(step).max() for step in range(200)) == 899
