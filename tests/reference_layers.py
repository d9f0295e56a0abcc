"""Recurrent layers by torch's autograd, as references: torch's own, and the equations step by step for others."""

from collections.abc import Mapping

import torch
from torch import Tensor

from charrnn.network.lstm_variants import VariantWeights, stepped_layer
from charrnn.network.model_file import layer_shapes

TORCH_LAYERS: dict[str, type[torch.nn.LSTM | torch.nn.GRU | torch.nn.RNN]] = {
    "lstm": torch.nn.LSTM,
    "gru": torch.nn.GRU,
    "rnn": torch.nn.RNN,
}


def reference_outputs(cell: str, weights: Mapping[str, Tensor], inputs: Tensor, *, layers: int = 1) -> Tensor:
    """Return the outputs (T, B, H) of the top layer in float64 from a zero state: inputs (T, B, I)."""
    recurrent = {name.removeprefix("rnn."): weight for name, weight in weights.items() if name.startswith("rnn.")}
    hidden = recurrent["weight_hh_l0"].shape[1]
    if cell in TORCH_LAYERS:
        module = TORCH_LAYERS[cell](inputs.shape[-1], hidden, layers, dtype=torch.float64)
        module.load_state_dict(recurrent)
        return module(inputs)[0]  # type: ignore[no-any-return]
    zero = torch.zeros(inputs.shape[1], hidden, dtype=torch.float64)
    for layer in range(layers):
        own = VariantWeights(*(recurrent[f"{name}_l{layer}"] for name in layer_shapes(cell, 1, 1)))
        inputs, _ = stepped_layer(cell, inputs, (zero, zero), own)
    return inputs
