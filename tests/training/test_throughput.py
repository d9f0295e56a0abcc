"""What real steps take decides how wide a network a GPU is given; the rest of the recipe is the same."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
import torch

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.model_file import count_matmul_weights
from charrnn.training import throughput
from charrnn.training.device import choose_precision, tf32
from charrnn.training.recipe import TIMED_WIDTHS, Recipe, RecipeInputs, choose_hyperparameters, networks_to_time
from charrnn.training.throughput import MAX_SECONDS, chars_per_second, time_networks
from charrnn.training.train_options import TrainOptions

CPU = torch.device("cpu")
TRAINING = TrainingConfig(batch=4, length=8, lr=1e-3)
FAST = ((256, 6e6), (768, 3e6), (2048, 5e5))
"""what a large GPU may reach, made up: latency decides below a thousand units, arithmetic above"""


def circumstances(**known: object) -> RecipeInputs:
    """Describe a text of the usual size, and a GPU."""
    text = {"train_characters": 1_000_000, "vocabulary_size": 65, "device": "cuda", "flops_per_second": 1e14}
    return RecipeInputs(**text | known)  # type: ignore[arg-type]


def networks(*widths: int) -> list[NetworkConfig]:
    """Make small networks."""
    return [NetworkConfig(hidden=width, embedding=8) for width in widths]


def chosen(speeds: tuple[tuple[int, float], ...], **asked: Any) -> Recipe:
    """Choose for a minute."""
    return choose_hyperparameters(TrainOptions(**({"minutes": 1.0} | asked)), circumstances(speeds=speeds))


def test_a_gpu_has_a_network_ten_times_as_large_as_a_cpu() -> None:
    """As wide as the time is enough for, at the speed that was measured."""
    on_a_cpu = choose_hyperparameters(
        TrainOptions(minutes=1.0), circumstances(device="cpu", flops_per_second=1e11)
    ).network
    on_a_gpu = chosen(FAST).network
    assert count_matmul_weights(on_a_gpu, 65) >= 10 * count_matmul_weights(on_a_cpu, 65)
    read = 60 * next(rate for width, rate in FAST if width == 768)
    assert on_a_gpu.hidden >= 768
    assert read >= 8 * count_matmul_weights(NetworkConfig(hidden=768, embedding=32), 65)


def test_the_speed_that_was_timed_counts_and_not_that_of_a_product() -> None:
    """A device ten times slower at all widths has a narrower network, however fast it multiplies."""
    slow = tuple((width, rate / 10) for width, rate in FAST)
    assert chosen(slow).network.hidden < chosen(FAST).network.hidden
    assert chosen(FAST) == choose_hyperparameters(
        TrainOptions(minutes=1.0), circumstances(speeds=FAST, flops_per_second=1.0)
    )


def test_a_faster_device_or_more_time_never_means_a_smaller_network() -> None:
    """Whatever was timed."""
    for factors in ([0.01, 0.1, 1, 10, 100],):
        widths = [chosen(tuple((w, factor * rate) for w, rate in FAST)).network.hidden for factor in factors]
        assert widths == sorted(widths)
    widths = [chosen(FAST, minutes=minutes).network.hidden for minutes in (0.1, 0.5, 2, 10, 60, 600)]
    assert widths == sorted(widths)


def test_networks_between_those_that_were_timed_are_between_them_in_speed_too() -> None:
    """What is read in the time falls as the width rises, through every width that was timed."""
    from charrnn.training.recipe import _characters_per_second

    known = circumstances(speeds=FAST)
    rates = [_characters_per_second(config, known) for config in networks(64, 256, 384, 768, 1024, 2048, 4096)]
    assert rates == sorted(rates, reverse=True)
    assert (rates[0], rates[1], rates[3], rates[5]) == pytest.approx((6e6, 6e6, 3e6, 5e5))
    assert rates[6] < 5e5 / 3


def test_one_width_is_timed_where_it_was_asked_for_and_none_where_time_does_not_decide() -> None:
    """Those of the cell, the layers and the windows that were asked for."""
    timed, training = networks_to_time(TrainOptions(cell="gru", layers=2, batch=50, minutes=None), circumstances())
    assert [config.hidden for config in timed] == list(TIMED_WIDTHS)
    assert {(config.cell, config.layers) for config in timed} == {("gru", 2)}
    assert (training.batch, training.length) == (50, 64)
    assert [config.hidden for config in networks_to_time(TrainOptions(hidden=99), circumstances())[0]] == [99]
    assert networks_to_time(TrainOptions(steps=100), circumstances())[0] == ()
    assert networks_to_time(TrainOptions(epochs=3.0), circumstances())[0] == ()


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("documents", [None, "line"])
def test_real_steps_are_timed_of_every_kind_of_cell(cell: str, documents: str | None) -> None:
    """So many characters in the time that so many steps take."""
    ticks = iter((10.0, 12.0))
    config = NetworkConfig(cell=cell, hidden=8, embedding=4, documents=documents)
    found = chars_per_second(config, TRAINING, 30, CPU, None, clock=lambda: next(ticks))
    assert found == throughput.TIMED_STEPS * TRAINING.batch * TRAINING.length / 2


def test_no_more_is_timed_than_there_is_time_and_memory_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wider is slower, and larger."""

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


def test_a_bug_is_no_want_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps its traceback."""

    def broken(*_all: object, **_more: object) -> float:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(throughput, "chars_per_second", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        time_networks(networks(4), TRAINING, 30, CPU, None)


def test_float32_products_are_rounded_on_a_gpu_where_that_is_allowed_and_nowhere_else() -> None:
    """What was before is put back, whatever happens."""

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


def test_float32_is_what_a_gpu_has_unless_it_is_asked_for_another() -> None:
    """Its tensor cores round it by themselves."""
    assert choose_precision("auto", "cuda") == "float32"
    assert choose_precision("bfloat16", "cuda") == "bfloat16"
