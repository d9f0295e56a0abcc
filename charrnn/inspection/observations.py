"""The observations: all that one reading of the text, and one by the scrambled twin, say of every concept.

What is found in them is left to the shortlist.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.inspection.coding import ConceptCodes
from charrnn.inspection.concepts import Kind
from charrnn.inspection.evidence import SufficientStatistics, accumulate
from charrnn.inspection.firing import ActivationSample
from charrnn.inspection.material import SearchData, near
from charrnn.inspection.permutations import PermutationTest
from charrnn.inspection.reading import CHUNK_STEPS, DEFAULT_SIGNAL, States, stream_activations
from charrnn.inspection.scores import Scores
from charrnn.inspection.scrambled import ShuffledControl, shuffled_control
from charrnn.inspection.spread import CellProducts, LinearProbe, fit_linear_probes
from charrnn.inspection.stages import READING, Progress
from charrnn.inspection.trigrams import trigram_groups
from charrnn.network.reader import InferenceRNN


@dataclass(frozen=True, kw_only=True, eq=False)
class Screening:
    """What is known of all cells and K concepts, the placebos last."""

    statistics: SufficientStatistics
    scores: Scores
    sample: ActivationSample
    """what cells did at some characters"""
    spreads: list[LinearProbe]
    """(K,)"""
    p: list[float]
    """how often chance has some cell follow a concept as closely, of those that were asked for"""
    near: dict[str, tuple[str, ...]]
    """which of those are nearly the same, by name"""
    shuffled: ShuffledControl | None
    """the scrambled network; None in a quick search"""
    placebos: dict[Kind, tuple[float, float]]
    """the best fit and the best memory for a placebo of each kind, at least 0"""
    states: States
    """what the network carried on its way"""

    @property
    def concept_count(self) -> int:
        """How many concepts were asked for; the others are placebos."""
        return len(self.p)


def screen(
    rnn: InferenceRNN,
    search_data: SearchData,
    codings: Sequence[ConceptCodes],
    placebos: Sequence[ConceptCodes],
    rng: np.random.Generator,
    progress: Progress,
    *,
    signal: str = DEFAULT_SIGNAL,
    quick: bool = False,
) -> Screening:
    """Read the material, and once more with scrambled weights unless it must be quick."""
    streams, cells = search_data.streams, rnn.config.layers * rnn.config.hidden
    sampling, shuffling, scrambling = rng.spawn(3)
    groups, everything = trigram_groups(search_data.ids), [*codings, *placebos]
    # first, so that the sums of both are never there together
    disorder = (
        None
        if quick
        else shuffled_control(rnn, search_data.ids, groups, everything, streams, scrambling, progress, signal=signal)
    )
    products = CellProducts(streams, rnn.config.layers, rnn.config.hidden)
    sessions, sample = PermutationTest(codings, streams, cells), ActivationSample(streams, cells, sampling)
    states: States = {}
    chunks = stream_activations(rnn, search_data.ids, streams, signal=signal, states=None if quick else states)
    chunks = iter(progress(chunks, READING, -(-streams.length // CHUNK_STEPS)))
    statistics = accumulate(
        chunks,
        everything,
        groups,
        streams,
        accumulators=[products.accumulate, sessions.accumulate, sample.accumulate],
    )
    scores = Scores.of(statistics)
    return Screening(
        statistics=statistics,
        scores=scores,
        sample=sample,
        spreads=fit_linear_probes(statistics, products),
        p=sessions.p_values(shuffling),
        near=near(list(codings), streams),
        shuffled=disorder,
        placebos=_placebos(scores, everything, len(codings)),
        states=states,
    )


def _placebos(scores: Scores, codings: Sequence[ConceptCodes], concept_count: int) -> dict[Kind, tuple[float, float]]:
    """Take the best of the placebos, those after the ones that were asked for, by kind; depths go with toggles."""
    fit, memory = scores.best()
    floors: dict[Kind, tuple[float, float]] = {"binary": (0.0, 0.0), "counter": (0.0, 0.0)}
    for number in range(concept_count, len(codings)):
        kind = codings[number].concept.kind
        before = floors[kind]
        floors[kind] = max(before[0], float(fit[number])), max(before[1], float(memory[number]))
    return floors | {"depth": floors["binary"]}
