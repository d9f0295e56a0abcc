"""The options of `charrnn sample` as one record, checked against each other."""

import sys
from dataclasses import dataclass

import numpy as np

from charrnn.cli.cell_types import CellOrConcept, clamp_name
from charrnn.cli.options import newline_hint
from charrnn.cli.streams import read_text
from charrnn.errors import WrongUsageError
from charrnn.generation.generate import StopCriteria, default_max_chars
from charrnn.generation.sampling import SamplingParams
from charrnn.network.cell_id import CellId, check_clamped_once
from charrnn.network.model_file import Model
from charrnn.text.decoding import check_encoding
from charrnn.text.vocabulary import format_characters
from charrnn.views.sanitize import is_terminal

SURPRISAL = "surprisal"
"""value of --show for the surprisal of each character"""
MAX_DRAWN_SEED = 1_000_000
"""number of different seeds that are drawn without --seed: few, so that a seed is short to type"""


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """The options as given on the command line; None for a default of `sampling.SamplingParams`."""

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
    clamps: tuple[tuple[CellOrConcept, float], ...]
    steer: CellOrConcept | None
    show: CellOrConcept | None
    """the word surprisal, a cell or a concept; None for plain text"""
    interactive: bool
    novelty: bool
    new: bool
    device: str
    as_json: bool
    raw: bool
    quiet: bool

    def __post_init__(self) -> None:
        if self.prompt and self.prompt_file:
            raise WrongUsageError("--prompt and --prompt-file cannot go together")
        for option, is_given in (
            ("--json", self.as_json),
            ("--novelty", self.novelty),
            ("--new", self.new),
            (self.comparison_option, self.comparison_option),
        ):
            if is_given and self.length == 0 and not self.stops:
                raise WrongUsageError(f"{option} needs complete samples, and --length 0 never ends", hint="`-n 500`")
        self._check_comparison()
        self._check_combination("--show", bool(self.show))
        self._check_combination("--interactive", self.interactive)
        check_clamped_once(map(clamp_name, self._steered_or_clamped))

    @property
    def comparison_option(self) -> str:
        """Return the option that requests samples side by side; "" if there is none."""
        return "--compare" if self.compare else "--steer" if self.steer else ""

    @property
    def clamp_values(self) -> dict[CellOrConcept, float]:
        """Return the value of each clamped cell, and the level of each clamped concept by its name."""
        return {clamp_name(clamped): value for clamped, value in self.clamps}

    @property
    def concepts(self) -> tuple[str, ...]:
        """Return the definitions of the concepts that need a carrier: clamped, steered, or shown on a terminal."""
        shown = [self.show] if self.show and self.show != SURPRISAL and is_terminal(sys.stdout) else []
        named = [*self._steered_or_clamped, *shown]
        return tuple(dict.fromkeys(each for each in named if not isinstance(each, CellId)))

    @property
    def _steered_or_clamped(self) -> list[CellOrConcept]:
        return [*(clamped for clamped, _ in self.clamps), *([self.steer] if self.steer else [])]

    def _check_comparison(self) -> None:
        """Raise WrongUsageError if an option conflicts with samples side by side."""
        conflicting = {
            "--steer": self.compare and self.steer,
            "--temperature": self.compare and self.temperature is not None,
            "--argmax": self.compare and self.argmax,
            "--count": self.count > 1,
            "--novelty": self.novelty,
            "--new": self.new,
        }
        conflict = next((option for option, is_given in conflicting.items() if is_given), None)
        if self.comparison_option and conflict:
            raise WrongUsageError(f"{self.comparison_option} and {conflict} cannot go together")

    def _check_combination(self, option: str, is_given: bool) -> None:
        """Raise WrongUsageError if --show or --interactive conflicts with another option."""
        conflicting = {"--json": self.as_json, "--novelty": self.novelty, "--new": self.new, "--raw": self.raw}
        if option == "--interactive":
            conflicting |= {self.comparison_option: bool(self.comparison_option), "--count": self.count > 1}
            conflicting |= {"--prompt-file -": self.prompt_file == "-"}
        conflict = next((other for other, is_other_given in conflicting.items() if is_other_given), None)
        if is_given and conflict:
            raise WrongUsageError(f"{option} and {conflict} cannot go together")

    def prompt_text(self) -> str:
        """Return the prompt (CharrnnError)."""
        if self.prompt_file is None:
            return valid_text(self.prompt, "the prompt")
        return read_text(self.prompt_file, check_encoding(self.encoding), quiet=self.quiet)

    def sampling_params(self) -> SamplingParams:
        """Return the sampling parameters."""
        temperature = 0.0 if self.argmax else self.temperature
        limits = {"temperature": temperature, "top_k": self.top_k, "top_p": self.top_p, "min_p": self.min_p}
        return SamplingParams(**{name: value for name, value in limits.items() if value is not None})  # type: ignore[arg-type]

    def stop_criteria(self, model: Model) -> StopCriteria:
        """Return the stop criteria; raise WrongUsageError for a stop text that the model cannot generate."""
        stops = tuple(map(model.normalize, self.stops))
        for stop in stops:
            if unknown := model.vocabulary.count_unknown(valid_text(stop, "--stop")):
                message = f"--stop can never occur: the model never saw {format_characters(unknown)}"
                raise WrongUsageError(message, hint=newline_hint(stop) or None)
        length = default_max_chars(documents=model.end_id is not None) if self.length is None else self.length
        return StopCriteria(max_chars=length or None, stop=stops)

    def seeds(self) -> range:
        """Return the seed of each sample; the first seed is random without --seed."""
        entropy = np.random.SeedSequence().generate_state(1)[0]
        first = int(entropy) % MAX_DRAWN_SEED if self.seed is None else self.seed
        return range(first, first + self.count)


def valid_text(text: str, name: str) -> str:
    """Return a text from the command line; raise WrongUsageError if the shell passed bytes that are not UTF-8."""
    invalid = next((character for character in text if "\ud800" <= character <= "\udfff"), None)
    if invalid is not None:
        raise WrongUsageError(f"{name} is not valid text (byte 0x{ord(invalid) & 0xFF:02X})")
    return text
