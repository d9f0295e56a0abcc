"""What a user may not expect of a text that is about to be learned, and would want to know.

What makes a text unfit is refused where it is read; what differs when a run goes on is said by the session.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from charrnn.text.corpus import Survey
from charrnn.text.sources import Sources
from charrnn.text.vocabulary import named
from charrnn.training.origin import Origin
from charrnn.training.run import Run

SMALL = 20_000
"""characters: a shorter text gets smaller batches than one would think"""
MANY_DISTINCT = 10_000
"""characters: a network spends most of its weights on so many"""
MOST_NAMED = 3
"""files, in one line"""


def notes_on(
    sources: Sources, found: Survey, run: Run, given: Mapping[str, Any], origin: Origin | None
) -> tuple[str, ...]:
    """Say it, a line each; what was `given` needs no saying."""
    return (
        *(f"{file.name}: byte order mark left out" for file in sources.files if file.has_byte_order_mark),
        *_empty(sources),
        *_small(found, run, given),
        *_new_characters(run, origin),
        *_held_out(run),
        *_many_distinct(found),
    )


def _empty(sources: Sources) -> Iterator[str]:
    if empty := sources.empty():
        more = f" and {len(empty) - MOST_NAMED:,} more" if len(empty) > MOST_NAMED else ""
        yield f"nothing is in {', '.join(empty[:MOST_NAMED])}{more}"


def _small(found: Survey, run: Run, given: Mapping[str, Any]) -> Iterator[str]:
    chosen = given.get("batch") is None and given.get("length") is None
    if found.characters < SMALL and chosen:
        yield f"small corpus; using batch {run.training.batch} × {run.training.length} characters"


def _new_characters(run: Run, origin: Origin | None) -> Iterator[str]:
    if origin and (new := run.corpus.vocabulary.characters[len(origin.characters) :]):
        yield f"new to {origin.path}: {named(Counter(dict.fromkeys(new, 1)))}"


def _held_out(run: Run) -> Iterator[str]:
    share, asked = run.held_out_characters / run.corpus.characters, run.training.val_fraction
    if abs(share - asked) > asked / 2:
        yield f"documents are held out whole: {share:.0%} of the text"


def _many_distinct(found: Survey) -> Iterator[str]:
    rare, distinct = int((found.counts == 1).sum()), int((found.counts > 0).sum())
    if distinct > MANY_DISTINCT and rare > distinct / 2:
        yield f"{distinct:,} distinct characters: most occur once; `--min-count 2` makes one of those"
