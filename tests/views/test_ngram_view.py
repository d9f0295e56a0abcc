"""A person sees at once whether the network is better than the n-gram."""

import math
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

NATS_A_BIT = math.log(2)
BITS = st.floats(0.01, 25)


def ngram(bits: float) -> NGram:
    """Make an n-gram that reaches so much, with the longest of names and numbers."""
    return NGram(order=12, nats=bits * NATS_A_BIT, learned_from=2_000_000, characters=200_000, nats_by_order=(bits,))


def drawn(what: RenderableType) -> str:
    """Draw something at 80 columns, without colour."""
    console = Console(file=StringIO(), width=80, color_system=None, force_terminal=True)
    console.print(what)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def watch(known: NGram | None, bits: float | None) -> ProgressState:
    """Make a training that has come so far."""
    seen = ProgressState(characters_per_step=2048, ngram=known)
    seen.update(Step(step=9_999, nats=1, gradient_norm=1, learning_rate=0.015, progress=0.5, steps=20_000), 0.0)
    if bits is not None:
        nats = bits * NATS_A_BIT
        seen.update(
            Evaluation(step=9_999, nats=nats + 1, characters=8192, read=9000, best_nats=nats, best_step=9_500), 1.0
        )
    return seen


@given(BITS, BITS)
def test_the_words_name_the_better_one(rival: float, network: float) -> None:
    """The n-gram while it is, the network once it is, neither where the digits shown would not differ."""
    assume(abs(abs(network - rival) - 0.005) > 1e-9)
    said = ngram_comparison(ngram(rival), network)
    assert ("better than the network" in said) == (network - rival >= 0.005)
    assert ("the network is" in said and said.endswith("better")) == (rival - network >= 0.005)
    assert "0.00 better" not in said
    assert len(said) <= 76


def test_before_the_first_evaluation_nothing_is_claimed() -> None:
    """Only what there is to beat."""
    assert ngram_comparison(ngram(2.0), None) == "12-gram 2.00 bits"


@pytest.mark.parametrize("bits", [None, 1.5, 2.0, 2.5])
def test_the_screen_says_how_the_best_weights_compare(bits: float | None) -> None:
    """In a line of its own, for the weights that will be kept, within 80 columns."""
    lines = drawn(watch(ngram(2.0), bits).view()).splitlines()
    assert f"  {ngram_comparison(ngram(2.0), bits)}" in [line.rstrip() for line in lines]
    assert max(map(len, lines)) <= 80


def test_a_training_without_one_is_drawn_too() -> None:
    """Then there is one line less, and no field in a pipe."""
    with_one, without = watch(ngram(2.0), 1.5), watch(None, 1.5)
    assert len(drawn(with_one.view()).splitlines()) == len(drawn(without.view()).splitlines()) + 1
    report = Report(step=9_999, epoch=1.5, nats=1.0, gradient_norm=1.0, learning_rate=0.01, progress=0.5)
    assert "ngram_bpc=2.000 " in report_line(report, with_one)
    assert "ngram" not in report_line(report, without)


def test_what_is_to_beat_stands_under_the_other_baselines() -> None:
    """In their column, within 80 of them, in characters that every terminal has."""
    said = ngram_line(ngram(2.0))
    assert said.index("2.00") == len("bits/character   ")
    assert len(said) < 80
    assert said.isascii()


@pytest.mark.parametrize(
    ("bits", "words"), [(1.5, "the network is 0.50 better"), (2.5, "still 0.50 better than the")]
)
def test_the_end_says_it_in_words(bits: float, words: str) -> None:
    """Under the loss that was measured on all of the held-out text."""
    ending = TrainingSummary(
        seconds=300,
        val_bits=bits,
        val_nats=bits * NATS_A_BIT,
        val_window256_bits=bits,
        val_window256_nats=bits * NATS_A_BIT,
        best_step=9_500,
        measured_on="over all 111,540 held-out characters",
        ngram=ngram(2.0),
        next_commands=(),
    )
    assert words in drawn(ending)
