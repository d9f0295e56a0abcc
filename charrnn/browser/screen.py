"""The screen of the browser, row by row: the cell, the map or a list, the character at the cursor, and a message."""

from collections.abc import Iterator

from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from charrnn.browser.lines import draw_row, rows_per_line
from charrnn.browser.session import Session
from charrnn.browser.status import details, header, list_lines, session_status

HEADER_ROWS, DETAIL_ROWS, STATUS_ROWS = 2, 3, 1
"""rows above the map, below it, and at the bottom"""
ROWS_FOR_HEADER, ROWS_FOR_DETAILS = 6, 14
"""heights of the smallest terminals that show the rows above the map and below it"""

Row = list[Segment]


def map_rows(rows: int) -> int:
    """Return the number of rows of the map on a terminal with so many rows."""
    header_rows = HEADER_ROWS if rows >= ROWS_FOR_HEADER else 0
    detail_rows = DETAIL_ROWS if rows >= ROWS_FOR_DETAILS else 0
    return max(1, rows - header_rows - detail_rows - STATUS_ROWS)


def draw_screen(session: Session, columns: int, rows: int, console: Console) -> list[Row]:
    """Return the rows of the screen; longer lines are cut."""
    session.view.resize(columns, map_rows(rows))
    drawn: list[Row] = []
    if rows >= ROWS_FOR_HEADER:
        drawn += [_segments(line, console) for line in header(session)]
    if session.listing:
        height = rows - STATUS_ROWS - len(drawn)
        middle = [_segments(line, console) for line in list_lines(session, height)]
    else:
        height = map_rows(rows)
        middle = list(_map(session))
    drawn += (middle + [[] for _ in range(height)])[:height]
    if rows >= ROWS_FOR_DETAILS and not session.listing:
        drawn += [_segments(line, console) for line in details(session)]
    drawn.append(_segments(session_status(session), console))
    return [Segment.adjust_line_length(row, columns, pad=False) for row in drawn[-rows:]]


def _map(session: Session) -> Iterator[Row]:
    """Yield the visible rows of the map."""
    view, content = session.view, session.view.content()
    for line in view.layout.lines[view.top : view.top + view.height]:
        for row in range(rows_per_line(view.terminal)):
            yield draw_row(line, row, content, view.terminal)


def _segments(line: Text, console: Console) -> Row:
    # Rich leaves out the style of the whole line if no part of the line has a style of its own.
    return list(Segment.apply_style(line.render(console), console.get_style(line.style)))
