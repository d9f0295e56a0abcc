"""Shell completion: commands, options, runs, and names of files."""

from collections.abc import Callable

import pytest
from common import Call

from charrnn.storage.run_directory import RunDirectory

Offered = Callable[..., list[str]]


@pytest.fixture
def offered(call: Call, monkeypatch: pytest.MonkeyPatch) -> Offered:
    """Return a function for the completions of the last word of a line, as requested by the script of the shell."""

    def completions(line: str, kind: str = "bash") -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv("_CHARRNN_COMPLETE", f"{kind}_complete")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", words[-1] if kind == "fish" else str(len(words) - 1))
        return call().out.splitlines()

    return completions


def test_commands_and_options_are_completed(offered: Offered) -> None:
    """In each shell."""
    assert offered("charrnn ins") == ["plain,inspect"]
    assert "plain,--temperature" in offered("charrnn sample --t")
    help_text = "Kind of cell (lstm); LSTMs with peepholes, coupled gates (cifg) or i <= 1-f (capped)."
    assert offered("charrnn train --ce", "fish") == [f"plain,--cell\t{help_text}"]
    assert "--cell" in offered("charrnn train --ce", "zsh")


@pytest.mark.parametrize("command", ["sample", "inspect", "score", "info"])
def test_models_are_completed_with_existing_runs(offered: Offered, run_here: RunDirectory, command: str) -> None:
    """Files are completed if no run begins like this."""
    assert offered(f"charrnn {command} ch") == [f"plain,{run_here.path}"]
    assert offered(f"charrnn {command} elsewhere/x") == ["file,elsewhere/x"]


@pytest.mark.parametrize("line", ["train boo", "inspect --text boo", "score boo"])
def test_texts_are_completed_by_files(offered: Offered, line: str) -> None:
    """Including an argument that may also be something else."""
    assert offered(f"charrnn {line}") == ["file,boo"]


def test_concepts_are_completed_by_their_names(offered: Offered) -> None:
    """With their descriptions, in a shell that shows descriptions."""
    assert offered("charrnn inspect --concept stri") == ["plain,string"]
    assert "inside a string of program text" in offered("charrnn inspect --concept stri", "zsh")


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(call: Call, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """The script that the README evaluates."""
    monkeypatch.setenv("_CHARRNN_COMPLETE", f"{kind}_source")
    assert "_CHARRNN_COMPLETE" in call().out
