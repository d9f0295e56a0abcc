"""The cells' own speed: forward and backward of every cell against the machine's large matrix product, side by side.

    python tests/benchmarks/cells.py [--sizes 1x256x32x32 1x512x32x64] [--device cpu] [--rounds 15]

A size is layers × units × streams × characters. Every network has 65 symbols, 32 wide, and an output layer. A round
times each way once, one after the other, so that all have the same machine; printed are medians over the rounds. What
counts as work is the products' alone: 6 × weights × characters. `torch` is torch's own layer where ours is another.
With `--cpu-time`, one thread's CPU time is measured, which other programs on the machine hardly change.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

from charrnn import resources

resources.set_short_spin()  # before torch starts its threads
resources.keep_freed_memory()

import torch
from torch import Tensor, nn
from torch.nn import functional

from charrnn.network.cells import CELLS
from charrnn.network.char_rnn import LAYERS, WEIGHT_MODULES, layer_weights
from charrnn.training.device import choose_device, choose_precision

SIZES = ("1x128x50x50", "1x256x32x32", "1x512x32x64", "1x512x64x64", "2x128x50x50", "2x512x32x64")
SYMBOLS, WIDTH = 65, 32
SECONDS = 0.03
"""minimum time of a candidate in a round, reached by repetition"""
PRODUCT = 1024
"""rows and columns of the reference product"""


Clock = Callable[[], float]


class Size(NamedTuple):
    """The size of a network and of its batches."""

    layers: int
    units: int
    streams: int
    characters: int


class Candidate(NamedTuple):
    """A function to time, and its number of floating-point operations."""

    once: Callable[[], object]
    operations: float


def network(cell: str, size: Size, device: str, precision: str, ours: bool) -> Candidate:
    """Return a function that runs a network forward and backward through one window, with our layers or torch's."""
    torch.manual_seed(0)
    embedding = nn.Embedding(SYMBOLS, WIDTH).to(device)
    layers = WEIGHT_MODULES[cell](WIDTH, size.units, size.layers).to(device)
    output = nn.Linear(size.units, SYMBOLS).to(device)
    ids, following = torch.randint(SYMBOLS, (2, size.characters, size.streams), device=device)
    state = [torch.zeros(size.streams, size.units, device=device)] * (2 if CELLS[cell].has_cell_state else 1)

    def hidden(inputs: Tensor) -> Tensor:
        if not ours:
            return layers(inputs)[0]  # type: ignore[no-any-return]
        for layer in range(size.layers):
            inputs, _ = LAYERS[cell](inputs, tuple(state), layer_weights(cell, layers, layer), None)
        return inputs

    def once() -> None:
        with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            logits = output(hidden(embedding(ids)))
        loss = functional.cross_entropy(logits.flatten(0, 1).float(), following.flatten())
        loss.backward()  # type: ignore[no-untyped-call]

    matrices = [weight for weight in (*layers.parameters(), output.weight) if weight.dim() == 2]
    return Candidate(once, 6 * sum(weight.numel() for weight in matrices) * ids.numel())


def product(device: str, dtype: torch.dtype) -> Candidate:
    """Multiply two large matrices."""
    left, right = torch.ones(2, PRODUCT, PRODUCT, device=device, dtype=dtype)
    return Candidate(lambda: left @ right, 2 * PRODUCT**3)


def seconds(variant: Candidate, device: str, times: int, clock: Clock) -> float:
    """Return the mean time of a run."""
    began = clock()
    for _ in range(times):
        variant.once()
    if device == "cuda":
        torch.cuda.synchronize()
    return (clock() - began) / times


def gigaflops(variants: dict[str, Candidate], device: str, rounds: int, clock: Clock) -> dict[str, float]:
    """Time all candidates in turns; return the median speed of each, in 1e9 operations per second."""
    for variant in variants.values():
        seconds(variant, device, 2, clock)
    repeats = {
        name: max(1, round(SECONDS / seconds(variant, device, 2, clock))) for name, variant in variants.items()
    }
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, variant in variants.items():
            times[name].append(seconds(variant, device, repeats[name], clock))
    return {name: variant.operations / statistics.median(times[name]) / 1e9 for name, variant in variants.items()}


def compare(size: Size, device: str, precision: str, rounds: int, clock: Clock) -> dict[str, float]:
    """Measure one size: the speeds of cells and product, and their ratios."""
    variants = {"product": product(device, torch.float32)}
    if choose_precision("auto", device) == "bfloat16":
        variants["bfloat16"] = product(device, torch.bfloat16)
    variants |= {cell: network(cell, size, device, precision, ours=True) for cell in LAYERS}
    variants |= {f"torch {cell}": network(cell, size, device, precision, ours=False) for cell in ("gru", "rnn")}
    speeds = gigaflops(variants, device, rounds, clock)
    against = "bfloat16" if precision == "bfloat16" and "bfloat16" in variants else "product"
    return speeds | {
        "lstm/product": speeds["lstm"] / speeds[against],
        **{f"{cell}/lstm": speeds[cell] / speeds["lstm"] for cell in ("gru", "peephole", "cifg", "capped")},
        "gru/torch": speeds["gru"] / speeds["torch gru"],
        "rnn/torch": speeds["rnn"] / speeds["torch rnn"],
    }


def main() -> None:
    """Print a table with a line per size; columns are speeds in GFLOP/s and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=SIZES)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--cpu-time", action="store_true")
    arguments = parser.parse_args()
    if arguments.cpu_time:
        torch.set_num_threads(1)
    clock = time.thread_time if arguments.cpu_time else time.perf_counter
    device = choose_device(arguments.device)
    precision = choose_precision(arguments.precision, device)
    print(f"{device}, {precision}, {torch.get_num_threads()} threads; GFLOP/s, medians of {arguments.rounds} rounds")
    for number, text in enumerate(arguments.sizes):
        size = Size(*(int(part) for part in text.split("x")))
        row = compare(size, device, precision, arguments.rounds, clock)
        if number == 0:
            print(f"{'':14}", *(f"{name:>12}" for name in row))
        print(f"{text:14}", *(f"{value:12.2f}" if "/" in name else f"{value:12,.0f}" for name, value in row.items()))


if __name__ == "__main__":
    main()
