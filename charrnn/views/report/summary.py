"""Sections of the HTML report: headline, counts of cells, findings, unexplained cells, controls and rules."""

from collections.abc import Iterator, Mapping

from charrnn.inspection.search.finding import LOSS_DIGITS
from charrnn.inspection.search.findings import RARITY_LIMIT, Findings, UnexplainedCell, rarity
from charrnn.views.findings_table import UNEXPLAINED_COLUMNS
from charrnn.views.formatting import format_number
from charrnn.views.report.cell_profile import Profiles
from charrnn.views.report.elements import (
    char_keys,
    definition_list,
    number_cell,
    number_element,
    scrolling_table,
    section,
    share_bar,
)
from charrnn.views.report.findings_table import column_heading, findings_table_html, sortable_cell
from charrnn.views.sanitize import escape_html

_RARITY_LIMIT = RARITY_LIMIT[0].upper() + RARITY_LIMIT[1:]
Rules = Mapping[str, str]
"""rule of each verdict, from the strongest"""


def headline(findings: Findings) -> str:
    """Return the best finding in a sentence; "" without a causal cell or a detector."""
    best = next((finding for finding in findings.concepts if finding.verdict in ("causal", "detector")), None)
    if best is None:
        return ""
    direction = "falls" if best.sign < 0 else "rises"
    sentence = f"Cell {escape_html(best.cell)} {direction} with <b>{escape_html(best.concept)}</b>,"
    sentence += f" {escape_html(best.description)}:"
    sentence += f" it explains {best.fit:.0%} of what the cell does on text that it was not chosen on"
    if best.scrambled is not None:
        sentence += f", against {best.scrambled:.0%} for any cell of the same network with its weights shuffled"
    if best.verdict == "causal" and best.cause:
        elsewhere = format_number(best.cause.elsewhere_delta, "z.3f")
        sentence += f". When the cell is ablated, an end costs {best.cause.edge_delta:.2f} nats more"
        sentence += f", any other character {elsewhere}"
    return f'<p class="lead">{sentence}.</p>'


def cell_counts(findings: Findings) -> str:
    """Return the section with the number of cells of each kind."""
    counts = findings.census
    kinds = (
        ("detectors", counts.detectors, "follow a concept closely"),
        ("causal", counts.causal, "of them are needed where the concept ends"),
        ("partial", counts.partial, "follow a concept in part"),
        ("mostly local", counts.local, "more than half explained by the last three characters"),
        ("dead", counts.dead, "constant on this text"),
    )
    tiles = "".join(
        f"<div><dt>{name}</dt><dd>{number_element(count, ',')} {share_bar(count / max(findings.cells, 1))}</dd>"
        f'<dd class="quiet">{meaning}</dd></div>'
        for name, count, meaning in kinds
    )
    note = (
        "Each cell is counted once, for the concept that explains most of it; mostly local cells may also be of"
        " another kind."
    )
    return section(
        "census", f"{findings.cells:,} cells", f'<dl class="census">{tiles}</dl><p class="quiet">{note}</p>'
    )


def findings_section(findings: Findings, rules: Rules, profiles: Profiles) -> str:
    """Return the section with the table of findings, and the concepts that are too rare."""
    caption = f"{findings.cells:,} cells searched over {findings.characters:,} characters; the headings sort"
    blocks = ["<p>No concept could be judged in this text.</p>"]
    if findings.concepts:
        blocks = [findings_table_html("findings", findings.concepts, list(rules), caption, profiles)]
    rare = [
        f"{rare_concept.concept} ({rarity(rare_concept.halves, rare_concept.streams)})"
        for rare_concept in findings.too_rare
        if rare_concept.episodes
    ]
    never = [rare_concept.concept for rare_concept in findings.too_rare if not rare_concept.episodes]
    if rare:
        names = escape_html(", ".join(rare))
        blocks.append(f"<p>Too rare in this text to be judged (episodes in each half): {names}. {_RARITY_LIMIT}.</p>")
    if never:
        blocks.append(f"<p>Not in this text: {escape_html(', '.join(never))}.</p>")
    return section("found", "Findings", "".join(blocks))


def unexplained_list(findings: Findings) -> str:
    """Return the section of the cells that the network needs but no concept explains."""
    if not findings.mysteries:
        return ""
    headings = column_heading("cell", "layer.unit; click it to see it drawn") + "".join(
        column_heading(name, explanation, number=numeric)
        for name, explanation, numeric in (
            ("costs", UNEXPLAINED_COLUMNS["costs"], True),
            ("±se", "standard error of this increase", True),
            ("closest", "the concept that explains most of it", False),
            ("fit", "the share of its variance that this concept explains", True),
            ("local", "the share of its variance that the last three characters explain", True),
        )
    )
    rows = "".join(map(_unexplained_row, findings.mysteries))
    keys = "".join(
        f'<th scope="col" title="{UNEXPLAINED_COLUMNS[name]}">{name}</th>' for name in ("writes on", "forgets on")
    )
    table = f'<table class="sortable"><thead><tr>{headings}{keys}</tr></thead>{rows}</table>'
    return section("mysteries", "Needed, but explained by no concept here", scrolling_table(table, "mysteries"))


def _unexplained_row(unexplained: UnexplainedCell) -> str:
    cell, best = escape_html(unexplained.cell), escape_html(unexplained.best)
    losses = "".join(
        number_cell(round(value, LOSS_DIGITS), number_element(value, format_spec, LOSS_DIGITS))
        for value, format_spec in ((unexplained.delta, "+z.4f"), (unexplained.delta_se, ".4f"))
    )
    shares = "".join(number_cell(value, number_element(value)) for value in (unexplained.fit, unexplained.local))
    keys = "".join(
        f"<td>{char_keys(characters)}</td>" for characters in (unexplained.writes_on, unexplained.forgets_on)
    )
    return (
        f'<tbody><tr data-cell="{cell}" data-concept="{best}">'
        f'<th scope="row" data-value="{sortable_cell(unexplained.cell)}">'
        f'<button type="button" class="pick">{cell}</button></th>{losses}<td data-value="{best}">{best}</td>'
        f"{shares}{keys}</tr></tbody>"
    )


def controls_section(findings: Findings, rules: Rules, profiles: Profiles) -> str:
    """Return the section about the controls, with the concepts known from the last character."""
    local = ""
    if findings.local:
        caption = "Known from the last character: controls, not findings"
        local = findings_table_html("local", findings.local, list(rules), caption, profiles)
    entries = "".join(f"<dt>{name}</dt><dd>{fact}</dd>" for name, fact in _controls(findings))
    return section("judged", "Controls", f'<dl class="facts">{entries}</dl>{local}')


def _controls(findings: Findings) -> Iterator[tuple[str, str]]:
    half = findings.streams // 2
    confirmation = f"; judged on {escape_html(findings.confirmed_on)}" if findings.confirmed_on else ""
    yield (
        "Held-out text",
        (f"cells are chosen on {half} streams and judged on {half} others{confirmation}" if half else "none"),
    )
    yield (
        "Chance",
        (
            f"each p-value is from {number_element(findings.permutations, ',')} permutations of the streams; it is"
            " corrected for the number of cells, but not for the number of concepts"
            if findings.permutations
            else "not tested"
        ),
    )
    best = (
        ""
        if findings.placebo_fit is None
        else f", the best fit of any cell to one {number_element(findings.placebo_fit)}"
    )
    yield "Placebos", f"{number_element(findings.placebos, ',')} concepts that nothing in the text depends on{best}"
    yield (
        "Shuffled weights",
        (
            "left out (--quick)"
            if findings.quick
            else "the best cell of any network whose weights are shuffled within each gate"
        ),
    )
    yield (
        "Cause",
        (
            "left out (--quick)"
            if findings.quick
            else "mean ablation of cells and of groups of cells, erasure of directions, and that of matched controls"
        ),
    )


def verdict_rules(rules: Rules) -> str:
    """Return the rules of the verdicts; "" without rules."""
    return (
        f"<details><summary>Rules of the verdicts</summary>{definition_list(rules.items())}</details>"
        if rules
        else ""
    )
