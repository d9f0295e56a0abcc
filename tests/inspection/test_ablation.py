"""Mean ablation and dose-response: exact where an exact answer exists, and compared with matched controls."""

from functools import cache

import numpy as np
import pytest
from planted_networks import FEW_CONCEPTS, TEXT, alphabet_of, network

from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.search.ablation import (
    AblationLosses,
    AblationQuery,
    causal_effect,
    matched_controls,
    mean_ablate,
    record_activations,
    z_score,
)
from charrnn.inspection.search.clamped_reading import clamped_nll
from charrnn.inspection.search.dose_response import concept_sides, end_characters
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

PARSED, STREAMS = ParsedText.of(TEXT, "planted.md"), split_text(TEXT)
IDS = np.array([alphabet_of(TEXT).index(character) for character in TEXT])
QUOTE = CONCEPTS["in_quote"]


@cache
def planted_reader() -> InferenceRNN:
    """Return a network with two planted cells and a copy of the first cell that the output ignores."""
    return InferenceRNN(*network("lstm", {7: "in_quote", 23: "line_pos"}, twins={19: 7}))


@pytest.fixture(scope="module")
def segments() -> AblationSegments:
    """Return segments of the text with the states of the network before them."""
    states: States = {}
    for _ in stream_activations(planted_reader(), IDS, STREAMS, states=states):
        pass
    selected = choose_segments(IDS, STREAMS, states, [QUOTE.edges(PARSED)], counted=2_000)
    assert selected is not None
    return selected


def test_segments_are_cut_from_confirmation_streams_and_contain_the_edges(segments: AblationSegments) -> None:
    """They contain more edges than average, and their characters are those of the text."""
    assert STREAMS.confirmation[segments.streams].all()
    assert np.array_equal(segments.ids[ABLATION_WARM_UP:], IDS[segments.positions])
    assert np.array_equal(segments.targets[ABLATION_WARM_UP:], IDS[segments.positions + 1])
    edges = QUOTE.edges(PARSED)
    assert edges[segments.positions].mean() > edges[STREAMS.scored()[:, STREAMS.confirmation]].mean()


def test_codes_of_segments_are_the_marks_at_their_positions(segments: AblationSegments) -> None:
    """An array over all scored characters is indexed correctly."""
    coding = quantize_marks(QUOTE, QUOTE.mark(PARSED), STREAMS)
    assert np.array_equal(segments.of_scored(coding.codes), QUOTE.mark(PARSED)[segments.positions])


def test_without_clamps_the_loss_of_segments_is_that_of_the_text(segments: AblationSegments) -> None:
    """The network reads the segments from the stored states of their streams."""
    stream = int(segments.streams[0])
    begin = int(STREAMS.starts[stream])
    complete = char_nll(planted_reader(), IDS[begin : begin + STREAMS.length], rows=1)
    first = int(segments.first[0]) + ABLATION_WARM_UP
    nll = clamped_nll(planted_reader(), segments, [{}])[0, :, 0]
    assert np.allclose(nll, complete[first : first + len(nll)], atol=1e-4)


def test_ablation_of_a_cell_without_outgoing_weights_costs_nothing(segments: AblationSegments) -> None:
    """The loss is exactly zero, even with another cell ablated in the same batch."""
    config, weights = network("lstm", {7: "in_quote", 23: "line_pos"}, twins={19: 7})
    weights["rnn.weight_hh_l0"][:, 19] = 0.0
    rnn = InferenceRNN(config, weights)
    rng = np.random.default_rng(0)
    sets = [frozenset([19]), frozenset([7])]
    losses = mean_ablate(rnn, segments, sets, np.full(30, 0.3), rng, no_progress)
    assert np.abs(losses.delta_nll[sets[0]]).max() == 0
    assert losses.delta([7], QUOTE.edges(PARSED)[segments.positions])[0] > 0.1


def test_losses_are_means_over_positions_with_errors_over_segments(segments: AblationSegments) -> None:
    """The standard error is that of the mean over bootstrapped segments."""
    means = record_activations(planted_reader(), segments, [7]).means
    losses = mean_ablate(planted_reader(), segments, [frozenset([7])], means, np.random.default_rng(0), no_progress)
    edges = QUOTE.edges(PARSED)[segments.positions]
    delta, error = losses.delta([7], edges)
    delta_nll = losses.delta_nll[frozenset([7])]
    assert delta == pytest.approx(delta_nll[edges].mean(), rel=1e-5)
    totals = np.array([delta_nll[:, segment][edges[:, segment]].sum() for segment in range(segments.count)])
    count = edges.sum(axis=0)
    spread = (totals - delta * count).std(ddof=1) * np.sqrt(segments.count) / count.sum()
    assert error == pytest.approx(spread, rel=0.35)


def test_natural_activations_are_c_at_the_scored_positions(segments: AblationSegments) -> None:
    """The means of a planted cell inside and outside are those it was planted with; it changes at the quote only."""
    natural = record_activations(planted_reader(), segments, [7, 23])
    inside = QUOTE.mark(PARSED)[segments.positions] > 0
    assert natural.mean_where(7, inside) == pytest.approx(1.0, abs=1e-3)
    assert natural.mean_where(7, ~inside) == pytest.approx(-1.0, abs=1e-3)
    changed = np.abs(natural.deltas[:, :, 0]) > 0.5
    assert set(IDS[segments.positions[changed]]) == {alphabet_of(TEXT).index('"')}
    assert natural.keep_gate is not None
    assert natural.keep_gate[:, :, 0][~changed].min() > 0.99


def test_end_characters_are_the_characters_that_follow_edges(segments: AblationSegments) -> None:
    """For quotations the quote only, for lines the line end."""
    for concept, character in ((QUOTE, '"'), (CONCEPTS["line_pos"], "\n")):
        selected = end_characters(segments, concept.edges(PARSED)[segments.positions], len(alphabet_of(TEXT)))
        assert np.flatnonzero(selected).tolist() == [alphabet_of(TEXT).index(character)]


def test_a_counter_is_on_in_its_highest_third_and_off_in_its_lowest() -> None:
    """A binary concept has no middle; a depth that is mostly 0 is on at any other depth."""
    counter = quantize_marks(FEW_CONCEPTS[1], FEW_CONCEPTS[1].mark(PARSED), STREAMS)
    off, on = concept_sides(counter, counter.codes)
    assert 0.25 < off.mean() < 0.45
    assert 0.25 < on.mean() < 0.45
    assert not (off & on).any()
    depth = quantize_marks(FEW_CONCEPTS[2], FEW_CONCEPTS[2].mark(PARSED), STREAMS)
    off, on = concept_sides(depth, depth.codes)
    assert np.array_equal(on, depth.codes > 0)
    assert np.array_equal(off, ~on)


def test_the_outside_of_a_depth_that_is_mostly_the_highest_is_all_lower_depths() -> None:
    """A text within one pair of brackets, such as JSON, has characters on both sides of the concept."""
    depth = quantize_marks(FEW_CONCEPTS[2], FEW_CONCEPTS[2].mark(PARSED), STREAMS)
    codes = np.array([0, 1, 1, 1, 1, 1], dtype=np.uint8)
    outside, inside = concept_sides(depth, codes)
    assert outside.tolist() == (codes == 0).tolist()
    assert inside.tolist() == (codes == 1).tolist()


def test_the_error_of_an_added_loss_is_that_of_the_difference() -> None:
    """A partner whose ablation costs different amounts in each segment adds no error to the cost of the cell."""
    rng = np.random.default_rng(0)
    edges = np.ones((20, 12), dtype=np.bool_)
    partner = np.broadcast_to(rng.normal(2.0, 1.0, size=12), edges.shape).astype(np.float32)
    controls = {frozenset([number]): np.full(edges.shape, number / 1000, np.float32) for number in (2, 3, 4)}
    zero = np.zeros(edges.shape, np.float32)
    losses = AblationLosses(
        delta_nll={frozenset([0]): zero, frozenset([1]): partner, frozenset([0, 1]): partner + 0.1, **controls},
        resamples=rng.multinomial(12, np.full(12, 1 / 12), size=400).astype(np.float64),
        baseline=zero,
    )
    effect = causal_effect(AblationQuery(cell=0, edges=edges, partner=1), losses, [2, 3, 4])
    without_error = z_score(0.1, 0.0, [0.002, 0.003, 0.004])
    assert effect is not None
    assert effect.pair_added == pytest.approx(0.1, abs=1e-6)
    assert effect.pair_z == pytest.approx(without_error, rel=1e-3)


def test_controls_match_the_variance_of_the_ablated_cells() -> None:
    """They are cells of the same layer, allowed, and not ablated themselves."""
    variance = np.linspace(0.01, 1.0, 40)
    allowed = np.ones(40, dtype=np.bool_)
    allowed[[22, 24]] = False
    selected = matched_controls([23, 3], variance, allowed, hidden=20)
    assert sorted(selected) == [0, 1]
    assert sorted(selected[1]) == [20, 21, 25, 26, 27, 28, 29, 30]
    # variances are compared by their ratio
    assert set(selected[0]) == {1, 2, 4, 5, 6, 7, 8, 9}


def test_a_text_too_short_for_segments_has_none() -> None:
    """There is nothing to ablate."""
    streams = split_text(TEXT[:4_000])
    short = type(streams)(starts=streams.starts, length=ABLATION_WARM_UP + CHUNK_STEPS, warm_up=streams.warm_up)
    assert choose_segments(IDS, short, {}, []) is None
