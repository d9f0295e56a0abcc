"""A small corpus and runs on it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.text import corpus as corpora
from charrnn.text.corpus import Corpus
from charrnn.text.sources import find
from charrnn.training.run import Run

MakeRun = Callable[..., Run]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Small products gain nothing from more, and lose much where the machine is busy."""
    torch.set_num_threads(1)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Encode a few thousand characters that have something to learn in them."""
    path = tmp_path / "text.txt"
    path.write_text("".join(f"{n} green bottles, {n * n % 97} walls (and a line).\n" for n in range(90)))
    sources = find([str(path)])
    return corpora.encode(sources, "utf-8", corpora.survey(sources, "utf-8"), tmp_path / "corpus.bin")


@pytest.fixture
def make_run(corpus: Corpus) -> MakeRun:
    """Make runs of a small network on the corpus; keywords go into the two configurations."""

    def make(**settings: Any) -> Run:
        network = {"cell": "lstm", "layers": 2, "hidden": 16, "embedding": 8, "dropout": 0.2}
        training = {"batch": 4, "length": 16, "lr": 1e-2, "steps": 40, "warm_up": 5, "reset": 0.1}
        network |= {name: value for name, value in settings.items() if name in network}
        training |= {name: value for name, value in settings.items() if name not in network}
        return Run(corpus, NetworkConfig(**network), TrainingConfig(**training), "cpu")  # type: ignore[arg-type]

    return make
