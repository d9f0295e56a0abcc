"""Heat maps of `charrnn inspect`: the model and the text to inspect, the concepts, and drawings of single cells."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.cli.inspect_options import InspectOptions
from charrnn.cli.path_types import check_output, find_or_bundled
from charrnn.cli.streams import read_text, write_json, write_note
from charrnn.errors import CharrnnError, WrongUsageError, os_reason
from charrnn.inspection.concepts import CONCEPTS, Concept, ParsedText
from charrnn.inspection.concepts.custom import parse_concept
from charrnn.inspection.measures.activations import CellIndex, record_cells, signal_name
from charrnn.inspection.measures.cell_profile import CellProfile, activation_histogram, profile_cell
from charrnn.inspection.measures.provenance import SourceNames
from charrnn.inspection.search.concept_occurrences import count_concepts
from charrnn.inspection.search.search_data import EncodedText
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, load_model, read_info
from charrnn.storage.atomic_file import atomic_write
from charrnn.storage.run_directory import display_name
from charrnn.text.decoding import check_encoding
from charrnn.text.held_out import DEFAULT_CHARS, held_out_text
from charrnn.text.vocabulary import format_characters
from charrnn.views.console import stdout_console
from charrnn.views.formatting import file_size
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks, marks_of
from charrnn.views.plot import Plot
from charrnn.views.sanitize import light_background

# The model to inspect, and the text to run the model on: a file, or the held-out text


@dataclass(frozen=True, kw_only=True)
class InspectionTarget:
    """A model, and the text that the model is run on."""

    path: Path
    """the model file"""
    model: Model
    rnn: InferenceRNN
    parsed: ParsedText
    ids: NDArray[np.integer]
    """character ids of the parsed text, (T,)"""


def load_target(path: Path, options: InspectOptions, characters: int) -> InspectionTarget:
    """Load the model and at most `characters` of the text, which is a file or the held-out text (CharrnnError)."""
    model, text_range = load_model(path), options.text_range(characters)
    if options.text:
        encoded = _read_encoded(model, options.text, options.encoding, text_range)
    else:
        held_out = held_out_text(path, model.vocabulary, model.training, text_range, hint="`--text FILE` names one")
        encoded = _encode_text(held_out.text, held_out.name, model, text_range)
    return InspectionTarget(
        path=path, model=model, rnn=InferenceRNN.from_model(model), parsed=encoded.parsed, ids=encoded.ids
    )


def provenance(target: InspectionTarget, options: InspectOptions) -> SourceNames:
    """Return the provenance of the records computed from a target."""
    return SourceNames(model=str(target.path), text=target.parsed.name, start=options.start)


def load_confirmation_text(target: InspectionTarget, options: InspectOptions, characters: int) -> EncodedText | None:
    """Return the text of --confirm, from the same position on; None without --confirm."""
    if not options.confirm:
        return None
    return _read_encoded(target.model, options.confirm, options.encoding, options.text_range(characters))


def _read_encoded(model: Model, name: str, encoding: str, text_range: slice) -> EncodedText:
    """Return the encoded text of a file; print a note about characters outside the vocabulary, which are dropped."""
    text = model.normalize(read_text(name, check_encoding(encoding), documents=model.config.documents))[text_range]
    if model.vocabulary.drop_unencodable(text) != text:
        unknown = format_characters(model.vocabulary.count_unknown(text))
        write_note(f"note: dropped characters that the model never saw: {unknown}")
    return _encode_text(text, name, model, text_range)


def _encode_text(text: str, name: str, model: Model, text_range: slice) -> EncodedText:
    """Return a text with its character ids; raise CharrnnError if the text is empty."""
    encoded = EncodedText.of(text, name, model.vocabulary)
    if not encoded.parsed.text:
        raise CharrnnError(f"{name} has no text at {text_range.start:,}", hint="use a lower `--start`")
    return encoded


# Concepts by their names or patterns, and the list of all concepts


def parse_concepts(definitions: Sequence[str]) -> list[Concept]:
    """Return the concepts with the given names, or defined by `NAME=PATTERN` (WrongUsageError)."""
    concepts = [parse_concept(definition) for definition in definitions]
    for name, times in Counter(concept.name for concept in concepts).items():
        if times > 1:
            raise WrongUsageError(f"--concept names {name} {times} times", hint="give each concept a unique name")
    return concepts


def list_concepts(model_path: Path | None, options: InspectOptions) -> None:
    """Print the concepts and how often each occurs in the text; no network is loaded."""
    concepts = parse_concepts(options.concepts) or CONCEPTS.values()
    counted = count_concepts(concepts, _available_text(model_path, options))
    if options.as_json:
        write_json(counted.to_json())
        return
    from charrnn.views.concepts_table import ConceptsTable

    stdout_console().print(ConceptsTable(listing=counted))


def _available_text(model_path: Path | None, options: InspectOptions) -> ParsedText | None:
    """Return the text of --text, else the model's held-out text; None if there is neither."""
    text_range = options.text_range(options.chars or DEFAULT_CHARS)
    if options.text:
        text = read_text(options.text, check_encoding(options.encoding))[text_range]
        return ParsedText.of(text, options.text)
    with suppress(CharrnnError):
        path = find_or_bundled(model_path)
        info = read_info(path)
        return ParsedText.of(*held_out_text(path, info.vocabulary, info.training, text_range, hint=""))
    return None


# Heat maps, printed or written to files


def make_heatmap(
    target: InspectionTarget,
    cells: Sequence[CellIndex],
    text_range: slice,
    *,
    signal: str,
    title: str,
    marks: Marks | None,
) -> Heatmap:
    """Return a heat map of a signal of cells over a range of the text."""
    activations = record_cells(target.rnn, target.ids, cells, text_range, signal=signal)
    labels = [f"{layer}.{unit}" for layer, unit in cells]
    return Heatmap(
        text=target.parsed.text[text_range],
        rows=tuple(HeatmapRow(label=label, values=row) for label, row in zip(labels, activations, strict=True)),
        signal=signal_name(target.rnn, signal),
        marks=marks,
        title=title,
        light=light_background(),
    )


def print_heatmaps(heatmaps: Iterable[Heatmap], options: InspectOptions) -> None:
    """Print heat maps one after the other, and write the first one as a picture if --svg is given."""
    draw, note = stdout_console().print, ""
    for number, heatmap in enumerate(heatmaps):
        if options.svg and number == 0:
            note = write_heatmap(options.svg, heatmap, options.title)
        if options.as_json:
            break
        draw("")
        draw(heatmap)
    if note:
        write_note(note)


def write_heatmap(path: Path, heatmap: Heatmap, title: str | None) -> str:
    """Write a heat map as a picture, with the title if one is given; return a note with its size (CharrnnError)."""
    from charrnn.views.svg import heatmap_svg

    return write_drawing(path, heatmap_svg(heatmap if title is None else replace(heatmap, title=title)))


def write_plots(path: Path, plots: Sequence[Plot]) -> str:
    """Write plots below each other as a picture; return a note with its size (CharrnnError)."""
    from charrnn.views.plot_svg import plots_svg

    return write_drawing(path, plots_svg(plots))


def write_drawing(path: Path, drawing: str) -> str:
    """Write an SVG picture or an HTML page; return a note with its size (CharrnnError for another kind of file)."""
    check_output(path, ".svg" if drawing.startswith("<svg") else ".html")
    try:
        atomic_write(path, drawing.encode())
    except OSError as error:
        raise CharrnnError(f"cannot write {path}: {os_reason(error)}") from error
    return f"{path}: {file_size(len(drawing.encode()))}"


# Single cells over the beginning of a text

HEATMAP_CHARS = 800
"""default number of characters in a heat map of single cells"""
ACTIVATION_DIGITS = 4
"""decimal places of an activation in JSON"""


def show_cells(path: Path, options: InspectOptions, concepts: Sequence[Concept]) -> None:
    """Draw the requested cells over the beginning of the text, with the marks of at most one concept."""
    check_one_concept(concepts)
    target = load_target(path, options, options.chars or HEATMAP_CHARS)
    heatmap = _cells_heatmap(target, options, concepts)
    profiles = tuple(_profiles(target, options.cells, heatmap))
    if options.as_json:
        write_json(
            _heatmap_to_dict(target, heatmap, options.start)
            | {"profiles": [profile.to_json() for profile in profiles]}
        )
    print_heatmaps([heatmap], options)
    if not options.as_json:
        from charrnn.views.cell_profile import CellProfilesView

        stdout_console().print("", CellProfilesView(profiles=profiles, state=target.rnn.signal_name), sep="\n")


def check_one_concept(concepts: Sequence[Concept]) -> None:
    """Raise WrongUsageError for several concepts, of which a heat map can mark only one."""
    if len(concepts) > 1:
        raise WrongUsageError(
            f"--cell can be combined with one concept, not {len(concepts)}",
            hint=f"`--concept {concepts[0].name}` alone",
        )


def _profiles(target: InspectionTarget, cells: Sequence[CellIndex], heatmap: Heatmap) -> Iterator[CellProfile]:
    """Yield the profile of each cell, with the histogram of its row of a heat map."""
    for cell, row in zip(cells, heatmap.rows, strict=True):
        histogram = activation_histogram(row.values)
        yield profile_cell(target.rnn, target.model.vocabulary, cell, histogram, signal=heatmap.signal)


def _heatmap_to_dict(target: InspectionTarget, heatmap: Heatmap, start: int) -> dict[str, Any]:
    """Return a heat map as JSON values: an activation of each cell, and a mark, for each character of `content`."""
    cells = {row.label: np.asarray(row.values, np.float64).round(ACTIVATION_DIGITS).tolist() for row in heatmap.rows}
    return {
        "view": "cells",
        "model": str(target.path),
        "text": target.parsed.name,
        "start": start,
        "characters": len(heatmap.text),
        "signal": heatmap.signal,
        "content": heatmap.text,
        "cells": cells,
    } | marks_json(heatmap.marks)


def marks_json(marks: Marks | None) -> dict[str, Any]:
    """Return marks as JSON values: 0 or 1 for each character by the name of the concept; empty without marks."""
    return {"marks": {marks.label: np.asarray(marks.holds, np.int64).tolist()}} if marks else {}


def _cells_heatmap(target: InspectionTarget, options: InspectOptions, concepts: Sequence[Concept]) -> Heatmap:
    """Return a heat map of the requested cells over the whole loaded text, with the marks of the first concept."""
    full_range = slice(0, len(target.ids))
    marks = marks_of(concepts[0], target.parsed) if concepts else None
    title = heatmap_title(target)
    return make_heatmap(target, options.cells, full_range, signal=options.signal, title=title, marks=marks)


def heatmap_title(target: InspectionTarget) -> str:
    """Return the title of a heat map over the whole loaded text."""
    return f"{display_name(target.path)} over {target.parsed.name}"
