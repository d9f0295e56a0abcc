"""Samples with what is copied from the training text: dim on a terminal, and how much it is.

What counts as copied is left to `novelty`.
"""

import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np

from charrnn.cli.asked import Asked
from charrnn.cli.streams import DIM, Page, tell
from charrnn.cli.writer import Writer
from charrnn.cli.writing import begin, described, end
from charrnn.held_out import own_corpus
from charrnn.network.model_file import Model
from charrnn.novelty import SHORTEST, Novelty, Stretch, novelty_of, ordinary, suffixes_of
from charrnn.runs import RunDirectory
from charrnn.text.suffixes import Suffixes
from charrnn.together import whole_texts
from charrnn.views.terminal import animated, talk

HELD_OUT = 10_000
"""characters of held-out text that show what is ordinary"""
TOLD, SHOWN = 3, 60
"""how many stretches are named, and how many characters of each"""


@dataclass(frozen=True, kw_only=True)
class Original:
    """A training text to find copies of."""

    model: Model
    suffixes: Suffixes
    shortest: int
    """characters of a stretch that counts as copied"""
    ordinary: float | None
    """share of held-out text that is in such stretches; None: nothing was held out"""

    def novelty(self, text: str) -> Novelty:
        """Find what of a text is copied."""
        return novelty_of(self.model.vocabulary.encode(text), self.suffixes, self.shortest)


def write_with_novelty(writer: Writer, asked: Asked) -> None:
    """Write samples, each once it is whole, with what is copied."""
    original, seeds = _original(writer.path, writer.model, quiet=asked.quiet), asked.seeds()
    page = Page(raw=asked.raw)
    for number, (text, nats) in enumerate(whole_texts(writer.write_all(seeds, costs=True))):
        novelty = original.novelty(text)
        if asked.as_json:
            values = described(writer, seeds[number], text, nats)
            click.echo(json.dumps({**values, "novelty": _values(novelty, original)}))
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
    """Find the model's training text, and its suffixes, sorted anew if they are not kept beside it."""
    corpus, learned = own_corpus(
        path, model.vocabulary, model.training, hint="--novelty needs the run that the model comes from"
    )
    watching = animated(sys.stderr) and not quiet
    with talk().status("sorting the training text") if watching else nullcontext():
        suffixes = suffixes_of(corpus.ids[:learned], len(corpus.vocabulary), RunDirectory(path.parent).suffixes)
    held_out = novelty_of(np.asarray(corpus.ids[learned : learned + HELD_OUT]), suffixes)
    if not held_out.characters:
        return Original(model=model, suffixes=suffixes, shortest=SHORTEST, ordinary=None)
    shortest = ordinary(held_out)
    return Original(model=model, suffixes=suffixes, shortest=shortest, ordinary=held_out.at_least(shortest).share)


def _by_novelty(text: str, novelty: Novelty) -> list[tuple[str, bool]]:
    """Cut a text into what is copied and what is not."""
    marks = novelty.marks()
    edges = [0, *(np.flatnonzero(marks[1:] != marks[:-1]) + 1).tolist(), len(text)]
    return [(text[start:stop], bool(marks[start])) for start, stop in pairwise(edges)]


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
