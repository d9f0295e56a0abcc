"""Invalid options and settings: an error with their name, before any file is created."""

from pathlib import Path

import pytest
from common import Call

from charrnn.cli.main import COMMANDS
from charrnn.storage.run_directory import RunDirectory


@pytest.fixture(autouse=True)
def _here(run_here: RunDirectory) -> None:
    """Change to a directory with a run and a text."""
    assert run_here.model.exists()
    Path("book.txt").write_text("text, text\n" * 99)


WRONG = {
    "no command": ("", ("trian",), "no such command 'trian'", "did you mean `charrnn train`?"),
    "no option": ("", ("train", "--hiden", "3"), "no such option '--hiden'", "did you mean --hidden?"),
    "a beginning": ("", ("sample", "--temp", "1"), "no such option '--temp'", "did you mean --temperature?"),
    "another picture": (
        "--svg",
        ("inspect", "--svg", "map.png"),
        "the output is SVG, so name it map.svg",
        "`charrnn inspect -h` shows the help",
    ),
    "no page": ("--html", ("inspect", "--html", "map.svg"), "the output is HTML, so name it map.html", ""),
    "no arrays": ("--npz", ("inspect", "--npz", "a.svg"), "the output is NPZ, so name it a.npz", ""),
    "no curve": ("--svg", ("info", "--svg", "a.PDF"), "the output is SVG, so name it a.svg", ""),
    "no option like it": (
        "",
        ("sample", "--yyy"),
        "no such option '--yyy'",
        "`charrnn sample -h` shows the help",
    ),
    "no value": ("", ("sample", "-n"), "option '-n' requires an argument", "`charrnn sample -h` shows the help"),
    "no number": ("--lr", ("train", "--lr", "abc"), "must be a number > 0, not abc", "`charrnn train -h` shows"),
    "no steps": (
        "--steps",
        ("train", "--steps", "-5"),
        "must be a whole number ≥ 1 and ≤ 1,000,000,000,000, not -5",
        "",
    ),
    "no layers": ("--layers", ("train", "--layers", "0"), "must be a whole number ≥ 1 and ≤ 64, not 0", ""),
    "half": ("--count", ("sample", "--count", "2.5"), "must be a whole number ≥ 1, not 2.5", ""),
    "cold": ("--temperature", ("sample", "-t", "-1"), "must be a number ≥ 0 (0: always the most likely), not -1", ""),
    "no cell type": ("--cell", ("train", "--cell", "x"), "'x' is not one of 'lstm', 'gru', 'rnn'", ""),
    "another case": (
        "--cell",
        ("train", "--cell", "LSTM"),
        "'LSTM' is not one of 'lstm', 'gru', 'rnn'",
        "did you mean lstm?",
    ),
    "another name": ("--device", ("score", "--device", "gpu", "book.txt"), "'gpu' is not", "did you mean cuda?"),
    "no file of settings": (
        "",
        ("train", "--config", "bok.yaml"),
        "cannot read bok.yaml: no such file or directory",
        "did you mean book.txt?",
    ),
    "no run": (
        "",
        ("score", "checkpoints/hamlt", "book.txt"),
        "checkpoints/hamlt: no such file",
        "did you mean check",
    ),
    "no cell": ("--cell", ("inspect", "--cell", "3"), "must be layer.unit, layers from 1, units from 0", ""),
    "too much": (
        "",
        ("train", "book.txt", "--minutes", "1", "--steps", "2"),
        "only one of --minutes and --steps",
        "",
    ),
}


@pytest.mark.fault("F21", "F22", "F23")
@pytest.mark.parametrize("name", WRONG)
def test_the_error_for_an_invalid_option_has_its_name(call: Call, name: str) -> None:
    """With the valid values, and a suggestion."""
    option, arguments, message, hint = WRONG[name]
    result = call(*arguments)
    first, *rest = result.err.splitlines()
    assert (result.code, result.out) == (2, "")
    assert first.startswith("error: " + (f"{option}: " if option else "") + message)
    assert rest[0] == ""
    assert rest[1].startswith(f"hint: {hint}")
    assert not Path("checkpoints/book").exists()


SETTINGS = {
    "a list for one value": ("out: [a, b]", "my.yaml: 'out' takes one value, not a list"),
    "a list for a word": ("device: [cpu]", "my.yaml: 'device' takes one value, not a list"),
    "NUL in a path": ('out: "a\\0b"', "my.yaml: 'out' has a NUL character in it"),
    "NUL in a text": ('corpus: ["a\\0b"]', "my.yaml: 'corpus' has a NUL character in it"),
    "a number for a text": ("corpus: 5", "5: no such file"),
    "a truth for a text": ("corpus: [true]", "True: no such file"),
    "three for a truth": ("quiet: 3", "quiet in the settings file: '3' is not a valid boolean"),
    "a truth for a number": ("layers: true", "layers in the settings file: must be a whole number"),
    "an escape sequence": ('cell: "\\e]0;x\\a"', "cell in the settings file: '\\x1b]0;x\\x07' is not one of"),
    "an escape sequence as a name": ('"\\e[2J": 1', "my.yaml line 1: unknown setting '\\x1b[2J'"),
    "an encoding that there is not": ("encoding: 3\ncorpus: book.txt", "unknown encoding '3'"),
    "nothing at all": ("corpus: ''", "a text has an empty name"),
}


@pytest.mark.fault("F25", "F28")
@pytest.mark.parametrize("name", SETTINGS)
def test_invalid_values_in_a_settings_file_are_refused(call: Call, name: str) -> None:
    """A value in the file is checked like the option."""
    content, message = SETTINGS[name]
    Path("my.yaml").write_text(content)
    result = call("train", "--config", "my.yaml", "--steps", "1", "--hidden", "8")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {message}")
    assert {path.name for path in Path("checkpoints").iterdir()} == {"hamlet"}


@pytest.mark.fault("F28")
def test_a_single_text_needs_no_list(call: Call) -> None:
    """A handwritten settings file may contain one name."""
    Path("my.yaml").write_text("corpus: none.txt")
    assert call("train", "--config", "my.yaml").err.startswith("error: none.txt: no such file")


@pytest.mark.fault("F33")
def test_the_error_for_a_name_that_looks_like_an_option_shows_how_to_type_it(call: Call) -> None:
    """The hint contains the command."""
    Path("-weird.txt").write_text("short")
    result = call("train", "-weird.txt")
    assert (result.code, result.err.splitlines()[-1]) == (2, "hint: the file is ./-weird.txt")
    assert "./-weird.txt has 5 characters" in call("train", "./-weird.txt").err
    assert "-weird.txt has 5 characters" in call("train", "--", "-weird.txt").err


@pytest.mark.fault("P7")
@pytest.mark.parametrize("command", COMMANDS)
def test_an_error_is_a_line_and_at_most_a_hint(call: Call, command: str) -> None:
    """For every command and odd argument: a word, no value, a directory, a name with line ends."""
    for arguments in (
        ("--no-such-option",),
        ("a\nb\x1b[2J",),
        ("checkpoints",),
        ("none.safetensors", "none.txt"),
        ("--json", "--text"),
        ("--seed",),
        ("\udcff",),
    ):
        result = call(command, *arguments)
        lines = result.err.splitlines()
        assert result.code in (1, 2), arguments
        assert lines[0].startswith("error: ")
        assert lines[1:2] in ([], [""])
        assert all(line.startswith("hint: ") for line in lines[2:])
        assert len(lines) in (1, 3)
        assert "".join(lines).isprintable()
        assert "Traceback" not in result.err
