"""What `charrnn sample` was asked for: its options as one record, checked against each other.

What they mean to a model is left to `writing`.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from charrnn.cli.streams import read_text
from charrnn.ending import StopCriteria, default_max_chars
from charrnn.errors import WrongUsageError
from charrnn.network.cell_name import CellId
from charrnn.network.model_file import Model
from charrnn.sampling import SamplingParams
from charrnn.text.encoding import check_encoding
from charrnn.text.vocabulary import format_characters

MAX_DRAWN_SEED = 1_000_000
"""how many are drawn from where none was given: short enough to be typed again"""


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """The options as they were given; None where the default is `sampling.SamplingParams`'s."""

    length: int | None
    stops: tuple[str, ...]
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
    compare: bool
    clamps: tuple[tuple[CellId, float], ...]
    steer: CellId | None
    novelty: bool
    device: str
    as_json: bool
    raw: bool
    quiet: bool

    def __post_init__(self) -> None:
        if self.prompt and self.prompt_file:
            raise WrongUsageError("--prompt and --prompt-file cannot both say what to begin with")
        for option, is_given in (
            ("--json", self.as_json),
            ("--novelty", self.novelty),
            (self.comparison_option, self.comparison_option),
        ):
            if is_given and self.length == 0 and not self.stops:
                raise WrongUsageError(f"{option} takes whole samples, and --length 0 never ends", hint="`-n 500`")
        self._check_comparison()
        times_held = Counter(cell for cell, _ in self.clamps)
        if self.steer:
            times_held[self.steer] += 1
        twice = next((cell for cell, times in times_held.items() if times > 1), None)
        if twice:
            raise WrongUsageError(f"{twice.layer}.{twice.unit} cannot be held at two values at once")

    @property
    def comparison_option(self) -> str:
        """Give the option that asked for texts side by side; "" if none did."""
        return "--compare" if self.compare else "--steer" if self.steer else ""

    @property
    def clamp_values(self) -> dict[tuple[int, int], float]:
        """Give the cells that are to be held, and at which signal."""
        return {(cell.layer, cell.unit): value for cell, value in self.clamps}

    def _check_comparison(self) -> None:
        """See that nothing is asked for that texts side by side cannot have."""
        conflicting = {
            "--steer": self.compare and self.steer,
            "--temperature": self.compare and self.temperature is not None,
            "--argmax": self.compare and self.argmax,
            "--count": self.count > 1,
            "--novelty": self.novelty,
        }
        clashing = next((option for option, given in conflicting.items() if given), None)
        if self.comparison_option and clashing:
            raise WrongUsageError(f"{self.comparison_option} and {clashing} cannot go together")

    def text(self) -> str:
        """Give the prompt."""
        if self.prompt_file is None:
            return valid_text(self.prompt, "the prompt")
        return read_text(self.prompt_file, check_encoding(self.encoding))

    def sampling_params(self) -> SamplingParams:
        """Give how each character is to be chosen."""
        temperature = 0.0 if self.argmax else self.temperature
        limits = {"temperature": temperature, "top_k": self.top_k, "top_p": self.top_p, "min_p": self.min_p}
        return SamplingParams(**{name: value for name, value in limits.items() if value is not None})  # type: ignore[arg-type]

    def stop_criteria(self, model: Model) -> StopCriteria:
        """Give what is to end each text; a stop text that the model cannot write is an error."""
        for stop in self.stops:
            unseen = model.vocabulary.count_unknown(valid_text(stop, "--stop"))
            if unseen:
                newline = "a newline is written $'\\n' in the shell" if "\\" in unseen else None
                raise WrongUsageError(
                    f"--stop can never come: the model never saw {format_characters(unseen)}", hint=newline
                )
        length = default_max_chars(documents=model.end is not None) if self.length is None else self.length
        return StopCriteria(max_chars=length or None, stop=self.stops)

    def seeds(self) -> range:
        """Give each sample's seed, the first one drawn if none was given."""
        entropy = np.random.SeedSequence().generate_state(1)[0]
        first = int(entropy) % MAX_DRAWN_SEED if self.seed is None else self.seed
        return range(first, first + self.count)


def valid_text(text: str, name: str) -> str:
    """Give a command line's text back; raise WrongUsageError if the shell passed bytes that are none."""
    foreign = next((character for character in text if "\ud800" <= character <= "\udfff"), None)
    if foreign is not None:
        raise WrongUsageError(f"{name} is not valid text (byte 0x{ord(foreign) & 0xFF:02X})")
    return text
