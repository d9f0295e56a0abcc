"""A run reaches all processes as it is, and messages of other processes are validated as files are."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from common_distributed import checksum, create_run, make_rank_trainer, run_in_ranks

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus import Corpus
from charrnn.training import replicas
from charrnn.training.loop import train_loop
from charrnn.training.process_group import ProcessGroup
from charrnn.training.replicas import (
    check_same_configuration,
    publish_configuration,
    receive_run,
    send_no_run,
    send_run,
)
from charrnn.training.train_options import TrainOptions
from charrnn.training.world import World


class FakeStore:
    """A store of `torch.distributed` in this process."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def set(self, key: str, value: str) -> None:
        """Store a value."""
        self.values[key] = value.encode()

    def get(self, key: str) -> bytes:
        """Return a value."""
        return self.values[key]

    def wait(self, keys: list[str], _timeout: object) -> None:
        """Return at once; all keys must be there."""
        assert keys[0] in self.values


@pytest.fixture
def store() -> FakeStore:
    """Return a store that two groups share."""
    return FakeStore()


@pytest.fixture
def directory(corpus: Corpus, tmp_path: Path) -> RunDirectory:
    """Return a run directory that contains the text."""
    return create_run(corpus, tmp_path / "run")


# The run


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_a_run_is_received_as_it_was_sent(
    cell: str, steps: int, corpus: Corpus, directory: RunDirectory, tmp_path: Path
) -> None:
    """A new run or one with moments, averages, a best model and sums, although the receiver has another seed."""

    def work(group: ProcessGroup) -> Any:
        if not group.is_main:
            torch.manual_seed(1)
            received = receive_run(group, directory, "cpu")
            assert received is not None
            group.sum(torch.zeros(1))
            return checksum(received), received.network.config.to_mapping(), received.init_from
        trainer = make_rank_trainer(corpus, cell=cell, seed=9)
        trainer.init_from = "old.safetensors"
        for _, _ in zip(range(10 * steps), train_loop(trainer, sample_every=0), strict=False):
            pass
        with torch.no_grad():
            for network in (trainer.network, trainer.ema_network):
                network.output.bias[0] += 1
        trainer.group, trainer._gathered_state = group, trainer.state
        trainer.shard = group.world.shard(8)
        trainer.state = tuple(part[:, trainer.shard.rows] for part in trainer.state)
        send_run(trainer)
        group.sum(torch.zeros(1))
        return checksum(trainer), trainer.network.config.to_mapping(), trainer.init_from

    first, second, third = run_in_ranks(3, work, tmp_path / "world")
    assert first[1:] == second[1:] == third[1:]
    # The state of all streams is part of both checksums, because it was just sent.
    assert first[0] == second[0] == third[0]


def test_a_run_that_is_already_trained_is_not_received(directory: RunDirectory, tmp_path: Path) -> None:
    """The other processes end, and rank 0, which hosts the store, ends after them."""

    def work(group: ProcessGroup) -> Any:
        if not group.is_main:
            return receive_run(group, directory, "cpu") is None
        send_no_run(group)
        return [f"end/{rank}" for rank in (1, 2)] == [key for key in ("end/1", "end/2") if group._store.check([key])]

    assert run_in_ranks(3, work, tmp_path / "world") == [True] * 3


@pytest.fixture
def message(corpus: Corpus, store: FakeStore, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the message of a run, which precedes its arrays; nothing can be broadcast."""
    monkeypatch.setattr(ProcessGroup, "join", lambda *_: None)
    monkeypatch.setattr(ProcessGroup, "broadcast", lambda *_: None)
    send_run(make_rank_trainer(corpus, ProcessGroup(World(size=2), store)))
    return json.loads(store.get("run"))  # type: ignore[no-any-return]


def forged(message: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a message with another value at a path of names."""
    *outer, last = path.split(".")
    record = message
    for name in outer:
        record = record[name]
    record[last] = value
    return message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("network", []),
        ("network.hidden", 10**12),
        ("network.hidden", "8"),
        ("network.cell", "transformer"),
        ("network.command", "rm"),
        ("run", None),
        ("run.step", -1),
        ("run.step", 1.5),
        ("run.seconds", "nan"),
        ("run.extra", 1),
        ("run.plan", {}),
        ("run.training.batch", 0),
        ("run.training.lr", 10**400),
        ("run.training.precision", "int8"),
        ("run.best", {"step": 5, "nats": 1.0, "characters": 3}),
        ("run.from", "\0"),
        ("text", 5),
        ("extra", {}),
    ],
)
def test_a_forged_run_is_refused(
    path: str, value: Any, message: dict[str, Any], store: FakeStore, directory: RunDirectory
) -> None:
    """Wrong types, values out of range, unknown and missing fields raise a CharrnnError that names rank 0."""
    store.set("run", json.dumps(forged(message, path, value)))
    with pytest.raises(CharrnnError, match="rank 0 sent an invalid run: "):
        receive_run(ProcessGroup(World(rank=1, size=2), store), directory, "cpu")


@pytest.mark.parametrize("name", ["network", "run", "text"])
def test_a_run_without_a_field_is_refused(
    name: str, message: dict[str, Any], store: FakeStore, directory: RunDirectory
) -> None:
    """Only an empty message means that there is no run."""
    del message[name]
    store.set("run", json.dumps(message))
    with pytest.raises(CharrnnError, match=f"rank 0 sent an invalid run: the message has no {name}"):
        receive_run(ProcessGroup(World(rank=1, size=2), store), directory, "cpu")


def test_arrays_that_no_training_produces_are_refused(
    message: dict[str, Any], store: FakeStore, directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are validated as those of a checkpoint."""
    assert message
    monkeypatch.setattr(ProcessGroup, "broadcast", lambda _group, tensor: tensor.fill_(float("nan")))
    with pytest.raises(CharrnnError, match=r"rank 0 sent an invalid run: .* contains NaN or infinity"):
        receive_run(ProcessGroup(World(rank=1, size=2), store), directory, "cpu")


MANY, DEEP = '{"a": [' + "1," * 20_000 + "1]}", '{"a": ' + "[" * 50 + "]" * 50 + "}"


@pytest.mark.parametrize(
    "text",
    ["", "{", "\xff\x00", "[1, 2]", "null", "7", '"run"', "[" * 10_000, MANY, DEEP],
)
def test_a_message_that_is_no_object_of_json_is_refused(text: str, store: FakeStore, directory: RunDirectory) -> None:
    """Also one with too many values, or nested too deeply."""
    other = ProcessGroup(World(rank=1, size=2), store)
    store.set("run", text)
    store.set("configuration/1", text)
    with pytest.raises(CharrnnError, match="invalid message from another process: "):
        receive_run(other, directory, "cpu")
    with pytest.raises(CharrnnError, match="invalid message from another process: "):
        check_same_configuration(ProcessGroup(World(size=2), store), TrainOptions(), "cpu")


def test_a_process_waits_until_it_sees_the_text_of_the_run(
    corpus: Corpus, directory: RunDirectory, tmp_path: Path
) -> None:
    """The text of another run and a missing one are waited for, and after some time the error names the directory."""
    now, description = 0.0, directory.description.read_text()
    expected = replicas._checksum_of_description(corpus)

    def sleep_and_write(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now > 5:
            directory.description.write_text(description)

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    directory.description.write_text(description.replace('"utf-8"', '"ascii"'))
    found = replicas._visible_corpus(directory, expected, clock=lambda: now, sleep=sleep_and_write)
    assert replicas._checksum_of_description(found) == expected
    assert now == 5.5
    for absent in (RunDirectory(tmp_path / "absent"), directory):
        with pytest.raises(
            CharrnnError, match=r"has no corpus\.bin, or its corpus\.bin is of another text"
        ) as caught:
            replicas._visible_corpus(absent, f"{expected[:-1]}x", clock=lambda: now, sleep=sleep)
        assert str(absent.path) in caught.value.message


# The configuration of the processes


def check(store: FakeStore, *ranks: tuple[TrainOptions, str]) -> None:
    """Publish the configuration of each rank, and compare them as rank 0."""
    size = len(ranks)
    for rank, (options, device) in enumerate(ranks):
        publish_configuration(ProcessGroup(World(rank=rank, size=size), store), options, device)
    check_same_configuration(ProcessGroup(World(size=size), store), *ranks[0])


def test_equal_processes_are_accepted(store: FakeStore) -> None:
    """Options that only rank 0 uses may differ, and so may hosts."""
    options = TrainOptions(corpus=("a.txt",), steps=5, files_from=None)
    check(store, (options, "cpu"), (TrainOptions(corpus=("a.txt",), steps=5, new=True, quiet=True), "cpu"))


@pytest.mark.parametrize(
    ("options", "device", "message"),
    [
        ({"steps": 6}, "cpu", r"--steps differs: 5 on rank 0, 6 on rank 2 \(.*\)"),
        ({}, "cpu", r"--steps differs: 5 on rank 0, none on rank 2 \(.*\)"),
        ({"steps": 5}, "cuda", r"device differs: cpu on rank 0, cuda on rank 2 \(.*\)"),
        (
            {"steps": 5, "corpus": ("b.txt", "c.txt")},
            "cpu",
            "checksum of the file names differs: ",
        ),
        ({"steps": 5, "from_": "m"}, "cpu", r"--from differs: none on rank 0, m on rank 2 \(.*\)"),
        ({"steps": 5, "sample_every": 0}, "cpu", r"--sample-every differs: none on rank 0, 0 on rank 2"),
    ],
)
def test_processes_with_other_options_or_devices_are_refused(
    options: dict[str, Any], device: str, message: str, store: FakeStore
) -> None:
    """The message names the rank and what differs."""
    same = (TrainOptions(steps=5), "cpu")
    with pytest.raises(WrongUsageError, match=message):
        check(store, same, same, (TrainOptions(**options), device))


@pytest.mark.parametrize("name", ["charrnn", "torch"])
def test_processes_with_other_versions_are_refused(
    name: str, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of charrnn or of torch."""
    publish_configuration(ProcessGroup(World(rank=1, size=2), store), TrainOptions(), "cpu")
    monkeypatch.setattr(*{"charrnn": (replicas, "__version__"), "torch": (torch, "__version__")}[name], "0.1")
    with pytest.raises(WrongUsageError, match=rf"version of {name} differs: 0\.1 on rank 0, .* on rank 1"):
        check_same_configuration(ProcessGroup(World(size=2), store), TrainOptions(), "cpu")
