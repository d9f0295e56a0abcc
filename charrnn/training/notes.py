"""What a user may not expect of a text that is about to be learned, and would want to know.

What makes a text unfit is refused where it is read; what differs when a run goes on is said by the session.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from charrnn.text.corpus import CharacterCounts
from charrnn.text.sources import CorpusFiles
from charrnn.text.vocabulary import format_characters
from charrnn.training.origin import PretrainedModel
from charrnn.training.run import Trainer

SMALL_TEXT_CHARS = 20_000
"""characters: a shorter text gets smaller batches than one would think"""
LARGE_VOCABULARY = 10_000
"""characters: a network spends most of its weights on so many"""
MAX_NAMED_FILES = 3
"""files, in one line"""


def startup_notes(
    sources: CorpusFiles,
    counts: CharacterCounts,
    trainer: Trainer,
    given: Mapping[str, Any],
    pretrained: PretrainedModel | None,
) -> tuple[str, ...]:
    """Say it, a line each; what was `given` needs no saying."""
    return (
        *(f"{file.name}: byte order mark left out" for file in sources.files if file.has_byte_order_mark),
        *_empty_files_note(sources),
        *_small_text_note(counts, trainer, given),
        *_new_characters_note(trainer, pretrained),
        *_held_out_note(trainer),
        *_large_vocabulary_note(counts),
    )


def _empty_files_note(sources: CorpusFiles) -> Iterator[str]:
    if empty := sources.empty():
        more = f" and {len(empty) - MAX_NAMED_FILES:,} more" if len(empty) > MAX_NAMED_FILES else ""
        yield f"nothing is in {', '.join(empty[:MAX_NAMED_FILES])}{more}"


def _small_text_note(counts: CharacterCounts, trainer: Trainer, given: Mapping[str, Any]) -> Iterator[str]:
    chosen = given.get("batch") is None and given.get("length") is None
    if counts.characters < SMALL_TEXT_CHARS and chosen:
        yield f"small corpus; using batch {trainer.training.batch} × {trainer.training.length} characters"


def _new_characters_note(trainer: Trainer, pretrained: PretrainedModel | None) -> Iterator[str]:
    if pretrained and (new := trainer.corpus.vocabulary.characters[len(pretrained.characters) :]):
        yield f"new to {pretrained.path}: {format_characters(Counter(dict.fromkeys(new, 1)))}"


def _held_out_note(trainer: Trainer) -> Iterator[str]:
    share, val_fraction = trainer.held_out_characters / trainer.corpus.characters, trainer.training.val_fraction
    if abs(share - val_fraction) > val_fraction / 2:
        yield f"documents are held out whole: {share:.0%} of the text"


def _large_vocabulary_note(counts: CharacterCounts) -> Iterator[str]:
    rare, distinct = int((counts.counts == 1).sum()), int((counts.counts > 0).sum())
    if distinct > LARGE_VOCABULARY and rare > distinct / 2:
        yield f"{distinct:,} distinct characters: most occur once; `--min-count 2` makes one of those"
