"""Messages about the n-gram baseline say whether the network is better."""

import math
import re
from io import StringIO

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from charrnn.text.ngram import NGram
from charrnn.training.events import Evaluation, Report, Step
from charrnn.views.formatting import ngram_comparison, ngram_line
from charrnn.views.training_progress import ProgressState, report_line
from charrnn.views.training_summary import TrainingSummary

NATS_PER_BIT = math.log(2)
BITS = st.floats(0.01, 25)


def ngram(bits: float) -> NGram:
    """Return an n-gram with this loss, and with long numbers."""
    return NGram(
        order=12, nats=bits * NATS_PER_BIT, learned_from=2_000_000, characters=200_000, nats_by_order=(bits,)
    )


def drawn(drawing: RenderableType) -> str:
    """Return a drawing of 80 columns without color."""
    console = Console(file=StringIO(), width=80, color_system=None, force_terminal=True)
    console.print(drawing)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def make_progress(baseline: NGram | None, bits: float | None) -> ProgressState:
    """Return the state of a training with this best validation loss."""
    progress = ProgressState(characters_per_step=2048, ngram=baseline)
    progress.update(Step(step=9_999, nats=1, gradient_norm=1, learning_rate=0.015, progress=0.5, steps=20_000), 0.0)
    if bits is not None:
        nats = bits * NATS_PER_BIT
        progress.update(
            Evaluation(step=9_999, nats=nats + 1, characters=8192, read=9000, best_nats=nats, best_step=9_500), 1.0
        )
    return progress


@given(BITS, BITS)
def test_the_comparison_names_the_better_model(rival: float, network: float) -> None:
    """The n-gram, the network, or neither if the shown digits would be equal."""
    assume(abs(abs(network - rival) - 0.005) > 1e-9)
    line = ngram_comparison(ngram(rival), network)
    assert ("better than the network" in line) == (network - rival >= 0.005)
    assert ("the network is" in line and line.endswith("better")) == (rival - network >= 0.005)
    assert not re.search(r"(?<!\d)0\.00 better", line)
    assert len(line) <= 76


def test_before_the_first_evaluation_there_is_no_comparison() -> None:
    """Only the result of the n-gram is shown."""
    assert ngram_comparison(ngram(2.0), None) == "12-gram 2.00 bits"


@pytest.mark.parametrize("bits", [None, 1.5, 2.0, 2.5])
def test_the_display_compares_the_best_weights_with_the_ngram(bits: float | None) -> None:
    """In a line of its own within 80 columns, for the weights that will be saved."""
    lines = drawn(make_progress(ngram(2.0), bits).view()).splitlines()
    assert f"  {ngram_comparison(ngram(2.0), bits)}" in [line.rstrip() for line in lines]
    assert max(map(len, lines)) <= 80


def test_a_training_without_an_ngram_is_drawn_too() -> None:
    """The display then has one line less, and a report no such field."""
    with_ngram, without_ngram = make_progress(ngram(2.0), 1.5), make_progress(None, 1.5)
    assert len(drawn(with_ngram.view()).splitlines()) == len(drawn(without_ngram.view()).splitlines()) + 1
    report = Report(step=9_999, epoch=1.5, nats=1.0, gradient_norm=1.0, learning_rate=0.01, progress=0.5)
    assert "ngram_bpc=2.000 " in report_line(report, with_ngram)
    assert "ngram" not in report_line(report, without_ngram)


def test_the_ngram_is_aligned_with_the_other_baselines() -> None:
    """In the column of their numbers, within 80 columns, in ASCII."""
    line = ngram_line(ngram(2.0))
    assert line.index("2.00") == len("bits/character   ")
    assert len(line) < 80
    assert line.isascii()


@pytest.mark.parametrize(
    ("bits", "words"), [(1.5, "the network is 0.50 better"), (2.5, "still 0.50 better than the")]
)
def test_the_summary_compares_the_network_with_the_ngram(bits: float, words: str) -> None:
    """For the loss on all of the held-out text."""
    summary = TrainingSummary(
        seconds=300,
        val_bits=bits,
        val_nats=bits * NATS_PER_BIT,
        val_window256_bits=bits,
        val_window256_nats=bits * NATS_PER_BIT,
        best_step=9_500,
        measured_on="over all 111,540 held-out characters",
        ngram=ngram(2.0),
        next_commands=(),
    )
    assert words in drawn(summary)
