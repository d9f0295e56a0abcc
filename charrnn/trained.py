"""A trained model as Python sees it: it writes, scores, and shows what its cells do.

How any of it is done is left to the modules that the command line has it done by too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from charrnn import runs
from charrnn.ending import Ending
from charrnn.errors import WrongUsageError
from charrnn.held_out import SEARCHED, held_out
from charrnn.inspection.activations import Activations, activations_of
from charrnn.inspection.activity import Ids, activity, cell_named
from charrnn.inspection.concepts import Concept, Source
from charrnn.inspection.concepts.asked import concept_asked
from charrnn.inspection.findings import Findings
from charrnn.inspection.passage import holding, holds
from charrnn.inspection.search import find
from charrnn.network.model_file import Model
from charrnn.network.reader import Reader
from charrnn.novelty import Novelty
from charrnn.original import Original, original_of
from charrnn.sampling import Choice, generate, opening
from charrnn.scoring import Score, next_characters, score
from charrnn.text.vocabulary import named
from charrnn.views.heatmap import Heatmap, HeatmapRow, Marks

Unknown = Literal["error", "skip"]
"""what is done with a character that the model never saw"""

Seed = int | np.random.Generator | None
"""where chance comes from; None: somewhere else each time"""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TrainedModel:
    """A model ready to write, to score and to be looked into.

    >>> import charrnn
    >>> charrnn.load("checkpoints/letters")
    <charrnn.TrainedModel checkpoints/letters: lstm 1×30, 29 characters>
    """

    path: Path
    """its file"""
    model: Model
    """weights, vocabulary, configuration, and how it came to be"""

    def __repr__(self) -> str:
        config = self.model.config
        network = f"{config.cell} {config.layers}×{config.hidden}, {len(self.model.vocabulary)} characters"
        return f"<charrnn.TrainedModel {runs.model_name(self.path)}: {network}>"

    @cached_property
    def reader(self) -> Reader:
        """The network, ready to be stepped over text by hand, every gate in sight."""
        return Reader.of(self.model)

    @cached_property
    def _original(self) -> Original:
        return original_of(self.path, self.model, hint="the run's directory holds it")

    def sample(
        self,
        prompt: str = "",
        *,
        length: int = 500,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        stops: Iterable[str] = (),
        seed: Seed = None,
        unknown: Unknown = "error",
    ) -> str:
        """Give what is written after a prompt: so many characters, fewer where one of `stops` has been written.

        Fewer if the model learned documents, for they end. Temperature 0 takes the likeliest each time; `top_k`,
        `top_p` and `min_p` are `sampling.Choice`'s.
        WrongUsageError for a prompt with characters that the model never saw, unless they are to be skipped.

        >>> model = charrnn.load("checkpoints/letters")
        >>> model.sample("wx", length=4, seed=1)
        'yzab'
        """
        choice = Choice(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
        return "".join(self._written(prompt, Ending(length=length, stops=tuple(stops)), choice, seed, unknown))

    def stream(
        self,
        prompt: str = "",
        *,
        length: int | None = None,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        stops: Iterable[str] = (),
        seed: Seed = None,
        unknown: Unknown = "error",
    ) -> Iterator[str]:
        """Write as `sample` does, but give each character as soon as it is there; without a length, on and on.

        >>> written = charrnn.load("checkpoints/letters").stream("c")
        >>> next(written), next(written), next(written)
        ('d', 'e', 'f')
        """
        choice = Choice(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
        return self._written(prompt, Ending(length=length, stops=tuple(stops)), choice, seed, unknown)

    def score(self, text: str) -> Score:
        """Say how well the model predicts a text; CharrnnError if it knows fewer than two of its characters.

        >>> model = charrnn.load("checkpoints/letters")
        >>> model.score("abcdefgh").bits_per_char < 0.5 < 5 < model.score("hgfedcba").bits_per_char
        True
        """
        return score(self.reader, self.model.vocabulary, text)

    def novelty(self, text: str, *, unknown: Unknown = "error") -> Novelty:
        """Say what of a text is copied from the training text, whose suffixes are sorted the first time.

        What counts is longer than what held-out text has in common with it. CharrnnError if the run's own text is not
        beside the model.
        """
        return self._original.novelty(self._known(text, unknown))

    def next_characters(self, text: str = "", *, most: int = 5, unknown: Unknown = "error") -> dict[str, float]:
        """Give the likeliest characters after a text, the likeliest first, each with its probability.

        >>> list(charrnn.load("checkpoints/letters").next_characters("xyz", most=1))
        ['a']
        """
        known = self._known(text, unknown)
        return dict(next_characters(self.reader, self.model.vocabulary, known, most=most))

    def activations(self, text: str, *, unknown: Unknown = "error") -> Activations:
        """Give what every cell did at every character: (characters, layers, units), read from the zero state.

        >>> did = charrnn.load("checkpoints/letters").activations('say "yes" twice')
        >>> did
        Activations(characters=15, layers=1, units=30, signal='tanh(c)')
        >>> "".join("+" if value > 0 else "." for value in did.cell("1.29"))
        '....++++.......'
        """
        read, ids = self._read(text, unknown)
        return activations_of(self.reader, ids, read)

    def find(
        self, text: str | None = None, *, concepts: Iterable[str | Concept] | None = None, unknown: Unknown = "error"
    ) -> Findings:
        r"""Search every cell for concepts, all built-in ones by default, and give the findings as records.

        Left out, the text is the first 200,000 characters that training held out. CharrnnError if those are not
        beside the model, or a text is too short to say anything.

        >>> text = 'he said "abc def" and then\n' * 400
        >>> found = charrnn.load("checkpoints/letters").find(text, concepts=["in_quote"])
        >>> best = found.concepts[0]
        >>> best.concept, best.cell, round(best.fit, 2)
        ('in_quote', '1.29', 1.0)
        """
        name = "held-out text" if text is None else "text"
        read, ids = self._read(self.held_out() if text is None else text, unknown)
        asked = None if concepts is None else [_concept(concept) for concept in concepts]
        source, model, chance = Source.of(read, name), runs.model_name(self.path), np.random.default_rng(0)
        return find(self.reader, source, ids, chance=chance, model=model, concepts=asked)

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
        read, ids = self._read(text, unknown)
        whole = slice(0, len(ids))
        values = activity(self.reader, ids, [cell_named(cell) for cell in cells], whole)
        return Heatmap(
            text=read,
            rows=tuple(HeatmapRow(label=cell, values=row) for cell, row in zip(cells, values, strict=True)),
            signal=self.reader.signal_name,
            marks=None if concept is None else _marks(_concept(concept), read),
        )

    def held_out(self, characters: int = SEARCHED) -> str:
        """Give the beginning of what the run held out of its text; CharrnnError if that is not beside the model."""
        model, stretch = self.model, slice(0, characters)
        return held_out(self.path, model.vocabulary, model.training, stretch, hint="give a text").text

    def _written(self, prompt: str, ending: Ending, choice: Choice, seed: Seed, unknown: Unknown) -> Iterator[str]:
        reader, vocabulary, rng = self.reader, self.model.vocabulary, np.random.default_rng(seed)
        begin = opening(reader, vocabulary, self._known(prompt, unknown), unknown="stand_in")
        written = generate(reader, vocabulary, rng=rng, begin=begin, choice=choice, ending=ending)
        return (one.character for one in written)

    def _read(self, text: str, unknown: Unknown) -> tuple[str, Ids]:
        """Give what is read of a text, and its ids; WrongUsageError if that is nothing."""
        read = self._known(text, unknown)
        if not read:
            raise WrongUsageError("there is no text to read")
        return read, self.model.vocabulary.encode(read, unknown="stand_in")

    def _known(self, text: str, unknown: Unknown) -> str:
        """Leave out what the model can only skip, or raise WrongUsageError for it."""
        readable = self.model.vocabulary.readable(text)
        if unknown == "error" and readable != text:
            missing = named(self.model.vocabulary.unknown_in(text))
            raise WrongUsageError(f"the model never saw {missing}", hint='`unknown="skip"` leaves them out')
        return readable


def _concept(asked: str | Concept) -> Concept:
    """Find a concept by its name, or make it of its pattern; one that is made already is itself."""
    return concept_asked(asked) if isinstance(asked, str) else asked


def _marks(concept: Concept, text: str) -> Marks:
    return Marks(label=holding(concept), holds=holds(concept, concept.mark(Source.of(text))))
