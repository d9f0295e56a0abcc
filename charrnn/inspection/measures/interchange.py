"""Interchange intervention: the value of cells after one text is copied into the network that has read another text.

If the prediction after the other text changes as if that text had the property by which the texts differ, the cells
carry this property (Geiger et al. 2021, arXiv:2106.02997). Both texts are read to their ends. The value is copied at
the last character of the target text: c of LSTM cells, and h = o·tanh(c) follows with the output gate o of the target
text; h of other cells. Layers above read the new h at the same character; all other cells keep their values.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import whole_number
from charrnn.inspection.measures.activations import CellIndex
from charrnn.inspection.measures.lag_attribution import kl_divergence
from charrnn.inspection.measures.provenance import DIGITS, rounded_fields
from charrnn.inspection.notebook import NotebookRecord
from charrnn.inspection.search.concept_carrier import ConceptCarrier, check_differs
from charrnn.network.cell_id import check_cell
from charrnn.network.cells import State, select_rows
from charrnn.network.clamps import Clamp, Clamps
from charrnn.network.inference import NO_CLAMPS, InferenceRNN, log_softmax
from charrnn.network.interventions import HeldCells, make_clamps
from charrnn.text.vocabulary import Ids, Vocabulary

Numbers = NDArray[np.floating]

MAX_CHANGES = 8
"""number of characters whose probabilities are listed"""
SMALLEST_CHANGE = 1e-6
"""change of a probability, and of a prediction in bits, below which it counts as none: rounding in float32"""
SAME_VALUE = 0.01
"""difference of tanh(c) or h below which a cell has the same value after both texts"""


class CellValue(NamedTuple):
    """The value of a copied cell after each text: tanh(c) of LSTM cells, h of other cells."""

    cell: str
    source: float
    target: float

    @property
    def is_same(self) -> bool:
        """Whether the copy hardly changes the value."""
        return abs(self.source - self.target) < SAME_VALUE


class CopiedConcept(NamedTuple):
    """A concept whose carrier is copied, with its level after each text: -1 outside the concept, 1 inside."""

    carrier: ConceptCarrier
    source: float
    target: float

    def to_json(self) -> dict[str, Any]:
        """Return rounded values for JSON."""
        return {**self.carrier.to_json(), **rounded_fields(self, "source", "target")}


class CharacterChange(NamedTuple):
    """A character with its probabilities as the next one."""

    character: str
    before: float
    """after the target text"""
    after: float
    """after the target text, with the copied values"""
    source: float
    """after the source text"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Interchange(NotebookRecord):
    """The prediction after a target text, before and after the values of cells are copied from a source text."""

    model: str = ""
    """path of the model file"""
    source: str
    """text that the values come from"""
    target: str
    """text that the values are copied into"""
    signal: str
    """formula of the values shown: tanh(c) or h"""
    cells: tuple[CellValue, ...]
    """the copied cells, with those of groups that carry a concept"""
    concepts: tuple[CopiedConcept, ...] = ()
    """the concepts whose carriers are copied"""
    characters: tuple[str, ...]
    """V characters of the vocabulary"""
    before: Numbers
    """log-probabilities of the next character after the target text, in nats (V,)"""
    after: Numbers
    """the same with the copied values (V,)"""
    after_source: Numbers
    """log-probabilities of the next character after the source text, in nats (V,)"""
    single_copies: Numbers
    """KL divergences in bits caused by the copy of each cell of the layer alone (H,); empty for several cells"""
    rank: int | None
    """rank of the cell among the cells of its layer by these divergences; None for several cells, or for no effect"""

    @property
    def divergence(self) -> float:
        """The KL divergence of the prediction caused by the copy, in bits."""
        return _divergence(self.before, self.after)

    @property
    def source_divergences(self) -> tuple[float, float]:
        """The KL divergences from the prediction after the source text, before and after the copy, in bits."""
        return _divergence(self.after_source, self.before), _divergence(self.after_source, self.after)

    @property
    def median_divergence(self) -> float | None:
        """The median of the KL divergences caused by the copies of single cells, in bits; None for several cells."""
        return float(np.median(self.single_copies)) if len(self.single_copies) else None

    def changes(self, count: int = MAX_CHANGES) -> tuple[CharacterChange, ...]:
        """Return the characters whose probability changes most, in descending order; none if none changes."""
        count = whole_number(count, "count")
        before, after, source = (np.exp(log_probs) for log_probs in (self.before, self.after, self.after_source))
        sizes = np.abs(after - before)
        order = [i for i in np.argsort(-sizes, kind="stable")[:count].tolist() if sizes[i] >= SMALLEST_CHANGE]
        return tuple(
            CharacterChange(self.characters[i], float(before[i]), float(after[i]), float(source[i])) for i in order
        )

    def to_json(self) -> dict[str, Any]:
        """Return rounded values for JSON."""
        before, after = self.source_divergences
        concepts = {"concepts": [concept.to_json() for concept in self.concepts]} if self.concepts else {}
        return {
            "view": "swap",
            "model": self.model,
            "source": self.source,
            "target": self.target,
            "signal": self.signal,
            "copied": [{"cell": cell.cell, **rounded_fields(cell, "source", "target")} for cell in self.cells],
            **concepts,
            "divergence_bits": round(self.divergence, DIGITS),
            "source_divergence_bits": {"before": round(before, DIGITS), "after": round(after, DIGITS)},
            "rank": self.rank,
            "cells_of_layer": len(self.single_copies) or None,
            "median_divergence_bits": round(median, DIGITS)
            if (median := self.median_divergence) is not None
            else None,
            "changes": [
                {"character": change.character, **rounded_fields(change, "before", "after", "source")}
                for change in self.changes()
            ],
        }


class ReadText(NamedTuple):
    """A text that has been read to its end, in one stream."""

    ids: Ids
    """the characters (T,)"""
    before: State
    """state before the last character"""
    after: State
    """state after the last character"""


def read_to_end(rnn: InferenceRNN, ids: Ids) -> ReadText:
    """Return the states of a network around the last character of a text of at least one character."""
    before = rnn.initial_state(1)
    for char_id in ids[:-1]:
        before = rnn.step_state(char_id[None], before)
    return ReadText(ids, before, rnn.step_state(ids[-1:], before))


def measure_both_ways(
    rnn: InferenceRNN,
    vocabulary: Vocabulary,
    texts: tuple[ReadText, ReadText],
    cells: Sequence[CellIndex],
    *,
    carriers: Sequence[ConceptCarrier] = (),
    model: str = "",
) -> tuple[Interchange, Interchange]:
    """Return the effect of copying cells and carriers from a source text into a target text, and of the reverse.

    The texts are given as (source, target). Raise WrongUsageError if a cell is not in the model, or if a concept does
    not differ between the texts.
    """
    for carrier in carriers:
        check_differs(carrier, (_decoded(vocabulary, texts[0]), _decoded(vocabulary, texts[1])))
    for cell in cells:
        check_cell(cell, layers=rnn.config.layers, units=rnn.config.hidden)
    forward, reverse = (
        measure_interchange(rnn, vocabulary, pair, cells, carriers=carriers, model=model)
        for pair in (texts, texts[::-1])
    )
    return forward, reverse


def measure_interchange(
    rnn: InferenceRNN,
    vocabulary: Vocabulary,
    texts: tuple[ReadText, ReadText],
    cells: Sequence[CellIndex],
    *,
    carriers: Sequence[ConceptCarrier] = (),
    model: str = "",
) -> Interchange:
    """Return the effect of copying cells and carriers from a source text into a target text: (source, target)."""
    source, target = texts
    has_direction = any(carrier.readout for carrier in carriers)
    cells = list(dict.fromkeys([*cells, *(cell for carrier in carriers for cell in carrier.cells)]))
    single_copies: Numbers = np.zeros(0)
    rank = None
    if len(cells) == 1 and not has_direction:
        layer, unit = cells[0]
        single_copies = copies_of_single_cells(rnn, layer, source, target)
        if single_copies[unit] >= SMALLEST_CHANGE:
            rank = 1 + int((single_copies > single_copies[unit]).sum())
    return Interchange(
        model=model,
        source=_decoded(vocabulary, source),
        target=_decoded(vocabulary, target),
        signal=rnn.signal_name,
        cells=tuple(
            CellValue(f"{layer}.{unit}", *(signal_of(rnn, text.after, (layer, unit)) for text in texts))
            for layer, unit in cells
        ),
        concepts=tuple(
            CopiedConcept(carrier, *(carrier.level_in(text.after) for text in texts)) for carrier in carriers
        ),
        characters=vocabulary.characters,
        before=patched_prediction(rnn, target, NO_CLAMPS)[0],
        after=patched_prediction(rnn, target, copied_values(rnn, cells, carriers, source.after))[0],
        after_source=patched_prediction(rnn, source, NO_CLAMPS)[0],
        single_copies=single_copies,
        rank=rank,
    )


def copied_values(
    rnn: InferenceRNN, cells: Sequence[CellIndex], carriers: Sequence[ConceptCarrier], source: State
) -> Clamps:
    """Return the clamps of cells and of the carriers of concepts at their values in a state of one stream."""
    held = [carrier.held_as_in(source) for carrier in carriers if carrier.readout]
    for layer in sorted({layer for layer, _ in cells}):
        units = [unit for cell_layer, unit in cells if cell_layer == layer]
        held.append(HeldCells(layer=layer, units=units, values=source[layer - 1].memory[0, units]))
    return make_clamps(rnn, {}, held)


def patched_prediction(rnn: InferenceRNN, text: ReadText, clamps: Clamps, *, streams: int = 1) -> Numbers:
    """Return the log-probabilities of the next character if the state is changed at the last one: (streams, V)."""
    repeated = np.zeros(streams, np.int64)
    logits, _ = rnn.step(text.ids[-1:].repeat(streams), select_rows(text.before, repeated), clamps)
    return log_softmax(logits.astype(np.float64))


def copies_of_single_cells(rnn: InferenceRNN, layer: int, source: ReadText, target: ReadText) -> Numbers:
    """Return the KL divergence in bits caused by the copy of each cell of a layer alone (H,)."""
    values, units = source.after[layer - 1].memory, rnn.config.hidden
    clamps = {layer: Clamp(mask=np.eye(units, dtype=np.bool_), values=values)}
    copied = patched_prediction(rnn, target, clamps, streams=units)
    return kl_divergence(patched_prediction(rnn, target, NO_CLAMPS), copied) / math.log(2)


def signal_of(rnn: InferenceRNN, state: State, cell: CellIndex) -> float:
    """Return tanh(c) of an LSTM cell, h of another cell, in a state of one stream."""
    layer, unit = cell
    value = float(state[layer - 1].memory[0, unit])
    return value if rnn.signal_name == "h" else math.tanh(value)


def _decoded(vocabulary: Vocabulary, text: ReadText) -> str:
    return vocabulary.decode(text.ids.tolist())


def _divergence(log_probs: Numbers, other_log_probs: Numbers) -> float:
    """Return the KL divergence in bits."""
    return float(kl_divergence(log_probs, other_log_probs)) / math.log(2)
