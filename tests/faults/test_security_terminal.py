"""No untrusted text reaches Rich as a `str`, which may contain markup; failures to write output have a type."""

import ast
import errno
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from common import PACKAGE_HOME, Call
from source_code import SOURCES, parse_source

from charrnn.cli import main
from charrnn.cli.streams import (
    TextOutput,
    flush_output,
    status,
    write_json,
    write_note,
    write_output,
    write_result,
    write_stderr,
)
from charrnn.errors import OutputError
from charrnn.views.console import harmless_text, log_console, stderr_console, stdout_console

PRINTING = {"print", "log", "status", "add_task", "add_row", "add_column", "render", "Live", "Panel", "Rule", "Group"}
PRINTING |= {"Spinner", "Status", "Tree"}
"""calls whose positional arguments Rich draws"""
AROUND = {"Padding", "Align", "Constrain", "Styled"}
"""... or of whose positional arguments the first"""
DRAWN_KEYWORDS = {"title", "subtitle", "caption", "header", "footer", "status", "description"}
"""... and the keywords that it draws"""
OF_RICH = PRINTING | AROUND | {"Table", "grid", "update"}
"""calls whose keyword arguments are checked"""
MARKUP = {"from_markup", "render_markup", "markup_escape", "track"}
"""classes and functions that always parse markup"""
EXCEPTIONS = {
    "self": "a view draws itself",
    "rendered.drawing": "the field of a record that only views fill",
    "description=stage": "TextColumn(markup=False) shows it",
}


class Module:
    """A module with the types of its expressions, as far as its source shows them."""

    def __init__(self, tree: ast.Module, returned: dict[str, set[str]]) -> None:
        self.tree = tree
        self.returned = {**returned, **annotations([tree])}
        self.functions = [node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.Lambda)]
        self.printing = PRINTING | {
            target.id
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and node.value.attr == "print"
            for target in node.targets
            if isinstance(target, ast.Name)
        }

    def strings_for_rich(self) -> Iterator[str]:
        """Return the arguments that may be a `str` with untrusted text."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.keyword) and node.arg == "markup" and ast.unparse(node.value) != "False":
                yield f"markup={ast.unparse(node.value)}"
            if not isinstance(node, ast.Call):
                continue
            name = last_name(node.func)
            if name in MARKUP and ast.unparse(node.func) != "progress.track":
                yield ast.unparse(node.func)
            if name == "TextColumn" and not {"markup", "heading"} & {keyword.arg for keyword in node.keywords}:
                # `views.aligned_text` has a class of the same name, with a heading.
                yield ast.unparse(node)
            # The function `cli.streams.status` makes a `Text` of its argument.
            draws = name in self.printing and not (name == "status" and isinstance(node.func, ast.Name))
            arguments = node.args[:1] if name in AROUND else node.args if draws else []
            renderables = [(argument, ast.unparse(argument)) for argument in arguments]
            renderables += [
                (keyword.value, ast.unparse(keyword))
                for keyword in node.keywords
                if keyword.arg in DRAWN_KEYWORDS and name in OF_RICH
            ]
            yield from (
                output
                for argument, output in renderables
                if output not in EXCEPTIONS and not self.is_renderable(argument)
            )

    def is_renderable(self, node: ast.expr) -> bool:
        """Return whether an expression is a literal, or certainly not a `str`."""
        match node:
            case ast.Constant():
                return True
            case ast.Starred() | ast.NamedExpr():
                return self.is_renderable(node.value)
            case ast.List() | ast.Tuple():
                return all(map(self.is_renderable, node.elts))
            case ast.GeneratorExp() | ast.ListComp():
                return self.is_renderable(node.elt)
            case ast.IfExp():
                return self.is_renderable(node.body) and self.is_renderable(node.orelse)
            case ast.BinOp(op=ast.Mult()):
                return self.is_renderable(node.left) and not isinstance(node.left, ast.Constant)
            case ast.Call(func=ast.Name("map"), args=[ast.Name(made), *_]):
                return made == "Text"
            case ast.Call():
                return self.returns_no_string(last_name(node.func))
            case ast.Name():
                return self.never_a_string(node)
        return False

    def returns_no_string(self, name: str) -> bool:
        """Return whether the name is a class, or all functions of that name are annotated with another type."""
        annotations = self.returned.get(name, set())
        if annotations:
            return not any(re.search(r"\b(str|Any|RenderableType)\b|^$", annotation) for annotation in annotations)
        return name[:1].isupper() and name not in ("LiteralString", "Any")

    def never_a_string(self, name: ast.Name) -> bool:
        """Return whether everything assigned to a name in its function is renderable."""
        around = [node for node in self.functions if node.lineno <= name.lineno <= (node.end_lineno or 0)]
        inner = max(around, key=lambda node: node.lineno, default=self.tree)
        bound = list(bindings(inner, name.id))
        return bool(bound) and all(
            self.is_renderable(value)
            if isinstance(value, ast.expr)
            else not re.search(r"\b(str|Any|RenderableType)\b", value)
            for value in bound
        )


def last_name(node: ast.expr) -> str:
    """Return the last part of the name of a function."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def bindings(function: ast.AST, name: str) -> Iterator[ast.expr | str]:
    """Return the expressions assigned to a name in a function, or else its annotated types."""
    for node in ast.walk(function):
        if isinstance(node, ast.arg) and node.arg == name:
            yield ast.unparse(node.annotation) if node.annotation else "Any"
        elif isinstance(node, ast.Assign) and any(
            isinstance(entry, ast.Name) and entry.id == name for entry in node.targets
        ):
            yield node.value
        elif isinstance(node, ast.Assign | ast.For | ast.comprehension):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(
                isinstance(entry, ast.Name) and entry.id == name for target in targets for entry in ast.walk(target)
            ):
                # The items of a loop or an unpacking are as safe as the iterable.
                over = node.value if isinstance(node, ast.Assign) else node.iter
                names = [
                    entry.id for entry in ast.walk(over) if isinstance(entry, ast.Name) and entry.id != "enumerate"
                ]
                yield from (annotation for entry in names for annotation in (list(types(function, entry)) or ["Any"]))


def types(function: ast.AST, name: str) -> Iterator[str]:
    """Return the annotation of a parameter."""
    return (
        ast.unparse(node.annotation)
        for node in ast.walk(function)
        if isinstance(node, ast.arg) and node.arg == name and node.annotation
    )


def annotations(trees: list[ast.Module]) -> dict[str, set[str]]:
    """Return the return annotations of functions by name."""
    returned: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                returned.setdefault(node.name, set()).add(ast.unparse(node.returns) if node.returns else "")
    return returned


@pytest.fixture(scope="module")
def returned() -> dict[str, set[str]]:
    """Return the return types of the functions of the package."""
    return annotations([parse_source(path) for path in SOURCES])


def uses_rich(source: str) -> bool:
    """Return whether a module uses Rich."""
    return bool(re.search(r"\brich\b|\btalk\(|\boutput\(|console", source))


RICH = [path for path in SOURCES if uses_rich(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("path", RICH, ids=lambda path: path.relative_to(PACKAGE_HOME).as_posix())
def test_no_untrusted_string_is_passed_to_rich(path: Path, returned: dict[str, set[str]]) -> None:
    """Only literals, `Text` and other renderables, because Rich may read markup in any `str`."""
    module = Module(parse_source(path), returned)
    assert list(module.strings_for_rich()) == []


FORBIDDEN = (
    "talk().status(f'reading {name}')",
    "def waiting(what: str) -> object:\n    return talk().status(what)",
    "console.print(plain_line(line, unicode=True))",
    "console.print('a' + name)",
    "console.print('%s' % name)",
    "table.add_row('literal', name)",
    "table.add_row(*rows)",
    "def show(rows: list[str]) -> None:\n    for row in rows:\n        table.add_row(row)",
    "draw = output().print\ndraw(f'{name}')",
    "progress.update(task, description=name)",
    "track(pieces, 'reading')",
    "TextColumn('{task.description}')",
    "Text.from_markup('x')",
    "Panel(Text('x'), title=name)",
    "Console(markup=True)",
    "console.print(*'abc' * 2)",
)
ALLOWED = (
    "console.print(Text(name), soft_wrap=True)",
    "console.print('literal', Text(name))",
    "table.add_row(*(Text(one) for one in names), *map(Text, names), *[Text(bar)] * 2)",
    "def show(console: Console) -> None:\n    line = Text(name)\n    console.print(line)",
    "def show(maps: Iterable[Heatmap]) -> None:\n    for number, one in enumerate(maps):\n        console.print(one)",
)


@pytest.mark.parametrize("source", FORBIDDEN)
def test_the_check_of_strings_for_rich_can_fail(source: str) -> None:
    """Each way in which a `str` could reach Rich is found."""
    assert list(Module(ast.parse(source), {"plain_line": {"str"}}).strings_for_rich())


@pytest.mark.parametrize("source", ALLOWED)
def test_the_check_of_strings_for_rich_allows_drawings(source: str) -> None:
    """Expressions that are not a `str` pass."""
    assert not list(Module(ast.parse(source), {}).strings_for_rich())


@pytest.mark.parametrize("name", ["[link=https://example.org]x[/link]", "[/red]", "[bold]x", ":smile:", "\x1b[31m\n"])
def test_markup_in_a_status_message_is_shown_unchanged(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """On a terminal; a path may contain any character."""
    output = Screen()
    monkeypatch.setattr(sys, "stderr", output)
    monkeypatch.setenv("TERM", "xterm-256color")
    with status(f"how far back {name} reaches"):
        pass
    renderables = output.getvalue()
    assert name.replace("\x1b", "␛").replace("\n", "␊") in renderables
    assert "]8;" not in renderables


class Screen(io.StringIO):
    """A terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Return True."""
        return True


class Broken(io.RawIOBase):
    """A file that cannot be written, for a given reason."""

    def __init__(self, error: OSError) -> None:
        self.error = error

    def writable(self) -> bool:
        """Return True, as the system does for a full disk."""
        return True

    def write(self, _content: object) -> int:
        """Raise the error."""
        raise self.error


WRITES: dict[str, Callable[[], object]] = {
    "write_result": lambda: write_result("line"),
    "say_json": lambda: write_json({"a": 1}),
    "write_output": lambda: write_output("text"),
    "tell": lambda: write_note("line"),
    "a page": lambda: TextOutput(terminal=True).write("text"),
    "a page in a pipe": lambda: TextOutput(terminal=False).write("text" * 9999),
    "output": lambda: stdout_console().print(harmless_text("text", stdout_console())),
    "talk": lambda: stderr_console().print(harmless_text("text", stderr_console())),
    "flush": flush_output,
}


@pytest.mark.parametrize("how", WRITES)
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError(5, "Input/output error")], ids=str)
def test_a_failure_to_write_output_is_an_output_error(
    monkeypatch: pytest.MonkeyPatch, how: str, error: OSError
) -> None:
    """It is raised where the output is written, and keeps its reason."""
    stream = io.TextIOWrapper(io.BufferedWriter(Broken(error)), "utf-8")
    stream.write("" if how != "flush" else "text")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(OutputError, match=error.strerror):
        WRITES[how]()
    forget(stream)


@pytest.mark.parametrize("how", WRITES)
def test_a_closed_pipe_is_not_an_output_error(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """BrokenPipeError is raised, for which the exit code is 0."""
    stream = io.TextIOWrapper(io.BufferedWriter(Broken(BrokenPipeError(32, "Broken pipe"))), "utf-8")
    stream.write("" if how != "flush" else "text")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(BrokenPipeError):
        WRITES[how]()
    forget(stream)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EPIPE], ids=errno.errorcode.get)
@pytest.mark.parametrize(
    "write",
    [lambda: write_stderr("text"), lambda: log_console().print(harmless_text("text", log_console()))],
    ids=["write_stderr", "log_console"],
)
def test_a_log_that_cannot_be_written_is_no_error(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[], object], number: int
) -> None:
    """The training that it describes continues."""
    broken = io.TextIOWrapper(io.BufferedWriter(Broken(OSError(number, "broken"))), "utf-8")
    monkeypatch.setattr(sys, "stderr", broken)
    write()
    write()
    forget(broken)


def forget(stream: io.TextIOWrapper) -> None:
    """Close a stream without another failure."""
    stream.buffer.raw.error = BlockingIOError()  # type: ignore[attr-defined]
    stream.buffer.raw.write = len  # type: ignore[attr-defined]


def test_only_an_output_error_is_reported_as_one(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another error without a file name is not, wherever Click or Rich raised it."""
    monkeypatch.setattr(main, "_call", lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    assert call("info") == (1, "", "error: input/output error\n")
    monkeypatch.setattr(main, "_call", lambda _: (_ for _ in ()).throw(OutputError(5, "Input/output error")))
    assert call("info") == (1, "", "error: cannot write output: input/output error\n")


OPENS_A_FILE = """
import os
from charrnn.__main__ import reserve_standard_descriptors
reserve_standard_descriptors()
os._exit(os.open(os.devnull, os.O_RDONLY))
"""


@pytest.mark.parametrize("closed", ["0", "1", "2", "02", "12", "012"])
def test_no_file_is_opened_as_a_standard_descriptor(closed: str) -> None:
    """It would receive the messages; closed descriptors are opened on the null device."""

    def close() -> None:
        for descriptor in closed:
            os.close(int(descriptor))

    environment = {"PYTHONPATH": str(PACKAGE_HOME)}
    done = subprocess.run([sys.executable, "-c", OPENS_A_FILE], env=environment, preexec_fn=close, check=False)
    assert done.returncode >= 3


def test_the_command_reserves_the_standard_descriptors(shell: Call) -> None:
    """Before it opens any file."""
    code = "import os; from charrnn import __main__; import charrnn.cli.main as m; "
    code += "m.run = lambda _: os.open(os.devnull, os.O_RDONLY); __main__.main()"
    assert shell(f'"{sys.executable}" -c "{code}" 2>&-').code >= 3
