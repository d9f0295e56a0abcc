"""The recipe: default hyperparameters, chosen for the corpus, the device and the budget.

It has two rules. The network reads at least five characters for every recurrent weight within its budget, because a
larger network would read too little; of a text that is read many times, it reads more, because a larger network would
overfit. The more often the network reads its text, the higher is the dropout; an epoch of a repetitive text counts as
several readings. Both rules come from trainings on prose, code, a small text, a repetitive text and a text of three
thousand distinct characters; see tests/benchmarks/recipes.md.
"""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from charrnn.config import DEFAULT_MINUTES, NetworkConfig, TrainingConfig
from charrnn.errors import WrongUsageError
from charrnn.network.model_file import count_matmul_weights, count_parameters
from charrnn.text.batching import steps_for_epochs
from charrnn.training.regularization import dropout_rates, weight_decay
from charrnn.training.train_options import BUDGETS, TRAINING_SETTINGS, TrainOptions

CHARACTERS_PER_WEIGHT = 5
"""characters read for each recurrent weight; output weights do not count, since the vocabulary determines them"""
FEW_READINGS = 4.0
"""readings of the text from which the characters per weight grow with the square root of the readings"""
FLOPS_PER_WEIGHT = 6
"""floating-point operations per weight and character, forward and backward: Kaplan et al. 2020, section 2.1"""
WIDTHS = (128, 192, 256, 320, 384, 448, 512, 640, 768, 1024, 1536, 2048)
"""candidates for the number of units per layer"""
TIMED_WIDTHS = {"cpu": (128, 640), "mps": (128, 640), "cuda": (256, 768, 2048)}
"""units per layer of the networks that are timed, by device"""
CHARACTERS_PER_UNIT, WIDE_ENOUGH = 8, 384
"""vocabulary size per unit, up to this width: a softmax over thousands of characters needs a wide layer"""
MAX_BYTES = 1 << 38
"""bytes; a network whose training would need more is a mistake of the user"""
PEAK_LR = dict.fromkeys(("lstm", "peephole", "cifg", "capped"), 0.016) | {"gru": 0.009, "rnn": 0.005}
PEAK_LR |= {"gru-reset-before": PEAK_LR["gru"]}
"""peak learning rate of a layer of 256 units; in inverse proportion to the width"""
ORDINARY_DISTINCT_FRACTION = 2 / 3
"""distinct fraction of a text below which the text is repetitive; prose has 0.9 to 1 and source code 0.7 to 0.9"""
MAX_LR = 0.02
"""maximum peak learning rate of the recipe"""
FINETUNE_LR_FACTOR = 0.5
"""factor of the learning rate for fine-tuning: with factors of 1, 0.5 and 0.3, 1×128 cells that had learned most of
Tiny Shakespeare reached on its last 111 kB 2.213, 2.210, 2.236 bits in 200 steps, and 2.248, 2.228, 2.221 in 800"""
MAX_ENLARGED_LR = 0.075
"""maximum peak learning rate for a batch that is enlarged for several processes; higher rates raised the loss"""
MIN_UPDATES = 1_500
"""updates; if the budget allows fewer with long windows, the windows are shorter, and if it allows fewer with the
batch of several processes, the batch is smaller"""
MAX_BATCH = 1_024
"""maximum batch size that the recipe chooses, unless there are more processes"""
BYTES_PER_WEIGHT = 24
"""bytes: weight, EMA, gradient, two moments of AdamW and a copy of the best weights, 4 bytes each"""


@dataclass(frozen=True, kw_only=True)
class RecipeInputs:
    """Properties of text, device and network on which the choice depends."""

    train_characters: int
    vocabulary_size: int
    device: str
    speeds: tuple[tuple[int, float], ...] = ()
    """pairs of a width, in rising order, and its measured characters per second; empty: estimated from the FLOPs"""
    flops_per_second: float = 1e11
    """assumed floating-point operations per second of the training, if no speed was measured"""
    trained: bool = False
    """whether the network is pretrained on another text"""
    distinct_fraction: float = 1.0
    """number of distinct substrings of the training text relative to all of its substrings"""
    processes: int = 1
    """number of processes that share each batch; the speeds are those of one"""

    @property
    def default_batch(self) -> int:
        """Return the default batch size of one process on this device."""
        return 64 if self.device == "cuda" else 32

    @property
    def effective_characters(self) -> float:
        """Return the length of a text without repetition that needs as much dropout as this text.

        It is the actual length unless the text is repetitive. The fraction is squared because it is too high for
        copies with small edits: the substrings around an edit are distinct, although the rest of them is a copy.
        """
        return self.train_characters * min(1.0, self.distinct_fraction / ORDINARY_DISTINCT_FRACTION) ** 2

    @property
    def is_repetitive(self) -> bool:
        """Return whether the text repeats itself more than ordinary prose and source code do."""
        return self.distinct_fraction < ORDINARY_DISTINCT_FRACTION


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Chosen hyperparameters, with the reason in one line."""

    network: NetworkConfig
    training: TrainingConfig
    reason: str


def choose_hyperparameters(options: TrainOptions, inputs: RecipeInputs) -> Recipe:
    """Return all hyperparameters, given ones included; raise WrongUsageError if no machine can hold the network."""
    if not options.given(BUDGETS):
        options = dataclasses.replace(options, minutes=DEFAULT_MINUTES)
    network = _network(options, options.hidden or _width(options, inputs), inputs)
    _check_size(network, inputs.vocabulary_size)
    characters = _characters_to_read(options, network, inputs)
    readings = characters / inputs.effective_characters
    weights_per_char = count_matmul_weights(network, inputs.vocabulary_size) / inputs.effective_characters
    network = dataclasses.replace(network, **dropout_rates(options, readings, weights_per_char))
    training = _training(options, network, inputs, characters)
    reason = _reason(options, inputs, characters)
    if _enlargement(options, inputs, training.batch) > 1:
        reason += f"; batch of {training.batch} for {inputs.processes} processes"
    return Recipe(network=network, training=training, reason=reason)


def networks_to_time(options: TrainOptions, inputs: RecipeInputs) -> tuple[tuple[NetworkConfig, ...], TrainingConfig]:
    """Return the networks to time, and the training to time them with; no networks unless the budget is a time."""
    batch, length = _batch(options, inputs, math.inf)
    share = max(1, batch // inputs.processes)
    training = TrainingConfig(batch=share, length=length, lr=1e-3, precision=options.training_precision)
    if options.steps or options.epochs:
        return (), training
    widths = (options.hidden,) if options.hidden else TIMED_WIDTHS[inputs.device]
    return tuple(_network(options, width, inputs) for width in widths), training


def _width(options: TrainOptions, inputs: RecipeInputs) -> int:
    """Return the width of the widest layer that still reads enough characters for its weights."""
    size = inputs.vocabulary_size

    def reads_enough(width: int) -> bool:
        network = _network(options, width, inputs)
        characters = _characters_to_read(options, network, inputs)
        recurrent_weights = count_matmul_weights(network, size) - width * size
        return characters >= _characters_per_weight(characters, inputs) * recurrent_weights

    fitting = [width for width in WIDTHS if reads_enough(width)]
    minimum = min(WIDE_ENOUGH, size / CHARACTERS_PER_UNIT)
    return max([*fitting, next(width for width in WIDTHS if width >= minimum)])


def _characters_per_weight(characters: float, inputs: RecipeInputs) -> float:
    """Return how many characters a network should read for each recurrent weight if it reads `characters` in all."""
    readings = characters / inputs.train_characters
    return CHARACTERS_PER_WEIGHT * math.sqrt(max(1.0, readings / FEW_READINGS))


def _network(options: TrainOptions, hidden: int, inputs: RecipeInputs) -> NetworkConfig:
    """Return the network of a width, without dropout."""
    return NetworkConfig(
        cell=options.cell or NetworkConfig.cell,
        layers=options.layers or NetworkConfig.layers,
        hidden=hidden,
        embedding=_embedding(inputs.vocabulary_size) if options.embedding is None else options.embedding,
        documents=options.documents,
    )


def _embedding(vocabulary_size: int) -> int:
    """Return a third of the vocabulary size, within bounds: wider embeddings cost time and do not lower the loss."""
    return min(128, max(16, 16 * math.ceil(vocabulary_size / 48)))


def _characters_to_read(options: TrainOptions, network: NetworkConfig, inputs: RecipeInputs) -> float:
    """Return the number of characters that the budget allows, by steps, epochs or time."""
    if options.steps:
        batch, length = _batch(options, inputs, math.inf)
        return float(options.steps) * batch * length
    if options.epochs:
        return float(options.epochs) * inputs.train_characters
    assert options.minutes is not None
    return float(options.minutes) * 60 * _characters_per_second(network, inputs)


def _characters_per_second(network: NetworkConfig, inputs: RecipeInputs) -> float:
    """Return the expected speed, interpolated between the timed widths on a log-log scale.

    A narrower network is as fast as the narrowest that was timed; a wider one is slower in proportion to its weights.
    Without measured speeds, the FLOPs determine the speed.
    """
    size = inputs.vocabulary_size
    if not inputs.speeds:
        flops_per_second = inputs.processes * inputs.flops_per_second
        return flops_per_second / (FLOPS_PER_WEIGHT * count_matmul_weights(network, size))
    widths, speeds = np.log(np.array(inputs.speeds)).T
    widest = dataclasses.replace(network, hidden=min(network.hidden, inputs.speeds[-1][0]))
    ratio = count_matmul_weights(widest, size) / count_matmul_weights(network, size)
    return inputs.processes * ratio * math.exp(np.interp(math.log(network.hidden), widths, speeds))


def _batch(options: TrainOptions, inputs: RecipeInputs, characters: float) -> tuple[int, int]:
    """Return batch size and window length; both are smaller if the text or the budget has only a few windows."""
    updates = options.steps or characters / (inputs.default_batch * 64)
    long = updates >= MIN_UPDATES and inputs.train_characters >= 100_000
    length = options.length or (64 if long else 32)
    largest = 2 ** int(math.log2(max(4, inputs.train_characters // (length * 16))))
    if inputs.processes * length <= inputs.train_characters:
        largest = max(largest, inputs.processes)
    windows = characters / max(64, length)  # Short windows are for short trainings, whose batch must stay small.
    return options.batch or min(_enlarged_batch(options, inputs, windows), largest), length


def _enlarged_batch(options: TrainOptions, inputs: RecipeInputs, windows: float) -> int:
    """Return the default batch size of all processes, if the budget allows so many windows.

    Each process gets as many streams as a single process, because fewer streams take nearly as long. It gets fewer,
    but at least one, if the training would have too few updates.
    """
    batch = min(MAX_BATCH, inputs.processes * inputs.default_batch)
    while batch > inputs.default_batch and (options.steps or windows / batch) < MIN_UPDATES:
        batch //= 2
    return max(batch, inputs.default_batch, inputs.processes)


def _training(
    options: TrainOptions, network: NetworkConfig, inputs: RecipeInputs, characters: float
) -> TrainingConfig:
    """Return the hyperparameters of the training."""
    batch, length = _batch(options, inputs, characters)
    steps = options.steps
    if options.epochs:
        steps = steps_for_epochs(options.epochs, characters=inputs.train_characters, batch=batch, length=length)
    rate = _peak_lr(network, inputs, _enlargement(options, inputs, batch))
    # Each document begins with a fresh state, so that no state needs to be reset at random.
    steps_per_epoch = inputs.train_characters / (batch * length)
    decay = weight_decay(options.lr or rate, steps_per_epoch, cell=network.cell, trained=inputs.trained)
    chosen = {"lr": rate, "weight_decay": decay}
    chosen |= {"reset": 0.0} if options.documents else {}
    given = options.given(name for name in TRAINING_SETTINGS if name not in BUDGETS)
    minutes = None if steps else options.minutes
    return TrainingConfig(**{**chosen, **given, "batch": batch, "length": length, "steps": steps, "minutes": minutes})


def _enlargement(options: TrainOptions, inputs: RecipeInputs, batch: int) -> float:
    """Return the factor by which the recipe enlarges the batch for several processes; 1 for a given batch."""
    return 1.0 if options.batch else max(1.0, batch / inputs.default_batch)


def _peak_lr(network: NetworkConfig, inputs: RecipeInputs, enlargement: float) -> float:
    """Return the peak learning rate: lower for wider and deeper networks, and for fine-tuning.

    It grows with the square root of the factor by which the batch is enlarged for several processes, because the
    gradient of more streams has less noise.
    """
    rate = min(MAX_LR, PEAK_LR[network.cell] * 256 / network.hidden / math.sqrt(network.layers))
    rate = min(MAX_ENLARGED_LR, rate * math.sqrt(enlargement))
    rate *= FINETUNE_LR_FACTOR if inputs.trained else 1
    return float(f"{rate:.2g}")


def _check_size(network: NetworkConfig, vocabulary_size: int) -> None:
    """Raise WrongUsageError if the training of a network would need more memory than any machine has."""
    needed = count_parameters(network, vocabulary_size) * BYTES_PER_WEIGHT
    if needed > MAX_BYTES:
        raise WrongUsageError(
            f"this network would need about {needed / 1e12:,.1f} TB", hint="a lower `--hidden` or `--layers`"
        )


def _reason(options: TrainOptions, inputs: RecipeInputs, characters: float) -> str:
    """Return the reason for the choice, in one line."""
    times = _times(characters / inputs.train_characters)
    if inputs.is_repetitive:
        distinct_characters = inputs.train_characters * inputs.distinct_fraction
        times += f", its distinct passages {_times(characters / distinct_characters)}"
    if inputs.trained:
        rate = "" if options.lr else ", at half the usual learning rate to limit forgetting"
        return f"fine-tuning; reads this text {times}{rate}"
    if options.hidden or not options.minutes:
        return f"settings chosen to read the text {times}"
    budget = f"{options.minutes:g} minute{'' if options.minutes == 1 else 's'}"
    target = f"{_characters_per_weight(characters, inputs):.0f} characters per recurrent weight"
    return f"sized for {budget}, to read {target}: reads the text {times}"


def _times(count: float) -> str:
    if count < 0.1:
        return "less than 0.1 times"
    return f"about {count:.1f} times" if count < 10 else f"about {count:,.0f} times"
