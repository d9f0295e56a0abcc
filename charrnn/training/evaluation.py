"""The loss on the held-out end of a text, with carried state: on a sample on the way, on all of it at the end."""

from dataclasses import dataclass

import torch
from torch.nn import functional

from charrnn.text.rows import cut
from charrnn.training.events import Evaluation
from charrnn.training.run import Best, Run

ROWS = 64
WARM_UP = 256
"""characters that each row reads before it is scored; a hundred are enough for all but the third digit"""
SHORT_WARM_UP = 64
SHARE_OF_TRAINING = 1 / 130
"""of the characters that will be trained on, read in each of twenty evaluations: five per cent of the time in all"""
FEWEST_CHARACTERS = 8_192
ALWAYS_READ = 150_000
"""held-out characters, at the end; of more than these, a twentieth of what was trained on"""
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
        run.best = Best(step=run.step, nats=loss.nats, weights=run.weights())
    return Evaluation(
        step=run.step,
        nats=loss.nats,
        characters=loss.characters,
        read=loss.read,
        best_nats=run.best.nats,
        best_step=run.best.step,
    )


@torch.no_grad()
def held_out_loss(run: Run, *, at_most: int | None = None, warm_up: int = WARM_UP) -> Loss:
    """Read the held-out text in rows side by side, each warmed up on the end of the one before; float32, no dropout.

    Of a text longer than `at_most`, by default `final_characters`, the beginning of every row is read.
    """
    at_most = at_most or final_characters(run)
    ids = run.corpus.ids[run.train_characters :]
    rows = cut(ids.size, rows=min(ROWS, max(1, ids.size // 64)), warm_up=min(warm_up, ids.size // 4))
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


def final_characters(run: Run) -> int:
    """Say how much held-out text the evaluation at the end reads: all, where that does not waste the budget."""
    trained = (run.plan.steps or run.step) * run.training.batch * run.training.length
    return min(run.held_out_characters, max(ALWAYS_READ, trained // 20))


def _sample_size(run: Run) -> int:
    """Choose how much an evaluation on the way reads: a small share of what training reads."""
    steps = run.plan.steps or run.step
    trained = steps * run.training.batch * run.training.length
    return max(FEWEST_CHARACTERS, min(round(trained * SHARE_OF_TRAINING), run.held_out_characters))
