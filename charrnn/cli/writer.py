"""A model that has read its prompt and is ready to write: what `charrnn sample` does before the first character.

What becomes of what is written is left to `writing` and `comparing`.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.cli import cores
from charrnn.cli.asked import SampleOptions
from charrnn.cli.streams import DIM, write_note
from charrnn.ending import StopCriteria
from charrnn.network.model_file import Model, load_model
from charrnn.network.reader import InferenceRNN
from charrnn.prompt import PARALLEL_FROM_CHARS, Chunks, ProgressWrapper
from charrnn.sampling import GeneratedChar, Prefilled, SamplingParams, generate, prefill_prompt
from charrnn.steering import CellValues, make_clamps
from charrnn.text.vocabulary import format_characters
from charrnn.together import BATCH_SLOTS, TextChunk, chunks_in_order, generate_batch
from charrnn.views.terminal import can_animate, is_terminal, stderr_console

MOST_TOGETHER = 64_000_000
"""characters that texts written together may have, all but one of which are kept in memory"""


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """A model that has read its prompt and can be set to write again and again."""

    path: Path
    model: Model
    rnn: InferenceRNN
    prompt: str
    prefilled: Prefilled
    params: SamplingParams
    stop: StopCriteria
    clamp_values: CellValues = field(default_factory=dict)
    """the cells that are held while it reads and writes"""

    def sample(self, seed: int) -> Iterator[GeneratedChar]:
        """Write with that seed."""
        return generate(
            self.rnn,
            self.model.vocabulary,
            rng=np.random.default_rng(seed),
            prefilled=self.prefilled,
            params=self.params,
            stop=self.stop,
        )

    def sample_many(self, seeds: Sequence[int], *, with_nll: bool) -> Iterator[TextChunk]:
        """Write with each seed, together if that can be; give the texts in order, with what they cost if wished.

        There is a piece of each, even if nothing is written.
        """
        length = self.stop.max_chars
        if len(seeds) == 1 or length is None or min(len(seeds), BATCH_SLOTS) * length > MOST_TOGETHER:
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
                costs=with_nll,
            )
        )

    def with_clamps(self, added: CellValues) -> "Sampler":
        """Give the same writer with these cells held too, the prompt read anew."""
        every = {**self.clamp_values, **added}
        prefilled = prefill_prompt(
            self.rnn, self.model.vocabulary, self.prompt, unknown="skip", clamps=make_clamps(self.rnn, every)
        )
        return replace(self, prefilled=prefilled, clamp_values=every)

    def to_dict(self) -> dict[str, Any]:
        """Say, for scripts, by what is written."""
        held = {f"{layer}.{unit}": value for (layer, unit), value in self.clamp_values.items()}
        return {
            "model": str(self.path),
            "prompt": self.prompt,
            "temperature": self.params.temperature,
            "step": self.model.training.get("step"),
        } | ({"clamps": held} if held else {})


def make_sampler(path: Path, options: SampleOptions) -> Sampler:
    """Load the model and have it read the prompt."""
    prompt, params = options.text(), options.sampling_params()
    model = load_model(path)
    stop = options.stop_criteria(model)
    unknown = model.vocabulary.count_unknown(prompt)
    if unknown and options.unknown == "skip" and not options.quiet:
        write_note(f"note: left out of the prompt what the model never saw: {format_characters(unknown)}")
    rnn = _load_rnn(model, options.device)
    prefilled = prefill_prompt(
        rnn,
        model.vocabulary,
        prompt,
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
    """Lay a model out where it is to be stepped; torch is needed for nothing but another device."""
    if device == "cpu":
        return InferenceRNN.from_model(model)
    cores.require_memory_for_torch()
    import torch

    from charrnn.training.device import choose_device

    chosen = torch.device(choose_device(device))
    return InferenceRNN.from_model(model, arrays=lambda weight: torch.from_numpy(weight.copy()).to(chosen))


def _prompt_progress(characters: int, *, quiet: bool) -> ProgressWrapper:
    """Show how the reading of a long prompt goes, on a terminal."""
    what = f"reading a prompt of {characters:,} characters"
    if characters < PARALLEL_FROM_CHARS or quiet or not is_terminal(sys.stderr):
        return iter
    if not can_animate(sys.stderr):
        write_note(what, style=DIM)
        return iter

    def shown(pieces: Chunks) -> Iterator[Any]:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        description = TextColumn("{task.description}", style="progress.description", markup=False)
        remaining = TimeRemainingColumn(elapsed_when_finished=True)
        columns = description, BarColumn(), TaskProgressColumn(), remaining
        with Progress(*columns, console=stderr_console(), transient=True) as progress:
            yield from progress.track(pieces, description=what)

    return shown
