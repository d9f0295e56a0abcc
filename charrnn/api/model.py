"""The Python API of a trained model: `load`, and `TrainedModel`, which samples, scores and inspects."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from charrnn import arguments
from charrnn.api.text_generator import ClampValues, TextGenerator, Unknown
from charrnn.arguments import LARGEST_SEED, flag, path_name, several, system_errors, texts, whole_number
from charrnn.errors import WrongUsageError
from charrnn.generation.novelty import Novelty, TrainingTextIndex, index_training_text
from charrnn.inspection.concepts import Concept, ParsedText
from charrnn.inspection.concepts.custom import parse_concept
from charrnn.inspection.measures.activations import Activations, record_all, record_cells
from charrnn.inspection.measures.surprisal import Surprise, measure_surprisal
from charrnn.inspection.search.concept_occurrences import is_on, on_label
from charrnn.inspection.search.findings import Findings
from charrnn.inspection.search.search import search
from charrnn.inspection.search.search_data import DEFAULT_SIGNAL, EncodedText
from charrnn.inspection.search.splits import Progress, no_progress
from charrnn.network.cell_id import parse_cell
from charrnn.network.interventions import ClampedPredictor, make_clamps, parse_clamps
from charrnn.network.model_file import load_model as load_file
from charrnn.scoring import Score, score, score_lines, split_lines
from charrnn.storage import run_directory
from charrnn.text.corpus import DEFAULT_CHARS, NamedText, held_out_text
from charrnn.text.documents import ensure_terminated
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks

ALL = slice(None)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TrainedModel(TextGenerator):
    """A model ready to write, to score and to be looked into.

    A model that learned documents reads a text as documents: each is ended, and read from a fresh state.

    >>> import charrnn
    >>> charrnn.load("checkpoints/letters")
    <charrnn.TrainedModel checkpoints/letters: lstm 1×30, 29 characters>
    """

    def __repr__(self) -> str:
        config = self.model.config
        network = f"{config.cell} {config.layers}×{config.hidden}, {len(self.model.vocabulary)} characters"
        return f"<charrnn.TrainedModel {run_directory.display_name(self.path)}: {network}>"

    @cached_property
    def _training_index(self) -> TrainingTextIndex:
        return index_training_text(self.path, self.model, hint="the run's directory holds it")

    def score(self, text: str, *, clamps: ClampValues = None) -> Score:
        """Say how well the model predicts a text; CharrnnError if it knows fewer than two of its characters.

        >>> model = charrnn.load("checkpoints/letters")
        >>> model.score("abcdefgh").bits_per_char < 0.5 < 5 < model.score("hgfedcba").bits_per_char
        True
        """
        predictor = ClampedPredictor(
            self.reader, make_clamps(self.reader, parse_clamps({} if clamps is None else clamps))
        )
        return score(predictor, self.model.vocabulary, arguments.text(text, "the text"))

    def score_lines(self, lines: str | Iterable[str]) -> list[Score | None]:
        r"""Score lines one by one, each from a fresh state; None for one of which too little is known.

        Of a text its lines, which nothing but a line feed ends. Each has to predict the line end after it too.

        >>> first, second = charrnn.load("checkpoints/letters").score_lines("abcd\ndcba\n")
        >>> first.characters, first.bits_per_char < second.bits_per_char
        (5, True)
        """
        each = split_lines(lines) if isinstance(lines, str) else list(texts(lines, "lines"))
        return score_lines(self.reader, self.model.vocabulary, each)

    def surprise(self, text: str, *, guesses: int = 5, unknown: Unknown = "error") -> Surprise:
        """Say what each character cost, in bits, and what the model would have guessed in its place.

        CharrnnError for a text of one character, which nothing predicts.

        >>> told = charrnn.load("checkpoints/letters").surprise("abcx", guesses=1)
        >>> told.guesses, told.bits.round(1)
        (('', 'b', 'c', 'd'), array([ 0. ,  0. ,  0. , 17.6]))
        """
        read, vocabulary = self._encode(text, unknown), self.model.vocabulary
        kept = whole_number(guesses, "guesses")
        return measure_surprisal(
            self.reader, vocabulary, read.ids, guesses=kept, model=str(self.path), text=read.parsed.name
        )

    def novelty(self, text: str, *, unknown: Unknown = "error") -> Novelty:
        """Say what of a text is copied from the training text, whose suffixes are sorted the first time.

        What counts is longer than what held-out text has in common with it. CharrnnError if the run's own text is not
        beside the model.
        """
        return self._training_index.novelty(self._encodable(text, unknown))

    def activations(self, text: str, *, unknown: Unknown = "error") -> Activations:
        """Give what every cell did at every character: (characters, layers, units), read from the zero state.

        >>> did = charrnn.load("checkpoints/letters").activations('say "yes" twice')
        >>> did
        Activations(characters=15, layers=1, units=30, signal='tanh(c)')
        >>> "".join("+" if value > 0 else "." for value in did.cell("1.29"))
        '....++++.......'
        """
        read = self._encode(text, unknown)
        return record_all(self.reader, read.ids, read.parsed.text)

    def find(
        self,
        text: str | None = None,
        *,
        concepts: Iterable[str | Concept] | None = None,
        confirm: str | None = None,
        chars: int = DEFAULT_CHARS,
        start: int = 0,
        signal: str = DEFAULT_SIGNAL,
        quick: bool = False,
        seed: int = 0,
        unknown: Unknown = "error",
        progress: Progress = no_progress,
    ) -> Findings:
        r"""Search every cell for concepts, all built-in ones by default, and give the findings as records.

        Left out, the text is what training held out. Cells are chosen on one half of it and judged on the other, or
        on the text to `confirm` them on. Of either, `chars` characters are read from `start` on. `quick` leaves out
        the scrambled network and holding cells still. Steps go by through `progress(steps, stage, count)`, so that
        `tqdm` shows them. CharrnnError if held-out text is not beside the model, or a text is too short.

        >>> text = 'he said "abc def" and then\n' * 400
        >>> found = charrnn.load("checkpoints/letters").find(text, concepts=["in_quote"], quick=True)
        >>> best = found.concepts[0]
        >>> best.concept, best.cell, round(best.fit, 2)
        ('in_quote', '1.29', 1.0)
        """
        stretch, seed = _stretch(chars, start), whole_number(seed, "seed", high=LARGEST_SEED)
        asked = None if concepts is None else [_concept(concept) for concept in several(concepts, "concepts")]
        quick, signal = flag(quick, "quick"), arguments.text(signal, "signal")
        read = self._encoded_held_out(stretch) if text is None else self._encode(text, unknown, stretch)
        findings = search(
            self.reader,
            read.parsed,
            read.ids,
            rng=np.random.default_rng(seed),
            model=str(self.path),
            concepts=asked,
            confirm=None if confirm is None else self._encode(confirm, unknown, stretch, name="another text"),
            signal=signal,
            quick=quick,
            progress=progress,
        )
        return replace(findings, seed=seed, start=stretch.start)

    def heatmap(
        self,
        text: str,
        *cells: str,
        concept: str | Concept | None = None,
        unknown: Unknown = "error",
    ) -> Heatmap:
        """Draw what cells do over a text, by their names, with where a concept holds if one is named.

        A notebook shows the drawing in colour, and so does Rich's print; Python's own prints digits.

        >>> model = charrnn.load("checkpoints/letters")
        >>> print(model.heatmap('say "yes" twice', "1.29", concept="in_quote"))
             say "yes" twice
                 ▔▔▔▔
        1.29 555588881111111
        tanh(c) of 1.29: digits 0 … 9 for −1 … +1, 0 to 4 below zero  ▔ in_quote
        """
        if not cells:
            raise WrongUsageError("no cell is named", hint="layer.unit, such as 2.317")
        read = self._encode(text, unknown)
        values = record_cells(self.reader, read.ids, [parse_cell(cell) for cell in cells], slice(0, len(read.ids)))
        return Heatmap(
            text=read.parsed.text,
            rows=tuple(HeatmapRow(label=cell, values=row) for cell, row in zip(cells, values, strict=True)),
            signal=self.reader.signal_name,
            marks=None if concept is None else _marks(_concept(concept), read.parsed),
        )

    def held_out(self, characters: int = DEFAULT_CHARS, *, start: int = 0) -> str:
        """Give a stretch of what the run held out of its text; CharrnnError if that is not beside the model."""
        return self._held_out_text(_stretch(characters, start, name="characters")).text

    def _encoded_held_out(self, stretch: slice) -> EncodedText:
        """Give held-out text as it is read; WrongUsageError if there is nothing left of it."""
        held_out = self._held_out_text(stretch)
        if not held_out.text:
            raise WrongUsageError(f"{held_out.name} has no text at {stretch.start:,}")
        return EncodedText.of(held_out.text, held_out.name, self.model.vocabulary)

    def _held_out_text(self, stretch: slice) -> NamedText:
        model = self.model
        return held_out_text(self.path, model.vocabulary, model.training, stretch, hint="give a text")

    def _encode(self, text: str, unknown: Unknown, stretch: slice = ALL, *, name: str = "text") -> EncodedText:
        """Give a text as it is read; WrongUsageError if that is nothing."""
        whole = ensure_terminated(arguments.text(text, "the text"), self.model.config.documents)
        encodable = self._encodable(whole[stretch], unknown)
        if not encodable:
            raise WrongUsageError("there is no text to read")
        return EncodedText.of(encodable, name, self.model.vocabulary)


def _concept(concept: str | Concept) -> Concept:
    """Find a concept by its name, or make it of its pattern; one that is made already is itself."""
    return concept if isinstance(concept, Concept) else parse_concept(arguments.text(concept, "a concept"))


def _stretch(characters: int, start: int, *, name: str = "chars") -> slice:
    """Return which characters of a text are asked for (WrongUsageError)."""
    first = whole_number(start, "start")
    return slice(first, first + whole_number(characters, name, low=1))


def _marks(concept: Concept, parsed: ParsedText) -> Marks:
    return Marks(label=on_label(concept), holds=is_on(concept, concept.mark(parsed)))


# Loading a model by the name of its run


def load(named: str | os.PathLike[str] | None = None) -> TrainedModel:
    """Load a model by its run's directory or its own file; by default the newest run in `checkpoints/`.

    CharrnnError if there is none, or if the file is no model.

    >>> charrnn.load().path.as_posix()
    'checkpoints/letters/model.safetensors'
    """
    wanted = None if named is None else Path(path_name(named, "the name of the model"))
    with system_errors():
        path = run_directory.find_model(wanted)
        return TrainedModel(path=path, model=load_file(path))


def models(directory: str | os.PathLike[str] = run_directory.RUNS) -> list[Path]:
    """List the runs in a directory that have a model, the newest first; each can be loaded.

    >>> [run.as_posix() for run in charrnn.models()]
    ['checkpoints/letters']
    """
    where = Path(path_name(directory, "directory"))
    with system_errors():
        return [model.parent for model in run_directory.list_models(where)]
