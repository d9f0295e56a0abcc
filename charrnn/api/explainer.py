"""Explanations of single predictions and cells in the Python API: attribution, interchange and profiles of cells."""

from dataclasses import dataclass

import numpy as np

from charrnn import arguments
from charrnn.api.carriers import find_concept
from charrnn.api.text_generator import TextGenerator, Unknown
from charrnn.arguments import LARGEST_SEED, whole_number
from charrnn.errors import WrongUsageError
from charrnn.inspection.concepts import Concept
from charrnn.inspection.measures.activations import DEFAULT_SIGNAL, record_cells, signal_name
from charrnn.inspection.measures.attribution import Attribution, attribute_positions
from charrnn.inspection.measures.cell_gates import record_gates
from charrnn.inspection.measures.cell_profile import CellProfile, activation_histogram, profile_cell
from charrnn.inspection.measures.interchange import Interchange, ReadText, measure_both_ways, read_to_end
from charrnn.inspection.search.concept_carrier import ConceptCarrier
from charrnn.inspection.search.search_data import EncodedText
from charrnn.network.cell_id import parse_cell
from charrnn.text.documents import ensure_terminated
from charrnn.views.cell_gates import gates_heatmap
from charrnn.views.heatmap import Heatmap, marks_of

ALL = slice(None)
NO_CELL_HINT = "layer.unit, such as 2.317"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Explainer(TextGenerator):
    """A trained model that explains single predictions and cells."""

    def attribution(
        self, text: str, at: int | None = None, *, seed: int = 0, unknown: Unknown = "error"
    ) -> Attribution:
        """Return the influence of each earlier character on the prediction of the character at a position of a text.

        The default position is that of the last character; the first character is not predicted. The seed is that of
        the random characters that replace others.

        >>> attribution = charrnn.load("checkpoints/letters").attribution("say abc")
        >>> attribution.character, attribution.content[attribution.strongest(1)[0]]
        ('c', 'b')
        """
        encoded, seed = self._encode(text, unknown), whole_number(seed, "seed", high=LARGEST_SEED)
        position = len(encoded.ids) - 1 if at is None else whole_number(at, "at")
        (attribution,) = attribute_positions(
            self.reader,
            self.model.vocabulary,
            encoded.ids,
            [position],
            np.random.default_rng(seed),
            model=str(self.path),
            text=encoded.parsed.name,
        )
        return attribution

    def swap(self, source: str, target: str, *cells: str | ConceptCarrier, unknown: Unknown = "error") -> Interchange:
        """Return how the prediction after a target text changes if the values of cells are those after a source text.

        The values are copied at the last character of the target text: c of LSTM cells, whose h follows, and h of
        other cells. A concept, by its name or carrier, stands for its cells or its direction. Raise WrongUsageError
        if the concept does not differ between the texts.

        >>> interchange = charrnn.load("checkpoints/letters").swap("e", "a", "1.7")  # the cell that is on after an e
        >>> change = interchange.changes(1)[0]
        >>> change.character, round(change.before, 2), round(change.after, 2)
        ('f', 0.0, 0.5)
        """
        carriers = {cell: self._carrier_of(cell) for cell in cells}
        cell_ids = [parse_cell(str(name)) for name, carrier in carriers.items() if not carrier]
        if not carriers:
            raise WrongUsageError("no cell is named", hint=NO_CELL_HINT)
        texts = self._read(source, unknown, "source"), self._read(target, unknown, "target")
        concepts = [carrier for carrier in carriers.values() if carrier]
        both_ways = measure_both_ways(
            self.reader, self.model.vocabulary, texts, cell_ids, carriers=concepts, model=str(self.path)
        )
        return both_ways[0]

    def cell_profile(
        self, cell: str, text: str, *, signal: str = DEFAULT_SIGNAL, unknown: Unknown = "error"
    ) -> CellProfile:
        """Return the characters that a cell promotes and suppresses, and a histogram of its signal over a text.

        Only cells of the last layer promote and suppress characters directly. The signals are those of `activations`.

        >>> profile = charrnn.load("checkpoints/letters").cell_profile("1.7", 'say "yes" twice')
        >>> profile.promotes[0].character
        'f'
        """
        name, cell_id, encoded = signal_name(self.reader, signal), parse_cell(cell), self._encode(text, unknown)
        (values,) = record_cells(self.reader, encoded.ids, [cell_id], slice(0, len(encoded.ids)), signal=name)
        histogram = activation_histogram(values)
        return profile_cell(self.reader, self.model.vocabulary, cell_id, histogram, signal=name)

    def _read(self, text: str, unknown: Unknown, name: str) -> ReadText:
        """Return a text that has been read to its end (WrongUsageError if there is nothing to read)."""
        encodable = self._encodable(arguments.text(text, name), unknown)
        if not encodable:
            raise WrongUsageError(f"{name} has no character to read")
        return read_to_end(self.reader, self.model.vocabulary.encode(encodable, unknown="replace"))

    def _encode(self, text: str, unknown: Unknown, section: slice = ALL, *, name: str = "text") -> EncodedText:
        """Return a section of a text, encoded (WrongUsageError if there is nothing to read)."""
        readable = self.model.normalize(arguments.text(text, "the text"))
        terminated = ensure_terminated(readable, self.model.config.documents)
        encodable = self._encodable(terminated[section], unknown)
        if not encodable:
            raise WrongUsageError("there is no text to read")
        return EncodedText.of(encodable, name, self.model.vocabulary)

    def gates(
        self, text: str, cell: str, *, concept: str | Concept | None = None, unknown: Unknown = "error"
    ) -> Heatmap:
        r"""Return a heat map of the gates and states of one cell over a text, with the marks of a concept below.

        The gates are those of `activations`; the states are tanh(c), if the cell has a c, and h.

        >>> heatmap = charrnn.load("checkpoints/letters").gates('say "yes" twice', "1.29")
        >>> print("\n".join(str(heatmap).splitlines()[1:5]))
        i       000090009000000
        f       999909990999999
        g       999990000999999
        o       999999999999999
        """
        encoded = self._encode(text, unknown)
        recorded = record_gates(self.reader, encoded.ids, parse_cell(cell), encoded.parsed.text)
        return gates_heatmap(
            recorded, marks=None if concept is None else marks_of(find_concept(concept), encoded.parsed)
        )
