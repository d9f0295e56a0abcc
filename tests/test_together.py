"""Texts written side by side are the texts that would be written alone."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from small import random_model

from charrnn import together
from charrnn.config import NetworkConfig
from charrnn.ending import Ending
from charrnn.network.model_file import Model, weight_shapes
from charrnn.network.reader import Reader
from charrnn.sampling import Choice, Ids, Logits, generate, opening
from charrnn.steering import held_at
from charrnn.text.vocabulary import Vocabulary
from charrnn.together import generate_together, in_order, whole_texts

CHOICES = [Choice(), Choice(temperature=0), Choice(temperature=1.3, top_k=4, top_p=0.9), Choice(min_p=0.1)]


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
    reader: Reader, vocabulary: Vocabulary, *, seeds: range, choice: Choice, ending: Ending, **clamps: float
) -> tuple[list[str], list[str]]:
    """Write with each seed, both ways."""
    begin = opening(reader, vocabulary, "A", unknown="skip", clamps=held_at(reader, {(1, 3): 0.5} if clamps else {}))
    rngs = ([np.random.default_rng(seed) for seed in seeds] for _ in range(2))
    alone = [
        "".join(
            one.character for one in generate(reader, vocabulary, rng=rng, begin=begin, choice=choice, ending=ending)
        )
        for rng in next(rngs)
    ]
    rows = generate_together(reader, vocabulary, rngs=next(rngs), begin=begin, choice=choice, ending=ending)
    return alone, [whole.characters for whole in whole_texts(in_order(rows))]


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_each_is_character_for_character_what_it_would_be_alone(choice: Choice) -> None:
    """However they are chosen, and though more texts are asked for than are written at once."""
    model = wide_model()
    seeds, ending = range(together.LANES + 6), Ending(length=40)
    alone, side_by_side = alone_and_together(
        Reader.of(model), model.vocabulary, seeds=seeds, choice=choice, ending=ending
    )
    assert side_by_side == alone


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_each_ends_by_itself(cell: str) -> None:
    """Where its stop text is; the next one takes its place, and cells are held in all."""
    model = wide_model(cell)
    ending = Ending(length=60, stops=("A", "b", "?"))
    alone, side_by_side = alone_and_together(
        Reader.of(model), model.vocabulary, seeds=range(90), choice=Choice(), ending=ending, held=1
    )
    assert side_by_side == alone
    assert len({len(text) for text in alone}) > 5


def test_documents_end_by_themselves() -> None:
    """Some at once: what is written of those is nothing, and it is given all the same."""
    model = random_model()
    model = replace(model, config=replace(model.config, documents="line"))
    alone, side_by_side = alone_and_together(
        Reader.of(model), model.vocabulary, seeds=range(80), choice=Choice(temperature=2), ending=Ending(length=60)
    )
    assert side_by_side == alone
    assert "" in alone
    assert not any("\n" in text for text in alone)


def test_a_choice_that_rounding_could_make_otherwise_is_made_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is chosen side by side, were it all in doubt and all wrong, is nowhere to be seen."""
    model = wide_model()

    def all_in_doubt(logits: Logits, *_: object) -> tuple[Ids, NDArray[np.bool_]]:
        return np.zeros(len(logits), dtype=np.intp), np.ones(len(logits), dtype=np.bool_)

    monkeypatch.setattr(together, "choose_surely", all_in_doubt)
    alone, side_by_side = alone_and_together(
        Reader.of(model), model.vocabulary, seeds=range(4), choice=Choice(), ending=Ending(length=20)
    )
    assert side_by_side == alone


def test_what_was_written_costs_what_it_costs_alone() -> None:
    """To the rounding that there is."""
    model = wide_model()
    reader, vocabulary = Reader.of(model), model.vocabulary
    begin, ending = opening(reader, vocabulary), Ending(length=30)
    rows = generate_together(
        reader, vocabulary, rngs=[np.random.default_rng(seed) for seed in range(3)], begin=begin, ending=ending
    )
    for seed, whole in enumerate(whole_texts(in_order(rows))):
        rng = np.random.default_rng(seed)
        alone = sum(one.nats for one in generate(reader, vocabulary, rng=rng, begin=begin, ending=ending))
        assert abs(whole.nats - alone) < 1e-3


def test_texts_are_written_where_the_weights_are() -> None:
    """In torch as in NumPy."""
    import torch

    torch.set_num_threads(1)
    model = random_model()
    readers = Reader.of(model), Reader.of(model, arrays=lambda weight: torch.from_numpy(weight.copy()))
    ending = Ending(length=50, stops=("ab",))
    texts = [
        alone_and_together(reader, model.vocabulary, seeds=range(20), choice=Choice(), ending=ending, held=1)
        for reader in readers
    ]
    assert texts[0][0] == texts[0][1] == texts[1][0] == texts[1][1]
