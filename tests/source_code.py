"""Source files of the package and their syntax trees, for tests of the code."""

import ast
from functools import cache
from pathlib import Path

from common import PACKAGE_HOME

ROOT = PACKAGE_HOME / "charrnn"
SOURCES = sorted(ROOT.rglob("*.py"))


@cache
def parse_source(path: Path) -> ast.Module:
    """Return the cached syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def module_name(path: Path) -> str:
    """Return the name of a module below the package."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)
