"""Names of cells, and the excerpts and findings that are drawn."""

import pytest
from planted_networks import some_text

from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.search.concept_occurrences import best_excerpt, is_on
from charrnn.inspection.search.findings import Finding, best_to_draw
from charrnn.inspection.search.scores import format_cell


def test_cells_of_all_layers_are_named_by_layer_and_unit() -> None:
    """Layers from 1, units from 0."""
    assert [format_cell(number, hidden=3) for number in range(6)] == ["1.0", "1.1", "1.2", "2.0", "2.1", "2.2"]


@pytest.mark.parametrize("name", ["in_quote", "bracket_depth", "line_pos", "word_pos"])
def test_an_excerpt_is_whole_lines_and_shows_the_concept_on_and_off(name: str) -> None:
    """Even if the concept is absent in the first three quarters of the text."""
    text = "no marks in this line\n" * 2_000 + some_text(lines=1_500)
    parsed = ParsedText.of(text, "a.md")
    selected = best_excerpt(CONCEPTS[name], parsed, lines=4, columns=60)
    assert selected.start == 0 or text[selected.start - 1] == "\n"
    assert text[selected].endswith("\n")
    assert 3 <= sum(-(-len(line) // 60) for line in text[selected].splitlines(keepends=True)) <= 4
    assert 0.3 < is_on(CONCEPTS[name], CONCEPTS[name].mark(parsed))[selected].mean() < 0.7


def test_the_excerpt_of_an_endless_line_is_its_beginning() -> None:
    """It has as many characters as fit."""
    text = 'so "he said" and ' * 500
    assert best_excerpt(CONCEPTS["in_quote"], ParsedText.of(text), lines=4, columns=50) == slice(0, 200)


@pytest.mark.parametrize("text", ["", "one line", "a\nb"])
def test_the_excerpt_of_a_short_text_is_the_whole_text(text: str) -> None:
    """There is nothing to choose."""
    assert text[best_excerpt(CONCEPTS["in_quote"], ParsedText.of(text))] == text


def a_finding(cell: str, fit: float, memory: float) -> Finding:
    """Return a finding with this cell, fit and memory."""
    return Finding(
        concept=cell,
        description="",
        cell=cell,
        sign=1,
        fit=fit,
        fit_se=0.0,
        memory=memory,
        tuning=(),
        episodes=9,
        top=(),
    )


def test_the_findings_drawn_have_high_fit_and_memory() -> None:
    """They are ranked by the minimum of both, so that neither alone suffices."""
    spelling, misfit = a_finding("1.0", 0.99, 0.01), a_finding("1.1", 0.04, 0.9)
    pair, better = a_finding("1.2", 0.5, 0.4), a_finding("1.3", 0.6, 0.6)
    assert best_to_draw([spelling, misfit, pair, better], 3) == [better, pair, spelling]
    assert best_to_draw([spelling, misfit, pair, better], 1) == [better]


def test_without_a_fitting_finding_the_best_one_is_drawn() -> None:
    """Without any finding, nothing is drawn."""
    assert best_to_draw([a_finding("1.0", 0.01, 0.9), a_finding("1.1", 0.02, 0.0)], 3) == [
        a_finding("1.1", 0.02, 0.0)
    ]
    assert best_to_draw([], 3) == []
