"""Pictures and pages: no other file is overwritten, and nothing is written through a link."""

import os
from pathlib import Path

import numpy as np
import pytest
from common import Call

from charrnn.storage.run_directory import RunDirectory

MAP = ("inspect", "--cell", "1.0", "--text", "text.txt", "--chars", "40", "--svg")
CURVE = ("info", "checkpoints/hamlet", "--svg")
STATES = ("inspect", "--text", "text.txt", "--npz")
PAGE = ("inspect", "--text", "text.txt", "--quick", "--concept", "line_pos", "--html")
PRECIOUS = b"precious\n" * 40
EVALUATION = '{"event": "evaluation", "step": 1, "epoch": 0.1, "nats": 2.0, "bits": 2.9, "characters": 9}\n'


@pytest.fixture(autouse=True)
def _workplace(run_here: RunDirectory) -> None:
    """Change to a directory with a run, its metrics, a text and a file that must not change."""
    Path("text.txt").write_text("abc abc\n" * 99)
    Path("victim").write_bytes(PRECIOUS)
    run_here.metrics.write_text(EVALUATION)


def obstacle(kind: str) -> Path:
    """Create an obstacle with the name of a drawing."""
    path = Path("drawing")
    if kind == "link":
        path.symlink_to("victim")
    elif kind == "dangling link":
        path.symlink_to("created")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/null")
    elif kind == "standard output":
        path = Path("/dev/stdout")
    else:
        path.write_bytes({"text": PRECIOUS, "the other kind": b"<!doctype html>\n", "markup": b"<note>\n"}[kind])
    return path


KINDS = ("link", "dangling link", "pipe", "device", "standard output", "text", "markup", "the other kind")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", [MAP, CURVE, PAGE, STATES], ids=["map", "curve", "page", "states"])
def test_a_drawing_replaces_nothing_but_a_drawing_of_its_kind(
    call: Call, command: tuple[str, ...], kind: str
) -> None:
    """It is rejected with a one-line error before anything is computed; the existing file does not change."""
    path = obstacle(kind)
    if command is PAGE and kind == "the other kind":
        path.write_bytes(b"<svg xmlns='x'></svg>")
    before = path.lstat(), path.is_file() and path.read_bytes()
    result = call(*command, str(path))
    assert result.code == 1, result.err
    assert len([line for line in result.err.splitlines() if line.startswith("error: ")]) == 1
    assert str(path) in result.err
    assert result.out == ""
    assert path.lstat()[:7] == before[0][:7]
    assert (path.is_file() and path.read_bytes()) == before[1]
    assert Path("victim").read_bytes() == PRECIOUS
    assert not Path("created").exists()


@pytest.mark.parametrize("victim", ["model.safetensors", "metrics.jsonl"])
def test_a_drawing_does_not_replace_a_file_of_the_run(call: Call, run_here: RunDirectory, victim: str) -> None:
    """The model remains readable."""
    path = run_here.path / victim
    before = path.read_bytes()
    for command in (MAP, CURVE, PAGE, STATES):
        assert call(*command, str(path)).code == 1
    assert path.read_bytes() == before


@pytest.mark.parametrize("option", ["--text", "--confirm"])
def test_a_page_does_not_replace_the_text_that_is_read(call: Call, option: str) -> None:
    """Also if the text is a page, and the output names it by another path."""
    text = Path("text.html")
    text.write_bytes(b"<!doctype html>\n" + b"abc abc\n" * 99)
    os.link(text, "alias.html")
    before = text.read_bytes()
    for name in ("text.html", "./text.html", "alias.html"):
        result = call("inspect", "--text", "text.txt", option, "text.html", "--html", name)
        assert result.code == 1
        assert "is read by this command" in result.err
    assert text.read_bytes() == before


def test_a_drawing_replaces_an_older_drawing_and_an_empty_file(call: Call) -> None:
    """Also one of another program, with a declaration or a comment at its start."""
    beginnings = (b"", b"<svg>", b"\xef\xbb\xbf \n<?xml version='1.0'?>\n<!-- made by hand -->\n<svg>")
    for beginning in beginnings:
        Path("map.svg").write_bytes(beginning)
        assert call(*MAP, "map.svg").code == 0
        assert Path("map.svg").read_bytes().startswith(b"<svg xmlns")
    assert call(*CURVE, "map.svg").code == 0


def test_states_replace_older_states_and_no_other_archive(call: Call) -> None:
    """Arrays that somebody saved with NumPy are not those that charrnn wrote."""
    assert call(*STATES, "states.npz").code == 0
    assert call(*STATES, "states.npz").code == 0
    np.savez("mine.npz", weights=np.zeros(9))
    before = Path("mine.npz").read_bytes()
    result = call(*STATES, "mine.npz")
    assert result.code == 1
    assert "mine.npz exists and is not a file of states by charrnn, so it is not overwritten" in result.err
    assert Path("mine.npz").read_bytes() == before


def test_a_link_created_during_the_computation_is_not_written_through(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check before the computation is not the only one."""
    from charrnn.cli import inspect_heatmaps

    def replaced(path: Path, _suffix: str) -> None:
        path.symlink_to("victim")

    monkeypatch.setattr(inspect_heatmaps, "check_output", replaced)
    result = call(*MAP, "map.svg")
    assert (result.code, result.err) == (1, "error: cannot write map.svg: is a symbolic link\n")
    assert Path("victim").read_bytes() == PRECIOUS
