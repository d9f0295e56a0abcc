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
from charrnn.text.documents import SEPARATORS
from charrnn.views.sanitize import is_terminal

if TYPE_CHECKING:
    from charrnn.generation.novelty import CopiedSpan, Novelty, TrainingTextIndex


BETWEEN_SAMPLES = "\n\n"


def write_plain(sampler: Sampler, options: SampleOptions) -> None:
    """Write the samples one after the other, each character as soon as it is there."""
    output, seeds = TextOutput(raw=options.raw), options.seeds()
    longest = max(map(len, sampler.stop.stop), default=0)
    without = 0
    try:
        for number, pieces in groupby(sampler.sample_many(seeds, with_nll=False), key=attrgetter("text_index")):
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


def write_json_lines(sampler: Sampler, options: SampleOptions) -> None:
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


# Novelty: what is copied from the training text

NAMED_SPANS, SPAN_CHARS = 3, 60
"""how many stretches are named, and how many characters of each"""


def write_novelty(sampler: Sampler, options: SampleOptions) -> None:
    """Write samples, each once it is whole, with what is copied."""
    index, seeds = _load_training_index(sampler.path, sampler.model, quiet=options.quiet), options.seeds()
    output = TextOutput(raw=options.raw)
    for number, generated in enumerate(collect_texts(sampler.sample_many(seeds, with_nll=True))):
        text = generated.characters
        novelty = index.novelty(text)
        if options.as_json:
            values = sample_to_dict(sampler, seeds[number], generated)
            write_json({**values, "novelty": _values(novelty, index)})
            continue
        start_sample(output, sampler, options, number=number, seed=seeds[number])
        output.write("" if options.no_prompt else sampler.prompt)
        for stretch, copied in _split_by_novelty(text, novelty):
            output.write(stretch, style=DIM if copied else "")
        if output.terminal:
            output.write("\n")
        if not options.quiet:
            _report_novelty(novelty, text, index)
    if not options.as_json and not output.terminal:
        end_output(output, sampler, options)


def _load_training_index(path: Path, model: Model, *, quiet: bool) -> "TrainingTextIndex":
    """Find the model's training text; a terminal is told that this may take its time."""
    from charrnn.generation.novelty import index_training_text

    with status("sorting the training text", quiet=quiet):
        return index_training_text(path, model, hint="--novelty needs the run that the model comes from")


def _split_by_novelty(text: str, novelty: "Novelty") -> list[tuple[str, bool]]:
    """Cut a text into what is copied and what is not."""
    marks = novelty.mask()
    edges = [0, *(np.flatnonzero(marks[1:] != marks[:-1]) + 1).tolist(), len(text)]
    return [(text[start:stop], bool(marks[start])) for start, stop in pairwise(edges) if start < stop]


def _report_novelty(novelty: "Novelty", text: str, index: "TrainingTextIndex") -> None:
    """Say how much is copied, and name the longest stretches."""
    comparison = "" if index.baseline_fraction is None else f" (held-out text: {index.baseline_fraction:.1%})"
    write_note(
        f"copied: {novelty.copied_fraction:.1%} in stretches of {index.min_copy_chars} characters or more{comparison}"
    )
    for span in _longest_spans(novelty)[:NAMED_SPANS]:
        words = text[span.start : span.start + span.length]
        shown = words if len(words) <= SPAN_CHARS else f"{words[:SPAN_CHARS]}…"
        write_note(f"  {span.length} characters, at {span.source_start:,} of the training text: {shown!r}")


def _longest_spans(novelty: "Novelty") -> Sequence["CopiedSpan"]:
    return sorted(novelty.spans, key=lambda stretch: -stretch.length)


def _values(novelty: "Novelty", index: "TrainingTextIndex") -> dict[str, Any]:
    """Lay it out for scripts."""
    return {
        "copied": novelty.copied_fraction,
        "held_out_copied": index.baseline_fraction,
        "shortest": index.min_copy_chars,
        "longest": novelty.longest.length if novelty.longest else 0,
        "stretches": [
            {"start": span.start, "length": span.length, "place": span.source_start} for span in novelty.spans
        ],
    }
