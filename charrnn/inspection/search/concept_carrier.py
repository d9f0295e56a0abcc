"""Carrier of one concept: a cell, a group of cells or a direction that can be held at a level of the concept.

The carrier is that of a search for the concept alone, with causal tests. If a layer predicts the concept linearly,
but no carrier is causal, the direction of the layer is the carrier, because a direction moves all cells that follow
the concept. Levels are linear in the memory: -1 is its mean outside the concept and 1 its mean inside, or the means
at the lowest and the highest third of a counter or depth, as in the dose-response of the search.
"""

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.inspection.concepts import Concept, ParsedText
from charrnn.inspection.concepts.language import Language
from charrnn.inspection.search.directions import MemorySample, Readout
from charrnn.inspection.search.dose_response import concept_sides
from charrnn.inspection.search.finding import Finding
from charrnn.inspection.search.findings import RARITY_LIMIT, Findings, rarity
from charrnn.inspection.search.screening import SearchOptions
from charrnn.inspection.search.search import search_with_screening
from charrnn.inspection.search.search_data import EncodedText, SearchData
from charrnn.inspection.search.splits import ConceptCodes, Progress, no_progress
from charrnn.inspection.search.statistics import Numbers
from charrnn.inspection.search.verdicts import THRESHOLDS
from charrnn.network.cell_id import CellId, parse_cell
from charrnn.network.cells import State
from charrnn.network.inference import InferenceRNN, to_numpy
from charrnn.network.interventions import Direction, HeldCells

SEARCHED_CHARS = (40_000, 80_000, 200_000)
"""characters of the text that are searched; a larger number if the concept is too rare in the smaller one"""
CELL_VERDICTS = ("causal", "detector", "redundant", "unused")
"""verdicts of a concept that a single cell represents"""
CAUSAL_VERDICTS = ("causal", "shared", "direction")
"""verdicts of a concept that the network uses"""
MAX_NAMED_CELLS = 4
"""number of cells that a description names"""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ConceptCarrier:
    """What carries a concept: one cell, a group of cells of a layer, or a direction of a layer."""

    concept: Concept
    verdict: str
    """verdict of the search"""
    r2: float
    """held-out R² of a linear probe on the cells of the layer"""
    layer: int
    """layer, from 1"""
    units: tuple[int, ...]
    """units of the cells, from 0; empty for a direction"""
    readout: Readout | None
    """readout of the direction; None for cells"""
    outside: Numbers
    """memory of each cell, or the readout, at level -1 (n,) or (1,)"""
    inside: Numbers
    """the same at level 1"""
    text: str
    """name of the searched text"""
    language: Language
    """language of that text, by which the concept is marked"""
    characters: int
    """number of characters searched"""
    checksum: int
    """checksum of the weights of the model, see `weights_checksum`"""

    def __repr__(self) -> str:
        return f"<ConceptCarrier of {self.concept.name}: {self.description}>"

    @property
    def cells(self) -> tuple[CellId, ...]:
        """The cells; empty for a direction."""
        return tuple(CellId(self.layer, unit) for unit in self.units)

    @property
    def description(self) -> str:
        """Description of the carrier: its cells, or its layer."""
        if self.readout:
            return f"a direction of layer {self.layer}"
        names = ", ".join(map(str, self.cells[:MAX_NAMED_CELLS]))
        more = ", ..." if len(self.units) > MAX_NAMED_CELLS else ""
        return f"cell {names}" if len(self.units) == 1 else f"{len(self.units)} cells, {names}{more}"

    @property
    def summary(self) -> str:
        """The carrier, its verdict and the searched text in one line."""
        doubt = "" if self.verdict in CAUSAL_VERDICTS else "; ablation does not show that the network uses it"
        return (
            f"{self.concept.name} is carried by {self.description} (R² {self.r2:.2f}, {self.verdict}), found in"
            f" {self.characters:,} characters of {self.text}{doubt}"
        )

    def held_at(self, level: float) -> HeldCells | Direction:
        """Return the intervention that holds the carrier at a level: -1 outside the concept, 1 inside."""
        values = self.outside + (self.inside - self.outside) * (level + 1.0) / 2.0
        if self.readout:
            return self.readout.held_at(float(values[0]), self.layer)
        return HeldCells(layer=self.layer, units=self.units, values=values)

    def held_as_in(self, state: State) -> HeldCells | Direction:
        """Return the intervention that holds the carrier at its value in a state of one stream."""
        memory = np.asarray(state[self.layer - 1].memory)[0]
        if self.readout:
            return self.readout.held_at(float(memory @ self.readout.read), self.layer)
        return HeldCells(layer=self.layer, units=self.units, values=memory[list(self.units)])

    def mark_after(self, text: str) -> int:
        """Return the mark of the concept at the last character of a text."""
        parsed = ParsedText(text=text, language=self.language)
        return int(self.concept.mark(parsed)[-1])

    def level_in(self, state: State) -> float:
        """Return the level of the carrier in a state of one stream."""
        memory = to_numpy(state[self.layer - 1].memory)[0]
        weights, offset = self._level_weights
        return float((memory if self.readout else memory.take(self.units)) @ weights) + offset

    @cached_property
    def _level_weights(self) -> tuple[NDArray[np.float32], float]:
        """Weights of the memory of the layer, or of the cells, in the level, and the level of a memory of zero."""
        change = self.inside - self.outside
        weights = 2.0 * change / (change @ change)
        offset = -float(weights @ self.outside) - 1.0
        return (weights * self.readout.read if self.readout else weights).astype(np.float32), offset

    def to_json(self) -> dict[str, object]:
        """Return the rounded values in JSON."""
        return {
            "concept": self.concept.name,
            "verdict": self.verdict,
            "kind": "direction" if self.readout else "cells",
            "layer": self.layer,
            "members": [str(cell) for cell in self.cells],
            "r2": round(self.r2, 4),
        }


def find_carrier(
    rnn: InferenceRNN,
    text: EncodedText,
    concept: Concept,
    *,
    model: str = "the model",
    seed: int = 0,
    progress: Progress = no_progress,
) -> ConceptCarrier:
    """Return the carrier of a concept, found in a text (CharrnnError if the model does not represent the concept)."""
    searched = _searched_part(text, concept)
    options = SearchOptions(concepts=[concept], only_carriers=True, progress=progress)
    findings, screening = search_with_screening(
        rnn, searched.parsed, searched.ids, rng=np.random.default_rng(seed), options=options
    )
    if screening is None or screening.memory is None:
        raise _too_rare(findings, concept)
    finding = (*findings.concepts, *findings.local)[0]
    layer, units = _location(finding, model)
    coding = screening.statistics.codings[0]
    levels = _levels(screening.memory, layer, units, coding)
    if levels is None:
        raise _not_in_sample(findings, concept)
    readout, outside, inside = levels
    return ConceptCarrier(
        concept=concept,
        verdict=finding.verdict,
        r2=finding.linear or 0.0,
        layer=layer,
        units=units,
        readout=readout,
        outside=outside,
        inside=inside,
        text=searched.parsed.name,
        language=searched.parsed.language,
        characters=len(searched.ids),
        checksum=weights_checksum(rnn),
    )


def weights_checksum(rnn: InferenceRNN) -> int:
    """Return the CRC-32 of the output weights, which differ between any two trained models."""
    return zlib.crc32(to_numpy(rnn.output_weight).tobytes())


def check_found_in(carrier: ConceptCarrier, rnn: InferenceRNN) -> None:
    """Raise WrongUsageError unless a carrier was found in a network with these weights."""
    if carrier.checksum != weights_checksum(rnn):
        raise WrongUsageError(
            f"the carrier of {carrier.concept.name} was found in another model, or before more training",
            hint=f'`carrier("{carrier.concept.name}")` of this model finds its own',
        )


def check_differs(carrier: ConceptCarrier, texts: tuple[str, str]) -> None:
    """Raise WrongUsageError if a concept has the same mark at the ends of two texts."""
    marks = [carrier.mark_after(text) for text in texts]
    if marks[0] == marks[1]:
        raise WrongUsageError(
            f"{carrier.concept.name} does not differ between the texts: it is {marks[0]} at the end of both",
            hint=f"it is {carrier.concept.description}",
        )


def _searched_part(text: EncodedText, concept: Concept) -> EncodedText:
    """Return the shortest beginning of a text in which a concept is frequent enough, or the longest one."""
    for characters in SEARCHED_CHARS:
        part = text.parsed.text[:characters]
        searched = EncodedText(parsed=ParsedText.of(part, text.parsed.name), ids=text.ids[:characters])
        search_data = SearchData.of(searched)
        (coding,) = search_data.codes([concept])
        if coding.has_enough_evidence(search_data.streams):
            break
    return searched


def _location(finding: Finding, model: str) -> tuple[int, tuple[int, ...]]:
    """Return the layer of the carrier and its units; no units for a direction."""
    if finding.verdict in ("causal", "shared"):
        cells = [parse_cell(name) for name in finding.carriers]
        return cells[0].layer, tuple(cell.unit for cell in cells)
    if finding.linear is not None and finding.linear >= THRESHOLDS.linear_r2:
        return finding.linear_layer, ()
    if finding.verdict in CELL_VERDICTS and finding.fit >= THRESHOLDS.detector_fit:
        cell = parse_cell(finding.cell)
        return cell.layer, (cell.unit,)
    raise _not_represented(finding, model)


def _levels(
    memory: MemorySample, layer: int, units: tuple[int, ...], coding: ConceptCodes
) -> tuple[Readout | None, Numbers, Numbers] | None:
    """Return the readout of a direction, and the mean memory of cells or mean readout outside and inside.

    Return None if the sample of the memory has no characters outside or none inside.
    """
    readout = None
    if units:
        values, codes = memory.of_cells(layer, units, coding)
    else:
        layer_memory = memory.of_layer(layer)
        readout = layer_memory.readout(coding)
        levels, codes = layer_memory.levels(readout, coding)
        values = levels[:, None]
    outside, inside = concept_sides(coding, codes)
    if not outside.any() or not inside.any():
        return None
    return readout, values[outside].mean(axis=0), values[inside].mean(axis=0)


def _not_represented(finding: Finding, model: str) -> CharrnnError:
    linear = max(finding.linear or 0.0, 0.0)
    return CharrnnError(
        f"{model} does not represent {finding.concept}: R² {linear:.2f} by a linear probe of layer"
        f" {finding.linear_layer or 1}; {THRESHOLDS.linear_r2:.2f} is needed",
        hint="`charrnn inspect` finds concepts that the model represents",
    )


def _not_in_sample(findings: Findings, concept: Concept) -> CharrnnError:
    return CharrnnError(
        f"{concept.name} does not change in the sample of {findings.characters:,} characters of {findings.text} by"
        " which the levels of its carrier are measured",
        hint="search a text in which it changes more often",
    )


def _too_rare(findings: Findings, concept: Concept) -> CharrnnError:
    counts = rarity(findings.too_rare[0].halves, findings.too_rare[0].streams)
    return CharrnnError(
        f"{concept.name} is too rare in {findings.characters:,} characters of {findings.text} to find its carrier:"
        f" {counts} episodes",
        hint=RARITY_LIMIT,
    )
