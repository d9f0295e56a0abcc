"""Which device learns, in which precision, and how fast it multiplies."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from charrnn.errors import WrongUsageError

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
