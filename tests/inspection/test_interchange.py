"""Interchange interventions: what is copied, and what the copy changes."""

import math

import numpy as np
import pytest
from common import random_weights

from charrnn.config import NetworkConfig
from charrnn.errors import WrongUsageError
from charrnn.inspection.measures.interchange import Interchange, ReadText, measure_both_ways, read_to_end
from charrnn.network.cells import CELLS, CellState
from charrnn.network.inference import InferenceRNN, log_softmax
from charrnn.text.vocabulary import Vocabulary

VOCABULARY = Vocabulary(tuple("\n abcdefgh"))
UNITS = 7
TEXTS = "a gbc" * 3, "he fed a cab"


def network(cell: str, layers: int = 2) -> InferenceRNN:
    """Return a network with large random weights, in float64."""
    config = NetworkConfig(cell=cell, layers=layers, hidden=UNITS, embedding=4)
    return InferenceRNN(config, random_weights(config, len(VOCABULARY)))


def read_pair(rnn: InferenceRNN, texts: tuple[str, str] = TEXTS) -> tuple[ReadText, ReadText]:
    """Return the source text and the target text, read to their ends."""
    source, target = (read_to_end(rnn, VOCABULARY.encode(text)) for text in texts)
    return source, target


def swap(rnn: InferenceRNN, cells: list[tuple[int, int]], texts: tuple[str, str] = TEXTS) -> Interchange:
    """Return the effect of a copy from the first text into the second one."""
    return measure_both_ways(rnn, VOCABULARY, read_pair(rnn, texts), cells)[0]


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_a_copy_of_the_whole_last_layer_gives_the_prediction_after_the_source(cell: str) -> None:
    """The output depends on h of the last layer only."""
    result = swap(network(cell), [(2, unit) for unit in range(UNITS)])
    assert result.divergence > 0.01
    assert np.allclose(result.after, result.after_source)
    assert result.source_divergences[1] == pytest.approx(0, abs=1e-9)


def test_the_output_gate_of_the_target_reads_the_copied_cell_state() -> None:
    """The state c of an LSTM is copied, and h = o·tanh(c)."""
    rnn = network("lstm")
    source, target = read_pair(rnn)
    step = rnn.run_with_cache(target.ids[-1:, None], target.before).layers[1].steps[0]
    hidden = step.state.hidden.copy()
    assert source.after[1].cell_state is not None
    hidden[0, 3] = step.gates["o"][0, 3] * math.tanh(source.after[1].cell_state[0, 3])
    result = swap(rnn, [(2, 3)])
    assert np.allclose(result.after, log_softmax(rnn.logits(hidden))[0])
    assert result.cells[0].source == pytest.approx(math.tanh(source.after[1].cell_state[0, 3]))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_layers_above_read_the_copied_value_at_the_same_character(cell: str) -> None:
    """A cell of the first layer changes the prediction through the second layer."""
    rnn = network(cell)
    source, target = read_pair(rnn)
    below = target.after[0].hidden.copy()
    if cell == "lstm":
        gate = rnn.run_with_cache(target.ids[-1:, None], target.before).layers[0].steps[0].gates["o"]
        assert source.after[0].cell_state is not None
        below[0, 2] = gate[0, 2] * math.tanh(source.after[0].cell_state[0, 2])
    else:
        below[0, 2] = source.after[0].hidden[0, 2]
    layer = rnn.layers[1]
    recurrent = target.before[1].hidden @ layer.weight_hh + (0 if layer.bias_hh is None else layer.bias_hh)
    step = CELLS[cell].equations(below @ layer.weight_ih + layer.bias_ih, recurrent, target.before[1])
    result = swap(rnn, [(1, 2)])
    assert result.divergence > 1e-6
    assert np.allclose(result.after, log_softmax(rnn.logits(step.state.hidden))[0])


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_equal_texts_change_nothing(cell: str) -> None:
    """The value is the same, no probability changes, and no cell has a rank."""
    result = swap(network(cell), [(1, 2)], (TEXTS[0], TEXTS[0]))
    assert result.cells[0].is_same
    assert (result.changes(), result.rank) == ((), None)
    assert result.divergence == pytest.approx(0, abs=1e-9)


def test_the_rank_compares_the_cell_with_each_other_cell_of_its_layer() -> None:
    """All of them are copied in one batch, with the same result as one by one."""
    rnn = network("lstm")
    results = [swap(rnn, [(2, unit)]) for unit in range(UNITS)]
    assert np.allclose(results[0].single_copies, [result.divergence for result in results])
    assert sorted(result.rank or 0 for result in results) == list(range(1, UNITS + 1))
    assert swap(rnn, [(2, 0), (1, 1)]).rank is None


def test_changes_are_sorted_by_size_and_both_directions_are_measured() -> None:
    """The reverse copies from the target into the source."""
    rnn = network("gru")
    forward, reverse = measure_both_ways(rnn, VOCABULARY, read_pair(rnn), [(2, 1)])
    sizes = [abs(change.after - change.before) for change in forward.changes()]
    assert sizes == sorted(sizes, reverse=True)
    assert (forward.source, forward.target) == (reverse.target, reverse.source) == TEXTS
    assert np.array_equal(forward.after_source, reverse.before)


def test_the_end_of_a_document_is_read_as_in_the_text() -> None:
    """The state after it is that of the beginning of a document."""
    config = NetworkConfig(cell="lstm", layers=1, hidden=UNITS, embedding=4, documents="line")
    rnn = InferenceRNN(config, random_weights(config, len(VOCABULARY)), end_id=0)
    ended = read_to_end(rnn, VOCABULARY.encode("abc\n"))
    fresh: CellState = rnn.initial_state(1)[0]
    assert np.array_equal(ended.after[0].hidden, fresh.hidden)


def test_a_cell_that_does_not_exist_is_refused() -> None:
    """A missing layer or unit raises WrongUsageError."""
    for cell in ((3, 0), (1, UNITS)):
        with pytest.raises(WrongUsageError, match="no cell"):
            swap(network("rnn"), [cell])
