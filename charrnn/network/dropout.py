"""What a network goes without for a window while it learns, so that it does not learn a small text by heart.

Masks are locked: drawn once a window, the same at every character of it (Gal and Ghahramani 2016), so that a unit
that is missing is missing throughout and the carried state keeps its meaning.
"""

import torch
from torch import Tensor
from torch.nn import functional


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
