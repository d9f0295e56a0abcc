"""Views of `charrnn inspect`: surprisal, attribution, contexts, gate saturation, effective context, errors.

`inspection.measures` computes the numbers of a view, and `views` draws the numbers. All states and gates of a text
are written to a file for other programs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol, cast
from zipfile import ZipFile, ZipInfo

import numpy as np
from numpy.lib.format import write_array_header_1_0
from numpy.typing import NDArray
from rich.console import RenderableType

from charrnn.cli.inspect_heatmaps import InspectionTarget, load_target, write_heatmap
from charrnn.cli.inspect_options import InspectOptions
from charrnn.cli.options import GUESSES
from charrnn.cli.path_types import check_output
from charrnn.cli.streams import status, write_json, write_note
from charrnn.errors import CharrnnError, os_reason
from charrnn.inspection.concepts import ParsedText
from charrnn.inspection.measures.activations import record_states, state_arrays
from charrnn.inspection.measures.provenance import SourceNames
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import load_model
from charrnn.storage.atomic_file import atomic_open, scratch_file
from charrnn.storage.run_directory import display_name
from charrnn.text.held_out import training_corpus
from charrnn.text.ngram import NGramPredictions, ngram_predictions
from charrnn.text.vocabulary import format_characters
from charrnn.views.console import stdout_console
from charrnn.views.formatting import file_size
from charrnn.views.sanitize import light_background


class JsonRecord(Protocol):
    """A record of the numbers of a view."""

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values."""


class RenderedView(NamedTuple):
    """A view's numbers, and their drawing."""

    records: Sequence[JsonRecord]
    drawing: RenderableType


class View(NamedTuple):
    """A kind of view."""

    render: Callable[[InspectionTarget, InspectOptions], Iterator[RenderedView]]
    characters: int
    """number of characters to read unless --chars is given"""


def show_views(path: Path, options: InspectOptions) -> None:
    """Print the requested views one after the other, or write a line of JSON for each record."""
    views = [VIEWS[name] for name in options.views]
    lengths = [options.characters_for(name, VIEWS[name].characters) for name in options.views]
    target = load_target(path, options, max(lengths))
    for view, length in zip(views, lengths, strict=True):
        for rendered in view.render(_truncated(target, length), options):
            if options.as_json:
                for record in rendered.records:
                    write_json(record.to_json())
            else:
                stdout_console().print("", rendered.drawing, sep="\n")


def _truncated(target: InspectionTarget, length: int) -> InspectionTarget:
    """Return the target with at most `length` characters of its text."""
    if len(target.ids) <= length:
        return target
    parsed = ParsedText.of(target.parsed.text[:length], target.parsed.name)
    return replace(target, parsed=parsed, ids=target.ids[:length])


def _surprise(target: InspectionTarget, options: InspectOptions) -> Iterator[RenderedView]:
    """Yield the surprisal of each character."""
    from charrnn.inspection.measures.surprisal import measure_surprisal
    from charrnn.views.surprisal import SurprisalMap

    guesses = GUESSES if options.guesses is None else options.guesses
    vocabulary = target.model.vocabulary
    surprisal = measure_surprisal(target.rnn, vocabulary, target.ids, guesses=guesses, **_provenance(target, options))
    yield RenderedView([surprisal], SurprisalMap(surprise=surprisal, light=light_background()))


def _why(target: InspectionTarget, options: InspectOptions) -> Iterator[RenderedView]:
    """Yield the attribution of the predictions at --at, or of a few surprising ones; write a picture of the first."""
    from charrnn.inspection.measures.attribution import attribute_positions, attribute_surprising
    from charrnn.views.attribution import AttributionView, attribution_heatmap

    rng, vocabulary, source = (
        np.random.default_rng(options.seed),
        target.model.vocabulary,
        _provenance(target, options),
    )
    with status(f"reading {len(target.ids):,} characters"):
        if options.positions:
            attributions = attribute_positions(target.rnn, vocabulary, target.ids, options.positions, rng, **source)
        else:
            attributions = attribute_surprising(target.rnn, vocabulary, target.ids, rng, **source)
    for attribution in attributions:
        explained = attribution is attributions[-1]
        view = AttributionView(attribution=attribution, light=light_background(), explained=explained)
        yield RenderedView([attribution], view)
    if options.svg and not options.draws_cells:
        write_note(write_heatmap(options.svg, attribution_heatmap(attributions[0], titled=True), options.title))


def _contexts(target: InspectionTarget, options: InspectOptions) -> Iterator[RenderedView]:
    """Yield the max-activating contexts of each requested cell."""
    from charrnn.inspection.measures.max_activating import find_contexts
    from charrnn.views.aligned_text import ContextsList

    with status(f"reading {len(target.ids):,} characters"):
        cells = find_contexts(
            target.rnn,
            target.parsed.text,
            target.ids,
            options.contexts,
            np.random.default_rng(options.seed),
            vocabulary=target.model.vocabulary,
            **_provenance(target, options),
        )
    for cell in cells:
        yield RenderedView([cell], ContextsList(contexts=cell, light=light_background()))


def _gates(target: InspectionTarget, options: InspectOptions) -> Iterator[RenderedView]:
    """Yield the saturation of the gates and the autocorrelation times of the cells."""
    from charrnn.inspection.measures.gate_saturation import measure_gates
    from charrnn.views.gate_saturation import GateSaturationView

    with status(f"reading {len(target.ids):,} characters"):
        saturation = measure_gates(target.rnn, target.ids, **_provenance(target, options))
    yield RenderedView([saturation], GateSaturationView(gates=saturation, light=light_background()))


def _memory(target: InspectionTarget, options: InspectOptions) -> Iterator[RenderedView]:
    """Yield the effective context of the model, and of the models of --against."""
    from charrnn.inspection.measures.effective_context import measure_context
    from charrnn.views.effective_context import ContextPlots

    contexts = []
    for compared in (target, *(_with_model(target, path) for path in options.against)):
        rng = np.random.default_rng(options.seed)
        with status(f"measuring the effective context of {display_name(compared.path)}"):
            contexts.append(measure_context(compared.rnn, compared.ids, rng, **_provenance(compared, options)))
    yield RenderedView(contexts, ContextPlots(contexts=tuple(contexts)))


def _errors(target: InspectionTarget, options: InspectOptions) -> Iterator[RenderedView]:
    """Yield the loss by groups of characters, compared with an n-gram model's."""
    from charrnn.inspection.measures.error_breakdown import break_down_errors
    from charrnn.inspection.measures.surprisal import check_predictable
    from charrnn.scoring import char_nll
    from charrnn.views.error_breakdown import ErrorTables

    check_predictable(target.ids)
    with status(f"reading {len(target.ids):,} characters"):
        nats = char_nll(target.rnn, target.ids)
        breakdown = break_down_errors(
            target.parsed.text, nats, counted=_ngram_predictions(target), **_provenance(target, options)
        )
    yield RenderedView([breakdown], ErrorTables(breakdown=breakdown))


VIEWS = {
    "surprise": View(_surprise, 800),
    "why": View(_why, 800),
    "contexts": View(_contexts, 200_000),
    "gates": View(_gates, 50_000),
    "memory": View(_memory, 100_000),
    "errors": View(_errors, 200_000),
}
"""the views by the names of their options"""


def _provenance(target: InspectionTarget, options: InspectOptions) -> SourceNames:
    """Return the provenance of the records computed from a target."""
    return SourceNames(model=str(target.path), text=target.parsed.name, start=options.start)


def _with_model(target: InspectionTarget, path: Path) -> InspectionTarget:
    """Return the target with another model, and with the text encoded in the vocabulary of that model."""
    model, text = load_model(path), target.parsed.text
    unknown = model.vocabulary.count_unknown(text)
    if unknown:
        write_note(f"note: {display_name(path)} never saw {format_characters(unknown)}")
    ids = model.vocabulary.encode(text, unknown="replace")
    return replace(target, path=path, model=model, rnn=InferenceRNN.from_model(model), ids=ids)


def _ngram_predictions(target: InspectionTarget) -> NGramPredictions | None:
    """Return an n-gram model's predictions of the text; None if the training text is not available."""
    try:
        corpus, train_chars = training_corpus(target.path, target.model.vocabulary, target.model.training, hint="")
    except CharrnnError:
        return None
    return ngram_predictions(corpus.ids[:train_chars], target.ids, size=len(corpus.vocabulary), end_id=corpus.end_id)


# All states and gates of a text, as a file of NumPy arrays (.npz: a ZIP archive of one .npy file per array)

STATES_CHARS = 10_000
"""default number of characters whose states are written"""
COPIED_BYTES = 1 << 20
"""bytes of an array that are copied at a time"""


def export_states(path: Path, output: Path, options: InspectOptions) -> None:
    """Write all states and gates over the text to a file, and print its size or describe it in JSON (CharrnnError).

    The arrays have numeric types only, which programs without Python can read too.
    """
    target = load_target(path, options, options.chars or STATES_CHARS)
    arrays: dict[str, NDArray[Any]] = {
        "characters": np.array([ord(character) for character in target.parsed.text], np.uint32),
        "ids": target.ids.astype(np.int32),
        "positions": np.arange(options.start, options.start + len(target.ids), dtype=np.int64),
    }
    check_output(output, ".npz")
    try:
        with status(f"reading {len(target.ids):,} characters"):
            size = _write_states(output, arrays, target)
    except OSError as error:
        raise CharrnnError(f"cannot write {output}: {os_reason(error)}") from error
    if options.as_json:
        source = {**_provenance(target, options), "characters": len(target.ids)}
        names = [*arrays, *state_arrays(target.rnn)]
        write_json({"view": "states", **source, "file": str(output), "arrays": names})
    else:
        write_note(f"{output}: {file_size(size)}, {len(target.ids):,} characters")


def _write_states(output: Path, arrays: Mapping[str, NDArray[Any]], target: InspectionTarget) -> int:
    """Write the arrays, then those of the states and gates; return the number of bytes (OSError).

    A ZIP archive contains one array after the other, but the network computes them together. Therefore they are first
    written to a scratch file, side by side, which bounds the memory.
    """
    names, shape = state_arrays(target.rnn), (len(target.ids), target.rnn.config.hidden)
    size, done = shape[0] * shape[1] * 4, 0
    with scratch_file(output.parent) as scratch, atomic_open(output) as file:
        for chunk in record_states(target.rnn, target.ids):
            for number, values in enumerate(chunk):
                scratch.seek(number * size + done)
                scratch.write(values.data)
            done += chunk[0].nbytes
        scratch.seek(0)
        with ZipFile(cast("IO[bytes]", file), "w") as archive:
            for name, array in arrays.items():
                _write_array(archive, name, array.dtype, array.shape, [array.tobytes()])
            for name in names:
                parts = (scratch.read(min(COPIED_BYTES, size - start)) for start in range(0, size, COPIED_BYTES))
                _write_array(archive, name, np.dtype(np.float32), shape, parts)
    return output.stat().st_size


def _write_array(
    archive: ZipFile, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], parts: Iterable[bytes]
) -> None:
    """Write an array to an archive as NumPy does, except that its bytes are given in parts (OSError)."""
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    with archive.open(ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
        write_array_header_1_0(member, header)
        for part in parts:
            member.write(part)
