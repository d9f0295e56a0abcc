"""Heat maps of `charrnn inspect`: the model and the text, the concepts, and the drawings of cells."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.cli.options import Options
from charrnn.cli.path_types import check_output
from charrnn.cli.streams import read_text, write_json, write_note
from charrnn.errors import CharrnnError, WrongUsageError, os_reason
from charrnn.inspection.concepts import CONCEPTS, Concept, ParsedText
from charrnn.inspection.concepts.custom import parse_concept
from charrnn.inspection.measures.activations import CellIndex, record_cells
from charrnn.inspection.search.concept_occurrences import count_concepts, is_on, on_label
from charrnn.inspection.search.search_data import EncodedText
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, load_model, read_info
from charrnn.storage.atomic_file import atomic_write
from charrnn.storage.run_directory import display_name, find_model
from charrnn.text.corpus import DEFAULT_CHARS, held_out_text
from charrnn.text.decoding import check_encoding
from charrnn.text.vocabulary import format_characters
from charrnn.views.console import stdout_console
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks
from charrnn.views.sanitize import light_background

# The model to inspect, and the text that it reads: a file, or the held-out text


@dataclass(frozen=True, kw_only=True)
class InspectionTarget:
    """A model and the text that it is to be watched on."""

    path: Path
    model: Model
    rnn: InferenceRNN
    parsed: ParsedText
    ids: NDArray[np.integer]
    """of the source's text, (T,)"""


def load_target(path: Path, options: Options, characters: int) -> InspectionTarget:
    """Load the model, and the text: a file, or else what training held out."""
    model, stretch = load_model(path), _stretch(options, characters)
    if options["text"]:
        read = _given_text(model, options["text"], options["encoding"], stretch)
    else:
        held_out = held_out_text(path, model.vocabulary, model.training, stretch, hint="`--text FILE` names one")
        read = _encode_text(held_out.text, held_out.name, model, stretch)
    return InspectionTarget(
        path=path, model=model, rnn=InferenceRNN.from_model(model), parsed=read.parsed, ids=read.ids
    )


def load_confirmation_text(target: InspectionTarget, options: Options, characters: int) -> EncodedText | None:
    """Load the other text that findings are to be confirmed on, from the same place on, if one was named."""
    if not options["confirm"]:
        return None
    return _given_text(target.model, options["confirm"], options["encoding"], _stretch(options, characters))


def _stretch(options: Options, characters: int) -> slice:
    """Say which characters of a text are asked for."""
    start: int = options["start"]
    return slice(start, start + characters)


def _given_text(model: Model, name: str, encoding: str, stretch: slice) -> EncodedText:
    """Read a file; characters that the model never saw are left out, and that is said."""
    text = read_text(name, check_encoding(encoding), documents=model.config.documents)[stretch]
    if model.vocabulary.drop_unencodable(text) != text:
        write_note(
            f"note: left out what the model never saw: {format_characters(model.vocabulary.count_unknown(text))}"
        )
    return _encode_text(text, name, model, stretch)


def _encode_text(text: str, name: str, model: Model, stretch: slice) -> EncodedText:
    """Have a text read as the model reads it; raise CharrnnError where there is none."""
    read = EncodedText.of(text, name, model.vocabulary)
    if not read.parsed.text:
        raise CharrnnError(f"{name} has no text at {stretch.start:,}", hint="a lower `--start`")
    return read


# Concepts by their names or patterns, and the list of all concepts


def parse_concepts(written: Sequence[str]) -> list[Concept]:
    """Find concepts by their names, or make those that are given with a pattern (WrongUsageError)."""
    concepts = [parse_concept(form) for form in written]
    for name, times in Counter(concept.name for concept in concepts).items():
        if times > 1:
            raise WrongUsageError(f"--concept names {name} {times} times", hint="each concept has a name of its own")
    return concepts


def list_concepts(named: Path | None, options: Mapping[str, Any]) -> None:
    """Say which concepts there are, and what the text at hand has of them; no network is read."""
    concepts = parse_concepts(options["concepts"]) or CONCEPTS.values()
    counted = count_concepts(concepts, _text_at_hand(named, options))
    if options["as_json"]:
        write_json(counted.to_json())
        return
    from charrnn.views.concepts_table import ConceptsTable

    stdout_console().print(ConceptsTable(listing=counted))


def _text_at_hand(named: Path | None, options: Mapping[str, Any]) -> ParsedText | None:
    """Read the file that was named, or else what the model's training held out; None where neither is there."""
    stretch = slice(options["start"], options["start"] + (options["chars"] or DEFAULT_CHARS))
    if options["text"]:
        text = read_text(options["text"], check_encoding(options["encoding"]))[stretch]
        return ParsedText.of(text, options["text"])
    with suppress(CharrnnError):
        path = find_model(named)
        info = read_info(path)
        return ParsedText.of(*held_out_text(path, info.vocabulary, info.training, stretch, hint=""))
    return None


# Heat maps, printed one after the other, and files of drawings


def make_heatmap(
    target: InspectionTarget, cells: Sequence[CellIndex], stretch: slice, *, title: str, marks: Marks | None
) -> Heatmap:
    """Draw cells over a stretch of the text."""
    values = record_cells(target.rnn, target.ids, cells, stretch)
    labels = [f"{layer}.{unit}" for layer, unit in cells]
    return Heatmap(
        text=target.parsed.text[stretch],
        rows=tuple(HeatmapRow(label=label, values=row) for label, row in zip(labels, values, strict=True)),
        signal=target.rnn.signal_name,
        marks=marks,
        title=title,
        light=light_background(),
    )


def make_marks(target: InspectionTarget, concept: Concept, stretch: slice) -> Marks:
    """Say where a concept holds in a stretch of the text."""
    return Marks(label=on_label(concept), holds=is_on(concept, concept.mark(target.parsed))[stretch])


def print_heatmaps(heatmaps: Iterable[Heatmap], options: Options) -> None:
    """Print heat maps one after the other; write the first as a picture if that was asked for."""
    draw = stdout_console().print
    for number, heatmap in enumerate(heatmaps):
        if options["svg"] and number == 0:
            from charrnn.views.svg import heatmap_svg

            write_picture(options["svg"], heatmap_svg(heatmap))
        if options["as_json"]:
            return
        draw("")
        draw(heatmap)


def write_picture(path: Path, drawing: str) -> None:
    """Write a picture or a page, and say where it is; raise CharrnnError rather than replace any other file."""
    check_output(path, ".svg" if drawing.startswith("<svg") else ".html")
    try:
        atomic_write(path, drawing.encode())
    except OSError as error:
        raise CharrnnError(f"cannot write {path}: {os_reason(error)}") from error
    write_note(f"{path}: {len(drawing.encode()) / 1000:.1f} kB")


# Certain cells over the beginning of a text

HEATMAP_CHARS = 800
"""characters that a heatmap of named cells shows by default"""
DIGITS = 4
"""of a cell's value, in JSON"""


def look_at_cells(path: Path, options: Options, concepts: Sequence[Concept]) -> None:
    """Show the cells that were asked for over the text's beginning, where a concept holds beside them."""
    if len(concepts) > 1:
        raise WrongUsageError(
            f"--cell can have one concept beside it, not {len(concepts)}",
            hint=f"`--concept {concepts[0].name}` alone",
        )
    target = load_target(path, options, options["chars"] or HEATMAP_CHARS)
    heatmap = _cells_map(target, options["cells"], concepts)
    if options["as_json"]:
        write_json(_values(target, heatmap, options["start"]))
    print_heatmaps([heatmap], options)


def _values(target: InspectionTarget, heatmap: Heatmap, start: int) -> dict[str, Any]:
    """Lay a heat map out for scripts: a value of each cell, and of a concept, for each character of the content."""
    marks = heatmap.marks
    cells = {row.label: np.asarray(row.values, np.float64).round(DIGITS).tolist() for row in heatmap.rows}
    return {
        "model": str(target.path),
        "text": target.parsed.name,
        "start": start,
        "characters": len(heatmap.text),
        "signal": heatmap.signal,
        "content": heatmap.text,
        "cells": cells,
    } | ({"marks": {marks.label: np.asarray(marks.holds, np.int64).tolist()}} if marks else {})


def _cells_map(target: InspectionTarget, cells: Sequence[CellIndex], concepts: Sequence[Concept]) -> Heatmap:
    """Draw cells over the text's beginning, with where a concept holds if one was named."""
    whole = slice(0, len(target.ids))
    marks = None
    if concepts:
        marks = make_marks(target, concepts[0], whole)
    return make_heatmap(
        target, cells, whole, title=f"{display_name(target.path)} over {target.parsed.name}", marks=marks
    )
