"""Which choices rounding could have made otherwise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.generation.sampling import SamplingParams, sample_ids, sample_with_ambiguity

CHOICES = [
    SamplingParams(),
    SamplingParams(temperature=0),
    SamplingParams(temperature=0.1),
    SamplingParams(temperature=1.3, top_k=4, top_p=0.9),
    SamplingParams(top_k=1),
    SamplingParams(top_k=99),
    SamplingParams(min_p=0.1),
    SamplingParams(min_p=1),
    SamplingParams(temperature=2, min_p=0.2, top_k=5, top_p=0.6),
]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(CHOICES), st.floats(1e-6, 0.3))
def test_what_is_beyond_doubt_no_rounding_changes(seed: int, params: SamplingParams, tolerance: float) -> None:
    """Logits anywhere within the tolerance choose the same character, at its very bounds too."""
    rng = np.random.default_rng(seed)
    logits, uniforms = rng.normal(size=(40, 7)) * 3, rng.random(40)
    ids, doubt = sample_with_ambiguity(logits, uniforms, params, tolerance)
    assert ids.tolist() == sample_ids(logits, uniforms, params).tolist()
    for push in (rng.choice([-1, 1, 0.3], size=logits.shape), np.sign(np.arange(7) - ids[:, None] + 0.5)):
        for way in (push, -push):
            near = sample_ids(logits + way * tolerance * 0.999, uniforms, params)
            assert near[~doubt].tolist() == ids[~doubt].tolist()


@pytest.mark.parametrize("params", CHOICES, ids=str)
def test_few_choices_are_in_doubt(params: SamplingParams) -> None:
    """Rounding is small: of thousands of characters, about one."""
    rng = np.random.default_rng(0)
    _, doubt = sample_with_ambiguity(rng.normal(size=(50_000, 65)) * 4, rng.random(50_000), params, 1e-5)
    assert doubt.mean() < 5e-4


def test_a_choice_on_the_edge_is_in_doubt() -> None:
    """Between two characters that are as likely, at a half; and between two that are the likeliest, at once."""
    logits, uniforms = np.zeros((3, 2)), np.array([0.5 - 1e-7, 0.5 + 1e-7, 0.4])
    assert sample_with_ambiguity(logits, uniforms, SamplingParams(), 1e-5)[1].tolist() == [True, True, False]
    for params in (
        SamplingParams(temperature=0),
        SamplingParams(top_k=1),
        SamplingParams(min_p=1),
        SamplingParams(top_p=0.5),
    ):
        assert sample_with_ambiguity(logits, uniforms, params, 1e-5)[1].all()


def test_one_character_alone_is_never_in_doubt() -> None:
    """Where there is no other."""
    for params in CHOICES:
        assert not sample_with_ambiguity(np.zeros((5, 1)), np.linspace(0, 0.99, 5), params, 1e-5)[1].any()
