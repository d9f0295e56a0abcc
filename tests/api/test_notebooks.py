"""Everything that the Python API explains is HTML in a notebook, which no text and no name can escape from."""

import dataclasses
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from common import random_model

import charrnn
from charrnn.inspection.measures.gate_saturation import measure_gates
from charrnn.inspection.notebook import NotebookRecord, html_of
from charrnn.network.model_file import save_model
from charrnn.storage.run_directory import RunDirectory

HOSTILE = "</pre><script>alert(1)</script>\x1b[31m\u202e\u200b&\"'<img src=x onerror=y> 日本 עברית\n\t"
TAGS = {
    *("pre", "b", "span", "table", "thead", "tbody", "tr", "th", "td"),
    *("svg", "title", "rect", "g", "path", "text", "circle"),
}
ATTRIBUTES = {
    *("style", "title", "xmlns", "viewbox", "width", "height", "role", "font-family", "font-size", "font-weight"),
    *("transform", "x", "y", "d", "fill", "stroke", "stroke-width", "stroke-linecap", "stroke-dasharray"),
    *("text-anchor", "cx", "cy", "r"),
}

pytestmark = pytest.mark.usefixtures("few_positions")


class Page(HTMLParser):
    """The elements and the text of an HTML fragment, as parsed by a browser."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record a start tag."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an element without content."""
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Record an end tag, which ends the last element."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Record text."""
        self.text += data


@pytest.fixture
def model(run_here: RunDirectory) -> charrnn.TrainedModel:
    """Return a model that reads hostile text; its run has hostile metrics."""
    characters = "".join(sorted(set(HOSTILE) | set("abcdefgh()")))
    training = {"corpus": HOSTILE, "step": 20, "epoch": 1.0, "train_characters": 500, "seconds": 9.0}
    save_model(run_here.model, dataclasses.replace(random_model(characters), training=training))
    lines = [{"event": "evaluation", "step": step, "bits": 4 - step / 20} for step in (10, 20)]
    run_here.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines) + "damaged\n")
    return charrnn.load()


def findings(model: charrnn.TrainedModel) -> charrnn.Findings:
    """Return the findings of a concept with a hostile pattern."""
    text = "abc (a bc) ab\n  deaf <b> had a cab (fed) \n" * 200
    known = "".join(character for character in text if character in model.model.vocabulary.characters)
    return model.find(known, concepts=["line_pos"], quick=True)


RECORDS: dict[str, Callable[[charrnn.TrainedModel], Any]] = {
    "heatmap": lambda model: model.heatmap(HOSTILE, "1.0", "2.1"),
    "gates": lambda model: model.gates(HOSTILE, "1.0"),
    "surprise": lambda model: model.surprise(HOSTILE),
    "attribution": lambda model: model.attribution(HOSTILE),
    "swap": lambda model: model.swap(HOSTILE, HOSTILE[:-3], "1.0", "1.1"),
    "profile": lambda model: model.cell_profile("2.3", HOSTILE),
    "profile of a lower layer": lambda model: model.cell_profile("1.3", HOSTILE, signal="f"),
    "findings": findings,
    "memory": lambda model: model.memory(HOSTILE * 30, against=[model], untrained=["same"]),
    "one context": lambda model: model.memory(HOSTILE * 30).contexts[0],
    "saturation": lambda model: measure_gates(
        model.reader, model.model.vocabulary.encode(HOSTILE * 30), model=HOSTILE, text=HOSTILE
    ),
    "comparison": lambda model: charrnn.compare(model.path.parent, model.path),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_html_that_no_text_escapes_from(model: charrnn.TrainedModel, name: str) -> None:
    """All elements are charrnn's own and closed; there are no scripts, no addresses and no control characters."""
    html = RECORDS[name](model)._repr_html_()
    page = Page(html)
    assert page.tags <= TAGS
    assert page.attributes <= ATTRIBUTES
    assert page.open == []
    assert page.text.strip()
    assert not set(html) & set("\x1b\u202e\u200b")
    assert not re.search(r"url\(|javascript:|https?://(?!www\.w3\.org/2000/svg)", html)


def test_drawings_have_the_content_of_the_terminal(model: charrnn.TrainedModel) -> None:
    """Each names what it shows."""
    shown = {name: Page(make(model)._repr_html_()).text for name, make in RECORDS.items()}
    assert "i, f, g, o, tanh(c), h of 1.0" in shown["gates"]
    assert "promotes" in shown["profile"]
    assert "2.3" in shown["profile"]
    assert "not in the last layer" in shown["profile of a lower layer"]
    assert "from A into B" in shown["swap"]
    assert "from B into A" not in shown["swap"]
    assert "line_pos" in shown["findings"]
    assert "c LSTM 2×12 untrained" in shown["memory"]
    assert "strongest" in shown["attribution"]
    assert "held-out loss" in shown["comparison"]
    assert "LSTM 2×12" in shown["comparison"]


def test_a_comparison_of_damaged_runs_is_drawn(model: charrnn.TrainedModel) -> None:
    """A run without metrics has no curve, and a damaged model names its problem; their picture is refused."""
    other = RunDirectory(Path("checkpoints/<b>"))
    other.path.mkdir()
    other.model.write_bytes(b"damaged")
    comparison = charrnn.compare(model.path, other.path)
    page = Page(comparison._repr_html_())
    assert "<b>" in page.text
    assert page.tags <= TAGS
    assert comparison.to_svg().count("held-out loss") == 3  # the title of the document, and of both plots
    with pytest.raises(charrnn.CharrnnError, match="no run has a history"):
        charrnn.compare(other.path).to_svg()
    with pytest.raises(charrnn.WrongUsageError, match="no run is named"):
        charrnn.compare()
    with pytest.raises(charrnn.CharrnnError):
        charrnn.compare("nothing")


def test_only_trained_models_are_compared(model: charrnn.TrainedModel) -> None:
    """A path or a kind of cell is no model, and a misspelled cell is named."""
    arguments: Any = {"against": ["checkpoints/hamlet"]}
    with pytest.raises(charrnn.WrongUsageError, match="is not a trained model"):
        model.memory(HOSTILE * 30, **arguments)
    with pytest.raises(charrnn.WrongUsageError, match="'gruu' is not a kind of cell"):
        model.memory(HOSTILE * 30, untrained=["gruu"])


def test_a_record_without_a_drawing_is_shown_as_text() -> None:
    """None tells a notebook that there is no HTML."""
    assert html_of(NotebookRecord()) is None
    assert NotebookRecord()._repr_html_() is None
