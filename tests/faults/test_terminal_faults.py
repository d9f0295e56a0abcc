"""Terminals, pipes and prompts: no untrusted text controls the screen, and a closed pipe is not a failure."""

import json
import re
from pathlib import Path

import pytest
from common import Call, random_model
from launcher import Launcher
from terminal_screen import Terminal, terminal

from charrnn.network.model_file import load_model, save_model
from charrnn.storage.run_directory import RunDirectory

HOSTILE = "\x1b]52;c;aGk=\x07\x1b]0;owned\x07\x1b[2J\x9b31m\x90q\x9c\u202e\u2066\u200b\x08\r[/bold] :smile: {} %s\n"
"""control sequences of terminals, markup of Rich and format fields of Python"""

OURS = re.compile(rb"\x1b\[[0-9;?]*[mKAHhlJG]|\r|\n|\x1b\[1A\x1b\[2K")
"""control sequences of Rich: colors and cursor movements"""

full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")


@pytest.fixture(autouse=True)
def hostile(run_here: RunDirectory) -> RunDirectory:
    """Change to a directory with a run whose model, metrics and text contain control sequences."""
    save_model(run_here.model, random_model("".join(sorted(set(HOSTILE)))))
    Path("text.txt").write_text(HOSTILE * 40)
    return run_here


def is_harmless(output: Terminal) -> bool:
    """Return whether a terminal received only Rich's own control sequences, and its title is unchanged."""
    left = OURS.sub(b"", output.raw).decode("utf-8")
    commands = [character for character in left if not character.isprintable()]
    return not commands and output.screen.title == "" and not output.screen.cursor.hidden


SHOWING = {
    "info": ("info",),
    "inspect": ("inspect", "--cell", "1.0", "--text", "text.txt", "--chars", "60"),
    "gates": ("inspect", "--cell", "1.0", "--gates", "--text", "text.txt", "--chars", "60"),
    "score": ("score", "text.txt"),
    "sample": ("sample", "-p", "[/bold]", "-n", "200", "--seed", "1"),
    "show": ("sample", "-p", "[/bold]", "-n", "200", "--seed", "1", "--show", "surprisal"),
    "show in columns": ("sample", "-p", "[/bold]", "-n", "200", "--seed", "1", "--compare", "--show", "1.0"),
}


@pytest.mark.fault("P5", "F14", "F15", "F62", "F74")
@pytest.mark.parametrize("environment", [{}, {"PYTHONIOENCODING": "ascii"}, {"TERM": "dumb", "LC_ALL": "C"}], ids=str)
@pytest.mark.parametrize("name", SHOWING)
def test_no_text_controls_the_terminal(launch: Launcher, name: str, environment: dict[str, str]) -> None:
    """Neither that of a model nor that of a corpus; markup is shown unchanged."""
    with terminal(*SHOWING[name], environment=environment, launch=launch) as output:
        assert output.wait() == 0, output.text
        assert is_harmless(output)
        assert not environment.get("PYTHONIOENCODING") or output.raw.isascii()
        assert name != "sample" or "[/bold]" in output.text


@pytest.mark.fault("P5", "F14", "F15")
@pytest.mark.slow
def test_no_corpus_controls_the_terminal_during_training(launch: Launcher) -> None:
    """Its name, its lines and the previews of the network."""
    name = "x\x1b]0;owned\x07y\u202e.txt"
    Path(name).write_text(HOSTILE * 40)
    command = ("train", name, "--steps", "40", "--hidden", "8", "--lr", "0.02", "--threads", "1")
    with terminal(*command, launch=launch) as output:
        assert output.wait() == 0, output.text
        assert is_harmless(output)
        assert "␛]0;owned␇y" in output.text


@pytest.mark.slow
def test_typing_during_training_does_not_move_the_display(launch: Launcher) -> None:
    """The typed text is available to the next program, and the echo is restored at the end."""
    Path("text.txt").write_text("".join(f"{n} green bottles, {n * n % 97} walls (and a line).\n" for n in range(90)))
    command = ("train", "text.txt", "--hidden", "8", "--threads", "1", "--batch", "4", "--length", "16")
    with terminal(*command, "--steps", "4000", lines=40, launch=launch) as output:
        output.wait_for(lambda: "/ 4,000" in output.text)
        assert not output.echoes
        for _ in range(3):
            pictures = output.raw.count(b"/ 4,000")
            output.type("\n\n")
            output.wait_for(lambda seen=pictures: output.raw.count(b"/ 4,000") > seen + 1)  # type: ignore[misc]
        assert output.text.count("/ 4,000") == 1
        output.type("\x03")
        output.wait_for(lambda: "run the same command to continue" in output.text)
        assert output.echoes
        assert output.text.count("/ 4,000") == 1


def test_a_training_in_a_cell_of_a_notebook_prints_lines(launch: Launcher) -> None:
    """`!charrnn train` has a pseudo-terminal that ignores cursor movement: frames would pile up."""
    Path("text.txt").write_text("".join(f"{n} green bottles, {n * n % 97} walls (and a line).\n" for n in range(90)))
    command = ("train", "text.txt", "--hidden", "8", "--batch", "4", "--length", "16", "--threads", "1")
    with terminal(*command, "--steps", "400", environment={"JPY_PARENT_PID": "7"}, launch=launch) as shown:
        assert shown.wait() == 0, shown.text
        assert shown.text.count("step=400 epoch=") == 1
        assert not re.search(rb"\x1b\[[0-9;?]*[A-HJKSTfhl]|\r[^\n]", shown.raw)
        assert b"\x1b[1m" in shown.raw


@pytest.mark.fault("P6")
def test_standard_output_is_the_text_and_nothing_else(shell: Call) -> None:
    """Notes and headings go to standard error."""
    save_model(Path("checkpoints/hamlet/model.safetensors"), random_model())
    plain = shell("charrnn sample --seed 3 -n 40 -p 'ab' 2>/dev/null")
    noisy = shell("charrnn sample --seed 3 -n 40 -p 'aéb' --unknown skip")
    assert (plain.code, len(plain.out), plain.err) == (0, 42, "")
    assert noisy.out == "aé" + plain.out[1:]
    assert noisy.err.startswith("note: dropped characters of the prompt that the model never saw: 'é'\n")


@pytest.mark.fault("F70")
def test_a_long_prompt_is_read_completely(call: Call) -> None:
    """Its length is not limited, and it is printed unchanged."""
    save_model(Path("checkpoints/hamlet/model.safetensors"), random_model())
    Path("prompt.txt").write_text("abc def\n" * 2500)
    result = call("sample", "--prompt-file", "prompt.txt", "-n", "5", "--seed", "1")
    assert (result.code, len(result.out)) == (0, 20_005)
    assert call("sample", "-p", "", "-n", "5").code == 0


@pytest.mark.fault("F71")
def test_the_error_for_an_invalid_prompt_file_has_the_position(call: Call) -> None:
    """As for a corpus, with the options of this command."""
    Path("prompt.txt").write_bytes(b"ab\xff")
    result = call("sample", "--prompt-file", "prompt.txt")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(
        "error: prompt.txt is not valid UTF-8 at byte 2 (line 1): 0xFF, the only invalid byte\n"
    )


WRITING = {
    "sample": "sample -n 300000",
    "info": "info",
    "score": "score text.txt",
    "inspect": "inspect --cell 1.0 --text text.txt",
    "inspect --json": "inspect --cell 1.0 --text text.txt --json",
    "--help": "--help",
}


@pytest.mark.fault("F72")
@pytest.mark.parametrize("name", WRITING)
def test_a_closed_pipe_is_not_a_failure(shell: Call, name: str) -> None:
    """The exit code is 0, and nothing is printed."""
    result = shell(f"charrnn {WRITING[name]} | head -c 1 > /dev/null")
    assert result == (0, "", "")


@pytest.mark.fault("F73")
@full_device
@pytest.mark.parametrize("name", WRITING)
def test_output_that_cannot_be_written_causes_one_error(shell: Call, name: str) -> None:
    """The disk is full, or the stream was closed at the start."""
    result = shell(f"charrnn {WRITING[name]} > /dev/full")
    assert result == (1, "", "error: cannot write output: no space left on device\n")
    if name != "--help":
        closed = shell(f"charrnn {WRITING[name]} >&-")
        assert closed == (1, "", "error: cannot write output: standard output is closed\n")


@pytest.mark.fault("F73")
@pytest.mark.slow
@full_device
def test_a_training_whose_output_is_closed_is_saved(shell: Call) -> None:
    """The path of the model cannot be printed; with --json the error comes before the training."""
    command = "charrnn train text.txt --steps 2 --hidden 8 --threads 1 -q"
    assert shell(f"{command} >&-").code == 0
    assert load_model(Path("checkpoints/text/model.safetensors")).parameters
    closed = shell(f"{command} --new --json >&-")
    assert closed == (1, "", "error: cannot write output: standard output is closed\n")
    full = shell(f"{command} --new > /dev/full")
    assert full == (1, "", "error: cannot write output: no space left on device\n")
    assert load_model(Path("checkpoints/text/model.safetensors")).parameters


@pytest.mark.fault("F73")
def test_a_closed_standard_error_causes_no_message_of_python(shell: Call) -> None:
    """It may be full too."""
    assert shell("charrnn info none 2>&-").code == 1
    assert shell("charrnn info none 2>/dev/full").code == 1


@pytest.mark.fault("F74")
@pytest.mark.parametrize("columns", [1, 5, 20, 40, 200])
def test_every_command_fits_every_width(call: Call, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """No line of a drawing is wider than the terminal, however narrow it is."""
    monkeypatch.setenv("COLUMNS", str(columns))
    for arguments in (SHOWING["info"], SHOWING["inspect"], ("info", "none"), ("--help",)):
        result = call(*arguments)
        assert result.code == (1 if "none" in arguments else 0)
    lines = call(*SHOWING["inspect"]).out.splitlines()
    assert max(map(len, lines)) <= max(columns, 1)


@pytest.mark.fault("F75")
@pytest.mark.parametrize(
    ("environment", "colored"),
    [
        ({}, False),
        ({"NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
    ids=str,
)
def test_a_pipe_has_colors_only_if_forced(shell: Call, environment: dict[str, str], colored: bool) -> None:
    """It never has an animation."""
    result = shell("charrnn inspect --cell 1.0 --text text.txt --chars 60", TERM="xterm-256color", **environment)
    assert result.code == 0
    assert bool(re.search(r"\x1b\[[0-9;]+m", result.out)) is colored
    assert not re.search(r"\x1b\[[0-9;?]*[A-HJKSTfhl]|\r", result.out + result.err)


@pytest.mark.fault("F75")
def test_no_color_turns_off_colors_on_a_terminal() -> None:
    """Bold and dim remain, and digits replace the colors."""
    with terminal(*SHOWING["inspect"], environment={"NO_COLOR": "1", "FORCE_COLOR": "1"}) as output:
        assert output.wait() == 0
        assert not re.sub(rb"\x1b\[[012]?m", b"", output.raw).count(b"\x1b")
        assert "digits 0 … 9" in output.text


@pytest.mark.fault("F75")
@pytest.mark.slow
def test_a_training_in_a_pipe_is_not_animated(shell: Call) -> None:
    """It prints one line after the other, even if Rich is forced to use a terminal."""
    environment = {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1", "TTY_INTERACTIVE": "1"}
    result = shell("charrnn train text.txt --steps 3 --hidden 8 --threads 1 2>&1", **environment)
    assert result.code == 0
    assert not re.search(r"\x1b\[[0-9;?]*[A-HJKSTfhl]|\r", result.out)


@pytest.mark.fault("F76")
def test_every_character_is_aligned(call: Call) -> None:
    """Wide, combining, joined and control characters: the digits below are as wide as the text."""
    from rich.cells import cell_len

    text = "日本語 e\u0301te\u0301 👩\u200d🚀 👍🏽 \t हिन्दी \x1b[0m \u202e end\n"
    save_model(Path("checkpoints/hamlet/model.safetensors"), random_model("".join(sorted(set(text)))))
    Path("odd.txt").write_text(text * 20)
    result = call("inspect", "--cell", "1.0", "--cell", "2.3", "--text", "odd.txt", "--chars", str(len(text) * 3))
    assert result.code == 0
    heatmap = result.out.partition("tanh(c): digits")[0]
    lines = [line for line in heatmap.splitlines() if line.strip()][1:]
    assert len(lines) == 9
    for start in range(0, len(lines), 3):
        assert len({cell_len(line) for line in lines[start : start + 3]}) == 1


@pytest.mark.fault("F76")
def test_only_the_requested_part_of_a_long_text_is_read(call: Call) -> None:
    """The rest is not read."""
    Path("long.txt").write_text("[]{}" * 50_000)
    result = call("inspect", "--cell", "1.0", "--text", "long.txt", "--start", "100000", "--chars", "30", "--json")
    assert json.loads(result.out)["characters"] == 30
