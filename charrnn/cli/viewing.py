"""What `charrnn inspect` shows beside cells and findings: surprise, contexts, gates, memory and errors.

Each is a record of numbers by the inspection and a drawing of it by the views; here they meet a model and a text.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from rich.console import RenderableType

from charrnn.cli.streams import say_json, tell, waiting
from charrnn.cli.subject import Asked, Subject, subject_of
from charrnn.cli.view_options import GUESSES
from charrnn.errors import CharrnnError
from charrnn.held_out import own_corpus
from charrnn.inspection.concepts import Source
from charrnn.inspection.counting import Counted, count
from charrnn.network.model_file import load
from charrnn.network.reader import Reader
from charrnn.runs import model_name
from charrnn.text.vocabulary import named
from charrnn.views.terminal import light_background, output


class Record(Protocol):
    """What a view is made of."""

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""


class Seen(NamedTuple):
    """A view: its numbers, and how they are drawn."""

    records: Sequence[Record]
    drawing: RenderableType


class View(NamedTuple):
    """How a view is come by."""

    see: Callable[[Subject, Asked], Iterator[Seen]]
    characters: int
    """read, left to ourselves"""


def show_views(path: Path, asked: Asked, names: Sequence[str]) -> None:
    """Show views of a model one after the other, or write a line of JSON for each."""
    views = [VIEWS[name] for name in names]
    lengths = [asked["chars"] or view.characters for view in views]
    subject = subject_of(path, asked, max(lengths))
    for view, length in zip(views, lengths, strict=True):
        for seen in view.see(_beginning(subject, length), asked):
            if asked["as_json"]:
                for record in seen.records:
                    say_json(record.to_json())
            else:
                output().print("", seen.drawing, sep="\n")


def _beginning(subject: Subject, length: int) -> Subject:
    """Cut a subject's text short."""
    if len(subject.ids) <= length:
        return subject
    source = Source.of(subject.source.text[:length], subject.source.name)
    return replace(subject, source=source, ids=subject.ids[:length])


def _surprise(subject: Subject, asked: Asked) -> Iterator[Seen]:
    from charrnn.inspection.surprise import surprise
    from charrnn.views.surprise import SurpriseMap

    guesses = GUESSES if asked["guesses"] is None else asked["guesses"]
    vocabulary = subject.model.vocabulary
    found = surprise(subject.reader, vocabulary, subject.ids, guesses=guesses, **_told(subject, asked))
    yield Seen([found], SurpriseMap(surprise=found, light=light_background()))


def _contexts(subject: Subject, asked: Asked) -> Iterator[Seen]:
    from charrnn.inspection.contexts import contexts
    from charrnn.views.contexts import ContextsList

    rng, text = np.random.default_rng(asked["seed"]), subject.source.text
    with waiting(f"reading {len(subject.ids):,} characters"):
        found = contexts(subject.reader, text, subject.ids, asked["contexts"], rng, **_told(subject, asked))
    for cell in found:
        yield Seen([cell], ContextsList(contexts=cell, light=light_background()))


def _gates(subject: Subject, asked: Asked) -> Iterator[Seen]:
    from charrnn.inspection.gates import gates
    from charrnn.views.gates import GatesDrawing

    with waiting(f"reading {len(subject.ids):,} characters"):
        found = gates(subject.reader, subject.ids, **_told(subject, asked))
    yield Seen([found], GatesDrawing(gates=found, light=light_background()))


def _memory(subject: Subject, asked: Asked) -> Iterator[Seen]:
    from charrnn.inspection.memory import memory
    from charrnn.views.memory import MemoryPlots

    found = []
    for one in (subject, *(_other(subject, path) for path in asked["against"])):
        rng = np.random.default_rng(asked["seed"])
        with waiting(f"how far back {model_name(one.path)} reaches"):
            found.append(memory(one.reader, one.ids, rng, **_told(one, asked)))
    yield Seen(found, MemoryPlots(memories=tuple(found)))


def _errors(subject: Subject, asked: Asked) -> Iterator[Seen]:
    from charrnn.inspection.breakdown import break_down
    from charrnn.inspection.surprise import see_that_one_is_predicted
    from charrnn.scoring import character_nats
    from charrnn.views.breakdown import BreakdownTables

    see_that_one_is_predicted(subject.ids)
    with waiting(f"reading {len(subject.ids):,} characters"):
        nats = character_nats(subject.reader, subject.ids)
        found = break_down(subject.source.text, nats, counted=_counted(subject), **_told(subject, asked))
    yield Seen([found], BreakdownTables(breakdown=found))


VIEWS = {
    "surprise": View(_surprise, 800),
    "contexts": View(_contexts, 200_000),
    "gates": View(_gates, 50_000),
    "memory": View(_memory, 100_000),
    "errors": View(_errors, 200_000),
}


def _told(subject: Subject, asked: Asked) -> dict[str, Any]:
    """Say what records are to tell of the model and the text."""
    return {"model": str(subject.path), "text": subject.source.name, "start": asked["start"]}


def _other(subject: Subject, path: Path) -> Subject:
    """Have another model read the same text, in characters of its own."""
    model, text = load(path), subject.source.text
    unknown = model.vocabulary.unknown_in(text)
    if unknown:
        tell(f"note: {model_name(path)} never saw {named(unknown)}")
    ids = model.vocabulary.encode(text, unknown="stand_in")
    return replace(subject, path=path, model=model, reader=Reader.of(model), ids=ids)


def _counted(subject: Subject) -> Counted | None:
    """Have an n-gram count the text that the model was trained on; None where that is not beside it."""
    try:
        corpus, learned = own_corpus(subject.path, subject.model.vocabulary, subject.model.training, hint="")
    except CharrnnError:
        return None
    return count(corpus.ids[:learned], subject.ids, size=len(corpus.vocabulary), end_of_document=corpus.end)
