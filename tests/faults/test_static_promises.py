"""What the package promises not to do, seen in its source and while it runs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from small import PACKAGE_HOME

from charrnn.runs import RunDirectory

SOURCES = sorted((PACKAGE_HOME / "charrnn").rglob("*.py"))

RUN_CODE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "code", "runpy"}
REACH_OUT = {"socket", "socketserver", "ssl", "http", "urllib", "urllib3", "requests", "httpx", "aiohttp", "ftplib"}
REACH_OUT |= {"smtplib", "telnetlib", "xmlrpc", "webbrowser", "asyncio", "subprocess", "multiprocessing"}

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
"""what is not to be named, called or not"""


def test_p3_there_is_something_to_look_at() -> None:
    """All modules of all rooms."""
    assert len(SOURCES) > 60


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE_HOME).as_posix())
def test_p3_p9_nothing_can_run_code_out_of_a_file_or_reach_the_network(path: Path) -> None:
    """No pickle in any guise, no eval, no unsafe YAML, no other process, no socket."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.partition(".")[0] for alias in node.names} & (RUN_CODE | REACH_OUT)
        elif isinstance(node, ast.ImportFrom):
            assert str(node.module).partition(".")[0] not in RUN_CODE | REACH_OUT
            assert not {f"{node.module}.{alias.name}" for alias in node.names} & ATTRIBUTES
        elif isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in CALLS
            assert not {keyword.arg for keyword in node.keywords} & {"allow_pickle", "shell", "weights_only"}
        elif isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in ATTRIBUTES


WATCHED = """
import sys
seen = set()
watched = ("socket.", "urllib.", "webbrowser.", "ftplib.", "smtplib.")
watched += ("pickle.", "subprocess.", "os.system", "os.exec", "os.fork", "os.spawn", "os.posix_spawn")
sys.addaudithook(lambda event, _: seen.add(event) if event.startswith(watched) else None)
from charrnn.cli.main import run
code = run(sys.argv[1:])
print(sorted(seen), file=sys.stderr)
sys.exit(code)
"""
"""charrnn, but whatever would reach out or run code out of a file is told at the end"""


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
def test_p3_p9_no_command_reaches_out_or_runs_code_out_of_a_file(
    run_here: RunDirectory, command: tuple[str, ...]
) -> None:
    """As the interpreter itself tells it: no socket is made, nothing is unpickled, no other program is started."""
    assert run_here.model.exists()
    Path("book.txt").write_text("abc abc\n" * 99)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *command],
        env={"PYTHONPATH": str(PACKAGE_HOME), "OPENBLAS_NUM_THREADS": "1", "PATH": ""},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr.decode().splitlines()[-1] == "[]"
    if "--svg" in command:
        assert Path("map.svg").read_text(encoding="utf-8").replace('xmlns="http', "").count("http") == 0
