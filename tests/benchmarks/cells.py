"""Measure the speed of forward and backward passes of every cell type, relative to a large matrix product.

    python tests/benchmarks/cells.py [--sizes 1x256x32x32 1x512x32x64] [--device cpu] [--rounds 15]

A size is layers × units × streams × characters. Every network has 65 symbols, embeddings of 32 dimensions and an
output layer. Each round times all networks and products in turn, so that other programs slow all of them down alike;
the script prints medians over the rounds. Only matrix products count as operations: 6 × weights × characters. `torch
gru` and `torch rnn` are the layers of torch. With `--cpu-time`, the CPU time of one thread is measured, which other
programs hardly change.
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
SYMBOLS, EMBEDDING_SIZE = 65, 32
MIN_SECONDS = 0.03
"""minimum time of a candidate in each round, reached by repetition"""
MATRIX_SIZE = 1024
"""rows and columns of the matrices in the reference product"""

Clock = Callable[[], float]


class Size(NamedTuple):
    """The size of a network and of its batches."""

    layers: int
    units: int
    streams: int
    characters: int


class Candidate(NamedTuple):
    """A function to time, and its number of floating-point operations."""

    run: Callable[[], object]
    operations: float


def network_candidate(cell: str, size: Size, device: str, precision: str, *, torch_layers: bool) -> Candidate:
    """Return a forward and backward pass of a network through one window, with layers of torch or of charrnn."""
    torch.manual_seed(0)
    embedding = nn.Embedding(SYMBOLS, EMBEDDING_SIZE).to(device)
    layers = WEIGHT_MODULES[cell](EMBEDDING_SIZE, size.units, size.layers).to(device)
    output = nn.Linear(size.units, SYMBOLS).to(device)
    ids, targets = torch.randint(SYMBOLS, (2, size.characters, size.streams), device=device)
    state = [torch.zeros(size.streams, size.units, device=device)] * (2 if CELLS[cell].has_cell_state else 1)

    def hidden_states(inputs: Tensor) -> Tensor:
        if torch_layers:
            return layers(inputs)[0]  # type: ignore[no-any-return]
        for layer in range(size.layers):
            inputs, _ = LAYERS[cell](inputs, tuple(state), layer_weights(cell, layers, layer), None)
        return inputs

    def run() -> None:
        with torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            logits = output(hidden_states(embedding(ids)))
        loss = functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten())
        loss.backward()  # type: ignore[no-untyped-call]

    matrices = [weight for weight in (*layers.parameters(), output.weight) if weight.dim() == 2]
    return Candidate(run, 6 * sum(weight.numel() for weight in matrices) * ids.numel())


def product_candidate(device: str, dtype: torch.dtype) -> Candidate:
    """Return the multiplication of two large matrices."""
    left, right = torch.ones(2, MATRIX_SIZE, MATRIX_SIZE, device=device, dtype=dtype)
    return Candidate(lambda: left @ right, 2 * MATRIX_SIZE**3)


def mean_seconds(candidate: Candidate, device: str, repeats: int, clock: Clock) -> float:
    """Return the mean time of a candidate over a number of repetitions."""
    start_time = clock()
    for _ in range(repeats):
        candidate.run()
    if device == "cuda":
        torch.cuda.synchronize()
    return (clock() - start_time) / repeats


def gigaflops(candidates: dict[str, Candidate], device: str, rounds: int, clock: Clock) -> dict[str, float]:
    """Time all candidates in turn; return the median speed of each, in 1e9 operations per second."""
    for candidate in candidates.values():
        mean_seconds(candidate, device, 2, clock)
    repeats = {
        name: max(1, round(MIN_SECONDS / mean_seconds(candidate, device, 2, clock)))
        for name, candidate in candidates.items()
    }
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, candidate in candidates.items():
            times[name].append(mean_seconds(candidate, device, repeats[name], clock))
    return {
        name: candidate.operations / statistics.median(times[name]) / 1e9 for name, candidate in candidates.items()
    }


def compare(size: Size, device: str, precision: str, rounds: int, clock: Clock) -> dict[str, float]:
    """Return the speeds of all networks and products of one size, and ratios of speeds."""
    candidates = {"product": product_candidate(device, torch.float32)}
    if choose_precision("auto", device) == "bfloat16":
        candidates["bfloat16"] = product_candidate(device, torch.bfloat16)
    for cell in LAYERS:
        candidates[cell] = network_candidate(cell, size, device, precision, torch_layers=False)
    for cell in ("gru", "rnn"):
        candidates[f"torch {cell}"] = network_candidate(cell, size, device, precision, torch_layers=True)
    speeds = gigaflops(candidates, device, rounds, clock)
    reference = "bfloat16" if precision == "bfloat16" and "bfloat16" in candidates else "product"
    return speeds | {
        "lstm/product": speeds["lstm"] / speeds[reference],
        **{f"{cell}/lstm": speeds[cell] / speeds["lstm"] for cell in ("gru", "peephole", "cifg", "capped")},
        "gru/torch": speeds["gru"] / speeds["torch gru"],
        "rnn/torch": speeds["rnn"] / speeds["torch rnn"],
    }


def main() -> None:
    """Print a table with a row for each size; its columns are speeds in GFLOP/s and ratios of speeds."""
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
