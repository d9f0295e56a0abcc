"""Concepts as people name them: found by name, made of patterns, listed with what a text has of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from charrnn.cli.streams import read_text, say_json
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.held_out import SEARCHED, held_out
from charrnn.inspection.concepts import CONCEPTS, Concept, Source
from charrnn.inspection.concepts.asked import concept_asked
from charrnn.inspection.listing import listing
from charrnn.network.model_file import describe
from charrnn.runs import find_model
from charrnn.text.encoding import known_encoding


def concepts_asked(written: Sequence[str]) -> list[Concept]:
    """Find concepts by their names, or make those that are given with a pattern (WrongUsageError)."""
    concepts = [concept_asked(one) for one in written]
    for name, times in Counter(concept.name for concept in concepts).items():
        if times > 1:
            raise WrongUsageError(f"--concept names {name} {times} times", hint="each concept has a name of its own")
    return concepts


def list_concepts(named: Path | None, asked: Mapping[str, Any]) -> None:
    """Say which concepts there are, and what the text at hand has of them; no network is read."""
    concepts = concepts_asked(asked["concepts"]) or CONCEPTS.values()
    counted = listing(concepts, _text_at_hand(named, asked))
    if asked["as_json"]:
        say_json(counted.to_json())
        return
    from charrnn.views.concepts import ConceptsTable
    from charrnn.views.terminal import output

    output().print(ConceptsTable(listing=counted))


def _text_at_hand(named: Path | None, asked: Mapping[str, Any]) -> Source | None:
    """Read the file that was named, or else what the model's training held out; None where neither is there."""
    stretch = slice(asked["start"], asked["start"] + (asked["chars"] or SEARCHED))
    if asked["text"]:
        text = read_text(asked["text"], known_encoding(asked["encoding"]))[stretch]
        return Source.of(text, asked["text"])
    with suppress(CharrnnError):
        path = find_model(named)
        about = describe(path)
        return Source.of(*held_out(path, about.vocabulary, about.training, stretch, hint=""))
    return None
