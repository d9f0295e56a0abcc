"""Whose a directory is: a run's, nobody's yet, or somebody else's, who would not like it to be written in."""

import re

from charrnn.errors import CharrnnError
from charrnn.network.tensor_file import read_metadata
from charrnn.runs import RunDirectory

_LEFT_BEHIND = re.compile(r"\.charrnn-\d+-[0-9a-f]{16}\.tmp|\.lock")


def is_foreign(directory: RunDirectory) -> bool:
    """Tell whether there is something where the run is to be that no run left there."""
    path = directory.path
    if not path.exists():
        return False
    if not path.is_dir():
        return True
    empty = all(_LEFT_BEHIND.fullmatch(entry.name) for entry in path.iterdir())
    return not (empty or _is_ours(directory))


def _is_ours(directory: RunDirectory) -> bool:
    """Tell by what only charrnn makes; a config.yaml or a model.safetensors may be anybody's."""
    if directory.corpus.with_suffix(".json").exists() or directory.checkpoints():
        return True
    try:
        return bool(read_metadata(directory.model))
    except CharrnnError:
        return False
