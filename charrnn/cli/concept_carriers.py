"""Carriers of the concepts that a command line names: a search of the held-out text, with a note about the result."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from charrnn.cli.search_progress import progress_bar
from charrnn.cli.streams import write_note
from charrnn.errors import WrongUsageError
from charrnn.inspection.concepts.custom import parse_concept
from charrnn.inspection.search.concept_carrier import SEARCHED_CHARS, ConceptCarrier, find_carrier
from charrnn.inspection.search.search_data import EncodedText
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model
from charrnn.storage.run_directory import display_name
from charrnn.text.held_out import held_out_text

NO_TEXT_HINT = "a concept is searched in the held-out text of the run's directory"


def find_held_out_carriers(
    path: Path, model: Model, definitions: Sequence[str], *, quiet: bool
) -> dict[str, ConceptCarrier]:
    """Return the carrier of each concept by its name, found in the held-out text (CharrnnError)."""
    section = slice(0, SEARCHED_CHARS[-1])
    held_out = held_out_text(path, model.vocabulary, model.training, section, hint=NO_TEXT_HINT)
    text = EncodedText.of(held_out.text, held_out.name, model.vocabulary)
    return find_carriers(path, InferenceRNN.from_model(model), text, definitions, quiet=quiet)


def find_carriers(
    path: Path, rnn: InferenceRNN, text: EncodedText, definitions: Sequence[str], *, quiet: bool
) -> dict[str, ConceptCarrier]:
    """Return the carrier of each concept by its name, found in a text (CharrnnError)."""
    concepts = [parse_concept(definition) for definition in definitions]
    repeated = next((name for name, count in Counter(each.name for each in concepts).items() if count > 1), None)
    if repeated:
        raise WrongUsageError(f"there are two definitions of {repeated}", hint="give one of them another name")
    carriers = {}
    for concept in concepts:
        with progress_bar() as progress:
            carrier = find_carrier(rnn, text, concept, model=display_name(path), progress=progress)
        carriers[concept.name] = carrier
        if not quiet:
            write_note(f"note: {carrier.summary}")
    return carriers
