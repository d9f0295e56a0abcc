"""How fast a device learns: on a CPU by one large product, on a GPU by real steps of a few networks.

On a CPU arithmetic decides, so a product tells the speed of all networks. On a GPU a narrow layer takes as long as
its characters do one after the other, and only a wide one is as fast as products are. What follows from it is left to
`recipe`.
"""

import dataclasses
import gc
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.module import CharacterNetwork
from charrnn.training.averaging import averaged
from charrnn.training.capture import WARM_UP, Recorder, cuda_graphs
from charrnn.training.device import flops_per_second
from charrnn.training.device_step import DeviceStep
from charrnn.training.device_windows import OneWindow
from charrnn.training.memory import is_shortage
from charrnn.training.optimiser import AdamW
from charrnn.training.recipe import Circumstances, to_be_timed

STEPS = 8
"""that are timed, of each network"""
ENOUGH_SECONDS = 2.0
"""after so long no other network is begun with"""
RATE = 1e-3

Clock = Callable[[], float]


def circumstances_of(
    given: Mapping[str, Any], device: str, *, train_characters: int, vocabulary_size: int, trained: bool
) -> Circumstances:
    """Measure what a device can do, and put it with what else the recipe's choice depends on."""
    circumstances = Circumstances(
        train_characters=train_characters,
        vocabulary_size=vocabulary_size,
        device=device,
        flops_per_second=flops_per_second(device, given.get("precision") or "float32"),
        trained=trained,
    )
    if device != "cuda":
        return circumstances
    networks, training = to_be_timed(given, circumstances)
    found = speeds(networks, training, vocabulary_size, torch.device(device), cuda_graphs())
    # Captured steps and what they captured hold each other.
    gc.collect()
    torch.cuda.empty_cache()
    return dataclasses.replace(circumstances, speeds=found)


def speeds(
    networks: Iterable[NetworkConfig],
    training: TrainingConfig,
    vocabulary_size: int,
    device: torch.device,
    recorder: Recorder | None,
    *,
    clock: Clock = time.perf_counter,
) -> tuple[tuple[int, float], ...]:
    """Time networks, narrow ones first: width and characters a second of each that there is time and memory for."""
    found: list[tuple[int, float]] = []
    began = clock()
    for config in networks:
        try:
            found.append((config.hidden, speed(config, training, vocabulary_size, device, recorder, clock=clock)))
        except (MemoryError, RuntimeError) as error:
            if not is_shortage(error):
                raise
            break
        if clock() - began > ENOUGH_SECONDS:
            break
    return tuple(found)


def speed(
    config: NetworkConfig,
    training: TrainingConfig,
    vocabulary_size: int,
    device: torch.device,
    recorder: Recorder | None,
    *,
    clock: Clock = time.perf_counter,
) -> float:
    """Time a few steps of a network: characters a second."""
    network = _network(config, vocabulary_size, device)
    window = OneWindow(training, vocabulary_size, device)
    state = network.start(training.batch)
    step = DeviceStep(network, averaged(network), AdamW(network), state, window, training, recorder)
    for number in range(WARM_UP + 1):
        step.queue(number, RATE, 1.0)
    step.look()
    began = clock()
    for number in range(STEPS):
        step.queue(number, RATE, 1.0)
    step.look()
    return STEPS * training.batch * training.length / (clock() - began)


def _network(config: NetworkConfig, vocabulary_size: int, device: torch.device) -> CharacterNetwork:
    """Make a network with any weights: those to begin with take longer to choose than all of this is to take."""
    with torch.device("meta"):
        network = CharacterNetwork(config, vocabulary_size, end=None if config.documents is None else 0)
    network.to_empty(device=device)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    return network
