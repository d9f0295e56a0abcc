"""Out-of-memory errors are one line, and any number of samples is generated in bounded memory."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from common import Call, random_model

from charrnn import resources
from charrnn.cli import main
from charrnn.cli.error_handler import out_of_memory
from charrnn.errors import CharrnnError
from charrnn.generation import batched
from charrnn.generation.batched import chunks_in_order, collect_texts, generate_batch
from charrnn.generation.generate import StopCriteria, generate, prefill_prompt
from charrnn.network.inference import InferenceRNN
from charrnn.storage.run_directory import RunDirectory

linux = pytest.mark.skipif(sys.platform != "linux", reason="`ulimit -v` limits memory on Linux only")

SHORTAGES = (
    MemoryError(),
    MemoryError("Unable to allocate 7.45 GiB for an array with shape (1000000000,) and data type float64"),
    ImportError("libtorch_cpu.so: failed to map segment from shared object"),
    ImportError("libopenblas.so: cannot allocate memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("can't start new thread"),
    OSError(12, "Cannot allocate memory"),
    OSError("libgomp.so.1: failed to map segment from shared object"),
)
BUGS = (
    ImportError("cannot import name 'x' from 'charrnn.storage.run_directory'"),
    ModuleNotFoundError("No module named 'torch'"),
    RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
    SystemError("bad call"),
)


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make every command fail with an exception."""

    def fail(_arguments: object) -> int:
        raise error

    monkeypatch.setattr(main, "_call", fail)


@pytest.mark.parametrize("error", SHORTAGES, ids=str)
def test_an_out_of_memory_error_is_one_line(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Whether Python, NumPy, torch, the system or the dynamic linker raises it."""
    fail_with(monkeypatch, error)
    result = call("info")
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines()[0] == "error: out of memory"
    assert result.err.splitlines()[2].startswith("hint: ")


def test_an_out_of_memory_error_behind_another_error_is_recognized(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NumPy says of a library only that it could not be imported."""
    error = ImportError("Error importing numpy")
    error.__cause__ = ImportError("libopenblas.so: failed to map segment from shared object")
    fail_with(monkeypatch, error)
    assert call("info").err.startswith("error: out of memory\n")


@pytest.mark.parametrize("error", BUGS, ids=str)
def test_other_errors_of_the_same_types_keep_their_traceback(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """They are bugs, or a broken installation."""
    monkeypatch.setattr(resources, "memory_limit", lambda: None)
    fail_with(monkeypatch, error)
    with pytest.raises(type(error)):
        call("info")


def test_an_import_error_without_a_reason_means_out_of_memory_only_under_a_limit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """C functions may set no exception when memory runs out."""
    error = SystemError("<function _find_and_load> returned NULL without setting an exception")
    monkeypatch.setattr(resources, "memory_limit", lambda: 600_000_000)
    assert out_of_memory(error) == 1
    hint = "hint: this process may use 600 MB: raise the limit (`ulimit -v unlimited`)"
    assert capsys.readouterr().err == f"error: out of memory\n\n{hint}\n"


def test_torch_is_not_imported_if_its_libraries_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its C++ code would abort the process; without a limit, or once it is imported, nothing is measured."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(resources, "memory_limit", lambda: 1 << 50)
    resources.require_memory_for_torch()
    monkeypatch.setattr(resources, "memory_limit", lambda: 100_000_000)
    with pytest.raises(CharrnnError, match="out of memory: loading PyTorch takes"):
        resources.require_memory_for_torch()
    monkeypatch.delattr(resources, "find_spec")
    with monkeypatch.context() as unlimited:
        unlimited.setattr(resources, "memory_limit", lambda: None)
        resources.require_memory_for_torch()
    monkeypatch.setitem(sys.modules, "torch", sys)
    resources.require_memory_for_torch()


@linux
@pytest.mark.usefixtures("run_here")
@pytest.mark.parametrize(
    ("command", "kilobytes"),
    [
        *[("info", size) for size in (35_000, 45_000)],
        *[("sample -n 3", size) for size in (60_000, 80_000, 105_000)],
        *[("inspect --cell 1.0 --text book.txt", size) for size in (50_000, 105_000)],
        *[("train book.txt --hidden 8 --steps 1", size) for size in (100_000, 300_000, 500_000)],
    ],
)
def test_no_limit_on_memory_leads_to_a_traceback(shell: Call, command: str, kilobytes: int) -> None:
    """However low, if Python can start; OpenBLAS and libgomp may print messages of their own."""
    Path("book.txt").write_text("abc abc\n" * 99)
    result = shell(f"ulimit -c 0 -v {kilobytes}; charrnn {command}")
    assert result.code in (0, 1), result.err
    assert "Traceback" not in result.err
    if result.code:
        assert result.err.startswith(("error: ", "OpenBLAS ", "note: "))


@linux
@pytest.mark.usefixtures("run_here")
@pytest.mark.parametrize("options", ["", "--json", "--stop ab"])
def test_a_billion_samples_are_written_as_they_are_generated(shell: Call, options: str) -> None:
    """In bounded memory, and the first one at once."""
    result = shell(f"ulimit -t 50 -v 600000; charrnn sample --count 1000000000 -n 5 {options} | head -c 2000 | wc -c")
    assert (result.code, result.out.strip()) == (0, "2000")


@pytest.mark.parametrize("most", [0, 1, 2000, 10**9])
def test_the_number_of_texts_that_wait_for_an_earlier_one_is_limited(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """The texts do not change: no further one starts until the earlier one has ended."""
    monkeypatch.setattr(batched, "MAX_FINISHED_CHARS", most)
    model = random_model()
    rnn, vocabulary = InferenceRNN.from_model(model), model.vocabulary
    prefilled, stop_criteria = prefill_prompt(rnn, vocabulary), StopCriteria(max_chars=200, stop=("a", "b", "c\n"))
    started: list[int] = []

    def generators() -> Iterator[np.random.Generator]:
        for seed in range(300):
            started.append(seed)
            yield np.random.default_rng(seed)

    rows = generate_batch(rnn, vocabulary, rngs=generators(), prefilled=prefilled, stop=stop_criteria)
    ahead, texts = 0, []
    for number, generated in enumerate(collect_texts(chunks_in_order(rows))):
        ahead = max(ahead, len(started) - number)
        texts.append(generated.characters)
    alone = [
        "".join(entry.char for entry in generate(rnn, vocabulary, rng=rng, prefilled=prefilled, stop=stop_criteria))
        for rng in map(np.random.default_rng, range(300))
    ]
    assert texts == alone
    assert most > 2000 or ahead <= 2 * batched.BATCH_SLOTS + most // batched.TEXT_OVERHEAD_CHARS


def test_random_generators_are_created_only_when_texts_start() -> None:
    """A billion of them would take a terabyte."""
    model = random_model()
    rnn, vocabulary, created = InferenceRNN.from_model(model), model.vocabulary, 0

    def generators() -> Iterator[np.random.Generator]:
        nonlocal created
        while True:
            created += 1
            yield np.random.default_rng(created)

    rows = generate_batch(
        rnn, vocabulary, rngs=generators(), prefilled=prefill_prompt(rnn, vocabulary), stop=StopCriteria(max_chars=5)
    )
    for _ in range(50):
        next(rows)
    assert created == 10 * batched.BATCH_SLOTS


def test_texts_too_long_to_be_buffered_are_generated_one_by_one(
    call: Call, monkeypatch: pytest.MonkeyPatch, run_here: RunDirectory
) -> None:
    """The texts are the same."""
    from charrnn.cli import sampler

    usual = call("sample", "--count", "3", "-n", "50", "--seed", "1")
    monkeypatch.setattr(sampler, "MAX_BUFFERED_CHARS", 149)
    monkeypatch.setattr(sampler, "generate_batch", None)
    assert call("sample", str(run_here.path), "--count", "3", "-n", "50", "--seed", "1").out == usual.out
