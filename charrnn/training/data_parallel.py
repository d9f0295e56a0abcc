"""Data parallelism: the mean of gradients over all processes, each of which computes some rows of every batch.

Weights, moments and averages are replicated. They stay equal bit for bit, because all processes apply the same sum of
gradients. DistributedDataParallel is not used: it rebuilds its gradient buckets after the first step of a process, so
a resumed run would sum gradients in another order.
"""

import torch
from torch import Tensor

from charrnn.network.char_rnn import CharRNN
from charrnn.text.batching import Shard
from charrnn.training.process_group import ProcessGroup


class GradientReducer:
    """The mean of loss and gradients over the rows of all processes, by one all-reduce per step.

    The all-reduce also counts the processes that have a request, see `coordination`.
    """

    def __init__(self, network: CharRNN, shard: Shard, group: ProcessGroup) -> None:
        self._parameters = list(network.parameters())
        self._sizes = [parameter.numel() for parameter in self._parameters]
        self._share = shard.size / shard.batch
        self._group = group
        self._buffer = self._parameters[0].new_zeros(sum(self._sizes) + 2)
        """all gradients, loss and requests; always in the same order, so that sums are reproducible"""
        self._request = self._buffer.new_zeros(1)
        self._requests = self._request

    def set_request(self, has_request: bool) -> None:
        """Set whether this process has a request at the next step."""
        self._request.fill_(float(has_request))

    def any_request(self) -> bool:
        """Return whether a process had a request at the last step; wait for the device."""
        return bool(self._requests.item())

    def backward(self, loss: Tensor, objective: Tensor) -> Tensor:
        """Set the gradients of the mean objective over all rows, and return the mean loss.

        Loss and objective, the loss with regularization, are given as means over this process's rows.
        """
        weighted = loss.detach() * self._share
        (objective * self._share).backward()  # type: ignore[no-untyped-call]
        gradients = [_gradient(parameter).flatten() for parameter in self._parameters]
        torch.cat([*gradients, weighted.reshape(1), self._request], out=self._buffer)
        self._group.sum(self._buffer)
        *means, mean_loss, self._requests = torch.split(self._buffer, [*self._sizes, 1, 1])
        for parameter, mean in zip(self._parameters, means, strict=True):
            parameter.grad = mean.view_as(parameter)
        return mean_loss[0].clone()


def _gradient(parameter: Tensor) -> Tensor:
    """Return the gradient of a parameter; every parameter has one after a backward pass."""
    assert parameter.grad is not None
    return parameter.grad
