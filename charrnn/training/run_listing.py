"""Listings of runs: the text, the network, the size, the time and the losses of a run, from untrusted files."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from charrnn.config import CELL_TITLES, NetworkConfig
from charrnn.errors import CharrnnError
from charrnn.network.model_file import read_info, weight_shapes
from charrnn.storage.run_directory import RunDirectory, display_name
from charrnn.training.metrics import History, is_loss, read_history


@dataclass(frozen=True, kw_only=True)
class RunListing:
    """A run in a list of runs."""

    model: str
    """path of the model file"""
    text: str
    """name of the training text"""
    network: str
    """kind and size of the network"""
    bits_per_char: float | None
    """loss on held-out text; None if it was never measured"""
    bytes: int
    """size of the model file"""
    seconds_old: float
    """time since the model file was written"""
    parameters: int | None = None
    """number of weights; None if the file cannot be read"""
    seconds: float | None = None
    """time of the training; None if it was not recorded"""
    problem: str = ""
    """why the model file cannot be read; "" if it can"""


def read_listing(model: Path, now: float) -> RunListing:
    """Return the listing of a model file, from its header only."""
    status = model.stat()
    listing = RunListing(
        model=str(model),
        text="",
        network="",
        bits_per_char=None,
        bytes=status.st_size,
        seconds_old=max(0.0, now - status.st_mtime),
    )
    try:
        header = read_info(model)
    except CharrnnError as error:
        return replace(listing, problem=error.message)
    config, nats, seconds = header.config, header.training.get("val_nats"), header.training.get("seconds")
    shapes = weight_shapes(config, len(header.vocabulary)).values()
    return replace(
        listing,
        text=PurePath(str(header.training.get("corpus") or "-")).name,
        network=network_label(config),
        bits_per_char=nats / math.log(2) if isinstance(nats, float) and math.isfinite(nats) else None,
        parameters=sum(map(math.prod, shapes)),
        seconds=float(seconds) if is_loss(seconds) else None,
    )


def network_label(config: NetworkConfig) -> str:
    """Return the kind and the size of a network.

    >>> network_label(NetworkConfig(cell="gru", layers=2, hidden=384))
    'GRU 2×384'
    """
    return f"{CELL_TITLES[config.cell]} {config.layers}×{config.hidden}"


def model_labels(models: Sequence[Path]) -> list[str]:
    """Return short names of models for headings: the last parts of their names, or the names if these are equal.

    >>> model_labels([Path("checkpoints/gru/model.safetensors"), Path("old.safetensors")])
    ['gru', 'old.safetensors']
    """
    names = [display_name(model) for model in models]
    short = [PurePath(name).name for name in names]
    return short if len(set(short)) == len(short) else names


class RunCurve(NamedTuple):
    """The held-out loss of a run by step, and the constant factors that turn a step into other quantities."""

    label: str
    """name of the run in a legend"""
    history: History
    """loss curves by step"""
    per_step: Mapping[str, float]
    """characters and seconds per step; a quantity that the run does not record is missing"""


def read_curve(model: Path, label: str) -> RunCurve:
    """Return the losses of a run, without curves if its model file is not valid (OSError)."""
    history = read_history(RunDirectory(model.parent).metrics)
    try:
        training = read_info(model).training
    except CharrnnError:  # the listing names the problem
        return RunCurve(label, History(), {})
    return RunCurve(label, history, _per_step(training, history))


def _per_step(training: Mapping[str, Any], history: History) -> dict[str, float]:
    """Return the characters and the seconds per step; the values of a model file may be anything."""
    last_step = max((step for step, _ in (*history.training, *history.validation)), default=0)
    step, epoch, characters = (training.get(name) for name in ("step", "epoch", "train_characters"))
    factors = {}
    if is_loss(step) and step and is_loss(epoch) and is_loss(characters):
        factors["characters"] = epoch * characters / step
    if is_loss(seconds := training.get("seconds")) and last_step:
        factors["seconds"] = seconds / last_step
    return {name: factor for name, factor in factors.items() if factor}
