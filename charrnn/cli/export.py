"""`charrnn export`: write a model for PyTorch, NumPy, ONNX Runtime or a model hub."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charrnn.cli.options import COMMON, Command, Word, json_option, model_argument, option
from charrnn.cli.path_types import HomePath
from charrnn.errors import WrongUsageError

if TYPE_CHECKING:
    from charrnn.export.directory import Export
    from charrnn.export.hub_export import CardData
    from charrnn.network.model_file import Model

FORMATS = {
    "torch": "model.safetensors and model.py, a PyTorch module that loads it",
    "numpy": "model.npz and model.py, which writes the same text as charrnn sample for the same seed",
    "onnx": "model.onnx (ids, state -> logits, next_state), initial.npz and model.py for ONNX Runtime",
    "hub": "model.safetensors, config.json and a model card, README.md; nothing is uploaded",
}
"""files that each format consists of"""
SAMPLE_CHARS, SAMPLE_DOCUMENTS = 500, 10
"""length of the sample in a model card, and number of samples of a model of documents"""


@click.command(
    cls=Command,
    examples=(
        ("charrnn export --to numpy --out page", "a page of NumPy"),
        ("charrnn export checkpoints/a --to torch --out a", "a PyTorch module"),
    ),
    notes=(("Formats", tuple(FORMATS.items())),),
)
@model_argument
@option(
    "--to", "target", type=Word(list(FORMATS)), required=True, section=COMMON, help="Format of the export (below)."
)
@option(
    "--out",
    type=HomePath(path_type=Path),
    metavar="DIR",
    required=True,
    section=COMMON,
    help="Directory to create; it must not exist, or be empty.",
)
@option(
    "--findings",
    type=HomePath(path_type=Path),
    metavar="FILE",
    section=COMMON,
    help="With hub: output of `charrnn inspect --json`, whose verified carriers the model card lists.",
)
@json_option
def export(model: Path, target: str, out: Path, findings: Path | None, as_json: bool) -> None:
    """Write MODEL, a run's directory or a model file, as files for other programs; by default the newest run here.

    The Python files that are written do not need charrnn.
    """
    if findings and target != "hub":
        raise WrongUsageError("--findings is only for a model card", hint="`--to hub`")
    from charrnn.export.directory import check_directory, write_directory
    from charrnn.network.model_file import load_model

    check_directory(out)
    exported = _make(model, load_model(model), target, findings)
    _report(model, target, out, write_directory(out, exported.files), exported, as_json=as_json)


def _make(path: Path, model: "Model", target: str, findings: Path | None) -> "Export":
    """Return the export of a model in a format (CharrnnError)."""
    if target == "torch":
        from charrnn.export.torch_export import torch_export

        return torch_export(model)
    if target == "numpy":
        from charrnn.export.numpy_export import numpy_export

        return numpy_export(model)
    if target == "onnx":
        from charrnn.export.onnx_export import onnx_export

        return onnx_export(model)
    from charrnn.export.hub_export import hub_export

    return hub_export(model, _card_data(path, model, findings))


def _card_data(path: Path, model: "Model", findings: Path | None) -> "CardData":
    """Return what a model card shows: a sample, the n-gram of the run and the verified carriers (CharrnnError)."""
    import numpy as np

    from charrnn.export.hub_export import CardData
    from charrnn.export.verified_carriers import read_carriers
    from charrnn.generation.generate import StopCriteria, generate
    from charrnn.generation.sampling import DEFAULT_SAMPLING
    from charrnn.network.inference import InferenceRNN
    from charrnn.storage.run_directory import RunDirectory
    from charrnn.text.documents import text_between
    from charrnn.training.metrics import read_ngram

    carriers = read_carriers(findings, model.config) if findings else None
    rnn, stop = InferenceRNN.from_model(model), StopCriteria(max_chars=SAMPLE_CHARS)
    count = SAMPLE_DOCUMENTS if model.config.documents else 1
    texts = []
    for seed in range(count):
        generated = generate(rnn, model.vocabulary, rng=np.random.default_rng(seed), stop=stop)
        texts.append("".join(entry.char for entry in generated))
    between = text_between(model.config.documents) if model.config.documents else ""
    options = f"--length {SAMPLE_CHARS} --seed 0" + (f" --count {count}" if count > 1 else "")
    return CardData(
        sample=between.join(texts),
        sampling=f"By `charrnn sample DIRECTORY {options}`, temperature {DEFAULT_SAMPLING.temperature}:",
        ngram=read_ngram(RunDirectory(path.parent).metrics),
        carriers=carriers,
    )


def _report(model: Path, target: str, out: Path, sizes: dict[str, int], exported: "Export", *, as_json: bool) -> None:
    """Print the files of an export and how to use it."""
    from charrnn.cli.streams import write_json, write_result
    from charrnn.storage.run_directory import display_name
    from charrnn.views.formatting import file_size

    usage = exported.usage.replace("{directory}", shlex.quote(str(out)))
    if as_json:
        files = [{"name": name, "bytes": size} for name, size in sizes.items()]
        write_json({"model": str(model), "format": target, "directory": str(out), "files": files, "usage": usage})
        return
    listed = ", ".join(f"{name} ({file_size(size)})" for name, size in sizes.items())
    write_result(f"{display_name(model)} is exported to {out}: {listed}")
    needs = f" (needs {exported.needs})" if exported.needs else ""
    write_result(f"to use it{needs}: {usage}")
