"""The sampler of `charrnn sample`: a model with its prompt prefilled, and with clamped cells and concepts."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from charrnn import resources
from charrnn.cli.cell_types import CellOrConcept
from charrnn.cli.options import newline_hint, note_newlines
from charrnn.cli.sample_options import SampleOptions
from charrnn.cli.streams import DIM, write_note
from charrnn.errors import WrongUsageError
from charrnn.generation.batched import BATCH_SLOTS, TextChunk, chunks_in_order, generate_batch
from charrnn.generation.generate import (
    PARALLEL_FROM_CHARS,
    Chunks,
    GeneratedChar,
    Prefilled,
    ProgressWrapper,
    StopCriteria,
    generate,
    prefill_prompt,
)
from charrnn.generation.sampling import SamplingParams
from charrnn.network.cell_id import CellId
from charrnn.network.clamps import Clamps
from charrnn.network.inference import InferenceRNN
from charrnn.network.interventions import make_clamps
from charrnn.network.model_file import Model, load_model
from charrnn.text.documents import mark_ends, unfinished_document
from charrnn.text.vocabulary import format_characters
from charrnn.views.sanitize import can_animate, is_terminal

if TYPE_CHECKING:
    from charrnn.inspection.search.concept_carrier import ConceptCarrier

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
    clamp_values: Mapping[CellOrConcept, float] = field(default_factory=dict)
    """values of cells and levels of concepts, by name, that are clamped while the model reads and generates"""
    carriers: "Mapping[str, ConceptCarrier]" = field(default_factory=dict)
    """carrier of each concept that may be clamped"""

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

    def with_clamps(self, added: Mapping[CellOrConcept, float]) -> "Sampler":
        """Return a sampler with more clamped cells or concepts, for which the prompt is prefilled again."""
        clamped = replace(self, clamp_values={**self.clamp_values, **added})
        prompt, clamps = mark_ends(self.prompt, self.model.config.documents), clamped.clamps_of(self.rnn)
        prefilled = prefill_prompt(self.rnn, self.model.vocabulary, prompt, unknown="skip", clamps=clamps)
        return replace(clamped, prefilled=prefilled)

    def clamps_of(self, rnn: InferenceRNN) -> Clamps:
        """Return the clamps for a network with the weights of the model."""
        return _clamps(rnn, self.clamp_values, self.carriers)

    def to_dict(self) -> dict[str, Any]:
        """Return the model, the prompt and the settings as JSON values."""
        clamps = {str(clamped): value for clamped, value in self.clamp_values.items()}
        carriers = [carrier.to_json() for carrier in self.carriers.values()]
        return {
            "model": str(self.path),
            "prompt": self.prompt,
            "temperature": self.params.temperature,
            "step": self.model.training.get("step"),
        } | {key: values for key, values in (("clamps", clamps), ("carriers", carriers)) if values}


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
    rnn, carriers = _load_rnn(model, options.device), _find_carriers(path, model, options)
    prefilled = prefill_prompt(
        rnn,
        model.vocabulary,
        text,
        unknown=options.unknown,
        clamps=_clamps(rnn, options.clamp_values, carriers),
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
        carriers=carriers,
    )


def _clamps(
    rnn: InferenceRNN, clamp_values: Mapping[CellOrConcept, float], carriers: "Mapping[str, ConceptCarrier]"
) -> Clamps:
    """Return the clamps of cells and of the carriers of concepts."""
    cells: dict[tuple[int, int], float] = {
        each: value for each, value in clamp_values.items() if isinstance(each, CellId)
    }
    levels = {each: value for each, value in clamp_values.items() if not isinstance(each, CellId)}
    return make_clamps(rnn, cells, [carriers[name].held_at(level) for name, level in levels.items()])


def _find_carriers(path: Path, model: Model, options: SampleOptions) -> "dict[str, ConceptCarrier]":
    """Return the carriers of the clamped and steered concepts; without a concept no search is imported."""
    if not options.concepts:
        return {}
    from charrnn.cli.concept_carriers import find_held_out_carriers

    return find_held_out_carriers(path, model, options.concepts, quiet=options.quiet)


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
