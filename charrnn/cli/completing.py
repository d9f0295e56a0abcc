"""What a shell is offered for the word that is being typed: runs, files, names of concepts.

Commands and options are Click's.
"""

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from charrnn.runs import models


class ModelType(click.Path):
    """A run's directory or a model file; a shell completes the runs there are, then any file."""

    name = "model"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Name the runs that begin like this."""
        runs = [str(model.parent) for model in models()]
        found = [CompletionItem(run) for run in runs if run.startswith(incomplete)]
        return found or super().shell_complete(ctx, param, incomplete)


def complete_file(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Have the shell complete a file's name, where what is named need not be one: "-" is standard input."""
    return [CompletionItem(incomplete, type="file")]


def complete_concept(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Have the shell complete the names of concepts."""
    from charrnn.inspection.concepts import CONCEPTS

    return [
        CompletionItem(name, help=concept.description)
        for name, concept in CONCEPTS.items()
        if name.startswith(incomplete)
    ]
