"""The n-gram that a network has to beat: learned once a run, and kept in the run's record."""

from charrnn.runs import RunDirectory
from charrnn.text.ngram import CHARACTERS_PER_SECOND, LONGEST, MOST_LEARNED, NGram, best_ngram
from charrnn.training.metrics import note_ngram, noted_ngram
from charrnn.training.run import Run

SHARE_OF_BUDGET = 0.03
"""of a budget of time, for the n-gram"""
FEWEST_LEARNED = 20_000
"""characters, however little time there is: they take a twentieth of a second"""
NEARLY = 0.9
"""of what the budget affords is as good"""


def ngram_of(run: Run, directory: RunDirectory) -> NGram:
    """Look up the n-gram of a run's text, or learn it and note it; anew only where a longer budget affords more."""
    at_most = round(affordable(run.training.minutes) / _stretched(run))
    known = noted_ngram(directory.metrics)
    if known is not None and known.learned_from >= NEARLY * min(at_most, run.train_characters):
        return known
    size = len(run.corpus.vocabulary)
    found = best_ngram(
        run.corpus.ids, train_characters=run.train_characters, size=size, at_most=at_most, end=run.corpus.end
    )
    run.corpus.release()
    note_ngram(directory.metrics, found)
    return found


def _stretched(run: Run) -> float:
    """Say how much longer a text becomes where its documents are kept apart."""
    corpus = run.corpus
    return 1.0 if corpus.end is None else 1 + (LONGEST - 1) * corpus.counts[corpus.end] / corpus.characters


def affordable(minutes: float | None) -> int:
    """Say how many characters it may learn from; all that it would, where time is not what is short.

    >>> affordable(None), affordable(0.1), affordable(5)
    (2000000, 144000, 2000000)
    """
    if minutes is None:
        return MOST_LEARNED
    return min(MOST_LEARNED, max(FEWEST_LEARNED, round(SHARE_OF_BUDGET * 60 * minutes * CHARACTERS_PER_SECOND)))
