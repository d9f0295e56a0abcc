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
from charrnn.network.module import CharacterNetwork
from charrnn.runs import RunDirectory
from charrnn.training import checkpoint, saving
from charrnn.training.averaging import averaged
from charrnn.training.capture import WARM_UP, Recorder, Work
from charrnn.training.device_step import DeviceStep
from charrnn.training.device_windows import DeviceWindows, OneWindow
from charrnn.training.events import Evaluation, Event, Report, Step, Trouble
from charrnn.training.gradient import learn
from charrnn.training.loop import train
from charrnn.training.optimiser import AdamW
from charrnn.training.run import PARTS, STEPS_UNSEEN, Run
from charrnn.training.snapshot import arrays_of

DROPPED = {"dropout": 0.3, "input_dropout": 0.2, "weight_drop": 0.3, "reset": 0.3}


def ahead(run: Run, recorder: Recorder | None = None) -> Run:
    """Have a run queue its steps, as on a GPU."""
    run.runs_ahead = True
    windows = DeviceWindows(run.windows, run.device, room=math.inf)
    run._ahead = DeviceStep(run.network, run.averaged, run.optimiser, run.state, windows, run.training, recorder)
    run.state = run._ahead.state
    return run


def assert_close(one: Run, other: Run) -> None:
    """Compare every array of two runs, but for what rounding a learning rate makes of them."""
    first, second = arrays_of(one), arrays_of(other)
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_allclose(second[name], array, rtol=1e-3, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_it_learns_what_a_step_learns_that_is_waited_for(
    cell: str, precision: str, make_run: Callable[..., Run]
) -> None:
    """Weights, moments, carried state, forgotten streams and the sums of losses, with all that is dropped."""
    plain, queued = (make_run(cell=cell, precision=precision, **DROPPED) for _ in range(2))
    ahead(queued)
    for _ in range(12 if precision == "float32" else 1):
        plain.update()
        queued.update()
    assert_close(plain, queued)
    assert queued.since_report[0] == plain.step


def test_the_events_are_the_same_and_losses_are_known_when_they_are_due(
    make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports and evaluations come at the same steps; a step's numbers are means since they were last known."""
    monkeypatch.setitem(PARTS, "report", 10)
    monkeypatch.setitem(PARTS, "evaluation", 5)
    monkeypatch.setitem(PARTS, "preview", 1)
    plain, queued = (
        [event for event in train(run, sample_every=0) if isinstance(event, Step | Report | Evaluation)]
        for run in (make_run(steps=50), ahead(make_run(steps=50)))
    )
    assert [(type(event), event.step) for event in queued] == [(type(event), event.step) for event in plain]
    for one, other in zip(plain, queued, strict=True):
        if isinstance(one, Report | Evaluation):
            assert other.nats == pytest.approx(one.nats, rel=1e-3)
    losses = [event.nats for event in plain if isinstance(event, Step) and event.nats is not None]
    known = {event.step: event.nats for event in queued if isinstance(event, Step) and event.nats is not None}
    assert list(known) == list(range(5, 51, 5))
    assert known[10] == pytest.approx(np.mean(losses[5:10]), rel=1e-3)


def test_nobody_waits_for_a_step_but_now_and_then(make_run: Callable[..., Run]) -> None:
    """While no part is due, each so manieth step is looked at."""
    run = ahead(make_run(steps=None, minutes=1.0))
    known = [event.step for event in (run.update() for _ in range(100)) if event.nats is not None]
    assert known == [STEPS_UNSEEN, 2 * STEPS_UNSEEN, 3 * STEPS_UNSEEN]


@pytest.mark.parametrize("what", ["the loss", "its gradient"])
def test_what_is_no_number_changes_nothing_though_steps_are_queued_behind_it(
    what: str, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing but the weight that was poisoned and its mean; whoever looks is told the step, and nothing is saved."""
    run = ahead(make_run(steps=None, minutes=1.0, reset=0.0))
    for _ in range(3):
        run.update()
    if what == "the loss":
        for network in (run.network, run.averaged):
            network.output.bias.data[0] = math.nan
    before = {name: array.copy() for name, array in arrays_of(run).items() if not name.startswith("since")}
    if what == "its gradient":
        monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_: torch.tensor(math.inf))
    for _ in range(5):
        run.update()
    monkeypatch.undo()
    with torch.no_grad():
        run.network.output.bias[0] = torch.from_numpy(before["output.bias"])[0]
    run.update()
    directory = RunDirectory(tmp_path)
    for look in (
        run.look,
        run.look,
        lambda: checkpoint.save(run, directory),
        lambda: saving.save_last(run, directory),
    ):
        with pytest.raises(DivergedError, match=f"{what} left the numbers at step 4 "):
            look()
    assert not directory.checkpoints()
    run._ahead = None
    after = arrays_of(run)
    assert [name for name, array in before.items() if not np.array_equal(array, after[name], equal_nan=True)] == []
    assert {count.item() for count in run.optimiser.counts.values()} == {3}


def test_a_training_that_leaves_the_numbers_ends_so(make_run: Callable[..., Run]) -> None:
    """In the loop the step that is next looked at tells of it, and no later one is made."""
    run = ahead(make_run(steps=64))
    events: list[Event] = []

    def poisoned() -> Iterator[Event]:
        for event in train(run, sample_every=0):
            yield event
            if run.step == 20:
                run.network.output.bias.detach().fill_(math.inf)

    with pytest.raises(DivergedError, match=r"left the numbers at step 2\d "):
        events.extend(poisoned())
    assert run.step <= 20 + 64 // 20


def test_a_run_stopped_anywhere_goes_on_to_the_same_end(make_run: Callable[..., Run], tmp_path: Path) -> None:
    """To the last bit, also where nobody had looked at the last steps when it was saved."""
    whole = ahead(make_run(**DROPPED))
    list(train(whole, sample_every=0))
    for stop in (1, 7, 33, 40):
        run = ahead(make_run(**DROPPED))
        for event in train(run, sample_every=0):
            if isinstance(event, Step) and event.step == stop:
                break
        path = tmp_path / str(stop)
        path.mkdir()
        other = make_run(**DROPPED)
        checkpoint.load(other, checkpoint.save(run, RunDirectory(path)))
        other.runs_ahead = True
        list(train(other, sample_every=0))
        first, second = arrays_of(whole), arrays_of(other)
        assert [name for name in first if not np.array_equal(first[name], second[name])] == []


class FakeGraphs:
    """Records work as a graph would: without doing it, and replays it by doing it."""

    def __init__(self, refusal: str | None = None) -> None:
        self.refusal = refusal
        self.done: list[str] = []

    def recorder(self) -> Recorder:
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

        return Recorder(aside, record)


def test_a_step_is_recorded_once_after_a_few_that_are_real(make_run: Callable[..., Run], tmp_path: Path) -> None:
    """None is made twice or left out; a run that goes on records anew; all end as they would have without."""
    plain, graphs, again = ahead(make_run(**DROPPED)), FakeGraphs(), FakeGraphs()
    list(train(plain, sample_every=0))
    first = ahead(make_run(**DROPPED), graphs.recorder())
    list(islice((event for event in train(first, sample_every=0) if isinstance(event, Step)), 10))
    assert graphs.done == ["aside"] * WARM_UP + ["record"] + ["replay"] * (10 - WARM_UP)
    second = make_run(**DROPPED)
    checkpoint.load(second, checkpoint.save(first, RunDirectory(tmp_path)))
    ahead(second, again.recorder())
    list(train(second, sample_every=0))
    assert again.done == ["aside"] * WARM_UP + ["record"] + ["replay"] * (30 - WARM_UP)
    one, other = arrays_of(plain), arrays_of(second)
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []


def test_what_cannot_be_recorded_goes_on_as_it_is_and_is_told_once(make_run: Callable[..., Run]) -> None:
    """The step at which it was tried is made all the same, with the chance that is its own."""
    plain, graphs = ahead(make_run(**DROPPED)), FakeGraphs("operation not permitted\nwhen capturing")
    run = ahead(make_run(**DROPPED), graphs.recorder())
    list(train(plain, sample_every=0))
    events = list(train(run, sample_every=0))
    troubles = [event for event in events if isinstance(event, Trouble)]
    assert [(event.step, event.message) for event in troubles] == [
        (WARM_UP + 1, "steps are not replayed from a CUDA graph, so they are slower: operation not permitted")
    ]
    assert graphs.done == ["aside"] * WARM_UP + ["record"]
    one, other = arrays_of(plain), arrays_of(run)
    assert [name for name in one if not np.array_equal(one[name], other[name])] == []
    assert all(parameter.grad is None for parameter in run.network.parameters())


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
    cell: str, fits: bool, make_run: Callable[..., Run]
) -> None:
    """On tensors that have shapes and no numbers a step runs through: so it never needs one, and can be captured."""
    run, device = make_run(cell=cell, length=4, **DROPPED), torch.device("meta")
    network = run.network.to(device)
    windows = DeviceWindows(run.windows, device, room=math.inf if fits else 0)
    step = DeviceStep(network, averaged(network), AdamW(network), network.start(4), windows, run.training, None)
    windows.stand_at(3)
    with NothingAsked() as asked:
        step._once()
    assert {"_fused_adamw_", "where", "dropout" if "dropout" in asked.seen else "bernoulli_"} <= asked.seen


@pytest.mark.usefixtures("_no_autocast")
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_nor_does_a_text_of_documents(
    cell: str, make_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each of them ends is known on the device alone."""
    config = NetworkConfig(cell=cell, layers=2, hidden=16, embedding=8, documents="line")
    with torch.device("meta"):
        network = CharacterNetwork(config, 30, end=3)
    monkeypatch.setattr(network, "_ended", lambda ids: ids == 3)  # as on a GPU
    training = make_run(length=4).training
    window = OneWindow(training, 30, torch.device("meta"))
    with NothingAsked():
        learned = learn(network, window.read(), network.start(4), training)
    assert {parameter.grad is not None for parameter in network.parameters()} == {True}
    assert learned.state[0].shape == (2, 4, 16)


def test_the_check_above_can_fail() -> None:
    """A number that is asked for is refused, and so is one that is brought along."""
    numbers = torch.zeros(3, device="meta")
    for careless in (lambda: numbers.sum().item(), lambda: numbers + torch.ones(()), lambda: bool(numbers.any())):
        with pytest.raises((AssertionError, RuntimeError)), NothingAsked():
            careless()


@pytest.mark.parametrize("room", [0, math.inf])
def test_windows_on_the_device_are_those_of_the_text(room: float, make_run: Callable[..., Run]) -> None:
    """Whether the text lies there or not, round its end and for ever."""
    run = make_run()
    windows = DeviceWindows(run.windows, run.device, room=room)
    assert windows.resident == bool(room)
    for step in (0, 1, round(run.windows.per_epoch) - 1, round(run.windows.per_epoch), 10**12):
        windows.stand_at(step)
        assert np.array_equal(windows.read().numpy(), run.windows.read(step))


@pytest.mark.parametrize(
    ("size", "dtype"), [(256, torch.uint8), (257, torch.int16), (32_768, torch.int16), (32_769, torch.int32)]
)
def test_a_text_on_the_device_takes_the_narrowest_type_that_holds_it(size: int, dtype: torch.dtype) -> None:
    """One byte a character for most, and no id is lost."""
    from charrnn.training.device_windows import _narrowest

    assert _narrowest(size) == dtype
    assert torch.iinfo(dtype).max >= size - 1


def test_the_window_to_time_steps_on_stays_as_it_is(make_run: Callable[..., Run]) -> None:
    """Of ids that there are."""
    training = make_run().training
    window = OneWindow(training, 30, torch.device("cpu"))
    before = window.read().clone()
    window.stand_at(5)
    assert torch.equal(window.read(), before)
    assert before.shape == (training.length + 1, training.batch)
    assert int(before.max()) < 30
