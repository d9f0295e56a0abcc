"""Steps that are queued on a device are equal to synchronous steps, and never wait for the device.

All tests run on the CPU, which executes queued work at once with the same operations as a GPU.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils import _pytree
from torch.utils._python_dispatch import TorchDispatchMode

from charrnn.config import NetworkConfig
from charrnn.errors import DivergedError
from charrnn.network.cells import CELLS
from charrnn.network.char_rnn import CharRNN
from charrnn.storage.run_directory import RunDirectory
from charrnn.training import checkpoint, checkpointer
from charrnn.training.checkpoint import state_arrays
from charrnn.training.cuda_graph import WARM_UP_RUNS, GraphBackend, Work
from charrnn.training.cuda_step import CudaStep, DeviceBatches, RandomBatch
from charrnn.training.events import Evaluation, Event, Report, Step, TrainingWarning
from charrnn.training.loop import train_loop
from charrnn.training.optimization import AdamW, forward_backward, make_ema
from charrnn.training.progress import PERIODS
from charrnn.training.trainer import MAX_QUEUED_STEPS, Trainer

DROPPED = {"dropout": 0.3, "input_dropout": 0.2, "weight_drop": 0.3, "reset": 0.3}


def with_queued_steps(trainer: Trainer, backend: GraphBackend | None = None) -> Trainer:
    """Make a trainer queue its steps, as on a GPU."""
    trainer.queues_steps = True
    trainer._cuda_step = trainer._device_step()
    if backend:
        trainer._cuda_step.capture_with(backend, trainer.group.all_agree)
    trainer.state = trainer._cuda_step.state
    return trainer


def assert_close(first_run: Trainer, second_run: Trainer) -> None:
    """Assert that all arrays of two runs are equal up to rounding."""
    first, second = state_arrays(first_run), state_arrays(second_run)
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_allclose(second[name], array, rtol=1e-3, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("cell", CELLS)
def test_queued_steps_are_equal_to_synchronous_steps(
    cell: str, precision: str, make_trainer: Callable[..., Trainer]
) -> None:
    """Weights, moments, carried state, state resets and the sums of losses are equal, with dropout."""
    synchronous, queued = (make_trainer(cell=cell, precision=precision, **DROPPED) for _ in range(2))
    with_queued_steps(queued)
    for _ in range(12 if precision == "float32" else 1):
        synchronous.train_step()
        queued.train_step()
    assert_close(synchronous, queued)
    assert queued.bookkeeping.report_sums[0] == synchronous.step


def test_queued_steps_yield_the_same_events_and_report_losses_on_time(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports and evaluations come at the same steps; the loss of a step is the mean since the last known one."""
    monkeypatch.setitem(PERIODS, "report", 10)
    monkeypatch.setitem(PERIODS, "evaluation", 5)
    monkeypatch.setitem(PERIODS, "preview", 1)
    synchronous, queued = (
        [event for event in train_loop(trainer, sample_every=0) if isinstance(event, Step | Report | Evaluation)]
        for trainer in (make_trainer(steps=50), with_queued_steps(make_trainer(steps=50)))
    )
    assert [(type(event), event.step) for event in queued] == [(type(event), event.step) for event in synchronous]
    for expected, actual in zip(synchronous, queued, strict=True):
        if isinstance(expected, Report | Evaluation):
            assert actual.nats == pytest.approx(expected.nats, rel=1e-3)
    losses = [event.nats for event in synchronous if isinstance(event, Step) and event.nats is not None]
    known = {event.step: event.nats for event in queued if isinstance(event, Step) and event.nats is not None}
    assert list(known) == list(range(5, 51, 5))
    assert known[10] == pytest.approx(np.mean(losses[5:10]), rel=1e-3)


def test_the_host_waits_only_after_the_maximum_number_of_queued_steps(make_trainer: Callable[..., Trainer]) -> None:
    """Between periods, results are read once every MAX_QUEUED_STEPS steps."""
    trainer = with_queued_steps(make_trainer(steps=None, minutes=1.0))
    steps_with_loss = [event.step for event in (trainer.train_step() for _ in range(100)) if event.nats is not None]
    assert steps_with_loss == [MAX_QUEUED_STEPS, 2 * MAX_QUEUED_STEPS, 3 * MAX_QUEUED_STEPS]


@pytest.mark.parametrize("what", ["the loss", "the gradient"])
def test_a_step_that_is_not_finite_changes_no_weights_even_if_steps_are_queued_after_it(
    what: str, make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Only the altered weight and its average differ; every later access names the step, and nothing is saved."""
    trainer = with_queued_steps(make_trainer(steps=None, minutes=1.0, reset=0.0))
    for _ in range(3):
        trainer.train_step()
    if what == "the loss":
        for network in (trainer.network, trainer.ema_network):
            network.output.bias.data[0] = math.nan
    before = {name: array.copy() for name, array in state_arrays(trainer).items() if not name.startswith("since")}
    if what == "the gradient":
        monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_, **_options: torch.tensor(math.inf))
    for _ in range(5):
        trainer.train_step()
    monkeypatch.undo()
    with torch.no_grad():
        trainer.network.output.bias[0] = torch.from_numpy(before["output.bias"])[0]
    trainer.train_step()
    directory = RunDirectory(tmp_path)
    for access in (
        trainer.sync,
        trainer.sync,
        lambda: checkpoint.save_checkpoint(trainer, directory),
        lambda: checkpointer.save_final(trainer, directory),
    ):
        with pytest.raises(DivergedError, match=f"{what} is not finite at step 4 "):
            access()
    assert not directory.checkpoints()
    trainer._cuda_step = None
    after = state_arrays(trainer)
    assert [name for name, array in before.items() if not np.array_equal(array, after[name], equal_nan=True)] == []
    assert {count.item() for count in trainer.optimizer.counts.values()} == {3}


def test_a_training_that_diverges_ends_with_an_error(make_trainer: Callable[..., Trainer]) -> None:
    """The loop raises DivergedError at the next synchronization, and makes no step after it."""
    trainer = with_queued_steps(make_trainer(steps=64))
    events: list[Event] = []

    def with_infinite_weight() -> Iterator[Event]:
        for event in train_loop(trainer, sample_every=0):
            yield event
            if trainer.step == 20:
                trainer.network.output.bias.detach().fill_(math.inf)

    with pytest.raises(DivergedError, match=r"is not finite at step 2\d "):
        events.extend(with_infinite_weight())
    assert trainer.step <= 20 + 64 // 20


def test_a_run_stopped_anywhere_resumes_bit_for_bit(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """Also if the results of the last steps had not been read when the run was saved."""
    uninterrupted, trainer = (with_queued_steps(make_trainer(**DROPPED)) for _ in range(2))
    list(train_loop(uninterrupted, sample_every=0))
    events = train_loop(trainer, sample_every=0)
    for stop in (1, 7, 33, 40):
        next(event for event in events if isinstance(event, Step) and event.step == stop)
        path = tmp_path / str(stop)
        path.mkdir()
        resumed = make_trainer(**DROPPED)
        checkpoint.load_checkpoint(resumed, checkpoint.save_checkpoint(trainer, RunDirectory(path)))
        resumed.queues_steps = True
        list(train_loop(resumed, sample_every=0))
        first, second = state_arrays(uninterrupted), state_arrays(resumed)
        assert [name for name in first if not np.array_equal(first[name], second[name])] == []


class FakeGraphs:
    """A backend that behaves like CUDA graphs: a capture executes nothing, and a replay executes the work."""

    def __init__(self, error: str | None = None) -> None:
        self.error = error
        self.calls: list[str] = []

    def backend(self) -> GraphBackend:
        """Return functions that run and capture work."""

        def warm_up(work: Work) -> None:
            self.calls.append("aside")
            work()

        def capture(work: Work) -> Work:
            self.calls.append("record")
            if self.error is not None:
                # The host has executed a part of the step before the capture fails.
                torch.rand(5)
                raise RuntimeError(self.error)

            def replay() -> None:
                self.calls.append("replay")
                work()

            return replay

        return GraphBackend(warm_up, capture)


def test_a_step_is_captured_once_after_the_warm_up(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """No step is repeated or skipped, a resumed run captures again, and the result is that without graphs."""
    plain, graphs, resumed_graphs = with_queued_steps(make_trainer(**DROPPED)), FakeGraphs(), FakeGraphs()
    list(train_loop(plain, sample_every=0))
    first = with_queued_steps(make_trainer(**DROPPED), graphs.backend())
    list(islice((event for event in train_loop(first, sample_every=0) if isinstance(event, Step)), 10))
    assert graphs.calls == ["aside"] * WARM_UP_RUNS + ["record"] + ["replay"] * (10 - WARM_UP_RUNS)
    second = make_trainer(**DROPPED)
    checkpoint.load_checkpoint(second, checkpoint.save_checkpoint(first, RunDirectory(tmp_path)))
    with_queued_steps(second, resumed_graphs.backend())
    list(train_loop(second, sample_every=0))
    assert resumed_graphs.calls == ["aside"] * WARM_UP_RUNS + ["record"] + ["replay"] * (30 - WARM_UP_RUNS)
    expected, actual = state_arrays(plain), state_arrays(second)
    assert [name for name in expected if not np.array_equal(expected[name], actual[name])] == []


def test_a_step_that_cannot_be_captured_runs_uncaptured_with_one_warning(
    make_trainer: Callable[..., Trainer],
) -> None:
    """The step of the failed capture is executed too, with its own seed."""
    plain, graphs = with_queued_steps(make_trainer(**DROPPED)), FakeGraphs("operation not permitted\nwhen capturing")
    trainer = with_queued_steps(make_trainer(**DROPPED), graphs.backend())
    list(train_loop(plain, sample_every=0))
    events = list(train_loop(trainer, sample_every=0))
    warnings = [event for event in events if isinstance(event, TrainingWarning)]
    assert [(event.step, event.message) for event in warnings] == [
        (WARM_UP_RUNS + 1, "steps are not replayed from a CUDA graph, so they are slower: operation not permitted")
    ]
    assert graphs.calls == ["aside"] * WARM_UP_RUNS + ["record"]
    expected, actual = state_arrays(plain), state_arrays(trainer)
    assert [name for name in expected if not np.array_equal(expected[name], actual[name])] == []
    assert all(parameter.grad is None for parameter in trainer.network.parameters())


class NoSynchronization(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A mode that raises if an operation waits for the device or moves a value between host and device."""

    SYNCHRONIZING = ("_local_scalar_dense", "item", "nonzero", "is_nonzero", "equal", "_assert_async")

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Execute an operation; all of its tensors must be on the device."""
        name = func.name().removeprefix("aten::").partition(".")[0]
        self.seen.add(name)
        assert name not in self.SYNCHRONIZING
        tensors = [tensor for tensor in _pytree.tree_leaves((args, kwargs)) if isinstance(tensor, Tensor)]
        assert {tensor.device.type for tensor in tensors} <= {"meta"}, name
        if name == "_fused_adamw_":
            # This operation has no implementation for meta tensors; it works in place.
            assert kwargs["found_inf"] is not None
            assert isinstance(kwargs["lr"], Tensor)
            return None
        result = func(*args, **(kwargs or {}))
        assert {tensor.device.type for tensor in _pytree.tree_leaves(result) if isinstance(tensor, Tensor)} <= {
            "meta"
        }, name
        return result


@pytest.fixture
def _no_autocast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable autocast, which does not support tensors without values."""
    monkeypatch.setattr(torch, "autocast", lambda *_args, **_more: contextlib.nullcontext())
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda _device: False)


@pytest.mark.usefixtures("_no_autocast")
@pytest.mark.parametrize(("cell", "fits"), [("lstm", False), *((cell, True) for cell in CELLS)])
def test_a_step_never_synchronizes_with_the_device(
    cell: str, fits: bool, make_trainer: Callable[..., Trainer]
) -> None:
    """A step runs on meta tensors, which have no values, so that it can be captured."""
    trainer, device = make_trainer(cell=cell, length=4, **DROPPED), torch.device("meta")
    network = trainer.network.to(device)
    batches = DeviceBatches(trainer.batches, device, max_bytes=math.inf if fits else 0)
    step = CudaStep(network, make_ema(network), AdamW(network), network.initial_state(4), batches, trainer.training)
    batches.set_step(3)
    with NoSynchronization() as mode:
        step._run_step()
    assert {"_fused_adamw_", "where", "dropout" if "dropout" in mode.seen else "bernoulli_"} <= mode.seen


@pytest.mark.usefixtures("_no_autocast")
@pytest.mark.parametrize("cell", CELLS)
def test_a_step_of_a_text_of_documents_never_synchronizes_with_the_device(
    cell: str, make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ends of documents are computed on the device."""
    config = NetworkConfig(cell=cell, layers=2, hidden=16, embedding=8, documents="line")
    with torch.device("meta"):
        network = CharRNN(config, 30, end_id=3)
    monkeypatch.setattr(network, "_document_ends", lambda ids: ids == 3)  # as on a GPU
    training = make_trainer(length=4).training
    window = RandomBatch(training, 30, torch.device("meta"))
    with NoSynchronization():
        result = forward_backward(network, window.batch_ids(), network.initial_state(4), training)
    assert {parameter.grad is not None for parameter in network.parameters()} == {True}
    assert result.state[0].shape == (2, 4, 16)


def test_the_check_for_synchronization_can_fail() -> None:
    """Reading a value from the device and using a value of the host both raise."""
    tensor = torch.zeros(3, device="meta")
    for operation in (lambda: tensor.sum().item(), lambda: tensor + torch.ones(()), lambda: bool(tensor.any())):
        with pytest.raises((AssertionError, RuntimeError)), NoSynchronization():
            operation()


@pytest.mark.parametrize("max_bytes", [0, math.inf])
def test_batches_on_the_device_are_equal_to_those_of_the_text(
    max_bytes: float, make_trainer: Callable[..., Trainer]
) -> None:
    """With and without the text on the device, also at the end of the text and at very large steps."""
    trainer = make_trainer()
    batches = DeviceBatches(trainer.batches, trainer.device, max_bytes=max_bytes)
    assert batches.resident == bool(max_bytes)
    for step in (0, 1, round(trainer.batches.steps_per_epoch) - 1, round(trainer.batches.steps_per_epoch), 10**12):
        batches.set_step(step)
        assert np.array_equal(batches.batch_ids().numpy(), trainer.batches.batch_ids(step))


@pytest.mark.parametrize(
    ("size", "dtype"), [(256, torch.uint8), (257, torch.int16), (32_768, torch.int16), (32_769, torch.int32)]
)
def test_a_text_on_the_device_has_the_narrowest_sufficient_type(size: int, dtype: torch.dtype) -> None:
    """Most vocabularies need one byte per character, and no id is truncated."""
    from charrnn.training.cuda_step import _id_dtype

    assert _id_dtype(size) == dtype
    assert torch.iinfo(dtype).max >= size - 1


def test_the_random_batch_is_constant(make_trainer: Callable[..., Trainer]) -> None:
    """Its ids are valid."""
    training = make_trainer().training
    window = RandomBatch(training, 30, torch.device("cpu"))
    before = window.batch_ids().clone()
    window.set_step(5)
    assert torch.equal(window.batch_ids(), before)
    assert before.shape == (training.length + 1, training.batch)
    assert int(before.max()) < 30
