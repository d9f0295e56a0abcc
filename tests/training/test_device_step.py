"""Steps that are queued on a device do what steps do that are waited for, and ask the device for nothing meanwhile.

All of it runs on the CPU: what is queued there is done at once, by the same operations as on a GPU.
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
from charrnn.network.char_rnn import CharRNN
from charrnn.storage.run_directory import RunDirectory
from charrnn.training import checkpoint, checkpointer
from charrnn.training.checkpoint import state_arrays
from charrnn.training.cuda_graph import WARM_UP_RUNS, GraphBackend, Work
from charrnn.training.cuda_step import CudaStep, DeviceBatches, RandomBatch
from charrnn.training.events import Evaluation, Event, Report, Step, TrainingWarning
from charrnn.training.loop import train_loop
from charrnn.training.optimizer import AdamW, make_ema
from charrnn.training.progress import PERIODS
from charrnn.training.tbptt import forward_backward
from charrnn.training.trainer import MAX_QUEUED_STEPS, Trainer

DROPPED = {"dropout": 0.3, "input_dropout": 0.2, "weight_drop": 0.3, "reset": 0.3}


def ahead(trainer: Trainer, backend: GraphBackend | None = None) -> Trainer:
    """Have a run queue its steps, as on a GPU."""
    trainer.queues_steps = True
    batches = DeviceBatches(trainer.batches, trainer.device, max_bytes=math.inf)
    trainer._cuda_step = CudaStep(
        trainer.network, trainer.ema_network, trainer.optimizer, trainer.state, batches, trainer.training
    )
    if backend:
        trainer._cuda_step.capture_with(backend)
    trainer.state = trainer._cuda_step.state
    return trainer


def assert_close(one: Trainer, other: Trainer) -> None:
    """Compare every array of two runs, but for what rounding a learning rate makes of them."""
    first, second = state_arrays(one), state_arrays(other)
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_allclose(second[name], array, rtol=1e-3, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_it_learns_what_a_step_learns_that_is_waited_for(
    cell: str, precision: str, make_trainer: Callable[..., Trainer]
) -> None:
    """Weights, moments, carried state, forgotten streams and the sums of losses, with all that is dropped."""
    plain, queued = (make_trainer(cell=cell, precision=precision, **DROPPED) for _ in range(2))
    ahead(queued)
    for _ in range(12 if precision == "float32" else 1):
        plain.train_step()
        queued.train_step()
    assert_close(plain, queued)
    assert queued.bookkeeping.report_sums[0] == plain.step


def test_the_events_are_the_same_and_losses_are_known_when_they_are_due(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports and evaluations come at the same steps; a step's numbers are means since they were last known."""
    monkeypatch.setitem(PERIODS, "report", 10)
    monkeypatch.setitem(PERIODS, "evaluation", 5)
    monkeypatch.setitem(PERIODS, "preview", 1)
    plain, queued = (
        [event for event in train_loop(trainer, sample_every=0) if isinstance(event, Step | Report | Evaluation)]
        for trainer in (make_trainer(steps=50), ahead(make_trainer(steps=50)))
    )
    assert [(type(event), event.step) for event in queued] == [(type(event), event.step) for event in plain]
    for one, other in zip(plain, queued, strict=True):
        if isinstance(one, Report | Evaluation):
            assert other.nats == pytest.approx(one.nats, rel=1e-3)
    losses = [event.nats for event in plain if isinstance(event, Step) and event.nats is not None]
    known = {event.step: event.nats for event in queued if isinstance(event, Step) and event.nats is not None}
    assert list(known) == list(range(5, 51, 5))
    assert known[10] == pytest.approx(np.mean(losses[5:10]), rel=1e-3)


def test_nobody_waits_for_a_step_but_now_and_then(make_trainer: Callable[..., Trainer]) -> None:
    """While no part is due, each so manieth step is looked at."""
    trainer = ahead(make_trainer(steps=None, minutes=1.0))
    known = [event.step for event in (trainer.train_step() for _ in range(100)) if event.nats is not None]
    assert known == [MAX_QUEUED_STEPS, 2 * MAX_QUEUED_STEPS, 3 * MAX_QUEUED_STEPS]


@pytest.mark.parametrize("what", ["the loss", "the gradient"])
def test_what_is_no_number_changes_nothing_though_steps_are_queued_behind_it(
    what: str, make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing but the weight that was poisoned and its mean; whoever looks is told the step, and nothing is saved."""
    trainer = ahead(make_trainer(steps=None, minutes=1.0, reset=0.0))
    for _ in range(3):
        trainer.train_step()
    if what == "the loss":
        for network in (trainer.network, trainer.ema_network):
            network.output.bias.data[0] = math.nan
    before = {name: array.copy() for name, array in state_arrays(trainer).items() if not name.startswith("since")}
    if what == "the gradient":
        monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_: torch.tensor(math.inf))
    for _ in range(5):
        trainer.train_step()
    monkeypatch.undo()
    with torch.no_grad():
        trainer.network.output.bias[0] = torch.from_numpy(before["output.bias"])[0]
    trainer.train_step()
    directory = RunDirectory(tmp_path)
    for look in (
        trainer.sync,
        trainer.sync,
        lambda: checkpoint.save_checkpoint(trainer, directory),
        lambda: checkpointer.save_final(trainer, directory),
    ):
        with pytest.raises(DivergedError, match=f"{what} is not finite at step 4 "):
            look()
    assert not directory.checkpoints()
    trainer._cuda_step = None
    after = state_arrays(trainer)
    assert [name for name, array in before.items() if not np.array_equal(array, after[name], equal_nan=True)] == []
    assert {count.item() for count in trainer.optimizer.counts.values()} == {3}


def test_a_training_that_leaves_the_numbers_ends_so(make_trainer: Callable[..., Trainer]) -> None:
    """In the loop the step that is next looked at tells of it, and no later one is made."""
    trainer = ahead(make_trainer(steps=64))
    events: list[Event] = []

    def poisoned() -> Iterator[Event]:
        for event in train_loop(trainer, sample_every=0):
            yield event
            if trainer.step == 20:
                trainer.network.output.bias.detach().fill_(math.inf)

    with pytest.raises(DivergedError, match=r"is not finite at step 2\d "):
        events.extend(poisoned())
    assert trainer.step <= 20 + 64 // 20


def test_a_run_stopped_anywhere_goes_on_to_the_same_end(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    """To the last bit, also where nobody had looked at the last steps when it was saved."""
    whole = ahead(make_trainer(**DROPPED))
    list(train_loop(whole, sample_every=0))
    for stop in (1, 7, 33, 40):
        trainer = ahead(make_trainer(**DROPPED))
        for event in train_loop(trainer, sample_every=0):
            if isinstance(event, Step) and event.step == stop:
                break
        path = tmp_path / str(stop)
        path.mkdir()
        other = make_trainer(**DROPPED)
        checkpoint.load_checkpoint(other, checkpoint.save_checkpoint(trainer, RunDirectory(path)))
        other.queues_steps = True
        list(train_loop(other, sample_every=0))
        first, second = state_arrays(whole), state_arrays(other)
        assert [name for name in first if not np.array_equal(first[name], second[name])] == []


class FakeGraphs:
    """Records work as a graph would: without doing it, and replays it by doing it."""

    def __init__(self, refusal: str | None = None) -> None:
        self.refusal = refusal
        self.done: list[str] = []

    def recorder(self) -> GraphBackend:
        """Give how work is done and recorded."""

        def aside(work: Work) -> None:
            self.done.append("aside")
            work()

        def record(work: Work) -> Work:
            self.done.append("record")
            if self.refusal is not None:
                # What the host did of a step before the device refused is done.
                torch.rand(5)
                raise RuntimeError(self.refusal)

            def replay() -> None:
                self.done.append("replay")
                work()

            return replay

        return GraphBackend(aside, record)


def test_a_step_is_recorded_once_after_a_few_that_are_real(
    make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    """None is made twice or left out; a run that goes on records anew; all end as they would have without."""
    plain, graphs, again = ahead(make_trainer(**DROPPED)), FakeGraphs(), FakeGraphs()
    list(train_loop(plain, sample_every=0))
    first = ahead(make_trainer(**DROPPED), graphs.recorder())
    list(islice((event for event in train_loop(first, sample_every=0) if isinstance(event, Step)), 10))
    assert graphs.done == ["aside"] * WARM_UP_RUNS + ["record"] + ["replay"] * (10 - WARM_UP_RUNS)
    second = make_trainer(**DROPPED)
    checkpoint.load_checkpoint(second, checkpoint.save_checkpoint(first, RunDirectory(tmp_path)))
    ahead(second, again.recorder())
    list(train_loop(second, sample_every=0))
    assert again.done == ["aside"] * WARM_UP_RUNS + ["record"] + ["replay"] * (30 - WARM_UP_RUNS)
    one, other = state_arrays(plain), state_arrays(second)
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []


def test_what_cannot_be_recorded_goes_on_as_it_is_and_is_told_once(make_trainer: Callable[..., Trainer]) -> None:
    """The step at which it was tried is made all the same, with the chance that is its own."""
    plain, graphs = ahead(make_trainer(**DROPPED)), FakeGraphs("operation not permitted\nwhen capturing")
    trainer = ahead(make_trainer(**DROPPED), graphs.recorder())
    list(train_loop(plain, sample_every=0))
    events = list(train_loop(trainer, sample_every=0))
    troubles = [event for event in events if isinstance(event, TrainingWarning)]
    assert [(event.step, event.message) for event in troubles] == [
        (WARM_UP_RUNS + 1, "steps are not replayed from a CUDA graph, so they are slower: operation not permitted")
    ]
    assert graphs.done == ["aside"] * WARM_UP_RUNS + ["record"]
    one, other = state_arrays(plain), state_arrays(trainer)
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []
    assert all(parameter.grad is None for parameter in trainer.network.parameters())


class NothingAsked(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses what would make the host wait for a device, and what would bring a number from one to the other."""

    ASKING = ("_local_scalar_dense", "item", "nonzero", "is_nonzero", "equal", "_assert_async")

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do an operation, all of whose tensors are on the device."""
        name = func.name().removeprefix("aten::").partition(".")[0]
        self.seen.add(name)
        assert name not in self.ASKING
        tensors = [one for one in _pytree.tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
        assert {one.device.type for one in tensors} <= {"meta"}, name
        if name == "_fused_adamw_":
            # The only one that has nothing to say of tensors without numbers; it changes its own in place.
            assert kwargs["found_inf"] is not None
            assert isinstance(kwargs["lr"], Tensor)
            return None
        made = func(*args, **(kwargs or {}))
        assert {one.device.type for one in _pytree.tree_leaves(made) if isinstance(one, Tensor)} <= {"meta"}, name
        return made


@pytest.fixture
def _no_autocast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave products as they are: there is no autocast for tensors without numbers."""
    monkeypatch.setattr(torch, "autocast", lambda *_args, **_more: contextlib.nullcontext())
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda _device: False)


@pytest.mark.usefixtures("_no_autocast")
@pytest.mark.parametrize(("cell", "fits"), [("lstm", True), ("lstm", False), ("gru", True), ("rnn", True)])
def test_nothing_in_a_step_asks_the_device_or_gives_it_a_number(
    cell: str, fits: bool, make_trainer: Callable[..., Trainer]
) -> None:
    """On tensors that have shapes and no numbers a step runs through: so it never needs one, and can be captured."""
    trainer, device = make_trainer(cell=cell, length=4, **DROPPED), torch.device("meta")
    network = trainer.network.to(device)
    batches = DeviceBatches(trainer.batches, device, max_bytes=math.inf if fits else 0)
    step = CudaStep(network, make_ema(network), AdamW(network), network.initial_state(4), batches, trainer.training)
    batches.set_step(3)
    with NothingAsked() as asked:
        step._run_step()
    assert {"_fused_adamw_", "where", "dropout" if "dropout" in asked.seen else "bernoulli_"} <= asked.seen


@pytest.mark.usefixtures("_no_autocast")
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_nor_does_a_text_of_documents(
    cell: str, make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each of them ends is known on the device alone."""
    config = NetworkConfig(cell=cell, layers=2, hidden=16, embedding=8, documents="line")
    with torch.device("meta"):
        network = CharRNN(config, 30, end_id=3)
    monkeypatch.setattr(network, "_document_ends", lambda ids: ids == 3)  # as on a GPU
    training = make_trainer(length=4).training
    window = RandomBatch(training, 30, torch.device("meta"))
    with NothingAsked():
        result = forward_backward(network, window.batch_ids(), network.initial_state(4), training)
    assert {parameter.grad is not None for parameter in network.parameters()} == {True}
    assert result.state[0].shape == (2, 4, 16)


def test_the_check_above_can_fail() -> None:
    """A number that is asked for is refused, and so is one that is brought along."""
    numbers = torch.zeros(3, device="meta")
    for careless in (lambda: numbers.sum().item(), lambda: numbers + torch.ones(()), lambda: bool(numbers.any())):
        with pytest.raises((AssertionError, RuntimeError)), NothingAsked():
            careless()


@pytest.mark.parametrize("room", [0, math.inf])
def test_windows_on_the_device_are_those_of_the_text(room: float, make_trainer: Callable[..., Trainer]) -> None:
    """Whether the text lies there or not, round its end and for ever."""
    trainer = make_trainer()
    batches = DeviceBatches(trainer.batches, trainer.device, max_bytes=room)
    assert batches.resident == bool(room)
    for step in (0, 1, round(trainer.batches.steps_per_epoch) - 1, round(trainer.batches.steps_per_epoch), 10**12):
        batches.set_step(step)
        assert np.array_equal(batches.batch_ids().numpy(), trainer.batches.batch_ids(step))


@pytest.mark.parametrize(
    ("size", "dtype"), [(256, torch.uint8), (257, torch.int16), (32_768, torch.int16), (32_769, torch.int32)]
)
def test_a_text_on_the_device_takes_the_narrowest_type_that_holds_it(size: int, dtype: torch.dtype) -> None:
    """One byte a character for most, and no id is lost."""
    from charrnn.training.cuda_step import _id_dtype

    assert _id_dtype(size) == dtype
    assert torch.iinfo(dtype).max >= size - 1


def test_the_window_to_time_steps_on_stays_as_it_is(make_trainer: Callable[..., Trainer]) -> None:
    """Of ids that there are."""
    training = make_trainer().training
    window = RandomBatch(training, 30, torch.device("cpu"))
    before = window.batch_ids().clone()
    window.set_step(5)
    assert torch.equal(window.batch_ids(), before)
    assert before.shape == (training.length + 1, training.batch)
    assert int(before.max()) < 30
