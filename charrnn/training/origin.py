"""The model that a training starts from: which one is meant, what it settles, and the weights to begin with.

It is only read. Torch is not needed here, so that a command can be refused before it is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.network.model_file import Model, load_model
from charrnn.runs import RunDirectory, find_model

MODEL_SETTINGS = ("cell", "layers", "hidden", "embedding")
"""settings that trained weights leave no choice of"""


@dataclass(frozen=True, kw_only=True)
class PretrainedModel:
    """A trained model, to go on from with another text."""

    path: Path
    model: Model

    @property
    def characters(self) -> tuple[str, ...]:
        """Those that it knows, in id order."""
        return self.model.vocabulary.characters


def model_file_of(named: Path) -> Path:
    """Say which file is meant: of a run, and of a checkpoint that lies in one, the run's best weights."""
    run = RunDirectory(named if named.is_dir() else named.parent)
    of_a_run = named == run.path or named in run.checkpoints()
    return run.model if of_a_run and run.model.exists() else named


def load_pretrained(named: Path, directory: RunDirectory) -> PretrainedModel:
    """Load the model that a run is to start from; raise CharrnnError where the run's directory is the model's."""
    path = find_model(named)
    if path.resolve().parent == directory.path.resolve():
        raise CharrnnError(
            f"{directory.path} is where the model is that the training would start from",
            hint="`--out DIR` puts the new run elsewhere",
        )
    return PretrainedModel(path=path, model=load_model(path))


def document_kind(requested: str | None, pretrained: PretrainedModel | None) -> str | None:
    """Say what the text is made of: as the model knows it, or else as it is asked for (WrongUsageError)."""
    model_kind = pretrained.model.config.documents if pretrained else None
    if model_kind is not None and requested is not None and requested != model_kind:
        assert pretrained is not None
        raise WrongUsageError(
            f"{pretrained.path} was trained on documents by {model_kind}; --documents {requested} asks for others",
            hint=f"`--documents {model_kind}`, or leave it out",
        )
    return requested or model_kind


def with_model_settings(given: Mapping[str, Any], pretrained: PretrainedModel) -> dict[str, Any]:
    """Fill in what the model settles; raise WrongUsageError where something else was given."""
    config = pretrained.model.config
    for name in MODEL_SETTINGS:
        requested, model_value = given.get(name), getattr(config, name)
        if requested is not None and requested != model_value:
            raise WrongUsageError(
                f"{pretrained.path} has {name} {model_value}; --{name} {requested} would be another network",
                hint=f"leave out `--{name}`, or train without `--from`",
            )
    return {**given, **{name: getattr(config, name) for name in MODEL_SETTINGS}}


def is_same_model(saved: str | None, requested: str) -> bool:
    """Tell whether a model, as it was named now, is the one that a run was begun from; it may be gone by now."""
    named = Path(requested)
    return saved is not None and Path(saved).resolve() in (named.resolve(), RunDirectory(named).model.resolve())
