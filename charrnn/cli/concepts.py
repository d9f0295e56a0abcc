"""Concepts as people name them: found by name, made of patterns, listed with what a text has of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from charrnn.cli.streams import read_text, write_json
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.held_out import DEFAULT_CHARS, held_out_text
from charrnn.inspection.concepts import CONCEPTS, Concept, ParsedText
from charrnn.inspection.concepts.asked import parse_concept
from charrnn.inspection.listing import count_concepts
from charrnn.network.model_file import read_info
from charrnn.runs import find_model
from charrnn.text.encoding import check_encoding


def parse_concepts(written: Sequence[str]) -> list[Concept]:
    """Find concepts by their names, or make those that are given with a pattern (WrongUsageError)."""
    concepts = [parse_concept(form) for form in written]
    for name, times in Counter(concept.name for concept in concepts).items():
        if times > 1:
            raise WrongUsageError(f"--concept names {name} {times} times", hint="each concept has a name of its own")
    return concepts


def list_concepts(named: Path | None, options: Mapping[str, Any]) -> None:
    """Say which concepts there are, and what the text at hand has of them; no network is read."""
    concepts = parse_concepts(options["concepts"]) or CONCEPTS.values()
    counted = count_concepts(concepts, _text_at_hand(named, options))
    if options["as_json"]:
        write_json(counted.to_json())
        return
    from charrnn.views.concepts import ConceptsTable
    from charrnn.views.terminal import stdout_console

    stdout_console().print(ConceptsTable(listing=counted))


def _text_at_hand(named: Path | None, options: Mapping[str, Any]) -> ParsedText | None:
    """Read the file that was named, or else what the model's training held out; None where neither is there."""
    stretch = slice(options["start"], options["start"] + (options["chars"] or DEFAULT_CHARS))
    if options["text"]:
        text = read_text(options["text"], check_encoding(options["encoding"]))[stretch]
        return ParsedText.of(text, options["text"])
    with suppress(CharrnnError):
        path = find_model(named)
        info = read_info(path)
        return ParsedText.of(*held_out_text(path, info.vocabulary, info.training, stretch, hint=""))
    return None
