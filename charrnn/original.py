"""The text that a model was trained on, as something to find copies of.

What of a text is copied is left to `novelty`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from charrnn.held_out import own_corpus
from charrnn.network.model_file import Model
from charrnn.novelty import SHORTEST, Novelty, novelty_of, ordinary, suffixes_of
from charrnn.runs import RunDirectory
from charrnn.text.suffixes import Suffixes

HELD_OUT = 10_000
"""characters of held-out text that show what is ordinary"""


@dataclass(frozen=True, kw_only=True)
class Original:
    """A training text to find copies of."""

    model: Model
    suffixes: Suffixes
    shortest: int
    """characters of a stretch that counts as copied"""
    ordinary: float | None
    """share of held-out text that is in such stretches; None: nothing was held out"""

    def novelty(self, text: str) -> Novelty:
        """Find what of a text is copied."""
        return novelty_of(self.model.vocabulary.encode(text), self.suffixes, self.shortest)


def original_of(path: Path, model: Model, *, hint: str) -> Original:
    """Find the training text of the model in that file, its suffixes sorted anew if they are not kept beside it.

    Raise CharrnnError, with that hint, where the run's corpus is not beside the model or is another's.
    """
    corpus, learned = own_corpus(path, model.vocabulary, model.training, hint=hint)
    suffixes = suffixes_of(corpus.ids[:learned], len(corpus.vocabulary), RunDirectory(path.parent).suffixes)
    held_out = novelty_of(np.asarray(corpus.ids[learned : learned + HELD_OUT]), suffixes)
    if not held_out.characters:
        return Original(model=model, suffixes=suffixes, shortest=SHORTEST, ordinary=None)
    shortest = ordinary(held_out)
    return Original(model=model, suffixes=suffixes, shortest=shortest, ordinary=held_out.at_least(shortest).share)
