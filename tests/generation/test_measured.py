"""Measured generation: the values of generated characters are those of the same text when it is read."""

import math
from functools import partial

import numpy as np
import pytest
from common import SMALL, random_model

from charrnn.config import NetworkConfig
from charrnn.errors import WrongUsageError
from charrnn.generation.generate import GeneratedChar, StopCriteria, generate, prefill_prompt
from charrnn.generation.measured import cell_activation, state_after, with_activation, with_surprisal
from charrnn.inspection.measures.activations import record_cells
from charrnn.network.cell_id import CellId
from charrnn.network.inference import NO_CLAMPS, InferenceRNN
from charrnn.network.model_file import Model

PROMPT = "\nab"


def generated_chars(model: Model, count: int = 50) -> list[GeneratedChar]:
    """Return generated characters after the prompt."""
    rnn = InferenceRNN.from_model(model)
    return list(
        generate(
            rnn,
            model.vocabulary,
            rng=np.random.default_rng(0),
            prefilled=prefill_prompt(rnn, model.vocabulary, PROMPT),
            stop=StopCriteria(max_chars=count),
        )
    )


def test_surprisal_is_that_of_the_whole_distribution(model: Model) -> None:
    """At temperature 1, whatever temperature the text was sampled at."""
    generated = generated_chars(model)
    measured = list(with_surprisal(generated))
    assert [entry for entry, _ in measured] == generated
    bits = [entry.nll / math.log(2) for entry in generated]
    assert np.allclose([value for _, value in measured], bits, atol=1e-6)


@pytest.mark.parametrize("config", [SMALL, NetworkConfig(cell="gru", layers=2, hidden=9, embedding=4)], ids=str)
@pytest.mark.parametrize("count", [1, 50])
def test_an_activation_is_that_after_the_character(config: NetworkConfig, count: int) -> None:
    """As in a heat map of the same text, including the last character, which the generation does not read."""
    model = random_model(config=config)
    rnn, generated = InferenceRNN.from_model(model), generated_chars(model, count)
    cell = CellId(2, 5)
    measured = list(
        with_activation(generated, cell_activation(rnn, cell), partial(state_after, rnn=rnn, clamps=NO_CLAMPS))
    )
    text = PROMPT + "".join(entry.char for entry in generated)
    ids = model.vocabulary.encode(text)
    expected = record_cells(rnn, ids, [cell], slice(len(PROMPT), len(text)))[0]
    assert [entry.char for entry, _ in measured] == list(text[len(PROMPT) :])
    assert np.allclose([value for _, value in measured], expected, atol=1e-6)


def test_an_empty_text_has_no_values(rnn: InferenceRNN) -> None:
    """No step is made."""
    assert list(with_activation([], cell_activation(rnn, CellId(1, 0)), lambda _: rnn.initial_state(1))) == []


def test_a_missing_cell_is_an_error(rnn: InferenceRNN) -> None:
    """The hint names the cells of the model."""
    with pytest.raises(WrongUsageError, match=r"no cell 1\.12"):
        cell_activation(rnn, CellId(1, 12))
