"""charrnn inspect --memory --untrained: gradients of untrained networks beside those of the model."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from common import Call, random_model

from charrnn.config import NetworkConfig
from charrnn.inspection.measures.lag_attribution import attribute_by_lag
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import save_model
from charrnn.storage.run_directory import RunDirectory
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.initialization import Initialization, parse_initialization
from charrnn.training.untrained import untrained_model

CHARACTERS = "\n abcdefgh()"
TEXT = "abc (a bc) ab\n  deaf had a cab (fed) \n" * 80

pytestmark = pytest.mark.usefixtures("few_positions")


@pytest.fixture
def memory(run_here: RunDirectory) -> tuple[str, ...]:
    """Return the command for a model with a text."""
    save_model(run_here.model, random_model(CHARACTERS))
    Path("text.txt").write_text(TEXT)
    return ("inspect", "checkpoints/hamlet", "--text", "text.txt", "--memory")


def results(call: Call, *arguments: str) -> list[dict[str, Any]]:
    """Return the JSON objects of the output."""
    result = call(*arguments, "--json")
    assert result.code == 0, result.err
    return [json.loads(line) for line in result.out.splitlines()]


def test_an_untrained_network_has_the_size_of_the_model(call: Call, memory: tuple[str, ...]) -> None:
    """Alone, --untrained means the model's kind of cell; the model is measured as without it."""
    trained, untrained = results(call, *memory, "--untrained")
    assert [trained] == results(call, *memory)
    assert (untrained["untrained"], untrained["model"]) == ("same", "")
    assert [untrained[key] for key in ("cell", "layers", "hidden")] == ["lstm", 2, 12]
    assert untrained["full_bits"] != trained["full_bits"]
    assert results(call, *memory, "--untrained")[1] == untrained


def test_several_kinds_of_cells_are_drawn_in_one_plot(call: Call, memory: tuple[str, ...]) -> None:
    """With a legend, in the terminal and in the picture."""
    kinds = ("--untrained", "gru", "--untrained", "rnn,scale=3", "--untrained", "lstm,bias=0")
    result = call(*memory, *kinds, "--svg", "memory.svg", "--title", "</text><script>\x1b[31m\u202e")
    assert result.code == 0, result.err
    labels = ("a LSTM 2×12", "b GRU 2×12 untrained", "c tanh RNN 2×12 untrained, scale 3", "untrained, bias 0")
    picture = Path("memory.svg").read_text(encoding="utf-8")
    texts = [element.text or "" for element in ET.fromstring(picture).iter()]  # noqa: S314 - our own document
    for label in labels:
        assert label in result.out
        assert any(label in text for text in texts)
    assert not set(picture) & set("\x1b\u202e")
    assert "<script" not in picture


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("--gates", "--untrained"), "--untrained belongs to --memory", "--memory"),
        (("--memory", "--untrained", "gruu"), "'gruu' is not a kind of cell", "gru"),
        (("--memory", "--untrained", "gru,bias=1"), "cells of kind gru have no forget gate", "scale"),
        (("--memory", "--untrained", "lstm,bias=nan"), "bias must be a number from -100 to 100", "lstm,bias=0"),
        (("--memory", "--untrained", "rnn,scale=-1"), "scale must be a number from 0 to 100", "lstm,bias=0"),
        (("--memory", "--untrained", "rnn,gain=1"), "'gain=1' is no setting", "lstm,bias=0"),
        (("--memory", "--untrained", "bias=1,bias=2"), "'bias=2' is no setting", "lstm,bias=0"),
        (("--memory", "--untrained", "checkpoints/hamlet"), "is not a kind of cell", "before --untrained"),
        (("--browse", "--memory", "--untrained"), "--browse and --memory", ""),
    ],
)
def test_unknown_networks_are_refused(
    call: Call, memory: tuple[str, ...], arguments: tuple[str, ...], message: str, hint: str
) -> None:
    """With one line and a hint, before anything is measured."""
    result = call(*memory[:4], *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert hint in result.err


@pytest.mark.parametrize(
    "text", ["same", "lstm", "same,bias=-2", "lstm,bias=0", "rnn,scale=1.5", "cifg,bias=3,scale=2"]
)
def test_an_initialization_is_written_as_it_is_read(text: str) -> None:
    """The label of a network is the value of the option that requests it."""
    assert str(parse_initialization(text)) == text


def test_bias_and_scale_change_the_initial_weights_only() -> None:
    """The same seed gives the same weights otherwise, and torch's generator is left as it was."""
    import torch

    config, vocabulary = NetworkConfig(hidden=8, embedding=4, layers=2), Vocabulary(tuple(CHARACTERS))
    before = torch.random.get_rng_state()
    plain = untrained_model(config, vocabulary, Initialization(), seed=3).weights
    changed = untrained_model(config, vocabulary, Initialization(bias=-2, scale=3), seed=3).weights
    assert torch.equal(before, torch.random.get_rng_state())
    for layer in range(2):
        assert (plain[f"rnn.bias_ih_l{layer}"].reshape(4, 8)[1] == 1).all()
        assert (changed[f"rnn.bias_ih_l{layer}"].reshape(4, 8)[1] == -2).all()
        assert np.allclose(changed[f"rnn.weight_hh_l{layer}"], 3 * plain[f"rnn.weight_hh_l{layer}"])
    assert (plain["rnn.weight_ih_l1"] == changed["rnn.weight_ih_l1"]).all()


def median_gradients(initialization: str) -> list[float]:
    """Return the median gradients of an untrained network of 48 cells by lag."""
    vocabulary = Vocabulary(tuple(CHARACTERS))
    model = untrained_model(NetworkConfig(hidden=48, embedding=8), vocabulary, parse_initialization(initialization))
    rng = np.random.default_rng(0)
    attribution = attribute_by_lag(InferenceRNN.from_model(model), vocabulary.encode(TEXT), rng, anchors=8)
    medians: list[float] = attribution.gradient.median.tolist()
    return medians


def test_gradients_vanish_explode_or_survive_as_theory_predicts() -> None:
    """A higher forget-gate bias keeps gradients longer; large recurrent weights let those of a tanh RNN explode."""
    low, default, high = (median_gradients(f"lstm,bias={bias}")[30] for bias in (-2, 1, 4))
    assert low < 1e-3 * default
    assert default < 0.1 * high
    exploded = median_gradients("rnn,scale=30")
    assert exploded[20] > 1e3
    assert np.isfinite(exploded).all()
    assert median_gradients("rnn")[20] < 0.1
