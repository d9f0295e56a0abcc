"""State of the browser: recording, orders of the cells, search, selection and the query of active cells."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from browser_sessions import LETTERS_TEXT, QUOTE_CELL, make_finding, make_recording
from common import random_model
from hypothesis import given
from hypothesis import strategies as st

from charrnn.browser.query import active_cells
from charrnn.browser.recording import MAX_BYTES, max_characters
from charrnn.browser.state import BrowserState
from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.inspection.concepts import CONCEPTS
from charrnn.inspection.measures.activations import record_all
from charrnn.inspection.measures.surprisal import measure_surprisal
from charrnn.network.inference import InferenceRNN


@pytest.fixture
def state() -> BrowserState:
    """Return the state of a browser over a text with quotations."""
    return BrowserState(make_recording())


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "peephole"])
def test_a_recording_has_every_signal_of_every_cell(cell: Any) -> None:
    """The values are those of the recording of activations, rounded to half precision."""
    model = random_model(config=NetworkConfig(cell=cell, layers=2, hidden=5, embedding=3))
    text = "abc fed\nhgab " * 9
    recording, rnn = make_recording(model, text), InferenceRNN.from_model(model)
    assert recording.signals[0] == rnn.signal_name
    assert set(recording.signals) == {rnn.signal_name, "h", *rnn.gate_names}
    for number, signal in enumerate(recording.signals):
        expected = record_all(rnn, recording.ids, text, signal="c" if signal == "tanh(c)" else signal).values
        assert np.abs(recording.values[number] - expected.reshape(len(text), -1)).max() < 1e-3
    assert str(recording.cell_id(7)) == "2.2"
    assert recording.number_of(recording.cell_id(7)) == 7


def test_predictions_are_those_of_the_surprisal() -> None:
    """The bits, the rank and the guesses of each character; the last character has a prediction without either."""
    model = random_model()
    recording = make_recording(model, "abc fed hgab")
    surprise = measure_surprisal(recording.rnn, model.vocabulary, recording.ids, guesses=2)
    for position in range(1, 12):
        prediction = recording.prediction_after(position - 1)
        assert prediction.bits == pytest.approx(surprise.bits[position], abs=0.02)
        assert prediction.rank == surprise.ranks[position]
        assert "".join(character for character, _ in prediction.guesses[:2]) == surprise.guesses[position]
    assert recording.prediction_after(11).rank == 0


def test_the_longest_text_fits_into_the_limit_of_memory() -> None:
    """A small network may have a long text."""
    rnn = InferenceRNN.from_model(random_model())
    assert max_characters(rnn) == MAX_BYTES // (2 * 6 * 24)


def test_cells_are_ordered_by_finding_then_by_variance(state: BrowserState) -> None:
    """Without findings, by variance alone; each order has every cell once, and the current cell stays."""
    by_variance = np.argsort(-state.recording.variances, kind="stable").tolist()
    assert state.ranking == by_variance
    weak, strong = (
        make_finding(name, f"1.{unit}", fit, verdict)
        for name, unit, fit, verdict in (("word", 3, 0.9, "partial"), ("quote", 7, 0.6, "detector"))
    )
    cell = state.cell
    state.add_findings([weak, strong, replace(weak, cell="1.7", concept="other")])
    assert state.ranking[:2] == [7, 3]
    assert state.findings[7].concept == "quote"
    assert state.cell == cell
    orders = [state.ranking]
    for _ in range(2):
        state.step_order()
        orders.append(state.ranking)
    assert orders[1:] == [by_variance, sorted(by_variance)]
    assert all(sorted(order) == orders[2] for order in orders)


def test_cells_are_stepped_through_in_a_circle(state: BrowserState) -> None:
    """As many steps as there are cells lead back to the first."""
    seen = []
    for _ in range(state.recording.cells):
        seen.append(state.cell)
        state.step_cell(1)
    assert sorted(seen) == list(range(state.recording.cells))
    assert state.cell == seen[0]
    state.step_cell(-1)
    assert state.cell == seen[-1]
    state.first_cell()
    assert state.rank == 1


@pytest.mark.parametrize("name", ["1.30", "2.0", "x", "", "1.0\x1b"])
def test_a_cell_that_does_not_exist_is_refused(state: BrowserState, name: str) -> None:
    """The current cell stays."""
    cell = state.cell
    with pytest.raises(WrongUsageError):
        state.choose_cell(name)
    assert state.cell == cell


def test_marked_cells_are_stepped_through_in_a_circle(state: BrowserState) -> None:
    """In the order in which they were marked; an error if there is none."""
    with pytest.raises(WrongUsageError, match="no cell is marked"):
        state.next_marked()
    for name in ("1.5", "1.2", "1.9"):
        state.choose_cell(name)
        assert state.toggle_mark()
    visited = []
    for _ in range(4):
        state.next_marked()
        visited.append(state.cell_name)
    assert visited == ["1.5", "1.2", "1.9", "1.5"]
    assert not state.toggle_mark()
    assert len(state.marked) == 2


def test_a_search_finds_every_occurrence_in_a_circle(state: BrowserState) -> None:
    """Forwards and backwards; lower case matches upper case too, and a pattern is only a string."""
    starts = [number for number in range(len(LETTERS_TEXT)) if LETTERS_TEXT.startswith("mno", number)]
    state.search("mno")
    visited = [state.cursor]
    for _ in starts[1:]:
        state.step_match(1)
        visited.append(state.cursor)
    assert visited == starts
    state.step_match(1)
    assert state.cursor == starts[0]
    state.step_match(-1)
    assert state.cursor == starts[-1]
    for absent in ("MNO", "m.o", "(", "\\"):
        with pytest.raises(CharrnnError, match="does not contain"):
            state.search(absent)


def test_a_search_without_a_string_is_refused(state: BrowserState) -> None:
    """The hint has the key."""
    with pytest.raises(CharrnnError, match="nothing was searched"):
        state.step_match(1)


@given(st.integers(-(2**40), 2**40))
def test_the_cursor_stays_in_the_text(position: int) -> None:
    """Wherever it is moved."""
    state = BrowserState(_RECORDING)
    state.go_to(position)
    assert 0 <= state.cursor < len(LETTERS_TEXT)
    assert position not in range(len(LETTERS_TEXT)) or state.cursor == position


def test_a_selection_reaches_from_its_beginning_to_the_cursor(state: BrowserState) -> None:
    """In both directions, both ends included."""
    state.go_to(10)
    state.toggle_selection()
    assert state.selection == slice(10, 11)
    for cursor, selected in ((12, slice(10, 13)), (7, slice(7, 11))):
        state.go_to(cursor)
        assert state.selection == selected
    state.toggle_selection()
    assert state.selection is None


def test_the_query_finds_the_cell_that_follows_quotations(state: BrowserState) -> None:
    """It is on from the opening quotation mark to the last quoted character, and off before and after."""
    state.go_to(LETTERS_TEXT.index('"'))
    state.toggle_selection()
    state.go_to(LETTERS_TEXT.index('"', state.cursor + 1) - 1)
    cells = state.active_cells()
    assert [str(state.recording.cell_id(active.cell)) for active in cells] == [QUOTE_CELL]
    assert cells[0].contrast > state.threshold


@given(st.integers(0, 2**32), st.integers(0, 19), st.integers(1, 6))
def test_the_query_agrees_with_its_definition(seed: int, start: int, length: int) -> None:
    """Active at each character of the range, at neither of those around it; by descending contrast."""
    values = np.random.default_rng(seed).uniform(-1, 1, (20, 8)).round(1).astype(np.float32)
    stop = min(20, start + length)
    expected = set()
    for cell in range(8):
        for sign in (1, -1):
            signed = sign * values[:, cell]
            around = [*signed[max(0, start - 1) : start], *signed[stop : stop + 1]]
            if (signed[start:stop] >= np.float32(0.3)).all() and all(value < np.float32(0.3) for value in around):
                expected.add((cell, sign))
    cells = active_cells(values, slice(start, stop), threshold=0.3)
    assert {(active.cell, active.sign) for active in cells} == expected
    contrasts = [active.contrast for active in cells]
    assert contrasts == sorted(contrasts, reverse=True)


def test_the_threshold_has_bounds(state: BrowserState) -> None:
    """From 0.1 to 1 in steps of 0.1."""
    for step, bound in ((1, 1.0), (-1, 0.1)):
        for _ in range(20):
            state.change_threshold(step)
        assert state.threshold == bound


def test_a_concept_is_underlined_where_it_holds(state: BrowserState) -> None:
    """Until it is removed."""
    state.underline(CONCEPTS["in_quote"])
    assert state.marks is not None
    assert state.marks.holds[LETTERS_TEXT.index("e")]
    assert not state.marks.holds[0]
    state.underline(None)
    assert state.marks is None


_RECORDING = make_recording()
