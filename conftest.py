"""A place for the worked examples in docstrings to run in: a directory with a run, `checkpoints/letters`."""

from pathlib import Path

import pytest
from small import letters_model

import charrnn
from charrnn.network.model_file import save
from charrnn.runs import RunDirectory


@pytest.fixture(autouse=True)
def _a_run_for_worked_examples(request: pytest.FixtureRequest, doctest_namespace: dict[str, object]) -> None:
    """Stand in that directory, with charrnn imported; other tests stay where they are."""
    if isinstance(request.node, pytest.DoctestItem):
        doctest_namespace["charrnn"] = charrnn
        request.getfixturevalue("monkeypatch").chdir(request.getfixturevalue("tmp_path"))
        run = RunDirectory(Path("checkpoints/letters"))
        run.path.mkdir(parents=True)
        save(run.model, letters_model())
