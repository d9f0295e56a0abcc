"""Writing one character at a time: charrnn beside torch's nn.LSTM with softmax and multinomial, in one run.

Then 64 texts together beside one alone: the time of a character of one of them. Then colored writing, as by
`charrnn sample --show`, beside plain writing.

    python tests/benchmarks/writing.py

Networks are random: how long a character takes does not depend on what was learned. The two take turns, so that
whatever else the machine does slows both down alike; the ratio of the medians is what counts. Between turns there
is a pause: the idle threads of either library spin for a while and would take the other one's cores.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, median

import numpy as np
import torch

from charrnn.config import NetworkConfig
from charrnn.generation.batched import BATCH_SLOTS, generate_batch
from charrnn.generation.generate import NO_STOP, generate, prefill_prompt
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
"""seconds"""
SURENESS = 16
"""scale of the initial output weights, with which predictions are about as confident as after training"""
WARM_UP = 20
"""characters at the start of a turn that are not timed"""


def ours(network: CharRNN) -> Iterator[object]:
    """Generate characters as `charrnn sample` does."""
    weights = {name: weight.numpy() for name, weight in network.state_dict().items()}
    rnn = InferenceRNN(network.config, weights)
    return generate(rnn, VOCABULARY, rng=np.random.default_rng(0), params=SamplingParams(temperature=TEMPERATURE))


def theirs(network: CharRNN) -> Iterator[object]:
    """Generate characters with torch's fused layers, as the usual sampling loop does."""
    state, ids = network.initial_state(1), torch.zeros(1, 1, dtype=torch.long)
    while True:
        with torch.inference_mode():
            logits, state = network(ids, state)
            ids = torch.multinomial(torch.softmax(logits[0] / TEMPERATURE, -1), 1)
        yield VOCABULARY.characters[int(ids)]


def together(network: CharRNN) -> Iterator[object]:
    """Generate characters as `charrnn sample --count 64` does."""
    weights = {name: weight.numpy() for name, weight in network.state_dict().items()}
    rnn, rngs = InferenceRNN(network.config, weights), [np.random.default_rng(seed) for seed in range(BATCH_SLOTS)]
    prefilled, params = prefill_prompt(rnn, VOCABULARY), SamplingParams(temperature=TEMPERATURE)
    return generate_batch(rnn, VOCABULARY, rngs=rngs, prefilled=prefilled, stop=NO_STOP, params=params)


def written(network: CharRNN, show: str) -> Iterator[object]:
    """Write characters as `charrnn sample --show` does, or plain ones, to a device that discards them."""
    weights = {name: weight.numpy() for name, weight in network.state_dict().items()}
    rnn = InferenceRNN(network.config, weights)
    generated = generate(
        rnn, VOCABULARY, rng=np.random.default_rng(0), params=SamplingParams(temperature=TEMPERATURE)
    )
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


def seconds(call: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(layers: int, hidden: int) -> None:
    """Print the time per character of each, and the ratios."""
    network = CharRNN(NetworkConfig(layers=layers, hidden=hidden), len(VOCABULARY)).eval()
    with torch.no_grad():
        network.output.weight *= SURENESS
    writers = {"charrnn": ours(network), "torch": theirs(network), "together": together(network)}
    writers |= {show: written(network, show) for show in ("plain", "surprisal", "cell")}
    times: dict[str, list[float]] = {name: [] for name in writers}
    for _ in range(ROUNDS):
        for name, writer in writers.items():
            time.sleep(PAUSE)
            elapsed = [seconds(lambda writer=writer: next(writer)) for _ in range(CHARACTERS)]  # type: ignore[misc]
            times[name] += elapsed[WARM_UP:]
    ours_us, torch_us = (median(times[name]) * 1e6 for name in ("charrnn", "torch"))
    # Occasionally a text is read again, which a median would not show.
    together_us = mean(times["together"]) / BATCH_SLOTS * 1e6
    ratio = f"{torch_us / ours_us:5.1f} times faster"
    print(f"{layers}×{hidden}: charrnn {ours_us:7.0f} µs   torch {torch_us:7.0f} µs   {ratio}")
    print(
        f"        {BATCH_SLOTS} together {together_us:5.1f} µs   {ours_us / together_us:5.1f} times faster than alone"
    )
    plain_us = median(times["plain"]) * 1e6
    ratios = (f"{show} {median(times[show]) * 1e6 / plain_us:.3f}" for show in ("surprisal", "cell"))
    print(f"        plain writing {plain_us:5.0f} µs; colored, relative to that: {', '.join(ratios)}")


if __name__ == "__main__":
    keep_freed_memory()
    print(f"one character, medians of {ROUNDS * (CHARACTERS - WARM_UP)}; torch has {torch.get_num_threads()} threads")
    for size in SIZES:
        compare(*size)
