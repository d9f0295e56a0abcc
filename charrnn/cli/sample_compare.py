"""Samples side by side, from the same prompt and random numbers: several temperatures, or a steered cell."""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.cli.cell_types import clamp_name
from charrnn.cli.sample_endings import Loop, find_loop, repeated_text
from charrnn.cli.sample_options import SampleOptions
from charrnn.cli.sample_output import sample_to_dict, sampling_label
from charrnn.cli.sample_show import Measure, check_shown, colored_writing, write_legend
from charrnn.cli.sampler import Sampler
from charrnn.cli.streams import TextOutput, write_json, write_note
from charrnn.errors import CharrnnError
from charrnn.generation.batched import GeneratedText, collect_texts
from charrnn.network.inference import InferenceRNN
from charrnn.network.interventions import ClampedPredictor
from charrnn.scoring import char_nll
from charrnn.storage.run_directory import display_name
from charrnn.text.held_out import held_out_text
from charrnn.views.console import stdout_console
from charrnn.views.sanitize import is_terminal, light_background
from charrnn.views.side_by_side import SideBySideTexts, TextColumn

# The samples and their columns

TEMPERATURES = (0.0, 0.5, 0.8, 1.2)
"""temperatures that --compare samples at"""
HELD_OUT_CHARS = 10_000
"""number of held-out characters to measure the loss with a clamped cell on"""
MAX_PROMPT_CHARS = 40
"""number of characters of the prompt in the title"""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One of several samples side by side."""

    heading: str
    sampler: Sampler
    generated: GeneratedText
    held_out_bits: float | None
    """loss on held-out text with the clamped cells, in bits per character; None without a clamped cell"""
    values: NDArray[np.float64] | None = None
    """value of each character for --show; None without it"""

    @cached_property
    def loop(self) -> Loop | None:
        """The repetition at the end of the text; None if there is none."""
        return find_loop(self.generated.characters)


def compare(sampler: Sampler, options: SampleOptions) -> None:
    """Generate the samples, and print them side by side or as JSON."""
    seed, measure = options.seeds()[0], _measure(sampler, options)
    samples = [
        _generate_variant(heading, variant, seed, steered=options.steer is not None, measure=measure)
        for heading, variant in _variants(sampler, options)
    ]
    if options.as_json:
        for variant in samples:
            write_json(_variant_to_dict(variant, seed))
        return
    title = [display_name(sampler.path), f"repeat with --seed {seed}"]
    if sampler.prompt:
        title.append(f"after {_shortened(sampler.prompt)!r}")
    console = stdout_console()
    drawing = SideBySideTexts(
        title=" · ".join(title),
        columns=tuple(map(_column, samples)),
        scale=measure.scale if measure else None,
        light=light_background(),
    )
    console.print(drawing, soft_wrap=not console.is_terminal)
    if measure and console.is_terminal:
        write_legend(colored_writing(measure.scale, TextOutput()), quiet=options.quiet)
    if options.steer and not options.quiet and any(variant.loop for variant in samples):
        write_note("hint: a higher temperature (`-t`) makes repetitions less likely")


def _measure(sampler: Sampler, options: SampleOptions) -> Measure | None:
    """Return the measure of --show on a terminal (CharrnnError)."""
    if options.show is None:
        return None
    check_shown(options.show, sampler)
    return Measure.of(options.show, sampler) if is_terminal(sys.stdout) else None


def _variants(sampler: Sampler, options: SampleOptions) -> Iterator[tuple[str, Sampler]]:
    """Yield the samplers to compare, each with a heading that names the difference."""
    if options.steer is None:
        for temperature in TEMPERATURES:
            params = replace(sampler.params, temperature=temperature)
            yield sampling_label(params) if temperature else "argmax", replace(sampler, params=params)
        return
    steered = clamp_name(options.steer)
    yield f"{steered} at -1", sampler.with_clamps({steered: -1})
    yield "free", sampler
    yield f"{steered} at 1", sampler.with_clamps({steered: 1})


def _generate_variant(
    heading: str, sampler: Sampler, seed: int, *, steered: bool, measure: Measure | None
) -> Variant:
    """Return the sample of a sampler; with the loss on held-out text if a cell or concept is steered."""
    values = None
    if measure:
        shown = list(measure.sample(sampler, seed))
        values = np.array([value for generated, value in shown if generated.char])
        nats = sum(generated.nll for generated, _ in shown)
        text = GeneratedText("".join(generated.char for generated, _ in shown), nats, len(shown))
    else:
        text = next(collect_texts(sampler.sample_many([seed], with_nll=True)))
    return Variant(
        heading=heading,
        sampler=sampler,
        generated=text,
        held_out_bits=_held_out_bits(sampler) if steered else None,
        values=values,
    )


def _held_out_bits(sampler: Sampler) -> float | None:
    """Return the loss on held-out text with the clamped cells, in bits per character; None without held-out text."""
    try:
        text = held_out_text(
            sampler.path, sampler.model.vocabulary, sampler.model.training, slice(0, HELD_OUT_CHARS), hint=""
        ).text
    except CharrnnError:
        return None
    ids = sampler.model.vocabulary.encode(text, unknown="replace")
    rnn = InferenceRNN.from_model(sampler.model)
    nats = char_nll(ClampedPredictor(rnn, sampler.clamps_of(rnn)), ids) if len(ids) > 1 else None
    return None if nats is None else float(nats.mean(dtype=np.float64)) / math.log(2)


def _column(variant: Variant) -> TextColumn:
    """Return the column that shows a sample."""
    loop = variant.loop
    notes = [f"{variant.generated.bits_per_char:.2f} bits/char"]
    if variant.held_out_bits is not None:
        notes.append(f"held-out {variant.held_out_bits:.2f} bits/char")
    if loop:
        notes.append(f"repeats {repeated_text(variant.generated.characters, loop)}")
    return TextColumn(
        # Also in the JSON, whose numbers have no typographic minus.
        heading=variant.heading.replace(" at -1", " at −1"),
        notes=tuple(notes),
        text=variant.generated.characters,
        dim_from=loop.start + loop.length if loop and variant.values is None else None,
        values=variant.values,
    )


def _variant_to_dict(variant: Variant, seed: int) -> dict[str, Any]:
    """Return a sample as JSON values."""
    loop = variant.loop
    values = {"variant": variant.heading, **sample_to_dict(variant.sampler, seed, variant.generated)}
    if variant.held_out_bits is not None:
        values["held_out_bits_per_char"] = variant.held_out_bits
    return values | ({"circle": loop._asdict()} if loop else {})


def _shortened(prompt: str) -> str:
    """Return the end of a prompt, short enough for the title."""
    return prompt if len(prompt) <= MAX_PROMPT_CHARS else f"…{prompt[-MAX_PROMPT_CHARS:]}"
