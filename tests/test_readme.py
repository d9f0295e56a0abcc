"""The README is correct: every command in it runs, and it shows every command."""

import gzip
import os
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from unittest.mock import Mock

import pytest
from common import PACKAGE_HOME
from foreign_networks import keras_network, write_network_files
from launcher import Launcher

from charrnn.cli.main import COMMANDS

README = (PACKAGE_HOME / "README.md").read_text(encoding="utf-8")


def blocks(*languages: str) -> list[str]:
    """Return the blocks of code in the README that are in one of these languages."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return [block for language, block in fenced if language in languages]


def commands() -> list[str]:
    """Return the lines that use charrnn, without the two that set it up."""
    lines = [line.partition("  #")[0].strip() for block in blocks("", "sh") for line in block.splitlines()]
    used = [line for line in lines if re.search(r"\bcharrnn (train|sample|inspect|score|info|import|export)\b", line)]
    return list(dict.fromkeys(line for line in used if ".venv" not in line))


def shortened(line: str) -> str:
    """Return a command with a small network, few steps, existing cells and little output."""
    line = re.sub(r" --(minutes|epochs|hidden) \S+", "", line)
    line = line.replace("charrnn train", "charrnn train --steps 3 --hidden 12 --threads 1")
    # Processes on this machine stand for those on several machines.
    line = re.sub(r"\$\(scontrol .*\):29400|node1:29400", "localhost:0", line)
    line = re.sub(r"--nnodes=\S+ --nproc-per-node=8", "--nnodes=1 --nproc-per-node=2", line)
    line = re.sub(r"^(srun )?torchrun", f"{sys.executable} -m torch.distributed.run", line)
    line = re.sub(r"(--cell|--contexts) 1\.(\d+)", lambda cell: f"{cell[1]} 1.{int(cell[2]) % 12}", line)
    return re.sub(r"head -c \d+", "head -c 1000", line)


@pytest.fixture(scope="module")
def workplace(launch: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the texts of the README's commands, and a run on them."""
    directory = tmp_path_factory.mktemp("readme")
    text = "HAMLET:\nOnce upon a time \"there was\" (a) king.\n  if not: string = 'this'\n\n" * 700
    (directory / "src").mkdir()
    (directory / "corpora").mkdir()
    shutil.copy(PACKAGE_HOME / "corpora" / "toy.js", directory / "corpora")
    for name in ("hamlet.txt", "book.txt", "code.py", "other.txt", "chapter.txt", "src/a.c", "src/b.h"):
        (directory / name).write_text(text)
    (directory / "names.txt").write_text("".join(f"Anna{'no' * (number % 7)}ra\n" for number in range(700)))
    (directory / "games.pgn").write_text('[Event "a game"]\n\n1. e4 e5 2. Nf3 Nc6 1-0\n\n' * 300)
    write_network_files(directory, keras_network("gru")[0])
    (directory / "book.gz").write_bytes(gzip.compress(text.encode()))
    for line in ("train names.txt --documents line -q", "train book.txt --cell lstm --layers 1 --new -q"):
        result = launch.shell(shortened(f"charrnn {line}"), at=directory, environment=os.environ)
        assert result.code == 0, result.err
    shutil.copytree(directory / "checkpoints/book", directory / "checkpoints/old")
    return directory


@pytest.mark.slow
@pytest.mark.parametrize("line", commands())
def test_every_command_in_the_readme_runs(line: str, workplace: Path, launch: Launcher) -> None:
    """Unchanged except for a small text, few steps and one machine; the newest run is that of book.txt."""
    for file in (workplace / "checkpoints/book").iterdir():
        file.touch()
    result = launch.shell(shortened(line), at=workplace, environment=os.environ | {"SLURM_JOB_ID": "1"})
    assert result.code == 0, result.err


@pytest.mark.slow
@pytest.mark.parametrize("block", blocks("python"))
def test_the_python_in_the_readme_runs(block: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line by line, with a stand-in for the writer of TensorBoard, which the tests do not install."""
    tensorboard, writer = ModuleType("torch.utils.tensorboard"), Mock(spec_set=["add_scalar"])
    monkeypatch.setattr(tensorboard, "SummaryWriter", lambda directory: writer, raising=False)  # noqa: ARG005
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", tensorboard)
    monkeypatch.chdir(workplace)
    exec(re.sub(r'"1\.\d+"', '"1.3"', block), {})  # noqa: S102 - it is our own
    if "SummaryWriter" in block:
        names = [call.args[0] for call in writer.add_scalar.call_args_list]
        assert {"Report", "Evaluation"} <= set(names)
        assert all(call.args[1] > 0 and call.args[2] <= 50 for call in writer.add_scalar.call_args_list)


def test_the_readme_shows_every_command() -> None:
    """Each is used at least once."""
    assert all(f"charrnn {name}" in README for name in COMMANDS)


def test_the_readme_names_its_two_commands() -> None:
    """They are after the comments by which the scripts find them."""
    for mark in ("start", "tests"):
        assert re.search(rf"<!-- {mark} -->\n```sh\npython3 -m venv .*\n```", README)
