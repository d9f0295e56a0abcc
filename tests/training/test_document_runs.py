"""Runs on documents: each document is trained, scored and generated from the zero state, and resuming is exact."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.generation.generate import generate, prefill_prompt
from charrnn.network.cells import CELLS
from charrnn.network.inference import InferenceRNN
from charrnn.scoring import score
from charrnn.storage.run_directory import RunDirectory
from charrnn.text import corpus_encoder
from charrnn.text.corpus import Corpus
from charrnn.text.ngram import fit_best_ngram
from charrnn.text.sources import open_sources
from charrnn.text.vocabulary import END_OF_TEXT
from charrnn.training import checkpoint, checkpointer, new_run, resume
from charrnn.training.checkpoint import state_arrays
from charrnn.training.evaluation import held_out_loss
from charrnn.training.events import Preview, Step
from charrnn.training.loop import PREVIEW_CHARS, preview, train_loop
from charrnn.training.train_options import TrainOptions
from charrnn.training.trainer import Trainer

MakeRun = Callable[..., Trainer]


def names(count: int, seed: int = 0) -> list[str]:
    """Return random names of two to four syllables, whose last letters depend on the first."""
    rng = np.random.default_rng(seed)
    ends = {"B": "ra", "K": "us", "M": "o", "T": "in"}
    names_so_far = []
    for _ in range(count):
        first = str(rng.choice(list(ends)))
        middle = "".join(rng.choice(["ela", "ori", "ani", "udo"], rng.integers(1, 4)))
        names_so_far.append(f"{first}{middle}{ends[first]}")
    return names_so_far


@pytest.fixture
def names_corpus(tmp_path: Path) -> Corpus:
    """Return the corpus of three hundred names, one per line."""
    path = tmp_path / "names.txt"
    path.write_text("\n".join(names(300)))
    sources = open_sources([str(path)])
    counts = corpus_encoder.count_characters(sources, "utf-8", documents="line")
    return corpus_encoder.encode(sources, "utf-8", counts, tmp_path / "corpus.bin")


@pytest.fixture
def make_names_trainer(names_corpus: Corpus) -> MakeRun:
    """Return a function that creates trainers of a small network on the names."""
    torch.set_num_threads(1)

    def make(**settings: Any) -> Trainer:
        network = {"hidden": 16, "embedding": 8, "documents": "line"}
        training = {"batch": 4, "length": 16, "lr": 1e-2, "steps": 40, "warm_up": 5, "reset": 0.0}
        network_settings = NetworkConfig.__dataclass_fields__
        network |= {name: value for name, value in settings.items() if name in network_settings}
        training |= {name: value for name, value in settings.items() if name not in network_settings}
        return Trainer(names_corpus, NetworkConfig(**network), TrainingConfig(**training), "cpu")  # type: ignore[arg-type]

    return make


@pytest.mark.parametrize("cell", CELLS)
def test_a_stopped_and_resumed_run_of_documents_ends_as_an_uninterrupted_one(
    cell: str, make_names_trainer: MakeRun, tmp_path: Path
) -> None:
    """The arrays are equal bit for bit."""
    settings = {"cell": cell, "layers": 2, "dropout": 0.2, "weight_drop": 0.2}
    uninterrupted, first, second = (make_names_trainer(**settings) for _ in range(3))
    list(train_loop(uninterrupted, sample_every=0))
    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    for event in train_loop(first, sample_every=0):
        if isinstance(event, Step) and event.step == 17:
            break
    checkpoint.load_checkpoint(second, checkpoint.save_checkpoint(first, directory))
    list(train_loop(second, sample_every=0))
    expected, actual = state_arrays(uninterrupted), state_arrays(second)
    assert expected.keys() == actual.keys()
    assert [name for name in expected if not np.array_equal(expected[name], actual[name])] == []


def test_every_document_is_read_once_an_epoch(make_names_trainer: MakeRun) -> None:
    """No character is left out or read twice."""
    trainer = make_names_trainer(batch=3, length=11)
    epoch = -(-trainer.train_characters // 33)
    streams = np.concatenate([trainer.batches.batch_ids(step)[:-1] for step in range(epoch)])
    starts = trainer.batches.starts(0)
    lengths = np.diff([*starts, trainer.train_characters])
    read = np.concatenate([streams[:length, row] for row, length in enumerate(lengths)])
    assert np.array_equal(read, trainer.corpus.ids[: trainer.train_characters])


def test_the_loss_of_a_document_does_not_depend_on_the_documents_before_it(make_names_trainer: MakeRun) -> None:
    """The losses are equal in the evaluation of the run and when scoring the same documents in another order."""
    trainer = make_names_trainer()
    list(train_loop(trainer, sample_every=0))
    rnn, vocabulary = InferenceRNN.from_model(trainer.model(trainer.ema_weights())), trainer.corpus.vocabulary
    held_out = trainer.corpus.text(trainer.train_characters, trainer.corpus.characters).splitlines()
    forward = score(rnn, vocabulary, "\n".join(held_out))
    backward = score(rnn, vocabulary, "\n\n".join(reversed(held_out)) + "\n")
    assert forward.nats == pytest.approx(backward.nats, rel=1e-5)
    assert forward.characters == backward.characters == trainer.held_out_characters
    document_scores = [score(rnn, vocabulary, name) for name in held_out]
    assert sum(part.nats for part in document_scores) == pytest.approx(forward.nats, rel=1e-5)
    # The evaluation does not score the first character; otherwise both losses agree.
    loss, initial_logits = held_out_loss(trainer), prefill_prompt(rnn, vocabulary).logits[0]
    first = np.log(np.exp(initial_logits).sum()) - initial_logits[vocabulary.id_of(held_out[0][0])]
    assert loss.characters == trainer.held_out_characters - 1
    assert loss.nats * loss.characters + first == pytest.approx(forward.nats, rel=1e-5)


def previewed(trainer: Trainer) -> str:
    """Return the text of a preview."""
    return next(event.text for event in preview(trainer) if isinstance(event, Preview))


def test_the_preview_shows_complete_documents(make_names_trainer: MakeRun) -> None:
    """As many as fit; a first document that is too long is cut."""
    trainer = make_names_trainer(steps=120, hidden=48, lr=0.02)
    list(train_loop(trainer, sample_every=0))
    text = previewed(trainer)
    assert len(text) <= PREVIEW_CHARS
    assert 5 < len(text.split("\n")) < 60
    with torch.no_grad():
        trainer.ema_network.output.bias[trainer.corpus.end_id] = -100
    assert len(previewed(trainer)) == PREVIEW_CHARS
    with torch.no_grad():
        trainer.ema_network.output.bias[trainer.corpus.end_id] = 100
    assert set(previewed(trainer)) == {"\n"}


def test_a_generated_document_ends_by_itself(make_names_trainer: MakeRun) -> None:
    """The end character is not part of the text, and the same seed gives the same document."""
    trainer = make_names_trainer(steps=120, hidden=48, lr=0.02)
    list(train_loop(trainer, sample_every=0))
    rnn = InferenceRNN.from_model(trainer.model(trainer.ema_weights()))
    documents = [
        "".join(
            generated.char for generated in generate(rnn, trainer.corpus.vocabulary, rng=np.random.default_rng(seed))
        )
        for seed in [*range(20), *range(20)]
    ]
    assert all(0 < len(name) < 100 and "\n" not in name for name in documents)
    assert documents[:20] == documents[20:]
    assert len(set(documents)) > 10


def test_the_context_of_the_ngram_does_not_reach_beyond_the_start_of_a_document() -> None:
    """Each second document repeats the one before, which the n-gram predicts only without end characters."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(1, 9, 4000)
    ids = np.stack([pairs, np.zeros_like(pairs), pairs, np.zeros_like(pairs)], 1).flatten().astype(np.uint8)
    with_ends = fit_best_ngram(ids, train_characters=12_000, size=9, end_id=0)
    without_ends = fit_best_ngram(ids, train_characters=12_000, size=9)
    assert without_ends.nats < 0.75 * with_ends.nats
    assert with_ends.nats == pytest.approx(np.log(8) / 2, abs=0.02)
    assert with_ends.characters == without_ends.characters == 4_000


def test_the_ngram_loss_of_documents_does_not_depend_on_their_order() -> None:
    """The held-out documents are reversed."""
    documents = [name.encode() for name in names(200)]

    def encoded(order: list[bytes]) -> np.ndarray:
        return np.frombuffer(b"\n".join([*documents[:150], *order, b""]), np.uint8)

    start = len(b"\n".join(documents[:150])) + 1
    orders = documents[150:], documents[:149:-1]
    forward, backward = (
        fit_best_ngram(encoded(order), train_characters=start, size=128, end_id=10) for order in orders
    )
    assert forward.nats == pytest.approx(backward.nats, rel=1e-9)
    assert forward.order > 2


def begin(parent: Path, *, documents: str, texts: list[str], **options: Any) -> new_run.Session:
    """Start a run on files of documents."""
    paths = [parent / f"{number}.txt" for number, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    sources = open_sources([str(path) for path in paths])
    counts = corpus_encoder.count_characters(sources, "utf-8", documents=documents)
    settings: dict[str, Any] = {"hidden": 12, "batch": 4, "length": 16, "steps": 20, "documents": documents} | options
    directory, train_options = RunDirectory(parent / "run"), TrainOptions(**settings)
    return new_run.start_new(
        new_run.NewRunRequest(
            sources=sources, counts=counts, directory=directory, options=train_options, device="cpu"
        )
    )


@pytest.mark.parametrize("documents", ["line", "blank", "file"])
def test_a_run_starts_and_resumes_with_documents_of_each_kind(documents: str, tmp_path: Path) -> None:
    """There are no random resets of the state, and the kind of documents cannot change later."""
    separator = {"line": "\n", "blank": "\n\n", "file": "\x00"}[documents]
    texts = separator.join(names(100)).split("\x00")
    session = begin(tmp_path, documents=documents, texts=texts)
    assert session.trainer.training.reset == 0
    assert session.trainer.corpus.text(session.trainer.train_characters - 1, session.trainer.train_characters) in (
        "\n",
        END_OF_TEXT,
    )
    list(
        checkpointer.save_during_training(
            train_loop(session.trainer, sample_every=0), session.trainer, session.directory
        )
    )
    sources = open_sources([str(tmp_path / f"{number}.txt") for number in range(len(texts))])
    for options in (TrainOptions(), TrainOptions(documents=documents)):
        assert resume.resume(sources, session.directory, options, "cpu").trainer.step == 20
    other = "blank" if documents == "line" else "line"
    with pytest.raises(CharrnnError, match=f"documents: saved {documents}, requested {other}"):
        resume.resume(sources, session.directory, TrainOptions(documents=other), "cpu")


def test_a_run_without_documents_cannot_resume_with_documents(tmp_path: Path) -> None:
    """The option is not silently ignored either."""
    path = tmp_path / "text.txt"
    path.write_text("\n".join(names(100)))
    sources = open_sources([str(path)])
    options = TrainOptions(hidden=12, batch=4, length=16, steps=5)
    session = new_run.start_new(
        new_run.NewRunRequest(
            sources=sources,
            counts=corpus_encoder.count_characters(sources, "utf-8"),
            directory=RunDirectory(tmp_path / "run"),
            options=options,
            device="cpu",
        )
    )
    list(
        checkpointer.save_during_training(
            train_loop(session.trainer, sample_every=0), session.trainer, session.directory
        )
    )
    with pytest.raises(CharrnnError, match="documents: saved None, requested line"):
        resume.resume(sources, session.directory, TrainOptions(documents="line"), "cpu")


def test_a_note_states_the_fraction_held_out_of_few_large_documents(tmp_path: Path) -> None:
    """A document is held out as a whole, whatever fraction of the text it is."""
    session = begin(tmp_path, documents="file", texts=["once upon a time " * 20, "there was a king " * 20])
    assert session.trainer.train_characters == 341
    assert any("documents are held out whole: 50% of the text" in note for note in session.notes)
