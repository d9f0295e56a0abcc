"""charrnn sample: write text."""

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli import cores
from charrnn.cli.options import COMMON, OUTPUT, Command, Number, json_option, model_argument, option, quiet_option
from charrnn.cli.streams import DIM, Page, read_text, tell
from charrnn.errors import WrongUsageError
from charrnn.runs import model_name
from charrnn.views.terminal import is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from charrnn.network.model_file import Model
    from charrnn.network.reader import Reader
    from charrnn.sampling import Choice, Opening, Written

CHOOSING, SEVERAL = "Choosing the next character", "Several samples"
BETWEEN_SAMPLES = "\n\n"
SEEDS = 1_000_000
"""how many are drawn from where none was given: short enough to be typed again"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options as they were given; None where the default is `sampling.Choice`'s."""

    length: int
    prompt: str
    prompt_file: str | None
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
        if self.as_json and not self.length:
            raise WrongUsageError("--json gives whole samples, and --length 0 never ends", hint="`--length 500`")

    def text(self) -> str:
        """Give the prompt."""
        return valid_text(self.prompt) if self.prompt_file is None else read_text(self.prompt_file)

    def choice(self) -> "Choice":
        """Give how each character is to be chosen."""
        from charrnn.sampling import Choice

        temperature = 0.0 if self.argmax else self.temperature
        limits = {"temperature": temperature, "top_k": self.top_k, "top_p": self.top_p, "min_p": self.min_p}
        return Choice(**{name: value for name, value in limits.items() if value is not None})  # type: ignore[arg-type]

    def seeds(self) -> range:
        """Give each sample's seed, the first one drawn if none was given."""
        import numpy as np

        entropy = np.random.SeedSequence().generate_state(1)[0]
        first = int(entropy) % SEEDS if self.seed is None else self.seed
        return range(first, first + self.count)


@dataclass(frozen=True, kw_only=True)
class Writer:
    """A model that has read its prompt and can be set to write again and again."""

    path: Path
    model: "Model"
    prompt: str
    choice: "Choice"
    reader: "Reader"
    opening: "Opening"

    def write(self, seed: int, length: int) -> "Iterator[Written]":
        """Write with that seed; 0 characters: for ever."""
        import numpy as np

        from charrnn.sampling import generate

        return generate(
            self.reader,
            self.model.vocabulary,
            rng=np.random.default_rng(seed),
            begin=self.opening,
            choice=self.choice,
            length=length or None,
        )


@click.command(
    cls=Command,
    examples=(
        ('charrnn sample -p "HAMLET:" -t 0.7', "go on from a beginning"),
        ("charrnn sample checkpoints/hamlet -n 0", "that run's model, until Ctrl-C"),
        ("charrnn sample --count 5 --json", "five samples for a script"),
    ),
)
@model_argument
@option(
    "-n",
    "--length",
    type=Number(0, whole=True),
    default=500,
    section=COMMON,
    show_default=True,
    help="Characters; 0: until stopped.",
)
@option("-p", "--prompt", default="", section=COMMON, metavar="TEXT", help="What to begin with.")
@option(
    "-t",
    "--temperature",
    type=Number(0, meaning="0: always the likeliest"),
    section=COMMON,
    help="Below 1 safer, above 1 wilder; 0: the likeliest.  [default: 0.8]",
)
@option("--prompt-file", metavar="FILE", section=COMMON, help="... or a file that holds it; - is standard input.")
@option("--no-prompt", is_flag=True, section=COMMON, help="Do not print what it began with.")
@option(
    "--unknown",
    type=click.Choice(["error", "skip"]),
    default="error",
    section=COMMON,
    help="Prompt characters that the model never saw.",
)
@option("--argmax", is_flag=True, section=CHOOSING, help="Always the likeliest; the same as -t 0.")
@option("--top-k", type=Number(0, whole=True, meaning="0: no limit"), section=CHOOSING, help="Only the N likeliest.")
@option(
    "--top-p", type=Number(0, 1, above=True), section=CHOOSING, help="Only the fewest that reach this probability."
)
@option("--min-p", type=Number(0, 1), section=CHOOSING, help="Only those this likely, measured by the likeliest.")
@option(
    "--count",
    type=Number(1, whole=True),
    default=1,
    section=SEVERAL,
    help="How many samples, each with the seed after.",
)
@option("--seed", type=Number(0, whole=True), section=SEVERAL, help="The same seed writes the same text.")
@option("--raw", is_flag=True, section=OUTPUT, help="Control characters as they are, even on a terminal.")
@json_option
@quiet_option
def sample(model: Path, **asked: Any) -> None:
    """Write text with MODEL: a run's directory or a model file; left out, the newest run here."""
    wish = Asked(**asked)
    cores.use_few(model)
    writer = _writer(model, wish)
    if wish.as_json:
        _write_json(writer, wish)
    else:
        _write_text(writer, wish)


def _writer(path: Path, asked: Asked) -> Writer:
    """Load the model and have it read the prompt."""
    from charrnn.network.model_file import load
    from charrnn.network.reader import Reader
    from charrnn.sampling import opening

    prompt, choice = asked.text(), asked.choice()
    model = load(path)
    reader = Reader.of(model)
    begun = opening(reader, model.vocabulary, prompt, unknown=asked.unknown)
    return Writer(path=path, model=model, prompt=prompt, choice=choice, reader=reader, opening=begun)


def _write_text(writer: Writer, asked: Asked) -> None:
    """Write the samples one after the other, each character as soon as it is there."""
    page = Page(raw=asked.raw)
    talking = is_terminal(sys.stderr) and not asked.quiet
    try:
        for number, seed in enumerate(asked.seeds()):
            if talking:
                tell(_heading(writer, seed), style=DIM)
            page.write("" if number == 0 else BETWEEN_SAMPLES)
            page.write("" if asked.no_prompt else writer.prompt, style=DIM)
            for written in writer.write(seed, asked.length):
                page.write(written.character)
    finally:
        if page.terminal:
            page.write("\n")
        if page.altered and not asked.quiet:
            tell("note: control characters are shown as pictures; --raw writes them as they are")


def _write_json(writer: Writer, asked: Asked) -> None:
    """Write the samples as a line of JSON each."""
    for seed in asked.seeds():
        written = list(writer.write(seed, asked.length))
        nats = sum(character.nats for character in written)
        values = {
            "prompt": writer.prompt,
            "text": "".join(character.character for character in written),
            "temperature": writer.choice.temperature,
            "seed": seed,
            "step": writer.model.training.get("step"),
            "bits_per_char": nats / len(written) / math.log(2),
        }
        click.echo(json.dumps(values))


def _heading(writer: Writer, seed: int) -> str:
    """Say what writes, and how to have the same written again."""
    step = writer.model.training.get("step")
    parts = [model_name(writer.path), f"step {step:,}" if isinstance(step, int) else "", _manner(writer.choice)]
    return " · ".join([*filter(None, parts), f"repeat with --seed {seed}"])


def _manner(choice: "Choice") -> str:
    return f"temperature {choice.temperature:g}" if choice.temperature else "always the likeliest"


def valid_text(prompt: str) -> str:
    """Give a command line's text back; raise WrongUsageError if the shell passed bytes that are none."""
    foreign = next((character for character in prompt if "\ud800" <= character <= "\udfff"), None)
    if foreign is not None:
        raise WrongUsageError(f"the prompt is not valid text (byte 0x{ord(foreign) & 0xFF:02X})")
    return prompt
