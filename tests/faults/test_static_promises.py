"""Operations that the package never performs, checked in its source and while it runs."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from common import PACKAGE_HOME
from source_code import ROOT, SOURCES, module_name, parse_source

from charrnn.storage.run_directory import RunDirectory

RUN_CODE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "code", "runpy"}
REACH_OUT = {"socket", "socketserver", "ssl", "http", "urllib", "urllib3", "requests", "httpx", "aiohttp", "ftplib"}
REACH_OUT |= {"smtplib", "telnetlib", "xmlrpc", "webbrowser", "asyncio", "subprocess", "multiprocessing"}

DISTRIBUTED = "torch.distributed"
REFUSED_DISTRIBUTED = {"checkpoint", "launcher", "run", "elastic", "rpc"}
"""modules of torch.distributed that unpickle or start programs"""
COLLECTIVE_OF_OBJECTS = re.compile(r"\w+_object(_\w+)?")
"""collectives of torch.distributed that unpickle received data, such as `broadcast_object_list`"""

CALLS = {"eval", "exec", "compile", "__import__", "breakpoint", "input"}
ATTRIBUTES = {
    *("torch.load", "torch.save", "torch.hub", "torch.jit", "torch.package", "torch.distributed.checkpoint"),
    *("np.load", "numpy.load", "np.fromregex", "np.lib.format", "yaml.load", "yaml.load_all", "yaml.unsafe_load"),
    *(
        "yaml.full_load",
        "yaml.Loader",
        "yaml.UnsafeLoader",
        "yaml.FullLoader",
        "os.system",
        "os.popen",
        "os.startfile",
    ),
    *("json.JSONDecoder", "importlib.reload"),
}
"""forbidden names"""
LAST_NAMES = {name.rpartition(".")[2] for name in ATTRIBUTES}


@pytest.mark.fault("P3")
def test_all_modules_are_checked() -> None:
    """Modules of every package are found."""
    assert len(SOURCES) > 60


@pytest.mark.fault("P3", "P9")
def test_no_module_can_execute_code_from_a_file_or_use_the_network() -> None:
    """No pickle, eval, unsafe YAML, other process or socket.

    Processes under torchrun look for its store, and a writing session reads lines from the terminal.
    """
    violations = {module_name(path): found for path in SOURCES if (found := list(broken_promises(path)))}
    assert violations == {"training.process_group": ["socket"], "cli.sample_interactive": ["input"]}


def broken_promises(path: Path) -> Iterator[str]:
    """Yield the forbidden operations in a module."""
    for node in ast.walk(parse_source(path)):
        if isinstance(node, ast.Import):
            yield from {alias.name.partition(".")[0] for alias in node.names} & (RUN_CODE | REACH_OUT)
        elif isinstance(node, ast.ImportFrom):
            yield from {str(node.module).partition(".")[0]} & (RUN_CODE | REACH_OUT)
            yield from {f"{node.module}.{alias.name}" for alias in node.names} & ATTRIBUTES
        elif isinstance(node, ast.Call):
            yield from {ast.unparse(node.func)} & CALLS
            yield from {str(keyword.arg) for keyword in node.keywords} & {"allow_pickle", "shell", "weights_only"}
        elif isinstance(node, ast.Attribute) and node.attr in LAST_NAMES:
            yield from {ast.unparse(node)} & ATTRIBUTES
    yield from _refused_of_distributed(parse_source(path))


def _refused_of_distributed(tree: ast.Module) -> Iterator[str]:
    """Yield what a module uses of torch.distributed that could execute what another process sends."""
    aliases = {DISTRIBUTED}
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
            aliases |= {alias.asname for alias in node.names if alias.name == DISTRIBUTED and alias.asname}
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    names += [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    for name in names:
        alias = next((alias for alias in aliases if name.startswith(f"{alias}.")), None)
        if alias:
            inner = name.removeprefix(f"{alias}.").split(".")
            if inner[0] in REFUSED_DISTRIBUTED or any(map(COLLECTIVE_OF_OBJECTS.fullmatch, inner)):
                yield f"{DISTRIBUTED}.{'.'.join(inner)}"


def test_the_collectives_of_objects_are_recognized_by_their_names() -> None:
    """All collectives of torch that take objects are refused, and those of tensors are not."""
    import torch

    public = [name for name in dir(torch.distributed) if not name.startswith("_")]
    refused = {name for name in public if COLLECTIVE_OF_OBJECTS.fullmatch(name)}
    assert {"all_gather_object", "gather_object", "broadcast_object_list", "scatter_object_list"} <= refused
    assert {"send_object_list", "recv_object_list"} <= refused
    assert all("object" in name for name in refused)
    assert not refused & {"all_reduce", "all_gather", "gather", "broadcast", "init_process_group"}
    assert {name for name in public if "object" in name.lower()} == refused


@pytest.mark.parametrize(
    ("code", "violations"),
    [
        ("import torch.hub, pickle", ["pickle"]),
        ("from socket import create_connection", ["socket"]),
        ("from torch import load", ["torch.load"]),
        ("def of(text):\n    return eval(text)", ["eval"]),
        ("np.load(path, allow_pickle=True)", ["np.load", "allow_pickle"]),
        ("yaml.load(file, Loader=yaml.Loader)", ["yaml.load", "yaml.Loader"]),
        ("evaluate(text).load(path)", []),
        ("import torch.distributed as dist\ndist.all_gather_object(a, b)", ["torch.distributed.all_gather_object"]),
        ("import torch\ntorch.distributed.recv_object_list(a)", ["torch.distributed.recv_object_list"]),
        ("from torch.distributed import gather_object", ["torch.distributed.gather_object"]),
        ("from torch.distributed import launcher", ["torch.distributed.launcher"]),
        ("import torch.distributed.run", ["torch.distributed.run"]),
        ("from torch.distributed.elastic.agent import server", ["torch.distributed.elastic.agent.server"]),
        ("import torch.distributed as dist\ndist.all_reduce(a)\ndist.TCPStore(a)", []),
    ],
)
def test_broken_promises_are_noticed(code: str, violations: list[str], tmp_path: Path) -> None:
    """Wherever they are in a module."""
    (tmp_path / "module.py").write_text(code)
    assert sorted(broken_promises(tmp_path / "module.py")) == sorted(violations)


CHANGE_FILES = {
    "open",
    "write_text",
    "write_bytes",
    "touch",
    "unlink",
    "rename",
    "symlink_to",
    "hardlink_to",
    "chmod",
}
"""methods that change a file or directory; `open` also reads"""
CHANGE_FILES_IN_OS = {
    "open",
    "remove",
    "unlink",
    "rename",
    "renames",
    "replace",
    "link",
    "symlink",
    "truncate",
    "chmod",
}
CHANGE_FILES_IN_OS |= {"mkfifo", "mknod", "removedirs", "fdopen"}
WRITERS = {"io.open", "io.FileIO", "codecs.open", "np.save", "np.savez", "np.savetxt", "np.memmap", "numpy.memmap"}
WRITERS |= {"shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "shutil.move", "shutil.rmtree"}
MAY_READ = {"r", "rb", "rt"}
MAY_CALL = {
    "__main__.py": {"os.open(os.devnull, os.O_RDWR)": "closed standard descriptors are reserved"},
    "views/sanitize.py": {"open(os.devnull, 'wb')": "output without a reader is directed to nowhere"},
    "cli/inspect_export.py": {
        "archive.open(ZipInfo(f'{name}.npy'), 'w', force_zip64=True)": "a part of an archive, which is open already"
    },
    "text/source_file.py": {
        "tempfile.TemporaryFile(prefix='charrnn-', buffering=0)": "standard input is copied, because it is read twice"
    },
}
"""calls outside of `storage` that open a file for writing, and why each of them may"""


def writing_calls(tree: ast.Module) -> list[str]:
    """Return the calls in a module that may create, change or delete a file."""
    nodes = list(ast.walk(tree))
    # A call of a name imported from a module would not be found.
    hidden = [
        f"{node.module}.{alias.name}()" for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    calls = [node for node in [*nodes, *ast.walk(ast.parse("\n".join(hidden)))] if isinstance(node, ast.Call)]
    return [ast.unparse(call) for call in calls if _may_write(call)]


def _may_write(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    module, _, method = name.rpartition(".")
    if name in WRITERS or (module == "tempfile" and method != "gettempdir") or method in ("tofile", "rmtree"):
        return True
    if name == "os.open" or (module == "os" and method in CHANGE_FILES_IN_OS):
        return True
    if name == "open" or method == "open":
        argument_index = 1 if name == "open" else 0
        modes = [
            *call.args[argument_index : argument_index + 1],
            *(word.value for word in call.keywords if word.arg == "mode"),
        ]
        return any(not (isinstance(mode, ast.Constant) and mode.value in MAY_READ) for mode in modes)
    if method == "replace" and module and len(call.args) == 1 and not call.keywords:
        # Path.replace takes one positional argument; str.replace takes two, and so do the records' functions.
        return module not in ("dataclasses",) and not isinstance(call.args[0], ast.Starred)
    return method in CHANGE_FILES


def test_no_module_but_storage_creates_changes_or_deletes_files() -> None:
    """One function opens every file for writing: exclusively, and without following links."""
    for path in SOURCES:
        name = path.relative_to(ROOT).as_posix()
        if name != "storage/atomic_file.py":
            calls = set(writing_calls(parse_source(path)))
            assert calls <= MAY_CALL.get(name, {}).keys(), (
                f"{name}: use charrnn.storage.atomic_file instead of {calls}"
            )


def test_the_list_of_exceptions_has_no_unused_entry() -> None:
    """An unused exception would hide a new call."""
    for name, exceptions in MAY_CALL.items():
        calls = writing_calls(parse_source(ROOT / name))
        assert exceptions.keys() <= set(calls), name


@pytest.mark.parametrize(
    ("source", "writes"),
    [
        ("open(path, 'w')", True),
        ("open(path, mode=mode)", True),
        ("open(path)", False),
        ("open(path, 'rb')", False),
        ("path.open('ab')", True),
        ("path.open(mode='x')", True),
        ("path.open('rb')", False),
        ("path.open()", False),
        ("os.open(path, os.O_RDONLY)", True),
        ("os.replace(a, b)", True),
        ("path.replace(other)", True),
        ("text.replace('a', 'b')", False),
        ("dataclasses.replace(record, x=1)", False),
        ("replace(record, x=1)", False),
        ("weights._replace(a=1)", False),
        ("path.unlink(missing_ok=True)", True),
        ("path.write_text('x')", True),
        ("tempfile.mkdtemp()", True),
        ("tempfile.gettempdir()", False),
        ("shutil.rmtree(path)", True),
        ("ids.tofile(path)", True),
        ("from os import replace", True),
        ("from tempfile import mkstemp", True),
        ("from dataclasses import replace", False),
    ],
)
def test_writing_calls_are_distinguished_from_reading_ones(source: str, writes: bool) -> None:
    """The check can fail."""
    assert bool(writing_calls(ast.parse(source))) is writes


WATCHED = """
import sys
seen = set()
watched = ("socket.", "urllib.", "webbrowser.", "ftplib.", "smtplib.")
watched += ("pickle.", "subprocess.", "os.system", "os.exec", "os.fork", "os.spawn", "os.posix_spawn")
sys.addaudithook(lambda event, _: seen.add(event) if event.startswith(watched) else None)
from charrnn.cli.main import run
code = run(sys.argv[1:])
print(sorted(seen), [name for name in ("torch", "torch._dynamo") if name in sys.modules], file=sys.stderr)
sys.exit(code)
"""
"""charrnn with an audit hook that records sockets, processes and unpickling, and lists modules of torch"""


@pytest.mark.fault("P3", "P9")
@pytest.mark.parametrize(
    "command",
    [
        ("sample", "-n", "30"),
        ("score", "book.txt"),
        ("info",),
        ("inspect", "--cell", "1.0", "--text", "book.txt", "--svg", "map.svg"),
        pytest.param(
            ("train", "book.txt", "--steps", "2", "--hidden", "8", "--threads", "1"), marks=pytest.mark.slow
        ),
    ],
    ids=lambda command: command[0],
)
def test_no_command_uses_the_network_or_executes_code_from_a_file(
    run_here: RunDirectory, command: tuple[str, ...]
) -> None:
    """Audit hooks of the interpreter see no socket, no unpickling and no other program.

    Only training imports torch, and not `torch._dynamo`, which takes longer to import than everything else.
    """
    assert run_here.model.exists()
    Path("book.txt").write_text("abc abc\n" * 99)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *command],
        env={"PYTHONPATH": str(PACKAGE_HOME), "OPENBLAS_NUM_THREADS": "1", "PATH": ""},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    imported = ["torch"] if command[0] == "train" else []
    assert done.stderr.decode().splitlines()[-1] == f"[] {imported}"
    if "--svg" in command:
        assert Path("map.svg").read_text(encoding="utf-8").replace('xmlns="http', "").count("http") == 0
