"""What `charrnn inspect` does once its options are known."""

import difflib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from charrnn.cli.streams import read_text, say, tell
from charrnn.errors import CharrnnError, WrongUsageError, reason
from charrnn.inspection.activity import Cell, activity
from charrnn.inspection.concepts import CONCEPTS, Concept, Source
from charrnn.inspection.findings import Finding, worth_drawing
from charrnn.inspection.passage import holds, passage
from charrnn.inspection.search import find
from charrnn.network.model_file import Model, load
from charrnn.network.reader import Reader
from charrnn.runs import RunDirectory, model_name
from charrnn.storage import write_whole
from charrnn.text.corpus import Corpus, open_corpus
from charrnn.text.encoding import known_encoding
from charrnn.text.vocabulary import UNKNOWN, named
from charrnn.views.findings import FindingsTable
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks
from charrnn.views.svg import heatmap_svg
from charrnn.views.terminal import animated, light_background, output, talk

SEARCHED, SHOWN = 200_000, 800
"""characters, left to ourselves"""
DRAWN = 3
"""findings"""
DIGITS = 4
"""of a cell's value, in JSON"""

Asked = Mapping[str, Any]
Draw = Callable[[Any], None]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model and the text that it is to be watched on."""

    path: Path
    model: Model
    reader: Reader
    source: Source
    ids: NDArray[np.integer]
    """of the source's text, (T,)"""


def look(path: Path, asked: Asked) -> None:
    """Search, or show the cells that were asked for."""
    concepts = [_concept(name) for name in asked["concepts"]]
    if asked["cells"]:
        _look_at_cells(path, asked, concepts)
    else:
        _search(path, asked, concepts)


def _look_at_cells(path: Path, asked: Asked, concepts: Sequence[Concept]) -> None:
    """Show the cells that were asked for over the text's beginning, where a concept holds beside them."""
    if len(concepts) > 1:
        raise WrongUsageError(
            f"--cell can have one concept beside it, not {len(concepts)}",
            hint=f"`--concept {concepts[0].name}` alone",
        )
    subject = _subject(path, asked, asked["chars"] or SHOWN)
    heatmap = _cells_map(subject, asked["cells"], concepts)
    if asked["as_json"]:
        click.echo(json.dumps(_values(subject, heatmap, asked["start"])))
    _show([heatmap], asked)


def _values(subject: Subject, heatmap: Heatmap, start: int) -> dict[str, Any]:
    """Lay a heat map out for scripts: a value of each cell, and of a concept, for each character of the content."""
    marks = heatmap.marks
    cells = {row.label: np.asarray(row.values, np.float64).round(DIGITS).tolist() for row in heatmap.rows}
    return {
        "model": model_name(subject.path),
        "text": subject.source.name,
        "start": start,
        "characters": len(heatmap.text),
        "signal": heatmap.signal,
        "content": heatmap.text,
        "cells": cells,
    } | ({"marks": {marks.label: np.asarray(marks.holds, np.int64).tolist()}} if marks else {})


def _search(path: Path, asked: Asked, concepts: Sequence[Concept]) -> None:
    """Search all cells for concepts, all there are by default, and draw the findings that show most."""
    subject = _subject(path, asked, asked["chars"] or SEARCHED)
    with _waiting(f"reading {len(subject.ids):,} characters"):
        findings = find(
            subject.reader, subject.source, subject.ids, model=model_name(path), concepts=concepts or None
        )
    if asked["as_json"]:
        click.echo(json.dumps(findings.to_json()))
        if not asked["svg"]:
            return
    else:
        _printer()(FindingsTable(findings=findings))
    _show((_finding_map(subject, finding) for finding in worth_drawing(findings.concepts, DRAWN)), asked)


def _subject(path: Path, asked: Asked, characters: int) -> Subject:
    """Load the model, and the text: a file, or else what training held out."""
    model = load(path)
    stretch = slice(asked["start"], asked["start"] + characters)
    text, name = _given_text(model, asked, stretch) if asked["text"] else _held_out_text(path, model, stretch)
    if not text:
        raise CharrnnError(f"{name} has no text at {asked['start']:,}", hint="a lower `--start`")
    reader = Reader.of(model)
    ids = model.vocabulary.encode(text, unknown="stand_in")
    return Subject(path=path, model=model, reader=reader, source=Source.of(text, name), ids=ids)


def _given_text(model: Model, asked: Asked, stretch: slice) -> tuple[str, str]:
    """Read a file; characters that the model never saw are left out, and that is said."""
    text = read_text(asked["text"], known_encoding(asked["encoding"]))[stretch]
    unknown = model.vocabulary.unknown_in(text)
    if unknown and UNKNOWN not in model.vocabulary:
        tell(f"note: left out what the model never saw: {named(unknown)}")
        text = "".join(character for character in text if character in model.vocabulary)
    return text, asked["text"]


def _held_out_text(path: Path, model: Model, stretch: slice) -> tuple[str, str]:
    """Take the end of the run's own corpus, which the model was not trained on."""
    try:
        corpus = open_corpus(RunDirectory(path.parent).corpus)
    except CharrnnError as error:
        raise CharrnnError(f"the text of {path} is not beside it", hint="`--text FILE` names one") from error
    begin = model.training.get("train_characters")
    if corpus.vocabulary != model.vocabulary or not isinstance(begin, int):
        raise CharrnnError(f"the text beside {path} is not the model's", hint="`--text FILE` names one")
    if not stretch.start:
        begin = _next_line(corpus, begin)
    return corpus.text(begin + stretch.start, begin + stretch.stop), corpus.name


def _next_line(corpus: Corpus, begin: int) -> int:
    """Find where the next line begins, if that is near; training's end falls anywhere in one."""
    return begin + corpus.text(begin, begin + 200).find("\n") + 1


def _cells_map(subject: Subject, cells: Sequence[Cell], concepts: Sequence[Concept]) -> Heatmap:
    """Draw cells over the text's beginning, with where a concept holds if one was named."""
    whole = slice(0, len(subject.ids))
    marks = None
    if concepts:
        marks = _marks(subject, concepts[0], whole)
    return _heatmap(
        subject, cells, whole, title=f"{model_name(subject.path)} over {subject.source.name}", marks=marks
    )


def _finding_map(subject: Subject, finding: Finding) -> Heatmap:
    """Draw a finding's cell where its concept shows best."""
    concept = CONCEPTS[finding.concept]
    stretch = passage(concept, subject.source)
    layer, unit = finding.cell.split(".")
    return _heatmap(
        subject,
        [(int(layer), int(unit))],
        stretch,
        title=f"cell {finding.cell}: {concept.description}",
        marks=_marks(subject, concept, stretch),
    )


def _marks(subject: Subject, concept: Concept, stretch: slice) -> Marks:
    """Say where a concept holds in a stretch of the text."""
    label = concept.name if concept.kind == "binary" else f"{concept.name} above its median"
    return Marks(label=label, holds=holds(concept, concept.mark(subject.source))[stretch])


def _heatmap(subject: Subject, cells: Sequence[Cell], stretch: slice, *, title: str, marks: Marks | None) -> Heatmap:
    values = activity(subject.reader, subject.ids, cells, stretch)
    labels = [f"{layer}.{unit}" for layer, unit in cells]
    return Heatmap(
        text=subject.source.text[stretch],
        rows=tuple(HeatmapRow(label=label, values=row) for label, row in zip(labels, values, strict=True)),
        signal=subject.reader.signal_name,
        marks=marks,
        title=title,
        light=light_background(),
    )


def _show(heatmaps: "Iterator[Heatmap] | Sequence[Heatmap]", asked: Asked) -> None:
    """Print heat maps one after the other; write the first as a picture if that was asked for."""
    draw = _printer()
    for number, heatmap in enumerate(heatmaps):
        if asked["svg"] and number == 0:
            _write(asked["svg"], heatmap_svg(heatmap))
        if asked["as_json"]:
            return
        draw("")
        draw(heatmap)


def _write(path: Path, drawing: str) -> None:
    """Write a picture, and say where it is."""
    try:
        write_whole(path, drawing.encode())
    except OSError as error:
        raise CharrnnError(f"cannot write {path}: {reason(error)}") from error
    tell(f"{path}: {len(drawing.encode()) / 1000:.1f} kB")


def _printer() -> Draw:
    """Give what prints drawings as results."""
    return output().print


def _waiting(what: str) -> AbstractContextManager[Any]:
    """Say, on a terminal and only for as long, what takes its time."""
    return talk().status(what) if animated(sys.stderr) else nullcontext()


def _concept(name: str) -> Concept:
    """Find a concept by its name (WrongUsageError)."""
    if name not in CONCEPTS:
        near = difflib.get_close_matches(name, CONCEPTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(CONCEPTS)}"
        raise WrongUsageError(f"there is no concept {name!r}", hint=hint)
    return CONCEPTS[name]


def list_concepts(*, as_json: bool) -> None:
    """Say which concepts there are."""
    if as_json:
        click.echo(json.dumps({concept.name: concept.description for concept in CONCEPTS.values()}))
        return
    for concept in CONCEPTS.values():
        say(f"{concept.name:16}{concept.description}")
