"""The training loop: a generator of events.

It prints nothing, reads no clock and writes no file: saving, drawing, timing and stopping wrap the iterator.
"""

import math
from collections.abc import Callable, Generator, Iterator

import numpy as np
import torch

from charrnn.errors import CharrnnError
from charrnn.generation.generate import StopCriteria, generate
from charrnn.generation.sampling import SamplingParams
from charrnn.network.inference import InferenceRNN
from charrnn.text.documents import SEPARATORS
from charrnn.training.early_stopping import overfitting_event, should_stop
from charrnn.training.evaluation import evaluate
from charrnn.training.events import Event, Preview, Report, SafePoint, Step, TrainingWarning
from charrnn.training.lr_schedule import learning_rate
from charrnn.training.trainer import Trainer


def train_loop(trainer: Trainer, *, sample_every: int | None = None) -> Iterator[Event]:
    """Learn until the plan is done or the run overfits, yielding events; between any two it can be saved and left.

    What is long comes with a Moment now and then; left at one, it is as if it had not been begun.

    `sample_every`: steps between previews; None: ever rarer ones, 0: none.
    """
    while True:
        # What is due is done before the next step, so a run that was saved and left in between still does it.
        if preview_is_due(trainer, sample_every):
            yield from preview(trainer)
        if trainer.is_due("evaluation"):
            yield from evaluate(trainer)
        if trainer.is_due("report"):
            yield make_report(trainer)
        if trainer.progress.finished:
            return
        if should_stop(trainer):
            yield overfitting_event(trainer)
            return
        yield trainer.train_step()
        while trainer.warnings:
            yield TrainingWarning(step=trainer.step, message=trainer.warnings.pop())


# Previews: a sample of the network in training, at first noise, then words, then lines

PREVIEW_CHARS = 200
CHUNK_CHARS = 20
"""characters from one moment at which a training can be left to the next"""
FIRST_STEPS = 25
LARGE_WEIGHTS = 2_000_000
"""weights of which a CPU takes longer to multiply by all than to ask a GPU for it"""
SAMPLING = SamplingParams(temperature=0.8)


def preview_is_due(trainer: Trainer, every: int | None) -> bool:
    """Tell whether a preview is due: at 0, 25, 50, 100, … steps, then at the end of every part; or `every`."""
    if trainer.bookkeeping.last_preview_step == trainer.step or every == 0:
        return False
    if every is not None:
        return trainer.step % every == 0
    doublings, rest = divmod(trainer.step, FIRST_STEPS)
    early = rest == 0 and doublings.bit_count() <= 1 and trainer.bookkeeping.periods_done["preview"] == 0
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
        raise trainer.divergence_error("a logit of the preview", trainer.step) from error
    trainer.bookkeeping.record_preview(trainer.progress)
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


# Reports: means over the steps since the last one


def make_report(trainer: Trainer) -> Report:
    """Give the means since the last report, and begin anew."""
    nats, gradient_norm = trainer.bookkeeping.record_report(trainer.progress)
    return Report(
        step=trainer.step,
        epoch=trainer.epoch,
        nats=nats,
        gradient_norm=gradient_norm,
        learning_rate=learning_rate(trainer.training, trainer.plan, trainer.step),
        progress=trainer.progress.fraction,
    )


# A warning, once, when the loss is finite and higher than that of guessing

EXPLOSION_FACTOR = 3
"""what guessing among all characters costs, which is where char-rnn begins"""


def warn_on_explosion(events: Iterator[Event], trainer: Trainer) -> Iterator[Event]:
    """Pass events through, with Trouble after the first step whose loss has exploded."""
    limit, exploded = EXPLOSION_FACTOR * math.log(len(trainer.corpus.vocabulary)), False
    for event in events:
        yield event
        if isinstance(event, Step) and event.nats is not None and event.nats > limit and not exploded:
            exploded = True
            yield TrainingWarning(step=event.step, message=_explosion_message(event.step, event.nats, trainer))


def _explosion_message(step: int, nats: float, trainer: Trainer) -> str:
    guessing = math.log(len(trainer.corpus.vocabulary))
    return (
        f"the loss exploded to {nats:.3g} nats at step {step:,} (guessing costs {guessing:.2f}); "
        f"if it stays there, start over with a lower rate: `--new --lr {trainer.training.lr / 10:.2g}`"
    )
