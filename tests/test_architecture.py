"""The architecture: imports point downwards and form no cycle, and modules are small."""

import ast
from collections.abc import Iterator, Mapping

import pytest
from source_code import ROOT, SOURCES, module_name, parse_source

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60

ALLOWED: dict[str, tuple[str, ...]] = {
    "_version": (),
    "errors": (),
    "resources": ("errors",),
    "threads": (),
    "arguments": ("errors",),
    "storage": ("errors", "arguments", "resources"),
    "config": ("errors", "arguments", "storage.schema"),
    "text": ("errors", "arguments", "storage"),
    "network": ("errors", "arguments", "config", "storage", "text"),
    "generation": ("errors", "arguments", "storage", "text", "network"),
    "scoring": ("errors", "config", "text", "network", "generation"),
    "training": (
        *("_version", "errors", "arguments", "resources", "config"),
        *("storage", "text", "network", "generation"),
    ),
    "inspection": ("errors", "arguments", "threads", "text", "network", "scoring"),
    "views": (
        "errors",
        "arguments",
        "storage",
        "text",
        "inspection",
        "training.events",
        "training.metrics",
        "training.run_listing",
    ),
    "browser": ("errors", "text", "network", "generation", "inspection", "views"),
    "export": ("_version", "errors", "config", "storage", "text", "network", "generation", "inspection", "views"),
    "api": (
        *("errors", "arguments", "resources", "threads", "config", "storage", "text", "network", "generation"),
        *("scoring", "training", "inspection", "views"),
    ),
    "cli": (
        *("_version", "errors", "arguments", "resources", "config", "storage", "text", "network", "generation"),
        *("scoring", "training", "inspection", "views", "browser", "export"),
    ),
}
"""each package or loose module, and what it may import besides itself"""

TORCH_MODULES = (
    *("network.char_rnn", "network.fused_rnn", "network.fused_rnn_backward"),
    *("network.fused_lstm", "network.lstm_variants", "network.lstm_variant_steps"),
)
"""modules outside of `training` that import torch"""

TREES = {module_name(path): parse_source(path) for path in SOURCES}
"""every module's syntax tree by its name below the package; a package is `name.__init__`"""

MODULES = {name: tree for name, tree in TREES.items() if name.rpartition(".")[2] not in ("__init__", "__main__")}


def room_of(name: str) -> str:
    """Return the package or loose module that a module belongs to."""
    return name.partition(".")[0]


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield every imported name, including deferred imports and those for type checking."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(tree: ast.AST) -> Iterator[str]:
    """Yield the imported names of this package, without the package's own name."""
    yield from (name.removeprefix("charrnn.") for name in imports(tree) if name.startswith("charrnn."))


def libraries(tree: ast.AST) -> set[str]:
    """Return the top-level names of all imports."""
    return {name.partition(".")[0] for name in imports(tree)}


def is_allowed(room: str, name: str) -> bool:
    """Return whether a room may import a name: its own, or what its list contains."""
    return any(f"{name}.".startswith(f"{below}.") for below in (room, *ALLOWED[room]))


def test_imports_point_downwards() -> None:
    """Each package imports only packages below it."""
    upwards = [
        f"{module} imports {name}"
        for module, tree in MODULES.items()
        for name in own_imports(tree)
        if not is_allowed(room_of(module), name)
    ]
    assert upwards == []


def test_every_room_is_in_the_table() -> None:
    """A new package or loose module needs a line of its own."""
    assert {room_of(name) for name in MODULES} == set(ALLOWED)


@pytest.mark.parametrize(
    ("room", "name", "allowed"),
    [
        ("config", "errors.CharrnnError", True),
        ("config", "storage.schema.Range", True),
        ("config", "storage.settings_file.read", False),
        ("text", "textual.App", False),
        ("views", "training.events.Step", True),
        ("views", "training.events_of.x", False),
        ("cli", "training.trainer.Run", True),
        ("cli", "api.train", False),
    ],
)
def test_names_are_compared_whole(room: str, name: str, allowed: bool) -> None:
    """A name that only begins like an allowed one is another name."""
    assert is_allowed(room, name) is allowed


def import_graph(trees: Mapping[str, ast.AST]) -> dict[str, set[str]]:
    """Return the modules that each module imports; a package stands for its `__init__`."""
    graph: dict[str, set[str]] = {}
    for module, tree in trees.items():
        graph[module] = set()
        for name in own_imports(tree):
            # `from package import module` imports the module, `from module import name` what defines the name.
            candidates = (name, f"{name}.__init__", name.rpartition(".")[0], f"{name.rpartition('.')[0]}.__init__")
            graph[module].update([entry for entry in candidates if entry in trees][:1])
        graph[module].discard(module)
    return graph


def cycles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected components of more than one node (Tarjan 1972).

    >>> cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}})
    [['b', 'c']]
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    components: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for successor in sorted(graph[node]):
            if successor not in index:
                visit(successor)
                low[node] = min(low[node], low[successor])
            elif successor in stack:
                low[node] = min(low[node], index[successor])
        if low[node] == index[node]:
            start = stack.index(node)
            components.append(sorted(stack[start:]))
            del stack[start:]

    for node in graph:
        if node not in index:
            visit(node)
    return [component for component in components if len(component) > 1]


def test_no_modules_import_each_other_in_a_cycle() -> None:
    """Deferred imports and imports for type checking count too."""
    assert cycles(import_graph(TREES)) == []


def test_a_deferred_import_closes_a_cycle() -> None:
    """The search sees imports in function bodies, and through a package."""
    sources = {
        "a": "from charrnn.b.c import x",
        "b.__init__": "",
        "b.c": "def f():\n    from charrnn.d import y",
        "d": "from charrnn import a",
    }
    graph = import_graph({name: ast.parse(source) for name, source in sources.items()})
    assert cycles(graph) == [["a", "b.c", "d"]]


def test_libraries_stay_in_their_packages() -> None:
    """Torch belongs to training, Rich to drawings and the command line, Click to the latter, Textual to one file."""
    for module, tree in MODULES.items():
        room, used = room_of(module), libraries(tree)
        assert "torch" not in used or room in ("training", "cli") or module in TORCH_MODULES, module
        assert "rich" not in used or room in ("views", "browser", "cli"), module
        assert "textual" not in used or module == "browser.app", module
        assert "click" not in used or room == "cli", module


def test_only_training_and_the_command_line_import_modules_that_need_torch() -> None:
    """Generation and inspection run on the network's inference, which does without torch."""
    for module, tree in MODULES.items():
        if room_of(module) not in ("training", "cli") and module not in TORCH_MODULES:
            assert not [name for name in own_imports(tree) if f"{name}.".startswith(TORCH_MODULES)], module


def test_the_training_loop_does_not_import_checkpoints() -> None:
    """Saving wraps the loop, never the other way round."""
    assert not any("checkpoint" in name for name in imports(TREES["training.loop"]))


def test_files_are_at_most_300_lines_long() -> None:
    """A longer file usually lacks a concept."""
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in ROOT.rglob("*.py")}
    assert {path.name: count for path, count in lines.items() if count > MAX_FILE_LINES} == {}


def test_functions_are_at_most_60_lines_long() -> None:
    """A longer function does more than one thing."""
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno < MAX_FUNCTION_LINES, f"{module}.{node.name}"


def test_the_map_of_modules_lists_each_of_them_once() -> None:
    """Under the heading of its package, and in one line."""
    listed, package = [], ""
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            package = line.removeprefix("## ")
        elif line.startswith("- `"):
            listed.append(package + line.split("`")[1])
    modules = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if path.name != "__init__.py"]
    assert sorted(listed) == sorted(modules)


def test_modules_and_public_definitions_have_docstrings() -> None:
    """Every module, and every public function and class in one."""
    for module, tree in TREES.items():
        assert ast.get_docstring(tree), module
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{module}.{node.name}"
