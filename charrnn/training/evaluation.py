"""The loss on the held-out end of a text, with carried state: of a sample on the way, of up to 200,000 at the end."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from charrnn.text.rows import Rows, cut
from charrnn.training.events import Evaluation
from charrnn.training.run import Best, Run

ROWS = 64
WARM_UP = 256
"""characters that each row reads before it is scored; a hundred are enough for all but the third digit"""
SHORT_WARM_UP = 64
SHARE_OF_TRAINING = 1 / 260
"""of the characters that will be trained on, read in each of twenty evaluations: under three per cent of the time"""
FEWEST_CHARACTERS = 8_192
MOST_CHARACTERS = 200_000
"""of the held-out text, at the end: all of most texts, and of the others as much from every part"""
LARGEST_LOGITS = 1 << 22
"""numbers, in one piece of an evaluation: what bounds its memory"""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A mean over characters."""

    nats: float
    characters: int
    read: int
    """characters read for it, those of the warm-ups too: what its time depends on"""


def evaluate(run: Run) -> Evaluation:
    """Measure the run as it is on a sample, the same one each time, and remember its weights if they are the best."""
    run.evaluation_characters = run.evaluation_characters or _sample_size(run)
    loss = held_out_loss(run, at_most=run.evaluation_characters, warm_up=SHORT_WARM_UP)
    run.take_part("evaluation")
    if run.best is None or loss.nats < run.best.nats:
        run.best = Best(step=run.step, nats=loss.nats, characters=loss.characters, weights=run.weights())
    return Evaluation(
        step=run.step,
        nats=loss.nats,
        characters=loss.characters,
        read=loss.read,
        best_nats=run.best.nats,
        best_step=run.best.step,
    )


@torch.no_grad()
def held_out_loss(run: Run, *, at_most: int = MOST_CHARACTERS, warm_up: int = WARM_UP) -> Loss:
    """Read the held-out text in rows side by side, each warmed up on the end of the one before; float32, no dropout.

    Of a text longer than `at_most` the beginning of every row is read, so from all its parts alike.
    """
    ids = run.corpus.ids[run.train_characters :]
    rows = _rows(run, warm_up)
    length = max(1, min(128, LARGEST_LOGITS // (rows.count * run.network.vocabulary_size)))
    state = run.network.start(rows.count)
    total, count, read = 0.0, 0, 0
    run.network.eval()
    for chunk in rows.chunks(ids, length):
        logits, state = run.network(torch.from_numpy(chunk.inputs).to(run.device), state)
        targets = torch.from_numpy(chunk.targets).to(run.device)
        nats = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        scored = torch.from_numpy(chunk.scored).to(run.device).flatten()
        total += nats[scored].double().sum().item()
        count += int(chunk.scored.sum())
        read += chunk.inputs.size
        if count >= at_most:
            break
    run.network.train()
    run.corpus.release()
    return Loss(nats=total / count, characters=count, read=read)


def read_on_the_way(run: Run) -> int:
    """Foresee the characters read in an evaluation on the way, those of the warm-ups too."""
    rows = _rows(run, SHORT_WARM_UP)
    return (run.evaluation_characters or 0) + rows.count * rows.warm_up


def read_at_the_end(run: Run) -> int:
    """Foresee the characters read in the evaluation at the end."""
    rows = _rows(run, WARM_UP)
    return min(run.held_out_characters, MOST_CHARACTERS) + rows.count * rows.warm_up


def _rows(run: Run, warm_up: int) -> Rows:
    """Cut the held-out text into rows, fewer and less warmed up where it is short."""
    characters = run.held_out_characters
    return cut(characters, rows=min(ROWS, max(1, characters // 64)), warm_up=min(warm_up, characters // 4))


def _sample_size(run: Run) -> int:
    """Choose how much an evaluation on the way reads: a small share of what training reads."""
    steps = run.plan.steps or run.step
    trained = steps * run.training.batch * run.training.length
    return min(run.held_out_characters, max(FEWEST_CHARACTERS, round(trained * SHARE_OF_TRAINING)))
