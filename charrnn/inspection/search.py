"""The search: every cell of a model against every concept, in one reading of a text.

What the findings say is a record of its own; what a concept or the evidence is, is left to those modules.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError
from charrnn.inspection.coding import Coding, code
from charrnn.inspection.concepts import CONCEPTS, Concept, Source
from charrnn.inspection.evidence import Activations, Evidence, gather
from charrnn.inspection.findings import Finding, Findings, TooRare
from charrnn.inspection.streams import Streams, cut
from charrnn.inspection.sums import ConceptSums, Numbers
from charrnn.inspection.trigrams import last_three
from charrnn.network.reader import Reader

Ids = NDArray[np.integer]

CHUNK = 64
"""steps read at a time: all gates of all layers are in memory for so long"""
LISTED = 20
"""cells named for each concept"""


def find(
    reader: Reader, source: Source, ids: Ids, *, model: str = "", concepts: Iterable[Concept] | None = None
) -> Findings:
    """Search all cells of a model for concepts, all built-in ones by default, in a text and its ids (T,).

    Raises CharrnnError where the text is too short or no cell moves.
    """
    streams = cut(source.text)
    asked = CONCEPTS.values() if concepts is None else concepts
    codings = [code(concept, concept.mark(source), streams) for concept in asked]
    enough = [coding for coding in codings if coding.enough(streams)]
    return Findings(
        model=model,
        text=source.name,
        characters=len(source.text),
        signal=reader.signal_name,
        cells=reader.config.layers * reader.config.hidden,
        concepts=_judged(reader, ids, enough, streams) if enough else (),
        too_rare=tuple(_too_rare(coding) for coding in codings if coding not in enough),
    )


def activations(reader: Reader, ids: Ids, streams: Streams) -> Iterator[Activations]:
    """Read the streams of a text's ids (T,) side by side; yield all layers' cells, (up to CHUNK, B, L·H)."""
    state = reader.start(streams.count)
    for first in range(0, streams.length, CHUNK):
        reading = reader.read(ids[streams.positions(first, first + CHUNK)], state)
        state = reading.state
        yield np.concatenate([layer.signal for layer in reading.layers], axis=2)


def judge(evidence: Evidence, number: int, hidden: int) -> Finding:
    """Choose the cell for the concept of this number by discovery alone, and score it on confirmation."""
    streams, coding, about = evidence.streams, evidence.codings[number], evidence.about(number)
    halves = {"learnt": streams.discovery, "scored": streams.confirmation}
    ranked, fit = _ranked(about.preference(streams)), about.explained(**halves)
    best = int(ranked[0])
    tuning = _tuning(evidence, number, best)
    return Finding(
        concept=coding.concept.name,
        description=coding.concept.description,
        cell=cell_name(best, hidden),
        sign=_sign(about, coding, best, streams),
        fit=float(fit[best]),
        fit_se=float(about.standard_error(**halves)[best]),
        memory=evidence.memory(number, best),
        tuning=tuning,
        episodes=int(coding.episodes.sum()),
        top=tuple((cell_name(int(cell), hidden), float(fit[cell])) for cell in ranked[:LISTED]),
    )


def cell_name(number: int, hidden: int) -> str:
    """Name a cell by its place among all layers' cells: layer.unit, layers from 1, units from 0.

    >>> cell_name(300, hidden=256)
    '2.44'
    """
    return f"{number // hidden + 1}.{number % hidden}"


def _judged(reader: Reader, ids: Ids, codings: list[Coding], streams: Streams) -> tuple[Finding, ...]:
    """Read the text once and judge every concept, the best fit first."""
    evidence = gather(activations(reader, ids, streams), codings, last_three(ids), streams)
    findings = [judge(evidence, number, reader.config.hidden) for number in range(len(codings))]
    return tuple(sorted(findings, key=lambda finding: -finding.fit))


def _ranked(preference: Numbers) -> NDArray[np.int64]:
    """Put the living cells in the order of preference, equals in their own."""
    ranked = np.argsort(-preference, kind="stable")[: int(np.isfinite(preference).sum())]
    if not len(ranked):
        raise CharrnnError("no cell of this model moves on this text", hint="train the model first")
    return ranked


def _tuning(evidence: Evidence, number: int, cell: int) -> tuple[tuple[float, float], ...]:
    """Give the levels that the concept had on discovery streams, and the cell's mean at each."""
    about, discovery = evidence.about(number), evidence.streams.discovery
    means = about.means(discovery)[:, cell] + float(evidence.centre[cell])
    came = about.counts[discovery].sum(axis=0) > 0
    points = zip(evidence.codings[number].levels, means.tolist(), came, strict=True)
    return tuple((level, mean) for level, mean, present in points if present)


def _sign(about: ConceptSums, coding: Coding, cell: int, streams: Streams) -> int:
    """Say whether the cell rises or falls with the concept: by the covariance of its means with the levels."""
    means, counts = about.means(streams.discovery)[:, cell], about.counts[streams.discovery].sum(axis=0)
    levels = np.array(coding.levels)
    return -1 if counts @ ((levels - counts @ levels / counts.sum()) * means) < 0 else 1


def _too_rare(coding: Coding) -> TooRare:
    return TooRare(concept=coding.concept.name, episodes=int(coding.episodes.sum()))
