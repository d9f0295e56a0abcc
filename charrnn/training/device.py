"""Devices: their choice, precision and speed, the seeds of a step, and out-of-memory errors."""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError, WrongUsageError, is_out_of_memory
from charrnn.memory_limits import usable_memory
from charrnn.network.cells import CELLS
from charrnn.network.model_file import count_weights

SECONDS_PROBED = 0.1
SHARE_REACHED = 0.45
"""of the speed of a large product, by a whole training step (measured on CPUs: 0.35 to 0.6)"""


def choose_device(name: str) -> str:
    """Take the fastest device there is for `auto`; raise WrongUsageError for one that is not there."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return next(candidate for candidate in ("cuda", "mps", "cpu") if available[candidate])
    if not available[name]:
        raise WrongUsageError(f"no {name.upper()} device here", hint="`--device cpu`")
    return name


def choose_precision(name: str, device: str) -> str:
    """Take bfloat16 for `auto` where a CPU multiplies in it natively, float32 elsewhere; see `tf32`."""
    if name != "auto":
        return name
    return "bfloat16" if device == "cpu" and _has_native_bfloat16() else "float32"


@contextmanager
def tf32(device: torch.device, *, allowed: bool) -> Iterator[None]:
    """Have a GPU round the factors of float32 products to ten bits of fraction, or not; elsewhere do nothing.

    Tensor cores are several times faster so (bfloat16 has seven bits). Steps may; what is told of a network is
    measured without.
    """
    if device.type != "cuda":
        yield
        return
    products, layers = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, layers.allow_tf32
    products.allow_tf32 = layers.allow_tf32 = allowed
    try:
        yield
    finally:
        products.allow_tf32, layers.allow_tf32 = before


def flops_per_second(device: str, precision: str) -> float:
    """Measure, in a tenth of a second, what a training step can about reach."""
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    left = torch.ones(512, 1024, device=device, dtype=dtype)
    right = torch.ones(1024, 1024, device=device, dtype=dtype)
    fastest, began = float("inf"), time.perf_counter()
    while time.perf_counter() - began < SECONDS_PROBED:
        start = time.perf_counter()
        (left @ right)[0, 0].item()
        fastest = min(fastest, time.perf_counter() - start)
    return SHARE_REACHED * 2 * 512 * 1024 * 1024 / fastest


def _has_native_bfloat16() -> bool:
    """Ask the processor for AVX-512 BF16 or AMX; without them bfloat16 is emulated and slower than float32."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16", "bf16"))


# Seeds: the seed of the run and the step determine all random numbers, so no generator state is saved. Dropout masks
# come from torch's global generator, because it is the one that stays on the device.


def seed_step(device: torch.device, seed: int, step: int) -> None:
    """Seed the generators that a step draws from; torch.manual_seed seeds all there are, slowly."""
    start = step_seed(seed, step)
    torch.default_generator.manual_seed(start)
    if device.type == "cuda":
        torch.cuda.manual_seed(start)
    elif device.type == "mps":
        torch.mps.manual_seed(start)


def step_seed(seed: int, step: int) -> int:
    """Give each step of each seed its own start of chance (a splitmix64 finaliser over both)."""
    mixed = (seed * 0x9E3779B97F4A7C15 + step) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return (mixed ^ (mixed >> 31)) & 0x7FFFFFFFFFFFFFFF


# Out of memory: what a training needs, what is available, and which settings would fit

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
