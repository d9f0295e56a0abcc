"""Samples with what is copied from the training text: dim on a terminal, and how much it is.

What counts as copied is left to `novelty`.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.cli.asked import SampleOptions
from charrnn.cli.streams import DIM, TextOutput, status, write_json, write_note
from charrnn.cli.writer import Sampler
from charrnn.cli.writing import end_output, sample_to_dict, start_sample
from charrnn.network.model_file import Model
from charrnn.novelty import CopiedSpan, Novelty
from charrnn.original import TrainingTextIndex, index_training_text
from charrnn.together import collect_texts

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


def _load_training_index(path: Path, model: Model, *, quiet: bool) -> TrainingTextIndex:
    """Find the model's training text; a terminal is told that this may take its time."""
    with status("sorting the training text", quiet=quiet):
        return index_training_text(path, model, hint="--novelty needs the run that the model comes from")


def _split_by_novelty(text: str, novelty: Novelty) -> list[tuple[str, bool]]:
    """Cut a text into what is copied and what is not."""
    marks = novelty.mask()
    edges = [0, *(np.flatnonzero(marks[1:] != marks[:-1]) + 1).tolist(), len(text)]
    return [(text[start:stop], bool(marks[start])) for start, stop in pairwise(edges) if start < stop]


def _report_novelty(novelty: Novelty, text: str, index: TrainingTextIndex) -> None:
    """Say how much is copied, and name the longest stretches."""
    comparison = "" if index.baseline_fraction is None else f" (held-out text: {index.baseline_fraction:.1%})"
    write_note(
        f"copied: {novelty.copied_fraction:.1%} in stretches of {index.min_copy_chars} characters or more{comparison}"
    )
    for span in _longest_spans(novelty)[:NAMED_SPANS]:
        words = text[span.start : span.start + span.length]
        shown = words if len(words) <= SPAN_CHARS else f"{words[:SPAN_CHARS]}…"
        write_note(f"  {span.length} characters, at {span.source_start:,} of the training text: {shown!r}")


def _longest_spans(novelty: Novelty) -> Sequence[CopiedSpan]:
    return sorted(novelty.spans, key=lambda stretch: -stretch.length)


def _values(novelty: Novelty, index: TrainingTextIndex) -> dict[str, Any]:
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
