"""The network that learns: torch's fused layers between an embedding and a softmax; state in, state out.

Its weights go by the names of `model_file.weight_shapes`. How it is trained is left to `training`.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from charrnn.config import NetworkConfig

LAYERS: dict[str, type[nn.LSTM | nn.GRU | nn.RNN]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}

State = tuple[Tensor, ...]
"""(layers, B, H) each: hidden, and for the LSTM memory"""


class CharacterNetwork(nn.Module):
    """Characters in, logits of the next ones out, with the state handed through.

    Shapes: ids (T, B), state (layers, B, H) -> logits (T, B, V), state.
    """

    def __init__(self, config: NetworkConfig, vocabulary_size: int) -> None:
        super().__init__()
        self.config = config
        self.vocabulary_size = vocabulary_size
        width = config.embedding or vocabulary_size
        self.embedding = nn.Embedding(vocabulary_size, width) if config.embedding else None
        between = config.dropout if config.layers > 1 else 0.0
        self.rnn = LAYERS[config.cell](width, config.hidden, config.layers, dropout=between)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.hidden, vocabulary_size)
        self._initialise()

    def forward(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """Read windows: ids (T, B), state -> logits (T, B, V), state after the last character."""
        if self.embedding is None:
            inputs = functional.one_hot(ids, self.vocabulary_size).to(self.output.weight.dtype)
        else:
            inputs = self.embedding(ids)
        hidden, after = self.rnn(inputs, state if self.config.cell == "lstm" else state[0])
        return self.output(self.dropout(hidden)), after if self.config.cell == "lstm" else (after,)

    def start(self, streams: int) -> State:
        """Give the state before any text: zero."""
        zeros = self.output.weight.new_zeros(self.config.layers, streams, self.config.hidden)
        return (zeros, zeros.clone()) if self.config.cell == "lstm" else (zeros,)

    @torch.no_grad()
    def _initialise(self) -> None:
        """Orthogonal recurrence (Saxe et al. 2014), forget bias 1 (Jozefowicz et al. 2015), the rest by fan-in."""
        for name, parameter in self.rnn.named_parameters():
            if name.startswith("weight_hh"):
                for block in torch.split(parameter, self.config.hidden):
                    nn.init.orthogonal_(block)
            elif name.startswith("weight_ih"):
                nn.init.uniform_(parameter, -1 / math.sqrt(parameter.shape[1]), 1 / math.sqrt(parameter.shape[1]))
            else:
                nn.init.zeros_(parameter)
                if self.config.cell == "lstm" and name.startswith("bias_ih"):
                    parameter[self.config.hidden : 2 * self.config.hidden] = 1
        nn.init.zeros_(self.output.bias)


def detached(state: State) -> State:
    """Cut the gradient's way back: the values of a state, without their history."""
    return tuple(part.detach() for part in state)
