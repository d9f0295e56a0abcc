"""charrnn train: train on a text, resume after a stop, and refuse what would destroy a run."""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from common import Call, CommandResult, bottles
from launcher import Launcher

from charrnn.cli.train_messages import precision_label
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_file import read_tensors

SMALL = ("--hidden", "16", "--batch", "4", "--length", "16", "--threads", "1")


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a directory with a small text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOMP_SPINCOUNT", "1000")
    path = Path("book.txt")
    path.write_text(bottles(90))
    return path


@pytest.fixture
def train(call: Call, text: Path) -> Call:
    """Return a function that trains a small network on the text."""
    return lambda *more: call("train", str(text), *SMALL, *more)


def files(directory: str = ".") -> set[str]:
    """Return the names of the files in a directory."""
    return {path.name for path in Path(directory).iterdir()}


def test_training_creates_all_files_of_a_run(train: Call) -> None:
    """Model, checkpoint, settings, metrics, and the path of the model on standard output."""
    result = train("--steps", "30")
    assert (result.code, result.out) == (0, "checkpoints/book/model.safetensors\n")
    assert "bits/character" in result.err
    assert {"model.safetensors", "config.yaml", "metrics.jsonl", "checkpoint-00000030.safetensors"} <= files(
        "checkpoints/book"
    )
    assert "\r" not in result.err
    assert "\x1b" not in result.err


def test_events_as_json_end_with_the_result(train: Call) -> None:
    """Each line is an object; the last one has every field that scripts rely on."""
    result = train("--steps", "30", "--json", "-q")
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert {line["event"] for line in lines} == {"start", "ngram", "preview", "report", "evaluation", "done"}
    done = lines[-1]
    assert lines[0]["event"] == "start"
    assert [line["bits"] for line in lines if line["event"] == "ngram"] == [done["ngram_bits"]]
    assert set(done) >= {"val_nats", "val_bits", "best_step", "steps", "characters", "seconds", "parameters", "model"}
    assert set(done) >= {"val_window256_nats", "val_window256_bits"}
    assert (done["steps"], done["characters"], done["stopped_early"]) == (30, 30 * 4 * 16, False)
    assert 0 < done["val_nats"] < np.log(40)
    assert 0 < done["val_window256_nats"] < np.log(40)
    assert result.err == ""


@pytest.mark.usefixtures("finished")
def test_a_trained_model_can_be_sampled_scored_and_inspected(call: Call) -> None:
    """The commands work on the trained model."""
    assert len(call("sample", "-n", "50", "--seed", "1").out) == 50
    assert "bits/char" in call("score", "book.txt").out
    assert "LSTM 1 × 16" in call("info").out
    looked = call("inspect", "--cell", "1.3", "--chars", "60")
    assert looked.code == 0
    assert "tanh(c)" in looked.out


def test_a_training_that_overfits_ends_early_and_is_finished(call: Call, text: Path) -> None:
    """With a message; the same command reports a trained run; `--patience 0` continues to the end of the plan."""
    text.write_text("".join(np.random.default_rng(0).choice(list("abcd"), size=1000)))
    settings = "--hidden 48 --batch 8 --length 16 --lr 0.03 --dropout 0"
    command = ("train", str(text), *settings.split())
    result = call(*command, "--steps", "200", "--threads", "1")
    assert result.code == 0
    assert len([line for line in result.err.splitlines() if line.startswith("stopped early: it overfits")]) == 1
    assert '"event": "overfitting"' in Path("checkpoints/book/metrics.jsonl").read_text()
    second_result = call(*command, "--steps", "200")
    assert "of 200 steps, stopped early, " in second_result.err
    assert "--steps 400" in second_result.err
    assert "--patience 0" in second_result.err
    done = json.loads(call(*command, "--steps", "200", "--json", "-q").out.splitlines()[-1])
    assert done["stopped_early"]
    assert done["best_step"] < done["steps"] < 200
    assert done["val_window256_nats"] > 0
    assert "stopped early at" in call("info").out
    uninterrupted = call(*command, "--steps", "200", "--patience", "0", "--json", "-q", "--threads", "1")
    last = json.loads(uninterrupted.out.splitlines()[-1])
    assert (last["steps"], last["stopped_early"], last["val_nats"]) == (200, False, done["val_nats"])


def test_a_stopped_and_resumed_training_ends_with_the_same_bytes(text: Path, launch: Launcher) -> None:
    """After Ctrl-C and a resume, the last checkpoint equals that of an uninterrupted run."""
    arguments = ("train", str(text), *SMALL, "--steps", "100", "--dropout", "0.2", "-q")
    uninterrupted = launch(*arguments, "--out", "whole", at=Path.cwd())
    stopped = launch(*arguments, "--out", "stopped", "--save-every", "0.05", at=Path.cwd(), slow_phase="step")
    stopped.reach_slow_phase(slow_steps=4)
    stopped.signal(signal.SIGINT)
    assert stopped.wait() == -signal.SIGINT
    step = int(RunDirectory(Path("stopped")).checkpoints()[-1].stem.removeprefix("checkpoint-"))
    assert 0 < step < 100
    assert launch(*arguments, "--out", "stopped", at=Path.cwd()).wait() == uninterrupted.wait() == 0
    first, second = (read_tensors(RunDirectory(Path(name)).checkpoint(100)).arrays for name in ("whole", "stopped"))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    models = [read_tensors(Path(name, "model.safetensors")).arrays for name in ("whole", "stopped")]
    assert all(np.array_equal(models[0][name], models[1][name]) for name in models[0])


@pytest.mark.usefixtures("finished")
def test_a_larger_budget_continues_a_finished_training(train: Call) -> None:
    """More steps continue from the last step."""
    result = train("--steps", "40")
    assert result.code == 0
    assert "resuming checkpoints/book at step 30 of 40" in result.err
    assert Path("checkpoints/book/checkpoint-00000040.safetensors").exists()
    steps = [json.loads(line)["step"] for line in Path("checkpoints/book/metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(steps)


@pytest.mark.usefixtures("finished")
def test_a_run_s_settings_can_be_used_again(call: Call) -> None:
    """config.yaml as --config trains the same weights."""
    result = call("train", "--config", "checkpoints/book/config.yaml", "--out", "again", "--threads", "1")
    assert result.code == 0, result.err
    first, second = (read_tensors(Path(f"{name}/model.safetensors")).arrays for name in ("checkpoints/book", "again"))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_settings_of_a_run_by_epochs_can_be_used_again(train: Call, call: Call) -> None:
    """The file contains steps instead of epochs, so that it has one budget."""
    train("--epochs", "0.5")
    result = call("train", "--config", "checkpoints/book/config.yaml", "--out", "again", "-q", "--threads", "1")
    assert result.code == 0, result.err


@pytest.mark.fault("F72")
@pytest.mark.slow
def test_json_events_into_a_closed_pipe_save_and_stop_the_training(text: Path, shell: Call) -> None:
    """With a non-zero exit code, because the reader did not receive the last event."""
    result = shell(f"charrnn train {text} {' '.join(SMALL)} --steps 4000 --json -q | head -1")
    assert result.code == 1
    step = RunDirectory(Path("checkpoints/book")).last_checkpoint_step()
    failed = "error: cannot write the events of --json: broken pipe"
    assert result.err == f"{failed}; step {step:,} is saved in checkpoints/book\n\nhint: the same command continues\n"
    assert {"model.safetensors"} < files("checkpoints/book")


@pytest.mark.parametrize("reader", ["2>&1 | grep -m1 beat", "2>&1 | head -1", "2> >(head -c1)", "2>/dev/full"])
def test_a_training_whose_log_has_no_reader_continues_to_its_end(text: Path, shell: Call, reader: str) -> None:
    """Without a log; the model and the metrics are complete."""
    result = shell(f"charrnn train {text} {' '.join(SMALL)} --steps 30 --new {reader}")
    assert (result.code, result.err) == (0, ""), result.err
    assert RunDirectory(Path("checkpoints/book")).last_checkpoint_step() == 30
    assert {"model.safetensors"} < files("checkpoints/book")


def test_json_events_are_complete_without_a_reader_of_the_log(text: Path, shell: Call) -> None:
    """Standard error does not matter to a script that reads standard output."""
    for log in ("2>/dev/full", "2>&-"):
        result = shell(f"charrnn train {text} {' '.join(SMALL)} --steps 5 --new --json {log}")
        assert (result.code, json.loads(result.out.splitlines()[-1])["event"]) == (0, "done")


@pytest.mark.usefixtures("finished")
def test_a_finished_run_answers_a_script_too(train: Call) -> None:
    """The last line is the event that scripts wait for."""
    last = json.loads(train("--steps", "30", "--json", "-q").out.splitlines()[-1])
    assert (last["event"], last["steps"], last["model"]) == ("done", 30, "checkpoints/book/model.safetensors")
    assert last["val_nats"] > 0
    assert last["stopped_early"] is False
    assert last["ngram_bits"] > 0


def test_the_n_gram_baseline_is_shown_and_fitted_once(
    train: Call, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it is fitted, in later lines, in the summary and in `info`; a resumed run reads it from the metrics."""
    result = train("--steps", "20").err
    assert "-gram, learned from 3,301 characters" in result
    assert "better than the network" in result.splitlines()[-6]
    assert "better than the network\n" in call("info").out
    monkeypatch.setattr("charrnn.training.ngram_baseline.fit_best_ngram", None)
    result = train("--steps", "40").err
    assert "-gram, learned from 3,301 characters" in result
    assert all("ngram_bpc=" in line for line in result.splitlines() if "train_bpc=" in line)
    assert json.loads(call("info", "--json").out)["ngram"]["learned_from"] == 3301


@pytest.mark.slow
def test_standard_input_is_not_read_again(shell: Call, text: Path) -> None:
    """A run has a copy of its text, and says so."""
    line = f"cat {text} | charrnn train - {' '.join(SMALL)}"
    assert shell(f"{line} --steps 5 -q").code == 0
    result = shell(f"{line} --steps 10")
    assert result.code == 0
    assert "standard input is not read" in result.err


def test_a_time_budget_counts_from_the_start(train: Call) -> None:
    """A time budget counts from the start of the command."""
    began = time.monotonic()
    result = train("--minutes", "0.02", "--json", "-q")
    done = json.loads(result.out.splitlines()[-1])
    assert done["steps"] > 20
    assert time.monotonic() - began < 5


def test_the_number_of_previews_can_be_set(train: Call) -> None:
    """Every ten steps, or never."""
    steps = [json.loads(line) for line in train("--steps", "30", "--json", "--sample-every", "10").out.splitlines()]
    assert [line["step"] for line in steps if line["event"] == "preview"] == [0, 10, 20, 30]
    assert "wrote=" not in train("--new", "--steps", "30", "--sample-every", "0").err


def is_error(result: CommandResult, code: int, *words: str) -> bool:
    """Return whether a command failed with one line, perhaps a hint, and nothing else."""
    lines = result.err.splitlines()
    return (
        result.code == code
        and result.out == ""
        and lines[0].startswith("error: ")
        and len(lines) in (1, 3)
        and all(word in result.err for word in words)
    )


@pytest.mark.fault("F04", "F05", "F06", "F07")
def test_a_refused_text_leaves_nothing(call: Call, text: Path) -> None:
    """No run directory, no file."""
    for content in (b"", b"short", b"a" * 999, b"\xff" * 999, b"\0" * 999):
        text.write_bytes(content)
        assert is_error(call("train", str(text)), 1)
    assert files() == {"book.txt"}


def test_the_header_explains_the_streams_and_states_the_precision(train: Call) -> None:
    """Numbers without a unit, such as "batch 4 × 16", are not understood."""
    header = train("--steps", "20", "--precision", "float32").err
    assert "4 streams × 16 characters" in header
    assert "streams: places of the text that are read in parallel" in header
    assert "thread · float32" in header
    assert precision_label("float32", "cuda") == "float32 (products in TF32)"
    assert precision_label("bfloat16", "cuda") == "bfloat16"


@pytest.mark.parametrize(
    ("budget", "longer"), [(("--steps", "8"), "--steps 16"), (("--epochs", "0.1"), "--epochs 0.2")]
)
def test_a_finished_run_names_the_option_that_continues_it(train: Call, budget: tuple[str, str], longer: str) -> None:
    """In the unit that the user chose; the same command with that option does continue."""
    assert f"  charrnn train … {longer} " in train(*budget).err
    assert "resuming" in train(*longer.split()).err


@pytest.mark.fault("F06", "F10")
def test_small_and_marked_texts_are_noted(call: Call, text: Path) -> None:
    """The notes name the changes."""
    text.write_bytes(b"\xef\xbb\xbf" + b"small but usable. " * 20)
    result = call("train", str(text), "--steps", "5", "--hidden", "8")
    assert result.code == 0
    assert "note: small corpus; using 4 streams × 32 characters" in result.err
    assert "byte order mark removed" in result.err


def test_a_setting_that_the_user_chose_causes_no_note(call: Call, text: Path) -> None:
    """A note about the batch size is printed only if charrnn chose the batch size."""
    text.write_bytes(b"small but usable. " * 20)
    arguments = ("train", str(text), "--steps", "2", "--hidden", "8", "--new")
    for option in (("--batch", "2"), ("--length", "16")):
        result = call(*arguments, *option)
        assert result.code == 0
        assert "small corpus" not in result.err


def test_files_with_nothing_in_them_are_named_in_a_line(call: Call, text: Path) -> None:
    """At most three; the other files are the text."""
    text.write_bytes(b"small but usable. " * 20)
    for name in "abcd":
        Path(f"{name}.txt").touch()
    result = call("train", str(text), *(f"{name}.txt" for name in "abcd"), "--steps", "2", "--hidden", "8")
    assert result.code == 0
    assert "note: empty: a.txt, b.txt, c.txt and 1 more\n" in result.err


@pytest.mark.fault("F13")
def test_a_note_suggests_how_to_reduce_a_large_vocabulary(call: Call, text: Path) -> None:
    """Characters that occur once cannot be learned; the note names the option that merges them."""
    text.write_text("".join(map(chr, range(0x4E00, 0x4E00 + 12_000))) + "的是不了人" * 500)
    result = call("train", str(text), "--steps", "2", "--hidden", "8", "--threads", "1", "--sample-every", "0")
    assert result.code == 0
    assert "12,000 distinct characters: most occur once; `--min-count 2`" in result.err
    second_result = call(
        "train", str(text), "--steps", "2", "--hidden", "8", "--min-count", "2", "--new", "--json", "-q"
    )
    assert json.loads(second_result.out.splitlines()[0])["vocabulary"] < 10


@pytest.mark.fault("F14", "F15")
def test_a_text_with_control_sequences_is_trained_and_sanitized(call: Call, text: Path) -> None:
    """Escape sequences and markup of the corpus are sanitized in previews."""
    text.write_text("\x1b]52;c;AAAA\x07\x1b[31m[/bold] :smile: {} %s\x9b31m\u202e" * 60)
    result = call("train", str(text), "--steps", "30", "--hidden", "8", "--lr", "0.02")
    assert result.code == 0
    assert not set("\x1b\x07\x9b\u202e") & set(result.err)


@pytest.mark.fault("F18")
def test_a_run_does_not_resume_on_a_changed_text(train: Call, finished: RunDirectory) -> None:
    """The checkpoint is kept; --new starts over."""
    Path("book.txt").write_text(bottles(91))
    assert is_error(train("--steps", "40"), 1, "since step 30", "--from", "--new")
    Path("more.txt").write_text("more")
    assert is_error(train("more.txt", "--steps", "40"), 1, "the text grew from", "--from", "--new")
    assert finished.checkpoint(30).exists()
    assert train("--steps", "10", "--new").code == 0


@pytest.mark.fault("F18")
@pytest.mark.usefixtures("finished")
def test_a_text_that_was_only_touched_is_the_same(train: Call) -> None:
    """A new modification time with the same bytes is not a change."""
    os.utime("book.txt", ns=(1, 1))
    assert train("--steps", "35").code == 0


@pytest.mark.fault("F21", "F23")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--layers", "0"), "--layers"),
        (("--steps", "-5"), "--steps"),
        (("--lr", "abc"), "--lr"),
        (("--lr", "nan"), "--lr"),
        (("--hiden", "4"), "--hidden"),
        (("--steps", "5", "--epochs", "2"), "only one of"),
        (("--encoding", "klingon"), "unknown encoding"),
    ],
)
def test_wrong_options_are_named(call: Call, text: Path, arguments: tuple[str, ...], words: str) -> None:
    """Usage errors name the option, and no file is created."""
    assert is_error(call("train", str(text), *arguments), 2, words)
    assert files() == {"book.txt"}


@pytest.mark.fault("F24")
def test_an_impossibly_large_network_is_refused_before_it_is_built(call: Call, text: Path) -> None:
    """The error contains its size; no file is created."""
    assert is_error(call("train", str(text), "--hidden", "1000000"), 2, "would need about", "TB")
    assert files() == {"book.txt"}


@pytest.mark.fault("F25", "F26", "F27", "F28")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("lr: [1", "line 1"),
        ("hiden: 4", "did you mean 'hidden'?"),
        ("lr: 1e-3\nlr: 2", "given twice (lines 1 and 2)"),
        ("lr: !!python/object:os.system x", "line 1"),
        ("- lr", "line 1"),
        ("lr: oops", "lr in the settings file"),
    ],
)
def test_wrong_settings_are_named_with_their_line(call: Call, text: Path, content: str, words: str) -> None:
    """A settings file is parsed strictly."""
    Path("my.yaml").write_text(content)
    assert is_error(call("train", str(text), "--config", "my.yaml"), 2, words)


@pytest.mark.fault("F29")
def test_a_wrong_variable_is_named(call: Call, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of the option."""
    monkeypatch.setenv("CHARRNN_TRAIN_LR", "oops")
    assert is_error(call("train", str(text)), 2, "CHARRNN_TRAIN_LR")


def test_options_take_precedence_over_variables_and_variables_over_the_file(
    call: Call, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings of the run record where each value comes from."""
    Path("my.yaml").write_text("hidden: 10\nbatch: 3\nlength: 9\nminutes: 7")
    monkeypatch.setenv("CHARRNN_TRAIN_BATCH", "4")
    monkeypatch.setenv("CHARRNN_TRAIN_LENGTH", "8")
    call("train", str(text), "--config", "my.yaml", "--length", "16", "--steps", "4", "-q")
    content = Path("checkpoints/book/config.yaml").read_text()
    for line in (
        "hidden: 10  # config file",
        "batch: 4  # environment",
        "length: 16  # command line",
        "steps: 4  # command line",
        "lr: 0.02  # chosen for this text",
        "clip: 1.0  # default",
    ):
        assert line in content


@pytest.mark.fault("F30")
def test_other_settings_are_refused_for_an_existing_run(train: Call, finished: RunDirectory) -> None:
    """The error shows both values; the checkpoint is kept."""
    assert is_error(train("--steps", "40", "--layers", "2"), 1, "layers: saved 1, requested 2", "--new")
    assert finished.checkpoint(30).exists()


@pytest.mark.fault("F31")
def test_a_finished_run_is_left_as_it_is(train: Call, finished: RunDirectory) -> None:
    """The same command reports the finished run, and how to continue it."""
    before = finished.model.stat().st_mtime_ns
    result = train("--steps", "30")
    assert result.code == 0
    assert "already trained (30 steps, " in result.err
    assert "--steps 60" in result.err
    assert finished.model.stat().st_mtime_ns == before


def test_a_smaller_time_budget_does_not_change_a_finished_run(train: Call) -> None:
    """A finished run is not changed by a smaller time budget; the hint names a larger one."""
    train("--minutes", "0.01")
    before = Path("checkpoints/book/model.safetensors").stat().st_mtime_ns
    result = train("--minutes", "0.005")
    assert result.code == 0
    assert "already trained (" in result.err
    assert "hint: `--minutes 1` continues" in result.err
    assert Path("checkpoints/book/model.safetensors").stat().st_mtime_ns == before


@pytest.mark.fault("F32")
def test_a_foreign_directory_is_not_touched(train: Call) -> None:
    """Its files are kept."""
    Path("elsewhere").mkdir()
    Path("elsewhere/thesis.tex").write_text("precious")
    assert is_error(train("--out", "elsewhere", "--new"), 1, "is not a charrnn run")
    assert files("elsewhere") == {"thesis.tex"}


@pytest.mark.fault("F33")
def test_unusual_file_names_become_run_names(call: Call, text: Path) -> None:
    """A run can be created from a file of any name."""
    Path("a b:c?.txt").write_bytes(text.read_bytes())
    assert call("train", "a b:c?.txt", *SMALL, "--steps", "2").out == "checkpoints/a-b-c/model.safetensors\n"


@pytest.mark.fault("F34")
def test_the_error_for_a_missing_device_names_it(call: Call, text: Path) -> None:
    """The hint names the CPU."""
    import torch

    missing = "cuda" if torch.backends.mps.is_available() else "mps"
    assert is_error(call("train", str(text), "--device", missing), 2, f"no {missing.upper()} device here")


@pytest.mark.fault("F65")
def test_divergence_has_its_own_exit_code(train: Call) -> None:
    """A huge learning rate ends with one line and a hint; a saved model is finite."""
    result = train("--steps", "300", "--lr", "1e30", "--clip", "0", "--warm-up", "0")
    assert result.code == 3
    assert "training diverged" in result.err
    assert "--lr" in result.err.splitlines()[-1]
    for path in Path("checkpoints/book").glob("*.safetensors"):
        assert all(np.isfinite(array).all() for array in read_tensors(path).arrays.values())
