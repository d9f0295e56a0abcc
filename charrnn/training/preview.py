"""What the network would write by now: at first nothing but noise, then words, then lines."""

from collections.abc import Callable, Generator, Iterator

import numpy as np
import torch

from charrnn.ending import Ending
from charrnn.errors import CharrnnError
from charrnn.network.reader import Reader
from charrnn.sampling import Choice, generate
from charrnn.text.documents import SEPARATORS
from charrnn.training.events import Moment, Preview
from charrnn.training.run import Run

CHARACTERS = 200
PIECE = 20
"""characters from one moment at which a training can be left to the next"""
FIRST_STEPS = 25
LARGE = 2_000_000
"""weights of which a CPU takes longer to multiply by all than to ask a GPU for it"""
CHOICE = Choice(temperature=0.8)


def is_due(run: Run, every: int | None) -> bool:
    """Tell whether a preview is due: at 0, 25, 50, 100, … steps, then at the end of every part; or `every`."""
    if run.previewed_at == run.step or every == 0:
        return False
    if every is not None:
        return run.step % every == 0
    doublings, rest = divmod(run.step, FIRST_STEPS)
    early = rest == 0 and doublings.bit_count() <= 1 and run.parts["preview"] == 0
    return early or run.part_is_due("preview")


Writing = Generator[Moment, None, str]


def preview(run: Run) -> Iterator[Moment | Preview]:
    """Have the network write a little; its chance is its own, so that training is the same with and without.

    The run is changed after the last moment only. Raise DivergedError if what it says is no number.
    """
    reader = _reader(run)
    rng = np.random.default_rng((run.training.seed, run.step))

    def written(length: int) -> Writing:
        text = ""
        ending = Ending(length=length)
        for character in generate(reader, run.corpus.vocabulary, rng=rng, choice=CHOICE, ending=ending):
            text += character.character
            if len(text) % PIECE == 0:
                yield Moment()
        return text

    documents = run.corpus.documents
    try:
        text = yield from written(CHARACTERS) if documents is None else _several(written, SEPARATORS[documents])
    except CharrnnError as error:
        raise run.diverged("what it would write", run.step) from error
    run.take_part("preview")
    run.previewed_at = run.step
    yield Preview(step=run.step, text=text)


def _reader(run: Run) -> Reader:
    """Lay the network out where it is stepped sooner: a large one, which a CPU takes seconds for, where it learns."""
    model = run.model(run.averages())
    if run.device.type != "cuda" or model.parameters < LARGE:
        return Reader.of(model)
    return Reader.of(model, arrays=lambda weight: torch.from_numpy(weight).to(run.device))


def _several(written: Callable[[int], Writing], between: str) -> Writing:
    """Have documents written as long as there is room for whole ones, and at least a part of one."""
    there: list[str] = []
    room, whole = CHARACTERS, True
    while room > 0:
        there.append((yield from written(room)))
        whole = len(there[-1]) < room
        room -= len(there[-1]) + len(between)
    return between.join(there if whole or len(there) == 1 else there[:-1])
