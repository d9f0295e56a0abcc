"""The document: all that a search found, and cells over a text, in one HTML file that asks nothing of any other.

What is said of the search is left to its own parts; which cells and which stretch, to whoever makes the record.
"""

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

from charrnn.inspection.findings import Findings
from charrnn.inspection.surprise import Surprise
from charrnn.views import palette, shades
from charrnn.views.heatmap import HeatmapRow, Marks
from charrnn.views.layout import Values, runs
from charrnn.views.markup import markup
from charrnn.views.page import search
from charrnn.views.page.numbers import called, glyph
from charrnn.views.surprise import MOST_BITS
from charrnn.views.terminal import visible

DIGITS = 2
"""of bits"""
SCRIPTS = ("heatmap.js", "tables.js")
"""in this order: the second begins it all"""


@dataclass(frozen=True, kw_only=True, eq=False)
class PageConcept:
    """A concept over a text of T characters."""

    name: str
    """as the findings name it"""
    marks: Marks
    """where it holds, and what that is called"""


@dataclass(frozen=True, kw_only=True, eq=False)
class PageCell:
    """A cell over a text of T characters."""

    row: HeatmapRow
    """its name and what it does"""
    concept: str
    """the concept that it was found by, or that explains most of it; empty for none"""
    group: str
    """what sort of cell it is: those of one stand together where one is picked"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Page:
    """All that the page shows; plain values, so that the same are the same page, byte for byte."""

    title: str
    """above everything; text of others, like all the texts here"""
    findings: Findings
    """what was found, in what"""
    signal: str
    """what the cells' values are"""
    surprise: Surprise
    """the stretch that is drawn, T characters, with what the model expected at each"""
    cells: tuple[PageCell, ...]
    """those that can be picked, at least one"""
    concepts: tuple[PageConcept, ...]
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
            title=markup(self.title),
            subtitle=markup(self._subtitle()),
            stretch=markup(self._stretch()),
            lead=search.lead(self.findings),
            census=search.census(self.findings),
            findings=search.found(self.findings, self.rules),
            mysteries=search.mysteries(self.findings),
            controls=search.controls(self.findings, self.rules),
            rules=search.judged(self.rules),
            provenance="".join(
                f"<dt>{markup(name)}</dt><dd>{markup(fact)}</dd>" for name, fact in self.provenance.items()
            ),
            # A text may hold "</script>"; nothing else could end the element.
            content=json.dumps(self._content(), separators=(",", ":")).replace("<", r"\u003c"),
        )

    def _subtitle(self) -> str:
        found = self.findings
        text = f"{found.text} and {found.confirmed_on}" if found.confirmed_on else found.text
        return " · ".join([text, f"{found.characters:,} characters", f"{found.cells:,} cells", found.signal])

    def _stretch(self) -> str:
        start, stop = self.surprise.start, self.surprise.start + len(self.surprise.content)
        return f"characters {start + 1:,} to {stop:,} of {self.findings.text}"

    def _content(self) -> dict[str, Any]:
        """Lay out what the page's script draws; texts become glyphs here, so none of them ever reaches it raw."""
        numbers: dict[str, int] = {}
        text = [numbers.setdefault(character, len(numbers)) for character in self.surprise.content]
        return {
            "signal": visible(self.signal, keep=""),
            "start": self.surprise.start,
            "text": text,
            "cells": [_cell(cell) for cell in self.cells],
            "concepts": [_concept(concept) for concept in self.concepts],
            "surprise": _surprise(self.surprise, numbers),
            "characters": [_character(character) for character in numbers],
        }


def _cell(cell: PageCell) -> dict[str, Any]:
    return {
        "name": visible(cell.row.label, keep=""),
        "concept": visible(cell.concept, keep=""),
        "group": visible(cell.group, keep=""),
        "values": _bytes((cell.row.values.astype(np.float64).clip(-1, 1) + 1) * 127.5),
    }


def _surprise(surprise: Surprise, numbers: dict[str, int]) -> dict[str, Any]:
    """Lay out bits and guesses; where nothing was predicted the bits are null and the guesses mean nothing."""
    count = surprise.probabilities.shape[1]
    costs = zip(surprise.bits.tolist(), surprise.ranks.tolist(), strict=True)
    guesses = (told or surprise.content[0] * count for told in surprise.guesses)
    return {
        "bits": [round(bits, DIGITS) if rank else None for bits, rank in costs],
        "most": MOST_BITS,
        "count": count,
        "guesses": [numbers.setdefault(guess, len(numbers)) for told in guesses for guess in told],
        "odds": _bytes(surprise.probabilities.ravel() * 255),
    }


def _concept(concept: PageConcept) -> dict[str, Any]:
    holds = concept.marks.holds
    return {
        "name": visible(concept.name, keep=""),
        "holding": visible(concept.marks.label, keep=""),
        "spans": [edge for start, stop in runs(holds) if holds[start] for edge in (start, stop)],
    }


def _character(character: str) -> tuple[str, int, str, int]:
    """Give a character's glyph and its columns, what it is called, and whether it ends a line."""
    return *glyph(character), called(character), int(character == "\n")


def _bytes(values: Values) -> str:
    return base64.b64encode(np.rint(values).astype(np.uint8).tobytes()).decode("ascii")


def _level_rules() -> Iterator[str]:
    """Write the colours of every level, for light and dark, each with the ink that is read best on it."""
    for level in range(1, palette.STRONGEST + 1):
        for name, signed in ("below", -level), ("above", level):
            yield _level_rule(f"{name}-{level}", palette.hexadecimal(signed), palette.hexadecimal(signed, dark=True))
    for level, both in enumerate(zip(shades.ON_LIGHT, shades.ON_DARK, strict=True), 1):
        yield _level_rule(f"shade-{level}", *both)


def _level_rule(name: str, light: str, dark: str) -> str:
    colours = f"background: light-dark({light}, {dark}); color: light-dark({_ink(light)}, {_ink(dark)})"
    return f".{name} {{ {colours}; }}"


def _ink(background: str) -> str:
    return "#ffffff" if palette.ink(Color.parse(background)).number else "#000000"


def _part(name: str) -> str:
    return files("charrnn.views.page").joinpath(name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    """Name a script or a style as the page's policy does, so that no other of its kind has any effect."""
    return base64.b64encode(hashlib.sha256(source.encode()).digest()).decode("ascii")
