"""The findings of a search: those of all concepts, with the text and the settings of the search."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from charrnn.inspection.search.finding import DIGITS, LOSS_DIGITS, THRESHOLDS, CausalEffect, Finding, rounded

__all__ = ["CausalEffect", "CellCounts", "Finding", "Findings", "TooRare", "UnexplainedCell", "best_to_draw"]

MIN_DRAWN_FIT = 0.05
"""a cell that follows its concept less than this is no picture of it"""


@dataclass(frozen=True, kw_only=True)
class TooRare:
    """A concept that the text has too little of to judge any cell by."""

    concept: str
    """its name"""
    episodes: int
    """how often it came to an end in the text"""

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return {"concept": self.concept, "cell": None, "episodes": self.episodes, "verdict": "too rare"}


@dataclass(frozen=True, kw_only=True)
class UnexplainedCell:
    """A cell that the network needs and that no concept explains."""

    cell: str
    """layer.unit"""
    delta: float
    """nats that a character costs more with the cell held at its mean"""
    delta_se: float
    """standard error of it"""
    best: str
    """the concept that explains most of it"""
    fit: float
    """how much that is"""
    local: float
    """the share of its variance that the last three characters explain"""
    writes_on: tuple[str, ...]
    """the characters at which it changes most"""
    forgets_on: tuple[str, ...]
    """those at which its gate keeps least of it; none for a cell without such a gate"""

    def to_json(self) -> dict[str, Any]:
        """Give plain values, rounded."""
        return {
            "cell": self.cell,
            "delta": round(self.delta, LOSS_DIGITS),
            "delta_se": round(self.delta_se, LOSS_DIGITS),
            "best": self.best or None,
            "fit": round(self.fit, DIGITS),
            "local": round(self.local, DIGITS),
            "writes_on": list(self.writes_on),
            "forgets_on": list(self.forgets_on),
        }


@dataclass(frozen=True, kw_only=True)
class CellCounts:
    """The search from the cells' side: each counted once, by the concept that explains most of it."""

    dead: int = 0
    """cells that do not move on this text"""
    detectors: int = 0
    """cells that detect a concept, the causal ones among them"""
    causal: int = 0
    """cells that were found to be used for it"""
    partial: int = 0
    """cells that follow a concept in part"""
    local: int = 0
    """cells of which the last three characters explain more than half"""

    def to_json(self) -> dict[str, int]:
        """Give plain values."""
        return {
            "dead": self.dead,
            "detectors": self.detectors,
            "causal": self.causal,
            "partial": self.partial,
            "local": self.local,
        }


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a search of a model's cells found, and in what."""

    model: str
    """the path of the model's file"""
    text: str
    """the text's name"""
    characters: int
    """how long the text is"""
    signal: str
    """what of a cell was compared: tanh(c) or h"""
    cells: int
    """how many cells were searched"""
    concepts: tuple[Finding, ...]
    """a finding for each concept that there is evidence for, the strongest verdict first, then the best fit; a second
    one for a concept that a second cell detects too"""
    too_rare: tuple[TooRare, ...]
    """the other concepts"""
    confirmed_on: str = ""
    """the name of another text that the cells were judged on; empty for the other half of the same"""
    start: int = 0
    """where in the text, and in the other one, it was begun to read"""
    streams: int = 0
    """pieces that the text was cut into, half of them to choose cells by"""
    seed: int = 0
    """what all chance came from"""
    permutations: int = 0
    """how many other orders of the streams each p was taken from; 0 for none"""
    placebo_fit: float | None = None
    """the best fit of any cell to any placebo: the noise that a fit has to rise above"""
    placebos: int = 0
    """how many there were"""
    quick: bool = False
    """whether the scrambled network and the causes were left out"""
    local: tuple[Finding, ...] = ()
    """findings for what the last character alone says: controls, never finds"""
    census: CellCounts = CellCounts()
    """how many cells there are of each sort"""
    mysteries: tuple[UnexplainedCell, ...] = ()
    """cells that the network needs and that no concept explains, the most needed first"""

    def to_json(self) -> dict[str, Any]:
        """Give plain values; the concepts that are too rare stand last among the others."""
        judged = [finding.to_json() for finding in self.concepts]
        return {
            "model": self.model,
            "text": self.text,
            "confirmed_on": self.confirmed_on or None,
            "start": self.start,
            "characters": self.characters,
            "streams": self.streams,
            "signal": self.signal,
            "cells": self.cells,
            "seed": self.seed,
            "quick": self.quick,
            "permutations": self.permutations,
            "placebos": self.placebos,
            "placebo_fit": rounded(self.placebo_fit),
            "census": self.census.to_json(),
            "rules": THRESHOLDS.to_json(),
            "concepts": judged + [concept.to_json() for concept in self.too_rare],
            "local": [finding.to_json() for finding in self.local],
            "mysteries": [mystery.to_json() for mystery in self.mysteries],
        }


def best_to_draw(findings: Sequence[Finding], most: int) -> list[Finding]:
    """Choose the findings that show most: a cell that only spells, or that hardly follows its concept, does not.

    By the lower of fit and memory, and never one of next to no fit; where all are such, the best of them.
    """
    fitting = [finding for finding in findings if finding.fit >= MIN_DRAWN_FIT]
    ranked = sorted(fitting, key=lambda finding: -min(finding.fit, finding.memory))
    # A cell that follows two concepts, such as strings and quotes, is drawn for the one it follows best.
    different = {finding.cell: finding for finding in reversed(ranked)}
    ranked = [finding for finding in ranked if different[finding.cell] is finding]
    return ranked[:most] or sorted(findings, key=lambda finding: -finding.fit)[:1]
