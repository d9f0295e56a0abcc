"""What a page says of a search: its findings, how many cells are of which sort, what all was compared with.

How the tables and details are written is left to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from charrnn.inspection.finding import LOSS_DIGITS
from charrnn.inspection.findings import Findings, Mystery
from charrnn.views.markup import markup
from charrnn.views.page.numbers import keys, number, written
from charrnn.views.page.shapes import bar
from charrnn.views.page.table import findings_table, heading, sortable_cell

Rules = Mapping[str, str]
"""what each verdict means, the strongest first"""


def lead(findings: Findings) -> str:
    """Tell the best finding in a sentence; nothing where none is worth it."""
    best = next((one for one in findings.concepts if one.verdict in ("causal", "detector")), None)
    if best is None:
        return ""
    does = "falls" if best.sign < 0 else "rises"
    told = f"Cell {markup(best.cell)} {does} with <b>{markup(best.concept)}</b>, {markup(best.description)}:"
    told += f" it explains {best.fit:.0%} of what the cell does on text that it was not chosen on"
    if best.scrambled is not None:
        told += f", against {best.scrambled:.0%} for any cell of the same network with its weights in disorder"
    if best.verdict == "causal" and best.cause:
        elsewhere = written(best.cause.elsewhere_delta, "z.3f")
        told += f". Held still, an end costs {best.cause.edge_delta:.2f} nats more, any other character {elsewhere}"
    return f'<p class="lead">{told}.</p>'


def census(findings: Findings) -> str:
    """Count the cells of each sort."""
    counted = findings.census
    sorts = (
        ("detectors", counted.detectors, "follow a concept closely"),
        ("causal", counted.causal, "of them are needed where it ends"),
        ("partial", counted.partial, "follow a concept in part"),
        ("mostly local", counted.local, "more than half of it said by the last three characters"),
        ("dead", counted.dead, "do not move on this text"),
    )
    tiles = "".join(
        f"<div><dt>{name}</dt><dd>{number(count, ',')} {bar(count / max(findings.cells, 1))}</dd>"
        f'<dd class="quiet">{meaning}</dd></div>'
        for name, count, meaning in sorts
    )
    return (
        f'<section aria-labelledby="census"><h2 id="census">{findings.cells:,} cells</h2>'
        f'<dl class="census">{tiles}</dl>'
        '<p class="quiet">Each is counted once, by the concept that explains most of it; mostly local ones may be of'
        " the other sorts too.</p></section>"
    )


def found(findings: Findings, rules: Rules) -> str:
    """Write the table of findings, and what there was too little of."""
    caption = f"{findings.cells:,} cells searched over {findings.characters:,} characters; the headings sort"
    pieces = ["<p>No concept could be judged in this text.</p>"]
    if findings.concepts:
        pieces = [findings_table("findings", findings.concepts, list(rules), caption)]
    rare = [f"{one.concept} ({one.episodes:,})" for one in findings.too_rare if one.episodes]
    never = [one.concept for one in findings.too_rare if not one.episodes]
    if rare:
        pieces.append(f"<p>Too rare here to be judged (episodes): {markup(', '.join(rare))}.</p>")
    if never:
        pieces.append(f"<p>Never here: {markup(', '.join(never))}.</p>")
    return f'<section aria-labelledby="found"><h2 id="found">Findings</h2>{"".join(pieces)}</section>'


def mysteries(findings: Findings) -> str:
    """List the cells that the network needs and nothing explains, with what there is to go by."""
    if not findings.mysteries:
        return ""
    headings = heading("cell", "layer.unit; press one to see it drawn") + "".join(
        heading(name, explanation, number=numeric)
        for name, explanation, numeric in (
            ("costs", "nats that a character costs more with the cell held still", True),
            ("±se", "standard error of that", True),
            ("closest", "the concept that explains most of it", False),
            ("fit", "how much that is", True),
            ("local", "the share of its variance that the last three characters explain", True),
        )
    )
    rows = "".join(map(_mystery, findings.mysteries))
    return (
        '<section aria-labelledby="mysteries"><h2 id="mysteries">Needed, and explained by nothing here</h2>'
        '<div class="wide" tabindex="0" role="region" aria-labelledby="mysteries"><table class="sortable">'
        f'<thead><tr>{headings}<th scope="col">writes on</th><th scope="col">forgets on</th></tr></thead>'
        f"{rows}</table></div></section>"
    )


def _mystery(one: Mystery) -> str:
    cell, best = markup(one.cell), markup(one.best)
    numbers = "".join(
        f'<td class="number" data-value="{round(value, LOSS_DIGITS)}">{number(value, form, LOSS_DIGITS)}</td>'
        for value, form in ((one.delta, "+z.4f"), (one.delta_se, ".4f"))
    )
    shares = [f'<td class="number" data-value="{value}">{number(value)}</td>' for value in (one.fit, one.local)]
    return (
        f'<tbody><tr data-cell="{cell}" data-concept="{best}"><th scope="row" data-value="{sortable_cell(one.cell)}">'
        f'<button type="button" class="pick">{cell}</button></th>{numbers}<td data-value="{best}">{best}</td>'
        f"{''.join(shares)}<td>{keys(one.writes_on)}</td><td>{keys(one.forgets_on)}</td></tr></tbody>"
    )


def controls(findings: Findings, rules: Rules) -> str:
    """Say what the findings were compared with, and what the last character alone says."""
    local = ""
    if findings.local:
        caption = "Known from the last character: controls, never finds"
        local = findings_table("local", findings.local, list(rules), caption)
    told = "".join(f"<dt>{name}</dt><dd>{fact}</dd>" for name, fact in _controls(findings))
    return (
        '<section aria-labelledby="judged"><h2 id="judged">What the findings stand against</h2>'
        f'<dl class="facts">{told}</dl>{local}</section>'
    )


def _controls(findings: Findings) -> Iterator[tuple[str, str]]:
    half = findings.streams // 2
    other = f"; judged on {markup(findings.confirmed_on)}" if findings.confirmed_on else ""
    yield (
        "Another text",
        (f"cells are chosen on {half} streams and judged on {half} others{other}" if half else "none"),
    )
    yield (
        "Chance",
        (
            f"each p is by {number(findings.permutations, ',')} other orders of the streams"
            if findings.permutations
            else "not asked"
        ),
    )
    best = "" if findings.placebo_fit is None else f", the best fit of any cell to one {number(findings.placebo_fit)}"
    yield "Placebos", f"{number(findings.placebos, ',')} concepts that nothing in the text depends on{best}"
    yield (
        "Scrambled twin",
        ("left out (--quick)" if findings.quick else "the same network with its weights in disorder, searched alike"),
    )
    yield (
        "Cause",
        ("left out (--quick)" if findings.quick else "detectors are held at their mean, and other cells beside them"),
    )


def judged(rules: Rules) -> str:
    """Write the rules of the verdicts."""
    told = "".join(f"<dt>{markup(name)}</dt><dd>{markup(meaning)}</dd>" for name, meaning in rules.items())
    return f"<details><summary>The verdicts, by rules</summary><dl>{told}</dl></details>" if rules else ""
