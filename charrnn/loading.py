"""Opens what was trained: models by the names of their runs, for Python.

What can be done with one is left to the model itself.
"""

import os
from pathlib import Path

from charrnn import runs
from charrnn.arguments import path_name, system_errors
from charrnn.network.model_file import load_model as load_file
from charrnn.trained import TrainedModel


def load(named: str | os.PathLike[str] | None = None) -> TrainedModel:
    """Load a model by its run's directory or its own file; by default the newest run in `checkpoints/`.

    CharrnnError if there is none, or if the file is no model.

    >>> charrnn.load().path.as_posix()
    'checkpoints/letters/model.safetensors'
    """
    wanted = None if named is None else Path(path_name(named, "the name of the model"))
    with system_errors():
        path = runs.find_model(wanted)
        return TrainedModel(path=path, model=load_file(path))


def models(directory: str | os.PathLike[str] = runs.RUNS) -> list[Path]:
    """List the runs in a directory that have a model, the newest first; each can be loaded.

    >>> [run.as_posix() for run in charrnn.models()]
    ['checkpoints/letters']
    """
    where = Path(path_name(directory, "directory"))
    with system_errors():
        return [model.parent for model in runs.list_models(where)]
