"""Elements of the report: numbers, small drawings in SVG, and the details of a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from unicodedata import name as unicode_name

from charrnn.inspection.search.finding import DIGITS, LOSS_DIGITS, CausalEffect, Finding
from charrnn.views.layout import MAX_LINE_COLUMNS, wrap_text
from charrnn.views.sanitize import escape_html

# Numbers and characters, for readers, with the exact value for a script

_NAMES = {"\n": "line end", "\t": "tab", " ": "space"}


def format_number(value: float, form: str) -> str:
    """Write a number for people.

    >>> format_number(-0.0213, "z.2f"), format_number(-0.0001, "z.2f")
    ('−0.02', '0.00')
    """
    return format(value, form).replace("-", "−")


def number_element(value: float | None, form: str = "z.2f", digits: int = DIGITS) -> str:
    """Write a number as an element that holds its value too, as exactly as the findings' JSON has it."""
    if value is None:
        return ""
    return f'<data value="{round(value, digits)}">{format_number(value, form)}</data>'


def char_glyph(character: str) -> tuple[str, int]:
    """Draw a character harmlessly; its columns."""
    line = next(wrap_text(character, MAX_LINE_COLUMNS, page=True))
    return line.glyphs[0], int(line.widths[0])


def char_name(character: str) -> str:
    r"""Say what a character is.

    >>> char_name("\n"), char_name('"')
    ('line end', 'U+0022 quotation mark')
    """
    return _NAMES.get(character) or f"U+{ord(character):04X} {unicode_name(character, 'unnamed').lower()}"


def char_keys(characters: tuple[str, ...]) -> str:
    """Draw characters as keys, each with what it is called."""
    drawn = ((character, "␣" if character == " " else char_glyph(character)[0]) for character in characters)
    return " ".join(
        f'<kbd title="{escape_html(char_name(character))}">{escape_html(shown)}</kbd>' for character, shown in drawn
    )


# Parts of the page that occur several times


def definition_list(entries: Iterable[tuple[str, str]]) -> str:
    """Return a list of terms with their meanings, all plain text."""
    return f"<dl>{definitions(entries)}</dl>"


def definitions(entries: Iterable[tuple[str, str]]) -> str:
    """Return the entries of a definition list, all plain text."""
    return "".join(f"<dt>{escape_html(term)}</dt><dd>{escape_html(meaning)}</dd>" for term, meaning in entries)


def section(name: str, heading: str, content: str) -> str:
    """Return a section of the page; `name` is the id of its heading, `content` is HTML."""
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{escape_html(heading)}</h2>{content}</section>'


def scrolling_table(table: str, label: str) -> str:
    """Return a table in a region that scrolls, labeled by the element with the id `label`."""
    return f'<div class="wide" tabindex="0" role="region" aria-labelledby="{label}">{table}</div>'


def number_cell(value: float | str, content: str) -> str:
    """Return a table cell with the value to sort by and its HTML."""
    return f'<td class="number" data-value="{value}">{content}</td>'


# Small drawings: a share as a bar, the response of a cell as a curve, values along a line. Their colors are those of
# the page, for light and dark.

_BAR, _THICK = 56, 8
"""pixels of a bar"""
_MARGIN = 3
"""pixels around a curve"""


def share_bar(share: float | None) -> str:
    """Draw a share of 1; what is beyond is cut off, nothing known is nothing drawn."""
    if share is None:
        return ""
    full = max(0.0, min(1.0, share)) * _BAR
    return (
        f'<svg class="bar" width="{_BAR}" height="{_THICK}" viewBox="0 0 {_BAR} {_THICK}" aria-hidden="true">'
        f'<rect class="rail" width="{_BAR}" height="{_THICK}"/><rect width="{full:.1f}" height="{_THICK}"/></svg>'
    )


def tuning_curve(tuning: Sequence[tuple[float, float]], width: int = 96, height: int = 24) -> str:
    """Draw a cell's mean at each level of a concept, from -1 below to +1 above, as a line."""
    across = (width - 2 * _MARGIN) / max(len(tuning) - 1, 1)
    places = [
        (_MARGIN + number * across, _MARGIN + (1 - mean) / 2 * (height - 2 * _MARGIN))
        for number, (_, mean) in enumerate(tuning)
    ]
    label = ", ".join(f"{format_number(level, 'g')}: {format_number(mean, '+z.2f')}" for level, mean in tuning)
    points = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6"/>' for x, y in places)
    return (
        f'<svg class="curve" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">'
        f"<title>the cell's mean at each level of the concept: {label}</title>"
        f'<line class="zero" x1="0" x2="{width}" y1="{height / 2:g}" y2="{height / 2:g}"/>'
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>'
        f"{points}</svg>"
    )


def dot_strip(values: Sequence[float], marked: float, width: int = 200) -> str:
    """Draw values as dots along a line, and one that is compared with them as an upright stroke; zero has its own."""
    low, high = min(0.0, marked, *values), max(0.0, marked, *values)
    scale = (width - 4 * _MARGIN) / ((high - low) or 1.0)

    def place(value: float) -> str:
        return f"{2 * _MARGIN + (value - low) * scale:.1f}"

    dots = "".join(f'<circle cx="{place(value)}" cy="10" r="3"/>' for value in values)
    return (
        f'<svg class="along" width="{width}" height="20" viewBox="0 0 {width} 20" aria-hidden="true">'
        f'<line class="zero" x1="0" x2="{width}" y1="10" y2="10"/>'
        f'<line class="zero" x1="{place(0)}" x2="{place(0)}" y1="4" y2="16"/>{dots}'
        f'<line class="marked" x1="{place(marked)}" x2="{place(marked)}" y1="1" y2="19"/></svg>'
    )


# Details of a finding: its controls, the number of cells that share it, its causal effect

_LOSS = "+z.4f"


def finding_details(finding: Finding) -> str:
    """Write all that is known of a finding."""
    blocks = (_about(finding), _compared(finding), _together(finding), _used(finding))
    return f'<div class="full">{"".join(f"<div>{block}</div>" for block in blocks if block)}</div>'


def _about(finding: Finding) -> str:
    """Say what the concept is, and draw how the cell answers to it."""
    sentences = [
        f"{escape_html(finding.description)}.",
        f"It came to an end {number_element(finding.episodes, ',')} times in this text.",
        "It depends on text that comes later: no cell can follow it altogether." if finding.uses_future else "",
        f"Nearly the same here: {escape_html(', '.join(finding.near))}." if finding.near else "",
    ]
    return f"<h3>{escape_html(finding.concept)}</h3><p>{' '.join(filter(None, sentences))}</p>{_answer(finding)}"


def _answer(finding: Finding) -> str:
    """Draw the cell's mean at each level of the concept, and list them."""
    if not finding.tuning:
        return ""
    first, last = (number_element(finding.tuning[end][0], ".3g") for end in (0, -1))
    means = "".join(
        f"<li>{number_element(level, '.3g')}: {number_element(mean, '+z.2f')}</li>" for level, mean in finding.tuning
    )
    return (
        f"<figure>{tuning_curve(finding.tuning, 280, 84)}<figcaption>the cell's mean, −1 to +1, from the concept's"
        f" level {first} to {last}</figcaption></figure>"
        f"<details><summary>at each level</summary><ul>{means}</ul></details>"
    )


def _compared(finding: Finding) -> str:
    """Set the cell beside the controls, all as shares of variance explained."""
    rows = (
        (f"cell {escape_html(finding.cell)}", finding.fit, finding.fit_se),
        ("its memory", finding.memory, None),
        ("best cell, weights in disorder", finding.scrambled, None),
        ("best memory there", finding.scrambled_memory, None),
        ("best cell, for placebos", finding.placebo, None),
        ("best memory of them", finding.placebo_memory, None),
    )
    sentences = [
        f"Chance alone has some cell follow as much: p = {number_element(finding.p, '.3f')}."
        if finding.p is not None
        else "",
        f"Of what {escape_html(finding.rival)} leaves over it explains {number_element(finding.unique)}."
        if finding.rival
        else "",
        _firing(finding),
    ]
    return (
        f"<h3>How well the cell follows it</h3>{_bars(rows)}<p>{' '.join(filter(None, sentences))}</p>"
        '<p class="quiet">Shares of the variance of a cell that are explained, on text that none was chosen on;'
        " memory: of what the last three characters leave over.</p>"
    )


def _firing(finding: Finding) -> str:
    """Say when the cell is on."""
    if finding.rank_correlation is not None:
        return f"Rank correlation: {number_element(finding.rank_correlation, '+z.2f')}."
    if finding.inside is None or finding.outside is None:
        return ""
    on = f"{number_element(finding.inside, '.0%')} of the characters where it holds"
    return f"The cell is on at {on}, at {number_element(finding.outside, '.0%')} of the others."


def _together(finding: Finding) -> str:
    """Say what several cells tell, and which came first when this one was chosen."""
    rows = [(f"{number_element(cells, ',')} cell{'s' * (cells > 1)}", r2, None) for cells, r2 in finding.spread] + [
        ("all, the weights in disorder", finding.scrambled_linear, None)
    ] * bool(finding.spread)
    layer = f" of layer {number_element(finding.spread_layer, 'd')}" if finding.spread_layer else ""
    top = "".join(f"<li>{escape_html(cell)} {number_element(fit)}</li>" for cell, fit in finding.top)
    return (
        (f"<h3>What cells{layer} tell together (R²)</h3>{_bars(rows)}" if rows else "")
        + "<details><summary>which cells came first when this one was chosen, with their fit</summary>"
        + f"<ol>{top}</ol></details>"
    )


def _bars(rows: Iterable[tuple[str, float | None, float | None]]) -> str:
    """Draw shares below each other, each with its standard error if it has one; those unknown are left out."""
    lines = (
        f'<tr><th scope="row">{label}</th><td>{share_bar(share)}</td><td class="number">{number_element(share)}'
        f"{f' ± {number_element(error)}' if error is not None else ''}</td></tr>"
        for label, share, error in rows
        if share is not None
    )
    return f'<table class="bars">{"".join(lines)}</table>'


def _used(finding: Finding) -> str:
    """Say what it costs to hold the cell still."""
    if finding.cause is None:
        return ""
    return f"<h3>What it costs to hold the cell still</h3>{''.join(_costs(finding.cause))}"


def _costs(cause: CausalEffect) -> Iterator[str]:
    """Tell costs at the concept's ends, elsewhere and of other cells, and what the cell's level does to an end."""
    yield (
        f"<p>At {number_element(cause.edges, ',')} ends of the concept {_loss(cause.edge_delta, cause.edge_se)} nats"
        f" ({number_element(cause.edge_z, '+z.1f', 2)} standard errors from other cells);"
        f" at any other character {_loss(cause.elsewhere_delta, cause.elsewhere_se)}.</p>"
    )
    if cause.controls:
        controls = ", ".join(number_element(delta, _LOSS, LOSS_DIGITS) for delta in cause.controls)
        yield f"<figure>{dot_strip(cause.controls, cause.edge_delta)}<figcaption>stroke: this cell; dots: other cells"
        yield f" that move as much, held at the same ends ({controls})</figcaption></figure>"
    if cause.doses:
        held = "".join(
            f"<li>at {number_element(value, '+z.2f')}: {number_element(odds, '.4f', LOSS_DIGITS)}</li>"
            for value, odds in cause.doses
        )
        steady = "rises all the way" if cause.monotone else "does not rise all the way"
        yield f"<p>How probable an end is with the cell held as outside, between and inside ({steady}):</p>"
        yield f"<ul>{held}</ul>"
    if cause.partner:
        yield (
            f"<p>{escape_html(cause.partner)} detects it too. Both held: {_loss(cause.pair_delta)} nats at the ends,"
            f" {_loss(cause.pair_added)} by this one alone ({number_element(cause.pair_z, '+z.1f', 2)} standard"
            " errors).</p>"
        )


def _loss(delta: float | None, error: float | None = None) -> str:
    loss = number_element(delta, _LOSS, LOSS_DIGITS)
    return loss if error is None else f"{loss} ± {number_element(error, '.4f', LOSS_DIGITS)}"
