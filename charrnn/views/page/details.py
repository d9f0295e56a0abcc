"""A finding in full: beside what controls it stands, how many cells share it, and what the network uses it for.

The table that it is unfolded from is left to the page's table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from charrnn.inspection.finding import LOSS_DIGITS, CausalEffect, Finding
from charrnn.views.markup import escape_html
from charrnn.views.page.numbers import number_element
from charrnn.views.page.shapes import dot_strip, share_bar, tuning_curve

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
