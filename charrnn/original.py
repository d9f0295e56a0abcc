"""The text that a model was trained on, as something to find copies of.

What of a text is copied is left to `novelty`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from charrnn.held_out import training_corpus
from charrnn.network.model_file import Model
from charrnn.novelty import MIN_COPY_CHARS, Novelty, baseline_copy_length, find_copies, load_or_build_suffix_array
from charrnn.runs import RunDirectory
from charrnn.text.suffixes import SuffixArray

BASELINE_CHARS = 10_000
"""characters of held-out text that show what is ordinary"""


@dataclass(frozen=True, kw_only=True)
class TrainingTextIndex:
    """A training text to find copies of."""

    model: Model
    suffix_array: SuffixArray
    min_copy_chars: int
    """characters of a stretch that counts as copied"""
    baseline_fraction: float | None
    """share of held-out text that is in such stretches; None: nothing was held out"""

    def novelty(self, text: str) -> Novelty:
        """Find what of a text is copied."""
        return find_copies(self.model.vocabulary.encode(text), self.suffix_array, self.min_copy_chars)


def index_training_text(path: Path, model: Model, *, hint: str) -> TrainingTextIndex:
    """Find the training text of the model in that file, its suffixes sorted anew if they are not kept beside it.

    Raise CharrnnError, with that hint, where the run's corpus is not beside the model or is another's.
    """
    corpus, learned = training_corpus(path, model.vocabulary, model.training, hint=hint)
    suffix_array = load_or_build_suffix_array(
        corpus.ids[:learned], len(corpus.vocabulary), RunDirectory(path.parent).suffixes
    )
    held_out = find_copies(np.asarray(corpus.ids[learned : learned + BASELINE_CHARS]), suffix_array)
    if not held_out.characters:
        return TrainingTextIndex(
            model=model, suffix_array=suffix_array, min_copy_chars=MIN_COPY_CHARS, baseline_fraction=None
        )
    shortest = baseline_copy_length(held_out)
    return TrainingTextIndex(
        model=model,
        suffix_array=suffix_array,
        min_copy_chars=shortest,
        baseline_fraction=held_out.min_length(shortest).copied_fraction,
    )
