"""The trainable character RNN: an embedding, recurrent layers and an output layer.

States are passed in and returned. The weights have the names of `model_file.weight_shapes`.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from charrnn.config import NetworkConfig
from charrnn.network import fused_rnn, lstm_variants
from charrnn.network.cells import CELLS, DOCUMENT_START
from charrnn.network.lstm_variants import VariantWeights
from charrnn.network.model_file import Model, layer_shapes
from charrnn.text.batching import Shard
from charrnn.text.vocabulary import Ids

# Dropout. A mask is drawn once per window and applies to all its characters (variational dropout, Gal and Ghahramani
# 2016), so that a dropped unit is dropped throughout and the carried state keeps its meaning.


def variational_dropout(values: Tensor, rate: float, shard: Shard | None = None) -> Tensor:
    """Return values with a fraction `rate` of the units of each stream set to zero at all steps: (T, B, H).

    The other units are scaled by 1 / (1 - rate), so that the expected sum does not change. The mask of the shard of
    a batch is that shard of the mask of the whole batch.
    """
    if not rate:
        return values
    shard = shard or Shard.whole(values.shape[1])
    mask = (torch.rand((shard.batch, values.shape[2]), device=values.device) >= rate)[shard.rows]
    return values * (mask.to(values.dtype) / (1 - rate))


def drop_connect(weight: Tensor, rate: float) -> Tensor:
    """Return a recurrent matrix with a fraction `rate` set to zero (DropConnect in AWD-LSTM: Merity et al. 2017).

    The mask is drawn once per window, not per character, so that fused kernels can be used.
    """
    return functional.dropout(weight, rate) if rate else weight


# One recurrent layer over a window, by the fastest implementation for each cell and device. Shapes: T characters, B
# streams, I inputs, H units, G gates in torch's order. Where `resets` (T, B) is true, a step leaves the state at the
# beginning of a document.

LayerState = tuple[Tensor, ...]
"""h, and c where a cell has it, (B, H) each"""


class LayerWeights(NamedTuple):
    """The weights of a layer, named as in torch: matrices (G·H, I) and (G·H, H), and biases (G·H,)."""

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor


Layer = Callable[[Tensor, LayerState, Any, Tensor | None], tuple[Tensor, LayerState]]
"""inputs (T, B, I), state, weights, resets -> outputs (T, B, H), state after the last character"""

Kernel = Callable[..., tuple[Tensor, ...]]
"""one of torch's recurrent layers"""

SATURATING = 1e4
"""an input that saturates a gate whatever its other inputs are: σ and tanh of it are 1, σ of its negative is 0"""


def lstm_layer(
    inputs: Tensor, state: LayerState, weights: LayerWeights, resets: Tensor | None = None
) -> tuple[Tensor, LayerState]:
    """Run an LSTM layer, with oneDNN on the CPU and cuDNN on a GPU."""
    if resets is not None:
        inputs, weights = _with_reset_input(inputs, weights, resets)
    return _torch_layer(torch.lstm, inputs, [part.unsqueeze(0) for part in state], weights)


def gru_layer(
    inputs: Tensor, state: LayerState, weights: LayerWeights, resets: Tensor | None = None
) -> tuple[Tensor, LayerState]:
    """Run a GRU layer in cuDNN's form, in which the reset gate acts after the recurrent product.

    `fused_rnn` is used on the CPU and for resets, which torch's kernels do not support.
    """
    if inputs.is_cpu or resets is not None:
        outputs = fused_rnn.gru(
            inputs, *state, *weights, resets=resets, precision=fused_rnn.autocast_precision(inputs)
        )
        return outputs, (outputs[-1],)
    return _torch_layer(torch.gru, inputs, state[0].unsqueeze(0), weights)


def rnn_layer(
    inputs: Tensor, state: LayerState, weights: LayerWeights, resets: Tensor | None = None
) -> tuple[Tensor, LayerState]:
    """Run a tanh layer, with `fused_rnn` on the CPU and for resets."""
    if inputs.is_cpu or resets is not None:
        outputs = fused_rnn.tanh_rnn(
            inputs, *state, *weights, resets=resets, precision=fused_rnn.autocast_precision(inputs)
        )
        return outputs, (outputs[-1],)
    return _torch_layer(torch.rnn_tanh, inputs, state[0].unsqueeze(0), weights)


def _torch_layer(
    kernel: Kernel, inputs: Tensor, before: Tensor | list[Tensor], weights: LayerWeights
) -> tuple[Tensor, LayerState]:
    """Run one of torch's layers: with biases, one layer, no dropout, one direction, time first."""
    if inputs.is_cuda and torch.is_autocast_enabled("cuda"):
        return _in_bfloat16(kernel, inputs, before, weights)
    with warnings.catch_warnings():
        # cuDNN warns unless all weights are contiguous. The weights of one layer of several, and masked weights, are
        # not contiguous; they are copied each time, and a user can do nothing about that.
        warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")
        outputs, *after = kernel(inputs, before, weights, True, 1, 0.0, torch.is_grad_enabled(), False, False)
    return outputs, tuple(part[0] for part in after)


def _in_bfloat16(
    kernel: Kernel, inputs: Tensor, before: Tensor | list[Tensor], weights: LayerWeights
) -> tuple[Tensor, LayerState]:
    """Run a layer with inputs, state and weights in bfloat16.

    With torch's autocast cuDNN would compute in float16 instead, in which small gradients vanish.
    """
    states = [part.bfloat16() for part in before] if isinstance(before, list) else before.bfloat16()
    rounded = LayerWeights(*(weight.bfloat16() for weight in weights))
    with torch.autocast(inputs.device.type, enabled=False):
        return _torch_layer(kernel, inputs.bfloat16(), states, rounded)


def _with_reset_input(inputs: Tensor, weights: LayerWeights, resets: Tensor) -> tuple[Tensor, LayerWeights]:
    """Return inputs and weights with one more input, which resets the LSTM where a document ends.

    The input saturates the gates: with f = 0 and i = g = o = 1 the next state is c' = f·c + i·g = 1 and h' = tanh(1),
    and no gradient flows to earlier steps. This is an exact reset within a window, with unchanged kernels.
    """
    size = weights.weight_hh.shape[1]
    reset_weights = weights.weight_ih.new_full((4 * size, 1), SATURATING)
    reset_weights[size : 2 * size] = -SATURATING
    inputs = torch.cat([inputs, resets.unsqueeze(-1).to(inputs.dtype)], -1)
    return inputs, weights._replace(weight_ih=torch.cat([weights.weight_ih, reset_weights], 1))


LAYERS: dict[str, Layer] = {"lstm": lstm_layer, "gru": gru_layer, "rnn": rnn_layer, **lstm_variants.LAYERS}


# The network

WEIGHT_MODULES: dict[str, Callable[[int, int, int], nn.Module]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
WEIGHT_MODULES |= lstm_variants.WEIGHT_MODULES
"""modules that hold the weights of a cell, by inputs, units and layers; the computation is in `LAYERS`"""

EMBEDDING_STD = 2.0
"""initial standard deviation of embeddings; loss on Tiny Shakespeare after one minute: 1.548 nats for 0.3, 1.505 for
1, 1.498 for 2, 1.530 for 4"""
SMALL_VOCAB, LARGE_VOCAB_EMBEDDING_STD = 256, 0.5
"""vocabulary size above which most characters are rare and hardly trained, and the smaller deviation used there"""

NetworkState = tuple[Tensor, ...]
"""h, and c where a cell has it, (layers, B, H) each"""


class CharRNN(nn.Module):
    """A character RNN that predicts the next character: ids (T, B), state (layers, B, H) -> logits (T, B, V), state.

    If the text consists of documents, each ends with the character `end_id`, after which the state is reset.
    """

    def __init__(self, config: NetworkConfig, vocabulary_size: int, *, end_id: int | None = None) -> None:
        super().__init__()
        assert (end_id is None) == (config.documents is None), "documents are ended by a character"
        self.config = config
        self.end_id = end_id
        self.vocabulary_size = vocabulary_size
        self.shard: Shard | None = None
        """streams that this network computes where several processes share the batch; None: the whole batch"""
        width = config.embedding or vocabulary_size
        self.embedding = nn.Embedding(vocabulary_size, width) if config.embedding else None
        self.rnn = WEIGHT_MODULES[config.cell](width, config.hidden, config.layers)
        self.output = nn.Linear(config.hidden, vocabulary_size)
        self._initialize()

    def forward(self, ids: Tensor, state: NetworkState) -> tuple[Tensor, NetworkState]:
        """Return the logits after each character and the last state: ids (T, B), state -> logits (T, B, V), state."""
        outputs, after = self.recurrent_outputs(ids, state)
        return self.output(outputs), after

    def recurrent_outputs(self, ids: Tensor, state: NetworkState) -> tuple[Tensor, NetworkState]:
        """Return the outputs of the last layer, after dropout, and the last state: ids (T, B) -> (T, B, H), state."""
        hidden = self._dropout(self._embed(ids), self.config.input_dropout)
        resets = self._document_ends(ids)
        layer_states = []
        for layer, before in enumerate(zip(*state, strict=True)):
            hidden, after = LAYERS[self.config.cell](hidden, before, self._weights(layer), resets)
            hidden = self._dropout(hidden, self.config.dropout)
            layer_states.append(after)
        return hidden, tuple(torch.stack(parts) for parts in zip(*layer_states, strict=True))

    @classmethod
    def from_model(cls, model: Model, device: str = "cpu") -> "CharRNN":
        """Return the network of a model in evaluation mode, without dropout."""
        network = cls(model.config, len(model.vocabulary), end_id=model.end_id)
        network.load_weights(model.weights)
        return network.eval().to(device)

    def load_weights(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        """Copy weights by their names in a model file; raise RuntimeError if names or shapes do not fit."""
        self.load_state_dict({name: torch.from_numpy(np.array(weight)) for name, weight in weights.items()})

    @torch.no_grad()
    def nll(self, inputs: Ids, targets: Ids, state: NetworkState) -> tuple[NDArray[np.float32], NetworkState]:
        """Return the negative log-likelihood of targets (T, B) after inputs (T, B), in nats (T, B), and the state."""
        device = self.output.weight.device
        logits, state = self(torch.from_numpy(inputs).to(device), state)
        target_tensor = torch.from_numpy(targets).to(device)
        nats = functional.cross_entropy(logits.flatten(0, 1), target_tensor.flatten(), reduction="none")
        return nats.reshape(target_tensor.shape).cpu().numpy(), state

    def initial_state(self, streams: int) -> NetworkState:
        """Return the state before any text: zero, or `DOCUMENT_START` if the text consists of documents."""
        value = 0.0 if self.end_id is None else DOCUMENT_START
        start = self.output.weight.new_full((self.config.layers, streams, self.config.hidden), value)
        return (start.tanh(), start) if CELLS[self.config.cell].has_cell_state else (start,)

    @torch.no_grad()
    def init_output_bias(self, frequencies: NDArray[np.float64]) -> None:
        """Initialize the output bias with log frequencies of the characters, (V,), so that they need not be learned.

        This helps most with a large vocabulary: otherwise the logits of rare characters are lowered step by step, and
        their weights with them.
        """
        self.output.bias.copy_(torch.from_numpy(np.log(frequencies)))

    def _document_ends(self, ids: Tensor) -> Tensor | None:
        """Return a mask (T, B) of the characters that end a document; None if there are none.

        On a GPU the mask is returned even if it is empty, since reading it would wait for the GPU.
        """
        is_end = None if self.end_id is None else ids == self.end_id
        return is_end if is_end is not None and (ids.is_cuda or is_end.any()) else None

    def _embed(self, ids: Tensor) -> Tensor:
        """Return the embeddings or one-hot vectors of characters: (T, B) -> (T, B, E)."""
        if self.embedding is None:
            return functional.one_hot(ids, self.vocabulary_size).to(self.output.weight.dtype)
        return self.embedding(ids)  # type: ignore[no-any-return]

    def _dropout(self, values: Tensor, rate: float) -> Tensor:
        return variational_dropout(values, rate, self.shard) if self.training else values

    def _weights(self, layer: int) -> LayerWeights | VariantWeights:
        """Return the weights of a layer, with DropConnect on the recurrent matrix in training mode."""
        weights = layer_weights(self.config.cell, self.rnn, layer)
        rate = self.config.weight_drop if self.training else 0.0
        return weights._replace(weight_hh=drop_connect(weights.weight_hh, rate))

    @torch.no_grad()
    def _initialize(self) -> None:
        """Initialize weights: orthogonal recurrence (Saxe et al. 2014), forget bias 1 (Jozefowicz et al. 2015).

        Embeddings begin large, so that the input has as much effect as the recurrence from the first step on. With a
        large vocabulary, in which most characters are rare, embeddings begin small.
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
            gates = CELLS[self.config.cell].gates
            if name.startswith("bias_ih") and "f" in gates:
                parameter.view(-1, self.config.hidden)[gates.index("f")] = 1
        nn.init.zeros_(self.output.bias)


def layer_weights(cell: str, module: nn.Module, layer: int) -> LayerWeights | VariantWeights:
    """Return the weights of a layer of a module in `WEIGHT_MODULES`."""
    kind = VariantWeights if cell in lstm_variants.LAYERS else LayerWeights
    return kind(*(getattr(module, f"{name}_l{layer}") for name in layer_shapes(cell, 1, 1)))


def detach_state(state: NetworkState) -> NetworkState:
    """Return a state without its gradient history."""
    return tuple(part.detach() for part in state)
