"""Attribution of single predictions to each earlier character, by gradient × input and by occlusion.

Gradient × input is e·d(log p)/de for the embedding e of a character (its one-hot vector in a model without an
embedding): to first order, the part of the log-probability of the predicted character that the character adds.
Occlusion replaces the character by random other ones of the text and measures how much lower that log-probability is
without the character; it also sees what saturated cells keep, which no small change moves.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from charrnn.arguments import whole_number
from charrnn.errors import WrongUsageError
from charrnn.inspection.measures.lag_attribution import (
    LAG_WARM_UP,
    ReadWindows,
    Replacements,
    kl_divergence,
    loss_gradients,
    read_windows,
)
from charrnn.inspection.measures.provenance import DIGITS, Provenance, SourceNames, rounded_list
from charrnn.inspection.measures.surprisal import Surprise, check_predictable, measure_surprisal
from charrnn.network.cells import CellState, CellStep, concat_rows, select_rows
from charrnn.network.inference import ActivationCache, InferenceRNN, LayerCache, log_softmax
from charrnn.text.vocabulary import Ids, Vocabulary

Numbers = NDArray[np.floating]

WINDOW = 100
"""number of characters before a prediction that it is attributed to"""
REPLACEMENT_COUNT = 8
"""number of random characters that replace each character in turn"""
GUESSES = 5
"""number of likeliest characters that are recorded"""
MAX_STRONGEST = 5
"""number of characters of the strongest effect that are listed"""
MAX_SURPRISING = 3
"""number of surprising predictions that are attributed if no position is given"""
MIN_DISTANCE = 32
"""minimum number of characters before a surprising prediction, and between two of them"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribution(Provenance):
    """The influence of each of T characters on the prediction of the character after them."""

    content: str
    """the T characters before the predicted one; `start` is the position of the first of them"""
    character: str
    """the predicted character: the actual one of the text"""
    bits: float
    """surprisal of the predicted character"""
    rank: int
    """rank of the predicted character among the predictions, 1 for the most probable"""
    guesses: tuple[tuple[str, float], ...]
    """most probable characters and their probabilities, in descending order"""
    gradient: Numbers
    """gradient × input of each character, in bits; positive if it makes the predicted character more probable (T,)"""
    occlusion: Numbers
    """decrease of the log-probability when the character is replaced, in bits: mean over the replacements (T,)"""
    divergence: Numbers
    """KL divergence of the whole prediction caused by the replacement, in bits: mean over the replacements (T,)"""

    @property
    def at(self) -> int:
        """The position of the predicted character in the text."""
        return self.start + self.characters

    def strongest(self, count: int = MAX_STRONGEST) -> tuple[int, ...]:
        """Return the indices of the characters of the strongest occlusion effect, in descending order."""
        count = whole_number(count, "count")
        order = np.argsort(-np.abs(self.occlusion), kind="stable")
        return tuple(order[:count].tolist())

    def to_json(self) -> dict[str, Any]:
        """Return rounded values for JSON."""
        return {
            "view": "why",
            **self.provenance(),
            "at": self.at,
            "character": self.character,
            "bits": round(self.bits, DIGITS),
            "rank": self.rank,
            "guesses": [[character, round(probability, DIGITS)] for character, probability in self.guesses],
            "content": self.content,
            "replacements": REPLACEMENT_COUNT,
            "gradient_bits": rounded_list(self.gradient.tolist()),
            "occlusion_bits": rounded_list(self.occlusion.tolist()),
            "divergence_bits": rounded_list(self.divergence.tolist()),
        }


def attribute_prediction(
    rnn: InferenceRNN,
    vocabulary: Vocabulary,
    ids: Ids,
    index: int,
    rng: np.random.Generator,
    **source: Unpack[SourceNames],
) -> Attribution:
    """Return the attribution of the prediction of the character at an index of a text's ids (T,).

    Characters that replace others are drawn from the whole text. The first character of a text is not predicted.
    """
    length = min(WINDOW, index)
    warm_up = min(LAG_WARM_UP, index - length)
    window = read_windows(rnn, ids, np.array([index - 1]), length - 1, warm_up)
    log_probs = window.log_probs[0].astype(np.float64)
    occluded = occluded_predictions(rnn, window, Replacements(ids, rng)).astype(np.float64)
    order, target, nats_per_bit = np.argsort(-log_probs, kind="stable"), int(ids[index]), math.log(2)
    return Attribution(
        model=source.get("model", ""),
        text=source.get("text", ""),
        start=source.get("start", 0) + index - length,
        characters=length,
        content=vocabulary.decode(ids[index - length : index].tolist()),
        character=vocabulary.characters[target],
        bits=abs(float(log_probs[target])) / nats_per_bit,
        rank=1 + int(np.flatnonzero(order == target)[0]),
        guesses=tuple(
            (vocabulary.characters[char_id], math.exp(log_probs[char_id])) for char_id in order[:GUESSES].tolist()
        ),
        gradient=gradient_times_input(rnn, window)[:, 0] / nats_per_bit,
        occlusion=(log_probs[target] - occluded[:, :, target]).mean(axis=1) / nats_per_bit,
        divergence=kl_divergence(log_probs, occluded).mean(axis=1) / nats_per_bit,
    )


def check_predicted(position: int, *, start: int, stop: int) -> None:
    """Raise WrongUsageError unless a position in a text is that of a predicted character of the section that is read.

    The section consists of the characters from `start` to `stop`, of which the first is not predicted.
    """
    if not start < position < stop:
        predicted = f"positions {start + 1:,} to {stop - 1:,} are predicted" if stop - start > 1 else None
        where = "the first character read, which is not predicted" if position == start else "outside the text"
        raise WrongUsageError(f"position {position:,} is {where}", hint=predicted)


def gradient_times_input(rnn: InferenceRNN, window: ReadWindows) -> Numbers:
    """Return e·d(log p)/de for the embedding e of each character of windows, in nats (T, B)."""
    gradients = -loss_gradients(rnn, window).astype(np.float64)
    embedding = rnn.weights.get("embedding.weight")
    if embedding is None:
        by_own_character: Numbers = np.take_along_axis(gradients, window.ids[..., None], -1)[..., 0]
        return by_own_character
    product: Numbers = (gradients * embedding[window.ids]).sum(-1)
    return product


def occluded_predictions(rnn: InferenceRNN, window: ReadWindows, replacements: Replacements) -> Numbers:
    """Return the log-probabilities after each of the T characters of one window is replaced in turn.

    The result is (T, REPLACEMENT_COUNT, V). All replaced texts are read together: those whose character is replaced
    at a step join the batch at this step.
    """
    length, repeated = len(window.ids), np.zeros(REPLACEMENT_COUNT, np.int64)
    states = select_rows(window.before, repeated[:0])
    for step in range(length):
        actual = window.ids[step].repeat(REPLACEMENT_COUNT)
        states = concat_rows([states, select_rows(window.state_before(step), repeated)])
        read = np.concatenate(
            [window.ids[step].repeat(step * REPLACEMENT_COUNT), replacements.different_from(actual)]
        )
        states = rnn.step_state(read, states)
    log_probs: Numbers = log_softmax(rnn.logits(states[-1].hidden))
    return log_probs.reshape(length, REPLACEMENT_COUNT, -1)


def attribute_positions(
    rnn: InferenceRNN,
    vocabulary: Vocabulary,
    ids: Ids,
    positions: Iterable[int],
    rng: np.random.Generator,
    **source: Unpack[SourceNames],
) -> list[Attribution]:
    """Return the attribution of the predictions at positions in the text, of which `ids` begin at `start`.

    Raise WrongUsageError for a position at which no character is predicted.
    """
    start = source.get("start", 0)
    indices = [position - start for position in positions]
    for index in indices:
        check_predicted(start + index, start=start, stop=start + len(ids))
    return [attribute_prediction(rnn, vocabulary, ids, index, rng, **source) for index in indices]


def attribute_surprising(
    rnn: InferenceRNN, vocabulary: Vocabulary, ids: Ids, rng: np.random.Generator, **source: Unpack[SourceNames]
) -> list[Attribution]:
    """Return the attribution of the most surprising predictions of a text, in its order (CharrnnError)."""
    check_predictable(ids)
    surprise = measure_surprisal(rnn, vocabulary, ids, guesses=0)
    return [
        attribute_prediction(rnn, vocabulary, ids, index, rng, **source) for index in surprising_indices(surprise)
    ]


def surprising_indices(surprise: Surprise) -> list[int]:
    """Return the indices of the characters with the highest surprisal that are MIN_DISTANCE apart, ascending.

    Characters near the beginning, where every model is surprised, are chosen only if there are no others.
    """
    chosen: list[int] = []
    first = min(MIN_DISTANCE, len(surprise.bits) - 1)
    for place in surprise.most_surprising(len(surprise.bits)):
        is_apart = all(abs(place.at - other) >= MIN_DISTANCE for other in chosen)
        if place.at >= first and is_apart and len(chosen) < MAX_SURPRISING:
            chosen.append(place.at)
    return sorted(chosen)


# Gradient × input of the last few characters, for every prediction of a text. The windows overlap, so the network
# reads the text once, and the activations of a window are slices of those of the text.

PREDICTIONS_PER_BATCH = 128
"""number of predictions whose gradients are computed together"""


def gradient_of_each(rnn: InferenceRNN, ids: Ids, first: int, lags: int) -> Numbers:
    """Return gradient × input of the `lags` characters before each character of a text's ids from index `first` on.

    The result is (T - first, lags) in nats, with the last character before the predicted one first. It is zero for
    predictions with fewer than `lags` + 1 characters before them.
    """
    begin = max(first, lags + 1)
    products = np.zeros((len(ids) - first, lags))
    state = rnn.initial_state(1)
    for char_id in ids[: begin - lags - 1]:
        state = rnn.step_state(char_id[None], state)
    for start in range(begin, len(ids), PREDICTIONS_PER_BATCH):
        stop = min(start + PREDICTIONS_PER_BATCH, len(ids))
        cache = rnn.run_with_cache(ids[start - lags - 1 : stop - 1, None], state)
        state = tuple(layer.steps[stop - start - 1].state for layer in cache.layers)
        window = _overlapping_windows(rnn, ids, cache, range(start, stop), lags)
        products[start - first : stop - first] = gradient_times_input(rnn, window)[::-1].T
    return products


def _overlapping_windows(
    rnn: InferenceRNN, ids: Ids, cache: ActivationCache, predicted: range, lags: int
) -> ReadWindows:
    """Return the windows before consecutive characters, from the activations of one stream.

    The stream begins `lags` + 1 characters before the first predicted one, so that the state before each window is
    one of its states.
    """
    count = len(predicted)
    layers = [_stream_arrays(layer) for layer in cache.layers]
    steps = [[_select_steps(layer, slice(step, step + count)) for layer in layers] for step in range(lags + 1)]
    window_cache = ActivationCache(
        tuple(LayerCache(tuple(step[number] for step in steps[1:])) for number in range(len(layers))),
        tuple(step.state for step in steps[-1]),
    )
    indices = predicted.start - lags + np.arange(lags)[:, None] + np.arange(count)
    return ReadWindows(
        ids=ids[indices],
        targets=ids[predicted.start : predicted.stop],
        before=tuple(step.state for step in steps[0]),
        cache=window_cache,
        log_probs=log_softmax(rnn.logits(window_cache.state[-1].hidden)),
    )


def _stream_arrays(layer: LayerCache) -> CellStep:
    """Return the activations of one stream as if its T characters were streams: arrays (T, H)."""
    cell_state = None if layer.cell_state is None else layer.cell_state[:, 0]
    return CellStep(
        CellState(layer.hidden[:, 0], cell_state), {name: layer.gate(name)[:, 0] for name in layer.steps[0].gates}
    )


def _select_steps(layer: CellStep, steps: slice) -> CellStep:
    """Return some characters of the activations of one stream, as views."""
    (state,) = select_rows((layer.state,), steps)
    return CellStep(state, {name: gate[steps] for name, gate in layer.gates.items()})
