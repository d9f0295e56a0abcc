"""Queued steps of several processes are equal to synchronous ones, and all processes replay a graph, or none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from common_distributed import CPU, assert_close, checksum, make_rank_trainer, run_in_ranks, training_state
from test_device_step import FakeGraphs, with_queued_steps

from charrnn.cli.train_signals import SignalHandler
from charrnn.text.corpus import Corpus
from charrnn.training.coordination import Coordinator
from charrnn.training.cuda_graph import WARM_UP_RUNS
from charrnn.training.events import Event, Step, TrainingWarning
from charrnn.training.loop import train_loop
from charrnn.training.process_group import ProcessGroup
from charrnn.training.replicas import gather_for_save
from charrnn.training.trainer import MAX_QUEUED_STEPS, Trainer

DROPPED: dict[str, Any] = {"dropout": 0.3, "input_dropout": 0.2, "weight_drop": 0.3, "reset": 0.3}
STEPS = 10


def steps(trainer: Trainer) -> list[Event]:
    """Train to the end of the plan; return the events."""
    return list(train_loop(trainer, sample_every=0))


@pytest.mark.parametrize(("size", "cell"), [(2, "lstm"), (3, "gru")])
def test_queued_steps_of_several_processes_are_equal_to_synchronous_ones(
    size: int, cell: str, corpus: Corpus, tmp_path: Path
) -> None:
    """Weights, averages, moments, the states of all streams and the sums of losses are equal up to rounding."""

    def work(group: ProcessGroup) -> Any:
        group.join(CPU)
        trainers = [make_rank_trainer(corpus, group, cell=cell, steps=STEPS, **DROPPED) for _ in range(2)]
        with_queued_steps(trainers[1])
        for trainer in trainers:
            steps(trainer)
        return [training_state(trainer) for trainer in trainers]

    for synchronous, queued in run_in_ranks(size, work, tmp_path / "world"):
        assert_close(queued, synchronous, atol=2e-5)


def test_the_results_of_queued_steps_are_read_by_all_processes_at_the_same_step(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only then do the processes exchange requests, if there is one, and all have the same loss."""
    exchanged: list[int] = []

    def work(group: ProcessGroup) -> Any:
        group.join(CPU)
        trainer = with_queued_steps(make_rank_trainer(corpus, group, steps=None, minutes=1.0, layers=1))
        maximum = ProcessGroup.max

        def counted(group: ProcessGroup, values: Sequence[float]) -> list[float]:
            exchanged.append(trainer.step)
            return maximum(group, values)

        monkeypatch.setattr(ProcessGroup, "max", counted)
        handler = SignalHandler(print, print, coordinated=True)
        handler.requested = group.world.rank
        coordinator = Coordinator(trainer, handler)
        events = coordinator.decide_after(trainer.train_step() for _ in range(MAX_QUEUED_STEPS + 5))
        known = [event for event in events if isinstance(event, Step) and event.nats is not None]
        return [[event.step, event.nats, event.gradient_norm] for event in known], exchanged, handler.stop_signal

    first, second = run_in_ranks(2, work, tmp_path / "world")
    assert first == second
    assert [step for step, *_ in first[0]] == first[1] == [MAX_QUEUED_STEPS]
    assert first[2] == 1


@pytest.mark.parametrize("failing", [None, 0, 1])
def test_all_processes_replay_a_graph_or_none_does(failing: int | None, corpus: Corpus, tmp_path: Path) -> None:
    """If the capture fails in one process, each executes the step and all later ones; the result is the same."""
    torch.set_num_threads(1)

    def work(group: ProcessGroup) -> Any:
        group.join(CPU)
        plain = with_queued_steps(make_rank_trainer(corpus, group, steps=STEPS, **DROPPED))
        graphs = FakeGraphs("operation not permitted" if group.world.rank == failing else None)
        captured = with_queued_steps(make_rank_trainer(corpus, group, steps=STEPS, **DROPPED), graphs.backend())
        events = [steps(trainer) for trainer in (plain, captured)][1]
        messages = [[event.step, event.message] for event in events if isinstance(event, TrainingWarning)]
        for trainer in (plain, captured):
            gather_for_save(trainer)
        is_equal = not group.is_main or checksum(plain) == checksum(captured)
        return graphs.calls, messages, is_equal

    results = run_in_ranks(2, work, tmp_path / "world")
    replays = ["replay"] * (STEPS - WARM_UP_RUNS) if failing is None else []
    for rank, (calls, messages, is_equal) in enumerate(results):
        assert calls == ["aside"] * WARM_UP_RUNS + ["record"] + replays
        assert is_equal
        reason = "operation not permitted" if rank == failing else "the capture failed in another process"
        warning = f"steps are not replayed from a CUDA graph, so they are slower: {reason}"
        assert messages == ([] if failing is None else [[WARM_UP_RUNS + 1, warning]])
