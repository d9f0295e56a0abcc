"""Explanations in the Python API: attribution, interchange, profiles, gates and memory, of predictions and cells."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

import charrnn.views.notebook  # noqa: F401 - registers the drawings of records in notebooks
from charrnn import arguments, resources
from charrnn.api.carriers import find_concept
from charrnn.api.text_generator import TextGenerator, Unknown
from charrnn.arguments import LARGEST_SEED, several, shown, texts, whole_number
from charrnn.errors import WrongUsageError
from charrnn.inspection.concepts import Concept
from charrnn.inspection.measures.activations import DEFAULT_SIGNAL, record_cells, signal_name
from charrnn.inspection.measures.attribution import Attribution, attribute_positions
from charrnn.inspection.measures.cell_gates import record_gates
from charrnn.inspection.measures.cell_profile import CellProfile, activation_histogram, profile_cell
from charrnn.inspection.measures.effective_context import MEMORY_CHARS, ContextComparison, measure_context
from charrnn.inspection.measures.interchange import Interchange, ReadText, measure_both_ways, read_to_end
from charrnn.inspection.search.concept_carrier import ConceptCarrier
from charrnn.inspection.search.search_data import EncodedText
from charrnn.network.cell_id import parse_cell
from charrnn.network.inference import InferenceRNN
from charrnn.text.documents import ensure_terminated
from charrnn.training.initialization import Initialization, parse_initialization
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

    def memory(
        self,
        text: str | None = None,
        *,
        against: "Iterable[Explainer]" = (),
        untrained: Iterable[str] = (),
        chars: int = MEMORY_CHARS,
        seed: int = 0,
        unknown: Unknown = "error",
    ) -> ContextComparison:
        """Return how far back the model, other models and untrained networks of its size use a text.

        The default text is the held-out text of the run, of which `chars` characters are read. An untrained network
        is "same", a kind of cell such as "gru", or has other initial weights: "lstm,bias=0" for the bias of the
        forget gates, "rnn,scale=3" for the scale of the recurrent weights. Raise CharrnnError if the text is too
        short.
        """
        section, seed = section_of(chars, 0), whole_number(seed, "seed", high=LARGEST_SEED)
        compared_models = [_checked(model) for model in several(against, "against")]
        initializations = [parse_initialization(name) for name in texts(untrained, "untrained")]
        encoded = self._encoded_held_out(section) if text is None else self._encode(text, unknown, section)
        content, ids = encoded.parsed.text, encoded.ids
        networks = [(self.reader, ids, str(self.path), "")]
        for other in compared_models:
            read = other.model.vocabulary.encode(content, unknown="replace")
            networks.append((other.reader, read, str(other.path), ""))
        networks += [(self._untrained(initial, seed), ids, "", str(initial)) for initial in initializations]
        contexts = (
            measure_context(
                rnn, read, np.random.default_rng(seed), untrained=label, model=model, text=encoded.parsed.name
            )
            for rnn, read, model, label in networks
        )
        return ContextComparison(contexts=tuple(contexts))

    def _untrained(self, initialization: Initialization, seed: int) -> InferenceRNN:
        """Return an untrained network of the size of the model (WrongUsageError)."""
        with resources.loading_torch():
            from charrnn.training.untrained import untrained_model

        model = untrained_model(self.model.config, self.model.vocabulary, initialization, seed=seed)
        return InferenceRNN.from_model(model)


def _checked(model: object) -> Explainer:
    """Return a trained model (WrongUsageError for any other value)."""
    if not isinstance(model, Explainer):
        raise WrongUsageError(f"{shown(model)} is not a trained model", hint="`charrnn.load(NAME)` returns one")
    return model


def section_of(characters: int, start: int, *, name: str = "chars") -> slice:
    """Return the slice of so many characters of a text; `name` is that of the argument (WrongUsageError)."""
    first = whole_number(start, "start")
    return slice(first, first + whole_number(characters, name, low=1))
