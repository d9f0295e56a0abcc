"""What `charrnn sample` does once its options are known: a model reads its prompt and writes."""

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from charrnn.cli.streams import DIM, Page, read_text, tell
from charrnn.errors import WrongUsageError
from charrnn.network.model_file import Model, load
from charrnn.network.reader import Reader
from charrnn.runs import model_name
from charrnn.sampling import Choice, Opening, Written, generate, opening
from charrnn.text.documents import SEPARATORS
from charrnn.text.encoding import known_encoding
from charrnn.text.vocabulary import named
from charrnn.views.terminal import is_terminal

BETWEEN_SAMPLES = "\n\n"
USUAL_LENGTH, LONGEST_DOCUMENT = 500, 100_000
"""characters; a document ends by itself, but one by a model that has hardly learned may not"""
LONG_PROMPT = 50_000
"""characters; reading as many takes seconds"""
SEEDS = 1_000_000
"""how many are drawn from where none was given: short enough to be typed again"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options as they were given; None where the default is `sampling.Choice`'s."""

    length: int | None
    prompt: str
    prompt_file: str | None
    encoding: str
    no_prompt: bool
    unknown: str
    temperature: float | None
    argmax: bool
    top_k: int | None
    top_p: float | None
    min_p: float | None
    count: int
    seed: int | None
    as_json: bool
    raw: bool
    quiet: bool

    def __post_init__(self) -> None:
        if self.prompt and self.prompt_file:
            raise WrongUsageError("--prompt and --prompt-file cannot both say what to begin with")
        if self.as_json and self.length == 0:
            raise WrongUsageError("--json gives whole samples, and --length 0 never ends", hint="`--length 500`")

    def text(self) -> str:
        """Give the prompt."""
        if self.prompt_file is None:
            return valid_text(self.prompt)
        return read_text(self.prompt_file, known_encoding(self.encoding))

    def length_of(self, model: Model) -> int:
        """Give how many characters each sample may have; 0: any number."""
        usual = USUAL_LENGTH if model.end is None else LONGEST_DOCUMENT
        return usual if self.length is None else self.length

    def choice(self) -> Choice:
        """Give how each character is to be chosen."""
        temperature = 0.0 if self.argmax else self.temperature
        limits = {"temperature": temperature, "top_k": self.top_k, "top_p": self.top_p, "min_p": self.min_p}
        return Choice(**{name: value for name, value in limits.items() if value is not None})  # type: ignore[arg-type]

    def seeds(self) -> range:
        """Give each sample's seed, the first one drawn if none was given."""
        entropy = np.random.SeedSequence().generate_state(1)[0]
        first = int(entropy) % SEEDS if self.seed is None else self.seed
        return range(first, first + self.count)


@dataclass(frozen=True, kw_only=True)
class Writer:
    """A model that has read its prompt and can be set to write again and again."""

    path: Path
    model: Model
    prompt: str
    choice: Choice
    reader: Reader
    opening: Opening

    def write(self, seed: int, length: int) -> Iterator[Written]:
        """Write with that seed; 0 characters: for ever."""
        return generate(
            self.reader,
            self.model.vocabulary,
            rng=np.random.default_rng(seed),
            begin=self.opening,
            choice=self.choice,
            length=length or None,
        )


def write(path: Path, asked: Asked) -> None:
    """Write samples to standard output; raise CharrnnError for what the user can put right."""
    writer = _writer(path, asked)
    if asked.as_json:
        _write_json(writer, asked)
    else:
        _write_text(writer, asked)


def _writer(path: Path, asked: Asked) -> Writer:
    """Load the model and have it read the prompt."""
    prompt, choice = asked.text(), asked.choice()
    model = load(path)
    if len(prompt) >= LONG_PROMPT and is_terminal(sys.stderr) and not asked.quiet:
        tell(f"reading a prompt of {len(prompt):,} characters", style=DIM)
    unknown = model.vocabulary.unknown_in(prompt)
    if unknown and asked.unknown == "skip" and not asked.quiet:
        tell(f"note: left out of the prompt what the model never saw: {named(unknown)}")
    reader = Reader.of(model)
    begun = opening(reader, model.vocabulary, prompt, unknown=asked.unknown)
    return Writer(path=path, model=model, prompt=prompt, choice=choice, reader=reader, opening=begun)


def _write_text(writer: Writer, asked: Asked) -> None:
    """Write the samples one after the other, each character as soon as it is there."""
    page, documents = Page(raw=asked.raw), writer.model.config.documents
    talking = is_terminal(sys.stderr) and not asked.quiet
    between = SEPARATORS[documents] if documents else "\n" if page.terminal else BETWEEN_SAMPLES
    try:
        for number, seed in enumerate(asked.seeds()):
            page.write(between if number else "")
            if talking and not (number and documents):
                tell(_heading(writer, seed), style=DIM)
            page.write("" if asked.no_prompt else writer.prompt, style=DIM)
            for written in writer.write(seed, asked.length_of(writer.model)):
                page.write(written.character)
    finally:
        if page.terminal or documents in ("line", "blank"):
            page.write("\n")
        if page.altered and not asked.quiet:
            tell("note: control characters are shown as pictures; --raw writes them as they are")


def _write_json(writer: Writer, asked: Asked) -> None:
    """Write the samples as a line of JSON each."""
    for seed in asked.seeds():
        written = list(writer.write(seed, asked.length_of(writer.model)))
        nats = sum(character.nats for character in written)
        values = {
            "prompt": writer.prompt,
            "text": "".join(character.character for character in written),
            "temperature": writer.choice.temperature,
            "seed": seed,
            "step": writer.model.training.get("step"),
            "bits_per_char": nats / max(1, len(written)) / math.log(2),
        }
        click.echo(json.dumps(values))


def _heading(writer: Writer, seed: int) -> str:
    """Say what writes, and how to have the same written again."""
    step = writer.model.training.get("step")
    parts = [model_name(writer.path), f"step {step:,}" if isinstance(step, int) else "", _manner(writer.choice)]
    return " · ".join([*filter(None, parts), f"repeat with --seed {seed}"])


def _manner(choice: Choice) -> str:
    return f"temperature {choice.temperature:g}" if choice.temperature else "always the likeliest"


def valid_text(prompt: str) -> str:
    """Give a command line's text back; raise WrongUsageError if the shell passed bytes that are none."""
    foreign = next((character for character in prompt if "\ud800" <= character <= "\udfff"), None)
    if foreign is not None:
        raise WrongUsageError(f"the prompt is not valid text (byte 0x{ord(foreign) & 0xFF:02X})")
    return prompt
