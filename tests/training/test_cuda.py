"""Training on a GPU: steps replayed from a CUDA graph are equal to steps without a graph."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import DivergedError
from charrnn.network.cells import CELLS
from charrnn.network.char_rnn import LAYERS, LayerWeights
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus import Corpus
from charrnn.training import checkpoint
from charrnn.training.checkpoint import state_arrays
from charrnn.training.cuda_graph import WARM_UP_RUNS
from charrnn.training.cuda_step import CudaStep, DeviceBatches
from charrnn.training.evaluation import held_out_loss
from charrnn.training.events import Evaluation, TrainingWarning
from charrnn.training.loop import train_loop
from charrnn.training.recipe import TIMED_WIDTHS
from charrnn.training.throughput import measure_recipe_inputs
from charrnn.training.train_options import TrainOptions
from charrnn.training.trainer import Trainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")

DROPPED = {"dropout": 0.2, "input_dropout": 0.1, "weight_drop": 0.2, "reset": 0.2}


@pytest.fixture
def make(make_trainer: Callable[..., Trainer]) -> Callable[..., Trainer]:
    """Return a function that creates trainers of a small network on the GPU."""

    def make_on_gpu(**settings: object) -> Trainer:
        trainer = make_trainer(**settings)
        return Trainer(trainer.corpus, trainer.network.config, trainer.training, "cuda")

    return make_on_gpu


def eager(trainer: Trainer) -> Trainer:
    """Make a trainer queue its steps without a CUDA graph."""
    batches = DeviceBatches(trainer.batches, trainer.device, max_bytes=1e9)
    trainer._cuda_step = CudaStep(
        trainer.network, trainer.ema_network, trainer.optimizer, trainer.state, batches, trainer.training
    )
    trainer.state = trainer._cuda_step.state
    return trainer


def steps(trainer: Trainer, count: int) -> Trainer:
    """Train for the given number of steps, synchronize, and assert that there was no warning."""
    for _ in range(count):
        trainer.train_step()
    trainer.sync()
    assert trainer.warnings == []
    return trainer


def assert_close(first_run: Trainer, second_run: Trainer) -> None:
    """Assert that all arrays of two runs are equal up to the order of summation on a GPU."""
    first, second = state_arrays(first_run), state_arrays(second_run)
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_allclose(second[name], array, rtol=1e-2, atol=2e-3, err_msg=name)


@pytest.mark.parametrize("cell", CELLS)
def test_a_replayed_graph_is_equal_to_separate_operations(cell: str, make: Callable[..., Trainer]) -> None:
    """Weights, moments, carried state and sums are equal, with dropout and random resets."""
    assert_close(steps(eager(make(cell=cell, **DROPPED)), 20), steps(make(cell=cell, **DROPPED), 20))


@pytest.mark.parametrize("cell", CELLS)
def test_training_on_a_gpu_agrees_with_training_on_a_cpu(
    cell: str, make: Callable[..., Trainer], make_trainer: Callable[..., Trainer]
) -> None:
    """Without random numbers, the losses differ only by TF32."""
    settings = {"cell": cell, "dropout": 0.0, "reset": 0.0}
    on_cpu, on_gpu = make_trainer(**settings), make(**settings)
    on_gpu.network.load_state_dict({name: torch.from_numpy(array) for name, array in on_cpu.raw_weights().items()})
    nats = [on_cpu.train_step().nats for _ in range(12)]
    steps(on_gpu, 12)
    assert on_gpu.bookkeeping.report_sums[1] == pytest.approx(
        sum(loss for loss in nats if loss is not None), rel=1e-2
    )
    assert held_out_loss(on_gpu).nats == pytest.approx(held_out_loss(on_cpu).nats, rel=2e-2)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_learns_in_every_precision(cell: str, precision: str, make: Callable[..., Trainer]) -> None:
    """The final loss of a complete training is far below the initial loss."""
    trainer = make(cell=cell, precision=precision, layers=1, hidden=32, steps=200, dropout=0.0)
    before = held_out_loss(trainer).nats
    events = list(train_loop(trainer))
    assert not [event for event in events if isinstance(event, TrainingWarning)]
    assert len([event for event in events if isinstance(event, Evaluation)]) == 20
    assert held_out_loss(trainer).nats < 0.6 * before


@pytest.mark.parametrize("cell", CELLS)
def test_a_text_of_documents_can_be_learned(cell: str, documents: Corpus) -> None:
    """The ends of documents are never read back from the device."""
    config = NetworkConfig(cell=cell, layers=2, hidden=16, embedding=8, documents="line")
    trainer = Trainer(documents, config, TrainingConfig(batch=4, length=16, lr=1e-2, steps=60, reset=0.0), "cuda")
    before = held_out_loss(trainer).nats
    steps(trainer, 60)
    assert held_out_loss(trainer).nats < before


def test_a_stopped_run_resumes_where_it_was(make: Callable[..., Trainer], tmp_path: Path) -> None:
    """The stop is before or after the capture of the graph."""
    uninterrupted = steps(make(**DROPPED), 30)
    for stop in (2, 17):
        path = tmp_path / str(stop)
        path.mkdir()
        trainer = make(**DROPPED)
        checkpoint.load_checkpoint(
            trainer, checkpoint.save_checkpoint(steps(make(**DROPPED), stop), RunDirectory(path))
        )
        assert_close(uninterrupted, steps(trainer, 30 - stop))


def test_a_step_that_is_not_finite_changes_no_weights(make: Callable[..., Trainer]) -> None:
    """The steps queued after it change nothing either."""
    trainer = steps(make(reset=0.0, steps=None, minutes=1.0), 6)
    for network in (trainer.network, trainer.ema_network):
        network.output.bias.detach()[0] = float("nan")
    before = {**trainer.raw_weights(), **{f"averaged.{name}": mean for name, mean in trainer.ema_weights().items()}}
    with pytest.raises(DivergedError, match="the loss is not finite at step 7 "):
        steps(trainer, 5)
    assert trainer.step == 11
    after = {**trainer.raw_weights(), **{f"averaged.{name}": mean for name, mean in trainer.ema_weights().items()}}
    assert all(np.array_equal(weight, before[name], equal_nan=True) for name, weight in after.items())


def test_bfloat16_layers_agree_with_float32_layers() -> None:
    """In every cell; cuDNN must not use float16, which is the default of torch's autocast."""
    inputs, states = torch.randn(9, 4, 8, device="cuda"), [torch.randn(4, 16, device="cuda") for _ in range(2)]
    for cell, gates in (("lstm", 4), ("gru", 3), ("rnn", 1)):
        shapes = ((gates * 16, 8), (gates * 16, 16), (gates * 16,), (gates * 16,))
        weights = LayerWeights(*(torch.randn(*shape, device="cuda") * 0.2 for shape in shapes))
        state = tuple(states if cell == "lstm" else states[:1])
        exact, _ = LAYERS[cell](inputs, state, weights, None)
        with torch.autocast("cuda", dtype=torch.bfloat16):
            rounded, _ = LAYERS[cell](inputs, state, weights, None)
        assert rounded.dtype == torch.bfloat16
        assert torch.allclose(exact, rounded.float(), atol=0.05)


def test_speeds_are_measured_within_seconds() -> None:
    """All widths that fit on a large GPU are measured, and wide networks are slower than narrow ones."""
    start_time = time.perf_counter()
    inputs = measure_recipe_inputs(
        TrainOptions(), "cuda", train_characters=1_000_000, vocabulary_size=65, trained=False
    )
    assert time.perf_counter() - start_time < 20
    widths, rates = zip(*inputs.speeds, strict=True)
    assert len(widths) == len(TIMED_WIDTHS["cuda"])
    assert widths[0] == 256
    assert rates[0] >= rates[-1] > 0


@pytest.mark.parametrize("cell", CELLS)
def test_two_layers_of_128_on_50_streams_of_50_are_replayed(cell: str, make: Callable[..., Trainer]) -> None:
    """The network is the one that torch-rnn was timed with; `tests/benchmarks/training.py` times its steps."""
    trainer = steps(make(cell=cell, layers=2, hidden=128, embedding=64, batch=50, length=50), 100)
    assert trainer.bookkeeping.report_sums[0] == 100


def test_a_capture_that_cuda_refuses_is_reported_and_training_continues(
    make: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that reads a number cannot be captured; ten more steps equal those of an uncaptured run."""
    plain, refused = eager(make(**DROPPED)), make(**DROPPED)
    run_step = CudaStep._run_step

    def careless(step: CudaStep) -> None:
        run_step(step)
        step.state[0].sum().item()

    monkeypatch.setattr(CudaStep, "_run_step", careless)
    for _ in range(WARM_UP_RUNS + 1):
        refused.train_step()
    assert len(refused.warnings) == 1
    assert "steps are not replayed from a CUDA graph" in refused.warnings[0]
    refused.warnings.clear()
    torch.cuda.empty_cache()
    assert_close(steps(plain, WARM_UP_RUNS + 11), steps(refused, 10))
    torch.cuda.empty_cache()
    monkeypatch.undo()
    steps(make(**DROPPED), WARM_UP_RUNS + 3)


@pytest.mark.parametrize("cell", CELLS)
def test_windows_of_a_text_that_does_not_fit_are_copied_from_pinned_memory(
    cell: str, make: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same steps as with the text on the device."""
    resident = steps(make(cell=cell, **DROPPED), 20)
    monkeypatch.setattr("charrnn.training.trainer.TEXT_MEMORY_FRACTION", 0.0)
    copied = make(cell=cell, **DROPPED)
    assert_close(resident, steps(copied, 20))
    assert copied._cuda_step is not None
    assert isinstance(copied._cuda_step._batches, DeviceBatches)
    assert not copied._cuda_step._batches.resident


@pytest.mark.parametrize("cell", CELLS)
def test_one_hot_inputs_are_captured(cell: str, make: Callable[..., Trainer]) -> None:
    """A network without an embedding."""
    settings = {"cell": cell, "embedding": 0, **DROPPED}
    assert_close(steps(eager(make(**settings)), 12), steps(make(**settings), 12))


def test_a_step_of_more_characters_than_the_small_embedding_kernel_takes(make: Callable[..., Trainer]) -> None:
    """From 3,072 indices on, the gradient of the embedding is computed by sorting."""
    settings = {"batch": 64, "length": 64, **DROPPED}
    assert_close(steps(eager(make(**settings)), 12), steps(make(**settings), 12))


@pytest.mark.parametrize("cell", CELLS)
def test_documents_with_every_kind_of_dropout_are_captured(cell: str, documents: Corpus) -> None:
    """Equal to uncaptured steps."""
    config = NetworkConfig(
        cell=cell,
        layers=2,
        hidden=16,
        embedding=8,
        documents="line",
        dropout=0.2,
        input_dropout=0.1,
        weight_drop=0.2,
    )
    training = TrainingConfig(batch=4, length=16, lr=1e-2, steps=60, reset=0.2)
    plain, captured = (Trainer(documents, config, training, "cuda") for _ in range(2))
    assert_close(steps(eager(plain), 20), steps(captured, 20))


def test_a_step_is_captured_again_after_an_evaluation_and_an_empty_cache(make: Callable[..., Trainer]) -> None:
    """A new graph, as in a resumed run in the same process, makes the same steps."""
    whole, trainer = steps(make(**DROPPED), 30), steps(make(**DROPPED), 10)
    held_out_loss(trainer)
    trainer._cuda_step = None
    torch.cuda.empty_cache()
    assert_close(whole, steps(trainer, 20))
