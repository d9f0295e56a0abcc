"""Evaluation rows: every character of a text is scored once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.text.batching import Chunk, EvalRows, split_into_rows

layouts = st.builds(split_into_rows, st.integers(2, 400), rows=st.integers(-1, 12), warm_up=st.integers(0, 40))


def joined_chunks(rows: EvalRows, length: int) -> Chunk:
    """Return the concatenated chunks of a text whose ids are its positions."""
    chunks = list(rows.chunks(np.arange(rows.characters), length))
    assert all(chunk.inputs.shape[0] <= length for chunk in chunks)
    return Chunk(*(np.concatenate(parts) for parts in zip(*chunks, strict=True)))


@given(layouts, st.integers(1, 50))
def test_every_character_but_the_first_is_scored_once(rows: EvalRows, length: int) -> None:
    """For texts, rows, warm-ups and chunks of any size."""
    chunk = joined_chunks(rows, length)
    assert sorted(chunk.positions[chunk.is_scored]) == list(range(1, rows.characters))


@given(layouts, st.integers(1, 50))
def test_each_target_follows_its_input_and_rows_are_contiguous(rows: EvalRows, length: int) -> None:
    """Across the edges of chunks too."""
    chunk = joined_chunks(rows, length)
    inside = chunk.positions < rows.characters
    assert (chunk.targets[inside] == chunk.inputs[inside] + 1).all()
    assert (chunk.inputs[0] == rows.starts).all()
    assert (np.diff(chunk.positions, axis=0) == 1).all()
    assert (chunk.targets[inside] == chunk.positions[inside]).all()


@given(layouts)
def test_every_row_but_the_first_is_warmed_up(rows: EvalRows) -> None:
    """The other rows read the warm-up characters before they are scored."""
    scored = joined_chunks(rows, 1000).is_scored
    assert scored[0, 0]
    assert scored.any(axis=0).all()
    assert not scored[: rows.warm_up, 1:].any()


@given(layouts)
def test_rows_have_equal_lengths_and_little_overlap(rows: EvalRows) -> None:
    """Together they read little more than the text and the warm-ups."""
    read = rows.count * rows.length
    assert read < rows.characters + rows.count * (rows.warm_up + 1)


def test_ids_of_any_type_become_64_bit_integers() -> None:
    """They are used as indices."""
    chunk = next(split_into_rows(9, rows=2, warm_up=1).chunks(np.arange(9, dtype=np.uint8), 4))
    assert chunk.inputs.dtype == chunk.targets.dtype == np.int64


@pytest.mark.parametrize(("rows", "warm_up"), [(8, 100), (1, 100), (0, 0)])
def test_a_short_text_is_one_row(rows: int, warm_up: int) -> None:
    """Without room for a warm-up there is no second row."""
    layout = split_into_rows(50, rows=rows, warm_up=warm_up)
    assert (layout.count, layout.length, layout.warm_up) == (1, 49, 0)
