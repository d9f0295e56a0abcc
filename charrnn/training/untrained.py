"""Untrained networks: models with the weights with which a training of this size begins."""

import dataclasses

import torch

from charrnn.config import NetworkConfig
from charrnn.network.cells import CELLS
from charrnn.network.char_rnn import CharRNN
from charrnn.network.model_file import Model
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.initialization import Initialization


def untrained_model(
    config: NetworkConfig, vocabulary: Vocabulary, initialization: Initialization, *, seed: int = 0
) -> Model:
    """Return an untrained model of a size and a vocabulary; raise WrongUsageError if its cell has no such bias.

    The random numbers are those of a training with this seed; torch's generator keeps its state.
    """
    chosen = initialization.for_network(config)
    assert chosen.cell is not None, "an initialization for a network has a cell"
    config = dataclasses.replace(config, cell=chosen.cell)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(seed)
        network = CharRNN(config, len(vocabulary), end_id=vocabulary.end_id(config.documents))
        for name, parameter in network.rnn.named_parameters():
            if name.startswith("weight_hh") and chosen.scale is not None:
                parameter.mul_(chosen.scale)
            if name.startswith("bias_ih") and chosen.bias is not None:
                parameter.view(-1, config.hidden)[CELLS[config.cell].gates.index("f")] = chosen.bias
    weights = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
    return Model(config=config, vocabulary=vocabulary, weights=weights)
