"""Text generation in the Python API: one text, a batch of texts, or a stream of characters."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from charrnn import arguments
from charrnn.arguments import LARGEST_SEED, choice, number, texts, whole_number
from charrnn.errors import WrongUsageError
from charrnn.generation.batched import chunks_in_order, collect_texts, generate_batch
from charrnn.generation.generate import Prefilled, StopCriteria, default_max_chars, generate, prefill_prompt
from charrnn.generation.sampling import SamplingParams
from charrnn.network.inference import InferenceRNN
from charrnn.network.interventions import make_clamps, parse_clamps
from charrnn.network.model_file import Model
from charrnn.scoring import next_char_probabilities
from charrnn.text.vocabulary import format_characters

CODE_POINTS = 0x110000
MAX_SAMPLES = 10**6
"""texts in a list, which stays in memory; the command line writes each as it ends and permits more"""

Unknown = Literal["error", "skip"]
"""what is done with a character that the model never saw"""

Seed = int | np.random.Generator | None
"""where chance comes from; None: somewhere else each time"""

ClampValues = Mapping[str, float] | None
"""cells by their names, and the value of what `inspect` draws that each is held at; None: none is held"""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TextGenerator:
    """A model ready to write.

    `sample`, `samples` and `stream` choose alike: temperature 0 takes the likeliest each time; `top_k`, `top_p` and
    `min_p` are `sampling.SamplingParams`'s. A text ends after `length` characters, or once one of `stops` has been
    written; by itself, if the model learned documents. `clamps` holds cells while it reads and writes, such as
    `{"1.7": 1.0}`. WrongUsageError for a prompt with characters that the model never saw, unless `unknown` has them
    skipped, and for whatever cannot be.
    """

    path: Path
    """its file"""
    model: Model
    """weights, vocabulary, configuration, and how it came to be"""

    @cached_property
    def reader(self) -> InferenceRNN:
        """The network, ready to be stepped over text by hand, every gate in sight."""
        return InferenceRNN.from_model(self.model)

    def sample(
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
        clamps: ClampValues = None,
    ) -> str:
        """Give what is written after a prompt; without a length 500 characters, or a document to its end.

        >>> model = charrnn.load("checkpoints/letters")
        >>> model.sample("wx", length=4, seed=1)
        'yzab'
        >>> model.sample("wx", length=4, temperature=0, clamps={"1.7": 1.0})  # the cell that is on after an e
        'ffff'
        """
        params = _choice(temperature, top_k, top_p, min_p)
        prefilled, stop = self._prefill(prompt, unknown, clamps), self._stop_criteria(length, stops)
        return "".join(self._characters(prefilled, stop, params, seed))

    def samples(
        self,
        prompt: str = "",
        *,
        count: int,
        length: int | None = None,
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        stops: Iterable[str] = (),
        seed: Seed = None,
        unknown: Unknown = "error",
        clamps: ClampValues = None,
    ) -> list[str]:
        """Write several texts together, much faster than one after the other.

        The first is what `sample` writes with this seed, the next what it writes with the seed after it.

        >>> charrnn.load("checkpoints/letters").samples("wx", count=2, length=4, seed=1)
        ['yzab', 'yzab']
        """
        params = _choice(temperature, top_k, top_p, min_p)
        rows = generate_batch(
            self.reader,
            self.model.vocabulary,
            rngs=_rngs(seed, count),
            prefilled=self._prefill(prompt, unknown, clamps),
            stop=self._stop_criteria(length, stops),
            params=params,
            costs=False,
        )
        return [generated.characters for generated in collect_texts(chunks_in_order(rows))]

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
        clamps: ClampValues = None,
    ) -> Iterator[str]:
        """Write as `sample` does, but give each character as soon as it is there; without a length, on and on.

        >>> written = charrnn.load("checkpoints/letters").stream("c")
        >>> next(written), next(written), next(written)
        ('d', 'e', 'f')
        """
        params = _choice(temperature, top_k, top_p, min_p)
        stop = _ending(length, stops)
        return self._characters(self._prefill(prompt, unknown, clamps), stop, params, seed)

    def next_characters(self, text: str = "", *, most: int = 5, unknown: Unknown = "error") -> dict[str, float]:
        """Give the likeliest characters after a text, the likeliest first, each with its probability.

        >>> list(charrnn.load("checkpoints/letters").next_characters("xyz", most=1))
        ['a']
        """
        encodable = self._encodable(text, unknown)
        return dict(
            next_char_probabilities(
                self.reader, self.model.vocabulary, encodable, most=whole_number(most, "most", low=1)
            )
        )

    def _prefill(self, prompt: str, unknown: Unknown, clamps: ClampValues) -> Prefilled:
        """Read a prompt with cells held."""
        made_clamps = make_clamps(self.reader, parse_clamps({} if clamps is None else clamps))
        encodable = self._encodable(prompt, unknown)
        return prefill_prompt(self.reader, self.model.vocabulary, encodable, unknown="replace", clamps=made_clamps)

    def _stop_criteria(self, length: int | None, stops: Iterable[str]) -> StopCriteria:
        usual = default_max_chars(documents=self.model.end is not None)
        return _ending(usual if length is None else length, stops)

    def _characters(
        self, prefilled: Prefilled, stop: StopCriteria, params: SamplingParams, seed: Seed
    ) -> Iterator[str]:
        rnn, vocabulary, rng = self.reader, self.model.vocabulary, np.random.default_rng(_seed(seed))
        characters = generate(rnn, vocabulary, rng=rng, prefilled=prefilled, params=params, stop=stop)
        return (generated.char for generated in characters if generated.char)

    def _encodable(self, text: str, unknown: Unknown) -> str:
        """Leave out what the model can only skip, or raise WrongUsageError for it."""
        choice(unknown, "unknown", get_args(Unknown))
        readable = self.model.vocabulary.drop_unencodable(arguments.text(text, "the text"))
        if unknown == "error" and readable != text:
            missing = format_characters(self.model.vocabulary.count_unknown(text))
            raise WrongUsageError(f"the model never saw {missing}", hint='`unknown="skip"` leaves them out')
        return readable


def _choice(temperature: float, top_k: int, top_p: float, min_p: float) -> SamplingParams:
    """Return how characters are chosen, with plain numbers (WrongUsageError)."""
    return SamplingParams(
        temperature=number(temperature, "temperature"),
        top_k=whole_number(top_k, "top_k", high=CODE_POINTS),
        top_p=number(top_p, "top_p", high=1, above=True),
        min_p=number(min_p, "min_p", high=1),
    )


def _ending(length: int | None, stops: Iterable[str]) -> StopCriteria:
    """Return what ends a text (WrongUsageError)."""
    most = None if length is None else whole_number(length, "length", low=1)
    return StopCriteria(max_chars=most, stop=texts(stops, "stops"))


def _seed(seed: Seed) -> Seed:
    """Return a seed as a plain whole number; a generator and None stay as they are (WrongUsageError)."""
    if seed is None or isinstance(seed, np.random.Generator):
        return seed
    return whole_number(seed, "seed", high=LARGEST_SEED)


def _rngs(seed: Seed, count: int) -> Iterator[np.random.Generator]:
    """Return a random generator for each of several texts, created when its text begins (WrongUsageError)."""
    seed, count = _seed(seed), whole_number(count, "count", high=MAX_SAMPLES)
    if isinstance(seed, int):
        first = seed
        return (np.random.default_rng(first + number) for number in range(count))
    parent = np.random.default_rng(seed)
    return (parent.spawn(1)[0] for _ in range(count))
