"""Shell completion: commands, options, runs, and names of files."""

import pytest
from small import Call

from charrnn.storage.run_directory import RunDirectory


def offered(shell: Call, line: str, kind: str = "bash") -> list[str]:
    """Return the completions of the last word of a line, as requested by the script of the shell."""
    words = line.split(" ")
    environment = {"COMP_WORDS": line, "COMP_CWORD": words[-1] if kind == "fish" else str(len(words) - 1)}
    return shell("charrnn", _CHARRNN_COMPLETE=f"{kind}_complete", **environment).out.splitlines()


def test_commands_and_options_are_completed(shell: Call) -> None:
    """In each shell."""
    assert offered(shell, "charrnn ins") == ["plain,inspect"]
    assert "plain,--temperature" in offered(shell, "charrnn sample --t")
    assert offered(shell, "charrnn train --ce", "fish") == ["plain,--cell\tKind of cell (lstm)."]
    assert "--cell" in offered(shell, "charrnn train --ce", "zsh")


@pytest.mark.parametrize("command", ["sample", "inspect", "score", "info"])
def test_models_are_completed_with_existing_runs(shell: Call, run_here: RunDirectory, command: str) -> None:
    """Files are completed if no run begins like this."""
    assert offered(shell, f"charrnn {command} ch") == [f"plain,{run_here.path}"]
    assert offered(shell, f"charrnn {command} elsewhere/x") == ["file,elsewhere/x"]


@pytest.mark.parametrize("line", ["train boo", "inspect --text boo", "score boo"])
def test_texts_are_completed_by_files(shell: Call, line: str) -> None:
    """Including an argument that may also be something else."""
    assert offered(shell, f"charrnn {line}") == ["file,boo"]


def test_concepts_are_completed_by_their_names(shell: Call) -> None:
    """With their descriptions, in a shell that shows descriptions."""
    assert offered(shell, "charrnn inspect --concept stri") == ["plain,string"]
    assert "inside a string of program text" in offered(shell, "charrnn inspect --concept stri", "zsh")


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: Call, kind: str) -> None:
    """The script that the README evaluates."""
    assert "_CHARRNN_COMPLETE" in shell("charrnn", _CHARRNN_COMPLETE=f"{kind}_source").out
