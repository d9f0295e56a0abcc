"""The measured speed of training steps determines the width of a network on a GPU."""

from collections.abc import Callable, Iterator
from itertools import accumulate, count
from typing import Any

import pytest
import torch

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.cells import CELLS
from charrnn.network.model_file import count_matmul_weights
from charrnn.training import throughput
from charrnn.training.device import choose_precision, tf32
from charrnn.training.recipe import TIMED_WIDTHS, Recipe, RecipeInputs, choose_hyperparameters, networks_to_time
from charrnn.training.throughput import (
    MAX_SECONDS,
    chars_per_second,
    cpu_chars_per_second,
    measure_recipe_inputs,
    time_networks,
    time_networks_on_cpu,
)
from charrnn.training.train_options import TrainOptions

CPU = torch.device("cpu")
TRAINING = TrainingConfig(batch=4, length=8, lr=1e-3)
FAST = ((256, 6e6), (768, 3e6), (2048, 5e5))
"""invented speeds of a large GPU, limited by latency below a thousand units and by arithmetic above"""


def make_inputs(**changes: object) -> RecipeInputs:
    """Return the inputs of the recipe for a text of usual size and a GPU."""
    text = {"train_characters": 1_000_000, "vocabulary_size": 65, "device": "cuda", "flops_per_second": 1e14}
    return RecipeInputs(**text | changes)  # type: ignore[arg-type]


def networks(*widths: int) -> list[NetworkConfig]:
    """Return small networks of the given widths."""
    return [NetworkConfig(hidden=width, embedding=8) for width in widths]


def recipe_for(speeds: tuple[tuple[int, float], ...], **options: Any) -> Recipe:
    """Return the recipe for a budget of one minute."""
    return choose_hyperparameters(TrainOptions(**({"minutes": 1.0} | options)), make_inputs(speeds=speeds))


def test_the_network_on_a_gpu_is_much_larger_than_on_a_cpu() -> None:
    """It is as wide as the measured speed allows."""
    on_a_cpu = choose_hyperparameters(
        TrainOptions(minutes=1.0), make_inputs(device="cpu", flops_per_second=1e11)
    ).network
    on_a_gpu = recipe_for(FAST).network
    assert count_matmul_weights(on_a_gpu, 65) >= 8 * count_matmul_weights(on_a_cpu, 65)
    read = 60 * next(rate for width, rate in FAST if width == 768)
    assert on_a_gpu.hidden >= 768
    assert read >= 8 * count_matmul_weights(NetworkConfig(hidden=768, embedding=32), 65)


def test_the_speed_of_steps_counts_and_not_that_of_a_product() -> None:
    """A device that is ten times slower at all widths gets a narrower network, however fast its products are."""
    slow = tuple((width, rate / 10) for width, rate in FAST)
    assert recipe_for(slow).network.hidden < recipe_for(FAST).network.hidden
    assert recipe_for(FAST) == choose_hyperparameters(
        TrainOptions(minutes=1.0), make_inputs(speeds=FAST, flops_per_second=1.0)
    )


def test_a_faster_device_or_more_time_never_means_a_smaller_network() -> None:
    """The width is monotone in both."""
    for factors in ([0.01, 0.1, 1, 10, 100],):
        widths = [recipe_for(tuple((w, factor * rate) for w, rate in FAST)).network.hidden for factor in factors]
        assert widths == sorted(widths)
    widths = [recipe_for(FAST, minutes=minutes).network.hidden for minutes in (0.1, 0.5, 2, 10, 60, 600)]
    assert widths == sorted(widths)


def test_speeds_between_timed_widths_are_interpolated() -> None:
    """The speed falls monotonically with the width and passes through the measured values."""
    from charrnn.training.recipe import _characters_per_second

    inputs = make_inputs(speeds=FAST)
    rates = [_characters_per_second(config, inputs) for config in networks(64, 256, 384, 768, 1024, 2048, 4096)]
    assert rates == sorted(rates, reverse=True)
    assert (rates[0], rates[1], rates[3], rates[5]) == pytest.approx((6e6, 6e6, 3e6, 5e5))
    assert rates[6] < 5e5 / 3


def test_a_given_width_is_the_only_one_timed_and_without_a_time_budget_none_is() -> None:
    """The networks have the requested cell, layers and windows."""
    timed, training = networks_to_time(TrainOptions(cell="gru", layers=2, batch=50, minutes=None), make_inputs())
    assert [config.hidden for config in timed] == list(TIMED_WIDTHS["cuda"])
    assert {(config.cell, config.layers) for config in timed} == {("gru", 2)}
    assert (training.batch, training.length) == (50, 64)
    assert [config.hidden for config in networks_to_time(TrainOptions(hidden=99), make_inputs())[0]] == [99]
    assert networks_to_time(TrainOptions(steps=100), make_inputs())[0] == ()
    assert networks_to_time(TrainOptions(epochs=3.0), make_inputs())[0] == ()


def test_the_speeds_of_all_processes_add_up() -> None:
    """Measured is the speed of one process, with its share of the batch."""
    options = TrainOptions(minutes=1.0, batch=64)
    eight = choose_hyperparameters(options, make_inputs(speeds=FAST, processes=8))
    assert eight == choose_hyperparameters(options, make_inputs(speeds=tuple((w, 8 * rate) for w, rate in FAST)))
    assert networks_to_time(TrainOptions(), make_inputs(processes=8))[1].batch == 64
    assert networks_to_time(TrainOptions(batch=100), make_inputs(processes=8))[1].batch == 12
    assert networks_to_time(TrainOptions(batch=4), make_inputs(processes=8))[1].batch == 1


@pytest.mark.parametrize("processes", [1, 5])
def test_the_number_of_processes_is_an_input_of_the_recipe(processes: int) -> None:
    """The speed in it is that of one process."""
    text: dict[str, Any] = {"train_characters": 1_000, "vocabulary_size": 65, "trained": False}
    assert measure_recipe_inputs(TrainOptions(), "cpu", **text, processes=processes).processes == processes
    assert measure_recipe_inputs(TrainOptions(), "cpu", **text).processes == 1


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("documents", [None, "line"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_on_a_cpu_a_small_network_with_one_layer_is_timed(cell: str, documents: str | None, precision: str) -> None:
    """The speed of a deeper or wider network follows from its weights."""
    options = TrainOptions(cell=cell, precision=precision, documents=documents)
    text: dict[str, Any] = {"train_characters": 1_000_000, "vocabulary_size": 65, "trained": False}
    (narrow, faster), (wide, slower) = measure_recipe_inputs(options, "cpu", **text).speeds
    assert (narrow, wide) == TIMED_WIDTHS["cpu"]
    assert faster > slower > 0


def test_the_step_of_a_cpu_is_timed_again_unless_it_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step is slower than the others, but a large network takes too long for another step."""
    config = NetworkConfig(hidden=64, layers=3, embedding=8)
    timed = NetworkConfig(hidden=16, embedding=8)
    ratio = count_matmul_weights(timed, 65) / count_matmul_weights(config, 65)
    for first, expected in ((0.25, 0.0625), (2.0, 2.0)):
        times = iter(accumulate((0, first, 1, 0.125, 1, 0.0625)))
        monkeypatch.setattr("time.perf_counter", times.__next__)
        speed = cpu_chars_per_second(config, TRAINING, 65, CPU)
        monkeypatch.undo()
        assert speed == pytest.approx(TRAINING.batch * TRAINING.length / expected * ratio)


def test_timing_on_a_cpu_stops_without_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The speed of the wider network follows from that of the narrow one; another error is raised."""

    def speed(config: NetworkConfig, *_: object) -> float:
        if config.hidden > 20:
            raise error
        return 5.0

    monkeypatch.setattr(throughput, "cpu_chars_per_second", speed)
    error: Exception = MemoryError()
    assert time_networks_on_cpu(networks(20, 40), TRAINING, 65, CPU) == ((20, 5.0),)
    error = RuntimeError("no memory error")
    with pytest.raises(RuntimeError, match="no memory error"):
        time_networks_on_cpu(networks(20, 40), TRAINING, 65, CPU)


def test_without_a_time_budget_nothing_is_timed() -> None:
    """The number of steps or epochs determines the training."""
    text: dict[str, Any] = {"train_characters": 1_000_000, "vocabulary_size": 65, "trained": False}
    assert measure_recipe_inputs(TrainOptions(epochs=2), "cpu", **text).speeds == ()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("documents", [None, "line"])
def test_steps_of_every_cell_are_timed(cell: str, documents: str | None) -> None:
    """The speed is the number of characters in the timed steps divided by their time."""
    ticks = iter((10.0, 12.0))
    config = NetworkConfig(cell=cell, hidden=8, embedding=4, documents=documents)
    speed = chars_per_second(config, TRAINING, 30, CPU, None, clock=lambda: next(ticks))
    assert speed == throughput.TIMED_STEPS * TRAINING.batch * TRAINING.length / 2


def test_timing_stops_without_time_or_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wider networks are slower and larger."""

    def clock(seconds: float) -> Callable[[], float]:
        ticks: Iterator[float] = count(0.0, seconds)
        return lambda: next(ticks)

    widths = [width for width, _ in time_networks(networks(4, 8, 12), TRAINING, 30, CPU, None, clock=clock(0.01))]
    assert widths == [4, 8, 12]
    slow = time_networks(networks(4, 8, 12), TRAINING, 30, CPU, None, clock=clock(MAX_SECONDS))
    assert [width for width, _ in slow] == [4]

    def full(config: NetworkConfig, *_rest: object, **_more: object) -> float:
        if config.hidden > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 7.0

    monkeypatch.setattr(throughput, "chars_per_second", full)
    assert time_networks(networks(4, 8, 12), TRAINING, 30, CPU, None) == ((4, 7.0),)


def test_an_error_that_is_not_out_of_memory_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback is kept."""

    def broken(*_all: object, **_more: object) -> float:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(throughput, "chars_per_second", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        time_networks(networks(4), TRAINING, 30, CPU, None)


def test_tf32_is_used_only_on_a_gpu_and_where_it_is_allowed() -> None:
    """The previous setting is restored, also after an exception."""

    def allowed() -> tuple[bool, bool]:
        return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32

    before = allowed()
    with tf32(CPU, allowed=True):
        assert allowed() == before
    for wanted in (True, False):
        with tf32(torch.device("cuda"), allowed=wanted):
            assert allowed() == (wanted, wanted)
        with pytest.raises(ZeroDivisionError), tf32(torch.device("cuda"), allowed=wanted):
            _ = 1 / 0
        assert allowed() == before


def test_the_default_precision_on_a_gpu_is_float32() -> None:
    """A requested precision is kept."""
    assert choose_precision("auto", "cuda") == "float32"
    assert choose_precision("bfloat16", "cuda") == "bfloat16"
