"""Interchange interventions of `charrnn inspect`: cells copied between two texts of the command line."""

from pathlib import Path

from charrnn.cli.concept_carriers import find_carriers
from charrnn.cli.inspect_heatmaps import load_target
from charrnn.cli.inspect_options import InspectOptions
from charrnn.cli.options import newline_hint, note_newlines
from charrnn.cli.sample_options import valid_text
from charrnn.cli.streams import write_json, write_note
from charrnn.errors import WrongUsageError
from charrnn.inspection.measures.interchange import Interchange, ReadText, measure_both_ways, read_to_end
from charrnn.inspection.search.concept_carrier import SEARCHED_CHARS, ConceptCarrier
from charrnn.inspection.search.search_data import EncodedText
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, load_model
from charrnn.text.documents import mark_ends
from charrnn.text.vocabulary import format_characters
from charrnn.views.console import stdout_console
from charrnn.views.interchange import InterchangeView

MAX_NOTED = 4
"""number of cells that a note lists"""


def show_swap(path: Path, texts: tuple[str, str], options: InspectOptions) -> None:
    """Print the effect of copying the requested cells from the first text into the second, and in reverse."""
    model = load_model(path)
    rnn, carriers = InferenceRNN.from_model(model), _carriers(path, options)
    note_newlines([("--swap", text) for text in texts], quiet=False)
    pair = _read(rnn, model, texts[0], "A"), _read(rnn, model, texts[1], "B")
    cells = tuple(dict.fromkeys(options.cells))
    forward, reverse = measure_both_ways(rnn, model.vocabulary, pair, cells, carriers=carriers, model=str(path))
    if options.as_json:
        for interchange in (forward, reverse):
            write_json(interchange.to_json())
    else:
        stdout_console().print(InterchangeView(forward=forward, reverse=reverse))
    _note_same_values(forward)


def _carriers(path: Path, options: InspectOptions) -> list[ConceptCarrier]:
    """Return the carriers of the concepts to copy, found in the text of --text or the held-out text."""
    if not options.copied_concepts:
        return []
    target = load_target(path, options, options.chars or SEARCHED_CHARS[-1])
    text = EncodedText(parsed=target.parsed, ids=target.ids)
    definitions = tuple(dict.fromkeys(options.copied_concepts))
    return list(find_carriers(path, target.rnn, text, definitions, quiet=False).values())


def _read(rnn: InferenceRNN, model: Model, given: str, name: str) -> ReadText:
    """Return a text that has been read to its end (WrongUsageError if it is empty, or has unknown characters)."""
    text = mark_ends(model.normalize(valid_text(given, f"text {name} of --swap")), model.config.documents)
    if not text:
        raise WrongUsageError(f"text {name} of --swap is empty, so there is no last character at which to copy")
    if unknown := model.vocabulary.count_unknown(text):
        hint = newline_hint(given) if "\\" in unknown else ""
        raise WrongUsageError(
            f"text {name} of --swap: the model never saw {format_characters(unknown)}", hint=hint or None
        )
    return read_to_end(rnn, model.vocabulary.encode(text))


def _note_same_values(interchange: Interchange) -> None:
    """Print a note about cells whose value does not differ between the texts, so that their copy shows nothing."""
    same = [cell for cell in interchange.cells if cell.is_same]
    if same:
        listed = ", ".join(f"{cell.cell} ({cell.source:.2f} and {cell.target:.2f})" for cell in same[:MAX_NOTED])
        more = f" and {len(same) - MAX_NOTED:,} more" if len(same) > MAX_NOTED else ""
        differs = f"{interchange.signal} hardly differs between the texts, so the copy shows nothing"
        write_note(f"note: {differs}: {listed}{more}")
