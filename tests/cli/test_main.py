"""The command line as a whole: the cost of starting, and the report of errors."""

import platform
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from common import PACKAGE_HOME, Call

from charrnn._version import __version__
from charrnn.cli import main
from charrnn.errors import CharrnnError, DivergedError, OutputError, WrongUsageError
from charrnn.storage.run_directory import RunDirectory

THERE = [name for name in main.COMMANDS if find_spec(f"charrnn.cli.{name}")]


def command_that_raises(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Replace every command by one that raises an error."""

    def fail() -> None:
        raise error

    monkeypatch.setattr(main.Commands, "get_command", lambda *_: click.Command("info", callback=fail))


@pytest.mark.parametrize(
    ("line", "absent"),
    [
        ("import charrnn", "torch numpy rich yaml click"),
        ("from charrnn.cli.main import run; run(['-h'])", "torch numpy rich yaml safetensors"),
        *(
            (f"from charrnn.cli.main import run; run(['{n}', '-h'])", "torch numpy rich yaml safetensors")
            for n in THERE
        ),
        ("from charrnn.cli.main import run; run(['sample', '-n', '3'])", "torch rich yaml"),
        ("from charrnn.cli.main import run; run(['--version'])", "torch numpy rich yaml safetensors"),
    ],
)
def test_starting_imports_no_more_than_it_needs(run_here: RunDirectory, line: str, absent: str) -> None:
    """In particular not torch, which takes seconds."""
    assert run_here.model.exists()
    check = f"{line}; import sys; sys.exit(', '.join(set('{absent}'.split()) & set(sys.modules)) or None)"
    done = subprocess.run(
        [sys.executable, "-c", check], env={"PYTHONPATH": str(PACKAGE_HOME)}, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_fits_a_small_screen_examples_first(call: Call, flag: str) -> None:
    """80 columns and 24 lines including the shell's, with every command."""
    result = call(flag)
    assert result.code == 0
    assert len(result.out.splitlines()) < 24
    assert result.out.index("Examples:") < result.out.index("Commands:")
    assert all(f"\n  {name} " in result.out for name in main.COMMANDS)


@pytest.mark.parametrize("name", THERE)
def test_every_command_has_help_in_ascii_within_80_columns(call: Call, name: str) -> None:
    """The help is readable on every terminal; each option has a help text."""
    result = call(name, "-h")
    assert result.code == 0
    assert result.out.isascii()
    assert max(map(len, result.out.splitlines())) <= 80
    command = main.charrnn.get_command(click.Context(main.charrnn), name)
    assert command
    assert all(param.help for param in command.params if isinstance(param, click.Option))


def test_no_arguments_show_help_as_an_error(call: Call) -> None:
    """The exit code is that of wrong usage."""
    result = call()
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Usage: charrnn")


def test_the_version_includes_that_of_torch_and_python(call: Call) -> None:
    """Including the version of torch."""
    assert call("--version").out.startswith(f"charrnn {__version__} (torch 2.")


@pytest.mark.fault("F21")
def test_the_error_for_an_unknown_name_suggests_a_similar_one(call: Call) -> None:
    """Of commands and of options."""
    assert call("sampel").err == "error: no such command 'sampel'\n\nhint: did you mean `charrnn sample`?\n"
    assert call("sample", "--lenght", "3").err.endswith("hint: did you mean --length?\n")
    assert call("zzz").err.endswith("hint: `charrnn -h` shows the help\n")
    assert call("zzz").code == 2


@pytest.mark.fault("F22")
@pytest.mark.parametrize("value", ["-1", "nan", "inf", "abc", "1e999"])
def test_the_error_for_a_number_out_of_bounds_has_the_bounds(call: Call, value: str) -> None:
    """The error names the option."""
    result = call("sample", "--temperature", value)
    wanted = f"error: --temperature: must be a number ≥ 0 (0: always the most likely), not {value}\n"
    assert result.code == 2
    assert result.err.startswith(wanted)


@pytest.mark.fault("F23")
@pytest.mark.parametrize("value", ["-5", "2.5", "x"])
def test_a_whole_number_must_be_one(call: Call, value: str) -> None:
    """The error names the option and the range."""
    assert f"error: --count: must be a whole number ≥ 1, not {value}\n" in call("sample", "--count", value).err


@pytest.mark.fault("F29")
@pytest.mark.usefixtures("run_here")
def test_a_bad_value_names_the_environment_variable(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option was not given."""
    monkeypatch.setenv("CHARRNN_SAMPLE_TOP_P", "oops\x1b[31m")
    assert call("sample").err.startswith("error: CHARRNN_SAMPLE_TOP_P: must be a number > 0 and ≤ 1, not oops␛[31m\n")


def test_options_take_precedence_over_the_environment(
    call: Call, monkeypatch: pytest.MonkeyPatch, run_here: RunDirectory
) -> None:
    """A variable counts only if the option is not given."""
    monkeypatch.setenv("CHARRNN_SAMPLE_LENGTH", "7")
    monkeypatch.setenv("CHARRNN_SAMPLE_HELP", "1")
    assert len(call("sample", str(run_here.path)).out) == 7
    assert len(call("sample", "-n", "3").out) == 3


@pytest.mark.parametrize(("kind", "code"), [(CharrnnError, 1), (WrongUsageError, 2), (DivergedError, 3)])
def test_a_users_error_is_a_line_and_a_hint(
    call: Call, monkeypatch: pytest.MonkeyPatch, kind: type[CharrnnError], code: int
) -> None:
    """With the exit code of its class."""
    command_that_raises(monkeypatch, kind("why", hint="do"))
    assert call("info") == (code, "", "error: why\n\nhint: do\n")


def test_untrusted_text_in_an_error_is_sanitized(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a file cannot send control sequences to the terminal."""
    command_that_raises(monkeypatch, CharrnnError("cannot read \x1b]52;c;x\x07"))
    assert call("info").err == "error: cannot read ␛]52;c;x␇\n"


def test_a_system_error_is_reported_with_the_file(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file only the reason is printed; "output" is named only if writing output failed."""
    command_that_raises(monkeypatch, PermissionError(13, "Permission denied", "checkpoints"))
    assert call("info") == (1, "", "error: checkpoints: permission denied\n")
    command_that_raises(monkeypatch, OSError(28, "No space left on device"))
    assert call("info") == (1, "", "error: no space left on device\n")
    command_that_raises(monkeypatch, OutputError(28, "No space left on device"))
    assert call("info") == (1, "", "error: cannot write output: no space left on device\n")


@pytest.fixture
def rank_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables of torchrun for the second of two processes on a machine."""
    for name, value in {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("rank_1")
@pytest.mark.parametrize("error", [CharrnnError("no text"), MemoryError(), FileNotFoundError(2, "gone", "book.txt")])
def test_an_error_of_another_process_names_its_rank(
    error: Exception, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of error; those of rank 0 have no rank."""
    command_that_raises(monkeypatch, error)
    assert call("info").err.startswith(f"error: rank 1 ({platform.node()}): ")
    monkeypatch.setenv("RANK", "0")
    assert "rank" not in call("info").err


@pytest.mark.usefixtures("rank_1")
def test_wrong_options_are_reported_by_one_process_of_a_machine(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Torchrun starts all of them with the same options."""
    assert call("train", "--hiden", "3") == (2, "", "")
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert "no such option" in call("train", "--hiden", "3").err


def test_a_bug_keeps_its_traceback(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception is not caught."""
    command_that_raises(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        call("info")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no death by signal")
def test_ctrl_c_ends_the_process_by_the_signal_after_the_text_so_far(run_here: RunDirectory) -> None:
    """A shell loop around the command stops too; no message is printed."""
    arguments = [sys.executable, "-m", "charrnn", "sample", "-n", "0", str(run_here.path)]
    with subprocess.Popen(
        arguments, env={"PYTHONPATH": str(PACKAGE_HOME)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == b""
    assert process.returncode == -signal.SIGINT


def test_python_m_charrnn_is_charrnn() -> None:
    """The package can be run as a module."""
    done = subprocess.run(
        [sys.executable, "-m", "charrnn", "--version"], cwd=PACKAGE_HOME, capture_output=True, check=True
    )
    assert done.stdout.startswith(b"charrnn ")
    assert Path(PACKAGE_HOME, "charrnn", "__main__.py").exists()
