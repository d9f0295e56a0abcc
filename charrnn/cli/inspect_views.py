"""Views of `charrnn inspect`: surprisal, attribution, contexts, gate saturation, effective context, errors.

`inspection.measures` computes the numbers of a view, and `views` draws the numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from rich.console import RenderableType

from charrnn import resources
from charrnn.cli.inspect_heatmaps import InspectionTarget, load_target, provenance, write_heatmap, write_plots
from charrnn.cli.inspect_options import InspectOptions
from charrnn.cli.options import GUESSES
from charrnn.cli.streams import status, write_json, write_note
from charrnn.errors import CharrnnError
from charrnn.inspection.concepts import ParsedText
from charrnn.inspection.measures.effective_context import MEMORY_CHARS
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import load_model
from charrnn.storage.run_directory import display_name
from charrnn.text.held_out import training_corpus
from charrnn.text.ngram import NGramPredictions, ngram_predictions
from charrnn.text.vocabulary import format_characters
from charrnn.training.initialization import Initialization
from charrnn.views.console import stdout_console
from charrnn.views.sanitize import light_background

if TYPE_CHECKING:
    from charrnn.inspection.measures.effective_context import EffectiveContext


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
    surprisal = measure_surprisal(target.rnn, vocabulary, target.ids, guesses=guesses, **provenance(target, options))
    yield RenderedView([surprisal], SurprisalMap(surprise=surprisal, light=light_background()))


def _why(target: InspectionTarget, options: InspectOptions) -> Iterator[RenderedView]:
    """Yield the attribution of the predictions at --at, or of a few surprising ones; write a picture of the first."""
    from charrnn.inspection.measures.attribution import attribute_positions, attribute_surprising
    from charrnn.views.attribution import AttributionView, attribution_heatmap

    rng, vocabulary, source = (
        np.random.default_rng(options.seed),
        target.model.vocabulary,
        provenance(target, options),
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
            **provenance(target, options),
        )
    for cell in cells:
        yield RenderedView([cell], ContextsList(contexts=cell, light=light_background()))


def _gates(target: InspectionTarget, options: InspectOptions) -> Iterator[RenderedView]:
    """Yield the saturation of the gates and the autocorrelation times of the cells."""
    from charrnn.inspection.measures.gate_saturation import measure_gates
    from charrnn.views.gate_saturation import GateSaturationView

    with status(f"reading {len(target.ids):,} characters"):
        saturation = measure_gates(target.rnn, target.ids, **provenance(target, options))
    yield RenderedView([saturation], GateSaturationView(gates=saturation, light=light_background()))


def _memory(target: InspectionTarget, options: InspectOptions) -> Iterator[RenderedView]:
    """Yield the effective context of the model, of the models of --against and of untrained networks."""
    from charrnn.views.effective_context import ContextPlots, gradients_plot

    # All networks are loaded before the first one is measured, so that errors come at once.
    trained = [target, *(_with_model(target, path) for path in options.against)]
    compared = [(model, "") for model in trained]
    compared += [(_untrained(target, initial, options.seed), str(initial)) for initial in options.untrained]
    contexts = [_measure_context(network, options, untrained=untrained) for network, untrained in compared]
    yield RenderedView(contexts, ContextPlots(contexts=tuple(contexts)))
    if options.svg and not options.draws_cells and not options.why:
        plot = gradients_plot(contexts)
        write_note(write_plots(options.svg, [plot if options.title is None else replace(plot, title=options.title)]))


def _measure_context(target: InspectionTarget, options: InspectOptions, *, untrained: str = "") -> "EffectiveContext":
    """Return the effective context of a model or an untrained network."""
    from charrnn.inspection.measures.effective_context import measure_context

    source = provenance(target, options)
    if untrained:
        source["model"] = ""
    name = f"an untrained network, {untrained}" if untrained else display_name(target.path)
    with status(f"measuring the effective context of {name}"):
        rng = np.random.default_rng(options.seed)
        return measure_context(target.rnn, target.ids, rng, untrained=untrained, **source)


def _untrained(target: InspectionTarget, initialization: Initialization, seed: int) -> InspectionTarget:
    """Return the target with an untrained network of the model's size in place of the model (WrongUsageError)."""
    with resources.loading_torch():
        from charrnn.training.untrained import untrained_model

    model = untrained_model(target.model.config, target.model.vocabulary, initialization, seed=seed)
    return replace(target, model=model, rnn=InferenceRNN.from_model(model))


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
            target.parsed.text, nats, counted=_ngram_predictions(target), **provenance(target, options)
        )
    yield RenderedView([breakdown], ErrorTables(breakdown=breakdown))


VIEWS = {
    "surprise": View(_surprise, 800),
    "why": View(_why, 800),
    "contexts": View(_contexts, 200_000),
    "gates": View(_gates, 50_000),
    "memory": View(_memory, MEMORY_CHARS),
    "errors": View(_errors, 200_000),
}
"""the views by the names of their options"""


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
