"""Models of every kind of cell for tests of exports, and exported scripts that run without charrnn."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
from common import random_model
from numpy.typing import NDArray

from charrnn.config import CELL_TITLES, NetworkConfig
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model

ALPHABET = "\n abcdefghé界\x1b"
CELLS = tuple(CELL_TITLES)

WITHOUT_CHARRNN = """
import runpy, sys
sys.modules["charrnn"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""runs a script in which `import charrnn` fails"""


def make_model(cell: str, *, embedding: int = 4, documents: str | None = None) -> Model:
    """Return a random model with two layers of a kind of cell."""
    config = NetworkConfig(cell=cell, layers=2, hidden=13, embedding=embedding, documents=documents)
    return random_model(ALPHABET, scale=0.4, config=config)


def run_script(script: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run an exported script in an interpreter without charrnn."""
    command = [sys.executable, "-I", "-W", "error", "-c", WITHOUT_CHARRNN, str(script), *arguments]
    return subprocess.run(command, capture_output=True, check=False)


def import_script(script: Path) -> ModuleType:
    """Return an exported script as a module."""
    spec = spec_from_file_location("exported_model", script)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def two_texts(model: Model, length: int = 40) -> NDArray[np.int64]:
    """Return the ids of two random texts, (2, length), without line feeds."""
    return np.random.default_rng(0).integers(1, len(model.vocabulary), (2, length))


def logits_after(model: Model, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the logits (batch, time, characters) after each of the ids (batch, time)."""
    rnn = InferenceRNN.from_model(model)
    hidden, _ = rnn.top_hidden(ids.T, rnn.initial_state(len(ids)))
    logits: NDArray[np.float32] = rnn.logits(hidden)
    return logits.transpose(1, 0, 2)
