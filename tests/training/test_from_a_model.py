"""Fine-tuning: a run that starts from a pretrained model keeps its weights and ids, and never changes its file."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from common import generated_text

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError, WrongUsageError
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

OPTIONS: dict[str, Any] = {"batch": 4, "length": 16, "steps": 20}
ALPHABET = "\n zyx.abcdefghij"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Save a random model with an unsorted vocabulary in a run directory, and return its path."""
    directory = RunDirectory(tmp_path / "checkpoints" / "old")
    directory.path.mkdir(parents=True)
    save_model(directory.model, model_of(ALPHABET))
    return directory.model


def model_of(characters: str, **config: Any) -> Model:
    """Return a model of one small layer with large random weights."""
    network = NetworkConfig(cell="gru", hidden=20, embedding=6, **config)
    shapes, rng = weight_shapes(network, len(characters)), np.random.default_rng(0)
    weights = {name: rng.normal(scale=0.5, size=shape).astype(np.float32) for name, shape in shapes.items()}
    return Model(config=network, vocabulary=Vocabulary(tuple(characters)), weights=weights)


def begin(source: Path, *, text: str = "a bad éclair, Zoë. fig jab\n" * 60, **options: Any) -> Session:
    """Start a run on a text from the pretrained model."""
    directory = RunDirectory(source.parents[1] / "new")
    path = source.parents[2] / "new.txt"
    path.write_text(text)
    pretrained = load_pretrained(source, directory)
    sources = open_sources([str(path)])
    counts = count_characters(sources, "utf-8", documents=document_kind(options.get("documents"), pretrained))
    return new_run.start_new(
        new_run.NewRunRequest(
            sources=sources,
            counts=counts,
            directory=directory,
            options=TrainOptions(**(OPTIONS | options)),
            device="cpu",
            pretrained=pretrained,
        )
    )


def resume_run(source: Path, **options: Any) -> Session:
    """Resume this run."""
    sources = open_sources([str(source.parents[2] / "new.txt")])
    return resume(sources, RunDirectory(source.parents[1] / "new"), TrainOptions(**(OPTIONS | options)), "cpu")


def test_ids_are_kept_and_new_characters_are_appended(source: Path) -> None:
    """The new text may lack known characters and contain new ones."""
    trainer = begin(source).trainer
    assert "".join(trainer.corpus.vocabulary.characters) == ALPHABET + "".join(sorted(",Zlroéë"))
    assert trainer.corpus.text(0, 27) == "a bad éclair, Zoë. fig jab\n"
    assert trainer.corpus.ids[0] == ALPHABET.index("a")


def test_before_the_first_step_the_run_generates_the_same_text_as_the_model(source: Path) -> None:
    """With the same seed; the model is as confident as a trained one, so new characters are unlikely."""
    original = load_model(source)
    weights = {**original.weights, "output.weight": 8 * original.weights["output.weight"]}
    save_model(source, dataclasses.replace(original, weights=weights))
    trainer, old = begin(source).trainer, load_model(source)
    new = trainer.model(trainer.ema_weights())
    texts = [generated_text(model, seed=3) for model in (old, new)]
    assert texts[0] == texts[1]
    assert len(set(texts[0])) > 3


def test_the_pretrained_model_is_never_changed(source: Path) -> None:
    """The file of the model does not change."""
    before = source.read_bytes()
    session = begin(source)
    list(
        checkpointer.save_during_training(
            train_loop(session.trainer, sample_every=0), session.trainer, session.directory
        )
    )
    assert source.read_bytes() == before
    assert load_model(session.directory.model).training["from"] == str(source)
    assert not np.array_equal(
        session.trainer.raw_weights()["rnn.weight_hh_l0"], load_model(source).weights["rnn.weight_hh_l0"]
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cell": "lstm"}, "has cell gru; --cell lstm"),
        ({"layers": 2}, "has layers 1; --layers 2"),
        ({"hidden": 512}, "has hidden 20; --hidden 512"),
        ({"embedding": 0}, "has embedding 6; --embedding 0"),
    ],
)
def test_a_network_that_differs_from_the_model_is_refused(options: dict[str, Any], words: str, source: Path) -> None:
    """The message contains both values, and no file is created."""
    with pytest.raises(WrongUsageError, match=words):
        begin(source, **options)
    assert not (source.parents[1] / "new").exists()


def test_the_settings_of_the_model_may_be_repeated(source: Path) -> None:
    """A settings file that a run has written repeats them; dropout can be chosen freely."""
    config = begin(source, cell="gru", layers=1, hidden=20, embedding=6, dropout=0.4).trainer.network.config
    assert (config.cell, config.layers, config.hidden, config.embedding) == ("gru", 1, 20, 6)
    assert config.dropout == 0.4


def test_fine_tuning_has_a_lower_default_learning_rate_and_names_it(source: Path) -> None:
    """A requested learning rate is kept."""
    session, with_given_rate = begin(source), begin(source, lr=0.123)
    sources = open_sources([str(source.parents[2] / "new.txt")])
    network_options = {"cell": "gru", "hidden": 20, "embedding": 6}
    from_scratch = new_run.start_new(
        new_run.NewRunRequest(
            sources=sources,
            counts=count_characters(sources, "utf-8"),
            directory=RunDirectory(source.parents[1] / "chance"),
            options=TrainOptions(**(OPTIONS | network_options)),
            device="cpu",
        )
    )
    assert session.trainer.training.lr < 0.6 * from_scratch.trainer.training.lr
    assert "half the usual learning rate" in session.reason
    assert with_given_rate.trainer.training.lr == 0.123
    assert "usual learning rate" not in with_given_rate.reason
    assert any("new to" in note and "'Z'" in note for note in session.notes)


def test_rare_new_characters_are_merged_and_known_characters_are_kept(source: Path) -> None:
    """Known characters are kept even if they are rare in the new text."""
    text = "a bad fig.\n" * 60 + "zyx éß\n"
    characters = begin(source, text=text, min_count=5).trainer.corpus.vocabulary.characters
    assert "".join(characters) == ALPHABET + UNKNOWN
    save_model(source, model_of(ALPHABET + UNKNOWN))
    trainer = begin(source, text=text).trainer
    assert "".join(trainer.corpus.vocabulary.characters) == ALPHABET + UNKNOWN + "ßé"


def test_resuming_is_exact_even_if_the_pretrained_model_is_deleted(source: Path) -> None:
    """A stopped and resumed run is equal bit for bit to an uninterrupted one."""
    uninterrupted = begin(source)
    list(train_loop(uninterrupted.trainer, sample_every=0))
    first = begin(source)
    for event in train_loop(first.trainer, sample_every=0):
        if isinstance(event, Step) and event.step == 9:
            break
    checkpoint.save_checkpoint(first.trainer, first.directory)
    source.unlink()
    for name in (str(source), str(source.parent), None):
        resumed = resume_run(source, from_=name)
        assert resumed.trainer.step == 9
    list(train_loop(resumed.trainer, sample_every=0))
    expected, actual = state_arrays(uninterrupted.trainer), state_arrays(resumed.trainer)
    assert [name for name in expected if not np.array_equal(expected[name], actual[name])] == []


def test_a_run_cannot_resume_from_another_pretrained_model(source: Path) -> None:
    """The message contains both paths."""
    session = begin(source)
    list(
        checkpointer.save_during_training(
            train_loop(session.trainer, sample_every=0), session.trainer, session.directory
        )
    )
    with pytest.raises(CharrnnError, match=r"from: saved .*old/model.safetensors, requested elsewhere"):
        resume_run(source, from_="elsewhere")


def test_a_run_cannot_replace_its_pretrained_model(source: Path) -> None:
    """The directory of the run must not contain the model."""
    with pytest.raises(CharrnnError, match="contains the model") as caught:
        load_pretrained(source, RunDirectory(source.parent))
    assert "--out" in str(caught.value.hint)


def test_a_run_or_checkpoint_can_name_its_model(source: Path) -> None:
    """A checkpoint without a model in its directory is itself the model."""
    saved = RunDirectory(source.parent).checkpoint(7)
    saved.write_bytes(source.read_bytes())
    assert model_file_of(source.parent) == model_file_of(saved) == model_file_of(source) == source
    source.unlink()
    assert model_file_of(saved) == saved
    assert model_file_of(source.parent) == source.parent
    assert model_file_of(Path("nowhere")) == Path("nowhere")


def test_the_kind_of_documents_is_that_of_the_model(source: Path) -> None:
    """It is the default, and another one is refused; a model without documents can be fine-tuned on any kind."""
    text = "\n\n".join(f"fig {number}\njab" for number in range(80))
    assert (
        begin(source, text=text, documents="blank").trainer.corpus.vocabulary.characters[len(ALPHABET)] == END_OF_TEXT
    )
    save_model(source, model_of(ALPHABET, documents="line"))
    session = begin(source, text=text)
    assert session.trainer.network.config.documents == "line"
    assert session.trainer.training.reset == 0
    with pytest.raises(WrongUsageError, match="documents by line; --documents blank"):
        begin(source, text=text, documents="blank")


def test_the_vocabulary_of_a_one_hot_network_can_grow(source: Path) -> None:
    """Its first layer gets weights for the new characters."""
    model = model_of(ALPHABET)
    config = NetworkConfig(cell="gru", hidden=20, embedding=0)
    shapes = weight_shapes(config, len(ALPHABET))
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    save_model(source, Model(config=config, vocabulary=model.vocabulary, weights=weights))
    trainer = begin(source).trainer
    list(train_loop(trainer, sample_every=0))
    assert trainer.raw_weights()["rnn.weight_ih_l0"].shape == (60, len(ALPHABET) + 7)
