"""Output of `charrnn sample`: plain text, JSON, or text in which copies of the training text are dim."""

import sys
from collections.abc import Sequence
from itertools import groupby, pairwise
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from charrnn.cli.sampler import SampleOptions, Sampler
from charrnn.cli.streams import DIM, TextOutput, status, write_json, write_note
from charrnn.generation.batched import GeneratedText, collect_texts
from charrnn.generation.sampling import SamplingParams
from charrnn.network.model_file import Model
from charrnn.storage.run_directory import display_name
from charrnn.text.documents import text_between
from charrnn.views.sanitize import is_terminal

if TYPE_CHECKING:
    from charrnn.generation.novelty import CopiedSpan, Novelty, TrainingTextIndex


BETWEEN_SAMPLES = "\n\n"
"""separator of samples in a pipe, unless the model has documents"""


def write_plain(sampler: Sampler, options: SampleOptions) -> None:
    """Write the samples one after the other, each character as soon as it is generated."""
    output, seeds = TextOutput(raw=options.raw), options.seeds()
    stop_length = max(map(len, sampler.stop.stop), default=0)
    unstopped = 0
    try:
        for number, chunks in groupby(sampler.sample_many(seeds, with_nll=False), key=attrgetter("text_index")):
            start_sample(output, sampler, options, number=number, seed=seeds[number])
            output.write("" if options.no_prompt else sampler.prompt, style=DIM)
            tail = ""
            for chunk in chunks:
                output.write(chunk.characters)
                tail = (tail + chunk.characters)[-stop_length:] if stop_length else ""
            unstopped += sampler.stop.matched_stop(tail) is None
    finally:
        end_output(output, sampler, options)
    if stop_length and unstopped and not options.quiet:
        write_note(
            "note: no stop text occurred" + (f" in {unstopped:,} of {len(seeds):,} samples" if len(seeds) > 1 else "")
        )


def start_sample(output: TextOutput, sampler: Sampler, options: SampleOptions, *, number: int, seed: int) -> None:
    """Write the separator of samples, and the header of the next one; of documents, a header for the first only."""
    documents = sampler.model.config.documents
    between = text_between(documents) if documents else "\n" if output.terminal else BETWEEN_SAMPLES
    output.write(between if number else "")
    if is_terminal(sys.stderr) and not options.quiet and not (number and documents):
        write_note(sample_header(sampler, seed), style=DIM)


def write_json_lines(sampler: Sampler, options: SampleOptions) -> None:
    """Write a line of JSON for each sample."""
    seeds = options.seeds()
    for seed, generated in zip(seeds, collect_texts(sampler.sample_many(seeds, with_nll=True)), strict=True):
        write_json(sample_to_dict(sampler, seed, generated))


def sample_to_dict(sampler: Sampler, seed: int, generated: GeneratedText) -> dict[str, Any]:
    """Return a sample as JSON values."""
    return {
        **sampler.to_dict(),
        "text": generated.characters,
        "stopped_by": sampler.stop.matched_stop(generated.characters),
        "seed": seed,
        "bits_per_char": generated.bits_per_char,
    }


def end_output(output: TextOutput, sampler: Sampler, options: SampleOptions) -> None:
    """End the last line on a terminal, and print a note if control characters were replaced."""
    if output.terminal or sampler.model.config.documents not in (None, "file"):
        output.write("\n")
    if output.altered and not options.quiet:
        write_note("note: control characters are shown as pictures; --raw writes them as they are")


def sample_header(sampler: Sampler, seed: int) -> str:
    """Return the header of a sample: the model, the settings, and the seed that repeats the sample."""
    step = sampler.model.training.get("step")
    clamped = [f"{layer}.{unit} clamped at {value:g}" for (layer, unit), value in sampler.clamp_values.items()]
    parts = [
        display_name(sampler.path),
        f"step {step:,}" if isinstance(step, int) else "",
        sampling_label(sampler.params),
        *clamped,
    ]
    repeat = f"repeat with --seed {seed}" if sampler.params.temperature else ""
    return " · ".join(filter(None, [*parts, repeat]))


def sampling_label(params: SamplingParams) -> str:
    """Return how the next character is chosen, as text."""
    return f"temperature {params.temperature:g}" if params.temperature else "always the most likely"


# Novelty: what is copied from the training text

REPORTED_SPANS, SPAN_CHARS = 3, 60
"""number of copied spans that are reported, and of the characters shown of each"""


def write_novelty(sampler: Sampler, options: SampleOptions) -> None:
    """Write samples, each as soon as it is complete, with the text that is copied from the training text."""
    index, seeds = _load_training_index(sampler.path, sampler.model, quiet=options.quiet), options.seeds()
    output = TextOutput(raw=options.raw)
    for number, generated in enumerate(collect_texts(sampler.sample_many(seeds, with_nll=True))):
        text = generated.characters
        novelty = index.novelty(text)
        if options.as_json:
            values = sample_to_dict(sampler, seeds[number], generated)
            write_json({**values, "novelty": _novelty_to_dict(novelty, index)})
            continue
        start_sample(output, sampler, options, number=number, seed=seeds[number])
        output.write("" if options.no_prompt else sampler.prompt)
        for part, copied in _split_by_novelty(text, novelty):
            output.write(part, style=DIM if copied else "")
        if output.terminal:
            output.write("\n")
        if not options.quiet:
            _report_novelty(novelty, text, index)
    if not options.as_json and not output.terminal:
        end_output(output, sampler, options)


def _load_training_index(path: Path, model: Model, *, quiet: bool) -> "TrainingTextIndex":
    """Return an index of the model's training text; show a status meanwhile, since this may take long."""
    from charrnn.generation.novelty import index_training_text

    with status("sorting the training text", quiet=quiet):
        return index_training_text(path, model, hint="--novelty needs the run that the model comes from")


def _split_by_novelty(text: str, novelty: "Novelty") -> list[tuple[str, bool]]:
    """Return the parts of a text, each with whether it is copied."""
    marks = novelty.mask()
    edges = [0, *(np.flatnonzero(marks[1:] != marks[:-1]) + 1).tolist(), len(text)]
    return [(text[start:stop], bool(marks[start])) for start, stop in pairwise(edges) if start < stop]


def _report_novelty(novelty: "Novelty", text: str, index: "TrainingTextIndex") -> None:
    """Print the copied fraction, and the longest copied spans."""
    comparison = "" if index.baseline_fraction is None else f" (held-out text: {index.baseline_fraction:.1%})"
    write_note(
        f"copied: {novelty.copied_fraction:.1%} in spans of {index.min_copy_chars} characters or more{comparison}"
    )
    for span in _longest_spans(novelty)[:REPORTED_SPANS]:
        words = text[span.start : span.start + span.length]
        shown = words if len(words) <= SPAN_CHARS else f"{words[:SPAN_CHARS]}…"
        write_note(f"  {span.length} characters, at {span.source_start:,} of the training text: {shown!r}")


def _longest_spans(novelty: "Novelty") -> Sequence["CopiedSpan"]:
    """Return the copied spans, the longest first."""
    return sorted(novelty.spans, key=lambda span: -span.length)


def _novelty_to_dict(novelty: "Novelty", index: "TrainingTextIndex") -> dict[str, Any]:
    """Return the novelty of a sample as JSON values."""
    return {
        "copied": novelty.copied_fraction,
        "held_out_copied": index.baseline_fraction,
        "shortest": index.min_copy_chars,
        "longest": novelty.longest.length if novelty.longest else 0,
        "stretches": [
            {"start": span.start, "length": span.length, "place": span.source_start} for span in novelty.spans
        ],
    }
