"""What the network would write by now: at first nothing but noise, then words, then lines."""

from collections.abc import Callable, Generator, Iterator

import numpy as np
import torch

from charrnn.ending import StopCriteria
from charrnn.errors import CharrnnError
from charrnn.network.reader import InferenceRNN
from charrnn.sampling import SamplingParams, generate
from charrnn.text.documents import SEPARATORS
from charrnn.training.events import Preview, SafePoint
from charrnn.training.run import Trainer

PREVIEW_CHARS = 200
CHUNK_CHARS = 20
"""characters from one moment at which a training can be left to the next"""
FIRST_STEPS = 25
LARGE_WEIGHTS = 2_000_000
"""weights of which a CPU takes longer to multiply by all than to ask a GPU for it"""
SAMPLING = SamplingParams(temperature=0.8)


def preview_is_due(trainer: Trainer, every: int | None) -> bool:
    """Tell whether a preview is due: at 0, 25, 50, 100, … steps, then at the end of every part; or `every`."""
    if trainer.last_preview_step == trainer.step or every == 0:
        return False
    if every is not None:
        return trainer.step % every == 0
    doublings, rest = divmod(trainer.step, FIRST_STEPS)
    early = rest == 0 and doublings.bit_count() <= 1 and trainer.periods_done["preview"] == 0
    return early or trainer.is_due("preview")


Writing = Generator[SafePoint, None, str]


def preview(trainer: Trainer) -> Iterator[SafePoint | Preview]:
    """Have the network write a little; its chance is its own, so that training is the same with and without.

    The run is changed after the last moment only. Raise DivergedError if what it says is no number.
    """
    rnn = _inference_rnn(trainer)
    rng = np.random.default_rng((trainer.training.seed, trainer.step))

    def sample_text(length: int) -> Writing:
        text = ""
        stop_criteria = StopCriteria(max_chars=length)
        for character in generate(rnn, trainer.corpus.vocabulary, rng=rng, params=SAMPLING, stop=stop_criteria):
            text += character.char
            if len(text) % CHUNK_CHARS == 0:
                yield SafePoint()
        return text

    documents = trainer.corpus.documents
    try:
        text = (
            yield from sample_text(PREVIEW_CHARS)
            if documents is None
            else _several_documents(sample_text, SEPARATORS[documents])
        )
    except CharrnnError as error:
        raise trainer.divergence_error("what it would write", trainer.step) from error
    trainer.mark_done("preview")
    trainer.last_preview_step = trainer.step
    yield Preview(step=trainer.step, text=text)


def _inference_rnn(trainer: Trainer) -> InferenceRNN:
    """Lay the network out where it is stepped sooner: a large one, which a CPU takes seconds for, where it learns."""
    model = trainer.model(trainer.ema_weights())
    if trainer.device.type != "cuda" or model.parameters < LARGE_WEIGHTS:
        return InferenceRNN.from_model(model)
    return InferenceRNN.from_model(model, arrays=lambda weight: torch.from_numpy(weight).to(trainer.device))


def _several_documents(sample_text: Callable[[int], Writing], between: str) -> Writing:
    """Have documents written as long as there is room for whole ones, and at least a part of one."""
    there: list[str] = []
    room, whole = PREVIEW_CHARS, True
    while room > 0:
        there.append((yield from sample_text(room)))
        whole = len(there[-1]) < room
        room -= len(there[-1]) + len(between)
    return between.join(there if whole or len(there) == 1 else there[:-1])
