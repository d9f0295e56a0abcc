"""What `charrnn sample` does once its options are known: texts go to standard output, as text or as JSON.

What writes them is `writer`'s.
"""

import sys
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from charrnn.cli.asked import SampleOptions
from charrnn.cli.streams import DIM, TextOutput, write_json, write_note
from charrnn.cli.writer import Sampler, make_sampler
from charrnn.runs import display_name
from charrnn.sampling import SamplingParams
from charrnn.text.documents import SEPARATORS
from charrnn.together import GeneratedText, collect_texts
from charrnn.views.terminal import is_terminal

BETWEEN_SAMPLES = "\n\n"


def write_samples(path: Path, options: SampleOptions) -> None:
    """Write samples to standard output; raise CharrnnError for what the user can put right."""
    sampler = make_sampler(path, options)
    if options.comparison_option:
        from charrnn.cli.comparing import compare

        compare(sampler, options)
    elif options.novelty:
        from charrnn.cli.copying import write_novelty

        write_novelty(sampler, options)
    elif options.as_json:
        _write_json(sampler, options)
    else:
        _write_text(sampler, options)


def _write_text(sampler: Sampler, options: SampleOptions) -> None:
    """Write the samples one after the other, each character as soon as it is there."""
    output, seeds = TextOutput(raw=options.raw), options.seeds()
    longest = max(map(len, sampler.stop.stop), default=0)
    without = 0
    try:
        for number, pieces in groupby(sampler.sample_many(seeds, with_nll=False), key=attrgetter("text")):
            start_sample(output, sampler, options, number=number, seed=seeds[number])
            output.write("" if options.no_prompt else sampler.prompt, style=DIM)
            tail = ""
            for piece in pieces:
                output.write(piece.characters)
                tail = (tail + piece.characters)[-longest:] if longest else ""
            without += sampler.stop.matched_stop(tail) is None
    finally:
        end_output(output, sampler, options)
    if longest and without and not options.quiet:
        write_note(
            "note: no stop text came" + (f" in {without:,} of {len(seeds):,} samples" if len(seeds) > 1 else "")
        )


def start_sample(output: TextOutput, sampler: Sampler, options: SampleOptions, *, number: int, seed: int) -> None:
    """Write what stands between samples, and say what writes the next one; of documents, only at first."""
    documents = sampler.model.config.documents
    between = SEPARATORS[documents] if documents else "\n" if output.terminal else BETWEEN_SAMPLES
    output.write(between if number else "")
    if is_terminal(sys.stderr) and not options.quiet and not (number and documents):
        write_note(header(sampler, seed), style=DIM)


def _write_json(sampler: Sampler, options: SampleOptions) -> None:
    """Write the samples as a line of JSON each."""
    seeds = options.seeds()
    for seed, generated in zip(seeds, collect_texts(sampler.sample_many(seeds, with_nll=True)), strict=True):
        write_json(sample_to_dict(sampler, seed, generated))


def sample_to_dict(sampler: Sampler, seed: int, generated: GeneratedText) -> dict[str, Any]:
    """Lay a text out for scripts."""
    return {
        **sampler.to_dict(),
        "text": generated.characters,
        "stopped_by": sampler.stop.matched_stop(generated.characters),
        "seed": seed,
        "bits_per_char": generated.bits_per_char,
    }


def end_output(output: TextOutput, sampler: Sampler, options: SampleOptions) -> None:
    """End the last line, where lines are read, and say what became of control characters."""
    if output.terminal or sampler.model.config.documents in ("line", "blank"):
        output.write("\n")
    if output.altered and not options.quiet:
        write_note("note: control characters are shown as pictures; --raw writes them as they are")


def header(sampler: Sampler, seed: int) -> str:
    """Say what writes, and how to have the same written again."""
    step = sampler.model.training.get("step")
    held = [f"{layer}.{unit} held at {value:g}" for (layer, unit), value in sampler.clamp_values.items()]
    parts = [
        display_name(sampler.path),
        f"step {step:,}" if isinstance(step, int) else "",
        sampling_label(sampler.params),
        *held,
    ]
    again = f"repeat with --seed {seed}" if sampler.params.temperature else ""
    return " · ".join(filter(None, [*parts, again]))


def sampling_label(params: SamplingParams) -> str:
    """Say how the characters are chosen."""
    return f"temperature {params.temperature:g}" if params.temperature else "always the likeliest"
