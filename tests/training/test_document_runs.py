"""A run of documents: each is learned, judged and written from the zero state, and going on is exact as ever."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.generation.generate import generate, prefill_prompt
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
    """Make up names of two to four syllables; the last letter belongs to the first."""
    rng = np.random.default_rng(seed)
    ends = {"B": "ra", "K": "us", "M": "o", "T": "in"}
    made = []
    for _ in range(count):
        first = str(rng.choice(list(ends)))
        middle = "".join(rng.choice(["ela", "ori", "ani", "udo"], rng.integers(1, 4)))
        made.append(f"{first}{middle}{ends[first]}")
    return made


@pytest.fixture
def names_corpus(tmp_path: Path) -> Corpus:
    """Encode three hundred names, one a line."""
    path = tmp_path / "names.txt"
    path.write_text("\n".join(names(300)))
    sources = open_sources([str(path)])
    found = corpus_encoder.count_characters(sources, "utf-8", documents="line")
    return corpus_encoder.encode(sources, "utf-8", found, tmp_path / "corpus.bin")


@pytest.fixture
def make_names_run(names_corpus: Corpus) -> MakeRun:
    """Give a function that makes runs of a small network on the names."""
    torch.set_num_threads(1)

    def make(**settings: Any) -> Trainer:
        network = {"hidden": 16, "embedding": 8, "documents": "line"}
        training = {"batch": 4, "length": 16, "lr": 1e-2, "steps": 40, "warm_up": 5, "reset": 0.0}
        known = NetworkConfig.__dataclass_fields__
        network |= {name: value for name, value in settings.items() if name in known}
        training |= {name: value for name, value in settings.items() if name not in known}
        return Trainer(names_corpus, NetworkConfig(**network), TrainingConfig(**training), "cpu")  # type: ignore[arg-type]

    return make


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_run_of_documents_stopped_and_resumed_ends_as_one_never_stopped(
    cell: str, make_names_run: MakeRun, tmp_path: Path
) -> None:
    """Bit for bit."""
    settings = {"cell": cell, "layers": 2, "dropout": 0.2, "weight_drop": 0.2}
    whole, first, second = (make_names_run(**settings) for _ in range(3))
    list(train_loop(whole, sample_every=0))
    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    for event in train_loop(first, sample_every=0):
        if isinstance(event, Step) and event.step == 17:
            break
    checkpoint.load_checkpoint(second, checkpoint.save_checkpoint(first, directory))
    list(train_loop(second, sample_every=0))
    one, other = state_arrays(whole), state_arrays(second)
    assert one.keys() == other.keys()
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []


def test_every_document_is_read_once_an_epoch(make_names_run: MakeRun) -> None:
    """Whole: no character is left out or read twice."""
    trainer = make_names_run(batch=3, length=11)
    epoch = -(-trainer.train_characters // 33)
    streams = np.concatenate([trainer.batches.batch_ids(step)[:-1] for step in range(epoch)])
    starts = trainer.batches.starts(0)
    lengths = np.diff([*starts, trainer.train_characters])
    read = np.concatenate([streams[:length, row] for row, length in enumerate(lengths)])
    assert np.array_equal(read, trainer.corpus.ids[: trainer.train_characters])


def test_what_came_before_a_document_does_not_change_what_it_costs(make_names_run: MakeRun) -> None:
    """By the run's own evaluation, and by scoring the same documents in another order."""
    trainer = make_names_run()
    list(train_loop(trainer, sample_every=0))
    rnn, vocabulary = InferenceRNN.from_model(trainer.model(trainer.ema_weights())), trainer.corpus.vocabulary
    held_out = trainer.corpus.text(trainer.train_characters, trainer.corpus.characters).splitlines()
    found = score(rnn, vocabulary, "\n".join(held_out))
    other = score(rnn, vocabulary, "\n\n".join(reversed(held_out)) + "\n")
    assert found.nats == pytest.approx(other.nats, rel=1e-5)
    assert found.characters == other.characters == trainer.held_out_characters
    each = [score(rnn, vocabulary, name) for name in held_out]
    assert sum(one.nats for one in each) == pytest.approx(found.nats, rel=1e-5)
    # The evaluation leaves out the very first character; all else it judges as that does.
    loss, begin = held_out_loss(trainer), prefill_prompt(rnn, vocabulary).logits[0]
    first = np.log(np.exp(begin).sum()) - begin[vocabulary.id_of(held_out[0][0])]
    assert loss.characters == trainer.held_out_characters - 1
    assert loss.nats * loss.characters + first == pytest.approx(found.nats, rel=1e-5)


def previewed(trainer: Trainer) -> str:
    """Have a run write its preview."""
    return next(event.text for event in preview(trainer) if isinstance(event, Preview))


def test_the_preview_shows_whole_documents(make_names_run: MakeRun) -> None:
    """As many as there is room for; of one that is longer than that, its beginning."""
    trainer = make_names_run(steps=120, hidden=48, lr=0.02)
    list(train_loop(trainer, sample_every=0))
    shown = previewed(trainer)
    assert len(shown) <= PREVIEW_CHARS
    assert 5 < len(shown.split("\n")) < 60
    with torch.no_grad():
        trainer.ema_network.output.bias[trainer.corpus.end_id] = -100
    assert len(previewed(trainer)) == PREVIEW_CHARS
    with torch.no_grad():
        trainer.ema_network.output.bias[trainer.corpus.end_id] = 100
    assert set(previewed(trainer)) == {"\n"}


def test_a_document_ends_by_itself(make_names_run: MakeRun) -> None:
    """Its end is not written, and the same seed writes the same one."""
    trainer = make_names_run(steps=120, hidden=48, lr=0.02)
    list(train_loop(trainer, sample_every=0))
    rnn = InferenceRNN.from_model(trainer.model(trainer.ema_weights()))
    written = [
        "".join(one.char for one in generate(rnn, trainer.corpus.vocabulary, rng=np.random.default_rng(seed)))
        for seed in [*range(20), *range(20)]
    ]
    assert all(0 < len(name) < 100 and "\n" not in name for name in written)
    assert written[:20] == written[20:]
    assert len(set(written)) > 10


def test_the_ngram_does_not_look_beyond_a_documents_beginning() -> None:
    """In documents of which each second one depends on the one before, it cannot tell them; without ends it can."""
    rng = np.random.default_rng(0)
    pairs = rng.integers(1, 9, 4000)
    ids = np.stack([pairs, np.zeros_like(pairs), pairs, np.zeros_like(pairs)], 1).flatten().astype(np.uint8)
    apart = fit_best_ngram(ids, train_characters=12_000, size=9, end_id=0)
    together = fit_best_ngram(ids, train_characters=12_000, size=9)
    assert together.nats < 0.75 * apart.nats
    assert apart.nats == pytest.approx(np.log(8) / 2, abs=0.02)
    assert apart.characters == together.characters == 4_000


def test_the_ngram_of_documents_is_that_of_each_by_itself() -> None:
    """The order of those that it is scored on does not matter."""
    made = [name.encode() for name in names(200)]

    def laid_out(order: list[bytes]) -> np.ndarray:
        return np.frombuffer(b"\n".join([*made[:150], *order, b""]), np.uint8)

    start = len(b"\n".join(made[:150])) + 1
    orders = made[150:], made[:149:-1]
    one, other = (fit_best_ngram(laid_out(order), train_characters=start, size=128, end_id=10) for order in orders)
    assert one.nats == pytest.approx(other.nats, rel=1e-9)
    assert one.order > 2


def begin(directory: Path, *, documents: str, texts: list[str], **given: Any) -> new_run.Session:
    """Begin a run of files of documents."""
    paths = [directory / f"{number}.txt" for number, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    sources = open_sources([str(path) for path in paths])
    found = corpus_encoder.count_characters(sources, "utf-8", documents=documents)
    settings: dict[str, Any] = {"hidden": 12, "batch": 4, "length": 16, "steps": 20, "documents": documents} | given
    place, options = RunDirectory(directory / "run"), TrainOptions(**settings)
    return new_run.start_new(
        new_run.NewRunRequest(sources=sources, counts=found, directory=place, options=options, device="cpu")
    )


@pytest.mark.parametrize("documents", ["line", "blank", "file"])
def test_a_session_begins_and_goes_on_with_documents_of_each_kind(documents: str, tmp_path: Path) -> None:
    """The state is not zeroed by chance; what the text is made of cannot be changed later."""
    between = {"line": "\n", "blank": "\n\n", "file": "\x00"}[documents]
    texts = between.join(names(100)).split("\x00")
    made = begin(tmp_path, documents=documents, texts=texts)
    assert made.trainer.training.reset == 0
    assert made.trainer.corpus.text(made.trainer.train_characters - 1, made.trainer.train_characters) in (
        "\n",
        END_OF_TEXT,
    )
    list(checkpointer.save_during_training(train_loop(made.trainer, sample_every=0), made.trainer, made.directory))
    sources = open_sources([str(tmp_path / f"{number}.txt") for number in range(len(texts))])
    for given in (TrainOptions(), TrainOptions(documents=documents)):
        assert resume.resume(sources, made.directory, given, "cpu").trainer.step == 20
    other = "blank" if documents == "line" else "line"
    with pytest.raises(CharrnnError, match=f"documents: saved {documents}, requested {other}"):
        resume.resume(sources, made.directory, TrainOptions(documents=other), "cpu")


def test_a_run_without_documents_does_not_become_one_with(tmp_path: Path) -> None:
    """Nor silently go on as it was."""
    path = tmp_path / "text.txt"
    path.write_text("\n".join(names(100)))
    sources = open_sources([str(path)])
    given = TrainOptions(hidden=12, batch=4, length=16, steps=5)
    made = new_run.start_new(
        new_run.NewRunRequest(
            sources=sources,
            counts=corpus_encoder.count_characters(sources, "utf-8"),
            directory=RunDirectory(tmp_path / "run"),
            options=given,
            device="cpu",
        )
    )
    list(checkpointer.save_during_training(train_loop(made.trainer, sample_every=0), made.trainer, made.directory))
    with pytest.raises(CharrnnError, match="documents: saved None, requested line"):
        resume.resume(sources, made.directory, TrainOptions(documents="line"), "cpu")


def test_of_few_large_documents_it_is_said_how_much_is_held_out(tmp_path: Path) -> None:
    """A whole one, whatever share of the text that is."""
    made = begin(tmp_path, documents="file", texts=["once upon a time " * 20, "there was a king " * 20])
    assert made.trainer.train_characters == 341
    assert any("documents are held out whole: 50% of the text" in note for note in made.notes)
