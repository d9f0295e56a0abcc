"""A training by several processes is that of one: batches, masks, resets, gradients and updates."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from common_distributed import CPU, assert_close, make_rank_trainer, run_in_ranks, to_double_precision, training_state
from torch import Tensor

from charrnn.network.char_rnn import NetworkState, variational_dropout
from charrnn.text.batching import Shard
from charrnn.text.corpus import Corpus
from charrnn.training import cuda_step
from charrnn.training.cuda_step import DeviceBatches
from charrnn.training.device import seed_step
from charrnn.training.loop import train_loop
from charrnn.training.process_group import SINGLE_PROCESS, ProcessGroup
from charrnn.training.trainer import Trainer
from charrnn.training.world import World

DROPPED: dict[str, Any] = {"dropout": 0.3, "input_dropout": 0.2, "weight_drop": 0.3, "reset": 0.3, "steps": 8}


def trained(trainer: Trainer) -> dict[str, list[float]]:
    """Train to the end of the plan and return the result."""
    for _ in train_loop(trainer, sample_every=0):
        pass
    return training_state(trainer)


@pytest.mark.parametrize(
    ("cell", "size"), [*product(["lstm", "gru", "rnn"], [2, 3]), ("peephole", 2), ("cifg", 2), ("capped", 2)]
)
def test_several_processes_train_as_one_does(cell: str, size: int, corpus: Corpus, tmp_path: Path) -> None:
    """Weights, averages, moments, states and losses agree to 1e-9 in float64, with dropout and state resets."""
    torch.set_num_threads(1)
    expected = trained(to_double_precision(make_rank_trainer(corpus, cell=cell, **DROPPED)))

    def work(group: ProcessGroup) -> Any:
        group.join(CPU)
        return trained(to_double_precision(make_rank_trainer(corpus, group, cell=cell, **DROPPED)))

    assert_close(run_in_ranks(size, work, tmp_path / "world")[0], expected)


SETTINGS: list[dict[str, Any]] = [
    {"embedding": 0, "layers": 1, "input_dropout": 0.2},
    {"clip": 0.05, "tar": 3.0},
    {"clip": 0.0, "weight_decay": 0.1, "weight_drop": 0.5},
    {"batch": 3, "reset": 0.5},
    {"seed": 5, "val_fraction": 0.3},
]
"""settings of small trainings: one-hot inputs, clipping, weight decay, one stream per process, another seed"""


@pytest.mark.parametrize(("text", "count"), [("corpus", len(SETTINGS)), ("documents", 2)])
def test_several_processes_train_as_one_does_with_all_settings(
    text: str, count: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Also a text of documents, whose ends reset the state of a stream; the rows of three processes are uneven."""
    torch.set_num_threads(1)
    loaded, all_settings = request.getfixturevalue(text), SETTINGS[:count]

    def work(group: ProcessGroup) -> Any:
        if group.is_distributed:
            group.join(CPU)
        trainers = (make_rank_trainer(loaded, group, steps=4, **settings) for settings in all_settings)
        return [trained(to_double_precision(trainer)) for trainer in trainers]

    actual = run_in_ranks(3, work, tmp_path / "world")[0]
    for one, several in zip(work(SINGLE_PROCESS), actual, strict=True):
        assert_close(several, one)


def test_the_clipped_gradient_is_that_of_all_processes(corpus: Corpus, tmp_path: Path) -> None:
    """The limit applies to the mean over all rows: the first moments of a step have its norm."""

    def work(group: ProcessGroup) -> Any:
        group.join(CPU)
        trainer = make_rank_trainer(corpus, group, clip=1e-3)
        step = trainer.train_step()
        assert step.gradient_norm is not None
        assert step.gradient_norm > 1e-2
        return torch.stack([mean.norm() for mean in trainer.optimizer.first_moments.values()]).norm().item()

    norms = run_in_ranks(2, work, tmp_path / "world")
    assert norms == pytest.approx([1e-3 * 0.2] * 2, rel=1e-3)


def test_products_in_bfloat16_give_nearly_the_same_gradients(corpus: Corpus, tmp_path: Path) -> None:
    """Gradients are added in float32, so only the products within a process are rounded."""
    torch.set_num_threads(1)

    def work(group: ProcessGroup) -> Any:
        if group.is_distributed:
            group.join(CPU)
        trainer = make_rank_trainer(corpus, group, precision="bfloat16", **DROPPED)
        trainer.train_step()
        return {name: mean.flatten().tolist() for name, mean in trainer.optimizer.first_moments.items()}

    actual, expected = run_in_ranks(3, work, tmp_path / "world")[0], work(SINGLE_PROCESS)
    for name in expected:
        error = np.linalg.norm(np.subtract(actual[name], expected[name]))
        assert error < 0.02 * np.linalg.norm(expected[name]), name


# Each rank draws the random numbers of the whole batch and uses its own rows. These checks need no collectives.


def ranks(size: int) -> list[ProcessGroup]:
    """Return the groups of all ranks, which are not connected."""
    return [ProcessGroup(World(rank=rank, size=size)) for rank in range(size)]


@pytest.mark.parametrize("size", [2, 3, 5, 8])
def test_the_masks_of_all_processes_are_the_mask_of_one(size: int) -> None:
    """The union of the rows is the mask of the whole batch."""

    def mask(shard: Shard | None, rows: int) -> Tensor:
        torch.manual_seed(7)
        return variational_dropout(torch.ones(4, rows, 6), 0.4, shard)

    shards = [World(rank=rank, size=size).shard(8) for rank in range(size)]
    parts = [mask(shard, shard.size) for shard in shards]
    assert torch.equal(torch.cat(parts, dim=1), mask(None, 8))


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("text", ["corpus", "documents"])
def test_the_logits_of_all_processes_are_those_of_one(size: int, text: str, request: pytest.FixtureRequest) -> None:
    """In training mode, with masks of inputs, layers and weights, for the windows of every step."""
    loaded = request.getfixturevalue(text)

    def logits_of(group: ProcessGroup, step: int) -> Tensor:
        trainer = to_double_precision(make_rank_trainer(loaded, group, **DROPPED))
        ids = torch.from_numpy(trainer.batches.batch_ids(step))
        seed_step(CPU, 1, step)
        with torch.no_grad():
            logits: Tensor = trainer.network(ids[:-1], trainer.state)[0]
        return logits

    for step in (1, 500):
        parts = torch.cat([logits_of(group, step) for group in ranks(size)], dim=1)
        torch.testing.assert_close(parts, logits_of(SINGLE_PROCESS, step), rtol=0, atol=1e-12)


class StatePassedError(Exception):
    """Ends a queued step after its state resets."""


@pytest.mark.parametrize("queued", [False, True])
def test_the_streams_that_all_processes_reset_are_those_of_one(
    queued: bool, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same streams start again, whether steps are queued or not."""

    def after_resets(group: ProcessGroup) -> NetworkState:
        trainer = make_rank_trainer(corpus, group, reset=0.5)
        trainer.state = tuple(torch.ones_like(part) for part in trainer.state)
        seed_step(CPU, 1, 3)
        if not queued:
            trainer._reset_some_streams()
            return trainer.state
        states: list[NetworkState] = []

        def keep_state(_network: object, _ids: object, state: NetworkState, *_: object) -> None:
            states.append(state)
            raise StatePassedError

        monkeypatch.setattr(cuda_step, "forward_backward", keep_state)
        with pytest.raises(StatePassedError):
            trainer._device_step()._run_step()
        return states[0]

    parts = [torch.cat(part, dim=1) for part in zip(*map(after_resets, ranks(3)), strict=True)]
    whole = after_resets(SINGLE_PROCESS)
    assert 0 < whole[0].mean() < 1
    assert all(torch.equal(part, expected) for part, expected in zip(parts, whole, strict=True))


@pytest.mark.parametrize("resident", [False, True])
def test_the_windows_of_all_processes_are_those_of_one(resident: bool, corpus: Corpus) -> None:
    """On the host and on the device, whether the text fits on it or not."""

    def windows(group: ProcessGroup) -> Tensor:
        trainer = make_rank_trainer(corpus, group)
        batches = DeviceBatches(trainer.batches, CPU, max_bytes=1e9 if resident else 0)
        batches.set_step(9)
        ids = batches.batch_ids()
        assert torch.equal(ids, torch.from_numpy(trainer.batches.batch_ids(9)))
        return ids

    parts = [windows(group) for group in ranks(3)]
    assert [part.shape[1] for part in parts] == [2, 3, 3]
    assert torch.equal(torch.cat(parts, dim=1), windows(SINGLE_PROCESS))
