"""Which choices rounding could have made otherwise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.doubt import choose_surely
from charrnn.sampling import Choice, choose

CHOICES = [
    Choice(),
    Choice(temperature=0),
    Choice(temperature=0.1),
    Choice(temperature=1.3, top_k=4, top_p=0.9),
    Choice(top_k=1),
    Choice(top_k=99),
    Choice(min_p=0.1),
    Choice(min_p=1),
    Choice(temperature=2, min_p=0.2, top_k=5, top_p=0.6),
]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(CHOICES), st.floats(1e-6, 0.3))
def test_what_is_beyond_doubt_no_rounding_changes(seed: int, choice: Choice, tolerance: float) -> None:
    """Logits anywhere within the tolerance choose the same character, at its very bounds too."""
    rng = np.random.default_rng(seed)
    logits, uniforms = rng.normal(size=(40, 7)) * 3, rng.random(40)
    ids, doubt = choose_surely(logits, uniforms, choice, tolerance)
    assert ids.tolist() == choose(logits, uniforms, choice).tolist()
    for push in (rng.choice([-1, 1, 0.3], size=logits.shape), np.sign(np.arange(7) - ids[:, None] + 0.5)):
        for way in (push, -push):
            near = choose(logits + way * tolerance * 0.999, uniforms, choice)
            assert near[~doubt].tolist() == ids[~doubt].tolist()


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_few_choices_are_in_doubt(choice: Choice) -> None:
    """Rounding is small: of thousands of characters, about one."""
    rng = np.random.default_rng(0)
    _, doubt = choose_surely(rng.normal(size=(50_000, 65)) * 4, rng.random(50_000), choice, 1e-5)
    assert doubt.mean() < 5e-4


def test_a_choice_on_the_edge_is_in_doubt() -> None:
    """Between two characters that are as likely, at a half; and between two that are the likeliest, at once."""
    logits, uniforms = np.zeros((3, 2)), np.array([0.5 - 1e-7, 0.5 + 1e-7, 0.4])
    assert choose_surely(logits, uniforms, Choice(), 1e-5)[1].tolist() == [True, True, False]
    for choice in (Choice(temperature=0), Choice(top_k=1), Choice(min_p=1), Choice(top_p=0.5)):
        assert choose_surely(logits, uniforms, choice, 1e-5)[1].all()


def test_one_character_alone_is_never_in_doubt() -> None:
    """Where there is no other."""
    for choice in CHOICES:
        assert not choose_surely(np.zeros((5, 1)), np.linspace(0, 0.99, 5), choice, 1e-5)[1].any()
