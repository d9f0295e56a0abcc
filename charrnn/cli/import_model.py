"""`charrnn import`: a model of another program, from its weights in a safetensors file."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.options import COMMON, Command, Number, Word, json_option, option, quiet_option
from charrnn.cli.path_types import HomePath, TextFileType
from charrnn.cli.streams import read_text, write_json, write_note, write_output, write_result
from charrnn.config import CELL_TITLES
from charrnn.errors import CharrnnError, WrongUsageError, os_reason
from charrnn.storage.run_directory import RUNS, RunDirectory, display_name, run_name

if TYPE_CHECKING:
    from charrnn.network.import_weights import Recognition
    from charrnn.network.model_file import Model
    from charrnn.storage.foreign_tensors import ForeignTensors

LAYOUTS = ("torch", "keras", "onnx")
TOLERANCE = 1e-5
"""relative difference between the expected loss and the measured one that rounding explains"""
EXACT_CHARS = 50_000
"""characters up to which the loss is measured in one pass, as another program would"""
RECOGNITION = "What is in the file"
CHECKING = "Checking the import"


@click.command(
    cls=Command,
    options_metavar="[OPTIONS]",
    examples=(
        ("charrnn import a.safetensors --vocabulary c.json", "the parts are recognized"),
        ("... --layout keras --cell gru", "what a file does not show"),
        ("... --map lin.w=output.weight", "name a part"),
        ("... --check book.txt --expect 1.3862", "verify the loss"),
        ("charrnn import model.pt --vocabulary c.json", "show how to convert a file"),
    ),
)
@click.argument("weights", metavar="WEIGHTS", type=HomePath(path_type=Path))
@option(
    "--vocabulary",
    required=True,
    metavar="FILE",
    type=HomePath(path_type=Path),
    section=COMMON,
    help="Characters in the order of their ids: a JSON list, a JSON object (either way round), or text.",
)
@option(
    "--out",
    metavar="DIR",
    type=HomePath(path_type=Path),
    section=COMMON,
    help="New directory of the model (checkpoints/NAME).",
)
@option(
    "--layout",
    type=Word(LAYOUTS),
    section=RECOGNITION,
    help="Order of gates and shape of matrices; recognized by names and shapes if omitted.",
)
@option(
    "--cell",
    type=Word(list(CELL_TITLES)),
    section=RECOGNITION,
    help="Kind of cell; recognized by shape if omitted. gru-reset-before: reset_after=False of Keras.",
)
@option(
    "--map",
    "mapped",
    metavar="THEIRS=OURS",
    multiple=True,
    section=RECOGNITION,
    help="A tensor of the file and its part, such as fc.w=output.weight; FC.W= leaves it out. Repeatable.",
)
@option(
    "--check",
    metavar="TEXT",
    type=TextFileType(),
    section=CHECKING,
    help="Show the loss on a text, in nats per character.",
)
@option(
    "--expect",
    metavar="LOSS",
    type=Number(0),
    section=CHECKING,
    help="Import only if the loss of --check is LOSS, to a relative 1e-5.",
)
@quiet_option
@json_option
def import_model(weights: Path, vocabulary: Path, **options: Any) -> None:
    """Import a model of another program from WEIGHTS, a safetensors file.

    The network has an embedding or a one-hot input, LSTM, GRU or tanh RNN layers, and a linear output. Parts are
    recognized by their usual names and by shape; the mapping is shown, and whatever is ambiguous needs --map. The
    loss of --check is the mean of -ln p over all characters but the first, from a zero state.

    Files that can run code (.pt, .pth, .h5, .keras) are never opened. For these, and for ONNX and NumPy files, Python
    lines that convert the file are shown.
    """
    if options["expect"] is not None and options["check"] is None:
        raise WrongUsageError("--expect is the loss on a text", hint="add `--check TEXT`")
    directory = RunDirectory(options["out"] or RUNS / run_name(weights))
    check_is_new(directory)
    from charrnn.network.imported_model import ImportOptions
    from charrnn.network.imported_model import import_model as build_model
    from charrnn.text.vocabulary_file import read_vocabulary

    tensors = _read_tensors(weights, as_json=options["as_json"])
    sizes = [length for shape in tensors.shapes.values() if len(shape) < 3 for length in shape]
    entries = read_vocabulary(vocabulary, sizes)
    request = ImportOptions(layout=options["layout"], cell=options["cell"], mapped=_pairs(options["mapped"]))
    try:
        model, recognition = build_model(tensors, entries.vocabulary, request, source=weights.name)
    except CharrnnError as error:
        raise CharrnnError(f"{weights}: {error.message}", hint=error.hint) from error
    for note in () if options["quiet"] else entries.notes():
        write_note(f"note: {note}")
    if not options["as_json"]:
        _show_mapping(recognition, tensors.shapes)
    loss = None if options["check"] is None else measure_loss(model, options["check"], quiet=options["quiet"])
    if options["expect"] is not None and loss is not None:
        check_loss(loss, options["expect"])
    size = save_in_new_directory(directory, model)
    _show_result(directory, model, recognition, loss, size, as_json=options["as_json"])


def check_is_new(directory: RunDirectory) -> None:
    """Raise CharrnnError if there is anything at the path of the new directory."""
    try:
        directory.path.lstat()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else str(error)
        raise CharrnnError(f"cannot write {directory.path}: {reason}") from error
    raise CharrnnError(
        f"{directory.path} exists, and nothing is overwritten", hint="`--out DIR` names a new directory"
    )


def save_in_new_directory(directory: RunDirectory, model: "Model") -> int:
    """Create the directory with the model in it, and return the size of the file (CharrnnError)."""
    from charrnn.network.model_file import save_model

    try:
        directory.path.mkdir(parents=True)
    except FileExistsError:
        check_is_new(directory)
        raise
    except OSError as error:
        raise CharrnnError(f"cannot create {directory.path}: {os_reason(error)}") from error
    try:
        return save_model(directory.model, model)
    except OSError as error:
        directory.path.rmdir()
        raise CharrnnError(f"cannot write {directory.model}: {os_reason(error)}") from error


def _read_tensors(weights: Path, *, as_json: bool) -> "ForeignTensors":
    """Return the tensors of a file; for a file of another format, write the lines that convert it (CharrnnError)."""
    from charrnn.storage.foreign_tensors import ForeignFormatError, read_foreign_tensors

    try:
        return read_foreign_tensors(weights)
    except ForeignFormatError as error:
        if as_json:
            write_json({"convert": error.script})
        else:
            write_output(error.script)
        raise


def _pairs(mapped: Sequence[str]) -> dict[str, str]:
    """Return the values of `--map`: names of parts by names of tensors (WrongUsageError)."""
    pairs = {}
    for value in mapped:
        tensor, sign, part = value.rpartition("=")
        if not sign or not tensor:
            raise WrongUsageError(
                f"--map: {value!r} is not THEIRS=OURS", hint="such as `--map fc.weight=output.weight`"
            )
        if tensor in pairs:
            raise WrongUsageError(f"--map names {tensor!r} twice")
        pairs[tensor] = part
    return pairs


def measure_loss(model: "Model", name: str, *, quiet: bool = False) -> float:
    """Return the loss of a model on a text in nats per character (CharrnnError if the text is too short)."""
    import numpy as np

    from charrnn.network.inference import InferenceRNN
    from charrnn.scoring import char_nll

    text = read_text(name, quiet=quiet)
    unknown = model.vocabulary.count_unknown(text)
    if unknown and not quiet:
        write_note(
            f"note: {unknown.total():,} characters of {name} are not in the vocabulary, so the loss is of others"
        )
    ids = model.vocabulary.encode(text, unknown="replace")
    if ids.size < 2:
        raise CharrnnError(f"{name} has too few characters of the vocabulary to measure a loss")
    nats = char_nll(InferenceRNN.from_model(model), ids, rows=1 if ids.size <= EXACT_CHARS else None)
    return float(np.mean(nats, dtype=np.float64))


def check_loss(loss: float, expected: float) -> None:
    """Raise CharrnnError if a loss is not the expected one."""
    if abs(loss - expected) > TOLERANCE * abs(expected):
        raise CharrnnError(
            f"the loss is {loss:.7g} nats per character, not {expected:.7g}, so nothing was imported",
            hint="another layout, cell, order of the vocabulary or activation gives another loss",
        )


def _show_mapping(recognition: "Recognition", shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Write a line for each tensor: its name, its shape and its part."""
    mapping = recognition.mapping()
    columns = [(name, " × ".join(map(str, shapes[name])), part) for name, part in mapping.items()]
    widths = [max(len(row[column]) for row in columns) for column in range(2)]
    for name, shape, part in columns:
        write_result(f"{name:{widths[0]}}  {shape:{widths[1]}}  {part}")


def _show_result(
    directory: RunDirectory,
    model: "Model",
    recognition: "Recognition",
    loss: float | None,
    size: int,
    *,
    as_json: bool,
) -> None:
    """Write what was imported, and how to use it."""
    from charrnn.views.formatting import file_size

    if as_json:
        record = model.training["imported"]
        values = {"model": str(directory.model), "network": model.config.to_mapping(), "parameters": model.parameters}
        mapping = [{"tensor": name, "part": part} for name, part in record["mapping"].items()]
        write_json(values | {**record, "mapping": mapping, "nats_per_char": loss})
        return
    config = model.config
    embedding = f"embedding {config.embedding}" if config.embedding else "one-hot"
    network = f"{CELL_TITLES[config.cell]} {config.layers} × {config.hidden} · {embedding}"
    characters = f"{len(model.vocabulary):,} characters"
    write_result(f"{network} · {characters} · {model.parameters:,} weights · layout of {recognition.layout}")
    if loss is not None:
        write_result(f"loss {loss:.7f} nats per character ({loss / math.log(2):.4f} bits)")
    write_result(f"{directory.model}: {file_size(size)}")
    write_result(f"`charrnn sample {display_name(directory.model)}` generates text")
