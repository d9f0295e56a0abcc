"""Training in the Python API: the runs of the command line, saved and resumed exactly, without output."""

import dataclasses
import faulthandler
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from common import Call, random_model

import charrnn
from charrnn import resources
from charrnn.network.model_file import load_model, save_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.training import events
from charrnn.training.events import Evaluation, Event, SafePoint, Step, TrainingWarning

SMALL: Any = {"steps": 24, "hidden": 12, "batch": 4, "length": 16, "threads": 1, "sample_every": 0}
"""settings of a training of one second; untyped because they are combined with others"""


def weights(run: str) -> dict[str, Any]:
    """Return the bytes of each weight of a run's model."""
    return {name: array.tobytes() for name, array in load_model(RunDirectory(Path(run)).model).weights.items()}


def steps_until(until: Callable[[Event], bool], **settings: Any) -> int:
    """Train until an event, close the generator, and return the number of steps."""
    step_count = 0
    learning = charrnn.training_events("book.txt", **SMALL | settings)
    for event in learning:
        step_count += isinstance(event, Step)
        if until(event):
            break
    learning.close()
    return step_count


def kinds_of_files(run: str) -> set[str]:
    """Return the names of the files of a run without the steps of checkpoints, which depend on the time."""
    return {re.sub(r"\d+", "N", path.name) for path in Path(run).iterdir()}


def test_training_in_python_is_that_of_the_command_line(
    book: Path, call: Call, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Weights and files are equal, and nothing is printed."""
    model = charrnn.train(book, out="python", **SMALL)
    assert capsysbinary.readouterr() == (b"", b"")
    options = [word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    assert call("train", "book.txt", "--out", "command", *options).code == 0
    assert weights("python") == weights("command")
    assert model.path == Path("python/model.safetensors")
    assert kinds_of_files("python") == kinds_of_files("command")


def test_the_saved_settings_reproduce_the_run(book: Path, call: Call) -> None:
    """The settings file records that they came from Python."""
    charrnn.train(book, out="python", dropout=0.1, **SMALL)
    assert "dropout: 0.1  # Python" in Path("python/config.yaml").read_text()
    assert call("train", "--config", "python/config.yaml", "--out", "again", "--threads", "1").code == 0
    assert weights("again") == weights("python")


@pytest.mark.parametrize("kind", [SafePoint, Evaluation, Step])
def test_a_closed_training_is_resumed_exactly(book: Path, kind: type[Event]) -> None:
    """At any kind of event; a third call finds nothing left to do."""
    assert book.exists()
    charrnn.train("book.txt", out="whole", **SMALL)
    first = steps_until(lambda event: isinstance(event, kind), out="left")
    second = steps_until(lambda _: False, out="left")
    assert first + second == SMALL["steps"]
    assert weights("left") == weights("whole")
    assert steps_until(lambda _: False, out="left") == 0
    assert charrnn.train("book.txt", out="left", **SMALL).path == Path("left/model.safetensors")


def test_ctrl_c_finishes_the_step_and_saves(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The saved run is resumed exactly, and Python's own handler is restored."""
    from charrnn.training.trainer import Trainer

    update, before = Trainer.train_step, signal.getsignal(signal.SIGINT)

    def interrupted(trainer: Trainer) -> Step:
        if trainer.step == 9:
            os.kill(os.getpid(), signal.SIGINT)
        return update(trainer)

    charrnn.train(book, out="whole", **SMALL)
    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "train_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            charrnn.train(book, out="left", **SMALL)
    assert signal.getsignal(signal.SIGINT) is before
    assert RunDirectory(Path("left")).last_checkpoint_step() == 10
    charrnn.train(book, out="left", **SMALL)
    assert weights("left") == weights("whole")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2])
def test_a_signal_of_a_batch_system_saves_before_it_ends_the_process(
    book: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The step is finished and saved; then the signal is raised again, by its default action."""
    from charrnn.training.trainer import Trainer

    update, raised = Trainer.train_step, []

    def interrupted(trainer: Trainer) -> Step:
        if trainer.step == 9:
            os.kill(os.getpid(), number)
        return update(trainer)

    monkeypatch.setattr(Trainer, "train_step", interrupted)
    monkeypatch.setattr(signal, "raise_signal", lambda number: raised.append((number, signal.getsignal(number))))
    with pytest.raises(KeyboardInterrupt):
        charrnn.train(book, out="left", **SMALL)
    assert raised == [(number, signal.SIG_DFL)]
    assert RunDirectory(Path("left")).last_checkpoint_step() == 10


def test_a_signal_that_the_program_handles_is_left_to_it(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its handler is called, and the training continues; Python does not know the handlers of faulthandler."""
    from charrnn.training.trainer import Trainer

    update, received = Trainer.train_step, []

    def signalled(trainer: Trainer) -> Step:
        if trainer.step == 9:
            os.kill(os.getpid(), signal.SIGUSR1)
        return update(trainer)

    monkeypatch.setattr(Trainer, "train_step", signalled)
    before = signal.signal(signal.SIGUSR1, lambda number, _frame: received.append(number))
    faulthandler.register(signal.SIGUSR2, trace := (book.parent / "trace").open("w"))
    try:
        charrnn.train(book, out="run", **SMALL)
        os.kill(os.getpid(), signal.SIGUSR2)
    finally:
        signal.signal(signal.SIGUSR1, before)
        faulthandler.unregister(signal.SIGUSR2)
        trace.close()
    assert "test_a_signal_that_the_program_handles" in (book.parent / "trace").read_text()
    assert received == [signal.SIGUSR1]
    assert RunDirectory(Path("run")).last_checkpoint_step() == SMALL["steps"]


def test_progress_is_shown_on_request(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe as lines on standard error, and nothing else is printed."""
    charrnn.train(book, out="run", progress=True, **SMALL)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith(f"step={SMALL['steps']} ")
    assert all(line.startswith("step=") for line in err.splitlines())


def test_a_problem_that_does_not_end_a_training_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the command line prints it; otherwise nobody would know that no checkpoint could be saved."""

    def events(*_arguments: object, **_settings: object) -> Iterator[Event]:
        yield TrainingWarning(step=1, message="cannot save: no space left")

    monkeypatch.setattr("charrnn.api.train._training", events)
    with pytest.warns(UserWarning, match="cannot save: no space left") as warned:
        charrnn.train("book.txt")
    assert warned[0].filename == __file__


def test_the_process_is_as_before_after_a_training(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU quota determines the number of torch's threads, and NumPy has one; only during the training."""
    import torch

    monkeypatch.setattr(resources, "available_cores", lambda: 1)
    for name in resources.TORCH_THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    before, environment = torch.get_num_threads(), dict(os.environ)
    torch.set_num_threads(2)
    try:
        settings = SMALL | {"threads": None}
        threads = {torch.get_num_threads() for _ in charrnn.training_events(book, out="run", **settings)}
        assert (threads, torch.get_num_threads()) == ({1}, 2)
    finally:
        torch.set_num_threads(before)
    assert dict(os.environ) == environment


def test_torch_that_was_imported_first_gets_the_idle_cores_with_a_warning(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its threads would spin on cores that other programs use; a number of threads that the user set is kept."""
    import torch

    from charrnn.api import train as module

    monkeypatch.setattr(module, "SPIN_IS_SHORT", False)
    monkeypatch.setattr(resources, "available_cores", lambda: 2)
    monkeypatch.setattr(resources, "idle_cores", lambda: 1)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        charrnn.train(book, out="set", **SMALL | {"threads": 2, "steps": 1})
        with pytest.warns(UserWarning, match=r"uses 1 of 2: torch was imported before charrnn\.train") as warned:
            charrnn.train(book, out="unset", **SMALL | {"threads": None, "steps": 1})
    finally:
        torch.set_num_threads(before)
    assert warned[0].filename == __file__


def test_a_thread_can_train(book: Path) -> None:
    """Signals are left alone outside of the main thread."""
    models: list[charrnn.TrainedModel] = []
    thread = threading.Thread(target=lambda: models.append(charrnn.train(book, out="run", **SMALL)))
    thread.start()
    thread.join()
    assert len(models[0].sample(length=5, seed=1)) == 5


@pytest.mark.fault("F17")
def test_truncating_the_encoded_text_does_not_affect_a_training(book: Path) -> None:
    """The ids are in memory, so the weights are those of an undisturbed training."""
    charrnn.train(book, out="whole", **SMALL)
    for number, _ in enumerate(charrnn.training_events(book, out="run", **SMALL)):
        if number == 9:
            os.truncate(RunDirectory(Path("run")).corpus, 0)
    assert weights("run") == weights("whole")


def test_a_run_is_trained_by_one_training_at_a_time(book: Path) -> None:
    """The lock is held until the generator ends or is closed."""
    learning = charrnn.training_events(book, out="run", **SMALL)
    next(learning)
    with pytest.raises(charrnn.CharrnnError, match="already being trained"):
        charrnn.train(book, out="run", **SMALL)
    learning.close()
    charrnn.train(book, out="run", **SMALL)


def test_texts_are_concatenated_and_a_model_is_fine_tuned(book: Path) -> None:
    """The arguments have the names of the options."""
    first = charrnn.train(book, str(book), out="first", **SMALL)
    assert first.model.training["characters"] == 2 * len(book.read_text())
    second = charrnn.train(book, from_="first", out="second", **{**SMALL, "hidden": None, "steps": 2})
    assert second.model.config.hidden == first.model.config.hidden
    assert second.model.training["from"] == "first/model.safetensors"


def test_a_model_trained_in_python_has_its_held_out_text(book: Path) -> None:
    """The run directory contains the encoded text."""
    model = charrnn.train(book, out="run", **SMALL)
    assert model.held_out(20) == book.read_text()[-len(model.held_out()) :][:20]
    assert np.isfinite(model.score(model.held_out()).bits_per_char)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hiden": 8}, "no setting 'hiden'"),
        ({"progress": "yes"}, "progress is 'yes'"),
        ({"steps": 5, "minutes": 1}, "only one of minutes and steps"),
        ({"hidden": 0}, "hidden is 0"),
        ({"hidden": 8.5}, "hidden is 8.5"),
        ({"steps": -1}, "steps is -1"),
        ({"minutes": float("nan")}, "minutes is nan"),
        ({"epochs": 0}, "epochs is 0"),
        ({"batch": True}, "batch is True"),
        ({"lr": "fast"}, "lr is 'fast'"),
        ({"cell": "transformer"}, "cell is 'transformer'"),
        ({"device": "abacus"}, "device is 'abacus'"),
        ({"precision": "float8"}, "precision is 'float8'"),
        ({"threads": 0}, "threads is 0"),
        ({"encoding": "utf-7000"}, "unknown encoding"),
        ({"documents": "page"}, "has no 'page' between two documents"),
        ({"documents": "/(a+)+b/"}, "a group cannot be repeated"),
        ({"documents": 3}, "documents is 3"),
        ({"from_": "nowhere"}, "no trained model at nowhere"),
        ({"val_fraction": 0}, "val_fraction is 0"),
    ],
    ids=str,
)
def test_invalid_settings_are_refused(book: Path, settings: dict[str, Any], words: str) -> None:
    """The message contains the name, and no file is created."""
    with pytest.raises(charrnn.CharrnnError, match=words):
        charrnn.train(book, **settings)
    assert {path.name for path in Path().iterdir()} == {"book.txt"}


def test_the_documented_events_are_those_of_a_training_in_their_order(book: Path) -> None:
    """The documentation has the fields of each event; a preview, an evaluation and a report precede the next step."""
    documented = dict(re.findall(r"`(\w+)\((.*?)\)`", events.__doc__ or ""))
    kinds = {kind.__name__: kind for kind in get_args(Event)}
    fields = {name: ", ".join(field.name for field in dataclasses.fields(kind)) for name, kind in kinds.items()}
    assert documented == fields
    settings = SMALL | {"sample_every": 5}
    occurred = [type(event).__name__ for event in charrnn.training_events(book, out="run", **settings)]
    letters = {"Preview": "p", "Evaluation": "e", "Report": "r", "Step": "s", "SafePoint": ""}
    order = "".join(letters[name] for name in occurred)
    assert re.fullmatch(r"(p?e?r?s)+p?er?", order)
    assert set(order) == set("pers")


def test_a_number_in_quotation_marks_is_named_as_a_string(book: Path) -> None:
    """The hint is the argument without them."""
    wrong: Any = {"minutes": "1"}
    with pytest.raises(charrnn.WrongUsageError, match="minutes is '1': it must be a number > 0") as raised:
        charrnn.train(book, **wrong)
    assert raised.value.message.endswith(", not a string")
    assert raised.value.hint == "`minutes=1`, without quotation marks"


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"hiden": 8}, "did you mean hidden?"),
        ({"cell": "LSTM"}, "did you mean lstm?"),
        ({"precision": "float16"}, "did you mean bfloat16?"),
        ({"from_": "frist"}, "did you mean checkpoints/first?"),
        ({"cell": "transformer"}, None),
    ],
    ids=str,
)
def test_a_misspelled_setting_is_refused_with_a_suggestion(
    book: Path, settings: dict[str, Any], hint: str | None
) -> None:
    """Names, choices and paths."""
    Path("checkpoints/first").mkdir(parents=True)
    save_model(RunDirectory(Path("checkpoints/first")).model, random_model())
    with pytest.raises(charrnn.CharrnnError) as raised:
        charrnn.train(book, **settings)
    assert raised.value.hint == hint


def test_a_missing_text_is_reported_with_a_suggestion(book: Path) -> None:
    """As on the command line."""
    with pytest.raises(charrnn.WrongUsageError, match=r"bok\.txt: no such file") as raised:
        charrnn.train("bok.txt")
    assert raised.value.hint == f"did you mean {book.name}?"
