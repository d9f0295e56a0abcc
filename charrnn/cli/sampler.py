"""The sampler of `charrnn sample`: its options as one record, and a model with its prompt prefilled."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from charrnn import resources
from charrnn.cli.options import newline_hint, note_newlines
from charrnn.cli.streams import DIM, read_text, write_note
from charrnn.errors import WrongUsageError
from charrnn.generation.batched import BATCH_SLOTS, TextChunk, chunks_in_order, generate_batch
from charrnn.generation.generate import (
    PARALLEL_FROM_CHARS,
    Chunks,
    GeneratedChar,
    Prefilled,
    ProgressWrapper,
    StopCriteria,
    default_max_chars,
    generate,
    prefill_prompt,
)
from charrnn.generation.sampling import SamplingParams
from charrnn.network.cell_id import CellId
from charrnn.network.inference import InferenceRNN
from charrnn.network.interventions import CellValues, make_clamps
from charrnn.network.model_file import Model, load_model
from charrnn.text.decoding import check_encoding
from charrnn.text.documents import mark_ends, unfinished_document
from charrnn.text.vocabulary import format_characters
from charrnn.views.sanitize import can_animate, is_terminal

# Options, checked against each other

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
    clamps: tuple[tuple[CellId, float], ...]
    steer: CellId | None
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
        clamp_counts = Counter(cell for cell, _ in self.clamps)
        if self.steer:
            clamp_counts[self.steer] += 1
        repeated_cell = next((cell for cell, count in clamp_counts.items() if count > 1), None)
        if repeated_cell:
            raise WrongUsageError(
                f"{repeated_cell.layer}.{repeated_cell.unit} cannot be clamped at two values at once"
            )

    @property
    def comparison_option(self) -> str:
        """Return the option that requests samples side by side; "" if there is none."""
        return "--compare" if self.compare else "--steer" if self.steer else ""

    @property
    def clamp_values(self) -> dict[tuple[int, int], float]:
        """Return the value of each clamped cell, by layer and unit."""
        return {(cell.layer, cell.unit): value for cell, value in self.clamps}

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


# A model with a prefilled prompt

MAX_BUFFERED_CHARS = 64_000_000
"""number of characters of all samples in a batch; the samples after the first one are buffered in memory"""


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """A model with a prefilled prompt, which can generate any number of samples."""

    path: Path
    model: Model
    rnn: InferenceRNN
    prompt: str
    prefilled: Prefilled
    params: SamplingParams
    stop: StopCriteria
    clamp_values: CellValues = field(default_factory=dict)
    """values of cells that are clamped while the model reads and generates"""

    @property
    def unfinished_document(self) -> str:
        """Return the part of the prompt that begins a document, as the model has read it."""
        documents, vocabulary = self.model.config.documents, self.model.vocabulary
        return vocabulary.drop_unencodable(unfinished_document(self.prompt, documents)) if documents else ""

    def sample(self, seed: int) -> Iterator[GeneratedChar]:
        """Yield the characters of the sample with a seed."""
        return generate(
            self.rnn,
            self.model.vocabulary,
            rng=np.random.default_rng(seed),
            prefilled=self.prefilled,
            params=self.params,
            stop=self.stop,
        )

    def sample_many(self, seeds: Sequence[int], *, with_nll: bool) -> Iterator[TextChunk]:
        """Yield chunks of the samples in the order of their seeds, with their NLL if `with_nll`.

        Samples are generated as a batch unless they are too long to be buffered. Each sample has at least one chunk,
        even if the sample is empty.
        """
        length = self.stop.max_chars
        if len(seeds) == 1 or length is None or min(len(seeds), BATCH_SLOTS) * length > MAX_BUFFERED_CHARS:
            for number, seed in enumerate(seeds):
                yield TextChunk(number, "", 0, 0)
                for generated in self.sample(seed):
                    yield TextChunk(number, generated.char, generated.nll if with_nll else 0, 1)
            return
        rngs = (np.random.default_rng(seed) for seed in seeds)
        yield from chunks_in_order(
            generate_batch(
                self.rnn,
                self.model.vocabulary,
                rngs=rngs,
                prefilled=self.prefilled,
                params=self.params,
                stop=self.stop,
                with_nll=with_nll,
            )
        )

    def with_clamps(self, added: CellValues) -> "Sampler":
        """Return a sampler with more clamped cells, for which the prompt is prefilled again."""
        clamp_values = {**self.clamp_values, **added}
        prompt, clamps = mark_ends(self.prompt, self.model.config.documents), make_clamps(self.rnn, clamp_values)
        prefilled = prefill_prompt(self.rnn, self.model.vocabulary, prompt, unknown="skip", clamps=clamps)
        return replace(self, prefilled=prefilled, clamp_values=clamp_values)

    def to_dict(self) -> dict[str, Any]:
        """Return the model, the prompt and the settings as JSON values."""
        clamps = {f"{layer}.{unit}": value for (layer, unit), value in self.clamp_values.items()}
        return {
            "model": str(self.path),
            "prompt": self.prompt,
            "temperature": self.params.temperature,
            "step": self.model.training.get("step"),
        } | ({"clamps": clamps} if clamps else {})


def make_sampler(path: Path, options: SampleOptions) -> Sampler:
    """Load the model and prefill the prompt (CharrnnError)."""
    params, model = options.sampling_params(), load_model(path)
    prompt, stop = model.normalize(options.prompt_text()), options.stop_criteria(model)
    text = mark_ends(prompt, model.config.documents)
    unknown = model.vocabulary.count_unknown(text)
    if "\\" in unknown and options.unknown == "error" and (hint := newline_hint(options.prompt)):
        raise WrongUsageError(f"the model never saw {format_characters(unknown)}", hint=hint)
    if unknown and options.unknown == "skip" and not options.quiet:
        write_note(f"note: dropped characters of the prompt that the model never saw: {format_characters(unknown)}")
    note_newlines([("the prompt", options.prompt), *(("--stop", stop) for stop in options.stops)], options.quiet)
    rnn = _load_rnn(model, options.device)
    prefilled = prefill_prompt(
        rnn,
        model.vocabulary,
        text,
        unknown=options.unknown,
        clamps=make_clamps(rnn, options.clamp_values),
        progress=_prompt_progress(len(prompt), quiet=options.quiet),
    )
    return Sampler(
        path=path,
        model=model,
        rnn=rnn,
        prompt=prompt,
        prefilled=prefilled,
        params=params,
        stop=stop,
        clamp_values=options.clamp_values,
    )


def _load_rnn(model: Model, device: str) -> InferenceRNN:
    """Return the model for inference on a device; torch is imported for a GPU only."""
    if device == "cpu":
        return InferenceRNN.from_model(model)
    resources.require_memory_for_torch()
    import torch

    from charrnn.training.device import choose_device

    chosen = torch.device(choose_device(device))
    return InferenceRNN.from_model(model, arrays=lambda weight: torch.from_numpy(weight.copy()).to(chosen))


def _prompt_progress(characters: int, *, quiet: bool) -> ProgressWrapper:
    """Return a wrapper that shows the progress of prefilling a long prompt on a terminal."""
    message = f"reading a prompt of {characters:,} characters"
    if characters < PARALLEL_FROM_CHARS or quiet or not is_terminal(sys.stderr):
        return iter
    if not can_animate(sys.stderr):
        write_note(message, style=DIM)
        return iter

    def with_progress(chunks: Chunks) -> Iterator[Any]:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        description = TextColumn("{task.description}", style="progress.description", markup=False)
        remaining = TimeRemainingColumn(elapsed_when_finished=True)
        columns = description, BarColumn(), TaskProgressColumn(), remaining
        from charrnn.views.console import stderr_console

        with Progress(*columns, console=stderr_console(), transient=True) as progress:
            yield from progress.track(chunks, description=message)

    return with_progress
