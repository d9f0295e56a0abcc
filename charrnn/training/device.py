"""Devices: their choice and precision, the seed of each step, and out-of-memory errors."""

import dataclasses
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from charrnn._version import __version__
from charrnn.arguments import AUTO, DEVICES
from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError, WrongUsageError, is_out_of_memory
from charrnn.network.cells import CELLS
from charrnn.network.model_file import count_parameters
from charrnn.resources import available_cores, torch_threads, usable_memory
from charrnn.training.world import SINGLE_PROCESS_WORLD, World


def choose_device(name: str, world: World = SINGLE_PROCESS_WORLD) -> str:
    """Return a device, for `auto` the fastest one; raise WrongUsageError if it is not available.

    Of several processes, each uses a GPU of its own.
    """
    device = _choose_device(name)
    if world.is_distributed and device == "mps":
        raise WrongUsageError("several processes cannot share an MPS device", hint="`--device cpu`")
    if world.is_distributed and device == "cuda":
        if world.local_size > torch.cuda.device_count():
            raise WrongUsageError(
                f"{world.local_size} processes on this machine, but only {torch.cuda.device_count()} GPUs",
                hint="`--nproc-per-node gpu`, or `--device cpu`",
            )
        torch.cuda.set_device(world.local_rank)
    return device


def _choose_device(name: str) -> str:
    """Return the device that a name stands for (WrongUsageError)."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == AUTO:
        return next((gpu for gpu in DEVICES[1:] if available[gpu]), "cpu")
    if not available[name]:
        raise WrongUsageError(f"no {name.upper()} device here", hint="`--device cpu`")
    return name


def choose_precision(name: str, device: str) -> str:
    """Return a precision; for `auto`, bfloat16 on CPUs with native support, otherwise float32 (see `tf32`)."""
    if name != AUTO:
        return name
    return "bfloat16" if device == "cpu" and _has_native_bfloat16() else "float32"


def set_threads(threads: int | None, world: World = SINGLE_PROCESS_WORLD) -> None:
    """Set the number of torch's threads; None: torch's default, limited to the available cores.

    Several processes share the cores of a machine. A single thread is the default of torchrun, which is ignored.
    """
    default = torch.get_num_threads()
    is_default_of_torchrun = world.is_distributed and default == 1
    shared = max(1, available_cores() // world.local_size)
    number = threads or (shared if is_default_of_torchrun else torch_threads(default))
    if number != default:
        torch.set_num_threads(number)


@contextmanager
def threads_at_most(limit: int | None) -> Iterator[None]:
    """Limit the number of torch's threads in the block, and restore it afterwards; None: no limit."""
    before = torch.get_num_threads()
    if limit is not None and limit < before:
        torch.set_num_threads(limit)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


@contextmanager
def tf32(device: torch.device, *, allowed: bool) -> Iterator[None]:
    """Allow or forbid TF32 on a GPU: tensor cores round the factors of float32 products to ten bits of mantissa.

    Products are several times faster with TF32 (bfloat16 has seven bits). Training steps use it, evaluations do not.
    On other devices this does nothing.
    """
    if device.type != "cuda":
        yield
        return
    products, layers = torch.backends.cuda.matmul, torch.backends.cudnn
    with _tf32_warning_ignored():
        before = products.allow_tf32, layers.allow_tf32
        products.allow_tf32 = layers.allow_tf32 = allowed
    try:
        yield
    finally:
        with _tf32_warning_ignored():
            products.allow_tf32, layers.allow_tf32 = before


@contextmanager
def _tf32_warning_ignored() -> Iterator[None]:
    """Ignore the deprecation warning of these settings, which only torch 2.9.0 has."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Please use the new API settings to control TF32")
        yield


def _has_native_bfloat16() -> bool:
    """Return whether the CPU has AVX-512 BF16 or AMX; without them, bfloat16 is emulated and slower than float32."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def environment(device: torch.device, world: World = SINGLE_PROCESS_WORLD) -> dict[str, Any]:
    """Return versions, device, threads and processes; a run continues bit for bit only if they are equal."""
    values: dict[str, Any] = {"charrnn": __version__, "torch": torch.__version__}
    values |= {"threads": torch.get_num_threads(), "device": device.type}
    if device.type == "cuda":
        cudnn_version = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
        values |= {"GPU": torch.cuda.get_device_name(), "cuDNN": cudnn_version}
    return values | ({"processes": world.size} if world.is_distributed else {})


# Seeds: the seed of the run and the step determine all random numbers, so no generator state is saved. Dropout masks
# come from torch's global generators, because a device draws from its own generator without waiting for the host.


def seed_step(device: torch.device, seed: int, step: int) -> None:
    """Seed the generators that a step draws from; torch.manual_seed seeds those of all devices and is slow."""
    seed_of_step = step_seed(seed, step)
    torch.default_generator.manual_seed(seed_of_step)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed_of_step)
    elif device.type == "mps":
        torch.mps.manual_seed(seed_of_step)


def step_seed(seed: int, step: int) -> int:
    """Return the seed of a step of a run: a splitmix64 finalizer over both."""
    value = (seed * 0x9E3779B97F4A7C15 + step) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return (value ^ (value >> 31)) & 0x7FFFFFFFFFFFFFFF


# Out of memory: what a training needs, what is available, and which settings would fit

WEIGHT_COPIES = 8
"""raw, averaged and best weights, gradients, two moments of the optimizer, and two copies while saving"""
BYTES_PER_NUMBER = 4
"""of a float32"""
LIBRARY_BYTES = 500_000_000
"""memory that torch and Python use"""
USABLE_FRACTION = 0.8
"""fraction of the available memory that an estimate may reach; the rest is for what is not estimated"""


@contextmanager
def oom_as_error(
    network: NetworkConfig, training: TrainingConfig, vocabulary_size: int, device: str
) -> Iterator[None]:
    """Raise an out-of-memory error as a CharrnnError with the estimated need and with settings that would fit."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_torch_out_of_memory(error):
            raise
        needed, available = estimate_bytes(network, training, vocabulary_size), available_bytes(device)
        raise CharrnnError(
            f"out of memory: the training needs about {needed / 1e9:,.1f} GB, "
            f"and {available / 1e9:,.1f} GB are available",
            hint=suggest_smaller(network, training, vocabulary_size, available),
        ) from error


def is_torch_out_of_memory(error: BaseException) -> bool:
    """Return whether an error is an out-of-memory error of torch, Python or the operating system."""
    return isinstance(error, torch.OutOfMemoryError) or is_out_of_memory(error)


def estimate_bytes(network: NetworkConfig, training: TrainingConfig, vocabulary_size: int) -> int:
    """Return an estimate of the bytes of a training: copies of the weights, and activations of a window."""
    gates = len(CELLS[network.cell].gates)
    per_char = network.layers * (gates + 3) * network.hidden + 3 * vocabulary_size
    window = 2 * training.batch * training.length * per_char
    return BYTES_PER_NUMBER * (WEIGHT_COPIES * count_parameters(network, vocabulary_size) + window) + LIBRARY_BYTES


def suggest_smaller(network: NetworkConfig, training: TrainingConfig, vocabulary_size: int, available: float) -> str:
    """Return options with a smaller batch or width that fit into the available bytes, as a hint."""

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
    """Return the bytes that this process can use: the memory of the GPU, or `usable_memory` on a CPU."""
    if device == "cuda":
        return float(torch.cuda.mem_get_info()[1])
    return usable_memory()
