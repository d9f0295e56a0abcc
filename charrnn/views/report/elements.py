"""Elements of the HTML report: numbers, tables, small drawings in SVG, and the details of a finding."""

from collections.abc import Iterable, Iterator, Sequence
from unicodedata import name as unicode_name

from charrnn.inspection.measures.provenance import DIGITS
from charrnn.inspection.search.finding import LOSS_DIGITS, CausalEffect, Finding
from charrnn.views.formatting import format_number
from charrnn.views.layout import MAX_LINE_COLUMNS, wrap_text
from charrnn.views.sanitize import escape_html

# Numbers and characters

_NAMES = {"\n": "line end", "\t": "tab", " ": "space"}


def number_element(value: float | None, format_spec: str = "z.2f", digits: int = DIGITS) -> str:
    """Return a number as an element that also has the value of the findings' JSON; "" for None."""
    if value is None:
        return ""
    return f'<data value="{round(value, digits)}">{format_number(value, format_spec)}</data>'


def char_glyph(character: str) -> tuple[str, int]:
    """Return the sanitized glyph of a character and its width in columns."""
    line = next(wrap_text(character, MAX_LINE_COLUMNS, page=True))
    return line.glyphs[0], int(line.widths[0])


def char_name(character: str) -> str:
    r"""Return the name of a character.

    >>> char_name("\n"), char_name('"')
    ('line end', 'U+0022 quotation mark')
    """
    return _NAMES.get(character) or f"U+{ord(character):04X} {unicode_name(character, 'unnamed').lower()}"


def char_keys(characters: tuple[str, ...]) -> str:
    """Return characters as `kbd` elements with their names as tooltips."""
    glyphs = ((character, "␣" if character == " " else char_glyph(character)[0]) for character in characters)
    return " ".join(
        f'<kbd title="{escape_html(char_name(character))}">{escape_html(glyph)}</kbd>' for character, glyph in glyphs
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


# Small drawings in SVG. Their colors are those of the page, for light and dark.

_BAR_WIDTH, _BAR_HEIGHT = 56, 8
"""pixels of a bar"""
_MARGIN = 3
"""pixels around a curve"""


def share_bar(share: float | None) -> str:
    """Return a bar for a share, clipped to [0, 1]; "" for None."""
    if share is None:
        return ""
    length = max(0.0, min(1.0, share)) * _BAR_WIDTH
    return svg(
        "bar",
        (_BAR_WIDTH, _BAR_HEIGHT),
        f'<rect class="rail" width="{_BAR_WIDTH}" height="{_BAR_HEIGHT}"/>'
        f'<rect width="{length:.1f}" height="{_BAR_HEIGHT}"/>',
    )


def tuning_curve(tuning: Sequence[tuple[float, float]], width: int = 96, height: int = 24) -> str:
    """Return the tuning curve of a cell: its mean, -1 to +1, at each level of the concept."""
    step = (width - 2 * _MARGIN) / max(len(tuning) - 1, 1)
    points = [
        (_MARGIN + index * step, _MARGIN + (1 - mean) / 2 * (height - 2 * _MARGIN))
        for index, (_, mean) in enumerate(tuning)
    ]
    label = ", ".join(f"{format_number(level, 'g')}: {format_number(mean, '+z.2f')}" for level, mean in tuning)
    circles = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6"/>' for x, y in points)
    return svg(
        "curve",
        (width, height),
        f"<title>the cell's mean at each level of the concept: {label}</title>"
        f'<line class="zero" x1="0" x2="{width}" y1="{height / 2:g}" y2="{height / 2:g}"/>'
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
        f"{circles}",
        role='role="img"',
    )


def dot_strip(values: Sequence[float], marked: float, width: int = 200) -> str:
    """Return values as dots on a line, with vertical strokes at zero and at the value `marked`."""
    low, high = min(0.0, marked, *values), max(0.0, marked, *values)
    scale = (width - 4 * _MARGIN) / ((high - low) or 1.0)

    def position(value: float) -> str:
        return f"{2 * _MARGIN + (value - low) * scale:.1f}"

    dots = "".join(f'<circle cx="{position(value)}" cy="10" r="3"/>' for value in values)
    return svg(
        "along",
        (width, 20),
        f'<line class="zero" x1="0" x2="{width}" y1="10" y2="10"/>'
        f'<line class="zero" x1="{position(0)}" x2="{position(0)}" y1="4" y2="16"/>{dots}'
        f'<line class="marked" x1="{position(marked)}" x2="{position(marked)}" y1="1" y2="19"/>',
    )


def svg(css_class: str, size: tuple[int, int], shapes: str, role: str = 'aria-hidden="true"') -> str:
    """Return an SVG element of a width and a height in pixels."""
    width, height = size
    return (
        f'<svg class="{css_class}" width="{width}" height="{height}" viewBox="0 0 {width} {height}" {role}>{shapes}'
        "</svg>"
    )


# Details of a finding

_LOSS_FORMAT = "+z.4f"


def finding_details(finding: Finding, *other_blocks: str) -> str:
    """Return all details of a finding, and other blocks of HTML beside them."""
    blocks = (_description(finding), _fit(finding), _linear_probe(finding), _causal_effect(finding), *other_blocks)
    return f'<div class="full">{"".join(f"<div>{block}</div>" for block in blocks if block)}</div>'


def _description(finding: Finding) -> str:
    """Return the description of the concept, with the tuning curve of the cell."""
    sentences = [
        f"{escape_html(finding.description)}.",
        f"It ends {number_element(finding.episodes, ',')} times in this text.",
        "It depends on text that comes later: no cell can follow it completely." if finding.uses_future else "",
        f"Nearly the same here: {escape_html(', '.join(finding.near))}." if finding.near else "",
        f"Verdict: {escape_html(finding.verdict)}, because {escape_html(finding.reason)}." if finding.reason else "",
    ]
    return f"<h3>{escape_html(finding.concept)}</h3><p>{' '.join(filter(None, sentences))}</p>{_tuning(finding)}"


def _tuning(finding: Finding) -> str:
    """Return the tuning curve of the cell, with a list of its values."""
    if not finding.tuning:
        return ""
    first, last = (number_element(finding.tuning[end][0], ".3g") for end in (0, -1))
    means = "".join(
        f"<li>{number_element(level, '.3g')}: {number_element(mean, '+z.2f')}</li>" for level, mean in finding.tuning
    )
    return (
        f"<figure>{tuning_curve(finding.tuning, 280, 84)}<figcaption>the cell's mean, −1 to +1, from the concept's"
        f" level {first} to {last}</figcaption></figure>"
        f"<details><summary>At each level</summary><ul>{means}</ul></details>"
    )


def _fit(finding: Finding) -> str:
    """Return the fit of the cell and of the controls, as shares of explained variance."""
    rows = (
        (f"cell {escape_html(finding.cell)}", finding.fit, finding.fit_se),
        ("its memory", finding.memory, None),
        ("best cell, shuffled weights", finding.scrambled, None),
        ("best memory, shuffled weights", finding.scrambled_memory, None),
        ("best cell, placebos", finding.placebo, None),
        ("best memory, placebos", finding.placebo_memory, None),
    )
    p, unique, rival = number_element(finding.p, ".3f"), number_element(finding.unique), escape_html(finding.rival)
    sentences = [
        f"By chance, the best of all cells fits as well with p = {p}." if p else "",
        f"It explains {unique} of the variance that {rival} leaves over." if rival else "",
        _activity(finding),
    ]
    return (
        f"<h3>How well the cell follows it</h3>{_bars(rows)}<p>{' '.join(filter(None, sentences))}</p>"
        '<p class="quiet">Shares of the cell\'s variance, on text that no cell was chosen on; memory: shares of the'
        " variance left over by the last three characters.</p>"
    )


def _activity(finding: Finding) -> str:
    """Return a sentence about when the cell is on."""
    if finding.rank_correlation is not None:
        return f"Rank correlation: {number_element(finding.rank_correlation, '+z.2f')}."
    if finding.inside is None or finding.outside is None:
        return ""
    on = f"{number_element(finding.inside, '.0%')} of the characters where it holds"
    return f"The cell is on at {on}, and at {number_element(finding.outside, '.0%')} of the others."


def _linear_probe(finding: Finding) -> str:
    """Return the R² of the linear probes, and the cells that fit best when this cell was chosen."""
    rows: list[tuple[str, float | None, float | None]] = [
        (f"{number_element(cells, ',')} {'cell' if cells == 1 else 'cells'}", r2, None)
        for cells, r2 in finding.r2_by_cells
    ]
    if rows:
        rows.append(("all, shuffled weights", finding.scrambled_linear, None))
    layer = f" of layer {number_element(finding.linear_layer, 'd')}" if finding.linear_layer else ""
    top = "".join(f"<li>{escape_html(cell)} {number_element(fit)}</li>" for cell, fit in finding.top)
    return (
        (f"<h3>Linear probe on the cells{layer} (R²)</h3>{_bars(rows)}" if rows else "")
        + "<details><summary>Best cells on the text that this cell was chosen on, with their fit</summary>"
        + f"<ol>{top}</ol></details>"
    )


def _bars(rows: Iterable[tuple[str, float | None, float | None]]) -> str:
    """Return a table of shares with bars and standard errors; unknown shares are omitted."""
    lines = (
        f'<tr><th scope="row">{label}</th><td>{share_bar(share)}</td><td class="number">{number_element(share)}'
        f"{f' ± {number_element(error)}' if error is not None else ''}</td></tr>"
        for label, share, error in rows
        if share is not None
    )
    return f'<table class="bars">{"".join(lines)}</table>'


def _causal_effect(finding: Finding) -> str:
    """Return the causal effect of the cell: the losses under mean ablation."""
    if finding.cause is None:
        return ""
    return f"<h3>Increase in loss by mean ablation of the cell</h3>{''.join(_losses(finding.cause))}"


def _losses(cause: CausalEffect) -> Iterator[str]:
    """Yield the losses at the concept's ends and elsewhere, of control cells, by dose, and with the partner."""
    yield (
        f"<p>At {number_element(cause.edges, ',')} ends of the concept {_loss(cause.edge_delta, cause.edge_se)} nats"
        f" ({number_element(cause.edge_z, '+z.1f', 2)} standard errors from other cells);"
        f" at any other character {_loss(cause.elsewhere_delta, cause.elsewhere_se)}.</p>"
    )
    if cause.controls:
        controls = ", ".join(number_element(delta, _LOSS_FORMAT, LOSS_DIGITS) for delta in cause.controls)
        yield f"<figure>{dot_strip(cause.controls, cause.edge_delta)}<figcaption>stroke: this cell; dots: other cells"
        yield f" that vary as much, ablated at the same ends ({controls})</figcaption></figure>"
    if cause.doses:
        doses = "".join(
            f"<li>at {number_element(value, '+z.2f')}: {number_element(probability, '.4f', LOSS_DIGITS)}</li>"
            for value, probability in cause.doses
        )
        trend = "rises all the way" if cause.monotone else "does not rise all the way"
        yield f"<p>Probability of an end, with the cell clamped at its value outside, between, inside ({trend}):</p>"
        yield f"<ul>{doses}</ul>"
    if cause.partner:
        yield (
            f"<p>{escape_html(cause.partner)} detects it too. Ablation of both: {_loss(cause.pair_delta)} nats at the"
            f" ends, {_loss(cause.pair_added)} by this one alone ({number_element(cause.pair_z, '+z.1f', 2)} standard"
            " errors).</p>"
        )


def _loss(delta: float | None, error: float | None = None) -> str:
    loss = number_element(delta, _LOSS_FORMAT, LOSS_DIGITS)
    return loss if error is None else f"{loss} ± {number_element(error, '.4f', LOSS_DIGITS)}"
