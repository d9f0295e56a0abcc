"""Ambiguous samples, which rounding of the logits could change."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.generation.sampling import SamplingParams, sample_ids, sample_with_ambiguity

CHOICES = [
    SamplingParams(),
    SamplingParams(temperature=0),
    SamplingParams(temperature=0.1),
    SamplingParams(temperature=1e-4, top_p=0.9),
    SamplingParams(temperature=1e-7),
    SamplingParams(temperature=1e-10, min_p=0.1, top_k=3, top_p=0.9),
    SamplingParams(temperature=1e300),
    SamplingParams(temperature=1.3, top_k=4, top_p=0.9),
    SamplingParams(top_k=1),
    SamplingParams(top_k=99),
    SamplingParams(min_p=0.1),
    SamplingParams(min_p=1),
    SamplingParams(temperature=2, min_p=0.2, top_k=5, top_p=0.6),
]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(CHOICES), st.floats(1e-6, 0.3))
def test_rounding_does_not_change_unambiguous_samples(seed: int, params: SamplingParams, tolerance: float) -> None:
    """Logits anywhere within the tolerance, including its bounds, give the same character."""
    rng = np.random.default_rng(seed)
    logits, uniforms = rng.normal(size=(40, 7)) * 3, rng.random(40)
    ids, ambiguous = sample_with_ambiguity(logits, uniforms, params, tolerance)
    assert ids.tolist() == sample_ids(logits, uniforms, params).tolist()
    for direction in (rng.choice([-1, 1, 0.3], size=logits.shape), np.sign(np.arange(7) - ids[:, None] + 0.5)):
        for shift in (direction, -direction):
            shifted_ids = sample_ids(logits + shift * tolerance * 0.999, uniforms, params)
            assert shifted_ids[~ambiguous].tolist() == ids[~ambiguous].tolist()


@pytest.mark.parametrize("params", CHOICES, ids=str)
def test_few_samples_are_ambiguous(params: SamplingParams) -> None:
    """The tolerance is small, so about one of thousands of samples is ambiguous."""
    rng = np.random.default_rng(0)
    _, ambiguous = sample_with_ambiguity(rng.normal(size=(50_000, 65)) * 4, rng.random(50_000), params, 1e-5)
    assert ambiguous.mean() < 5e-4


def test_a_sample_at_an_edge_of_the_cdf_is_ambiguous() -> None:
    """With two equally likely characters: near 0.5, and wherever truncation keeps only one of them."""
    logits, uniforms = np.zeros((3, 2)), np.array([0.5 - 1e-7, 0.5 + 1e-7, 0.4])
    assert sample_with_ambiguity(logits, uniforms, SamplingParams(), 1e-5)[1].tolist() == [True, True, False]
    for params in (
        SamplingParams(temperature=0),
        SamplingParams(top_k=1),
        SamplingParams(min_p=1),
        SamplingParams(top_p=0.5),
    ):
        assert sample_with_ambiguity(logits, uniforms, params, 1e-5)[1].all()


def test_a_vocabulary_of_one_character_is_never_ambiguous() -> None:
    """There is no other character to sample."""
    for params in CHOICES:
        assert not sample_with_ambiguity(np.zeros((5, 1)), np.linspace(0, 0.99, 5), params, 1e-5)[1].any()
