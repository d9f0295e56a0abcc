"""The character RNN that is trained: an embedding, recurrent layers and a softmax; states are passed in and returned.

Its weights have the names of `model_file.weight_shapes`.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from charrnn.config import NetworkConfig
from charrnn.network import fused_rnn
from charrnn.network.cells import DOCUMENT_START
from charrnn.network.model_file import Model
from charrnn.text.vocabulary import Ids

# Dropout. Masks are drawn once per window and are the same at every character of it (variational dropout, Gal and
# Ghahramani 2016), so that a missing unit is missing throughout and the carried state keeps its meaning.


def variational_dropout(values: Tensor, rate: float) -> Tensor:
    """Zero a share of the units of each stream, the same ones all along: (T, B, H) -> (T, B, H).

    The others are made larger by 1 / (1 - share), so that the sum over all of them stays what it was on average.
    """
    if not rate:
        return values
    mask = torch.rand(values.shape[1:], device=values.device) >= rate
    return values * (mask.to(values.dtype) / (1 - rate))


def drop_connect(weight: Tensor, rate: float) -> Tensor:
    """Zero a share of a recurrent matrix (DropConnect, as in AWD-LSTM: Merity et al. 2017, section 2).

    It is masked once a window, not once a character, so the fused kernels can be used as they are.
    """
    return functional.dropout(weight, rate) if rate else weight


# One recurrent layer over a window, by the fastest implementation for each cell and device. Shapes: T characters, B
# streams, I inputs, H units, G gates in torch's order. Weights and state are passed in, outputs and the next state
# are returned; nothing is kept here. Where `ended` (T, B) is true, a step leaves the state that a document begins
# with.

LayerState = tuple[Tensor, ...]
"""(B, H) each: hidden, and for the LSTM memory"""


class LayerWeights(NamedTuple):
    """What a layer has learned."""

    weight_ih: Tensor
    """(G·H, I)"""
    weight_hh: Tensor
    """(G·H, H)"""
    bias_ih: Tensor
    """(G·H,)"""
    bias_hh: Tensor
    """(G·H,)"""


Layer = Callable[[Tensor, LayerState, LayerWeights, Tensor | None], tuple[Tensor, LayerState]]
"""inputs (T, B, I), state, weights, ended -> outputs (T, B, H), state after the last character"""

Kernel = Callable[..., tuple[Tensor, ...]]
"""one of torch's own layers"""

SATURATING = 1e4
"""what settles a gate, whatever else it hears: σ and tanh of it are 1, σ of its negative is 0"""


def lstm_layer(
    inputs: Tensor, state: LayerState, weights: LayerWeights, resets: Tensor | None = None
) -> tuple[Tensor, LayerState]:
    """Run an LSTM: oneDNN's on the CPU, cuDNN's on a GPU."""
    if resets is not None:
        inputs, weights = _with_reset_input(inputs, weights, resets)
    return _torch_layer(torch.lstm, inputs, [part.unsqueeze(0) for part in state], weights)


def gru_layer(
    inputs: Tensor, state: LayerState, weights: LayerWeights, resets: Tensor | None = None
) -> tuple[Tensor, LayerState]:
    """Run a GRU in cuDNN's form, where the reset gate acts after the recurrent product.

    It is ours on the CPU, and where documents end, which no kernel of torch's knows of.
    """
    if inputs.is_cpu or resets is not None:
        outputs = fused_rnn.gru(inputs, *state, *weights, resets=resets, precision=_precision(inputs))
        return outputs, (outputs[-1],)
    return _torch_layer(torch.gru, inputs, state[0].unsqueeze(0), weights)


def rnn_layer(
    inputs: Tensor, state: LayerState, weights: LayerWeights, resets: Tensor | None = None
) -> tuple[Tensor, LayerState]:
    """Run a plain tanh network: ours on the CPU, and where documents end."""
    if inputs.is_cpu or resets is not None:
        outputs = fused_rnn.tanh_rnn(inputs, *state, *weights, resets=resets, precision=_precision(inputs))
        return outputs, (outputs[-1],)
    return _torch_layer(torch.rnn_tanh, inputs, state[0].unsqueeze(0), weights)


def _torch_layer(
    kernel: Kernel, inputs: Tensor, before: Tensor | list[Tensor], weights: LayerWeights
) -> tuple[Tensor, LayerState]:
    """Run one of torch's layers: with biases, one layer, no dropout, one direction, time first."""
    if inputs.is_cuda and torch.is_autocast_enabled("cuda"):
        return _in_bfloat16(kernel, inputs, before, weights)
    with warnings.catch_warnings():
        # cuDNN would have all weights in one piece of memory; those of one layer of several, or masked, are not, and
        # are copied each time. No user can do anything about it.
        warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")
        outputs, *after = kernel(inputs, before, weights, True, 1, 0.0, torch.is_grad_enabled(), False, False)
    return outputs, tuple(part[0] for part in after)


def _in_bfloat16(
    kernel: Kernel, inputs: Tensor, before: Tensor | list[Tensor], weights: LayerWeights
) -> tuple[Tensor, LayerState]:
    """Run a layer of which all is rounded to bfloat16.

    torch's autocast would have cuDNN work in float16, whatever it is asked for; gradients are too small for that.
    """
    states = [part.bfloat16() for part in before] if isinstance(before, list) else before.bfloat16()
    rounded = LayerWeights(*(weight.bfloat16() for weight in weights))
    with torch.autocast(inputs.device.type, enabled=False):
        return _torch_layer(kernel, inputs.bfloat16(), states, rounded)


def _with_reset_input(inputs: Tensor, weights: LayerWeights, resets: Tensor) -> tuple[Tensor, LayerWeights]:
    """Have an LSTM's gates forget all where a document ends, by one more input that settles them.

    With f = 0 and i = g = o = 1 its state is c' = f·c + i·g = 1 and h' = tanh(1), whatever was there, and no gradient
    comes back: an exact reset within a window, by the kernels as they are.
    """
    size = weights.weight_hh.shape[1]
    reset_weights = weights.weight_ih.new_full((4 * size, 1), SATURATING)
    reset_weights[size : 2 * size] = -SATURATING
    inputs = torch.cat([inputs, resets.unsqueeze(-1).to(inputs.dtype)], -1)
    return inputs, weights._replace(weight_ih=torch.cat([weights.weight_ih, reset_weights], 1))


def _precision(inputs: Tensor) -> str:
    """Say what products are made in here, as autocast has it."""
    return "bfloat16" if torch.is_autocast_enabled(inputs.device.type) else "float32"


LAYERS: dict[str, Layer] = {"lstm": lstm_layer, "gru": gru_layer, "rnn": rnn_layer}


# The network

WEIGHT_MODULES: dict[str, type[nn.LSTM | nn.GRU | nn.RNN]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
"""of the weights alone: what is done with them is `layers`'"""

EMBEDDING_STD = 2.0
"""of a character's vector at the start; Tiny Shakespeare in a minute: 0.3 1.548 nats, 1 1.505, 2 1.498, 4 1.530"""
SMALL_VOCAB, LARGE_VOCAB_EMBEDDING_STD = 256, 0.5
"""beyond so many characters most are rare, and what is hardly learned had better be quiet"""

NetworkState = tuple[Tensor, ...]
"""(layers, B, H) each: hidden, and for the LSTM memory"""


class CharRNN(nn.Module):
    """Characters in, logits of the next ones out, with the state handed through.

    Shapes: ids (T, B), state (layers, B, H) -> logits (T, B, V), state. Where its text is made of documents, the
    state after the character `end` of each is that which a text starts with, so nothing is carried from one to the
    next.
    """

    def __init__(self, config: NetworkConfig, vocabulary_size: int, *, end: int | None = None) -> None:
        super().__init__()
        assert (end is None) == (config.documents is None), "documents are ended by a character"
        self.config = config
        self.end = end
        self.vocabulary_size = vocabulary_size
        width = config.embedding or vocabulary_size
        self.embedding = nn.Embedding(vocabulary_size, width) if config.embedding else None
        self.rnn = WEIGHT_MODULES[config.cell](width, config.hidden, config.layers)
        self.output = nn.Linear(config.hidden, vocabulary_size)
        self._initialize()

    def forward(self, ids: Tensor, state: NetworkState) -> tuple[Tensor, NetworkState]:
        """Read windows: ids (T, B), state -> logits (T, B, V), state after the last character."""
        hidden = self._dropout(self._embed(ids), self.config.input_dropout)
        ended = self._document_ends(ids)
        after = []
        for layer, before in enumerate(zip(*state, strict=True)):
            hidden, left = LAYERS[self.config.cell](hidden, before, self._weights(layer), ended)
            hidden = self._dropout(hidden, self.config.dropout)
            after.append(left)
        return self.output(hidden), tuple(torch.stack(parts) for parts in zip(*after, strict=True))

    @classmethod
    def from_model(cls, model: Model, device: str = "cpu") -> "CharRNN":
        """Make a trained network that only reads: nothing is dropped any more."""
        network = cls(model.config, len(model.vocabulary), end=model.end)
        network.load_weights(model.weights)
        return network.eval().to(device)

    def load_weights(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Copy weights, under the names of a model file, into its own; raise RuntimeError where they do not fit."""
        self.load_state_dict({name: torch.from_numpy(np.array(weight)) for name, weight in weights.items()})

    @torch.no_grad()
    def nll(self, inputs: Ids, targets: Ids, state: NetworkState) -> tuple[NDArray[np.float32], NetworkState]:
        """Read inputs (T, B) and say what each of the targets that follow them cost: nats (T, B), and the state."""
        device = self.output.weight.device
        logits, state = self(torch.from_numpy(inputs).to(device), state)
        target_tensor = torch.from_numpy(targets).to(device)
        nats = functional.cross_entropy(logits.flatten(0, 1), target_tensor.flatten(), reduction="none")
        return nats.reshape(target_tensor.shape).cpu().numpy(), state

    def initial_state(self, streams: int) -> NetworkState:
        """Give the state before any text: zero, and before a document full."""
        value = 0.0 if self.end is None else DOCUMENT_START
        memory = self.output.weight.new_full((self.config.layers, streams, self.config.hidden), value)
        return (memory.tanh(), memory) if self.config.cell == "lstm" else (memory,)

    @torch.no_grad()
    def init_output_bias(self, frequencies: NDArray[np.float64]) -> None:
        """Have the network begin with what letter frequencies (V,) say: what it learns is what they do not.

        Most of all in a large alphabet: what is rare is otherwise pushed down step by step, and its weights with it.
        """
        self.output.bias.copy_(torch.from_numpy(np.log(frequencies)))

    def _document_ends(self, ids: Tensor) -> Tensor | None:
        """Say which characters of a window end a document, (T, B); None where none of them does, if that is known.

        A GPU is not asked: it would have to be waited for.
        """
        ended = None if self.end is None else ids == self.end
        return ended if ended is not None and (ids.is_cuda or ended.any()) else None

    def _embed(self, ids: Tensor) -> Tensor:
        if self.embedding is None:
            return functional.one_hot(ids, self.vocabulary_size).to(self.output.weight.dtype)
        return self.embedding(ids)  # type: ignore[no-any-return]

    def _dropout(self, values: Tensor, share: float) -> Tensor:
        return variational_dropout(values, share) if self.training else values

    def _weights(self, layer: int) -> LayerWeights:
        """Give a layer's weights, some of the recurrent ones left out while learning."""
        weights = LayerWeights(*(getattr(self.rnn, f"{name}_l{layer}") for name in LayerWeights._fields))
        share = self.config.weight_drop if self.training else 0.0
        return weights._replace(weight_hh=drop_connect(weights.weight_hh, share))

    @torch.no_grad()
    def _initialize(self) -> None:
        """Orthogonal recurrence (Saxe et al. 2014), forget bias 1 (Jozefowicz et al. 2015), the rest by fan-in.

        Characters' vectors begin large, so that the input is heard against the recurrence from the first step on;
        in a large alphabet, where most are seldom seen, small.
        """
        if self.embedding is not None:
            small = self.vocabulary_size <= SMALL_VOCAB
            nn.init.normal_(self.embedding.weight, std=EMBEDDING_STD if small else LARGE_VOCAB_EMBEDDING_STD)
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


def detach_state(state: NetworkState) -> NetworkState:
    """Cut the gradient's way back: the values of a state, without their history."""
    return tuple(part.detach() for part in state)
