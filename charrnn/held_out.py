"""The text that a run held out: the end of its own corpus, which its model was not trained on.

What is done with it is left to those who ask for it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from charrnn.errors import CharrnnError
from charrnn.runs import RunDirectory
from charrnn.text.corpus import Corpus, open_corpus
from charrnn.text.vocabulary import Vocabulary

DEFAULT_CHARS = 200_000
"""characters of it that are searched, left to ourselves"""
MAX_LINE_CHARS = 200
"""characters; where the next line begins farther off, a text begins within one"""


class NamedText(NamedTuple):
    """A text and what it is called."""

    text: str
    name: str


def held_out_text(
    path: Path, vocabulary: Vocabulary, training: Mapping[str, Any], stretch: slice, *, hint: str
) -> NamedText:
    """Take a stretch of what was held out from the model in that file; the first begins where a line does.

    Of the model its vocabulary and the record of its training are enough; its weights need not be read.

    Raise CharrnnError, with that hint, where the run's corpus is not beside the model or is another's.
    """
    corpus, begin = training_corpus(path, vocabulary, training, hint=hint)
    if not stretch.start and corpus.documents is None:
        begin = _next_line_start(corpus, begin)
    return NamedText(corpus.text(begin + stretch.start, begin + stretch.stop), corpus.name)


def training_corpus(
    path: Path, vocabulary: Vocabulary, training: Mapping[str, Any], *, hint: str
) -> tuple[Corpus, int]:
    """Open the corpus that the model in that file was trained on, and say where in it the held-out text begins.

    Raise CharrnnError, with that hint, where it is not beside the model or is another's.
    """
    try:
        corpus = open_corpus(RunDirectory(path.parent).corpus)
    except CharrnnError as error:
        raise CharrnnError(f"the text of {path} is not beside it", hint=hint) from error
    begin = training.get("train_characters")
    if corpus.vocabulary != vocabulary or type(begin) is not int or not 0 <= begin <= corpus.characters:
        raise CharrnnError(f"the text beside {path} is not the model's", hint=hint)
    return corpus, begin


def _next_line_start(corpus: Corpus, begin: int) -> int:
    """Find where the next line begins, if that is near; training's end falls anywhere in one."""
    return begin + corpus.text(begin, begin + MAX_LINE_CHARS).find("\n") + 1
