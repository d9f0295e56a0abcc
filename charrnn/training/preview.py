"""What the network would write by now: at first nothing but noise, then words, then lines."""

from collections.abc import Callable

import numpy as np

from charrnn.network.reader import Reader
from charrnn.sampling import Choice, generate
from charrnn.text.documents import SEPARATORS
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
    reader = Reader.of(run.model(run.weights()))
    rng = np.random.default_rng((run.training.seed, run.step))

    def written(length: int) -> str:
        text = generate(reader, run.corpus.vocabulary, rng=rng, choice=Choice(temperature=0.8), length=length)
        return "".join(character.character for character in text)

    documents = run.corpus.documents
    text = written(CHARACTERS) if documents is None else _several(written, SEPARATORS[documents])
    return Preview(step=run.step, text=text)


def _several(written: Callable[[int], str], between: str) -> str:
    """Have documents written as long as there is room for whole ones, and at least a part of one."""
    there: list[str] = []
    room, whole = CHARACTERS, True
    while room > 0:
        there.append(written(room))
        whole = len(there[-1]) < room
        room -= len(there[-1]) + len(between)
    return between.join(there if whole or len(there) == 1 else there[:-1])
