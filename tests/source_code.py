"""The package's own source, parsed once for all tests that read it."""

import ast
from functools import cache
from pathlib import Path

from common import PACKAGE_HOME

ROOT = PACKAGE_HOME / "charrnn"
SOURCES = sorted(ROOT.rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def dotted(path: Path) -> str:
    """Return the name of a module below the package."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)
