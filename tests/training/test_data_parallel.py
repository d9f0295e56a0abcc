"""A training by several processes is that of one: batches, masks, gradients, evaluations and events."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from worlds import in_each_rank

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.text.corpus import Corpus
from charrnn.training.loop import train_loop
from charrnn.training.process_group import SINGLE_PROCESS, ProcessGroup
from charrnn.training.replicas import gather_for_save
from charrnn.training.trainer import Trainer

EVERYTHING: dict[str, Any] = {"dropout": 0.3, "input_dropout": 0.2, "weight_drop": 0.3, "reset": 0.3, "steps": 12}


def make(corpus: Corpus, group: ProcessGroup, **settings: Any) -> Trainer:
    """Return the trainer of one rank; eight streams are uneven shards for three processes."""
    network = {"cell": "lstm", "layers": 2, "hidden": 8, "embedding": 6}
    training = {"batch": 8, "length": 8, "lr": 1e-2, "steps": 12, "warm_up": 2}
    names = NetworkConfig.__dataclass_fields__
    network |= {name: value for name, value in settings.items() if name in names}
    training |= {name: value for name, value in settings.items() if name not in names}
    return Trainer(corpus, NetworkConfig(**network), TrainingConfig(**training), "cpu", group)  # type: ignore[arg-type]


def in_double_precision(corpus: Corpus, group: ProcessGroup, **settings: Any) -> Trainer:
    """Return the trainer of one rank that computes in float64."""
    torch.set_default_dtype(torch.float64)
    try:
        trainer = make(corpus, group, **settings)
    finally:
        torch.set_default_dtype(torch.float32)
    for count in trainer.optimizer.counts.values():
        count.data = count.float()
    return trainer


def result(trainer: Trainer) -> dict[str, list[float]]:
    """Return weights, averages, moments, state and sums of losses in float64; the state is rank 0's."""
    gather_for_save(trainer)
    optimizer = trainer.optimizer
    tensors: dict[str, Tensor] = {f"weight {name}": value for name, value in trainer.network.named_parameters()}
    tensors |= {f"average {name}": value for name, value in trainer.ema_network.named_parameters()}
    tensors |= {f"first {name}": value for name, value in optimizer.first_moments.items()}
    tensors |= {f"second {name}": value for name, value in optimizer.second_moments.items()}
    if trainer.group.is_main:
        tensors |= {f"state {number}": part for number, part in enumerate(trainer.full_state)}
    values = {name: value.detach().double().flatten().tolist() for name, value in tensors.items()}
    best = trainer.best
    losses = [] if best is None else [best.nats, best.train_nats, best.step, best.characters]
    return values | {"sums": trainer.bookkeeping.report_sums.tolist(), "losses": losses}


def trained(trainer: Trainer) -> dict[str, list[float]]:
    """Train to the end of the plan and return the result."""
    for _ in train_loop(trainer, sample_every=0):
        pass
    return result(trainer)


def assert_close(actual: dict[str, list[float]], expected: dict[str, list[float]], *, atol: float = 1e-9) -> None:
    """Assert that two results are equal up to rounding; the loss of an evaluation is a mean of float32 numbers."""
    assert actual.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_several_processes_train_as_one_does(cell: str, size: int, corpus: Corpus, tmp_path: Path) -> None:
    """Weights, averages, moments, states and losses agree to 1e-9 in float64, with dropout and state resets."""
    torch.set_num_threads(1)
    expected = trained(in_double_precision(corpus, SINGLE_PROCESS, cell=cell, **EVERYTHING))

    def work(group: ProcessGroup) -> Any:
        group.join(torch.device("cpu"))
        return trained(in_double_precision(corpus, group, cell=cell, **EVERYTHING))

    assert_close(in_each_rank(size, work, tmp_path / "world")[0], expected)
