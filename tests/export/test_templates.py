"""The templates of exported scripts: complete, formatted, and part of the package."""

import ast
import dataclasses
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from exported_models import CELLS, make_model

from charrnn.export.directory import write_directory
from charrnn.export.numpy_export import numpy_export
from charrnn.export.templates import render
from charrnn.export.torch_export import torch_export
from charrnn.network.model_file import Model


def variants() -> list[Model]:
    """Return models of every kind of cell with and without an embedding, documents and a normalization."""
    with_all = [make_model(cell, documents="line") for cell in CELLS]
    with_all = [dataclasses.replace(model, training={"normalization": "NFD"}) for model in with_all]
    return [*with_all, *(make_model(cell, embedding=0) for cell in CELLS)]


@pytest.fixture
def scripts(tmp_path: Path) -> list[Path]:
    """Return the exported scripts of all variants."""
    pytest.importorskip("onnx")
    from charrnn.export.onnx_export import onnx_export

    written = []
    for make in (numpy_export, torch_export, onnx_export):
        for number, model in enumerate(variants()):
            directory = tmp_path / f"{make.__name__}{number}"
            write_directory(directory, make(model).files)
            written.append(directory / "model.py")
    return written


def test_exported_scripts_are_formatted_and_have_no_unused_names(scripts: list[Path], tmp_path: Path) -> None:
    """As the package itself, with the same length of lines."""
    ruff = [sys.executable, "-m", "ruff"]
    shared = ["--isolated", "--no-cache", "--line-length", "118", str(tmp_path)]
    assert len(scripts) == 6 * len(CELLS)
    for command in (["check", "--select", "E,F,I,W,B,UP", *shared], ["format", "--check", "--diff", *shared]):
        done = subprocess.run([*ruff, *command], capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode()


def test_exported_scripts_do_not_import_charrnn(scripts: list[Path]) -> None:
    """Nor anything else than the packages that the command names."""
    allowed = {"argparse", "json", "sys", "unicodedata", "pathlib", "numpy", "torch", "safetensors", "onnxruntime"}
    for script in scripts:
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= allowed


def test_a_line_belongs_to_networks_with_one_of_its_features() -> None:
    """`#if a b` begins lines for a or b, and `#if !a` those for networks without a."""
    names = [path.name for path in files("charrnn.export").joinpath("templates").iterdir()]
    assert sorted(names) == ["numpy_model.py.txt", "onnx_model.py.txt", "torch_model.py.txt"]
    plain, with_documents = (render("numpy_model", features, {}) for features in ({"lstm"}, {"lstm", "documents"}))
    assert "char_id == END" not in plain
    assert "char_id == END" in with_documents
    assert "#end" not in plain
