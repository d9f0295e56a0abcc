"""The recipe fits hyperparameters to text, device and budget, and keeps every given setting."""

import itertools
from typing import Any

import pytest

from charrnn.errors import WrongUsageError
from charrnn.network.model_file import count_parameters
from charrnn.training.recipe import (
    MAX_ENLARGED_LR,
    MIN_UPDATES,
    RecipeInputs,
    choose_hyperparameters,
)
from charrnn.training.regularization import DECAY_EPOCHS, MAX_WEIGHT_DECAY, SMALL_WEIGHT_DECAY
from charrnn.training.train_options import TrainOptions


def make_inputs(
    characters: int = 1_000_000,
    vocabulary: int = 65,
    flops: float = 1e11,
    distinct: float = 1.0,
    *,
    device: str = "cpu",
    processes: int = 1,
    trained: bool = False,
) -> RecipeInputs:
    """Return the inputs of the recipe for a text and a device."""
    return RecipeInputs(
        train_characters=characters,
        vocabulary_size=vocabulary,
        device=device,
        flops_per_second=flops,
        distinct_fraction=distinct,
        processes=processes,
        trained=trained,
    )


@pytest.mark.parametrize(
    ("options", "inputs", "expected"),
    [
        ({}, {}, (448, 0.15, 32, 64, 0.0091)),
        ({"minutes": 1}, {"characters": 100000000}, (256, 0.0, 32, 64, 0.016)),
        ({"minutes": 60}, {"flops": 1000000000000.0}, (1024, 0.5, 32, 64, 0.004)),
        ({"epochs": 60}, {}, (768, 0.5, 32, 64, 0.0053)),
        ({"steps": 100}, {}, (128, 0.0, 32, 32, 0.02)),
        ({"steps": 5000, "batch": 256}, {}, (768, 0.5, 256, 64, 0.0053)),
        ({"steps": 5000, "cell": "rnn", "layers": 2, "hidden": 128}, {}, (128, 0.24, 32, 64, 0.0071)),
        ({"epochs": 3}, {"characters": 20000}, (128, 0.28, 32, 32, 0.02)),
        ({"minutes": 5}, {"device": "cuda", "flops": 100000000000000.0}, (1024, 0.5, 64, 64, 0.004)),
        ({"minutes": 5}, {"vocabulary": 3000}, (384, 0.13, 32, 32, 0.011)),
    ],
)
def test_the_recipe_of_one_process(
    options: dict[str, Any], inputs: dict[str, Any], expected: tuple[int, float, int, int, float]
) -> None:
    """Width, dropout, batch, length and learning rate, which were tuned for one process."""
    recipe = choose_hyperparameters(TrainOptions(**options), make_inputs(**inputs))
    network, training = recipe.network, recipe.training
    assert (network.hidden, network.dropout, training.batch, training.length, training.lr) == expected
    assert "processes" not in recipe.reason


def test_several_processes_get_a_network_for_their_joint_speed() -> None:
    """With the same batch, two processes get the recipe of one process that is twice as fast."""
    options = TrainOptions(minutes=5, batch=32)
    two = choose_hyperparameters(options, make_inputs(processes=2))
    assert two == choose_hyperparameters(options, make_inputs(flops=2e11))
    assert two.network.hidden > choose_hyperparameters(options, make_inputs()).network.hidden


@pytest.mark.parametrize(("device", "usual"), [("cpu", 32), ("mps", 32), ("cuda", 64)])
@pytest.mark.parametrize("processes", [2, 3, 8])
def test_every_process_gets_the_usual_batch_in_a_long_training(device: str, usual: int, processes: int) -> None:
    """The learning rate grows with the square root of the batch; the reason names the batch."""
    options = TrainOptions(epochs=50, hidden=512)
    one = choose_hyperparameters(options, make_inputs(10_000_000, device=device)).training
    recipe = choose_hyperparameters(options, make_inputs(10_000_000, device=device, processes=processes))
    assert (one.batch, recipe.training.batch) == (usual, usual * processes)
    assert recipe.training.lr == pytest.approx(one.lr * processes**0.5, rel=0.05)
    assert recipe.training.length == one.length
    assert recipe.reason.endswith(f"50 times; batch of {usual * processes} for {processes} processes")


@pytest.mark.parametrize("processes", [2, 3, 8, 30])
def test_a_batch_is_enlarged_only_if_enough_updates_remain(processes: int) -> None:
    """A longer training never has a smaller batch, and a short one has that of one process."""
    recipes = [
        choose_hyperparameters(TrainOptions(epochs=epochs), make_inputs(10_000_000, processes=processes))
        for epochs in (0.05, 0.2, 0.4, 0.8, 1.6, 5, 20)
    ]
    batches = [recipe.training.batch for recipe in recipes]
    assert batches == sorted(batches)
    assert batches[0] == 32
    assert batches[-1] == 32 * processes
    for recipe in recipes:
        assert recipe.training.batch == 32 or (recipe.training.steps or 0) >= MIN_UPDATES
    short = choose_hyperparameters(TrainOptions(steps=MIN_UPDATES - 1), make_inputs(processes=processes))
    assert short == choose_hyperparameters(TrainOptions(steps=MIN_UPDATES - 1), make_inputs())


@pytest.mark.parametrize(("characters", "processes"), list(itertools.product((200, 10**5, 10**10), (2, 40, 3_000))))
@pytest.mark.parametrize("options", [{}, {"steps": 5}, {"epochs": 0.001}, {"length": 1}])
def test_every_process_gets_a_stream_if_the_text_has_enough(
    characters: int, processes: int, options: dict[str, Any]
) -> None:
    """Otherwise the batch is that of the text, and the command refuses so many processes."""
    training = choose_hyperparameters(TrainOptions(**options), make_inputs(characters, processes=processes)).training
    assert training.batch >= processes or processes * training.length > characters
    assert training.batch * training.length <= characters


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_learning_rate_of_an_enlarged_batch_is_bounded(cell: str) -> None:
    """It is never below that of the usual batch."""
    for hidden, processes in itertools.product((32, 128, 1024), (1, 2, 8, 32, 1_000)):
        options = TrainOptions(cell=cell, hidden=hidden, epochs=1)
        lr = choose_hyperparameters(options, make_inputs(10**10, processes=processes)).training.lr
        assert choose_hyperparameters(options, make_inputs(10**10)).training.lr <= lr <= MAX_ENLARGED_LR


def test_a_given_batch_keeps_its_learning_rate_for_any_number_of_processes() -> None:
    """The batch is that of all processes together, so the same options mean the same training."""
    options = TrainOptions(epochs=50, hidden=256, batch=128)
    recipes = [choose_hyperparameters(options, make_inputs(10_000_000, processes=size)) for size in (1, 2, 8)]
    assert recipes[0] == recipes[1] == recipes[2]


def test_more_time_means_a_larger_network() -> None:
    """The number of parameters grows with the minutes."""
    sizes = [
        count_parameters(choose_hyperparameters(TrainOptions(minutes=minutes), make_inputs()).network, 65)
        for minutes in (0.1, 1, 5, 30, 300)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] < sizes[4]


def test_more_epochs_mean_more_dropout() -> None:
    """One epoch needs none; many epochs would memorize the text without it."""
    dropouts = [
        choose_hyperparameters(TrainOptions(epochs=epochs), make_inputs()).network.dropout
        for epochs in (1, 3, 10, 60)
    ]
    assert dropouts[0] == 0
    assert dropouts == sorted(dropouts)
    assert dropouts[-1] <= 0.5


@pytest.mark.parametrize("options", [{}, {"minutes": 60}, {"epochs": 60}, {"steps": 3_000, "dropout": 0.1}])
@pytest.mark.parametrize("distinct", [0.7, 0.9])
def test_repetition_as_in_ordinary_texts_changes_nothing(options: dict[str, Any], distinct: float) -> None:
    """Prose and source code repeat some phrases; their recipe does not depend on how many."""
    recipe = choose_hyperparameters(TrainOptions(**options), make_inputs(distinct=distinct))
    assert recipe == choose_hyperparameters(TrainOptions(**options), make_inputs())


def test_a_repetitive_text_has_the_dropout_of_a_shorter_text() -> None:
    """Three readings of three copies are about nine readings of the original, which is a little shorter."""
    whole = choose_hyperparameters(TrainOptions(epochs=3), make_inputs(8_000_000, distinct=1 / 3)).network
    shorter = choose_hyperparameters(TrainOptions(epochs=12, hidden=whole.hidden), make_inputs(2_000_000)).network
    assert whole == shorter
    assert whole.dropout > choose_hyperparameters(TrainOptions(epochs=3), make_inputs(8_000_000)).network.dropout


def test_dropout_grows_with_repetition_without_a_jump() -> None:
    """A text that is nearly ordinary has nearly the ordinary recipe."""
    dropouts = [
        choose_hyperparameters(TrainOptions(epochs=3), make_inputs(8_000_000, distinct=fraction)).network.dropout
        for fraction in (0.67, 0.66, 0.6, 0.5, 0.4, 0.2, 0.05, 1e-6)
    ]
    assert dropouts == sorted(dropouts)
    assert dropouts[1] - dropouts[0] < 0.02
    assert dropouts[-1] == 0.5


def test_a_repetitive_text_keeps_the_given_regularization() -> None:
    """Only the settings that are not given depend on the repetition."""
    given = TrainOptions(epochs=3, dropout=0.0, weight_decay=0.1)
    recipe = choose_hyperparameters(given, make_inputs(distinct=0.1))
    plain = choose_hyperparameters(given, make_inputs())
    assert (recipe.network, recipe.training) == (plain.network, plain.training)


@pytest.mark.parametrize("minutes", [1, 5, 30])
@pytest.mark.parametrize("characters", [1_000, 30_000, 10**6, 10**8])
def test_the_time_constant_of_weight_decay_is_a_few_epochs(characters: int, minutes: float) -> None:
    """1 / (rate · decay) steps are two epochs for every network of a long text, and more of a small one."""
    training = choose_hyperparameters(TrainOptions(minutes=minutes), make_inputs(characters)).training
    epochs = training.batch * training.length / (training.lr * training.weight_decay * characters)
    assert epochs >= 0.95 * DECAY_EPOCHS
    assert training.weight_decay == MAX_WEIGHT_DECAY or epochs == pytest.approx(DECAY_EPOCHS, rel=0.05)
    assert training.weight_decay < 0.02 or characters <= 10**6


def test_fine_tuning_and_a_tanh_rnn_have_a_small_weight_decay() -> None:
    """The decay is smaller than that of a new network, and a given decay is kept."""
    new, tuned = (choose_hyperparameters(TrainOptions(), make_inputs(trained=trained)) for trained in (False, True))
    tanh = choose_hyperparameters(TrainOptions(cell="rnn"), make_inputs())
    assert tuned.training.weight_decay == tanh.training.weight_decay == SMALL_WEIGHT_DECAY
    assert new.training.weight_decay > SMALL_WEIGHT_DECAY
    given = choose_hyperparameters(TrainOptions(weight_decay=0.3), make_inputs(trained=True)).training
    assert given.weight_decay == 0.3


def test_the_reason_states_how_often_distinct_passages_are_read() -> None:
    """For a repetitive text only."""
    reason = choose_hyperparameters(TrainOptions(epochs=3), make_inputs(distinct=0.25)).reason
    assert reason == "settings chosen to read the text about 3.0 times, its distinct passages about 12 times"


@pytest.mark.parametrize("outputs", [0.0, 0.2, 0.5, 0.9, 0.99])
def test_every_valid_dropout_gives_a_valid_network(outputs: float) -> None:
    """The chosen dropout of inputs and weights stays within its bounds."""
    network = choose_hyperparameters(TrainOptions(epochs=60, dropout=outputs), make_inputs()).network
    assert 0 <= network.input_dropout <= 0.5
    assert 0 <= network.weight_drop <= 0.5


def test_recurrent_weights_have_dropout_only_with_dozens_of_epochs() -> None:
    """Few epochs need none."""
    dropouts = [
        choose_hyperparameters(TrainOptions(epochs=epochs), make_inputs()).network.weight_drop
        for epochs in (3, 10, 50, 200)
    ]
    assert dropouts[:2] == [0, 0]
    assert 0 < dropouts[2] <= dropouts[3]


def test_a_large_vocabulary_gets_a_wide_layer_whatever_the_time() -> None:
    """128 units cannot distinguish three thousand characters."""
    assert choose_hyperparameters(TrainOptions(minutes=0.1), make_inputs(300_000, 3_000)).network.hidden == 384
    assert choose_hyperparameters(TrainOptions(minutes=0.1), make_inputs(300_000, 65)).network.hidden == 128


def test_a_text_that_is_read_many_times_gets_a_narrower_network() -> None:
    """With the same number of characters to read; a longer budget never has a narrower network."""
    many, few = (
        choose_hyperparameters(TrainOptions(minutes=30), make_inputs(characters)).network.hidden
        for characters in (500_000, 50_000_000)
    )
    assert many < few
    widths = [
        choose_hyperparameters(TrainOptions(minutes=minutes), make_inputs(500_000)).network.hidden
        for minutes in (0.2, 1, 5, 30, 120)
    ]
    assert widths == sorted(widths)
    assert len(set(widths)) > 2


def test_dropout_0_turns_off_all_dropout() -> None:
    """A part can still be requested by its own option."""
    network = choose_hyperparameters(TrainOptions(epochs=60, dropout=0.0), make_inputs()).network
    assert (network.dropout, network.input_dropout, network.weight_drop) == (0, 0, 0)
    assert (
        choose_hyperparameters(
            TrainOptions(epochs=60, dropout=0.0, weight_drop=0.3), make_inputs()
        ).network.weight_drop
        == 0.3
    )


def test_the_reason_states_how_often_the_text_is_read() -> None:
    """In one line, with the reason for the width if it was chosen."""
    assert (
        choose_hyperparameters(TrainOptions(epochs=60), make_inputs()).reason
        == "settings chosen to read the text about 60 times"
    )
    reason = choose_hyperparameters(TrainOptions(minutes=5), make_inputs()).reason
    assert reason == "sized for 5 minutes, to read 6 characters per recurrent weight: reads the text about 5.6 times"


def test_given_settings_are_kept() -> None:
    """The recipe changes none of them."""
    settings: dict[str, Any] = {"cell": "gru", "layers": 3, "hidden": 77, "embedding": 0, "dropout": 0.3, "steps": 9}
    settings |= {"input_dropout": 0.2, "weight_drop": 0.1}
    settings |= {"batch": 5, "length": 7, "lr": 0.1, "weight_decay": 0.0, "clip": 0.0, "seed": 4}
    recipe = choose_hyperparameters(TrainOptions(**settings), make_inputs())
    for name, value in settings.items():
        assert getattr(recipe.network, name, getattr(recipe.training, name, None)) == value


@pytest.mark.parametrize(
    ("characters", "vocabulary"), list(itertools.product((200, 2_000, 10**5, 10**10), (2, 65, 70_000)))
)
def test_every_text_gets_valid_settings(characters: int, vocabulary: int) -> None:
    """No size of text or vocabulary leaves a stream without characters."""
    recipe = choose_hyperparameters(TrainOptions(), make_inputs(int(characters * 0.9), vocabulary))
    assert recipe.training.batch * recipe.training.length <= characters
    assert recipe.training.minutes == 5.0
    assert recipe.network.hidden >= 128


def test_epochs_become_steps() -> None:
    """The steps are as many windows as the given number of epochs contains."""
    training = choose_hyperparameters(TrainOptions(epochs=2.0, batch=10, length=100), make_inputs(50_000)).training
    assert training.steps == 100


@pytest.mark.fault("F24")
def test_a_network_that_fits_on_no_machine_is_refused() -> None:
    """The error states its size, before memory is allocated."""
    with pytest.raises(WrongUsageError, match="would need about"):
        choose_hyperparameters(TrainOptions(hidden=1_000_000), make_inputs())
