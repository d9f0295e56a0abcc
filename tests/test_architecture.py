"""The house: imports point downwards, and rooms are small."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import ROOT, SOURCES, dotted, parsed

RECORDS = ("finding", "findings", "listing", "surprise", "contexts", "gates", "memory", "breakdown")
"""modules of the inspection whose records are drawn"""

READING = ("network.reader", "network.clamp", "network.side_by_side")
"""a network as those see it who have it read"""

ALLOWED = {
    "errors": (),
    "threads": (),
    "storage": (),
    "memory_limits": (),
    "schema_rules": ("errors",),
    "schema": ("errors", "schema_rules"),
    "arguments": ("errors",),
    "config": ("errors", "schema", "schema_rules"),
    "config_file": ("errors", "arguments", "storage"),
    "runs": ("errors",),
    "held_out": ("errors", "runs", "text", "network.model_file"),
    "text": ("errors", "arguments", "storage"),
    "network": (
        "errors",
        "arguments",
        "storage",
        "memory_limits",
        "schema",
        "schema_rules",
        "config",
        "text.vocabulary",
    ),
    "ending": ("errors",),
    "prompt": (*READING, "network.cells", "text"),
    "sampling": ("errors", "ending", "prompt", *READING, "text"),
    "doubt": ("sampling",),
    "together": ("doubt", "ending", "sampling", *READING, "text"),
    "novelty": ("errors", "arguments", "text", "network.tensor_file", "network.tensor_signature"),
    "original": ("runs", "held_out", "novelty", "text", "network.model_file"),
    "steering": ("errors", "arguments", "network.cell_name", *READING),
    "scoring": ("errors", "config", "prompt", "threads", "network.reader", "network.softmax", "text"),
    "training": (
        "errors",
        "storage",
        "memory_limits",
        "schema",
        "schema_rules",
        "config",
        "config_file",
        "runs",
        "text",
        "network",
        "sampling",
        "ending",
    ),
    "inspection": (
        "errors",
        "arguments",
        "text",
        "network.reader",
        "network.side_by_side",
        "network.cells",
        "network.cell_name",
        "network.clamp",
        "network.adjoint",
        "network.softmax",
        "scoring",
    ),
    "views": (
        "errors",
        "runs",
        "training.events",
        "training.history",
        "text.ngram",
        *(f"inspection.{name}" for name in RECORDS),
    ),
    "writing": ("errors", "arguments", "ending", "sampling", "scoring", "steering", "together", "text", "network"),
    "trained": (
        "novelty",
        "original",
        "errors",
        "arguments",
        "runs",
        "held_out",
        "writing",
        "text",
        "network",
        "scoring",
        "steering",
        "inspection",
        "views",
    ),
    "loading": ("errors", "arguments", "runs", "network.model_file", "trained"),
    "asking": ("errors", "arguments", "training.origin"),
    "learning": ("arguments", "asking", "loading", "trained", "training"),
    "cli": ("",),
}
"""each room and what it may import beside itself"""

LEARNING = tuple(
    f"network.{name}" for name in ("module", "layers", "dropout", "recurrence", "backpropagation", "shares")
)
"""modules outside of training that are torch's"""

MODULES = [path for path in SOURCES if path.name not in ("__init__.py", "__main__.py")]


def imports(path: Path) -> Iterator[str]:
    """Go through every import in a module, those in functions too."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{dotted(path)}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_imports_point_downwards() -> None:
    """Each room knows only those below it."""
    for path in MODULES:
        room = dotted(path).partition(".")[0]
        for name in imports(path):
            package, _, below = name.partition(".")
            if package == "charrnn" and below != "__version__":
                assert allowed(room, below), f"{dotted(path)} imports {name}"


def allowed(room: str, name: str) -> bool:
    """Tell whether a room may import what goes by that name: itself, or what stands in its list."""
    return any(f"{name}.".startswith(f"{below}." if below else "") for below in (room, *ALLOWED[room]))


@pytest.mark.parametrize(
    ("room", "name", "may"),
    [
        ("config", "errors.CharrnnError", True),
        ("config", "config_file.read", False),
        ("text", "textual.App", False),
        ("sampling", "network.reader", True),
        ("sampling", "network.reader_of.x", False),
        ("cli", "training.run.Run", True),
    ],
)
def test_names_are_compared_whole(room: str, name: str, may: bool) -> None:
    """A name that only begins like an allowed one is another."""
    assert allowed(room, name) is may


def test_heavy_libraries_stay_in_their_rooms() -> None:
    """Torch learns, Rich draws, Click listens; the core knows neither screen nor command line."""
    for path in MODULES:
        module, room = dotted(path), dotted(path).partition(".")[0]
        used = {name.partition(".")[0] for name in imports(path)}
        assert "torch" not in used or room in ("training", "cli") or module in LEARNING, module
        assert "rich" not in used or room in ("views", "cli"), module
        assert "click" not in used or room == "cli", module


def test_the_loop_knows_nothing_of_files() -> None:
    """Saving wraps the loop, never the other way round."""
    assert not any("checkpoint" in name for name in imports(ROOT / "training" / "loop.py"))


def test_rooms_are_small() -> None:
    """A file of more than 300 lines, or a function of more than 60, lacks a noun."""
    for path in MODULES:
        assert path.read_text(encoding="utf-8").count("\n") <= 300, dotted(path)
        for node in ast.walk(parsed(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno < 60, f"{dotted(path)}: {node.name}"


def test_every_module_and_public_function_says_what_it_is() -> None:
    """The first line of each is a sentence."""
    for path in MODULES:
        assert ast.get_docstring(parsed(path)), dotted(path)
        for node in parsed(path).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{dotted(path)}: {node.name}"
