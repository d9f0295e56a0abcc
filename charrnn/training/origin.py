"""The model that a training starts from: which one is meant, what it settles, and the weights to begin with.

It is only read. Torch is not needed here, so that a command can be refused before it is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.network.model_file import Model, load
from charrnn.runs import RunDirectory, find_model

SETTLED = ("cell", "layers", "hidden", "embedding")
"""settings that trained weights leave no choice of"""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A trained model, to go on from with another text."""

    path: Path
    model: Model

    @property
    def characters(self) -> tuple[str, ...]:
        """Those that it knows, in id order."""
        return self.model.vocabulary.characters


def origin_file(named: Path) -> Path:
    """Say which file is meant: of a run, and of a checkpoint that lies in one, the run's best weights."""
    run = RunDirectory(named if named.is_dir() else named.parent)
    of_a_run = named == run.path or named in run.checkpoints()
    return run.model if of_a_run and run.model.exists() else named


def find_origin(named: Path, directory: RunDirectory) -> Origin:
    """Load the model that a run is to start from; raise CharrnnError where the run's directory is the model's."""
    path = find_model(named)
    if path.resolve().parent == directory.path.resolve():
        raise CharrnnError(
            f"{directory.path} is where the model is that the training would start from",
            hint="`--out DIR` puts the new run elsewhere",
        )
    return Origin(path=path, model=load(path))


def documents_of(asked: str | None, origin: Origin | None) -> str | None:
    """Say what the text is made of: as the model knows it, or else as it is asked for (WrongUsageError)."""
    known = origin.model.config.documents if origin else None
    if known is not None and asked is not None and asked != known:
        assert origin is not None
        raise WrongUsageError(
            f"{origin.path} was trained on documents by {known}; --documents {asked} asks for others",
            hint=f"`--documents {known}`, or leave it out",
        )
    return asked or known


def settled(given: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
    """Fill in what the model settles; raise WrongUsageError where something else was given."""
    config = origin.model.config
    for name in SETTLED:
        asked, known = given.get(name), getattr(config, name)
        if asked is not None and asked != known:
            raise WrongUsageError(
                f"{origin.path} has {name} {known}; --{name} {asked} would be another network",
                hint=f"leave out `--{name}`, or train without `--from`",
            )
    return {**given, **{name: getattr(config, name) for name in SETTLED}}


def is_same(saved: str | None, asked: str) -> bool:
    """Tell whether a model, as it was named now, is the one that a run was begun from; it may be gone by now."""
    named = Path(asked)
    return saved is not None and Path(saved).resolve() in (named.resolve(), RunDirectory(named).model.resolve())
