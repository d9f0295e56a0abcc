"""Concepts as people name them: found by name, and listed."""

import difflib
import json

import click

from charrnn.cli.streams import say
from charrnn.errors import WrongUsageError
from charrnn.inspection.concepts import CONCEPTS, Concept


def concept_named(name: str) -> Concept:
    """Find a concept by its name (WrongUsageError)."""
    if name not in CONCEPTS:
        near = difflib.get_close_matches(name, CONCEPTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(CONCEPTS)}"
        raise WrongUsageError(f"there is no concept {name!r}", hint=hint)
    return CONCEPTS[name]


def list_concepts(*, as_json: bool) -> None:
    """Say which concepts there are."""
    if as_json:
        click.echo(json.dumps({concept.name: concept.description for concept in CONCEPTS.values()}))
        return
    for concept in CONCEPTS.values():
        say(f"{concept.name:16}{concept.description}")
