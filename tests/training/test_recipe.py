"""The settings that are chosen fit the text, and what was asked for is what one gets."""

import itertools
from typing import Any

import pytest

from charrnn.errors import WrongUsageError
from charrnn.network.model_file import count_parameters
from charrnn.training.recipe import RecipeInputs, choose_hyperparameters
from charrnn.training.train_options import TrainOptions


def circumstances(characters: int = 1_000_000, vocabulary: int = 65, flops: float = 1e11) -> RecipeInputs:
    """Describe a text and a machine."""
    return RecipeInputs(train_characters=characters, vocabulary_size=vocabulary, device="cpu", flops_per_second=flops)


def test_more_time_means_a_larger_network() -> None:
    """Whoever waits longer gets more weights."""
    sizes = [
        count_parameters(choose_hyperparameters(TrainOptions(minutes=minutes), circumstances()).network, 65)
        for minutes in (0.1, 1, 5, 30, 300)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2] < sizes[4]


def test_texts_read_more_often_get_more_dropout() -> None:
    """A text read once needs none; one read many times is learned by heart without."""
    often = [
        choose_hyperparameters(TrainOptions(epochs=epochs), circumstances()).network.dropout
        for epochs in (1, 3, 10, 60)
    ]
    assert often[0] == 0
    assert often == sorted(often)
    assert often[-1] <= 0.5


@pytest.mark.parametrize("outputs", [0.0, 0.2, 0.5, 0.9, 0.99])
def test_any_dropout_that_can_be_asked_for_makes_a_network(outputs: float) -> None:
    """What is chosen beside it stays within its bounds."""
    network = choose_hyperparameters(TrainOptions(epochs=60, dropout=outputs), circumstances()).network
    assert 0 <= network.input_dropout <= 0.5
    assert 0 <= network.weight_drop <= 0.5


def test_recurrent_weights_are_dropped_of_texts_read_dozens_of_times_only() -> None:
    """Few readings want none, many want some."""
    dropped = [
        choose_hyperparameters(TrainOptions(epochs=epochs), circumstances()).network.weight_drop
        for epochs in (3, 10, 50, 200)
    ]
    assert dropped[:2] == [0, 0]
    assert 0 < dropped[2] <= dropped[3]


def test_a_large_alphabet_gets_a_wide_layer_whatever_the_time() -> None:
    """Three thousand characters are not told apart by 128 units."""
    assert choose_hyperparameters(TrainOptions(minutes=0.1), circumstances(300_000, 3_000)).network.hidden == 384
    assert choose_hyperparameters(TrainOptions(minutes=0.1), circumstances(300_000, 65)).network.hidden == 128


def test_no_dropout_asked_for_is_none_at_all() -> None:
    """Whoever turns it off has turned off all of it, unless a part is asked for by name."""
    network = choose_hyperparameters(TrainOptions(epochs=60, dropout=0.0), circumstances()).network
    assert (network.dropout, network.input_dropout, network.weight_drop) == (0, 0, 0)
    assert (
        choose_hyperparameters(
            TrainOptions(epochs=60, dropout=0.0, weight_drop=0.3), circumstances()
        ).network.weight_drop
        == 0.3
    )


def test_why_says_how_often_the_text_is_read() -> None:
    """In a line; and how the width was chosen, where it was."""
    assert (
        choose_hyperparameters(TrainOptions(epochs=60), circumstances()).reason
        == "settings chosen to read the text about 60 times"
    )
    reason = choose_hyperparameters(TrainOptions(minutes=5), circumstances()).reason
    assert "characters per recurrent weight in that time: reads the text about 5.6 times" in reason


def test_what_was_asked_for_is_what_one_gets() -> None:
    """Every setting given is kept."""
    asked: dict[str, Any] = {"cell": "gru", "layers": 3, "hidden": 77, "embedding": 0, "dropout": 0.3, "steps": 9}
    asked |= {"input_dropout": 0.2, "weight_drop": 0.1}
    asked |= {"batch": 5, "length": 7, "lr": 0.1, "weight_decay": 0.0, "clip": 0.0, "seed": 4}
    recipe = choose_hyperparameters(TrainOptions(**asked), circumstances())
    for name, value in asked.items():
        assert getattr(recipe.network, name, getattr(recipe.training, name, None)) == value


@pytest.mark.parametrize(
    ("characters", "vocabulary"), list(itertools.product((200, 2_000, 10**5, 10**10), (2, 65, 70_000)))
)
def test_every_text_gets_settings_that_work(characters: int, vocabulary: int) -> None:
    """No size of text or alphabet leaves a stream without characters."""
    recipe = choose_hyperparameters(TrainOptions(), circumstances(int(characters * 0.9), vocabulary))
    assert recipe.training.batch * recipe.training.length <= characters
    assert recipe.training.minutes == 5.0
    assert recipe.network.hidden >= 128


def test_epochs_become_steps() -> None:
    """As many windows as it takes to read the text so often."""
    training = choose_hyperparameters(TrainOptions(epochs=2.0, batch=10, length=100), circumstances(50_000)).training
    assert training.steps == 100


@pytest.mark.fault("F24")
def test_a_network_that_no_machine_holds_is_refused() -> None:
    """Before anything is allocated, with its size."""
    with pytest.raises(WrongUsageError, match="would need about"):
        choose_hyperparameters(TrainOptions(hidden=1_000_000), circumstances())
