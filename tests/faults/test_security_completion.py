"""Shell completion executes no name of a run or file, and answers invalid requests without a traceback."""

import fcntl
import os
import pty
import shutil
import subprocess
import termios
import time
from pathlib import Path
from select import select

import pytest
from common import Call
from launcher import Launcher

from charrnn.cli.path_types import is_plain

HOSTILE = (
    *(
        "a$(touch${IFS}PWNED)",
        "a;touch PWNED;",
        "a`touch PWNED`",
        "a\ntouch PWNED\n",
        "a|touch PWNED",
        "a&touch PWNED&",
    ),
    *(
        "a>PWNED",
        "a'$(touch PWNED)'",
        'a"$(touch PWNED)"',
        "a\\;touch PWNED",
        "a,plain,$(touch PWNED)",
        "a <(touch PWNED)",
    ),
    *(
        "a\nplain,$(touch PWNED)",
        "a*",
        "a?",
        "a[b]",
        "a{b,c}",
        "a!b",
        "a~b",
        "a#b",
        "a=b",
        "a:b",
        "a\x1b]0;b\x07",
        "a\r\nb",
    ),
    *("a\tb", "a b", "a\u00a0b", "a\u2028b", "a\u202eb", "a\udcff", "a\x00b", "a^b", "a(b)"),
)
ODD_REQUESTS = (
    "foo",
    "_",
    "bash",
    "bash_",
    "bash_foo",
    "_complete",
    "bash_source_",
    "\udcff",
    "bash\ncomplete",
    "x" * 9999,
)
LINES = 2
"""names that are completed in a real shell"""
SHELLS = ("bash", "zsh", "fish")
INTERACTIVE = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "-i"),
}
SET_UP = {
    "bash": 'eval "$(_CHARRNN_COMPLETE=bash_source charrnn)"',
    "zsh": 'autoload -U compinit; compinit -u; eval "$(_CHARRNN_COMPLETE=zsh_source charrnn)"',
    "fish": "_CHARRNN_COMPLETE=fish_source charrnn | source",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_with_shell_syntax_is_not_plain(name: str) -> None:
    """Operators, quotes, patterns, blanks, control characters and invisible characters."""
    assert not is_plain(name)


@pytest.mark.parametrize("name", ["", "checkpoints/hamlet-2.0_x", "Älter", "текст", "日本語", "a,b", "50%+1"])
def test_a_name_without_shell_syntax_is_plain(name: str) -> None:
    """Letters of all scripts are allowed."""
    assert is_plain(name)


def completions(call: Call, monkeypatch: pytest.MonkeyPatch, shell: str, line: str, word: str) -> list[str]:
    """Return the completions of a line, requested as by the script of a shell."""
    monkeypatch.setenv("_CHARRNN_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", f"{line} {word}")
    monkeypatch.setenv("COMP_CWORD", word if shell == "fish" else str(len(line.split())))
    result = call()
    assert (result.code, result.err) == (0, "")
    return result.out.splitlines()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", [name for name in HOSTILE if not {"\x00", "\udcff"} & set(name)])
def test_a_run_with_shell_syntax_in_its_name_is_not_offered(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, shell: str
) -> None:
    """Other runs are offered."""
    monkeypatch.chdir(tmp_path)
    for run in (name, "abc"):
        (tmp_path / "checkpoints" / run).mkdir(parents=True)
        (tmp_path / "checkpoints" / run / "model.safetensors").touch()
    offered = completions(call, monkeypatch, shell, "charrnn info", "checkpoints/a")
    assert offered == (["plain", "checkpoints/abc", "_"] if shell == "zsh" else ["plain,checkpoints/abc"])


@pytest.mark.parametrize("shell", SHELLS)
def test_a_typed_name_cannot_inject_a_completion(call: Call, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    """A line end in a name that the shell has completed does not start another completion."""
    offered = completions(call, monkeypatch, shell, "charrnn train", "'a\nplain,$(touch PWNED)")
    assert offered in (["file,_"], ["file", "_", "_"], [])


@pytest.mark.parametrize("request_", ODD_REQUESTS)
def test_an_invalid_completion_request_is_an_error_of_one_line(
    call: Call, monkeypatch: pytest.MonkeyPatch, request_: str
) -> None:
    """Whatever the environment variable contains."""
    monkeypatch.setenv("_CHARRNN_COMPLETE", request_)
    result = call("info")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: _CHARRNN_COMPLETE: no such request ")


def test_an_empty_completion_request_is_ignored(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command runs, and its errors are one line as usual."""
    monkeypatch.setenv("_CHARRNN_COMPLETE", "")
    assert call("info", "none").err.startswith("error: no trained model at none\n")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "words", [{}, {"COMP_WORDS": "charrnn "}, {"COMP_WORDS": "charrnn ", "COMP_CWORD": " "}], ids=str
)
def test_a_request_without_a_command_line_is_an_error(
    call: Call, monkeypatch: pytest.MonkeyPatch, words: dict[str, str], shell: str
) -> None:
    """So is one whose position is not a number."""
    monkeypatch.setenv("_CHARRNN_COMPLETE", f"{shell}_complete")
    for name, value in words.items():
        monkeypatch.setenv(name, value)
    assert call() == (2, "", "error: COMP_WORDS and COMP_CWORD do not describe a command line\n")


@pytest.mark.parametrize("line", ["train --config /", "train --from /dev/null", "train --config none.yaml", "none x"])
def test_completion_of_an_invalid_line_prints_nothing(call: Call, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """A message would appear in the line that the user is typing."""
    monkeypatch.setenv("_CHARRNN_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"charrnn {line} ")
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) + 1))
    result = call()
    assert (result.code in (0, 1), result.err) == (True, "")


@pytest.fixture
def on_path(tmp_path: Path, launch: Launcher) -> dict[str, str]:
    """Return the environment of a shell in which `charrnn` is this package."""
    command = tmp_path / "bin" / "charrnn"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {launch.client} "$@"\n')
    command.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    path = f"{command.parent}:{os.environ['PATH']}"
    terminal = {"TERM": "xterm", "LC_ALL": "C.UTF-8"}
    return {"PATH": path, "HOME": str(home), **terminal}


@pytest.mark.parametrize(
    "shell", [pytest.param(name, marks=() if name == "bash" else pytest.mark.slow) for name in SHELLS]
)
def test_completing_and_running_a_line_in_a_real_shell_executes_no_name(
    tmp_path: Path, on_path: dict[str, str], shell: str
) -> None:
    """Neither the name of a run nor that of a file, which the shell completes itself."""
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    here = tmp_path / "here"
    for number, name in enumerate(HOSTILE[:LINES]):
        for file in (here / "checkpoints" / f"{number}{name}" / "model.safetensors", here / f"{number}{name}"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    words = [f"{start}{number}" for start in ("info checkpoints/", "train ") for number in range(LINES)]
    outputs = typed(INTERACTIVE[shell], here, on_path, SET_UP[shell], [f"charrnn {word}\t" for word in words])
    for of_one_kind in (outputs[:LINES], outputs[LINES:]):
        assert b"error:" in b"".join(of_one_kind)
    assert [path for path in tmp_path.rglob("*") if path.name == "PWNED"] == []


def typed(
    shell: tuple[str, ...], here: Path, environment: dict[str, str], set_up: str, lines: list[str]
) -> list[bytes]:
    """Type lines into an interactive shell, and return the output of each."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        shell,
        cwd=here,
        env=environment,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(terminal)
    try:
        os.write(controller, f'{set_up}; echo REA""DY\n'.encode())
        read(controller, until=b"READY", seconds=30)
        outputs = []
        for line in lines:
            os.write(controller, line.encode())
            # bash continues to read only after the completion; the other shells may not.
            output = read(controller, until=None, seconds=0 if shell[0] == "bash" else 1.5)
            os.write(controller, b'\necho DO""NE\n')
            outputs.append(output + read(controller, until=b"DONE", seconds=10))
    finally:
        process.kill()
        process.wait()
        os.close(controller)
    return outputs


def read(controller: int, *, until: bytes | None, seconds: float) -> bytes:
    """Return the output of a terminal until a byte string appears, or for a time."""
    output, ends = b"", time.monotonic() + seconds
    while time.monotonic() < ends and (until is None or until not in output):
        if select([controller], [], [], 0.1)[0]:
            output += os.read(controller, 65536)
    return output
