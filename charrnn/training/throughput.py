"""Throughput of a device: measured by training steps of a few networks.

On a CPU arithmetic dominates, so the networks have a single layer, and the speed of deeper ones follows from their
weights. On a GPU the time of a narrow layer is that of its sequential steps, and only a wide layer is as fast as the
matrix products are.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.char_rnn import CharRNN
from charrnn.network.model_file import count_matmul_weights
from charrnn.training.cuda_graph import WARM_UP_RUNS, GraphBackend, cuda_graph_backend
from charrnn.training.cuda_step import CudaStep, RandomBatch
from charrnn.training.device import is_torch_out_of_memory
from charrnn.training.optimization import AdamW, forward_backward, make_ema, update_ema
from charrnn.training.recipe import RecipeInputs, networks_to_time
from charrnn.training.train_options import TrainOptions

TIMED_STEPS = 8
"""number of timed steps per network"""
MAX_SECONDS = 2.0
"""time after which no further network is timed"""
TIMING_LR = 1e-3
"""learning rate of timed steps; its value does not matter"""

MAX_TIMED_UNITS = 640
"""largest number of units that are timed on a CPU; a wider layer is about as fast for its weights"""
TIMED_STEPS_ON_CPU = 2
"""number of timed steps on a CPU, after one that is not timed"""
SLOW_STEP = 0.5
"""seconds; after such a step on a CPU, no other step is timed"""

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
    inputs = RecipeInputs(
        train_characters=train_characters,
        vocabulary_size=vocabulary_size,
        device=device,
        trained=trained,
        processes=processes,
    )
    networks, training = networks_to_time(options, inputs)
    if device == "cuda":
        speeds = time_networks(networks, training, vocabulary_size, torch.device(device), cuda_graph_backend())
        torch.cuda.empty_cache()
    else:
        speeds = time_networks_on_cpu(networks, training, vocabulary_size, torch.device(device))
    return dataclasses.replace(inputs, speeds=speeds)


def time_networks_on_cpu(
    networks: Sequence[NetworkConfig], training: TrainingConfig, vocabulary_size: int, device: torch.device
) -> tuple[tuple[int, float], ...]:
    """Return width and characters per second of the networks on a CPU or MPS, as far as memory allows."""
    speeds: list[tuple[int, float]] = []
    with suppress_out_of_memory():
        for config in networks:
            speed = cpu_chars_per_second(config, training, vocabulary_size, device)
            speeds.append((config.hidden, speed))
    return tuple(speeds)


def cpu_chars_per_second(
    config: NetworkConfig, training: TrainingConfig, vocabulary_size: int, device: torch.device
) -> float:
    """Return the characters per second of the training of a network on a CPU or MPS.

    Timed is a network with one layer, which is not too wide; the speed is in inverse proportion to the weights.
    """
    timed = dataclasses.replace(config, layers=1, hidden=min(config.hidden, MAX_TIMED_UNITS))
    network = CharRNN(timed, vocabulary_size, end_id=_end_id(config)).to(device)
    ema, optimizer = make_ema(network), AdamW(network)
    ids = torch.randint(vocabulary_size, (training.length + 1, training.batch), device=device)
    state = network.initial_state(training.batch)

    def step_seconds() -> float:
        start_time = time.perf_counter()
        forward_backward(network, ids, state, training).nats.item()
        optimizer.step(TIMING_LR)
        update_ema(ema, network, 1.0)
        return time.perf_counter() - start_time

    seconds = step_seconds()
    if seconds < SLOW_STEP:
        seconds = min(step_seconds() for _ in range(TIMED_STEPS_ON_CPU))
    weights, timed_weights = (count_matmul_weights(network, vocabulary_size) for network in (config, timed))
    return training.batch * training.length / seconds * timed_weights / weights


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

    with suppress_out_of_memory():
        for config in networks[:1]:
            speed(config)
        start_time = clock()
        for config in networks:
            speeds.append((config.hidden, speed(config)))
            if clock() - start_time > MAX_SECONDS:
                break
    return tuple(speeds)


@contextmanager
def suppress_out_of_memory() -> Iterator[None]:
    """End the block at an out-of-memory error of torch or Python."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_torch_out_of_memory(error):
            raise


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
    """Return a network with arbitrary weights; proper initial weights of a wide layer take longer than the timing."""
    with torch.device("meta"):
        network = CharRNN(config, vocabulary_size, end_id=_end_id(config))
    network.to_empty(device=device)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    return network


def _end_id(config: NetworkConfig) -> int | None:
    """Return an id of the end of a document, None if there are no documents."""
    return None if config.documents is None else 0
