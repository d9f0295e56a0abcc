"""Carriers of concepts in the Python API, and clamps of cells and concepts by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from charrnn import arguments
from charrnn.errors import WrongUsageError
from charrnn.inspection.concepts import Concept
from charrnn.inspection.concepts.custom import parse_concept
from charrnn.inspection.search.concept_carrier import SEARCHED_CHARS, ConceptCarrier, check_found_in, find_carrier
from charrnn.inspection.search.search_data import EncodedText
from charrnn.network.cell_id import check_clamped_once, parse_cell
from charrnn.network.clamps import Clamps
from charrnn.network.inference import InferenceRNN
from charrnn.network.interventions import checked_clamps, make_clamps
from charrnn.network.model_file import Model
from charrnn.text.documents import ensure_terminated
from charrnn.text.held_out import NamedText, held_out_text

ClampValues = Mapping[str, float] | Mapping[ConceptCarrier, float] | Mapping[str | ConceptCarrier, float] | None
"""values in −1..1 at which cells or concepts are clamped, by name such as "1.7" or "string"; None: no clamps"""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CarrierFinder:
    """A trained model in which the carriers of concepts are found and clamped."""

    path: Path
    """model file"""
    model: Model
    """weights, vocabulary, configuration and training record"""

    @cached_property
    def reader(self) -> InferenceRNN:
        """The network as it is used for inference: step by step, with access to every gate."""
        return InferenceRNN.from_model(self.model)

    @cached_property
    def _held_out_carriers(self) -> dict[str, ConceptCarrier]:
        """The carriers that were found in the held-out text, by concept."""
        return {}

    def carrier(self, concept: str | Concept, text: str | None = None) -> ConceptCarrier:
        r"""Return the cell, group of cells or direction that carries a concept, found in a text.

        The default text is the held-out text of the run, for which carriers of named concepts are kept. Raise
        CharrnnError if the model does not represent the concept, or if the concept is too rare in the text.

        >>> text = 'he said "abc def" and then\n' * 400
        >>> charrnn.load("checkpoints/letters").carrier("in_quote", text)
        <ConceptCarrier of in_quote: a direction of layer 1>
        """
        named = find_concept(concept)
        if text is None and isinstance(concept, str) and concept in self._held_out_carriers:
            return self._held_out_carriers[concept]
        encoded = self._encoded_held_out(slice(0, SEARCHED_CHARS[-1])) if text is None else self._encoded(text)
        carrier = find_carrier(self.reader, encoded, named, model=str(self.path))
        if text is None and isinstance(concept, str):
            self._held_out_carriers[concept] = carrier
        return carrier

    def _clamps(self, values: ClampValues) -> Clamps:
        """Return the clamps of cells and of the carriers of concepts (WrongUsageError)."""
        levels = checked_clamps({} if values is None else values)
        carriers = {name: self._carrier_of(name) for name in levels}
        held = [carrier.held_at(levels[name]) for name, carrier in carriers.items() if carrier]
        cells = [(parse_cell(str(name)), levels[name]) for name, carrier in carriers.items() if not carrier]
        check_clamped_once(cell for cell, _ in cells)
        return make_clamps(self.reader, dict(cells), held)

    def _carrier_of(self, name: object) -> ConceptCarrier | None:
        """Return the carrier for the name of a concept, or a carrier itself; None for the name of a cell."""
        if isinstance(name, ConceptCarrier):
            check_found_in(name, self.reader)
            return name
        if isinstance(name, str) and (name[:1].isalpha() or name[:1] == "_"):
            return self.carrier(name)
        parse_cell(name)  # type: ignore[arg-type]  # raises WrongUsageError for anything but the name of a cell
        return None

    def _encoded(self, text: str) -> EncodedText:
        """Return a text, encoded (WrongUsageError if there is nothing to read)."""
        readable = self.model.normalize(arguments.text(text, "the text"))
        terminated = ensure_terminated(readable, self.model.config.documents)
        if not self.model.vocabulary.drop_unencodable(terminated):
            raise WrongUsageError("there is no text to read")
        return EncodedText.of(terminated, "text", self.model.vocabulary)

    def _encoded_held_out(self, section: slice) -> EncodedText:
        """Return a section of the held-out text, encoded (WrongUsageError if the section is empty)."""
        held_out = self._held_out_text(section)
        if not held_out.text:
            raise WrongUsageError(f"{held_out.name} has no text at {section.start:,}")
        return EncodedText.of(held_out.text, held_out.name, self.model.vocabulary)

    def _held_out_text(self, section: slice) -> NamedText:
        model = self.model
        return held_out_text(self.path, model.vocabulary, model.training, section, hint="give a text")


def find_concept(concept: str | Concept) -> Concept:
    """Return a concept by its name or its pattern; a `Concept` is returned unchanged (WrongUsageError)."""
    return concept if isinstance(concept, Concept) else parse_concept(arguments.text(concept, "a concept"))
