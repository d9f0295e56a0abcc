"""A trained model as Python sees it: it writes, scores, and shows what its cells do.

How any of it is done is left to the modules that the command line has it done by too; writing to `writing`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from charrnn import arguments, runs
from charrnn.arguments import LARGEST_SEED, flag, several, texts, whole_number
from charrnn.errors import WrongUsageError
from charrnn.held_out import SEARCHED, NamedText, held_out
from charrnn.inspection.activations import Activations, activations_of
from charrnn.inspection.activity import activity
from charrnn.inspection.concepts import Concept, Source
from charrnn.inspection.concepts.asked import concept_asked
from charrnn.inspection.findings import Findings
from charrnn.inspection.material import Text
from charrnn.inspection.passage import holding, holds
from charrnn.inspection.reading import USUAL
from charrnn.inspection.search import find
from charrnn.inspection.stages import Watch, unwatched
from charrnn.inspection.surprise import Surprise, surprise
from charrnn.network.cell_name import cell_named
from charrnn.novelty import Novelty
from charrnn.original import Original, original_of
from charrnn.scoring import Score, lines_of, score, score_lines
from charrnn.steering import Held, held_at, signals_named
from charrnn.text.documents import with_ends
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks
from charrnn.writing import Clamping, Unknown, WritingModel

WHOLE = slice(None)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TrainedModel(WritingModel):
    """A model ready to write, to score and to be looked into.

    A model that learned documents reads a text as documents: each is ended, and read from a fresh state.

    >>> import charrnn
    >>> charrnn.load("checkpoints/letters")
    <charrnn.TrainedModel checkpoints/letters: lstm 1×30, 29 characters>
    """

    def __repr__(self) -> str:
        config = self.model.config
        network = f"{config.cell} {config.layers}×{config.hidden}, {len(self.model.vocabulary)} characters"
        return f"<charrnn.TrainedModel {runs.model_name(self.path)}: {network}>"

    @cached_property
    def _original(self) -> Original:
        return original_of(self.path, self.model, hint="the run's directory holds it")

    def score(self, text: str, *, clamps: Clamping = None) -> Score:
        """Say how well the model predicts a text; CharrnnError if it knows fewer than two of its characters.

        >>> model = charrnn.load("checkpoints/letters")
        >>> model.score("abcdefgh").bits_per_char < 0.5 < 5 < model.score("hgfedcba").bits_per_char
        True
        """
        held = Held(self.reader, held_at(self.reader, signals_named({} if clamps is None else clamps)))
        return score(held, self.model.vocabulary, arguments.text(text, "the text"))

    def score_lines(self, lines: str | Iterable[str]) -> list[Score | None]:
        r"""Score lines one by one, each from a fresh state; None for one of which too little is known.

        Of a text its lines, which nothing but a line feed ends. Each has to predict the line end after it too.

        >>> first, second = charrnn.load("checkpoints/letters").score_lines("abcd\ndcba\n")
        >>> first.characters, first.bits_per_char < second.bits_per_char
        (5, True)
        """
        each = lines_of(lines) if isinstance(lines, str) else list(texts(lines, "lines"))
        return score_lines(self.reader, self.model.vocabulary, each)

    def surprise(self, text: str, *, guesses: int = 5, unknown: Unknown = "error") -> Surprise:
        """Say what each character cost, in bits, and what the model would have guessed in its place.

        CharrnnError for a text of one character, which nothing predicts.

        >>> told = charrnn.load("checkpoints/letters").surprise("abcx", guesses=1)
        >>> told.guesses, told.bits.round(1)
        (('', 'b', 'c', 'd'), array([ 0. ,  0. ,  0. , 17.6]))
        """
        read, vocabulary = self._read(text, unknown), self.model.vocabulary
        kept = whole_number(guesses, "guesses")
        return surprise(self.reader, vocabulary, read.ids, guesses=kept, model=str(self.path), text=read.source.name)

    def novelty(self, text: str, *, unknown: Unknown = "error") -> Novelty:
        """Say what of a text is copied from the training text, whose suffixes are sorted the first time.

        What counts is longer than what held-out text has in common with it. CharrnnError if the run's own text is not
        beside the model.
        """
        return self._original.novelty(self._known(text, unknown))

    def activations(self, text: str, *, unknown: Unknown = "error") -> Activations:
        """Give what every cell did at every character: (characters, layers, units), read from the zero state.

        >>> did = charrnn.load("checkpoints/letters").activations('say "yes" twice')
        >>> did
        Activations(characters=15, layers=1, units=30, signal='tanh(c)')
        >>> "".join("+" if value > 0 else "." for value in did.cell("1.29"))
        '....++++.......'
        """
        read = self._read(text, unknown)
        return activations_of(self.reader, read.ids, read.source.text)

    def find(
        self,
        text: str | None = None,
        *,
        concepts: Iterable[str | Concept] | None = None,
        confirm: str | None = None,
        chars: int = SEARCHED,
        start: int = 0,
        signal: str = USUAL,
        quick: bool = False,
        seed: int = 0,
        unknown: Unknown = "error",
        watch: Watch = unwatched,
    ) -> Findings:
        r"""Search every cell for concepts, all built-in ones by default, and give the findings as records.

        Left out, the text is what training held out. Cells are chosen on one half of it and judged on the other, or
        on the text to `confirm` them on. Of either, `chars` characters are read from `start` on. `quick` leaves out
        the scrambled network and holding cells still. Steps go by through `watch(steps, stage, count)`, so that
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
        read = self._held_out(stretch) if text is None else self._read(text, unknown, stretch)
        findings = find(
            self.reader,
            read.source,
            read.ids,
            chance=np.random.default_rng(seed),
            model=str(self.path),
            concepts=asked,
            confirm=None if confirm is None else self._read(confirm, unknown, stretch, name="another text"),
            signal=signal,
            quick=quick,
            watch=watch,
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
        read = self._read(text, unknown)
        values = activity(self.reader, read.ids, [cell_named(cell) for cell in cells], slice(0, len(read.ids)))
        return Heatmap(
            text=read.source.text,
            rows=tuple(HeatmapRow(label=cell, values=row) for cell, row in zip(cells, values, strict=True)),
            signal=self.reader.signal_name,
            marks=None if concept is None else _marks(_concept(concept), read.source),
        )

    def held_out(self, characters: int = SEARCHED, *, start: int = 0) -> str:
        """Give a stretch of what the run held out of its text; CharrnnError if that is not beside the model."""
        return self._told(_stretch(characters, start, name="characters")).text

    def _held_out(self, stretch: slice) -> Text:
        """Give held-out text as it is read; WrongUsageError if there is nothing left of it."""
        told = self._told(stretch)
        if not told.text:
            raise WrongUsageError(f"{told.name} has no text at {stretch.start:,}")
        return Text.of(told.text, told.name, self.model.vocabulary)

    def _told(self, stretch: slice) -> NamedText:
        model = self.model
        return held_out(self.path, model.vocabulary, model.training, stretch, hint="give a text")

    def _read(self, text: str, unknown: Unknown, stretch: slice = WHOLE, *, name: str = "text") -> Text:
        """Give a text as it is read; WrongUsageError if that is nothing."""
        whole = with_ends(arguments.text(text, "the text"), self.model.config.documents)
        known = self._known(whole[stretch], unknown)
        if not known:
            raise WrongUsageError("there is no text to read")
        return Text.of(known, name, self.model.vocabulary)


def _concept(asked: str | Concept) -> Concept:
    """Find a concept by its name, or make it of its pattern; one that is made already is itself."""
    return asked if isinstance(asked, Concept) else concept_asked(arguments.text(asked, "a concept"))


def _stretch(characters: int, start: int, *, name: str = "chars") -> slice:
    """Return which characters of a text are asked for (WrongUsageError)."""
    first = whole_number(start, "start")
    return slice(first, first + whole_number(characters, name, low=1))


def _marks(concept: Concept, source: Source) -> Marks:
    return Marks(label=holding(concept), holds=holds(concept, concept.mark(source)))
