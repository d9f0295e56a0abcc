"""Samples with what is copied from the training text: dim on a terminal, and how much it is.

What counts as copied is left to `novelty`.
"""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.cli.asked import Asked
from charrnn.cli.streams import DIM, Page, say_json, tell, waiting
from charrnn.cli.writer import Writer
from charrnn.cli.writing import begin, described, end
from charrnn.network.model_file import Model
from charrnn.novelty import Novelty, Stretch
from charrnn.original import Original, original_of
from charrnn.together import whole_texts

TOLD, SHOWN = 3, 60
"""how many stretches are named, and how many characters of each"""


def write_with_novelty(writer: Writer, asked: Asked) -> None:
    """Write samples, each once it is whole, with what is copied."""
    original, seeds = _original(writer.path, writer.model, quiet=asked.quiet), asked.seeds()
    page = Page(raw=asked.raw)
    for number, whole in enumerate(whole_texts(writer.write_all(seeds, costs=True))):
        text = whole.characters
        novelty = original.novelty(text)
        if asked.as_json:
            values = described(writer, seeds[number], whole)
            say_json({**values, "novelty": _values(novelty, original)})
            continue
        begin(page, writer, asked, number=number, seed=seeds[number])
        page.write("" if asked.no_prompt else writer.prompt)
        for stretch, copied in _by_novelty(text, novelty):
            page.write(stretch, style=DIM if copied else "")
        if page.terminal:
            page.write("\n")
        if not asked.quiet:
            _tell(novelty, text, original)
    if not asked.as_json and not page.terminal:
        end(page, writer, asked)


def _original(path: Path, model: Model, *, quiet: bool) -> Original:
    """Find the model's training text; a terminal is told that this may take its time."""
    with waiting("sorting the training text", quiet=quiet):
        return original_of(path, model, hint="--novelty needs the run that the model comes from")


def _by_novelty(text: str, novelty: Novelty) -> list[tuple[str, bool]]:
    """Cut a text into what is copied and what is not."""
    marks = novelty.marks()
    edges = [0, *(np.flatnonzero(marks[1:] != marks[:-1]) + 1).tolist(), len(text)]
    return [(text[start:stop], bool(marks[start])) for start, stop in pairwise(edges) if start < stop]


def _tell(novelty: Novelty, text: str, original: Original) -> None:
    """Say how much is copied, and name the longest stretches."""
    known = "" if original.ordinary is None else f" (held-out text: {original.ordinary:.1%})"
    tell(f"copied: {novelty.share:.1%} in stretches of {original.shortest} characters or more{known}")
    for stretch in _longest(novelty)[:TOLD]:
        words = text[stretch.start : stretch.start + stretch.length]
        shown = words if len(words) <= SHOWN else f"{words[:SHOWN]}…"
        tell(f"  {stretch.length} characters, at {stretch.place:,} of the training text: {shown!r}")


def _longest(novelty: Novelty) -> Sequence[Stretch]:
    return sorted(novelty.stretches, key=lambda stretch: -stretch.length)


def _values(novelty: Novelty, original: Original) -> dict[str, Any]:
    """Lay it out for scripts."""
    return {
        "copied": novelty.share,
        "held_out_copied": original.ordinary,
        "shortest": original.shortest,
        "longest": novelty.longest.length if novelty.longest else 0,
        "stretches": [asdict(stretch) for stretch in novelty.stretches],
    }
