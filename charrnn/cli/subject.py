"""The model that `charrnn inspect` looks into, and the text that it is watched on: a file, or what was held out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.cli.streams import read_text, tell
from charrnn.errors import CharrnnError
from charrnn.held_out import held_out
from charrnn.inspection.concepts import Source
from charrnn.inspection.material import Text
from charrnn.network.model_file import Model, load
from charrnn.network.reader import Reader
from charrnn.text.encoding import known_encoding
from charrnn.text.vocabulary import named

Asked = Mapping[str, Any]
"""the command's options by their names"""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model and the text that it is to be watched on."""

    path: Path
    model: Model
    reader: Reader
    source: Source
    ids: NDArray[np.integer]
    """of the source's text, (T,)"""


def subject_of(path: Path, asked: Asked, characters: int) -> Subject:
    """Load the model, and the text: a file, or else what training held out."""
    model, stretch = load(path), _stretch(asked, characters)
    if asked["text"]:
        read = _given_text(model, asked["text"], asked["encoding"], stretch)
    else:
        told = held_out(path, model.vocabulary, model.training, stretch, hint="`--text FILE` names one")
        read = _some(told.text, told.name, model, stretch)
    return Subject(path=path, model=model, reader=Reader.of(model), source=read.source, ids=read.ids)


def confirming(subject: Subject, asked: Asked, characters: int) -> Text | None:
    """Load the other text that findings are to be confirmed on, from the same place on, if one was named."""
    if not asked["confirm"]:
        return None
    return _given_text(subject.model, asked["confirm"], asked["encoding"], _stretch(asked, characters))


def _stretch(asked: Asked, characters: int) -> slice:
    """Say which characters of a text are asked for."""
    start: int = asked["start"]
    return slice(start, start + characters)


def _given_text(model: Model, name: str, encoding: str, stretch: slice) -> Text:
    """Read a file; characters that the model never saw are left out, and that is said."""
    text = read_text(name, known_encoding(encoding), documents=model.config.documents)[stretch]
    if model.vocabulary.readable(text) != text:
        tell(f"note: left out what the model never saw: {named(model.vocabulary.unknown_in(text))}")
    return _some(text, name, model, stretch)


def _some(text: str, name: str, model: Model, stretch: slice) -> Text:
    """Have a text read as the model reads it; raise CharrnnError where there is none."""
    read = Text.of(text, name, model.vocabulary)
    if not read.source.text:
        raise CharrnnError(f"{name} has no text at {stretch.start:,}", hint="a lower `--start`")
    return read
