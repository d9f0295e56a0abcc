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
    model = load(path)
    stretch = slice(asked["start"], asked["start"] + characters)
    if asked["text"]:
        text, name = _given_text(model, asked["text"], asked["encoding"], stretch)
    else:
        text, name = held_out(path, model.vocabulary, model.training, stretch, hint="`--text FILE` names one")
    if not text:
        raise CharrnnError(f"{name} has no text at {asked['start']:,}", hint="a lower `--start`")
    reader = Reader.of(model)
    ids = model.vocabulary.encode(text, unknown="stand_in")
    return Subject(path=path, model=model, reader=reader, source=Source.of(text, name), ids=ids)


def confirming(subject: Subject, asked: Asked, characters: int) -> Text | None:
    """Load the other text that findings are to be confirmed on, if one was named."""
    if not asked["confirm"]:
        return None
    read, name = _given_text(subject.model, asked["confirm"], asked["encoding"], slice(0, characters))
    ids = subject.model.vocabulary.encode(read, unknown="stand_in")
    return Text(source=Source.of(read, name), ids=ids)


def _given_text(model: Model, name: str, encoding: str, stretch: slice) -> tuple[str, str]:
    """Read a file; characters that the model never saw are left out, and that is said."""
    text = read_text(name, known_encoding(encoding), documents=model.config.documents)[stretch]
    readable = model.vocabulary.readable(text)
    if readable != text:
        tell(f"note: left out what the model never saw: {named(model.vocabulary.unknown_in(text))}")
    return readable, name
