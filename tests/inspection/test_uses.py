"""What holding cells shows: exact where it can be, and beside controls."""

from functools import cache

import numpy as np
import pytest
from planted import ASKED, TEXT, alphabet_of, network

from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.search.ablation import clamped_nll, matched_controls, mean_ablate, record_activations
from charrnn.inspection.search.causal_effects import concept_sides, end_characters
from charrnn.inspection.search.search_data import (
    ABLATION_WARM_UP,
    CHUNK_STEPS,
    AblationSegments,
    States,
    choose_segments,
    stream_activations,
)
from charrnn.inspection.search.splits import no_progress, quantize_marks, split_text
from charrnn.network.inference import InferenceRNN
from charrnn.scoring import char_nll

SOURCE, STREAMS = ParsedText.of(TEXT, "planted.md"), split_text(TEXT)
IDS = np.array([alphabet_of(TEXT).index(one) for one in TEXT])
QUOTE = CONCEPTS["in_quote"]


@cache
def planted_reader() -> InferenceRNN:
    """Return a network with two planted cells and a twin of the first that the output does not hear."""
    return InferenceRNN(*network("lstm", {7: "in_quote", 23: "line_pos"}, twins={19: 7}))


@pytest.fixture(scope="module")
def segments() -> AblationSegments:
    """Choose stretches of the text, with the states in which the network comes to them."""
    states: States = {}
    for _ in stream_activations(planted_reader(), IDS, STREAMS, states=states):
        pass
    chosen = choose_segments(IDS, STREAMS, states, [QUOTE.edges(SOURCE)], counted=2_000)
    assert chosen is not None
    return chosen


def test_stretches_are_of_confirmation_streams_and_have_the_edges(segments: AblationSegments) -> None:
    """More of them than others have; their characters are those of the text."""
    assert STREAMS.confirmation[segments.streams].all()
    assert np.array_equal(segments.ids[ABLATION_WARM_UP:], IDS[segments.positions])
    assert np.array_equal(segments.targets[ABLATION_WARM_UP:], IDS[segments.positions + 1])
    edges = QUOTE.edges(SOURCE)
    assert edges[segments.positions].mean() > edges[STREAMS.scored()[:, STREAMS.confirmation]].mean()


def test_what_is_known_of_every_scored_character_is_found_again(segments: AblationSegments) -> None:
    """A coding's codes in the stretches are the marks at their places in the text."""
    coding = quantize_marks(QUOTE, QUOTE.mark(SOURCE), STREAMS)
    assert np.array_equal(segments.of_scored(coding.codes), QUOTE.mark(SOURCE)[segments.positions])


def test_with_nothing_held_the_stretches_cost_what_the_text_costs(segments: AblationSegments) -> None:
    """The network comes to them with the state that its stream had brought about."""
    stream = int(segments.streams[0])
    begin = int(STREAMS.starts[stream])
    whole = char_nll(planted_reader(), IDS[begin : begin + STREAMS.length], rows=1)
    first = int(segments.first[0]) + ABLATION_WARM_UP
    here = clamped_nll(planted_reader(), segments, [{}])[0, :, 0]
    assert np.allclose(here, whole[first : first + len(here)], atol=1e-4)


def test_a_cell_that_nobody_listens_to_costs_nothing(segments: AblationSegments) -> None:
    """Exactly nothing, beside another one that is held in the same run."""
    config, weights = network("lstm", {7: "in_quote", 23: "line_pos"}, twins={19: 7})
    weights["rnn.weight_hh_l0"][:, 19] = 0.0
    rnn = InferenceRNN(config, weights)
    chance = np.random.default_rng(0)
    sets = [frozenset([19]), frozenset([7])]
    losses = mean_ablate(rnn, segments, sets, {19: 0.3, 7: 0.3}, chance, no_progress)
    assert np.abs(losses.costs[sets[0]]).max() == 0
    assert losses.delta([7], QUOTE.edges(SOURCE)[segments.positions])[0] > 0.1


def test_losses_are_means_over_places_with_errors_over_stretches(segments: AblationSegments) -> None:
    """The same places give the same mean; the error is that of means of resampled stretches."""
    means = record_activations(planted_reader(), segments, [7]).means()
    losses = mean_ablate(planted_reader(), segments, [frozenset([7])], means, np.random.default_rng(0), no_progress)
    places = QUOTE.edges(SOURCE)[segments.positions]
    delta, error = losses.delta([7], places)
    costs = losses.costs[frozenset([7])]
    assert delta == pytest.approx(costs[places].mean(), rel=1e-5)
    each = np.array([costs[:, one][places[:, one]].sum() for one in range(segments.count)])
    count = places.sum(axis=0)
    spread = (each - delta * count).std(ddof=1) * np.sqrt(segments.count) / count.sum()
    assert error == pytest.approx(spread, rel=0.35)


def test_what_cells_carry_is_c_where_they_are(segments: AblationSegments) -> None:
    """A planted cell's means inside and outside are the two it lives at; it changes at the mark alone."""
    seen = record_activations(planted_reader(), segments, [7, 23])
    inside = QUOTE.mark(SOURCE)[segments.positions] > 0
    assert seen.mean_where(7, inside) == pytest.approx(1.0, abs=1e-3)
    assert seen.mean_where(7, ~inside) == pytest.approx(-1.0, abs=1e-3)
    changed = np.abs(seen.deltas[:, :, 0]) > 0.5
    assert set(IDS[segments.positions[changed]]) == {alphabet_of(TEXT).index('"')}
    assert seen.keep_gate is not None
    assert seen.keep_gate[:, :, 0][~changed].min() > 0.99


def test_the_ends_of_a_concept_are_the_characters_that_follow_its_edges(segments: AblationSegments) -> None:
    """Of quotation the mark alone, of a line its end."""
    for concept, character in ((QUOTE, '"'), (CONCEPTS["line_pos"], "\n")):
        chosen = end_characters(segments, concept.edges(SOURCE)[segments.positions], len(alphabet_of(TEXT)))
        assert np.flatnonzero(chosen).tolist() == [alphabet_of(TEXT).index(character)]


def test_a_number_is_on_in_its_highest_third_and_off_in_its_lowest() -> None:
    """Of what holds or not, there is no between; of a depth that is mostly 0, any depth is on."""
    counter = quantize_marks(ASKED[1], ASKED[1].mark(SOURCE), STREAMS)
    off, on = concept_sides(counter, counter.codes)
    assert 0.25 < off.mean() < 0.45
    assert 0.25 < on.mean() < 0.45
    assert not (off & on).any()
    depth = quantize_marks(ASKED[2], ASKED[2].mark(SOURCE), STREAMS)
    off, on = concept_sides(depth, depth.codes)
    assert np.array_equal(on, depth.codes > 0)
    assert np.array_equal(off, ~on)


def test_controls_move_as_much_as_the_cells_they_are_for() -> None:
    """Of the same layer, allowed, none of the cells themselves."""
    variance = np.linspace(0.01, 1.0, 40)
    allowed = np.ones(40, dtype=np.bool_)
    allowed[[22, 24]] = False
    chosen = matched_controls([23, 3], variance, allowed, hidden=20)
    assert sorted(chosen) == [0, 1]
    assert sorted(chosen[1]) == [20, 21, 25, 26, 27, 28, 29, 30]
    # as much by ratio: the first one moves far less
    assert set(chosen[0]) == {1, 2, 4, 5, 6, 7, 8, 9}


def test_a_text_too_short_for_stretches_has_none() -> None:
    """There is nothing to be held over."""
    streams = split_text(TEXT[:4_000])
    short = type(streams)(starts=streams.starts, length=ABLATION_WARM_UP + CHUNK_STEPS, warm_up=streams.warm_up)
    assert choose_segments(IDS, short, {}, []) is None
