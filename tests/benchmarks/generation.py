"""Compare the speed of generating text: charrnn with torch, a batch with a single sample, colored with plain output.

    python tests/benchmarks/generation.py

The loop in torch consists of nn.LSTM, softmax and multinomial. The time of the batch of 64 samples is that of one
character of one sample. Colored output is that of `charrnn sample --show`.

The weights are random, because the speed does not depend on them. All generators run in turn, so that other programs
slow all of them down alike; compare the ratios of the medians. Before each turn there is a pause, because the idle
threads of either library spin for a while and would take the cores of the other one.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median

import numpy as np
import torch

from charrnn.config import NetworkConfig
from charrnn.generation.batched import BATCH_SLOTS, generate_batch
from charrnn.generation.generate import NO_STOP, GeneratedChar, generate, prefill_prompt
from charrnn.generation.measured import cell_activation, state_after, with_activation, with_surprisal
from charrnn.generation.sampling import SamplingParams
from charrnn.network.cell_id import CellId
from charrnn.network.char_rnn import CharRNN
from charrnn.network.inference import NO_CLAMPS, InferenceRNN
from charrnn.resources import keep_freed_memory
from charrnn.text.vocabulary import Vocabulary
from charrnn.views.colored_writing import ColoredWriting
from charrnn.views.sanitize import sanitize
from charrnn.views.value_scale import ActivationScale, SurprisalScale

SIZES = ((1, 512), (2, 128), (2, 512))
VOCABULARY = Vocabulary(("\n", *map(chr, range(32, 96))))
TEMPERATURE = 0.8
ROUNDS = 5
CHARACTERS = 120
PAUSE = 0.15
"""pause in seconds before each turn"""
OUTPUT_SCALE = 16
"""factor of the initial output weights, with which predictions are about as confident as after training"""
WARM_UP_CHARACTERS = 20
"""number of characters at the start of a turn that are not timed"""


def inference_rnn(network: CharRNN) -> InferenceRNN:
    """Return a network for inference with NumPy."""
    return InferenceRNN(network.config, {name: weight.numpy() for name, weight in network.state_dict().items()})


def generate_single(rnn: InferenceRNN) -> Iterator[GeneratedChar]:
    """Generate characters as `charrnn sample` does."""
    return generate(rnn, VOCABULARY, rng=np.random.default_rng(0), params=SamplingParams(temperature=TEMPERATURE))


def generate_with_torch(network: CharRNN) -> Iterator[object]:
    """Generate characters with the fused layers of torch, as in a typical sampling loop."""
    state, ids = network.initial_state(1), torch.zeros(1, 1, dtype=torch.long)
    while True:
        with torch.inference_mode():
            logits, state = network(ids, state)
            ids = torch.multinomial(torch.softmax(logits[0] / TEMPERATURE, -1), 1)
        yield VOCABULARY.characters[int(ids)]


def generate_samples(rnn: InferenceRNN) -> Iterator[object]:
    """Generate characters as `charrnn sample --count 64` does."""
    rngs = [np.random.default_rng(seed) for seed in range(BATCH_SLOTS)]
    prefilled, params = prefill_prompt(rnn, VOCABULARY), SamplingParams(temperature=TEMPERATURE)
    return generate_batch(rnn, VOCABULARY, rngs=rngs, prefilled=prefilled, stop=NO_STOP, params=params)


def generate_and_write(rnn: InferenceRNN, show: str) -> Iterator[object]:
    """Write characters as `charrnn sample --show` does, or without color, to the null device."""
    generated = generate_single(rnn)
    with Path(os.devnull).open("wb", buffering=0) as device:
        if show == "plain":
            for entry in generated:
                device.write(sanitize(entry.char).encode())
                yield entry
        scale = SurprisalScale() if show == "surprisal" else ActivationScale(label=show)
        writing = ColoredWriting(
            scale,
            color_system="truecolor",
            light=False,
            unicode=True,
            columns=lambda: 80,
            emit=lambda drawing: device.write(drawing.encode()),
        )
        cell = cell_activation(rnn, CellId(1, 0))
        for entry, value in (
            with_surprisal(generated)
            if show == "surprisal"
            else with_activation(generated, cell, lambda last: state_after(last, rnn, NO_CLAMPS))
        ):
            writing.write(entry.char, value)
            yield entry


def next_seconds(generated: Iterator[object]) -> float:
    """Return the time of the next item of a generator."""
    start_time = time.perf_counter()
    next(generated)
    return time.perf_counter() - start_time


def compare(layers: int, hidden: int) -> None:
    """Print the time of a character for each generator, and ratios of times."""
    network = CharRNN(NetworkConfig(layers=layers, hidden=hidden), len(VOCABULARY)).eval()
    with torch.no_grad():
        network.output.weight *= OUTPUT_SCALE
    rnn = inference_rnn(network)
    generators = {
        "charrnn": generate_single(rnn),
        "torch": generate_with_torch(network),
        "batch": generate_samples(rnn),
    }
    generators |= {show: generate_and_write(rnn, show) for show in ("plain", "surprisal", "cell")}
    times: dict[str, list[float]] = {name: [] for name in generators}
    for _ in range(ROUNDS):
        for name, generated in generators.items():
            time.sleep(PAUSE)
            times[name] += [next_seconds(generated) for _ in range(CHARACTERS)][WARM_UP_CHARACTERS:]
    charrnn_us, torch_us, plain_us = (median(times[name]) * 1e6 for name in ("charrnn", "torch", "plain"))
    # The mean includes the occasional steps in which the batch reads a text again.
    batch_us = mean(times["batch"]) / BATCH_SLOTS * 1e6
    print(
        f"{layers}×{hidden}: charrnn {charrnn_us:7.0f} µs, torch {torch_us:7.0f} µs, "
        f"ratio {torch_us / charrnn_us:.1f}\n"
        f"        batch of {BATCH_SLOTS}: {batch_us:.1f} µs for a character of one sample, "
        f"ratio {charrnn_us / batch_us:.1f}"
    )
    ratios = (f"{show} {median(times[show]) * 1e6 / plain_us:.3f}" for show in ("surprisal", "cell"))
    print(f"        plain output {plain_us:5.0f} µs; colored output, relative to plain: {', '.join(ratios)}")


if __name__ == "__main__":
    keep_freed_memory()
    timed_characters = ROUNDS * (CHARACTERS - WARM_UP_CHARACTERS)
    print(f"medians over {timed_characters} characters; torch has {torch.get_num_threads()} threads")
    for size in SIZES:
        compare(*size)
