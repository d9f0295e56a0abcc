"""An evaluation by several processes is that of one: each reads some rows, and all have the same loss."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from common_distributed import CPU, make_rank_trainer, run_in_ranks, to_double_precision

from charrnn.errors import DivergedError
from charrnn.text.batching import split_into_rows
from charrnn.text.corpus import Corpus
from charrnn.training import evaluation
from charrnn.training.evaluation import evaluate, evaluate_final
from charrnn.training.events import Evaluation, SafePoint, run_to_result
from charrnn.training.process_group import SINGLE_PROCESS, ProcessGroup
from charrnn.training.world import World

SHARES = (0.02, 0.04, 0.1, 0.5)
"""fractions of the text that are held out: for the smaller ones there are fewer rows than processes"""


@pytest.mark.parametrize(("size", "text"), [(2, "corpus"), (5, "documents")])
def test_the_losses_of_several_processes_are_those_of_one(
    size: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """By both protocols, of a whole text and of a part of each row, with more and with fewer rows than processes."""
    monkeypatch.setattr(evaluation, "MAX_CHUNK_CHARS", 32)
    monkeypatch.setattr(evaluation, "MIN_CHARACTERS", 700)
    monkeypatch.setattr(evaluation, "MAX_CHARACTERS", 1200)
    torch.set_num_threads(1)
    loaded = request.getfixturevalue(text)

    def work(group: ProcessGroup) -> Any:
        if group.is_distributed:
            group.join(CPU)
        losses: list[Any] = []
        for share in SHARES:
            trainer = to_double_precision(make_rank_trainer(loaded, group, val_fraction=share))
            with torch.no_grad():
                trainer.ema_network.output.weight.mul_(20)
            *safe_points, event = evaluate(trainer)
            assert isinstance(event, Evaluation)
            assert all(isinstance(point, SafePoint) for point in safe_points)
            assert trainer.best is not None
            losses.append([len(safe_points), dataclasses.asdict(event), trainer.best.nats])
            losses.append(dataclasses.asdict(run_to_result(evaluate_final(trainer, trainer.ema_network))))
        return losses

    results, expected = run_in_ranks(size, work, tmp_path / "world"), work(SINGLE_PROCESS)
    assert results == [results[0]] * size
    assert numbers(results[0]) == pytest.approx(numbers(expected), rel=1e-12)
    assert len(numbers(expected)) == len(SHARES) * (1 + 6 + 1 + 4 + 4)


def numbers(value: Any) -> list[float]:
    """Return all numbers in nested records."""
    if isinstance(value, (int, float)):
        return [value]
    entries = value.values() if isinstance(value, dict) else value
    return [number for entry in entries for number in numbers(entry)]


def test_a_loss_that_is_not_finite_in_one_process_ends_all_of_them(corpus: Corpus, tmp_path: Path) -> None:
    """The mean of all processes is not finite, and no evaluation is recorded."""

    def work(group: ProcessGroup) -> Any:
        group.join(CPU)
        trainer = make_rank_trainer(corpus, group)
        if group.world.rank == 1:
            trainer.ema_network.output.bias.fill_(float("nan"))
        with pytest.raises(DivergedError) as caught:
            list(evaluate(trainer))
        return str(caught.value), trainer.best is None

    results = run_in_ranks(3, work, tmp_path / "world")
    assert results == [results[0]] * 3
    assert "the held-out loss is not finite at step 0" in results[0][0]
    assert results[0][1]


@pytest.mark.parametrize("rows", [1, 2, 7, 64])
@pytest.mark.parametrize("warm_up", [0, 3, 64])
@pytest.mark.parametrize("multiple", [1, 16])
def test_the_number_of_scored_characters_is_that_of_the_chunks(rows: int, warm_up: int, multiple: int) -> None:
    """For every length of a text, also with a last row that is short, and for the rows of several processes."""
    for characters in (2, 3, 17, 65, 130, 500, 501, 513):
        if characters - 1 - warm_up < 1:
            continue
        division = split_into_rows(characters, rows=rows, warm_up=warm_up, stride_multiple=multiple)
        ids = np.zeros(characters, np.uint8)
        for length in (1, 16, 64):
            count, time = 0, 0
            for chunk in division.chunks(ids, length):
                count, time = count + int(chunk.is_scored.sum()), time + len(chunk.inputs)
                assert division.scored_before(time) == count
            assert count == characters - 1
        shards = [World(rank=rank, size=3).shard(division.count) for rank in range(3)]
        parts = [list(division.chunks(ids, 16, shard.rows)) for shard in shards]
        for number, whole in enumerate(division.chunks(ids, 16)):
            for field, array in whole._asdict().items():
                joined = np.concatenate([getattr(part[number], field) for part in parts], axis=1)
                assert np.array_equal(joined, array), field
