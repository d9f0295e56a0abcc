"""The training loop: a generator of events, with previews and reports.

The loop prints nothing, reads no clock and writes no file: saving, drawing, timing and stopping wrap the iterator.
"""

import math
from collections.abc import Callable, Generator, Iterator

import numpy as np
import torch

from charrnn.errors import CharrnnError
from charrnn.generation.generate import StopCriteria, generate
from charrnn.generation.sampling import SamplingParams
from charrnn.network.inference import InferenceRNN
from charrnn.text.documents import text_between
from charrnn.training.early_stopping import overfitting_event, should_stop
from charrnn.training.evaluation import evaluate
from charrnn.training.events import Event, Preview, Report, SafePoint, Step, TrainingWarning
from charrnn.training.lr_schedule import learning_rate
from charrnn.training.trainer import Trainer


def train_loop(trainer: Trainer, *, sample_every: int | None = None) -> Iterator[Event]:
    """Train until the plan is done or the run overfits; yield events, between any two of which the run can be saved.

    Long operations yield safe points; an operation that is left at one is repeated when the run is resumed.
    `sample_every` is the number of steps between previews; None: increasing distances, 0: no previews.
    """
    while True:
        # Everything due comes before the next step, so a run that was saved in between still does it after resuming.
        if preview_is_due(trainer, sample_every):
            yield from preview(trainer) if not trainer.group.is_distributed else _preview_of_main(trainer)
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


# Previews: short samples of the network during training

PREVIEW_CHARS = 200
"""length of a preview"""
CHUNK_CHARS = 20
"""number of characters between two safe points"""
FIRST_STEPS = 25
"""step of the first preview after step 0; the next ones follow at doubled distances"""
LARGE_WEIGHTS = 2_000_000
"""number of weights from which a step of inference takes longer on a CPU than on a GPU"""
SAMPLING = SamplingParams(temperature=0.8)
"""sampling parameters of previews"""


def preview_is_due(trainer: Trainer, every: int | None) -> bool:
    """Return whether a preview is due: after 0, 25, 50, 100, … steps and each period, or after `every` steps."""
    if trainer.bookkeeping.last_preview_step == trainer.step or every == 0:
        return False
    if every is not None:
        return trainer.step % every == 0
    multiple, rest = divmod(trainer.step, FIRST_STEPS)
    early = rest == 0 and multiple.bit_count() <= 1 and trainer.bookkeeping.periods_done["preview"] == 0
    return early or trainer.is_due("preview")


PreviewGenerator = Generator[SafePoint, None, str]


def preview(trainer: Trainer) -> Iterator[SafePoint | Preview]:
    """Generate a short text with the EMA weights; it has its own random numbers, so training does not depend on it.

    The run changes only after the last safe point. Raise DivergedError if a logit is not finite.
    """
    rnn = _inference_rnn(trainer)
    rng = np.random.default_rng((trainer.training.seed, trainer.step))

    def sample_text(length: int) -> PreviewGenerator:
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
            else _several_documents(sample_text, text_between(documents))
        )
    except CharrnnError as error:
        raise trainer.divergence_error("a logit of the preview", trainer.step) from error
    trainer.bookkeeping.record_preview(trainer.progress)
    yield Preview(step=trainer.step, text=text)


def _preview_of_main(trainer: Trainer) -> Iterator[Preview]:
    """Generate a preview in rank 0 and record it in all processes, without points at which the training can stop."""
    if trainer.group.is_main:
        yield from (event for event in preview(trainer) if isinstance(event, Preview))
    else:
        trainer.bookkeeping.record_preview(trainer.progress)


def _inference_rnn(trainer: Trainer) -> InferenceRNN:
    """Return the EMA weights for inference, on the CPU or, for a large network, on the GPU that trains it."""
    model = trainer.model(trainer.ema_weights())
    if trainer.device.type != "cuda" or model.parameters < LARGE_WEIGHTS:
        return InferenceRNN.from_model(model)
    return InferenceRNN.from_model(model, arrays=lambda weight: torch.from_numpy(weight).to(trainer.device))


def _several_documents(sample_text: Callable[[int], PreviewGenerator], separator: str) -> PreviewGenerator:
    """Generate as many complete documents as fit into a preview; a first document that does not fit is cut."""
    texts: list[str] = []
    remaining_chars, is_complete = PREVIEW_CHARS, True
    while remaining_chars > 0:
        texts.append((yield from sample_text(remaining_chars)))
        is_complete = len(texts[-1]) < remaining_chars
        remaining_chars -= len(texts[-1]) + len(separator)
    return separator.join(texts if is_complete or len(texts) == 1 else texts[:-1])


# Reports: means over the steps since the last report


def make_report(trainer: Trainer) -> Report:
    """Return the means since the last report, and start new ones."""
    nats, gradient_norm = trainer.bookkeeping.record_report(trainer.progress)
    return Report(
        step=trainer.step,
        epoch=trainer.epoch,
        nats=nats,
        gradient_norm=gradient_norm,
        learning_rate=learning_rate(trainer.training, trainer.plan, trainer.step),
        progress=trainer.progress.fraction,
    )


# A warning, once, if the loss is finite but much higher than that of a uniform guess

EXPLOSION_FACTOR = 3
"""multiple of the loss of a uniform guess, which an untrained network has"""


def warn_on_explosion(events: Iterator[Event], trainer: Trainer) -> Iterator[Event]:
    """Pass events through, with a warning after the first step whose loss has exploded."""
    limit, exploded = EXPLOSION_FACTOR * math.log(len(trainer.corpus.vocabulary)), False
    for event in events:
        yield event
        if isinstance(event, Step) and event.nats is not None and event.nats > limit and not exploded:
            exploded = True
            yield TrainingWarning(step=event.step, message=_explosion_message(event.step, event.nats, trainer))


def _explosion_message(step: int, nats: float, trainer: Trainer) -> str:
    uniform = math.log(len(trainer.corpus.vocabulary))
    return (
        f"the loss exploded to {nats:.3g} nats at step {step:,} (a uniform guess costs {uniform:.2f}); "
        f"if it stays there, start over with a lower rate: `--new --lr {trainer.training.lr / 10:.2g}`"
    )
