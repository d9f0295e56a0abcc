"""Output of `charrnn sample`: plain text, JSON, or text in which copies of the training text are dim."""

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from charrnn.cli.cell_types import value_text
from charrnn.cli.sample_endings import Endings, excerpt
from charrnn.cli.sample_options import SampleOptions
from charrnn.cli.sampler import Sampler
from charrnn.cli.streams import DIM, TextOutput, status, write_json, write_note
from charrnn.errors import WrongUsageError
from charrnn.generation.batched import GeneratedText, collect_texts
from charrnn.generation.sampling import SamplingParams
from charrnn.storage.run_directory import display_name
from charrnn.text.documents import text_between
from charrnn.views.sanitize import is_terminal

if TYPE_CHECKING:
    from charrnn.generation.novelty import CopiedSpan, NewDocuments, Novelty, TrainingTextIndex


BETWEEN_SAMPLES = "\n\n"
"""separator of samples in a pipe, unless the model has documents"""


def write_plain(sampler: Sampler, options: SampleOptions) -> None:
    """Write the samples one after the other, each character as soon as it is generated."""
    output, seeds, endings = TextOutput(raw=options.raw), options.seeds(), Endings(sampler.stop)
    try:
        for number, chunks in groupby(sampler.sample_many(seeds, with_nll=False), key=attrgetter("text_index")):
            start_sample(output, sampler, options, number=number, seed=seeds[number])
            output.write("" if options.no_prompt else sampler.prompt, style=DIM)
            endings.start()
            for chunk in chunks:
                output.write(chunk.characters)
                endings.add(chunk.characters)
    finally:
        end_output(output, sampler, options)
    endings.write_notes(sampler.params, quiet=options.quiet)


def start_sample(output: TextOutput, sampler: Sampler, options: SampleOptions, *, number: int, seed: int) -> None:
    """Write the header before the first sample; before others a separator, on a terminal a line with the seed."""
    documents = sampler.model.config.documents
    has_rule = _has_notes(options) and output.terminal and not documents
    between = text_between(documents) if documents else "\n" if has_rule else BETWEEN_SAMPLES
    output.write(between if number else "")
    announce_sample(output, sampler, options, number=number, seed=seed)


def announce_sample(output: TextOutput, sampler: Sampler, options: SampleOptions, *, number: int, seed: int) -> None:
    """Write the header before the first sample, and on a terminal a line with the seed before each of several."""
    if _has_notes(options) and not number:
        write_note(sample_header(sampler, seed), style=DIM)
    if _has_notes(options) and output.terminal and not sampler.model.config.documents and options.count > 1:
        repeat = f" · --seed {seed}" if sampler.params.temperature else ""
        write_note(f"── {number + 1:,} of {options.count:,}{repeat} ──", style=DIM)


def _has_notes(options: SampleOptions) -> bool:
    """Return whether notes about each sample are written."""
    return is_terminal(sys.stderr) and not options.quiet


def write_complete(sampler: Sampler, options: SampleOptions) -> None:
    """Write samples, each as soon as it is complete: in JSON, with copied text dim, or new documents only."""
    index = _load_training_index(sampler, options) if options.novelty or options.new else None
    new = _new_documents(index, sampler, options) if index and options.new else None
    output, written, copied = TextOutput(raw=options.raw), 0, 0
    for number, (seed, generated) in enumerate(_complete_samples(sampler, options, new)):
        novelty = None
        if index and options.novelty:
            novelty = index.novelty(generated.characters, prompt=sampler.unfinished_document)
        written += 1
        copied += bool(novelty and novelty.copied_documents)
        if options.as_json:
            values = sample_to_dict(sampler, seed, generated)
            values |= {"novelty": _novelty_to_dict(novelty, index)} if novelty and index else {}
            write_json(values | ({"discarded": new.copies + new.repeated} if new else {}))
            continue
        start_sample(output, sampler, options, number=number, seed=seed)
        output.write("" if options.no_prompt else sampler.prompt)
        for part, dim in _split_by_novelty(generated.characters, novelty):
            output.write(part, style=DIM if dim else "")
        if novelty and index:
            output.write("\n" if output.terminal else "")
            if not options.quiet:
                _report_novelty(novelty, generated.characters, index)
    if written and not options.as_json and not (options.novelty and output.terminal):
        end_output(output, sampler, options)
    if not options.quiet:
        _report_documents(index, new, copied, options)


def _complete_samples(
    sampler: Sampler, options: SampleOptions, new: "NewDocuments | None"
) -> Iterator[tuple[int, GeneratedText]]:
    """Yield the samples with their seeds; if `new`, those that it selects among the samples of as many seeds."""
    seeds = options.seeds()
    if new:
        seeds = range(seeds[0], seeds[0] + options.count * new.max_discarded)
    texts = collect_texts(sampler.sample_many(seeds, with_nll=options.as_json))
    for number, generated in new.select(texts) if new else enumerate(texts):
        yield seeds[number], generated


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
    clamps = sampler.clamp_values.items()
    clamped = [f"{name} clamped at {value_text(value)}" for name, value in clamps]
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

REPORTED_SPANS = 3
"""number of copied spans that are reported"""


def _new_documents(index: "TrainingTextIndex", sampler: Sampler, options: SampleOptions) -> "NewDocuments":
    """Return the selection of new documents."""
    from charrnn.generation.novelty import NewDocuments

    return NewDocuments.of(index, options.count, sampler.unfinished_document, sampler.params)


def _load_training_index(sampler: Sampler, options: SampleOptions) -> "TrainingTextIndex":
    """Return an index of the model's training text; show a status meanwhile, since this may take long."""
    from charrnn.generation.novelty import index_training_text

    option = "--new" if options.new else "--novelty"
    if options.new and sampler.model.end_id is None:
        raise WrongUsageError(
            f"--new writes whole documents, and {sampler.path} has learned a text without documents",
            hint="`charrnn train TEXT --documents line` learns each line as a document",
        )
    with status("sorting the training text", quiet=options.quiet):
        return index_training_text(
            sampler.path, sampler.model, hint=f"{option} needs the run that the model comes from"
        )


def _split_by_novelty(text: str, novelty: "Novelty | None") -> list[tuple[str, bool]]:
    """Return the parts of a text, each with whether it is copied as far as that is known."""
    if novelty is None:
        return [(text, False)]
    marks = novelty.mask()
    edges = [0, *(np.flatnonzero(marks[1:] != marks[:-1]) + 1).tolist(), len(text)]
    return [(text[start:stop], bool(marks[start])) for start, stop in pairwise(edges) if start < stop]


def _report_novelty(novelty: "Novelty", text: str, index: "TrainingTextIndex") -> None:
    """Print the copied fraction, and the longest copied spans."""
    comparison = "" if index.baseline_fraction is None else f" (held-out text: {index.baseline_fraction:.1%})"
    documents = "" if novelty.documents is None else "whole documents and "
    spans = f"{documents}spans of {index.min_copy_chars} characters or more"
    write_note(f"copied: {novelty.copied_fraction:.1%} in {spans}{comparison}")
    for document in novelty.copied_documents:
        write_note(f"  the training text has this document word for word: {excerpt(document)}")
    for span in _longest_spans(novelty)[:REPORTED_SPANS]:
        copied_text = text[span.start : span.start + span.length]
        if copied_text not in novelty.copied_documents:
            position = f"{span.source_start:,} of the training text"
            write_note(f"  {span.length} characters, at {position}: {excerpt(copied_text)}")


def _report_documents(
    index: "TrainingTextIndex | None", new: "NewDocuments | None", copied: int, options: SampleOptions
) -> None:
    """Print how many documents are copied, and how many were discarded."""
    if index is None or index.model.end_id is None:
        return
    if options.novelty and not options.as_json and not new:
        share = index.held_out_documents_copied
        comparison = "" if share is None else f" (held-out documents: {share:.1%})"
        write_note(f"word for word in the training text: {copied:,} of {options.count:,} documents{comparison}")
    if new:
        discarded = new.copies + new.repeated
        reasons = f" ({new.copies:,} in {index.corpus_name}, {new.repeated:,} repeated)" if discarded else ""
        write_note(f"note: discarded {discarded:,} {'document' if discarded == 1 else 'documents'}{reasons}")
    if new and new.missing:
        limit = "one" if new.max_discarded == 1 else f"{new.max_discarded:,} in succession"
        write_note(f"note: {new.missing:,} of {options.count:,} are missing: gave up after discarding {limit}")


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
        "documents": novelty.documents,
        "copied_documents": list(novelty.copied_documents),
        "held_out_documents_copied": index.held_out_documents_copied,
    }
