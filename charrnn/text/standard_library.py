"""The embedded default corpus: the Python standard library's source, as the running interpreter has it.

Real code, on every machine, without a download: every top-level module and a few packages, about five million
characters. The order is fixed by a hash of each file's name, so that the held-out end is a mixture of modules.
"""

import hashlib
import sysconfig
from pathlib import Path

from charrnn.errors import CharrnnError

NAME = "standard-library"

PACKAGES = ("asyncio", "collections", "concurrent", "email", "json", "logging", "tomllib")

MIN_LIBRARY_CHARS = 1_000_000


def files() -> list[Path]:
    """List the corpus's files in their order; raise CharrnnError where the source is not installed."""
    root = Path(sysconfig.get_path("stdlib"))
    chosen = [*root.glob("*.py"), *(path for package in PACKAGES for path in (root / package).rglob("*.py"))]
    chosen = [path for path in chosen if not _is_of_this_machine(path)]
    if sum(path.stat().st_size for path in chosen) < MIN_LIBRARY_CHARS:
        raise CharrnnError(
            f"this Python has no standard library source in {root}", hint="name a text: `charrnn train book.txt`"
        )
    return sorted(chosen, key=lambda path: hashlib.sha256(path.relative_to(root).as_posix().encode()).digest())


def _is_of_this_machine(path: Path) -> bool:
    """Tell generated files, which differ from one machine to the next."""
    return path.name.startswith("_sysconfigdata")
