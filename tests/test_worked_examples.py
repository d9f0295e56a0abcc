"""The examples in docstrings are correct."""

import doctest
import shutil
from importlib import import_module
from pathlib import Path

import pytest
from common import PACKAGE_HOME, letters_model

import charrnn
from charrnn.network.model_file import save_model
from charrnn.storage.run_directory import RunDirectory


def has_examples(path: Path) -> bool:
    """Return whether a docstring of the module has an example."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return any(line.lstrip().startswith(">>> ") and "+SKIP" not in line for line in lines)


MODULES = [
    ".".join(path.relative_to(PACKAGE_HOME).with_suffix("").parts)
    for path in sorted((PACKAGE_HOME / "charrnn").rglob("*.py"))
    if has_examples(path)
]


@pytest.fixture(scope="session")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a run, `checkpoints/letters`, for examples to copy."""
    directory = tmp_path_factory.mktemp("letters")
    run = RunDirectory(directory / "checkpoints/letters")
    run.path.mkdir(parents=True)
    save_model(run.model, letters_model())
    return directory


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_correct(name: str, letters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each runs in a directory of its own with a run, `checkpoints/letters`, and with charrnn imported."""
    module, runner = import_module(name.removesuffix(".__init__")), doctest.DocTestRunner()
    docstrings = doctest.DocTestFinder().find(module, extraglobs={"charrnn": charrnn})
    for number, examples in enumerate(entry for entry in docstrings if entry.examples):
        monkeypatch.chdir(shutil.copytree(letters, tmp_path / str(number)))
        runner.run(examples)
    assert runner.tries
    assert not runner.failures
