"""Where the chance of a step comes from: the seed and the step alone, so that there is no generator to carry.

Masks are drawn from torch's global generator, which is seeded for that: it is the one that stays on the device.
"""

import torch


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
