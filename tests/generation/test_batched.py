"""Batched generation: the texts of a batch are those that are generated alone."""

from dataclasses import replace

import numpy as np
import pytest
from common import random_model
from numpy.typing import NDArray

from charrnn.config import NetworkConfig
from charrnn.generation import batched
from charrnn.generation.batched import chunks_in_order, collect_texts, generate_batch
from charrnn.generation.generate import StopCriteria, generate, prefill_prompt
from charrnn.generation.sampling import CharIds, Logits, SamplingParams
from charrnn.network.cells import CELLS
from charrnn.network.inference import InferenceRNN
from charrnn.network.interventions import make_clamps
from charrnn.network.model_file import Model, weight_shapes
from charrnn.text.vocabulary import Vocabulary

CHOICES = [
    SamplingParams(),
    SamplingParams(temperature=0),
    SamplingParams(temperature=1.3, top_k=4, top_p=0.9),
    SamplingParams(min_p=0.1),
]


def wide_model(cell: str = "lstm") -> Model:
    """Return a model so wide that the products of a batch are added in another order."""
    config, vocabulary = (
        NetworkConfig(cell=cell, layers=1, hidden=96, embedding=8),
        "\n" + "".join(map(chr, range(32, 92))),
    )
    rng = np.random.default_rng(0)
    shapes = weight_shapes(config, len(vocabulary))
    weights = {name: rng.normal(scale=0.15, size=shape).astype(np.float32) for name, shape in shapes.items()}
    weights["output.weight"] *= 4
    return Model(config=config, vocabulary=Vocabulary(tuple(vocabulary)), weights=weights)


def alone_and_batched(
    rnn: InferenceRNN,
    vocabulary: Vocabulary,
    *,
    seeds: range,
    params: SamplingParams,
    stop_criteria: StopCriteria,
    **clamps: float,
) -> tuple[list[str], list[str]]:
    """Return the texts of each seed, generated alone and in batches."""
    prefilled = prefill_prompt(
        rnn, vocabulary, "A", unknown="skip", clamps=make_clamps(rnn, {(1, 3): 0.5} if clamps else {})
    )
    rngs = ([np.random.default_rng(seed) for seed in seeds] for _ in range(2))
    alone = [
        "".join(
            entry.char
            for entry in generate(rnn, vocabulary, rng=rng, prefilled=prefilled, params=params, stop=stop_criteria)
        )
        for rng in next(rngs)
    ]
    rows = generate_batch(rnn, vocabulary, rngs=next(rngs), prefilled=prefilled, params=params, stop=stop_criteria)
    return alone, [generated.characters for generated in collect_texts(chunks_in_order(rows))]


@pytest.mark.parametrize("params", CHOICES, ids=str)
def test_each_text_of_a_batch_is_the_text_generated_alone(params: SamplingParams) -> None:
    """For all sampling parameters, and with more texts than slots."""
    model = wide_model()
    seeds, stop_criteria = range(batched.BATCH_SLOTS + 6), StopCriteria(max_chars=40)
    alone, batched_texts = alone_and_batched(
        InferenceRNN.from_model(model), model.vocabulary, seeds=seeds, params=params, stop_criteria=stop_criteria
    )
    assert batched_texts == alone


@pytest.mark.parametrize("cell", CELLS)
def test_each_text_of_a_batch_has_its_own_end(cell: str) -> None:
    """The next text takes the slot of a text that ended; cells are clamped in all texts."""
    model = wide_model(cell)
    stop_criteria = StopCriteria(max_chars=60, stop=("A", "b", "?"))
    alone, batched_texts = alone_and_batched(
        InferenceRNN.from_model(model),
        model.vocabulary,
        seeds=range(90),
        params=SamplingParams(),
        stop_criteria=stop_criteria,
        held=1,
    )
    assert batched_texts == alone
    assert len({len(text) for text in alone}) > 5


def test_documents_end_at_their_end_character() -> None:
    """Documents that end at once are empty texts."""
    model = random_model()
    model = replace(model, config=replace(model.config, documents="line"))
    alone, batched_texts = alone_and_batched(
        InferenceRNN.from_model(model),
        model.vocabulary,
        seeds=range(80),
        params=SamplingParams(temperature=2),
        stop_criteria=StopCriteria(max_chars=60),
    )
    assert batched_texts == alone
    assert "" in alone
    assert not any("\n" in text for text in alone)


def test_ambiguous_samples_are_repeated_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """If all samples of the batch are ambiguous and wrong, no character changes."""
    model = wide_model()

    def all_ambiguous(logits: Logits, *_: object) -> tuple[CharIds, NDArray[np.bool_]]:
        return np.zeros(len(logits), dtype=np.intp), np.ones(len(logits), dtype=np.bool_)

    monkeypatch.setattr(batched, "sample_with_ambiguity", all_ambiguous)
    alone, batched_texts = alone_and_batched(
        InferenceRNN.from_model(model),
        model.vocabulary,
        seeds=range(4),
        params=SamplingParams(),
        stop_criteria=StopCriteria(max_chars=20),
    )
    assert batched_texts == alone


def test_the_nll_of_a_batch_is_that_of_each_text_alone() -> None:
    """Up to rounding."""
    model = wide_model()
    rnn, vocabulary = InferenceRNN.from_model(model), model.vocabulary
    prefilled, stop_criteria = prefill_prompt(rnn, vocabulary), StopCriteria(max_chars=30)
    rows = generate_batch(
        rnn,
        vocabulary,
        rngs=[np.random.default_rng(seed) for seed in range(3)],
        prefilled=prefilled,
        stop=stop_criteria,
    )
    for seed, generated in enumerate(collect_texts(chunks_in_order(rows))):
        rng = np.random.default_rng(seed)
        alone = sum(
            entry.nll for entry in generate(rnn, vocabulary, rng=rng, prefilled=prefilled, stop=stop_criteria)
        )
        assert abs(generated.nats - alone) < 1e-3


def test_torch_generates_the_texts_of_numpy() -> None:
    """Alone and in batches."""
    import torch

    torch.set_num_threads(1)
    model = random_model()
    readers = (
        InferenceRNN.from_model(model),
        InferenceRNN.from_model(model, arrays=lambda weight: torch.from_numpy(weight.copy())),
    )
    stop_criteria = StopCriteria(max_chars=50, stop=("ab",))
    texts = [
        alone_and_batched(
            rnn, model.vocabulary, seeds=range(20), params=SamplingParams(), stop_criteria=stop_criteria, held=1
        )
        for rnn in readers
    ]
    assert texts[0][0] == texts[0][1] == texts[1][0] == texts[1][1]
