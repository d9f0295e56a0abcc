"""Replicas of a run: rank 0 sends a new or resumed run to the other processes, and all compare their weights later.

A run is sent as a checkpoint is written: its record as JSON, then its arrays. The receivers validate both as they
would validate a file. The text is not sent; each process opens the encoded text in the run directory.
"""

import dataclasses
import hashlib
import json
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from charrnn._version import __version__
from charrnn.arguments import AUTO
from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError, ReplicasDifferError, WrongUsageError
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.schema import from_mapping
from charrnn.text.corpus import Corpus, description_of, open_corpus
from charrnn.training.checkpoint import load_state, state_arrays, state_metadata
from charrnn.training.checkpoint_file import RAW_PREFIX, SUMS, RunRecord, expected_arrays
from charrnn.training.process_group import ProcessGroup
from charrnn.training.train_options import TrainOptions
from charrnn.training.trainer import Trainer
from charrnn.training.world import host_name

# Processes with different versions or options are rejected before anything is written

RANK_0_OPTIONS = ("new", "as_json", "quiet")
"""options that only rank 0 uses; after a restart it ignores `new`"""
FILE_OPTIONS = ("corpus", "val_file", "include")
"""options that may have thousands of values"""


def publish_configuration(group: ProcessGroup, options: TrainOptions, device: str) -> None:
    """Publish what must be equal in all processes: versions, device and options."""
    group.publish(f"configuration/{group.world.rank}", _configuration(options, device))


def check_same_configuration(group: ProcessGroup, options: TrainOptions, device: str) -> None:
    """Raise WrongUsageError if another process has other versions or options than this one, rank 0."""
    own = json.loads(json.dumps(_configuration(options, device)))
    for rank in range(1, group.world.size):
        other = group.receive(f"configuration/{rank}")
        for name in sorted({*own, *other} - {"host"}):
            if own.get(name) != other.get(name):
                expected, actual = (_value(values.get(name)) for values in (own, other))
                raise WrongUsageError(
                    f"{name} differs: {expected} on rank 0, {actual} on rank {rank} ({other.get('host')})",
                    hint="start all processes with the same command and the same versions",
                )


def _configuration(options: TrainOptions, device: str) -> dict[str, Any]:
    """Return the host, the versions, the device and the options of this process, by their names."""
    given = {
        f"--{name.rstrip('_').replace('_', '-')}": value
        for name, value in dataclasses.asdict(options).items()
        if value is not False and value not in (None, (), AUTO) and name not in (*RANK_0_OPTIONS, *FILE_OPTIONS)
    }
    files = json.dumps([getattr(options, name) for name in FILE_OPTIONS])
    versions = {"version of charrnn": __version__, "version of torch": torch.__version__}
    checksum = hashlib.sha256(files.encode()).hexdigest()[:8]
    return {
        "host": host_name(),
        **versions,
        "device": device,
        "checksum of the file names": checksum,
        **given,
    }


def _value(value: Any) -> str:
    """Return a value for a message."""
    return "none" if value is None else str(value)


# The run

VISIBLE_SECONDS = 90.0
"""time in which a written text becomes visible; a network file system may cache a missing name for a minute"""
SECONDS_BETWEEN_ATTEMPTS = 0.5


@dataclass(frozen=True, kw_only=True)
class _RunMessage:
    """The message that precedes the arrays of a run."""

    network: dict[str, Any]
    run: RunRecord
    text: str
    """checksum of the description of the text"""


def send_run(trainer: Trainer) -> None:
    """Send a run to all other processes, which call `receive_run`."""
    arrays = state_arrays(trainer)
    message = {
        "network": trainer.network.config.to_mapping(),
        "run": json.loads(state_metadata(trainer)["run"]),
        "text": _checksum_of_description(trainer.corpus),
    }
    trainer.group.publish("run", message)
    trainer.group.join(trainer.device)
    for name in sorted(arrays):
        trainer.group.broadcast(torch.from_numpy(np.ascontiguousarray(arrays[name])))


def send_no_run(group: ProcessGroup) -> None:
    """Tell all other processes that the run is already trained, and wait until they have read it."""
    group.publish("run", {})
    for rank in range(1, group.world.size):
        group.receive(f"end/{rank}")


def receive_run(group: ProcessGroup, directory: RunDirectory, device: str) -> Trainer | None:
    """Wait for a run from rank 0 and return it, None if it is already trained.

    Raise CharrnnError if this process does not see the text of the run.
    """
    message = group.receive("run")
    if not message:
        group.publish(f"end/{group.world.rank}", {})
        return None
    with _invalid_as_error():
        sent = from_mapping(_RunMessage, message, "the message")
        network = NetworkConfig.from_mapping(sent.network)
    corpus = _visible_corpus(directory, sent.text)
    group.join(torch.device(device))
    specs = expected_arrays(network, len(corpus.vocabulary), sent.run, (RAW_PREFIX, *SUMS))
    arrays = {name: np.empty(specs[name].shape, specs[name].dtype) for name in sorted(specs)}
    for array in arrays.values():
        group.broadcast(torch.from_numpy(array))
    trainer = Trainer(corpus, network, sent.run.training, device, group)
    with _invalid_as_error():
        load_state(trainer, arrays, message["run"])
    return trainer


@contextmanager
def _invalid_as_error() -> Iterator[None]:
    """Name rank 0 as the origin of values that do not fit a run (CharrnnError)."""
    try:
        yield
    except CharrnnError as error:
        raise CharrnnError(f"rank 0 sent an invalid run: {error.message}") from error


def _visible_corpus(
    directory: RunDirectory,
    checksum: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Corpus:
    """Return the text of a run as soon as this process sees it (CharrnnError)."""
    ends_at = clock() + VISIBLE_SECONDS
    while True:
        try:
            corpus = open_corpus(directory.corpus)
        except CharrnnError:
            corpus = None
        if corpus is not None and _checksum_of_description(corpus) == checksum:
            return corpus
        if clock() >= ends_at:
            raise CharrnnError(
                f"{directory.path} has no {directory.corpus.name}, or its {directory.corpus.name} is of another text",
                hint="use a directory that all machines share, or copy corpus.bin and corpus.json to each machine",
            )
        sleep(SECONDS_BETWEEN_ATTEMPTS)


def _checksum_of_description(corpus: Corpus) -> str:
    """Return a checksum that identifies a text with its vocabulary, counts and split."""
    return hashlib.sha256(json.dumps(description_of(corpus), sort_keys=True).encode()).hexdigest()


# Before each save


def gather_for_save(trainer: Trainer) -> None:
    """Gather the state of all streams in rank 0, and compare the replicas; all processes call it at the same step.

    Raise ReplicasDifferError if weights or moments differ: processors of different kinds may round differently.
    """
    trainer.gather_state()
    if not trainer.group.is_distributed:
        return
    checksums = trainer.group.all_gather(_checksum_of_weights(trainer))
    for rank, checksum in enumerate(checksums):
        if checksum != checksums[0]:
            raise ReplicasDifferError(
                f"the weights of ranks 0 and {rank} differ at step {trainer.step:,}",
                hint="use machines with the same type of processor; the same command resumes from the last save",
            )


def _checksum_of_weights(trainer: Trainer) -> int:
    """Return a checksum of weights, averages and moments."""
    optimizer, checksum = trainer.optimizer, 0
    moments = (*optimizer.first_moments.values(), *optimizer.second_moments.values())
    for tensor in (*trainer.network.parameters(), *trainer.ema_network.parameters(), *moments):
        checksum = zlib.crc32(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data, checksum)
    return checksum
