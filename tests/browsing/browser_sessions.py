"""Sessions of the browser over small texts."""

from functools import partial
from typing import Any

from common import letters_model

from charrnn.browser.lines import Terminal
from charrnn.browser.recording import Recording, record
from charrnn.browser.session import Session
from charrnn.browser.state import BrowserState
from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.search.finding import Finding
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model
from charrnn.views.heatmap import Heatmap

LETTERS_TEXT = 'abc "defghi" jkl\nmno "pq" rst\n' * 20
"""a text with quotations, which cell 1.29 of `letters_model` follows"""
QUOTE_CELL = "1.29"


def make_recording(model: Model | None = None, text: str = LETTERS_TEXT) -> Recording:
    """Return the recording of a text that a model reads, by default the handmade one."""
    model = model or letters_model()
    ids = model.vocabulary.encode(text)
    return record(InferenceRNN.from_model(model), model.vocabulary, ParsedText.of(text, "text.txt"), ids)


def make_finding(concept: str, cell: str, fit: float = 0.5, verdict: str = "detector") -> Finding:
    """Return a finding of a search."""
    return Finding(
        concept=concept,
        description="",
        cell=cell,
        sign=1,
        fit=fit,
        fit_se=0.0,
        memory=fit,
        tuning=(),
        episodes=50,
        top=(),
        verdict=verdict,
    )


def new_session(recording: Recording | None = None, *, terminal: Terminal | None = None, **options: Any) -> Session:
    """Return a session whose files are appended to a list in place of being written."""
    saved: list[tuple[str, Heatmap]] = options.pop("saved", [])
    return Session(
        BrowserState(recording or make_recording()),
        title="model over text.txt",
        terminal=terminal or Terminal(color_system="256"),
        save=partial(_append, saved),
        concepts=CONCEPTS,
        **options,
    )


def _append(saved: list[tuple[str, Heatmap]], name: str, heatmap: Heatmap) -> str:
    saved.append((name, heatmap))
    return f"{name}: written"


def press(session: Session, *keys: str) -> None:
    """Press keys: names of Textual, or a text to type after `type:`."""
    for key in keys:
        if key.startswith("type:"):
            for character in key.removeprefix("type:"):
                session.press(character, character)
        else:
            session.press(key, key if len(key) == 1 else None)
