"""Out of memory: what a training needs, what there is, and which settings would fit."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError, is_out_of_memory
from charrnn.memory_limits import usable_memory
from charrnn.network.cells import CELLS
from charrnn.network.model_file import count_weights

WEIGHT_COPIES = 8
"""the weights, their means and gradients, the optimiser's two means, the best, and two more while they are saved"""
BYTES_PER_NUMBER = 4
LIBRARY_BYTES = 500_000_000
"""bytes that torch and Python take by themselves"""
USABLE_FRACTION = 0.8
"""of what there is; the rest is for what is not counted here"""


@contextmanager
def oom_as_error(
    network: NetworkConfig, training: TrainingConfig, vocabulary_size: int, device: str
) -> Iterator[None]:
    """Turn running out of memory into a CharrnnError that says what is needed and what would fit."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_torch_out_of_memory(error):
            raise
        needs, there = estimate_bytes(network, training, vocabulary_size), available_bytes(device)
        raise CharrnnError(
            f"out of memory: it needs about {needs / 1e9:,.1f} GB, and there are {there / 1e9:,.1f}",
            hint=suggest_smaller(network, training, vocabulary_size, there),
        ) from error


def is_torch_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out, whoever noticed."""
    return isinstance(error, torch.OutOfMemoryError) or is_out_of_memory(error)


def estimate_bytes(network: NetworkConfig, training: TrainingConfig, vocabulary_size: int) -> int:
    """Estimate the bytes of a training: copies of the weights, and what a window leaves for its gradient."""
    gates = len(CELLS[network.cell].gates)
    a_character = network.layers * (gates + 3) * network.hidden + 3 * vocabulary_size
    window = 2 * training.batch * training.length * a_character
    return BYTES_PER_NUMBER * (WEIGHT_COPIES * count_weights(network, vocabulary_size) + window) + LIBRARY_BYTES


def suggest_smaller(network: NetworkConfig, training: TrainingConfig, vocabulary_size: int, available: float) -> str:
    """Say which batch or, where none is small enough, which width would fit into so many bytes."""

    def fits(network: NetworkConfig, training: TrainingConfig) -> bool:
        return estimate_bytes(network, training, vocabulary_size) <= USABLE_FRACTION * available

    hints = []
    batch = training.batch // 2
    while batch and not fits(network, dataclasses.replace(training, batch=batch)):
        batch //= 2
    hidden = network.hidden // 2
    while hidden > 1 and not fits(dataclasses.replace(network, hidden=hidden), training):
        hidden //= 2
    hints += [f"`--batch {batch}`"] if batch else []
    hints += [f"`--hidden {hidden}`"] if hidden > 1 else []
    return " or ".join(hints) or "a smaller `--batch` and `--hidden`"


def available_bytes(device: str) -> float:
    """Say how many bytes there are for this process: a GPU's, or the least that machine and limits leave."""
    if device == "cuda":
        return float(torch.cuda.mem_get_info()[1])
    return usable_memory()
