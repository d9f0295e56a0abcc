"""Shared fixtures: a random model, a run directory with a model, a finished run, and the command line."""

import os

# Small products are not faster with more threads, and parallel tests are much slower. NumPy and torch read these
# variables when they are imported.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "GOMP_SPINCOUNT": "1000"}

# Tests on a pseudo-terminal assume a terminal with cursor movement, wherever they run.
os.environ["TERM"] = "xterm-256color"
for _name in ("CI", "TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "INSIDE_EMACS", "JPY_PARENT_PID"):
    os.environ.pop(_name, None)

import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from common import FINISHED, PACKAGE_HOME, Call, CommandResult, bottles, encode_corpus, random_model

from charrnn import resources
from charrnn.cli.main import run
from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, save_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus import Corpus

if TYPE_CHECKING:
    from launcher import Launcher

    from charrnn.training.trainer import Trainer


@pytest.fixture(autouse=True, scope="session")
def _signals_as_on_a_terminal() -> None:
    """Restore the handling of signals that the parent process ignores, such as a script for its background jobs."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_runtest_setup() -> None:
    """Measure the speed of the machine with a tiny network, to save time.

    Only the choice of a network depends on the speed. The module imports torch, so it is changed only if it is
    already imported.
    """
    if throughput := sys.modules.get("charrnn.training.throughput"):
        throughput.MAX_TIMED_UNITS = 16  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def launch(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Launcher]":
    """Yield the fork server, which quickly starts charrnn in a new process."""
    from launcher import Launcher

    launcher = Launcher(tmp_path_factory.mktemp("records"))
    yield launcher
    launcher.close()


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with `book.txt` and a finished run of it; tests copy it and must not change it."""
    import charrnn

    directory = tmp_path_factory.mktemp("finished")
    (directory / "book.txt").write_text(bottles(90))
    with chdir(directory):
        charrnn.train("book.txt", **FINISHED)
    return directory


@pytest.fixture
def finished(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """Change to a directory with a text and a copy of the finished run of it, and return the run directory."""
    shutil.copytree(finished_run, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return RunDirectory(Path("checkpoints/book"))


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a directory with a small text, and return the path of the text."""
    path = tmp_path / "book.txt"
    path.write_text("".join(f"{n} green bottles, {n * n % 97} walls (and).\n" for n in range(120)))
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def model() -> Model:
    """Return a small random model; its vocabulary contains ESC."""
    return random_model()


@pytest.fixture
def rnn(model: Model) -> InferenceRNN:
    """Return the model prepared for inference."""
    return InferenceRNN.from_model(model)


@pytest.fixture
def run_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Model) -> RunDirectory:
    """Change to a directory with one run that has a model, and return the run directory."""
    directory = RunDirectory(Path("checkpoints/hamlet"))
    monkeypatch.chdir(tmp_path)
    directory.path.mkdir(parents=True)
    save_model(directory.model, model)
    return directory


@pytest.fixture
def few_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the effective context at few positions, because tests of the command line do not need more."""
    from charrnn.inspection.measures import effective_context, lag_attribution

    monkeypatch.setattr(
        effective_context, "loss_by_context", partial(effective_context.loss_by_context, positions=32)
    )
    monkeypatch.setattr(effective_context, "attribute_by_lag", partial(lag_attribution.attribute_by_lag, anchors=8))


@pytest.fixture
def call(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Return a function that runs the command line in this process."""
    monkeypatch.setenv(resources.VARIABLE, "1")

    def run_command(*arguments: str) -> CommandResult:
        code = run(arguments)
        out, err = capsysbinary.readouterr()
        return CommandResult(code, out.decode(), err.decode())

    return run_command


@pytest.fixture
def shell(launch: "Launcher") -> Call:
    """Return a function that runs a line of bash; the fork server runs the command `charrnn` in it."""

    def run_line(line: str, **environment: str) -> CommandResult:
        return launch.shell(line, at=Path.cwd(), environment=os.environ | environment)

    return run_line


@pytest.fixture
def real_shell() -> Call:
    """Return a function that runs a line of bash with `charrnn` in a new interpreter, which is much slower."""
    from launcher import bash

    def run_line(line: str, **environment: str) -> CommandResult:
        script = f'charrnn() {{ "{sys.executable}" -m charrnn "$@"; }}; {line}'
        return bash(script, at=Path.cwd(), environment=os.environ | {"PYTHONPATH": str(PACKAGE_HOME)} | environment)

    return run_line


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Return the corpus of a text of a few thousand characters that a network can learn."""
    path = tmp_path / "text.txt"
    path.write_text(bottles(90))
    return encode_corpus([str(path)], tmp_path / "corpus.bin")


@pytest.fixture
def documents(tmp_path: Path) -> Corpus:
    """Return the corpus of a text that consists of lines as documents."""
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{n} green bottles, {n * n % 97} walls.\n" for n in range(90)))
    return encode_corpus([str(path)], tmp_path / "lines.bin", documents="line")


@pytest.fixture
def make_trainer(corpus: Corpus) -> "Callable[..., Trainer]":
    """Return a function that creates trainers of a small network; its keywords are settings."""
    import torch

    from charrnn.training.trainer import Trainer

    # Small products are not faster with more threads, and much slower on a busy machine.
    torch.set_num_threads(1)

    def make(**settings: Any) -> Trainer:
        network = {"cell": "lstm", "layers": 2, "hidden": 16, "embedding": 8, "dropout": 0.2}
        training = {"batch": 4, "length": 16, "lr": 1e-2, "steps": 40, "warm_up": 5, "reset": 0.1}
        names = NetworkConfig.__dataclass_fields__
        network |= {name: value for name, value in settings.items() if name in names}
        training |= {name: value for name, value in settings.items() if name not in names}
        return Trainer(corpus, NetworkConfig(**network), TrainingConfig(**training), "cpu")  # type: ignore[arg-type]

    return make
