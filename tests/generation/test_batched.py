"""Texts written side by side are the texts that would be written alone."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from small import random_model

from charrnn.config import NetworkConfig
from charrnn.generation import batched
from charrnn.generation.batched import chunks_in_order, collect_texts, generate_batch
from charrnn.generation.generate import StopCriteria, generate, prefill_prompt
from charrnn.generation.sampling import CharIds, Logits, SamplingParams
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
    """Make one so wide that side by side its products are added up in another order."""
    config, vocabulary = (
        NetworkConfig(cell=cell, layers=1, hidden=96, embedding=8),
        "\n" + "".join(map(chr, range(32, 92))),
    )
    rng = np.random.default_rng(0)
    shapes = weight_shapes(config, len(vocabulary))
    weights = {name: rng.normal(scale=0.15, size=shape).astype(np.float32) for name, shape in shapes.items()}
    weights["output.weight"] *= 4
    return Model(config=config, vocabulary=Vocabulary(tuple(vocabulary)), weights=weights)


def alone_and_together(
    rnn: InferenceRNN,
    vocabulary: Vocabulary,
    *,
    seeds: range,
    params: SamplingParams,
    stop_criteria: StopCriteria,
    **clamps: float,
) -> tuple[list[str], list[str]]:
    """Write with each seed, both ways."""
    prefilled = prefill_prompt(
        rnn, vocabulary, "A", unknown="skip", clamps=make_clamps(rnn, {(1, 3): 0.5} if clamps else {})
    )
    rngs = ([np.random.default_rng(seed) for seed in seeds] for _ in range(2))
    alone = [
        "".join(
            one.char
            for one in generate(rnn, vocabulary, rng=rng, prefilled=prefilled, params=params, stop=stop_criteria)
        )
        for rng in next(rngs)
    ]
    rows = generate_batch(rnn, vocabulary, rngs=next(rngs), prefilled=prefilled, params=params, stop=stop_criteria)
    return alone, [generated.characters for generated in collect_texts(chunks_in_order(rows))]


@pytest.mark.parametrize("params", CHOICES, ids=str)
def test_each_is_character_for_character_what_it_would_be_alone(params: SamplingParams) -> None:
    """However they are chosen, and though more texts are asked for than are written at once."""
    model = wide_model()
    seeds, stop_criteria = range(batched.BATCH_SLOTS + 6), StopCriteria(max_chars=40)
    alone, side_by_side = alone_and_together(
        InferenceRNN.from_model(model), model.vocabulary, seeds=seeds, params=params, stop_criteria=stop_criteria
    )
    assert side_by_side == alone


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_each_ends_by_itself(cell: str) -> None:
    """Where its stop text is; the next one takes its place, and cells are held in all."""
    model = wide_model(cell)
    stop_criteria = StopCriteria(max_chars=60, stop=("A", "b", "?"))
    alone, side_by_side = alone_and_together(
        InferenceRNN.from_model(model),
        model.vocabulary,
        seeds=range(90),
        params=SamplingParams(),
        stop_criteria=stop_criteria,
        held=1,
    )
    assert side_by_side == alone
    assert len({len(text) for text in alone}) > 5


def test_documents_end_by_themselves() -> None:
    """Some at once: what is written of those is nothing, and it is given all the same."""
    model = random_model()
    model = replace(model, config=replace(model.config, documents="line"))
    alone, side_by_side = alone_and_together(
        InferenceRNN.from_model(model),
        model.vocabulary,
        seeds=range(80),
        params=SamplingParams(temperature=2),
        stop_criteria=StopCriteria(max_chars=60),
    )
    assert side_by_side == alone
    assert "" in alone
    assert not any("\n" in text for text in alone)


def test_a_choice_that_rounding_could_make_otherwise_is_made_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is chosen side by side, were it all in doubt and all wrong, is nowhere to be seen."""
    model = wide_model()

    def all_in_doubt(logits: Logits, *_: object) -> tuple[CharIds, NDArray[np.bool_]]:
        return np.zeros(len(logits), dtype=np.intp), np.ones(len(logits), dtype=np.bool_)

    monkeypatch.setattr(batched, "sample_with_ambiguity", all_in_doubt)
    alone, side_by_side = alone_and_together(
        InferenceRNN.from_model(model),
        model.vocabulary,
        seeds=range(4),
        params=SamplingParams(),
        stop_criteria=StopCriteria(max_chars=20),
    )
    assert side_by_side == alone


def test_what_was_written_costs_what_it_costs_alone() -> None:
    """To the rounding that there is."""
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
        alone = sum(one.nll for one in generate(rnn, vocabulary, rng=rng, prefilled=prefilled, stop=stop_criteria))
        assert abs(generated.nats - alone) < 1e-3


def test_texts_are_written_where_the_weights_are() -> None:
    """In torch as in NumPy."""
    import torch

    torch.set_num_threads(1)
    model = random_model()
    readers = (
        InferenceRNN.from_model(model),
        InferenceRNN.from_model(model, arrays=lambda weight: torch.from_numpy(weight.copy())),
    )
    stop_criteria = StopCriteria(max_chars=50, stop=("ab",))
    texts = [
        alone_and_together(
            rnn, model.vocabulary, seeds=range(20), params=SamplingParams(), stop_criteria=stop_criteria, held=1
        )
        for rnn in readers
    ]
    assert texts[0][0] == texts[0][1] == texts[1][0] == texts[1][1]
