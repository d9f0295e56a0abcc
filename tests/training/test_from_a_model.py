"""A run can start from a trained model: what that knows is kept, its numbers too, and it is never changed."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.generation.generate import StopCriteria, generate
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, load_model, save_model, weight_shapes
from charrnn.storage.run_directory import RunDirectory, model_file_of
from charrnn.text.corpus_encoder import count_characters
from charrnn.text.sources import open_sources
from charrnn.text.vocabulary import END_OF_TEXT, UNKNOWN, Vocabulary
from charrnn.training import checkpoint, checkpointer, new_run
from charrnn.training.checkpoint import state_arrays
from charrnn.training.events import Step
from charrnn.training.loop import train_loop
from charrnn.training.new_run import Session
from charrnn.training.prepare import document_kind, load_pretrained
from charrnn.training.resume import resume
from charrnn.training.train_options import TrainOptions

GIVEN: dict[str, Any] = {"batch": 4, "length": 16, "steps": 20}
KNOWN = "\n zyx.abcdefghij"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Save a random model whose characters are in no order, as a run's."""
    directory = RunDirectory(tmp_path / "checkpoints" / "old")
    directory.path.mkdir(parents=True)
    save_model(directory.model, model_of(KNOWN))
    return directory.model


def model_of(characters: str, **config: Any) -> Model:
    """Make a model of a small layer whose weights matter."""
    made = NetworkConfig(cell="gru", hidden=20, embedding=6, **config)
    shapes, rng = weight_shapes(made, len(characters)), np.random.default_rng(0)
    weights = {name: rng.normal(scale=0.5, size=shape).astype(np.float32) for name, shape in shapes.items()}
    return Model(config=made, vocabulary=Vocabulary(tuple(characters)), weights=weights)


def begin(source: Path, *, text: str = "a bad éclair, Zoë. fig jab\n" * 60, **given: Any) -> Session:
    """Begin a run of a text from the model."""
    place = RunDirectory(source.parents[1] / "new")
    path = source.parents[2] / "new.txt"
    path.write_text(text)
    pretrained = load_pretrained(source, place)
    sources = open_sources([str(path)])
    found = count_characters(sources, "utf-8", documents=document_kind(given.get("documents"), pretrained))
    return new_run.start_new(
        new_run.NewRunRequest(
            sources=sources,
            counts=found,
            directory=place,
            options=TrainOptions(**(GIVEN | given)),
            device="cpu",
            pretrained=pretrained,
        )
    )


def go_on(source: Path, **given: Any) -> Session:
    """Resume that run."""
    sources = open_sources([str(source.parents[2] / "new.txt")])
    return resume(sources, RunDirectory(source.parents[1] / "new"), TrainOptions(**(GIVEN | given)), "cpu")


def test_numbers_are_kept_and_new_characters_come_after_them(source: Path) -> None:
    """Whatever the new text has or lacks; its ids are by those numbers."""
    trainer = begin(source).trainer
    assert "".join(trainer.corpus.vocabulary.characters) == KNOWN + "".join(sorted(",Zlroéë"))
    assert trainer.corpus.text(0, 27) == "a bad éclair, Zoë. fig jab\n"
    assert trainer.corpus.ids[0] == KNOWN.index("a")


def test_before_the_first_step_it_writes_what_the_model_writes(source: Path) -> None:
    """The same seed, the same text, where the model is as sure as a trained one: a new character is unlikely."""
    unsure = load_model(source)
    weights = {**unsure.weights, "output.weight": 8 * unsure.weights["output.weight"]}
    save_model(source, dataclasses.replace(unsure, weights=weights))
    trainer, old = begin(source).trainer, load_model(source)
    new = trainer.model(trainer.ema_weights())
    both = [
        "".join(
            one.char
            for one in generate(
                InferenceRNN.from_model(model),
                model.vocabulary,
                rng=np.random.default_rng(3),
                stop=StopCriteria(max_chars=200),
            )
        )
        for model in (old, new)
    ]
    assert both[0] == both[1]
    assert len(set(both[0])) > 3


def test_the_model_is_never_changed(source: Path) -> None:
    """Not a byte of its file, whatever the training does."""
    before = source.read_bytes()
    made = begin(source)
    list(checkpointer.save_during_training(train_loop(made.trainer, sample_every=0), made.trainer, made.directory))
    assert source.read_bytes() == before
    assert load_model(made.directory.model).training["from"] == str(source)
    assert not np.array_equal(
        made.trainer.raw_weights()["rnn.weight_hh_l0"], load_model(source).weights["rnn.weight_hh_l0"]
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cell": "lstm"}, "has cell gru; --cell lstm"),
        ({"layers": 2}, "has layers 1; --layers 2"),
        ({"hidden": 512}, "has hidden 20; --hidden 512"),
        ({"embedding": 0}, "has embedding 6; --embedding 0"),
    ],
)
def test_another_network_than_the_models_is_refused(given: dict[str, Any], words: str, source: Path) -> None:
    """With both values; nothing is made."""
    with pytest.raises(WrongUsageError, match=words):
        begin(source, **given)
    assert not (source.parents[1] / "new").exists()


def test_the_networks_own_values_may_be_given(source: Path) -> None:
    """As a config file does that a run has written; what is left out while learning is free."""
    config = begin(source, cell="gru", layers=1, hidden=20, embedding=6, dropout=0.4).trainer.network.config
    assert (config.cell, config.layers, config.hidden, config.embedding) == ("gru", 1, 20, 6)
    assert config.dropout == 0.4


def test_it_learns_at_a_lower_rate_and_says_so(source: Path) -> None:
    """Unless another was asked for."""
    made, asked = begin(source), begin(source, lr=0.123)
    sources = open_sources([str(source.parents[2] / "new.txt")])
    own = {"cell": "gru", "hidden": 20, "embedding": 6}
    from_chance = new_run.start_new(
        new_run.NewRunRequest(
            sources=sources,
            counts=count_characters(sources, "utf-8"),
            directory=RunDirectory(source.parents[1] / "chance"),
            options=TrainOptions(**(GIVEN | own)),
            device="cpu",
        )
    )
    assert made.trainer.training.lr < 0.6 * from_chance.trainer.training.lr
    assert "half the usual learning rate" in made.reason
    assert asked.trainer.training.lr == 0.123
    assert "usual learning rate" not in asked.reason
    assert any("new to" in note and "'Z'" in note for note in made.notes)


def test_rare_new_characters_become_one_and_known_ones_stay(source: Path) -> None:
    """However seldom they stand in the new text."""
    text = "a bad fig.\n" * 60 + "zyx éß\n"
    characters = begin(source, text=text, min_count=5).trainer.corpus.vocabulary.characters
    assert "".join(characters) == KNOWN + UNKNOWN
    save_model(source, model_of(KNOWN + UNKNOWN))
    trainer = begin(source, text=text).trainer
    assert "".join(trainer.corpus.vocabulary.characters) == KNOWN + UNKNOWN + "ßé"


def test_going_on_is_exact_even_where_the_model_is_gone(source: Path) -> None:
    """Stopped and resumed it ends as it would have, bit for bit."""
    whole = begin(source)
    list(train_loop(whole.trainer, sample_every=0))
    first = begin(source)
    for event in train_loop(first.trainer, sample_every=0):
        if isinstance(event, Step) and event.step == 9:
            break
    checkpoint.save_checkpoint(first.trainer, first.directory)
    source.unlink()
    for named in (str(source), str(source.parent), None):
        again = go_on(source, from_=named)
        assert again.trainer.step == 9
    list(train_loop(again.trainer, sample_every=0))
    one, other = state_arrays(whole.trainer), state_arrays(again.trainer)
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []


def test_a_run_is_not_gone_on_with_from_another_model(source: Path) -> None:
    """Nor one that was begun by chance from any."""
    made = begin(source)
    list(checkpointer.save_during_training(train_loop(made.trainer, sample_every=0), made.trainer, made.directory))
    with pytest.raises(CharrnnError, match=r"from: saved .*old/model.safetensors, requested elsewhere"):
        go_on(source, from_="elsewhere")


def test_a_model_is_not_replaced_by_what_starts_from_it(source: Path) -> None:
    """A run's place must be another than the model's."""
    with pytest.raises(CharrnnError, match="contains the model") as caught:
        load_pretrained(source, RunDirectory(source.parent))
    assert "--out" in str(caught.value.hint)


def test_a_run_or_its_checkpoint_stands_for_its_model(source: Path) -> None:
    """A checkpoint without a model beside it stands for itself."""
    saved = RunDirectory(source.parent).checkpoint(7)
    saved.write_bytes(source.read_bytes())
    assert model_file_of(source.parent) == model_file_of(saved) == model_file_of(source) == source
    source.unlink()
    assert model_file_of(saved) == saved
    assert model_file_of(source.parent) == source.parent
    assert model_file_of(Path("nowhere")) == Path("nowhere")


def test_documents_are_those_that_the_model_knows(source: Path) -> None:
    """Left out, they are the model's; others are refused; a model that knows none can learn any."""
    text = "\n\n".join(f"fig {number}\njab" for number in range(80))
    assert begin(source, text=text, documents="blank").trainer.corpus.vocabulary.characters[len(KNOWN)] == END_OF_TEXT
    save_model(source, model_of(KNOWN, documents="line"))
    made = begin(source, text=text)
    assert made.trainer.network.config.documents == "line"
    assert made.trainer.training.reset == 0
    with pytest.raises(WrongUsageError, match="documents by line; --documents blank"):
        begin(source, text=text, documents="blank")


def test_a_one_hot_network_grows_too(source: Path) -> None:
    """Its first layer hears the new characters."""
    made = model_of(KNOWN)
    config = NetworkConfig(cell="gru", hidden=20, embedding=0)
    shapes = weight_shapes(config, len(KNOWN))
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    save_model(source, Model(config=config, vocabulary=made.vocabulary, weights=weights))
    trainer = begin(source).trainer
    list(train_loop(trainer, sample_every=0))
    assert trainer.raw_weights()["rnn.weight_ih_l0"].shape == (60, len(KNOWN) + 7)
