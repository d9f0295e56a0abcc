"""The report of a search: all findings, and cells over a text, in one self-contained HTML file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
from charrnn.views.report.elements import char_glyph, char_name, definitions
from charrnn.views.sanitize import escape_html, sanitize
from charrnn.views.surprisal import MAX_BITS

DIGITS = 2
"""of bits"""
SCRIPTS = ("heatmap.js", "tables.js")
"""in this order: the second begins it all"""


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportConcept:
    """A concept over a text of T characters."""

    name: str
    """as the findings name it"""
    marks: Marks
    """where it holds, and what that is called"""


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportCell:
    """A cell over a text of T characters."""

    row: HeatmapRow
    """its name and what it does"""
    concept: str
    """the concept that it was found by, or that explains most of it; empty for none"""
    group: str
    """what sort of cell it is: those of one stand together where one is picked"""


@dataclass(frozen=True, kw_only=True, eq=False)
class HtmlReport:
    """All that the page shows; plain values, so that the same are the same page, byte for byte."""

    title: str
    """above everything; text of others, like all the texts here"""
    findings: Findings
    """what was found, in what"""
    signal: str
    """what the cells' values are"""
    surprise: Surprise
    """the stretch that is drawn, T characters, with what the model expected at each"""
    cells: tuple[ReportCell, ...]
    """those that can be picked, at least one"""
    concepts: tuple[ReportConcept, ...]
    """those that can be underlined"""
    rules: Mapping[str, str]
    """what each verdict means, the strongest first"""
    provenance: Mapping[str, str]
    """where all this comes from, by headings"""

    def html(self) -> str:
        """Write the page."""
        style = Template(_part("page.css")).substitute(levels="\n".join(_level_rules()))
        script = "\n".join(map(_part, SCRIPTS))
        return Template(_part("page.html")).substitute(
            style=style,
            style_hash=_hash(style),
            script=script,
            script_hash=_hash(script),
            title=escape_html(self.title),
            subtitle=escape_html(self._subtitle()),
            stretch=escape_html(self._stretch()),
            lead=summary.headline(self.findings),
            census=summary.cell_counts(self.findings),
            findings=summary.findings_section(self.findings, self.rules),
            mysteries=summary.unexplained_list(self.findings),
            controls=summary.controls_section(self.findings, self.rules),
            rules=summary.verdict_rules(self.rules),
            provenance=definitions(self.provenance.items()),
            # A text may hold "</script>"; nothing else could end the element.
            content=json.dumps(self._content(), separators=(",", ":")).replace("<", r"\u003c"),
        )

    def _subtitle(self) -> str:
        findings = self.findings
        text = f"{findings.text} and {findings.confirmed_on}" if findings.confirmed_on else findings.text
        return " · ".join([text, f"{findings.characters:,} characters", f"{findings.cells:,} cells", findings.signal])

    def _stretch(self) -> str:
        start, stop = self.surprise.start, self.surprise.start + len(self.surprise.content)
        return f"characters {start + 1:,} to {stop:,} of {self.findings.text}"

    def _content(self) -> dict[str, Any]:
        """Lay out what the page's script draws; texts become glyphs here, so none of them ever reaches it raw."""
        numbers: dict[str, int] = {}
        text = [numbers.setdefault(character, len(numbers)) for character in self.surprise.content]
        return {
            "signal": sanitize(self.signal, keep=""),
            "start": self.surprise.start,
            "text": text,
            "cells": [_cell(cell) for cell in self.cells],
            "concepts": [_concept(concept) for concept in self.concepts],
            "surprise": _surprise(self.surprise, numbers),
            "characters": [_character(character) for character in numbers],
        }


def _cell(cell: ReportCell) -> dict[str, Any]:
    return {
        "name": sanitize(cell.row.label, keep=""),
        "concept": sanitize(cell.concept, keep=""),
        "group": sanitize(cell.group, keep=""),
        "values": _bytes((cell.row.values.astype(np.float64).clip(-1, 1) + 1) * 127.5),
    }


def _surprise(surprise: Surprise, numbers: dict[str, int]) -> dict[str, Any]:
    """Lay out bits and guesses; where nothing was predicted the bits are null and the guesses mean nothing."""
    count = surprise.probabilities.shape[1]
    costs = zip(surprise.bits.tolist(), surprise.ranks.tolist(), strict=True)
    guesses = (guesses_here or surprise.content[0] * count for guesses_here in surprise.guesses)
    return {
        "bits": [round(bits, DIGITS) if rank else None for bits, rank in costs],
        "most": MAX_BITS,
        "count": count,
        "guesses": [numbers.setdefault(guess, len(numbers)) for guesses_here in guesses for guess in guesses_here],
        "odds": _bytes(surprise.probabilities.ravel() * 255),
    }


def _concept(concept: ReportConcept) -> dict[str, Any]:
    holds = concept.marks.holds
    return {
        "name": sanitize(concept.name, keep=""),
        "holding": sanitize(concept.marks.label, keep=""),
        "spans": [edge for start, stop in runs(holds) if holds[start] for edge in (start, stop)],
    }


def _character(character: str) -> tuple[str, int, str, int]:
    """Give a character's glyph and its columns, what it is called, and whether it ends a line."""
    return *char_glyph(character), char_name(character), int(character == "\n")


def _bytes(values: Values) -> str:
    return base64.b64encode(np.rint(values).astype(np.uint8).tobytes()).decode("ascii")


def _level_rules() -> Iterator[str]:
    """Write the colours of every level, for light and dark, each with the ink that is read best on it."""
    for level in range(1, colors.MAX_LEVEL + 1):
        for name, signed in ("below", -level), ("above", level):
            yield _level_rule(f"{name}-{level}", colors.hex_color(signed), colors.hex_color(signed, dark=True))
    for level, both in enumerate(zip(colors.SEQUENTIAL_ON_LIGHT, colors.SEQUENTIAL_ON_DARK, strict=True), 1):
        yield _level_rule(f"shade-{level}", *both)


def _level_rule(name: str, light: str, dark: str) -> str:
    colors = f"background: light-dark({light}, {dark}); color: light-dark({_ink(light)}, {_ink(dark)})"
    return f".{name} {{ {colors}; }}"


def _ink(background: str) -> str:
    return "#ffffff" if colors.text_color(Color.parse(background)).number else "#000000"


def _part(name: str) -> str:
    return files("charrnn.views.report").joinpath(name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    """Name a script or a style as the page's policy does, so that no other of its kind has any effect."""
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode("ascii")
