"""CSV on standard output (RFC 4180), for spreadsheets and data frames."""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from typing import Any

from charrnn.cli.streams import write_output
from charrnn.views.sanitize import sanitize


def write_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a header with all keys of the rows, in the order of their first appearance, and a line per row.

    Lists of strings are joined by spaces; other nested values are left out. Values that are missing, infinite or NaN
    are empty (OutputError).
    """
    flat = [{key: _cell(value) for key, value in row.items() if _is_cell(value)} for row in rows]
    columns = list(dict.fromkeys(key for row in flat for key in row))
    table = io.StringIO()
    writer = csv.DictWriter(table, columns, restval="")
    writer.writeheader()
    writer.writerows(flat)
    write_output(table.getvalue())


def _is_cell(value: Any) -> bool:
    """Return whether a value fits into a cell."""
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, str) for item in value)
    return not isinstance(value, Mapping)


def _cell(value: Any) -> Any:
    """Return the content of a cell; control characters in strings become harmless."""
    if isinstance(value, (list, tuple)):
        return sanitize(" ".join(value), keep="")
    if isinstance(value, str):
        return sanitize(value, keep="")
    return "" if isinstance(value, float) and not math.isfinite(value) else value
