"""Held-out text of a model: the end of the corpus in its run directory, or of the user's standard library."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from charrnn.errors import CharrnnError
from charrnn.storage.run_directory import RunDirectory, is_bundled
from charrnn.text.corpus import Corpus, open_corpus
from charrnn.text.decoding import decode_text
from charrnn.text.source_file import STANDARD_LIBRARY, standard_library_files
from charrnn.text.vocabulary import Vocabulary, normalize

DEFAULT_CHARS = 200_000
"""default number of held-out characters for a search"""
MAX_LINE_CHARS = 200
"""characters in which the start of the first complete line is searched for"""


class NamedText(NamedTuple):
    """A text and its name."""

    text: str
    name: str
    """name for messages and records"""


def held_out_text(
    path: Path, vocabulary: Vocabulary, training: Mapping[str, Any], section: slice, *, hint: str
) -> NamedText:
    """Return a section of the held-out text of the model in file `path`; position 0 is the start of a line.

    Raise CharrnnError with the given hint if the run directory has no corpus, or the corpus of another model.
    """
    if is_bundled(path):
        return NamedText(_held_out_library(training, hint)[section], STANDARD_LIBRARY)
    corpus, split_position = training_corpus(path, vocabulary, training, hint=hint)
    if not section.start and corpus.documents is None:
        # The start of the first complete line, or the position itself if no line begins nearby.
        split_position += max(0, corpus.text(split_position - 1, split_position + MAX_LINE_CHARS).find("\n"))
    return NamedText(corpus.text(split_position + section.start, split_position + section.stop), corpus.name)


def training_corpus(
    path: Path, vocabulary: Vocabulary, training: Mapping[str, Any], *, hint: str
) -> tuple[Corpus, int]:
    """Return the corpus of the model in file `path`, and the position at which the held-out text begins.

    Raise CharrnnError with the given hint if the run directory has no corpus, or the corpus of another model.
    """
    if is_bundled(path):
        raise CharrnnError("the bundled model comes without its training text", hint=hint)
    try:
        corpus = open_corpus(RunDirectory(path.parent).corpus)
    except CharrnnError as error:
        raise CharrnnError(f"the text of {path} is not beside it", hint=hint) from error
    split_position: Any = training.get("train_characters")
    is_position = type(split_position) is int and 0 <= split_position <= corpus.characters
    if not is_position or corpus.vocabulary != vocabulary:
        raise CharrnnError(f"the text beside {path} is not the model's", hint=hint)
    return corpus, split_position


def _held_out_library(training: Mapping[str, Any], hint: str) -> str:
    """Return the files at the end of the standard library that the bundled model was not trained on (CharrnnError).

    The files of another version of Python differ a little, but their order is the same.
    """
    try:
        files = standard_library_files()
    except CharrnnError as error:
        raise CharrnnError(error.message, hint=hint) from error
    sizes = [file.path.stat().st_size for file in files]
    start, first = sum(sizes) * training["train_characters"] / training["characters"], 0
    while sum(sizes[:first]) < start:
        first += 1
    text = "".join(chunk for file in files[first:] for chunk in decode_text(file, "utf-8"))
    return normalize(text, training.get("normalization"))
