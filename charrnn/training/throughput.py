"""Throughput of a device: on a CPU from one large product, on a GPU from real steps of a few networks.

On a CPU arithmetic dominates, so one product predicts the speed of all networks. On a GPU the time of a narrow layer
is that of its sequential steps, and only a wide layer is as fast as the products are.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence

import torch

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.char_rnn import CharRNN
from charrnn.training.cuda_graph import WARM_UP_RUNS, GraphBackend, cuda_graph_backend
from charrnn.training.cuda_step import CudaStep, RandomBatch
from charrnn.training.device import flops_per_second, is_torch_out_of_memory
from charrnn.training.optimization import AdamW, make_ema
from charrnn.training.recipe import RecipeInputs, networks_to_time
from charrnn.training.train_options import TrainOptions

TIMED_STEPS = 8
"""number of timed steps per network"""
MAX_SECONDS = 2.0
"""time after which no further network is timed"""
TIMING_LR = 1e-3
"""learning rate of timed steps; its value does not matter"""

CPU_SPEEDS = {
    "float32": {"gru": 0.72, "rnn": 0.7, "peephole": 0.7, "cifg": 0.72, "capped": 0.72, "gru-reset-before": 0.33},
    "bfloat16": {"gru": 0.45, "rnn": 0.38, "peephole": 0.4, "cifg": 0.4, "capped": 0.4, "gru-reset-before": 0.18},
}
"""floating-point operations per second of other cells relative to the LSTM's on a CPU, medians over 192 to 640 units;
measured with tests/benchmarks/cells.py on two cores of an Intel Xeon (Emerald Rapids)"""

Clock = Callable[[], float]


def measure_recipe_inputs(
    options: TrainOptions,
    device: str,
    *,
    train_characters: int,
    vocabulary_size: int,
    trained: bool,
    processes: int = 1,
) -> RecipeInputs:
    """Return the inputs of the recipe, with the measured speed of the device for one process."""
    precision, cell = options.training_precision, options.cell or NetworkConfig.cell
    cell_speed = CPU_SPEEDS[precision].get(cell, 1.0) if device == "cpu" else 1.0
    inputs = RecipeInputs(
        train_characters=train_characters,
        vocabulary_size=vocabulary_size,
        device=device,
        flops_per_second=cell_speed * flops_per_second(device, precision),
        trained=trained,
        processes=processes,
    )
    if device != "cuda":
        return inputs
    networks, training = networks_to_time(options, inputs)
    speeds = time_networks(networks, training, vocabulary_size, torch.device(device), cuda_graph_backend())
    torch.cuda.empty_cache()
    return dataclasses.replace(inputs, speeds=speeds)


def time_networks(
    networks: Sequence[NetworkConfig],
    training: TrainingConfig,
    vocabulary_size: int,
    device: torch.device,
    backend: GraphBackend | None,
    *,
    clock: Clock = time.perf_counter,
) -> tuple[tuple[int, float], ...]:
    """Return width and characters per second of the networks, in their order, as far as time and memory allow.

    The first network is timed twice, and its first time is discarded: its first steps load libraries and kernels.
    """
    speeds: list[tuple[int, float]] = []

    def speed(config: NetworkConfig) -> float:
        return chars_per_second(config, training, vocabulary_size, device, backend, clock=clock)

    try:
        for config in networks[:1]:
            speed(config)
        start_time = clock()
        for config in networks:
            speeds.append((config.hidden, speed(config)))
            if clock() - start_time > MAX_SECONDS:
                break
    except (MemoryError, RuntimeError) as error:
        if not is_torch_out_of_memory(error):
            raise
    return tuple(speeds)


def chars_per_second(
    config: NetworkConfig,
    training: TrainingConfig,
    vocabulary_size: int,
    device: torch.device,
    backend: GraphBackend | None,
    *,
    clock: Clock = time.perf_counter,
) -> float:
    """Return the characters per second of a few training steps of a network.

    If the capture of the step fails, it is tried once more; if it fails again, uncaptured steps are timed, because
    the steps of the training will not be captured either.
    """
    step = _warm_step(config, training, vocabulary_size, device, backend)
    if step.pop_capture_error():
        del step  # frees its memory of the device
        step = _warm_step(config, training, vocabulary_size, device, backend)
    start_time = clock()
    for number in range(TIMED_STEPS):
        step.enqueue(number, TIMING_LR, 1.0)
    step.sync()
    return TIMED_STEPS * training.batch * training.length / (clock() - start_time)


def _warm_step(
    config: NetworkConfig,
    training: TrainingConfig,
    vocabulary_size: int,
    device: torch.device,
    backend: GraphBackend | None,
) -> CudaStep:
    """Return the training step of a new network after its warm-up runs and the attempt to capture it."""
    network = _network(config, vocabulary_size, device)
    batch = RandomBatch(training, vocabulary_size, device)
    state = network.initial_state(training.batch)
    step = CudaStep(network, make_ema(network), AdamW(network), state, batch, training)
    if backend:
        step.capture_with(backend)
    for number in range(WARM_UP_RUNS + 1):
        step.enqueue(number, TIMING_LR, 1.0)
    step.sync()
    return step


def _network(config: NetworkConfig, vocabulary_size: int, device: torch.device) -> CharRNN:
    """Return a network with arbitrary weights; the proper initialization takes longer than the timing."""
    with torch.device("meta"):
        network = CharRNN(config, vocabulary_size, end_id=None if config.documents is None else 0)
    network.to_empty(device=device)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    return network
