"""Text generation in the Python API: one text, a batch of texts, or a stream of characters."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple, TypedDict, Unpack, get_args

import numpy as np

from charrnn import arguments
from charrnn.api.carriers import CarrierFinder, ClampValues
from charrnn.arguments import CODE_POINTS, LARGEST_SEED, check_names, choice, flag, number, texts, whole_number
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.generation.batched import GeneratedText, chunks_in_order, collect_texts, generate_batch
from charrnn.generation.generate import Prefilled, StopCriteria, default_max_chars, generate, prefill_prompt
from charrnn.generation.novelty import NewDocuments, TrainingTextIndex, index_training_text
from charrnn.generation.sampling import DEFAULT_SAMPLING, SamplingParams
from charrnn.inspection.search.concept_carrier import ConceptCarrier
from charrnn.network.cell_id import check_clamped_once
from charrnn.network.interventions import checked_clamps
from charrnn.scoring import next_char_probabilities
from charrnn.text.documents import mark_ends, unfinished_document
from charrnn.text.vocabulary import format_characters

MAX_SAMPLES = 10**6
"""texts in a list, which stays in memory; the command line writes each as it ends and permits more"""

Unknown = Literal["error", "skip"]
"""what happens to characters that are not in the vocabulary: WrongUsageError, or they are left out"""

Seed = int | np.random.Generator | None
"""seed or generator of the random numbers; None: an unpredictable seed"""


class SamplingSettings(TypedDict, total=False):
    """The keyword arguments of `sample`, `samples` and `stream`. All are optional.

    The defaults of `temperature`, `top_k`, `top_p` and `min_p` are those of `sampling.SamplingParams`.
    """

    length: int | None
    """maximum number of characters, not counting the prompt; by default 500, for a model of documents 100,000, and
    without limit in `stream`"""
    temperature: float
    """divisor of the logits; 0: always the likeliest character"""
    top_k: int
    """number of likeliest characters to sample from; 0: all"""
    top_p: float
    """probability of the smallest set of likeliest characters to sample from; 1: all"""
    min_p: float
    """minimum probability relative to that of the likeliest character; 0: all"""
    stops: Iterable[str]
    """strings that end the text as soon as one of them is generated; they are part of the text"""
    seed: Seed
    """seed of the random numbers, or a generator; by default unpredictable"""
    unknown: Unknown
    """what happens to characters of the prompt that are not in the vocabulary: "error" (the default) or "skip\""""
    clamps: ClampValues
    """values at which cells and concepts are clamped while the prompt is read and text is generated, such as
    {"1.7": 1.0, "string": -1}; a concept is -1 outside, 1 inside"""
    new: bool
    """whether only new documents are returned: the text of the run does not contain them, and none is repeated"""


@dataclass(frozen=True, kw_only=True)
class _SamplingOptions:
    """Validated sampling settings."""

    params: SamplingParams
    stop: StopCriteria
    seed: Seed
    unknown: Unknown
    clamps: ClampValues
    new: bool

    @classmethod
    def of(cls, settings: SamplingSettings, *, max_chars: int | None) -> "_SamplingOptions":
        """Return the validated settings; `max_chars` is the default of `length` (WrongUsageError)."""
        check_names(settings, SamplingSettings.__annotations__)
        length, clamps = settings.get("length"), settings.get("clamps")
        return cls(
            params=_sampling_params(settings),
            stop=StopCriteria(
                max_chars=max_chars if length is None else whole_number(length, "length", low=1),
                stop=texts(settings.get("stops", ()), "stops"),
            ),
            seed=_checked_seed(settings.get("seed")),
            unknown=settings.get("unknown", "error"),
            clamps=clamps,
            new=flag(settings.get("new", False), "new"),
        )


class SteeredTexts(NamedTuple):
    """Texts from the same random numbers, with a cell or concept clamped at -1, free, and clamped at 1."""

    low: str
    free: str
    high: str


class NewTexts(list[str]):
    """New documents; fewer than requested if the model hardly generates any."""

    def __init__(self, texts: Iterable[str], *, copies: int, repeated: int) -> None:
        super().__init__(texts)
        self.copies = copies
        """documents that were discarded because the text of the run contains them"""
        self.repeated = repeated
        """documents that were discarded because they are empty or were generated before"""

    @property
    def discarded(self) -> int:
        """Number of documents that were generated and discarded."""
        return self.copies + self.repeated


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TextGenerator(CarrierFinder):
    """A trained model that generates text.

    `sample`, `samples` and `stream` have the keyword arguments of `SamplingSettings`, and raise WrongUsageError for
    invalid ones.
    """

    @cached_property
    def _training_index(self) -> TrainingTextIndex:
        return index_training_text(self.path, self.model, hint="the run's directory holds it")

    def sample(self, prompt: str = "", **settings: Unpack[SamplingSettings]) -> str:
        """Return the generated text that follows a prompt, without the prompt.

        >>> model = charrnn.load("checkpoints/letters")
        >>> model.sample("wx", length=4, seed=1)
        'yzab'
        >>> model.sample("wx", length=4, temperature=0, clamps={"1.7": 1.0})  # the cell that is on after an e
        'ffff'
        """
        if flag(settings.get("new", False), "new"):
            texts = self.samples(prompt, count=1, **settings)
            if not texts:
                raise CharrnnError("the model generates no new document", hint="a higher temperature")
            return texts[0]
        return "".join(self._characters(prompt, settings, max_chars=self._default_length()))

    def steer(
        self, clamped: str | ConceptCarrier, prompt: str = "", **settings: Unpack[SamplingSettings]
    ) -> SteeredTexts:
        """Return texts with a cell or concept clamped at -1, free, and clamped at 1, from the same random numbers.

        A concept is named or given by its carrier (see `carrier`). At -1 it is outside, at 1 inside.

        >>> model = charrnn.load("checkpoints/letters")
        >>> model.steer("1.7", "wx", length=4, temperature=0)
        SteeredTexts(low='yzab', free='yzab', high='ffff')
        """
        self._carrier_of(clamped)
        seed = np.random.default_rng(_checked_seed(settings.get("seed"))).integers(LARGEST_SEED)
        clamps = settings.get("clamps")
        values = {} if clamps is None else checked_clamps(clamps)
        check_clamped_once([*values, clamped])
        settings["seed"] = int(seed)
        texts = []
        for added in ({clamped: -1.0}, {}, {clamped: 1.0}):
            settings["clamps"] = values | added
            texts.append(self.sample(prompt, **settings))
        return SteeredTexts(*texts)

    def samples(self, prompt: str = "", *, count: int, **settings: Unpack[SamplingSettings]) -> list[str]:
        """Return several texts that follow a prompt, each without it, generated in batches, which is much faster.

        The first text is that of `sample` with the same seed, the second that of the next seed, and so on. The list
        of `new` documents is of type `NewTexts`, which counts the discarded ones.

        >>> charrnn.load("checkpoints/letters").samples("wx", count=2, length=4, seed=1)
        ['yzab', 'yzab']
        """
        options = self._options(settings, self._default_length())
        count = whole_number(count, "count", high=MAX_SAMPLES)
        if options.new:
            return self._new_texts(prompt, options, count)
        return [generated.characters for generated in self._generated(prompt, options, count)]

    def _new_texts(self, prompt: str, options: _SamplingOptions, count: int) -> NewTexts:
        """Return new documents (WrongUsageError if the model has no documents)."""
        documents = self.model.config.documents
        if documents is None:
            hint = '`charrnn.train(..., documents="line")` learns each line as a document'
            raise WrongUsageError("the model has learned a text without documents, so none is new", hint=hint)
        document_start = unfinished_document(self._encodable(prompt, options.unknown), documents)
        new = NewDocuments.of(self._training_index, count, document_start, options.params)
        generated = self._generated(prompt, options, count * new.max_discarded)
        return NewTexts(
            [text.characters for _, text in new.select(generated)], copies=new.copies, repeated=new.repeated
        )

    def _generated(self, prompt: str, options: _SamplingOptions, count: int) -> Iterator[GeneratedText]:
        """Return an iterator over several texts, which are generated in batches."""
        steps = generate_batch(
            self.reader,
            self.model.vocabulary,
            rngs=_rngs(options.seed, count),
            prefilled=self._prefill(prompt, options),
            stop=options.stop,
            params=options.params,
            with_nll=False,
        )
        return collect_texts(chunks_in_order(steps))

    def stream(self, prompt: str = "", **settings: Unpack[SamplingSettings]) -> Iterator[str]:
        """Yield the characters of `sample`, without the prompt, as soon as they are generated.

        Without a length or a stop string, they have no end.

        >>> characters = charrnn.load("checkpoints/letters").stream("c")
        >>> next(characters), next(characters), next(characters)
        ('d', 'e', 'f')
        """
        return self._characters(prompt, settings, max_chars=None)

    def next_characters(self, text: str = "", *, most: int = 5, unknown: Unknown = "error") -> dict[str, float]:
        """Return the likeliest next characters after a text and their probabilities, in descending order.

        >>> list(charrnn.load("checkpoints/letters").next_characters("xyz", most=1))
        ['a']
        """
        encodable, most = self._encodable(text, unknown), whole_number(most, "most", low=1)
        return dict(next_char_probabilities(self.reader, self.model.vocabulary, encodable, most=most))

    def _options(self, settings: SamplingSettings, max_chars: int | None) -> _SamplingOptions:
        """Return the validated settings, with the stop texts in the normalization form of the model."""
        options = _SamplingOptions.of(settings, max_chars=max_chars)
        stops = tuple(map(self.model.normalize, options.stop.stop))
        return replace(options, stop=replace(options.stop, stop=stops))

    def _default_length(self) -> int:
        return default_max_chars(documents=self.model.end_id is not None)

    def _characters(self, prompt: str, settings: SamplingSettings, *, max_chars: int | None) -> Iterator[str]:
        """Return an iterator over the generated characters; invalid settings raise WrongUsageError at once."""
        options = self._options(settings, max_chars)
        if options.new:
            raise WrongUsageError(
                "whether a document is new is known at its end only", hint="`samples`, not `stream`"
            )
        generated = generate(
            self.reader,
            self.model.vocabulary,
            rng=np.random.default_rng(options.seed),
            prefilled=self._prefill(prompt, options),
            params=options.params,
            stop=options.stop,
        )
        return (character.char for character in generated if character.char)

    def _prefill(self, prompt: str, options: _SamplingOptions) -> Prefilled:
        """Return the logits and the state after a prompt, read with clamped cells."""
        clamps = self._clamps(options.clamps)
        encodable = self._encodable(prompt, options.unknown)
        return prefill_prompt(self.reader, self.model.vocabulary, encodable, unknown="replace", clamps=clamps)

    def _encodable(self, text: str, unknown: Unknown) -> str:
        """Return a text with marked separators of documents, and without characters that the model cannot read.

        Raise WrongUsageError for such characters unless they are skipped.
        """
        choice(unknown, "unknown", get_args(Unknown))
        marked = mark_ends(self.model.normalize(arguments.text(text, "the text")), self.model.config.documents)
        encodable = self.model.vocabulary.drop_unencodable(marked)
        if unknown == "error" and encodable != marked:
            missing = format_characters(self.model.vocabulary.count_unknown(marked))
            raise WrongUsageError(f"the model never saw {missing}", hint='`unknown="skip"` leaves them out')
        return encodable


def _sampling_params(settings: SamplingSettings) -> SamplingParams:
    """Return the parameters of the distribution as plain numbers within their bounds (WrongUsageError)."""
    default = DEFAULT_SAMPLING
    return SamplingParams(
        temperature=number(settings.get("temperature", default.temperature), "temperature"),
        top_k=whole_number(settings.get("top_k", default.top_k), "top_k", high=CODE_POINTS),
        top_p=number(settings.get("top_p", default.top_p), "top_p", high=1, low_excluded=True),
        min_p=number(settings.get("min_p", default.min_p), "min_p", high=1),
    )


def _checked_seed(seed: Seed) -> Seed:
    """Return a seed as a plain integer; a generator and None are returned unchanged (WrongUsageError)."""
    if seed is None or isinstance(seed, np.random.Generator):
        return seed
    return whole_number(seed, "seed", high=LARGEST_SEED)


def _rngs(seed: Seed, count: int) -> Iterator[np.random.Generator]:
    """Return a random generator for each of several texts, created when its text begins."""
    if isinstance(seed, int):
        return (np.random.default_rng(seed + number) for number in range(count))
    parent = np.random.default_rng(seed)
    return (parent.spawn(1)[0] for _ in range(count))
