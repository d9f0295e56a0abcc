"""The other views fit every screen, show everything without color, and are sanitized."""

import re
import unicodedata
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from typing import Any

import numpy as np
import pytest
from common import random_model, random_weights
from rich.cells import cell_len
from rich.console import Console, RenderableType

from charrnn.config import NetworkConfig
from charrnn.inspection.measures.attribution import attribute_prediction
from charrnn.inspection.measures.effective_context import EffectiveContext, measure_context
from charrnn.inspection.measures.error_breakdown import break_down_errors
from charrnn.inspection.measures.gate_saturation import GateShares, measure_gates
from charrnn.inspection.measures.interchange import measure_both_ways, read_to_end
from charrnn.inspection.measures.max_activating import find_contexts
from charrnn.inspection.measures.surprisal import Surprise, measure_surprisal
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model
from charrnn.text.ngram import NGramPredictions
from charrnn.views.aligned_text import ConcordanceRow, ContextsList, concordance
from charrnn.views.attribution import AttributionView
from charrnn.views.effective_context import ContextPlots
from charrnn.views.error_breakdown import ErrorTables
from charrnn.views.gate_saturation import BINS, GateSaturationView, joint_histogram
from charrnn.views.interchange import InterchangeView
from charrnn.views.layout import Screen
from charrnn.views.surprisal import SurprisalMap

CODES = re.compile(r"\x1b\[[0-9;]*m")
COMMANDING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
HOSTILE = "esc \x1b[31m\r\tbidi\u202e cafe\u0301 हि 👩\u200d🚀 日本語\u2028\ufffd\x9b[red]\n({x})"
SCREENS: tuple[tuple[int, Any], ...] = (
    *((1, None), (20, "truecolor"), (40, None), (40, "standard")),
    *((80, None), (80, "256"), (200, None), (200, "truecolor")),
)
MODEL = random_model("".join(sorted(set(HOSTILE))))
READER = InferenceRNN.from_model(MODEL)
NAMES: dict[str, Any] = {"model": "checkpoints/\x1b[31m日本", "text": "a\x07[bold]b\u202e.txt"}


def console(width: int, depth: Any = None, encoding: str = "utf-8") -> Console:
    """Return a console that writes into memory."""
    stream = TextIOWrapper(BytesIO(), encoding=encoding, newline="")
    return Console(file=stream, width=width, color_system=depth, force_terminal=True, highlight=False, _environ={})


def written(drawing: RenderableType, width: int, depth: Any = None, encoding: str = "utf-8") -> str:
    """Return the output of a console of the given width."""
    screen = console(width, depth, encoding)
    with screen.capture() as capture:
        screen.print(drawing)
    return capture.get()


def surprise_of(text: str, guesses: int = 5, model: Model = MODEL) -> Surprise:
    """Return the surprisal of a text."""
    ids = model.vocabulary.encode(text)
    return measure_surprisal(InferenceRNN.from_model(model), model.vocabulary, ids, guesses=guesses, **NAMES)


def context_of(cell: str) -> EffectiveContext:
    """Return the effective context of a small random network."""
    config = NetworkConfig(cell=cell, layers=1, hidden=5, embedding=2)
    ids = np.random.default_rng(1).integers(4, size=2_000)
    return measure_context(InferenceRNN(config, random_weights(config, 4)), ids, np.random.default_rng(0), **NAMES)


TEXT = HOSTILE * 60
IDS = MODEL.vocabulary.encode(TEXT)
CONTEXT = context_of("lstm")
SEVERAL = tuple(replace(CONTEXT, cell=cell) for cell in ("lstm", "gru", "rnn"))
NATS = np.linspace(0.1, 9, len(TEXT) - 1)
COUNTED = NGramPredictions(order=7, learned_from=100_000, probabilities=np.full(len(TEXT) - 1, 0.2))
EXAMPLES, OUTPUT_EXAMPLES = find_contexts(
    READER, TEXT, IDS, [(1, 3), (2, 3)], np.random.default_rng(0), vocabulary=MODEL.vocabulary, **NAMES
)

ATTRIBUTION = attribute_prediction(READER, MODEL.vocabulary, IDS[:90], 80, np.random.default_rng(0), **NAMES)
SWAPPED = (
    read_to_end(READER, MODEL.vocabulary.encode(HOSTILE * 9)),
    read_to_end(READER, MODEL.vocabulary.encode("esc \x1b[31m\r\tbidi\u202e")),
)
UNITS = [(1, unit) for unit in range(9)]
FORWARD, REVERSE = measure_both_ways(READER, MODEL.vocabulary, SWAPPED, [(2, 3)], model=NAMES["model"])
MANY, MANY_REVERSE = measure_both_ways(READER, MODEL.vocabulary, SWAPPED, UNITS, model=NAMES["model"])

DRAWINGS: dict[str, RenderableType] = {
    "surprise": SurprisalMap(surprise=surprise_of(HOSTILE)),
    "surprise alone": SurprisalMap(surprise=surprise_of(HOSTILE, guesses=0), light=True),
    "why": AttributionView(attribution=ATTRIBUTION),
    "swap": InterchangeView(forward=FORWARD, reverse=REVERSE),
    "swap of many cells": InterchangeView(forward=MANY, reverse=MANY_REVERSE),
    "contexts": ContextsList(contexts=EXAMPLES),
    "contexts of an output cell": ContextsList(contexts=OUTPUT_EXAMPLES),
    "gates": GateSaturationView(gates=measure_gates(READER, IDS, **NAMES)),
    "memory": ContextPlots(contexts=(CONTEXT,)),
    "memories": ContextPlots(contexts=SEVERAL),
    "errors": ErrorTables(breakdown=break_down_errors(TEXT, NATS, counted=COUNTED, **NAMES)),
    "errors alone": ErrorTables(breakdown=break_down_errors(TEXT, NATS, **NAMES)),
}


@pytest.mark.parametrize(("width", "depth"), SCREENS)
@pytest.mark.parametrize("name", DRAWINGS)
def test_no_text_controls_the_terminal_and_no_row_is_too_wide(name: str, width: int, depth: Any) -> None:
    """Neither the text nor the name of a file."""
    output = CODES.sub("", written(DRAWINGS[name], width, depth))
    assert not [mark for mark in set(output) - {"\n"} if unicodedata.category(mark) in COMMANDING]
    assert max(map(cell_len, output.split("\n"))) <= width


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("name", DRAWINGS)
def test_an_ascii_screen_gets_only_ascii(name: str, width: int) -> None:
    """No row is wider than the screen."""
    output = written(DRAWINGS[name], width, encoding="ascii")
    assert output.isascii()
    assert max(map(len, output.splitlines())) <= width


def plain_blocks(surprise: Surprise, width: int = 80) -> list[list[str]]:
    """Return the rows of each block of a map without color and labels: text, bits, guesses, came, sure."""
    count = surprise.probabilities.shape[1]
    rows = written(SurprisalMap(surprise=surprise), width).split("\n")[1:]
    blocks = []
    for start in range(0, len(rows), count + 5):
        block = rows[start : start + count + 4]
        if len(block) < 2 or not block[1].startswith("bits "):
            break
        blocks.append([row[5:] for row in block])
    return blocks


def test_without_color_digits_show_bits_guesses_and_ranks() -> None:
    """Whole bits, guesses of at least five percent, the rank of the actual character, and the best probability."""
    surprise = surprise_of("bed head\n fed", model=random_model("\n abcdefgh"))
    position = 0
    for text, bits, *guesses, came, sure in plain_blocks(surprise):
        for column, mark in enumerate(text):
            if position:
                rank = surprise.ranks[position]
                assert bits[column] == str(min(8, round(surprise.bits[position])))
                assert came[column : column + 1].strip() == (str(rank) if rank <= len(guesses) else "")
                assert sure[column] == str(min(9, int(surprise.probabilities[position, 0] * 10)))
            for row, probability in zip(guesses, surprise.probabilities[position], strict=True):
                guess = row[column : column + 1].strip()
                assert bool(guess) == (probability >= 0.05)
            assert mark in (surprise.content[position], "¶")
            position += 1
    assert position == len(surprise.content)


def test_wide_guesses_widen_the_text_above() -> None:
    """A Chinese guess below a narrow character does not move its neighbors."""
    surprise = surprise_of("日a日c", guesses=len(MODEL.vocabulary))
    text, *rows = plain_blocks(surprise)[0]
    assert cell_len(text.rstrip()) in (7, 8)
    assert (
        rows[0].rstrip()
        == "".join(
            (" " if position == 0 else str(min(8, round(bits)))) * 2 for position, bits in enumerate(surprise.bits)
        ).rstrip()
    )


@pytest.mark.parametrize("depth", ["truecolor", "256", "standard"])
def test_in_color_correct_guesses_are_underlined(depth: str) -> None:
    """The number of underlined guesses equals the number of correct guesses shown."""
    surprise = surprise_of("esc red\nesc", guesses=4)
    output = written(SurprisalMap(surprise=surprise), 80, depth)
    underlined = re.findall(r"\x1b\[1;4[;\d]*m([^\x1b]*)\x1b", output[: output.index("most surprising")])
    assert sum(map(len, underlined)) == (surprise.ranks[1:] <= 4).sum() + len("underlined")


def test_the_characters_of_a_concordance_are_in_one_column() -> None:
    """Below the mark, for any context; digits are below their characters."""
    texts = [("", "x", "after"), ("some words before ", "y", ""), ("日本語" * 9, "z", "日本語" * 9)]
    entries = [
        ConcordanceRow(label="+0.12", before=b, character=c, after=a, values=np.linspace(-1, 1, len(b + c + a)))
        for b, c, a in texts
    ]
    screen = Screen(columns=40, unicode=True, color_system=None)
    head, *rows = "".join(segment.text for segment in concordance(entries, screen)).splitlines()
    column = cell_len(head) - 1
    for (_, mark, _), row, digits in zip(texts, rows[::2], rows[1::2], strict=True):
        assert cell_len(row[: row.index(mark)]) == column
        assert digits[column].isdigit()
        assert cell_len(row.rstrip()) >= len(digits) - 1
        assert cell_len(row) <= 40


def test_a_planted_cell_is_drawn_in_its_corner() -> None:
    """An open gate is at the right of the lowest row, a shut gate at the top left; each cell is counted once."""
    low = np.array([0.0, 1.0, 0.0, 0.5, 0.05, 0.3])
    high = np.array([1.0, 0.0, 0.0, 0.5, 0.9, 0.7])
    counts = joint_histogram(GateShares(gate="forget gate f", low=low, high=high))
    assert (counts[0, BINS - 1], counts[BINS - 1, 0], counts[0, 0]) == (2, 1, 1)
    assert counts.sum() == len(low)
    assert all(counts[row, column] == 0 for row in range(BINS) for column in range(BINS - row, BINS))


def test_models_are_side_by_side_on_wide_screens() -> None:
    """Three plots fit on 80 columns; on 40 columns they are below each other."""
    drawing = ContextPlots(contexts=SEVERAL)
    titles = re.compile("a LSTM 1×5 {5,}b GRU 1×5 {5,}c tanh RNN 1×5")
    assert any(map(titles.search, written(drawing, 80).splitlines()))
    assert not any(map(titles.search, written(drawing, 40).splitlines()))


def test_every_view_names_its_model_and_text() -> None:
    """Both names are sanitized. The texts of an interchange intervention have no names."""
    for name, drawing in DRAWINGS.items():
        head = written(drawing, 200).splitlines()[0]
        assert "checkpoints/␛[31m日本" in head
        assert "a␇[bold]b" in head or "swap" in name


def test_plots_of_gradients_have_a_warning() -> None:
    """A gradient misses the memory of saturated cells."""
    assert "believe the occlusion" in " ".join(written(ContextPlots(contexts=(CONTEXT,)), 80).split())
