"""The model that `charrnn inspect` looks into, and the text that it is watched on: a file, or what was held out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.cli.streams import read_text, write_note
from charrnn.errors import CharrnnError
from charrnn.held_out import held_out_text
from charrnn.inspection.concepts import ParsedText
from charrnn.inspection.material import EncodedText
from charrnn.network.model_file import Model, load_model
from charrnn.network.reader import InferenceRNN
from charrnn.text.encoding import check_encoding
from charrnn.text.vocabulary import format_characters

Options = Mapping[str, Any]
"""the command's options by their names"""


@dataclass(frozen=True, kw_only=True)
class InspectionTarget:
    """A model and the text that it is to be watched on."""

    path: Path
    model: Model
    rnn: InferenceRNN
    parsed: ParsedText
    ids: NDArray[np.integer]
    """of the source's text, (T,)"""


def load_target(path: Path, options: Options, characters: int) -> InspectionTarget:
    """Load the model, and the text: a file, or else what training held out."""
    model, stretch = load_model(path), _stretch(options, characters)
    if options["text"]:
        read = _given_text(model, options["text"], options["encoding"], stretch)
    else:
        held_out = held_out_text(path, model.vocabulary, model.training, stretch, hint="`--text FILE` names one")
        read = _encode_text(held_out.text, held_out.name, model, stretch)
    return InspectionTarget(
        path=path, model=model, rnn=InferenceRNN.from_model(model), parsed=read.parsed, ids=read.ids
    )


def load_confirmation_text(target: InspectionTarget, options: Options, characters: int) -> EncodedText | None:
    """Load the other text that findings are to be confirmed on, from the same place on, if one was named."""
    if not options["confirm"]:
        return None
    return _given_text(target.model, options["confirm"], options["encoding"], _stretch(options, characters))


def _stretch(options: Options, characters: int) -> slice:
    """Say which characters of a text are asked for."""
    start: int = options["start"]
    return slice(start, start + characters)


def _given_text(model: Model, name: str, encoding: str, stretch: slice) -> EncodedText:
    """Read a file; characters that the model never saw are left out, and that is said."""
    text = read_text(name, check_encoding(encoding), documents=model.config.documents)[stretch]
    if model.vocabulary.drop_unencodable(text) != text:
        write_note(
            f"note: left out what the model never saw: {format_characters(model.vocabulary.count_unknown(text))}"
        )
    return _encode_text(text, name, model, stretch)


def _encode_text(text: str, name: str, model: Model, stretch: slice) -> EncodedText:
    """Have a text read as the model reads it; raise CharrnnError where there is none."""
    read = EncodedText.of(text, name, model.vocabulary)
    if not read.parsed.text:
        raise CharrnnError(f"{name} has no text at {stretch.start:,}", hint="a lower `--start`")
    return read
