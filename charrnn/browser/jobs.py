"""Work of the browser that takes longer than a key may: the search, attributions and continuations."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from charrnn.browser.recording import Recording
from charrnn.generation.generate import Prefilled, StopCriteria, generate, prefill
from charrnn.inspection.concepts import Concept
from charrnn.inspection.measures.activations import CELL_WARM_UP
from charrnn.inspection.measures.attribution import Attribution, attribute_prediction
from charrnn.inspection.search.finding import Finding
from charrnn.inspection.search.screening import SearchOptions
from charrnn.inspection.search.search import search
from charrnn.inspection.search.search_data import EncodedText
from charrnn.network.inference import NO_CLAMPS, InferenceRNN, to_numpy
from charrnn.network.interventions import make_clamps

Step = TypeVar("Step")
IsCancelled = Callable[[], bool]

CONTINUATION_CHARS = 400
"""length of a continuation"""
CONTINUATION_WARM_UP = 2 * CELL_WARM_UP
"""characters that are read before a continuation"""


class CancelledError(Exception):
    """Raised in a search whose result is no longer needed."""


class Start(Protocol):
    """Starts work, and passes its result on when the work is done."""

    def __call__(self, work: Callable[[IsCancelled], Any], done: Callable[[Any], None], /) -> None:
        """Start work; its argument returns whether the result is no longer needed."""


def start_now(work: Callable[[IsCancelled], Any], done: Callable[[Any], None]) -> None:
    """Do work at once, and pass its result on."""
    done(work(lambda: False))


@dataclass(frozen=True, kw_only=True, eq=False)
class QuickSearch:
    """A search for the cells that follow a concept, without the controls and tests that take long."""

    rnn: InferenceRNN
    text: EncodedText
    concepts: tuple[Concept, ...]
    """concepts to search for; empty for all built-in ones"""
    signal: str
    seed: int

    def run(self, is_cancelled: IsCancelled) -> tuple[Finding, ...]:
        """Return the findings (CharrnnError; CancelledError soon after `is_cancelled` returns true)."""

        def cancellable(steps: Iterable[Step], _stage: str, _count: int) -> Iterator[Step]:
            for step in steps:
                if is_cancelled():
                    raise CancelledError
                yield step

        options = SearchOptions(concepts=self.concepts or None, signal=self.signal, quick=True, progress=cancellable)
        rng = np.random.default_rng(self.seed)
        findings = search(self.rnn, self.text.parsed, self.text.ids, rng=rng, options=options)
        return tuple(finding for finding in findings.concepts if finding.verdict != "none")


def attribute(recording: Recording, position: int) -> Attribution:
    """Return the attribution of the prediction of the character at a position to the characters before it."""
    rng = np.random.default_rng(position)
    return attribute_prediction(recording.rnn, recording.vocabulary, recording.ids, position, rng)


def continue_text(recording: Recording, position: int, *, cell: int, held: float | None, seed: int) -> str:
    """Return a continuation of the text after a position, with a cell held at a value from there on; None: free."""
    rnn = recording.rnn
    clamps = NO_CLAMPS if held is None else make_clamps(rnn, {recording.cell_id(cell): held})
    state = prefill(rnn, recording.ids[max(0, position + 1 - CONTINUATION_WARM_UP) : position + 1])
    written = generate(
        rnn,
        recording.vocabulary,
        rng=np.random.default_rng(seed),
        prefilled=Prefilled(to_numpy(rnn.logits(state[-1].hidden)), state, clamps),
        stop=StopCriteria(max_chars=CONTINUATION_CHARS),
    )
    return "".join(character.char for character in written)
