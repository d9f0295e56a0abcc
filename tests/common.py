"""Small models, texts and corpora for many tests, and the result of a command."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import charrnn
from charrnn.config import NetworkConfig
from charrnn.generation.generate import StopCriteria, generate
from charrnn.generation.sampling import SamplingParams
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, weight_shapes
from charrnn.text import corpus_encoder
from charrnn.text.corpus import Corpus
from charrnn.text.sources import open_sources
from charrnn.text.vocabulary import Vocabulary

PACKAGE_HOME = Path(charrnn.__file__).parents[1]


class CommandResult(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


Call = Callable[..., CommandResult]

FINISHED: Any = {"steps": 30, "hidden": 16, "batch": 4, "length": 16, "threads": 1}
"""settings of the finished run that tests share; of type Any because they are passed as keywords of several types"""


def bottles(lines: int) -> str:
    """Return a text of the given number of lines that a small network can learn."""
    return "".join(f"{n} green bottles, {n * n % 97} walls (and a line).\n" for n in range(lines))


def encode_corpus(names: Sequence[str], path: Path, *, documents: str | None = None) -> Corpus:
    """Return the corpus of text files in UTF-8, encoded to a file; without names, of the default corpus."""
    sources = open_sources(names)
    counts = corpus_encoder.count_characters(sources, "utf-8", documents=documents)
    return corpus_encoder.encode(sources, "utf-8", counts, path)


SMALL = NetworkConfig(cell="lstm", layers=2, hidden=12, embedding=4)


def random_model(vocabulary: str = "\n abcdefgh\x1b", scale: float = 0.5, config: NetworkConfig = SMALL) -> Model:
    """Return a model of two small layers with random weights, large enough for unequal probabilities."""
    shapes, rng = weight_shapes(config, len(vocabulary)), np.random.default_rng(0)
    weights = {name: rng.normal(scale=scale, size=shape).astype(np.float32) for name, shape in shapes.items()}
    training = {"corpus": "hamlet.txt", "step": 3750, "val_nats": 1.5}
    return Model(config=config, vocabulary=Vocabulary(tuple(vocabulary)), weights=weights, training=training)


LETTERS = '\n "abcdefghijklmnopqrstuvwxyz'
FOLLOWS = {letter: LETTERS[3 + (number + 1) % 26] for number, letter in enumerate(LETTERS[3:])}


def letters_model() -> Model:
    """Return a model with handmade weights that predicts the next letter of the alphabet, and a after z.

    Cell 1.29 is on inside quotation marks; each other cell is on after one character. The sigmoid of a gate at 20 is
    1 in single precision.
    """
    size = len(LETTERS)
    config = NetworkConfig(cell="lstm", layers=1, hidden=size + 1, embedding=0)
    weights = {name: np.zeros(shape, np.float32) for name, shape in weight_shapes(config, size).items()}
    bias = weights["rnn.bias_ih_l0"].reshape(4, size + 1)
    by_character = weights["rnn.weight_ih_l0"].reshape(4, size + 1, size)
    bias[:, :size] = np.array([[20], [-20], [-20], [20]])
    by_character[2, :size] = 40 * np.eye(size)
    quote = LETTERS.index('"')
    bias[:, size] = (-20, 20, 2, 20)
    by_character[:2, size, quote] = (40, -40)
    weights["rnn.weight_hh_l0"].reshape(4, size + 1, size + 1)[2, size, size] = -8
    for letter, next_letter in FOLLOWS.items():
        weights["output.weight"][LETTERS.index(next_letter), LETTERS.index(letter)] = 8
    weights["output.bias"][: -len(FOLLOWS)] = -20
    return Model(config=config, vocabulary=Vocabulary(tuple(LETTERS)), weights=weights)


def random_weights(config: NetworkConfig, characters: int, scale: float = 1.0) -> dict[str, NDArray[np.float64]]:
    """Return large random weights of a network in float64."""
    rng = np.random.default_rng(0)
    shapes = weight_shapes(config, characters)
    return {name: rng.normal(scale=scale, size=shape) for name, shape in shapes.items()}


def generated_text(model: Model, *, seed: int, temperature: float = 0.8) -> str:
    """Return 200 characters that a model generates."""
    generated = generate(
        InferenceRNN.from_model(model),
        model.vocabulary,
        rng=np.random.default_rng(seed),
        params=SamplingParams(temperature=temperature),
        stop=StopCriteria(max_chars=200),
    )
    return "".join(entry.char for entry in generated)
