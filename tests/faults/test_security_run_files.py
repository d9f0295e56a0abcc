"""Files of a run that are something else: each command ends at once, in one line, and never blocks."""

import dataclasses
import io
import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from common import Call, CommandResult

import charrnn
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.network.model_file import load_model
from charrnn.storage import safetensors_file, settings_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.corpus import Corpus, open_corpus
from charrnn.text.held_out import held_out_text
from charrnn.text.ngram import NGram
from charrnn.text.source_file import SourceFile
from charrnn.text.sources import open_sources
from charrnn.text.suffix_array import load_or_build_suffix_array
from charrnn.training.events import Report, TrainingWarning
from charrnn.training.metrics import MAX_LINE_BYTES, log_events, read_history, read_lines, read_ngram, write_ngram

SECONDS = 20
"""seconds after which a command counts as blocked; the slowest takes one second on an idle machine"""
MANY_DIGITS = "9" * 5000
"""number of digits that Python refuses to convert"""
COMMANDS = {
    "train": ("train", "book.txt", "--out", "run", "--steps", "3", "--threads", "1", "--sample-every", "0"),
    "configured": ("train", "--config", "run/config.yaml", "--out", "run", "--steps", "3", "--threads", "1"),
    "sample": ("sample", "run", "-n", "5", "--seed", "1"),
    "novelty": ("sample", "run", "-n", "30", "--seed", "1", "--novelty"),
    "info": ("info", "run"),
    "inspect": ("inspect", "run", "--cell", "1.0", "--chars", "20"),
    "score": ("score", "run", "book.txt"),
}
FILES = {
    "lock": ".lock",
    "model": "model.safetensors",
    "checkpoint": "checkpoint-00000002.safetensors",
    "corpus": "corpus.bin",
    "description": "corpus.json",
    "suffixes": "corpus.suffixes",
    "metrics": "metrics.jsonl",
    "config": "config.yaml",
}
NEEDED_BY = {
    "lock": {"train", "configured"},
    "model": {"sample", "novelty", "info", "inspect", "score", "train", "configured"},
    "checkpoint": {"train", "configured"},
    "corpus": {"train", "configured", "novelty", "inspect"},
    "description": {"train", "configured", "novelty", "inspect"},
    "suffixes": set(),
    "metrics": {"train", "configured"},
    "config": {"configured"},
}
"""commands that may fail without a file"""
ALWAYS_REFUSED = {"model": {"sample", "info", "score"}, "description": {"inspect"}, "config": {"configured"}}
"""commands that always fail without the file"""


class WaitsError(BaseException):
    """Raised if a command blocks; not an Exception, so that no handler takes it for a system error."""


@contextmanager
def in_time(seconds: int = SECONDS) -> Iterator[None]:
    """Raise WaitsError if the block takes longer."""

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise WaitsError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def is_one_line(result: CommandResult) -> bool:
    """Return whether a failed command printed one line and at most one hint."""
    lines = result.err.splitlines()
    errors = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    return len(errors) == 1 and len(lines[errors[0] :]) in (1, 3) and "Traceback" not in result.err


def _link(to: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(to)


def _huge_numbers(path: Path) -> None:
    """Write the usual content of a file with numbers that are far too large."""
    header = json.dumps({"__metadata__": {"format": "charrnn/1"}, "order": [1]}).replace("1]", f"{MANY_DIGITS}]")
    contents = {
        ".lock": '{"process": 1' + "0" * 400 + ', "since": "2026-11-20T14:02:07+01:00"}',
        "corpus.bin": "\x7f" * 5000,
        "corpus.json": f'{{"name": "x", "counts": [{MANY_DIGITS}], "vocabulary": ["a"]}}',
        "config.yaml": f"corpus: [book.txt]\nhidden: {MANY_DIGITS}\n",
        "metrics.jsonl": f'{{"event": "report", "step": {"9" * 400}, "bits": {"9" * 400}}}\n'
        f'{{"event": "report", "step": {MANY_DIGITS}}}\n{{"event": ["report"], "step": 1}}\n'
        f'{{"event": "evaluation", "step": 1, "bits": {"9" * 400}}}\n'
        f'{{"event": "evaluation", "step": 2, "bits": NaN}}\n'
        f'{{"event": "evaluation", "step": 1e400, "bits": true}}\n{{"event": "ngram", "step": 0, "nats": 1e999}}\n',
    }
    content = contents.get(path.name, "").encode()
    path.write_bytes(content or (2**63 - 1).to_bytes(8, "little") + header.encode())


KINDS: dict[str, Callable[[Path], object]] = {
    "fifo": os.mkfifo,
    "endless device": _link("/dev/zero"),
    "null device": _link(os.devnull),
    "directory": Path.mkdir,
    "dangling link": _link("nowhere"),
    "link loop": lambda path: path.symlink_to(path.name),
    "empty": Path.touch,
    "garbage": lambda path: path.write_bytes(bytes(range(256)) * 9),
    "huge numbers": _huge_numbers,
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a text and a small run, which has one checkpoint and a suffix array."""
    at, before = tmp_path_factory.mktemp("trained"), Path.cwd()
    os.chdir(at)
    try:
        Path("book.txt").write_text("".join(f"{n} green bottles, {n * n % 97} walls (and).\n" for n in range(120)))
        settings: Any = {"steps": 2, "hidden": 8, "batch": 2, "length": 16, "threads": 1, "sample_every": 0}
        charrnn.train("book.txt", out="run", **settings).novelty("green bottles")
    finally:
        os.chdir(before)
    assert all((at / "run" / name).is_file() for name in FILES.values())
    return at


@pytest.fixture
def run_dir(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    """Change to a copy of that directory."""
    shutil.copytree(trained, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return RunDirectory(Path("run"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("file", FILES)
def test_no_command_blocks_or_fails_with_more_than_a_line(
    run_dir: RunDirectory, call: Call, file: str, kind: str
) -> None:
    """Whatever has the name of a file of the run; commands that do not need the file work."""
    path = run_dir.path / FILES[file]
    for name, arguments in COMMANDS.items():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        KINDS[kind](path)
        with in_time():
            result = call(*arguments)
        assert result.code == 0 or (name in NEEDED_BY[file] and is_one_line(result)), (name, result)
        assert result.code != 0 or name not in ALWAYS_REFUSED.get(file, ()) or kind == "empty", (name, result)
        assert len(result.err) < 2000


def test_a_checkpoint_that_is_not_a_file_is_skipped(run_dir: RunDirectory, call: Call) -> None:
    """With one note each; its step does not count as saved."""
    run_dir.checkpoint(98).mkdir()
    os.mkfifo(run_dir.checkpoint(99))
    with in_time():
        result = call(*COMMANDS["train"])
        assert run_dir.last_checkpoint_step() in (2, 3)
    assert result.err.count("using the one before") == 2 or is_one_line(result)


@pytest.mark.parametrize("digits", ["9" * 14, "9" * 200, "0" * 14, "٣" * 8, "1" * 7])
def test_names_with_invalid_numbers_are_not_checkpoints(tmp_path: Path, digits: str) -> None:
    """Only names that a run itself creates count, whatever Python's int accepts."""
    directory = RunDirectory(tmp_path)
    for name in (digits, "00000007", "1234567890123"):
        (tmp_path / f"checkpoint-{name}.safetensors").touch()
    assert directory.checkpoints() == [directory.checkpoint(7), directory.checkpoint(1234567890123)]
    assert directory.last_checkpoint_step() == 1234567890123


def test_info_shows_a_model_whose_metrics_cannot_be_read(run_dir: RunDirectory, call: Call) -> None:
    """With a note."""
    run_dir.metrics.unlink()
    os.mkfifo(run_dir.metrics)
    with in_time():
        result = call("info", "run")
    assert (result.code, result.err) == (0, "note: cannot read run/metrics.jsonl: not a regular file\n")
    assert "network" in result.out


def test_metrics_that_are_a_pipe_cause_a_warning_and_training_continues(tmp_path: Path) -> None:
    """The pipe is never opened."""
    path = tmp_path / "metrics.jsonl"
    os.mkfifo(path)
    report = Report(step=1, epoch=0.1, nats=1.0, gradient_norm=1.0, learning_rate=0.1, progress=0.5)
    with in_time():
        write_ngram(path, NGram(order=1, nats=1.0, learned_from=1, characters=1, nats_by_order=(1.0,)))
        assert read_ngram(path) is None
        assert [type(event) for event in log_events(iter([report]), path, step=0)] == [TrainingWarning, Report]


IMPOSSIBLE: dict[str, tuple[Any, ...]] = {
    "step": (-1, True, 1.5, "5", None, 10**13, 10**400, [5]),
    "event": (["evaluation"], {}, None, 3),
    "bits": (True, "2.5", float("nan"), float("inf"), -1, 10**400, 1e300, [2.5], None),
    "more": (10**4000, {"a": 1}, [[1]], [10**20]),
}
GOOD: dict[str, Any] = {"event": "evaluation", "step": 5, "bits": 2.5}


@pytest.mark.parametrize(
    "change",
    [{name: value} for name, values in IMPOSSIBLE.items() for value in values],
    ids=lambda change: str(change)[:30],
)
def test_an_invalid_line_of_metrics_is_skipped(tmp_path: Path, change: dict[str, object]) -> None:
    """Later lines are read, and a run can append its own."""
    path = tmp_path / "metrics.jsonl"
    path.write_text(f"{json.dumps(GOOD | change)}\n{json.dumps(GOOD)}\n")
    assert read_history(path).validation == ((5, 2.5),)
    assert list(log_events(iter([]), path, step=9)) == []
    assert read_history(path).validation == ((5, 2.5),)


@pytest.mark.parametrize(
    "line",
    [b"[" * 5000, b'{"event": "report", "step": ' + MANY_DIGITS.encode() + b"}", b"\xff\xfe\x00", b"5", b"null"],
)
def test_a_line_that_is_not_an_object_is_skipped(tmp_path: Path, line: bytes) -> None:
    """However deep, long or broken it is."""
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(line + b"\n" + json.dumps(GOOD).encode() + b"\n")
    assert list(read_lines(path)) == [GOOD]


def test_a_line_without_an_end_takes_bounded_memory(tmp_path: Path) -> None:
    """A sparse file of a terabyte is one such line."""
    path = tmp_path / "metrics.jsonl"
    path.write_text(json.dumps(GOOD) + "\n")
    os.truncate(path, 10**12)
    with in_time():
        assert list(read_lines(path)) == [GOOD]
    assert len(json.dumps(GOOD)) < MAX_LINE_BYTES


KNOWN = NGram(order=3, nats=1.5, learned_from=900, characters=100, nats_by_order=(3.0, 2.0, 1.5))


@pytest.mark.parametrize(
    "change",
    [
        *({"nats": nats} for nats in (float("nan"), -1.0, 10**400, "1.5", True, [1.5])),
        *({"order": order} for order in (True, 1.5, -3, "3", 10**400)),
        *({"nats_by_order": values} for values in ("321", [True], [[1]], [float("inf")], {"a": 1}, None)),
    ],
    ids=lambda change: str(change)[:70],
)
def test_an_n_gram_of_impossible_numbers_is_ignored(tmp_path: Path, change: dict[str, object]) -> None:
    """Nothing is compared with it."""
    path = tmp_path / "metrics.jsonl"
    path.write_text(json.dumps({"event": "ngram", "step": 0, **dataclasses.asdict(KNOWN), **change}))
    assert read_ngram(path) is None


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": {"bytes": "1", "modified": 1, "sha256": ""}},
        {"fingerprint": {"bytes": 1, "modified": 10**400, "sha256": ""}},
        {"fingerprint": {"bytes": 1, "modified": 1, "sha256": ["a"]}},
        {"fingerprint": {"bytes": 1, "modified": 1, "sha256": "", "more": "x"}},
        {"min_count": 10**400},
        {"counts": []},
    ],
    ids=lambda change: str(change)[:70],
)
def test_the_types_in_the_description_of_a_corpus_are_checked(corpus: Corpus, change: dict[str, object]) -> None:
    """Its values are compared, and shown in messages."""
    path = corpus.path.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CharrnnError, match="damaged"):
        open_corpus(corpus.path)


def test_a_description_of_a_corpus_is_read_in_bounded_memory(corpus: Corpus) -> None:
    """A sparse file of a terabyte is rejected because of its size."""
    os.truncate(corpus.path.with_suffix(".json"), 10**12)
    with in_time(), pytest.raises(CharrnnError, match="more than 20,000,000 bytes"):
        open_corpus(corpus.path)


def test_the_ids_that_are_read_are_those_that_were_checked(corpus: Corpus) -> None:
    """Even if the file is replaced afterwards."""
    opened, text = open_corpus(corpus.path), corpus.text(0, 100)
    corpus.path.unlink()
    os.mkfifo(corpus.path)
    with in_time():
        assert opened.text(0, 100) == text


@pytest.mark.parametrize("position", [-1, -(2**31), 2**31 - 1, 10**6])
def test_a_suffix_array_with_invalid_positions_is_built_again(tmp_path: Path, position: int) -> None:
    """Its checksums are correct, because whoever forges a file can compute them."""
    ids = np.array([1, 0, 2, 0, 2, 0] * 9, np.uint8)
    path = tmp_path / "corpus.suffixes"
    order = load_or_build_suffix_array(ids, 3, path).order
    forged = order.copy()
    forged[3] = position
    metadata = {name: safetensors_file.read_metadata(path)[name] for name in ("kind", "text_sha256")}
    safetensors_file.write_tensors(path, {"order": forged}, metadata)
    assert np.array_equal(safetensors_file.read_tensors(path).arrays["order"], forged)
    assert np.array_equal(load_or_build_suffix_array(ids, 3, path).order, order)


@pytest.mark.parametrize("characters", [-50, True, 10**40, 1.5, "5", None])
def test_the_start_of_the_held_out_text_is_checked(run_dir: RunDirectory, characters: object) -> None:
    """A model with another start has no held-out text, and training text is never returned in its place."""
    model = load_model(run_dir.model)
    story = dict(model.training) | {"train_characters": characters}
    with pytest.raises(CharrnnError, match="is not the model's"):
        held_out_text(run_dir.model, model.vocabulary, story, slice(0, 50), hint="")


@pytest.fixture
def short_tmp() -> Iterator[Path]:
    """Return a new directory with a short path, which a socket needs."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


def test_a_text_is_a_file_or_a_pipe(short_tmp: Path, call: Call) -> None:
    """Devices have no end, or have effects when they are opened; a socket cannot be opened."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(short_tmp / "socket"))
        (short_tmp / "zero").symlink_to("/dev/zero")
        devices = ("/dev/zero", "/dev/null", "/dev/full", "/dev/random", short_tmp / "zero")
        for kind, names in (("socket", (short_tmp / "socket",)), ("device", devices)):
            for name in names:
                with in_time():
                    result = call("train", str(name), "--out", str(short_tmp / "run"))
                assert is_one_line(result)
                assert f"{name} is a {kind}\n" in result.err
        assert "2 left out (not a file)" in call("train", str(short_tmp), "--out", str(short_tmp / "run")).err
    assert not (short_tmp / "run").exists()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_on_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    """It has no characters, or no end."""
    with Path(device).open() as stream, in_time():
        monkeypatch.setattr("sys.stdin", stream)
        with pytest.raises(WrongUsageError, match="no text on standard input"):
            open_sources(["-"])


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 5000, "x" * 300])
def test_an_impossible_file_name_is_refused(name: str) -> None:
    """For a text and for a settings file."""
    for read in (lambda: open_sources([name]), lambda: settings_file.read_settings(Path(name), ())):
        with pytest.raises(CharrnnError) as raised:
            read()
        assert len(raised.value.message) < 400


def piped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SourceFile:
    """Return a text from standard input, with an empty directory for temporary files."""
    (tmp_path / "spool").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spool"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"0123456789" * 1_000_000)))
    return open_sources(["-"]).files[0]


def test_a_text_from_standard_input_leaves_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However the process ends."""
    source = piped(monkeypatch, tmp_path)
    assert list((tmp_path / "spool").iterdir()) == []
    assert source.size == 10_000_000
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_text_from_standard_input_can_be_read_several_times_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No reader moves the position of another one."""
    source = piped(monkeypatch, tmp_path)
    first, second = source.chunks(), source.chunks()
    pieces = [(next(first), next(second)) for _ in range(2)]
    assert all(reader == other for reader, other in pieces)
    assert b"".join([*(reader for reader, _ in pieces), *first]) == b"0123456789" * 1_000_000
    assert source.first_bytes.startswith(b"0123456789")
