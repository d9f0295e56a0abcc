"""The README is true: every command in it runs, and it shows every command."""

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small import PACKAGE_HOME

from charrnn.cli.main import COMMANDS

README = (PACKAGE_HOME / "README.md").read_text(encoding="utf-8")

WRAPPER = """
import sys
from charrnn.cli.main import run
arguments = sys.argv[1:]
if arguments[0] == "train":
    for budget in ("--minutes", "--epochs", "--hidden"):
        if budget in arguments:
            del arguments[arguments.index(budget) : arguments.index(budget) + 2]
    arguments += ["--steps", "3", "--hidden", "12", "--threads", "1"]
sys.exit(run(arguments))
"""
"""charrnn, but trainings are short"""


def blocks(*languages: str) -> list[str]:
    """List the README's pieces of code in one of these languages."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return [block for language, block in fenced if language in languages]


def commands() -> list[str]:
    """List the lines that show charrnn in use, without the two that set it up."""
    lines = [line.partition("  #")[0].strip() for block in blocks("", "sh") for line in block.splitlines()]
    used = [line for line in lines if re.search(r"\bcharrnn (train|sample|inspect|score|info)\b", line)]
    return list(dict.fromkeys(line for line in used if ".venv" not in line))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a directory with the texts that the README's commands name, and a run of them."""
    directory = tmp_path_factory.mktemp("readme")
    text = "HAMLET:\nOnce upon a time \"there was\" (a) king.\n  if not: string = 'this'\n\n" * 700
    for name in ("hamlet.txt", "book.txt", "other.txt", "chapter.txt", "a.c", "b.h"):
        (directory / name).write_text(text)
    (directory / "names.txt").write_text("".join(f"Anna{'no' * (number % 7)}ra\n" for number in range(700)))
    (directory / "book.gz").write_bytes(gzip.compress(text.encode()))
    (directory / "wrapper.py").write_text(WRAPPER)
    assert bash("charrnn train names.txt --documents line -q", directory).returncode == 0
    assert bash("charrnn train book.txt --cell lstm --layers 1 --new -q", directory).returncode == 0
    shutil.copytree(directory / "checkpoints/book", directory / "checkpoints/old")
    return directory


def bash(line: str, directory: Path) -> "subprocess.CompletedProcess[bytes]":
    """Run a line in which charrnn is the shortened one."""
    script = f'set -o pipefail; charrnn() {{ "{sys.executable}" wrapper.py "$@"; }}; {line}'
    environment = os.environ | {"PYTHONPATH": str(PACKAGE_HOME), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", "-c", script],  # noqa: S607 - whatever bash there is
        cwd=directory,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("line", commands())
def test_every_command_in_the_readme_runs(line: str, place: Path) -> None:
    """As it stands there, on a small text, with few steps."""
    line = re.sub(r"(--cell|--contexts) 1\.(\d+)", lambda cell: f"{cell[1]} 1.{int(cell[2]) % 12}", line)
    done = bash(line, place)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize("block", blocks("python"))
def test_the_python_in_the_readme_runs(block: str, place: Path) -> None:
    """As it stands there, one line after the other."""
    (place / "example.py").write_text(re.sub(r'"1\.\d+"', '"1.3"', block))
    done = bash(f'"{sys.executable}" example.py', place)
    assert done.returncode == 0, done.stderr.decode()


def test_the_readme_shows_every_command() -> None:
    """Each is used at least once."""
    assert all(f"charrnn {name}" in README for name in COMMANDS)


def test_the_readme_names_its_two_commands() -> None:
    """Where the scripts look for them."""
    for mark in ("start", "tests"):
        assert re.search(rf"<!-- {mark} -->\n```sh\npython3 -m venv .*\n```", README)
