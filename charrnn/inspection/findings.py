"""The findings: for each concept the cell that follows it best, with the numbers that say how well.

How they are come by is left to the search, how they are drawn to the views.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DIGITS = 4
"""of a share, in JSON"""
LEAST_FIT = 0.05
"""a cell that follows its concept less than this is no picture of it"""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The cell that follows a concept best, chosen on one half of the text and scored on the other."""

    concept: str
    """the concept's name"""
    description: str
    """what it is, in one line"""
    cell: str
    """layer.unit, layers from 1, units from 0"""
    sign: int
    """1 where the cell rises with the concept, -1 where it falls"""
    fit: float
    """share of the cell's variance that the concept explains, on text that the cell was not chosen on"""
    fit_se: float
    """standard error of the fit"""
    memory: float
    """the same share, on the same text, of what the last three characters leave over"""
    tuning: tuple[tuple[float, float], ...]
    """the concept's levels and the cell's mean at each, on the text that it was chosen on"""
    episodes: int
    """how often the concept came to an end in the text: the evidence there was"""
    top: tuple[tuple[str, float], ...]
    """the cells that came first when this one was chosen, in that order, with their fit"""

    def to_json(self) -> dict[str, Any]:
        """Give plain values, rounded."""
        return {
            "concept": self.concept,
            "cell": self.cell,
            "sign": self.sign,
            "fit": round(self.fit, DIGITS),
            "fit_se": round(self.fit_se, DIGITS),
            "memory": round(self.memory, DIGITS),
            "tuning": [[round(level, DIGITS), round(mean, DIGITS)] for level, mean in self.tuning],
            "episodes": self.episodes,
            "top": [{"cell": cell, "fit": round(fit, DIGITS)} for cell, fit in self.top],
        }


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
class Findings:
    """What a search of a model's cells found, and in what."""

    model: str
    """the model's name"""
    text: str
    """the text's name"""
    characters: int
    """how long the text is"""
    signal: str
    """what of a cell was compared: tanh(c) or h"""
    cells: int
    """how many cells were searched"""
    concepts: tuple[Finding, ...]
    """a finding for each concept that there is evidence for, the best fit first"""
    too_rare: tuple[TooRare, ...]
    """the other concepts"""

    def to_json(self) -> dict[str, Any]:
        """Give plain values; the concepts that are too rare stand last among the others."""
        found = [finding.to_json() for finding in self.concepts]
        return {
            "model": self.model,
            "text": self.text,
            "characters": self.characters,
            "signal": self.signal,
            "cells": self.cells,
            "concepts": found + [concept.to_json() for concept in self.too_rare],
        }


def worth_drawing(findings: Sequence[Finding], most: int) -> list[Finding]:
    """Choose the findings that show most: a cell that only spells, or that hardly follows its concept, does not.

    By the lower of fit and memory, and never one of next to no fit; where all are such, the best of them.
    """
    fitting = [finding for finding in findings if finding.fit >= LEAST_FIT]
    ranked = sorted(fitting, key=lambda finding: -min(finding.fit, finding.memory))
    # A cell that follows two concepts, such as strings and quotes, is drawn for the one it follows best.
    different = {finding.cell: finding for finding in reversed(ranked)}
    ranked = [finding for finding in ranked if different[finding.cell] is finding]
    return ranked[:most] or sorted(findings, key=lambda finding: -finding.fit)[:1]
