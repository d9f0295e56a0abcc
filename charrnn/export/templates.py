"""Templates of the Python files in an export, rendered for one network.

In a template `{{name}}` stands for a value. The lines between `#if a b` and `#end` belong to networks with one of the
features a and b, or without the feature a for `#if !a`. Values are never strings from a model file.
"""

from collections.abc import Collection, Iterator, Mapping
from importlib.resources import files

from charrnn.config import CELL_TITLES
from charrnn.generation.generate import default_max_chars
from charrnn.network.cells import CELLS, DOCUMENT_START
from charrnn.network.model_file import Model

IF, END = "#if ", "#end"


def render(name: str, features: Collection[str], values: Mapping[str, object]) -> str:
    """Return the template with a name, for a network with some features."""
    template = files("charrnn.export").joinpath("templates", f"{name}.py.txt").read_text(encoding="utf-8")
    text = "".join(f"{line}\n" for line in _chosen_lines(template, features))
    for key, value in values.items():
        text = text.replace(f"{{{{{key}}}}}", str(value))
    return text


def _chosen_lines(template: str, features: Collection[str]) -> Iterator[str]:
    """Yield the lines of a template that belong to a network with some features."""
    chosen = True
    for line in template.splitlines():
        if line.startswith(IF):
            names = line.removeprefix(IF).split()
            chosen = any((name.removeprefix("!") in features) != name.startswith("!") for name in names)
        elif line == END:
            chosen = True
        elif chosen:
            yield line


def network_features(model: Model) -> set[str]:
    """Return the features of a model by which templates choose lines."""
    config = model.config
    has = {
        config.cell: True,
        "memory": CELLS[config.cell].has_cell_state,
        "embedding": bool(config.embedding),
        "documents": model.end_id is not None,
        "final_newline": config.documents not in (None, "file"),
        "normalization": "normalization" in model.training,
    }
    return {feature for feature, is_there in has.items() if is_there}


def network_values(model: Model) -> dict[str, object]:
    """Return the values that every template can contain."""
    config = model.config
    return {
        "title": CELL_TITLES[config.cell],
        "state_parts": "h of each layer" + (", c of each layer" if CELLS[config.cell].has_cell_state else ""),
        "state": "h and c" if CELLS[config.cell].has_cell_state else "h",
        "layers": config.layers,
        "hidden": config.hidden,
        "embedding": config.embedding,
        "width": config.embedding or len(model.vocabulary),
        "gates": len(CELLS[config.cell].gates),
        "characters": len(model.vocabulary),
        "end_id": model.end_id,
        "start": 0.0 if model.end_id is None else DOCUMENT_START,
        "length": default_max_chars(documents=model.end_id is not None),
        "normalization": model.training.get("normalization"),
    }
