"""The report of a search as a self-contained HTML file: findings, and activations over a text."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
from rich.color import Color

from charrnn.inspection.measures.surprisal import Surprise
from charrnn.inspection.search.findings import Findings
from charrnn.views import colors
from charrnn.views.heatmap import HeatmapRow, Marks
from charrnn.views.layout import Values, runs
from charrnn.views.report import summary
from charrnn.views.report.cell_profile import Profiles
from charrnn.views.report.elements import char_glyph, char_name, definitions
from charrnn.views.sanitize import escape_html, sanitize
from charrnn.views.value_scale import MAX_BITS

BITS_DIGITS = 2
"""decimal places of the surprisal in bits"""
SCRIPTS = ("heatmap.js", "tables.js")
"""scripts of the page, in the order of execution; the last one starts the page"""


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportConcept:
    """A concept over a text of T characters."""

    name: str
    """name of the concept in the findings"""
    marks: Marks
    """characters at which the concept holds, with the label of the condition"""


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportCell:
    """A cell over a text of T characters."""

    row: HeatmapRow
    """name and activations of the cell"""
    concept: str
    """concept of the finding, or the concept that explains most of the cell; empty for none"""
    group: str
    """heading of the cell's group in the list of cells"""


@dataclass(frozen=True, kw_only=True, eq=False)
class HtmlReport:
    """The content of the report; equal values give the same file, byte for byte."""

    title: str
    """title of the page; untrusted, as are all texts here"""
    findings: Findings
    """findings of the search"""
    signal: str
    """name of the cells' values"""
    surprise: Surprise
    """the T characters drawn, with the surprisal and the guesses at each"""
    cells: tuple[ReportCell, ...]
    """cells that can be drawn, at least one"""
    concepts: tuple[ReportConcept, ...]
    """concepts that can be underlined"""
    rules: Mapping[str, str]
    """rule of each verdict, from the strongest"""
    provenance: Mapping[str, str]
    """command, model and versions, by heading"""
    profiles: Profiles = field(default_factory=dict)
    """what the cells write, by cell"""
    influence: Values | None = None
    """gradient × input of the L characters before each of the T characters, the last one first (T, L)"""

    def html(self) -> str:
        """Return the page as HTML."""
        style = Template(_resource("page.css")).substitute(levels="\n".join(_level_rules()))
        script = "\n".join(map(_resource, SCRIPTS))
        return Template(_resource("page.html")).substitute(
            style=style,
            style_hash=_hash(style),
            script=script,
            script_hash=_hash(script),
            title=escape_html(self.title),
            subtitle=escape_html(self._subtitle()),
            text_range=escape_html(self._text_range()),
            lead=summary.headline(self.findings),
            census=summary.cell_counts(self.findings),
            findings=summary.findings_section(self.findings, self.rules, self.profiles),
            mysteries=summary.unexplained_list(self.findings),
            controls=summary.controls_section(self.findings, self.rules, self.profiles),
            rules=summary.verdict_rules(self.rules),
            provenance=definitions(self.provenance.items()),
            # A text may contain "</script>", which would end the element.
            content=json.dumps(self._content(), separators=(",", ":")).replace("<", r"\u003c"),
        )

    def _subtitle(self) -> str:
        findings = self.findings
        text = f"{findings.text} and {findings.confirmed_on}" if findings.confirmed_on else findings.text
        return " · ".join([text, f"{findings.characters:,} characters", f"{findings.cells:,} cells", findings.signal])

    def _text_range(self) -> str:
        start, stop = self.surprise.start, self.surprise.start + len(self.surprise.content)
        return f"characters {start + 1:,} to {stop:,} of {self.findings.text}"

    def _content(self) -> dict[str, Any]:
        """Return the content for the page's script, with every text sanitized or replaced by glyphs."""
        char_ids: dict[str, int] = {}
        text = [char_ids.setdefault(character, len(char_ids)) for character in self.surprise.content]
        return {
            "signal": sanitize(self.signal, keep=""),
            "start": self.surprise.start,
            "text": text,
            "cells": [_cell(cell) for cell in self.cells],
            "concepts": [_concept(concept) for concept in self.concepts],
            "surprise": _surprise(self.surprise, char_ids),
            "influence": None if self.influence is None else _influence(self.influence),
            "characters": [_character(character) for character in char_ids],
        }


def _cell(cell: ReportCell) -> dict[str, Any]:
    return {
        "name": sanitize(cell.row.label, keep=""),
        "concept": sanitize(cell.concept, keep=""),
        "group": sanitize(cell.group, keep=""),
        "values": _bytes((cell.row.values.astype(np.float64).clip(-1, 1) + 1) * 127.5),
    }


def _surprise(surprise: Surprise, char_ids: dict[str, int]) -> dict[str, Any]:
    """Return bits and guesses; without a prediction the bits are null and the guesses have no meaning."""
    count = surprise.probabilities.shape[1]
    bits_and_ranks = zip(surprise.bits.tolist(), surprise.ranks.tolist(), strict=True)
    guesses = "".join(char_guesses or surprise.content[0] * count for char_guesses in surprise.guesses)
    return {
        "bits": [round(bits, BITS_DIGITS) if rank else None for bits, rank in bits_and_ranks],
        "most": MAX_BITS,
        "count": count,
        "guesses": [char_ids.setdefault(guess, len(char_ids)) for guess in guesses],
        "odds": _bytes(surprise.probabilities.ravel() * 255),
    }


def _influence(products: Values) -> dict[str, Any]:
    """Return the influence of earlier characters on each character, as shares of the strongest one."""
    strongest = np.abs(products).max(axis=1, keepdims=True)
    shares = products / np.where(strongest > 0, strongest, 1.0)
    return {"lags": products.shape[1], "shares": _bytes((shares + 1).ravel() * 127.5)}


def _concept(concept: ReportConcept) -> dict[str, Any]:
    holds = concept.marks.holds
    return {
        "name": sanitize(concept.name, keep=""),
        "holding": sanitize(concept.marks.label, keep=""),
        "spans": [edge for start, stop in runs(holds) if holds[start] for edge in (start, stop)],
    }


def _character(character: str) -> tuple[str, int, str, int]:
    """Return the glyph of a character, its columns, its name, and 1 if it ends a line."""
    return *char_glyph(character), char_name(character), int(character == "\n")


def _bytes(values: Values) -> str:
    return base64.b64encode(np.rint(values).astype(np.uint8).tobytes()).decode("ascii")


def _level_rules() -> Iterator[str]:
    """Yield the CSS rules of all levels, with backgrounds and text colors for light and dark pages."""
    for level in range(1, colors.MAX_LEVEL + 1):
        for name, signed in ("below", -level), ("above", level):
            yield _level_rule(f"{name}-{level}", colors.hex_color(signed), colors.hex_color(signed, dark=True))
    for level, backgrounds in enumerate(zip(colors.SEQUENTIAL_ON_LIGHT, colors.SEQUENTIAL_ON_DARK, strict=True), 1):
        yield _level_rule(f"shade-{level}", *backgrounds)


def _level_rule(name: str, light: str, dark: str) -> str:
    text_colors = f"light-dark({_css_text_color(light)}, {_css_text_color(dark)})"
    return f".{name} {{ background: light-dark({light}, {dark}); color: {text_colors}; }}"


def _css_text_color(background: str) -> str:
    return "#ffffff" if colors.text_color(Color.parse(background)).number else "#000000"


def _resource(name: str) -> str:
    return files("charrnn.views.report").joinpath(name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    """Return the hash of a script or a style for the page's Content-Security-Policy, which blocks all others."""
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode("ascii")
