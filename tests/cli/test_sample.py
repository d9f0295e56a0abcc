"""charrnn sample: standard output contains only the text, without delay."""

import dataclasses
import io
import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from common import SMALL, Call, encode_corpus, random_model
from launcher import Launcher

import charrnn
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, load_model, save_model
from charrnn.scoring import score
from charrnn.storage.run_directory import RunDirectory


@pytest.fixture(autouse=True)
def _here(run_here: RunDirectory) -> None:
    """Change to the directory of a run."""
    assert run_here.model.exists()


def test_same_seed_same_text(call: Call) -> None:
    """With the requested number of characters, not counting the prompt."""
    result = call("sample", "--seed", "3", "-n", "20", "-p", "abc")
    assert result == call("sample", "--seed", "3", "-n", "20", "-p", "abc")
    assert (result.code, result.err, len(result.out), result.out[:3]) == (0, "", 23, "abc")
    assert call("sample", "--seed", "3", "-n", "20", "-p", "abc", "--no-prompt").out == result.out[3:]


def test_without_a_seed_texts_differ(call: Call) -> None:
    """A random seed is drawn each time."""
    assert call("sample").out != call("sample").out


def test_argmax_is_temperature_0(call: Call) -> None:
    """And equals a top-k of 1 with any seed."""
    texts = {
        call("sample", *options).out for options in (["--argmax"], ["-t", "0"], ["--top-k", "1"], ["--min-p", "1"])
    }
    assert len(texts) == 1


def test_each_of_several_samples_can_be_generated_alone(call: Call) -> None:
    """The seeds are consecutive."""
    alone = [call("sample", "-n", "9", "--seed", seed).out for seed in ("5", "6", "7")]
    assert call("sample", "-n", "9", "--seed", "5", "--count", "3").out == "\n\n".join(alone)


def test_json_lines_hold_what_there_is_to_know(call: Call, run_here: RunDirectory) -> None:
    """The bits equal the score of the text after the same prompt."""
    result = call("sample", "--json", "--seed", "5", "--count", "2", "-p", "a", "-n", "60")
    first, second = map(json.loads, result.out.splitlines())
    assert first["text"] == call("sample", "--seed", "5", "-p", "a", "-n", "60").out[1:] != second["text"]
    assert (first["prompt"], first["temperature"], first["step"]) == ("a", 0.8, 3750)
    assert (first["seed"], second["seed"]) == (5, 6)
    model = load_model(run_here.model)
    scored = score(InferenceRNN.from_model(model), model.vocabulary, "a" + first["text"])
    assert math.isclose(first["bits_per_char"], scored.bits_per_char, rel_tol=1e-4)


def test_a_stop_text_ends_the_text(call: Call) -> None:
    """The stop text is printed once; a match in the prompt does not count; JSON names the stop text."""
    complete = call("sample", "--seed", "1", "-n", "400", "--no-prompt").out
    stop = complete[200:202]
    text = complete[: complete.index(stop) + 2]
    assert call("sample", "--seed", "1", "-n", "400", "--no-prompt", "--stop", stop, "--stop", "aaaaaaaa").out == text
    result = json.loads(call("sample", "--seed", "1", "-n", "0", "--json", "--stop", stop).out)
    assert (result["text"], result["stopped_by"]) == (text, stop)
    assert (
        json.loads(call("sample", "--seed", "1", "--json", "-p", "abc", "--stop", "abcabcabc").out)["stopped_by"]
        is None
    )


@pytest.mark.usefixtures("run_here")
def test_a_stop_text_that_does_not_come_is_missed(call: Call) -> None:
    """A note counts the samples that did not end with a stop text."""
    result = call("sample", "-n", "5", "--stop", "abca")
    assert result.err.endswith("note: no stop text occurred\n")
    stop = call("sample", "-n", "5", "--seed", "2", "--no-prompt").out[2:4]
    result = call("sample", "-n", "5", "--seed", "2", "--stop", stop)
    assert "no stop text" not in result.err
    assert "no stop text" not in call("sample", "-n", "5", "--stop", "abca", "--quiet").err
    pair = call("sample", "-n", "5", "--seed", "2", "--count", "2", "--stop", stop, "--no-prompt")
    missed = stop not in pair.out.split("\n\n")[1]
    assert ("note: no stop text occurred in 1 of 2 samples" in pair.err) == missed


@pytest.mark.parametrize(
    ("stop", "message"),
    [
        ("", "error: the text to stop at is empty"),
        ("a" * 501, "is longer than the length, 500"),
        ("é" * 9, "error: --stop can never occur: the model never saw 'é' (9×)"),
        ("\\n", "a newline is written $'\\n' in the shell"),
        (os.fsdecode(b"ab\xff"), "error: --stop is not valid text (byte 0xFF)"),
    ],
    ids=["empty", "long", "unseen", "escaped", "bytes"],
)
def test_a_stop_text_that_can_never_come_is_refused(call: Call, stop: str, message: str) -> None:
    """With the reason."""
    result = call("sample", "--stop", stop)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_a_backslash_and_n_in_a_prompt_is_not_a_newline(call: Call) -> None:
    """The error for a model without backslashes says how the shell passes a newline, as for --stop."""
    hint = "a newline is written $'\\n' in the shell\n"
    result = call("sample", "-p", "ab\\ncd")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: the model never saw '\\\\'")
    assert result.err.endswith(f"hint: {hint}")
    assert hint in call("sample", "-p", "ab\\ncd", "--unknown", "skip").err
    assert "shell" not in call("sample", "-p", "ab\ncd").err
    assert "character code is written $'\\u00e9' in the shell" in call("sample", "-p", "caf\\u00e9").err


def test_a_backslash_is_itself_for_a_model_that_knows_it(call: Call, run_here: RunDirectory) -> None:
    """With a note, in the prompt and in --stop, which --quiet omits; there is nothing to escape."""
    save_model(run_here.model, random_model("\n abn\\"))
    result = call("sample", "-p", r"a\nb", "-n", "5", "--stop", r"\n")
    assert (result.code, result.out[:4]) == (0, r"a\nb")
    assert [line.split(" has ")[0] for line in result.err.splitlines()[:2]] == ["note: the prompt", "note: --stop"]
    assert call("sample", "-p", r"a\nb", "-n", "5", "-q").err == ""
    assert call("sample", "-p", r"a\b", "-n", "5").err == ""


def test_one_prompt_at_three_temperatures_and_without_chance(call: Call) -> None:
    """Each sample equals the sample of the same seed without --compare."""
    result = call("sample", "--compare", "--seed", "3", "-n", "40", "-p", "ab", "--json")
    for line, temperature in zip(map(json.loads, result.out.splitlines()), ("0", "0.5", "0.8", "1.2"), strict=True):
        alone = call("sample", "--seed", "3", "-n", "40", "-p", "ab", "--no-prompt", "-t", temperature).out
        assert (line["text"], line["temperature"]) == (alone, float(temperature))
    for heading in ("argmax", "temperature 0.5", "temperature 0.8", "temperature 1.2"):
        assert heading in call("sample", "--compare", "-n", "40").out


def test_a_cell_is_clamped_during_generation(call: Call) -> None:
    """The three columns equal the samples with the cell clamped low, free, and clamped high."""
    result = call("sample", "--steer", "2.3", "--clamp", "1.1=0.5", "--seed", "3", "-n", "40", "--json")
    variants = [["--clamp", "2.3=-1"], [], ["--clamp", "2.3=1"]]
    texts = [json.loads(line)["text"] for line in result.out.splitlines()]
    command = ["sample", "--seed", "3", "-n", "40", "--clamp", "1.1=0.5"]
    assert texts == [call(*command, *clamps).out for clamps in variants]
    assert len(set(texts)) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--clamp", "2.3"], "must be a cell or a concept and its value, such as 2.317=1"),
        (["--clamp", "2.3=2"], "must be a number ≥ -1 and ≤ 1"),
        (["--clamp", "2.3=nan"], "must be a number ≥ -1 and ≤ 1"),
        (["--clamp", "=1"], "must be layer.unit"),
        (["--clamp", "x" * 90_000], "must be a cell"),
        (["--clamp", "9.3=1"], "there is no cell 9.3"),
        (["--clamp", "2.3=1", "--clamp", "2.3=0"], "2.3 cannot be clamped at two values"),
        (["--clamp", "2.3=1", "--steer", "2.3"], "2.3 cannot be clamped at two values"),
        (["--compare", "--steer", "2.3"], "--compare and --steer cannot go together"),
        (["--compare", "-t", "1"], "--compare and --temperature cannot go together"),
        (["--steer", "2.3", "--count", "2"], "--steer and --count cannot go together"),
        (["--compare", "-n", "0"], "--compare needs complete samples"),
        (["--novelty", "-n", "0"], "--novelty needs complete samples"),
        (["--novelty"], "is not beside it"),
        (["--device", "tpu"], "'tpu' is not one of"),
    ],
)
def test_invalid_combinations_are_refused_in_one_line(call: Call, arguments: list[str], message: str) -> None:
    """With the reason, even if the value is long."""
    result = call("sample", *arguments)
    assert (result.code in (1, 2), result.out) == (True, "")
    assert message in result.err
    assert len(result.err) < 400


def test_another_device_writes_the_same(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """With torch on the available devices; a missing device is refused."""
    import torch

    if not torch.cuda.is_available():
        assert "no CUDA device here" in call("sample", "--device", "cuda").err
    monkeypatch.setattr("charrnn.training.device.choose_device", lambda _: "cpu")
    for arguments in (["--count", "3"], ["--clamp", "2.3=1"], ["--steer", "2.3"]):
        command = ["sample", "--seed", "3", "-n", "40", *arguments]
        assert call(*command, "--device", "cuda") == call(*command)


def test_copies_of_the_training_text_are_reported(call: Call, run_here: RunDirectory) -> None:
    """A text from the training text is copied completely, from that position; the printed text does not change."""
    vocabulary = "\n abcdefgh"
    save_model(run_here.model, random_model(vocabulary))
    text = call("sample", "--seed", "1", "-n", "90").out
    before = "".join(np.random.default_rng(0).choice(list(vocabulary), 700))
    training, held_out = before + text + vocabulary, "h g" * 100
    keep_corpus(run_here, training + held_out)
    model = random_model(vocabulary)
    save_model(run_here.model, dataclasses.replace(model, training={"train_characters": len(training)}))
    result = call("sample", "--novelty", "--seed", "1", "-n", "90")
    assert (result.code, result.out) == (0, text)
    assert result.err.startswith("copied: 100.0% in spans of 20 characters or more (held-out text: 0.0%)\n")
    message = json.loads(call("sample", "--novelty", "--seed", "1", "-n", "90", "--json").out)["novelty"]
    assert (message["copied"], message["longest"]) == (1, 90)
    assert message["stretches"] == [{"start": 0, "length": 90, "place": 700}]
    assert json.loads(call("sample", "--novelty", "--seed", "2", "-n", "90", "--json").out)["novelty"]["copied"] < 1
    from_python = charrnn.load(run_here.path).novelty(text)
    assert (from_python.copied_fraction, [stretch.source_start for stretch in from_python.spans]) == (1, [700])


def test_of_an_empty_document_nothing_is_copied(call: Call, run_here: RunDirectory) -> None:
    """A document may end before its first character."""
    created = random_model("\n abcdefgh", config=dataclasses.replace(SMALL, documents="line"))
    text = "a bad cab\n" * 60
    keep_corpus(run_here, "\n abcdefgh" + text)
    weights = {**created.weights, "output.bias": np.array([99, *[0] * 9], np.float32)}
    save_model(run_here.model, dataclasses.replace(created, weights=weights, training={"train_characters": 400}))
    result = call("sample", "--novelty", "-n", "90")
    assert (result.code, result.out) == (0, "\n")
    assert result.err.startswith("copied: 0.0%")
    assert json.loads(call("sample", "--novelty", "--json").out)["novelty"]["copied"] == 0


def keep_corpus(run: RunDirectory, text: str) -> None:
    """Store a text as the corpus of a run."""
    path = run.path / "text.txt"
    path.write_text(text, newline="")
    encode_corpus([str(path)], run.corpus)


def test_json_has_no_end_without_a_length(call: Call) -> None:
    """A JSON line contains a complete sample."""
    assert call("sample", "--json", "-n", "0").code == 2


@pytest.mark.parametrize("option", ["--length", "--count", "--top-k", "--seed"])
@pytest.mark.parametrize("value", ["1" + "0" * 400, "1" + "0" * 25])
def test_an_excessive_number_is_refused(call: Call, option: str, value: str) -> None:
    """With one line that names the option."""
    result = call("sample", "-p", "a", option, value)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {option}: must be at most ")


@pytest.mark.fault("F69")
def test_unknown_characters_are_named_even_if_the_model_knows_the_replacement_character(
    call: Call, run_here: RunDirectory
) -> None:
    """U+FFFD in the training text does not make other characters known."""
    save_model(run_here.model, random_model("\n abc\ufffd"))
    assert call("sample", "-p", "éa\ufffd").err.startswith("error: the model never saw 'é'\n")
    same = [
        call("sample", "-p", prompt, "--unknown", "skip", "--no-prompt", "--seed", "1").out for prompt in ("éa", "a")
    ]
    assert same[0] == same[1]


@pytest.mark.fault("F69")
def test_unseen_characters_of_the_prompt(call: Call) -> None:
    """An error names them; with --unknown skip they are dropped."""
    result = call("sample", "-p", "éa€é")
    assert result == (2, "", "error: the model never saw 'é' (2×), '€'\n\nhint: `--unknown skip` leaves them out\n")
    assert call("sample", "-p", "éa", "--unknown", "skip", "-n", "5", "--seed", "1").code == 0


@pytest.mark.fault("F70")
def test_a_prompt_can_be_a_file_or_standard_input(call: Call, shell: Call) -> None:
    """Unchanged, including line ends."""
    Path("prompt.txt").write_bytes(b"ab\nc\n")
    assert call("sample", "--prompt-file", "prompt.txt", "-n", "1").out[:5] == "ab\nc\n"
    assert shell("charrnn sample --prompt-file - -n 1 < prompt.txt").out[:5] == "ab\nc\n"
    assert call("sample", "--prompt-file", "none.txt").code == 2
    assert call("sample", "--prompt-file", "prompt.txt", "-p", "a").code == 2


@pytest.mark.fault("F71")
def test_a_prompt_of_foreign_bytes_is_refused(call: Call) -> None:
    """The shell passes invalid bytes as lone surrogates."""
    result = call("sample", "-p", os.fsdecode(b"ab\xff"))
    assert (result.code, result.err) == (2, "error: the prompt is not valid text (byte 0xFF)\n")


@pytest.mark.fault("F72")
def test_a_closed_pipe_is_success(real_shell: Call) -> None:
    """Standard error is empty, also at the exit of the interpreter."""
    result = real_shell("charrnn sample -n 1000000 | head -c 10")
    assert (result.code, len(result.out), result.err) == (0, 10, "")


@pytest.mark.fault("F73")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_full_disk_is_one_line(real_shell: Call) -> None:
    """No message follows at the exit of the interpreter."""
    assert real_shell("charrnn sample > /dev/full") == (
        1,
        "",
        "error: cannot write output: no space left on device\n",
    )
    closed = "error: cannot write output: standard output is closed\n"
    assert real_shell("charrnn sample >&-") == (1, "", closed)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_full_disk_is_reported_for_a_long_text(shell: Call) -> None:
    """Of a text longer than the buffer."""
    result = shell("charrnn sample --json -n 9000 > /dev/full")
    assert result.err == "error: cannot write output: no space left on device\n"


def test_a_failure_to_read_is_not_reported_as_one_of_the_output(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of reading the prompt is not reported as an error of the output."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"abc")))
    monkeypatch.setattr("charrnn.text.sources.Spool.write", _full)
    result = call("sample", "--prompt-file", "-")
    assert result.err.startswith("error: cannot copy standard input: no space left on device\n\nhint: set TMPDIR")
    assert (result.code, result.out) == (1, "")


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.fault("F74", "F75")
def test_a_pipe_gets_the_same_bytes_whatever_the_environment(shell: Call, real_shell: Call) -> None:
    """UTF-8 without colors in every locale, also in an interpreter that starts in the locale."""
    save_model(Path("checkpoints/hamlet/model.safetensors"), random_model("\nabé猫\x1b\x9b\ufffd"))
    line = "charrnn sample --seed 1 -n 200 -p é猫"
    plain = shell(line)
    assert plain.code == 0
    assert plain.out.startswith("é猫")
    foreign = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "TERM": "dumb", "COLUMNS": "1", "FORCE_COLOR": "1"}
    assert real_shell(line, **foreign) == shell(line, NO_COLOR="1", FORCE_COLOR="1") == plain


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        (["-q"], {}, b"\x1b[2mab\x1b[0m%s\r\n"),
        (["-q"], {"NO_COLOR": "1"}, b"ab%s\r\n"),
        (["-q", "--raw"], {"TERM": "dumb"}, b"ab%s\r\n"),
        (["-q"], {"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}, b"ab%s\r\n"),
    ],
)
def test_the_generated_text_cannot_control_the_terminal(
    launch: Launcher, shell: Call, arguments: list[str], environment: dict[str, str], expected: bytes
) -> None:
    """The prompt is dim, control characters are pictures unless raw, and a newline ends the output."""
    text = shell("charrnn sample --seed 1 --no-prompt -p ab").out
    assert "\x1b" in text
    picture = "\x1b" if "--raw" in arguments else "^[" if "PYTHONIOENCODING" in environment else "␛"
    output = text.replace("\x1b", picture).replace("\n", "\r\n").encode()
    assert on_terminal(launch, ["--seed", "1", "-p", "ab", *arguments], environment) == expected % output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_the_header_on_a_terminal_shows_how_to_repeat_a_sample(launch: Launcher) -> None:
    """The run, the step, the temperature, the seed, and once a note about control characters."""
    lines = on_terminal(launch, ["--seed", "1", "-p", "ab"], {"NO_COLOR": "1"}).decode().split("\r\n")
    heading = "checkpoints/hamlet · step 3,750 · temperature 0.8 · repeat with --seed 1"
    assert lines[0] == heading
    always = on_terminal(launch, ["--argmax", "--seed", "1", "-p", "ab"], {"NO_COLOR": "1"}).decode().split("\r\n")
    assert always[0] == "checkpoints/hamlet · step 3,750 · always the most likely"
    assert lines[-2] == "note: control characters are shown as pictures; --raw writes them as they are"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_several_samples_on_a_terminal_have_one_header_and_visible_borders(launch: Launcher) -> None:
    """The settings are shown once; a line before each sample has the seed that repeats it."""
    arguments = ["--seed", "4", "--count", "3", "-n", "9", "--no-prompt"]
    lines = on_terminal(launch, arguments, {"NO_COLOR": "1"}).decode().split("\r\n")
    assert [line for line in lines if "step 3,750" in line] == lines[:1]
    assert [line for line in lines if line.startswith("──")] == [
        f"── {n} of 3 · --seed {n + 3} ──" for n in (1, 2, 3)
    ]
    quiet = on_terminal(launch, [*arguments, "-q"], {"NO_COLOR": "1"}).decode()
    assert "──" not in quiet
    assert quiet.count("\r\n\r\n") >= 2


@pytest.fixture
def blanks(run_here: RunDirectory, model: Model) -> None:
    """Make a blank the most likely character after all others."""
    is_blank = np.array(model.vocabulary.characters) == " "
    bias = np.where(is_blank, np.float32(100), model.weights["output.bias"])
    save_model(run_here.model, dataclasses.replace(model, weights={**model.weights, "output.bias": bias}))


@pytest.mark.usefixtures("blanks")
def test_a_text_of_nothing_but_blanks_is_explained(call: Call) -> None:
    """With --argmax a note shows the repeated character and names the temperature; -q is silent."""
    result = call("sample", "--argmax", "-n", "60")
    assert result.out == " " * 60
    assert result.err == "note: the text repeats ' ' up to its end; hint: `-t 0.8` chooses characters at random\n"
    assert call("sample", "--argmax", "-n", "60", "-q").err == ""
    assert call("sample", "--seed", "1", "-n", "60").err == ""


@pytest.mark.usefixtures("blanks")
def test_samples_side_by_side_show_what_they_repeat(call: Call) -> None:
    """The character itself instead of its length; a hint at the temperature only where the command accepts one."""
    result = call("sample", "--compare", "-n", "60")
    assert result.out.startswith("checkpoints/hamlet")
    assert "argmax · 0.00 bits/char · repeats ' '" in result.out
    assert result.err == "", "--compare has no temperature to choose"
    hint = "hint: a higher temperature (`-t`) makes repetitions less likely\n"
    assert call("sample", "--steer", "1.0", "-t", "0", "-n", "60").err == hint
    values = json.loads(call("sample", "--compare", "-n", "60", "--json").out.splitlines()[0])
    assert values["circle"] == {"start": 0, "length": 1}


def test_a_steered_cell_has_a_typographic_minus_on_the_screen_only(call: Call) -> None:
    """JSON has the sign of a number."""
    assert "1.3 at −1 · " in call("sample", "--steer", "1.3", "-n", "9").out
    first = json.loads(call("sample", "--steer", "1.3", "-n", "9", "--json").out.splitlines()[0])
    assert first["variant"] == "1.3 at -1"


def on_terminal(launch: Launcher, arguments: list[str], environment: dict[str, str]) -> bytes:
    """Return what `charrnn sample` writes to a terminal, including standard error."""
    import pty

    controller, terminal_end = pty.openpty()
    clean = {"TERM": "xterm", "LC_ALL": "C.UTF-8"}
    command = launch.on(terminal_end, "sample", *arguments, environment=clean | environment)
    os.close(terminal_end)
    observed = b"".join(iter(lambda: _read(controller), b""))
    os.close(controller)
    assert command.wait() == 0
    return observed


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        # On Linux a read fails if the other side is closed.
        return b""
