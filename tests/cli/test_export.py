"""charrnn export: the outputs, and what is refused."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from common import Call

from charrnn.cli.export import FORMATS
from charrnn.storage.atomic_file import atomic_write
from charrnn.storage.run_directory import RunDirectory


def exported(directory: str) -> dict[str, bytes]:
    """Return the files of an export."""
    return {path.name: path.read_bytes() for path in Path(directory).iterdir()}


def need(target: str) -> None:
    """Skip a test without the package that a format needs."""
    if target == "onnx":
        pytest.importorskip("onnx")


@pytest.mark.usefixtures("run_here")
@pytest.mark.parametrize("target", FORMATS)
def test_equal_models_have_equal_exports(target: str, call: Call) -> None:
    """Byte for byte; the newest run is the default, and directories are created."""
    need(target)
    for out in ("a/b", "other dir"):
        result = call("export", "--to", target, "--out", out)
        assert (result.code, result.err) == (0, "")
        first, last = result.out.splitlines()
        assert first.startswith(f"checkpoints/hamlet is exported to {out}: model.")
        assert last.startswith("to use it")
    assert "'other dir'" in last
    assert exported("a/b") == exported("other dir")


@pytest.mark.usefixtures("run_here")
@pytest.mark.parametrize("target", ["numpy", "hub"])
def test_the_printed_line_uses_the_export(target: str, call: Call, tmp_path: Path) -> None:
    """As it is written, from any place with the same working directory."""
    usage = json.loads(call("export", "--to", target, "--out", "out dir", "--json").out)["usage"]
    name, _, arguments = usage.partition(" ")
    assert name == ("charrnn" if target == "hub" else "python")
    if target == "hub":
        assert call("sample", "out dir").code == 0
        return
    command = [sys.executable, "-I", *shlex.split(arguments)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, len(done.stdout.decode())) == (0, 2000)


@pytest.mark.usefixtures("run_here")
@pytest.mark.parametrize("target", FORMATS)
def test_what_exists_is_never_changed(target: str, call: Call) -> None:
    """A directory with a file, a file, a dangling link, or the run itself."""
    need(target)
    Path("full").mkdir()
    Path("full/model.py").write_text("mine")
    Path("file").write_text("mine")
    Path("link").symlink_to("nowhere")
    for out in ("full", "file", "link", "checkpoints/hamlet"):
        before = sorted(str(path) for path in Path().rglob("*"))
        result = call("export", "--to", target, "--out", out)
        assert result.code == 1
        assert result.err.startswith(f"error: {out} exists and is not ")
        assert result.err.endswith("\n\nhint: `--out DIR` names another directory\n")
        assert sorted(str(path) for path in Path().rglob("*")) == before
    assert Path("full/model.py").read_text() == Path("file").read_text() == "mine"


@pytest.mark.usefixtures("run_here")
def test_an_empty_directory_is_used(call: Call) -> None:
    """It is as good as none."""
    Path("empty").mkdir()
    assert call("export", "--to", "numpy", "--out", "empty").code == 0


@pytest.mark.usefixtures("run_here")
@pytest.mark.parametrize("exists", [False, True])
def test_an_incomplete_export_is_removed(exists: bool, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the second file cannot be written, the first does not stay; a directory that was there does."""
    if exists:
        Path("out").mkdir()

    def fail(path: Path, *parts: bytes) -> None:
        if path.name == "model.py":
            raise OSError(28, "No space left on device", str(path))
        atomic_write(path, *parts)

    monkeypatch.setattr("charrnn.export.directory.atomic_write", fail)
    result = call("export", "--to", "numpy", "--out", "out")
    assert result.code == 1
    assert result.err.startswith("error: cannot write out: no space left on device")
    assert Path("out").exists() == exists
    assert not list(Path().glob("out/*"))


def test_a_damaged_model_is_refused(call: Call, run_here: RunDirectory) -> None:
    """Before anything is written."""
    content = bytearray(run_here.model.read_bytes())
    content[-1] ^= 1
    run_here.model.write_bytes(content)
    result = call("export", "--to", "numpy", "--out", "out")
    assert (result.code, "is damaged: checksum mismatch" in result.err) == (1, True)
    assert not Path("out").exists()


@pytest.mark.usefixtures("run_here")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "out"], "missing option '--to'"),
        (["--to", "numpy"], "missing option '--out'"),
        (["--to", "keras", "--out", "out"], "--to: 'keras' is not one of 'torch', 'numpy', 'onnx', 'hub'"),
        (["--to", "pytorch", "--out", "out"], "--to: 'pytorch' is not one of 'torch', 'numpy', 'onnx', 'hub'"),
        (["--to", "numpy", "--out", "out", "--findings", "f.json"], "--findings is only for a model card"),
    ],
)
def test_incomplete_options_are_refused(arguments: list[str], message: str, call: Call) -> None:
    """With the name of the option."""
    result = call("export", *arguments)
    assert result.code == 2
    assert result.err.lower().startswith(f"error: {message}")
    assert not Path("out").exists()
