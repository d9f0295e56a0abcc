"""The n-gram that a network has to beat: learned once a run, and kept in the run's record."""

from charrnn.runs import RunDirectory
from charrnn.text.ngram import CHARACTERS_PER_SECOND, MAX_ORDER, MAX_TRAIN_CHARS, NGram, fit_best_ngram
from charrnn.training.metrics import read_ngram, write_ngram
from charrnn.training.run import Trainer

BUDGET_FRACTION = 0.03
"""of a budget of time, for the n-gram"""
MIN_TRAIN_CHARS = 20_000
"""characters, however little time there is: they take a twentieth of a second"""
ENOUGH_FRACTION = 0.9
"""of what the budget affords is as good"""


def ngram_baseline(trainer: Trainer, directory: RunDirectory) -> NGram:
    """Look up the n-gram of a run's text, or learn it and note it; anew only where a longer budget affords more."""
    at_most = round(chars_affordable(trainer.training.minutes) / _document_padding(trainer))
    recorded = read_ngram(directory.metrics)
    if recorded is not None and recorded.learned_from >= ENOUGH_FRACTION * min(at_most, trainer.train_characters):
        return recorded
    size = len(trainer.corpus.vocabulary)
    fitted = fit_best_ngram(
        trainer.corpus.ids,
        train_characters=trainer.train_characters,
        size=size,
        at_most=at_most,
        end=trainer.corpus.end,
    )
    trainer.corpus.release_pages()
    write_ngram(directory.metrics, fitted)
    return fitted


def _document_padding(trainer: Trainer) -> float:
    """Say how much longer a text becomes where its documents are kept apart."""
    corpus = trainer.corpus
    return 1.0 if corpus.end is None else 1 + (MAX_ORDER - 1) * corpus.counts[corpus.end] / corpus.characters


def chars_affordable(minutes: float | None) -> int:
    """Say how many characters it may learn from; all that it would, where time is not what is short.

    >>> chars_affordable(None), chars_affordable(0.1), chars_affordable(5)
    (2000000, 144000, 2000000)
    """
    if minutes is None:
        return MAX_TRAIN_CHARS
    return min(MAX_TRAIN_CHARS, max(MIN_TRAIN_CHARS, round(BUDGET_FRACTION * 60 * minutes * CHARACTERS_PER_SECOND)))
