"""The observations: all that one reading of the text, and one by the scrambled twin, say of every concept.

What is found in them is left to the shortlist.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.inspection.coding import Coding
from charrnn.inspection.concepts import Kind
from charrnn.inspection.evidence import Evidence, gather
from charrnn.inspection.firing import Sample
from charrnn.inspection.material import Material, near
from charrnn.inspection.permutations import Sessions
from charrnn.inspection.reading import CHUNK, USUAL, States, activations
from charrnn.inspection.scores import Scores
from charrnn.inspection.scrambled import Twin, twin
from charrnn.inspection.spread import Products, Spread, spreads
from charrnn.inspection.stages import READING, Watch
from charrnn.inspection.trigrams import last_three
from charrnn.network.reader import Reader


@dataclass(frozen=True, kw_only=True, eq=False)
class Observations:
    """What is known of all cells and K concepts, the placebos last."""

    evidence: Evidence
    scores: Scores
    sample: Sample
    """what cells did at some characters"""
    spreads: list[Spread]
    """(K,)"""
    p: list[float]
    """how often chance has some cell follow a concept as closely, of those that were asked for"""
    near: dict[str, tuple[str, ...]]
    """which of those are nearly the same, by name"""
    twin: Twin | None
    """the scrambled network; None in a quick search"""
    placebos: dict[Kind, tuple[float, float]]
    """the best fit and the best memory for a placebo of each kind, at least 0"""
    states: States
    """what the network carried on its way"""

    @property
    def asked(self) -> int:
        """How many concepts were asked for; the others are placebos."""
        return len(self.p)


def observe(
    reader: Reader,
    material: Material,
    codings: Sequence[Coding],
    placebos: Sequence[Coding],
    chance: np.random.Generator,
    watch: Watch,
    *,
    signal: str = USUAL,
    quick: bool = False,
) -> Observations:
    """Read the material, and once more with scrambled weights unless it must be quick."""
    streams, cells = material.streams, reader.config.layers * reader.config.hidden
    sampling, shuffling, scrambling = chance.spawn(3)
    groups, everything = last_three(material.ids), [*codings, *placebos]
    # first, so that the sums of both are never there together
    disorder = (
        None if quick else twin(reader, material.ids, groups, everything, streams, scrambling, watch, signal=signal)
    )
    products = Products(streams, reader.config.layers, reader.config.hidden)
    sessions, sample = Sessions(codings, streams, cells), Sample(streams, cells, sampling)
    states: States = {}
    chunks = activations(reader, material.ids, streams, signal=signal, states=None if quick else states)
    chunks = iter(watch(chunks, READING, -(-streams.length // CHUNK)))
    evidence = gather(chunks, everything, groups, streams, also=[products.take, sessions.take, sample.take])
    scores = Scores.of(evidence)
    return Observations(
        evidence=evidence,
        scores=scores,
        sample=sample,
        spreads=spreads(evidence, products),
        p=sessions.p_values(shuffling),
        near=near(list(codings), streams),
        twin=disorder,
        placebos=_placebos(scores, everything, len(codings)),
        states=states,
    )


def _placebos(scores: Scores, codings: Sequence[Coding], asked: int) -> dict[Kind, tuple[float, float]]:
    """Take the best of the placebos, those after the ones that were asked for, by kind; depths go with toggles."""
    fit, memory = scores.best()
    floors: dict[Kind, tuple[float, float]] = {"binary": (0.0, 0.0), "counter": (0.0, 0.0)}
    for number in range(asked, len(codings)):
        kind = codings[number].concept.kind
        before = floors[kind]
        floors[kind] = max(before[0], float(fit[number])), max(before[1], float(memory[number]))
    return floors | {"depth": floors["binary"]}
