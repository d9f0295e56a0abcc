"""What the network would write by now: at first nothing but noise, then words, then lines."""

import numpy as np

from charrnn.network.reader import Reader
from charrnn.sampling import Choice, generate
from charrnn.training.events import Preview
from charrnn.training.run import Run

CHARACTERS = 200
FIRST_STEPS = 25
SHARES = 8
"""previews in the later part of a training, evenly"""


def is_due(run: Run, every: int | None) -> bool:
    """Tell whether the run has come to a preview: at 25, 50, 100, 200, … steps and at every eighth, or `every`."""
    if every is not None:
        return every > 0 and run.step % every == 0
    doublings, rest = divmod(run.step, FIRST_STEPS)
    early = rest == 0 and doublings.bit_count() == 1 and run.plan.progress(run.step) < 1 / SHARES
    return early or run.plan.passes(run.step, SHARES)


def preview(run: Run) -> Preview:
    """Have the network write a little; its chance is its own, so that training is the same with and without."""
    reader = Reader(run.network.config, run.weights())
    rng = np.random.default_rng((run.training.seed, run.step))
    written = generate(reader, run.corpus.vocabulary, rng=rng, choice=Choice(temperature=0.8), length=CHARACTERS)
    return Preview(step=run.step, text="".join(w.character for w in written))
