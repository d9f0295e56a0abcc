"""What the network would write by now: at first nothing but noise, then words, then lines."""

import numpy as np

from charrnn.network.reader import Reader
from charrnn.sampling import Choice, generate
from charrnn.training.events import Preview
from charrnn.training.run import Run

CHARACTERS = 200
FIRST_STEPS = 25


def is_due(run: Run, every: int | None) -> bool:
    """Tell whether a preview is due: at 0, 25, 50, 100, … steps, then at the end of every part; or `every`."""
    if run.previewed_at == run.step or every == 0:
        return False
    if every is not None:
        return run.step % every == 0
    doublings, rest = divmod(run.step, FIRST_STEPS)
    early = rest == 0 and doublings.bit_count() <= 1 and run.parts["preview"] == 0
    return early or run.part_is_due("preview")


def preview(run: Run) -> Preview:
    """Have the network write a little; its chance is its own, so that training is the same with and without."""
    run.take_part("preview")
    run.previewed_at = run.step
    reader = Reader(run.network.config, run.weights())
    rng = np.random.default_rng((run.training.seed, run.step))
    written = generate(reader, run.corpus.vocabulary, rng=rng, choice=Choice(temperature=0.8), length=CHARACTERS)
    return Preview(step=run.step, text="".join(w.character for w in written))
