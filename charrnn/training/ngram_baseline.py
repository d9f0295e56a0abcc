"""The n-gram baseline of a run: fitted in a thread beside the first training steps, and recorded in the metrics."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from charrnn.storage.run_directory import RunDirectory
from charrnn.text.ngram import CHARACTERS_PER_SECOND, MAX_ORDER, MAX_TRAIN_CHARS, NGram, fit_best_ngram
from charrnn.training.early_stopping import is_finished
from charrnn.training.events import Event
from charrnn.training.metrics import read_ngram
from charrnn.training.trainer import Trainer

BUDGET_FRACTION = 0.03
"""fraction of a time budget that fitting the n-gram may take"""
MIN_TRAIN_CHARS = 20_000
"""minimum number of characters to fit the n-gram on, which takes a twentieth of a second"""
ENOUGH_FRACTION = 0.9
"""a recorded n-gram is reused if it was fitted on this fraction of the affordable characters"""


class NGramBaseline:
    """The n-gram baseline of a run: the recorded one, or one that is fitted while the training begins.

    A recorded n-gram is not used if a longer budget affords more text.
    """

    def __init__(self, trainer: Trainer, directory: RunDirectory) -> None:
        self._trainer = trainer
        max_chars = round(chars_affordable(trainer.training.minutes) / _document_padding(trainer))
        enough = ENOUGH_FRACTION * min(max_chars, trainer.train_characters)
        recorded = read_ngram(directory.metrics)
        self._future: Future[NGram]
        if recorded is not None and recorded.learned_from >= enough:
            self._future = Future()
            self._future.set_result(recorded)
        else:
            pool = ThreadPoolExecutor(1, thread_name_prefix="ngram")
            self._future = pool.submit(_fit, trainer, max_chars)
            pool.shutdown(wait=False)

    @property
    def ngram(self) -> NGram:
        """The n-gram; wait for it if it is being fitted."""
        return self._future.result()

    def add_to(self, events: Iterator[Event]) -> Iterator[Event]:
        """Pass events through, and yield the n-gram once it is known, at the latest at the end of the training."""
        is_pending = True
        if self._future.done():
            yield self.ngram
            is_pending = False
        for event in events:
            yield event
            if is_pending and self._future.done():
                yield self.ngram
                is_pending = False
        # A stopped training does not wait; a resumed run fits the n-gram again.
        if is_pending and is_finished(self._trainer):
            yield self.ngram


def _fit(trainer: Trainer, max_chars: int) -> NGram:
    """Return the n-gram of the training text."""
    corpus = trainer.corpus
    fitted = fit_best_ngram(
        corpus.ids,
        train_characters=trainer.train_characters,
        size=len(corpus.vocabulary),
        max_chars=max_chars,
        end_id=corpus.end_id,
    )
    corpus.release_pages()
    return fitted


def _document_padding(trainer: Trainer) -> float:
    """Return the factor by which padding between documents lengthens the text."""
    corpus = trainer.corpus
    return 1.0 if corpus.end_id is None else 1 + (MAX_ORDER - 1) * corpus.counts[corpus.end_id] / corpus.characters


def chars_affordable(minutes: float | None) -> int:
    """Return how many characters the n-gram may be fitted on in a time budget; None: no limit but MAX_TRAIN_CHARS.

    >>> chars_affordable(None), chars_affordable(0.1), chars_affordable(5)
    (2000000, 144000, 2000000)
    """
    if minutes is None:
        return MAX_TRAIN_CHARS
    return min(MAX_TRAIN_CHARS, max(MIN_TRAIN_CHARS, round(BUDGET_FRACTION * 60 * minutes * CHARACTERS_PER_SECOND)))
