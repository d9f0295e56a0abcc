"""The settings of a run: every one of them, with where it came from, as a file that `--config` takes."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from charrnn import config_file
from charrnn.storage import atomic_write
from charrnn.training.origin import MODEL_SETTINGS
from charrnn.training.session import Session

RECIPE_SETTINGS = (
    "hidden",
    "embedding",
    "dropout",
    "input_dropout",
    "weight_drop",
    "batch",
    "length",
    "lr",
    "precision",
)
"""settings that the recipe fits to text, device and budget"""
PER_COMMAND = ("out", "device", "threads", "quiet", "new", "as_json")
"""options that belong to one command, not to the run"""


def write_config(
    session: Session, corpus: tuple[str, ...], options: Mapping[str, Any], origins: Mapping[str, str]
) -> None:
    """Write the settings of a run that was begun, `origins` saying which came from where (OSError)."""
    trainer = session.trainer
    settings: dict[str, Any] = {"corpus": list(corpus)} if corpus else {}
    settings |= dataclasses.asdict(trainer.network.config) | dataclasses.asdict(trainer.training)
    settings |= {name: value for name, value in options.items() if name not in (*settings, *PER_COMMAND)}
    # One budget is all that `--config` takes; epochs have become steps.
    settings |= {"epochs": None} | ({"steps": None} if settings["minutes"] else {})
    whence = {**dict.fromkeys(RECIPE_SETTINGS, "chosen for this text"), **origins}
    if trainer.init_from:
        whence |= dict.fromkeys(MODEL_SETTINGS, "of the model it starts from")
    lines = {name: (value, whence.get(name, "default")) for name, value in settings.items() if value is not None}
    atomic_write(session.directory.config, config_file.format_settings(lines).encode())
