"""Steps of the LSTM variants in a fused window, and the local gradients that its backward pass needs.

Shapes: T characters, B streams, H units, G gates; t steps in a chunk. The functions compute what differs between the
variants: all gates and c; tanh(c) and h are computed from them by `fused_lstm`.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class WindowBuffers(NamedTuple):
    """The states and activations of a window."""

    hidden: Tensor
    """h before and after each step, (T + 1, B, H)"""
    cell_state: Tensor
    """c before and after each step, (T + 1, B, H)"""
    tanh_cell: Tensor
    """tanh(c) after each step, before a reset, (T, B, H)"""
    gates: Tensor
    """sums, which a step replaces by its gates, (T, B, G·H); the input gate is not capped"""


class Chunk(NamedTuple):
    """A chunk of a window, as the backward pass needs it."""

    before: Tensor
    """c before each step, (t, B, H)"""
    gates: tuple[Tensor, ...]
    """each gate, (t, B, H)"""
    gradients: tuple[Tensor, ...]
    """buffers for the local gradients of each gate, (t, B, H)"""
    peepholes: Tensor | None


class VariantSteps(NamedTuple):
    """A variant of the LSTM: its steps, and the local gradients that its backward pass needs."""

    stepper: Callable[[WindowBuffers, Tensor | None], Callable[[int], None]]
    """returns a function that computes gates and c of a step from the sums and the c before it"""
    local_gradients: Callable[[Chunk], Tensor]
    """writes the local gradients of all gates but o, and returns the carry K, (t, B, H)"""


def _views(buffer: Tensor, size: int) -> list[tuple[Tensor, ...]]:
    """Return the blocks of each step of a buffer, (T, B, blocks·H) -> T tuples; made once, for a cheap loop."""
    return list(zip(*(block.unbind() for block in torch.split(buffer, size, -1)), strict=True))


def _peephole_stepper(buffers: WindowBuffers, peepholes: Tensor | None) -> Callable[[int], None]:
    """Return a function that computes a step of `cells.peephole_step`."""
    assert peepholes is not None
    size, states = buffers.hidden.shape[-1], buffers.cell_state.unbind()
    of_input, of_forget, of_output = torch.split(peepholes, size)
    gates, input_forget = _views(buffers.gates, size), buffers.gates[..., : 2 * size].unbind()

    def advance(step: int) -> None:
        (i, f, g, o), before, after = gates[step], states[step], states[step + 1]
        i.addcmul_(before, of_input)
        f.addcmul_(before, of_forget)
        input_forget[step].sigmoid_()
        torch.mul(f, before, out=after).addcmul_(i, g.tanh_())
        o.addcmul_(after, of_output).sigmoid_()

    return advance


def _peephole_gradients(chunk: Chunk) -> Tensor:
    """Write i: g·i(1-i);  f: c·f(1-f);  g: i(1-g²). Return K = f + p_i·(local gradient of i) + p_f·(that of f)."""
    assert chunk.peepholes is not None
    (i, f, g, _), (d_i, d_f, d_g, _) = chunk.gates, chunk.gradients
    sigmoid_gradient(i, g, d_i)
    sigmoid_gradient(f, chunk.before, d_f)
    tanh_gradient(g, i, d_g)
    of_input, of_forget, _ = torch.split(chunk.peepholes, f.shape[-1])
    return torch.addcmul(f, d_i, of_input).addcmul_(d_f, of_forget)


def _cifg_stepper(buffers: WindowBuffers, _: Tensor | None) -> Callable[[int], None]:
    """Return a function that computes a step of `cells.cifg_step`."""
    gates, states = _views(buffers.gates, buffers.hidden.shape[-1]), buffers.cell_state.unbind()

    def advance(step: int) -> None:
        f, g, o = gates[step]
        o.sigmoid_()
        torch.lerp(g.tanh_(), states[step], f.sigmoid_(), out=states[step + 1])

    return advance


def _cifg_gradients(chunk: Chunk) -> Tensor:
    """Write f: (c-g)f(1-f);  g: (1-f)(1-g²). Return K = f."""
    (f, g, _), (d_f, d_g, _) = chunk.gates, chunk.gradients
    sigmoid_gradient(f, chunk.before - g, d_f)
    tanh_gradient(g, 1 - f, d_g)
    return f


def _capped_stepper(buffers: WindowBuffers, _: Tensor | None) -> Callable[[int], None]:
    """Return a function that computes a step of `cells.capped_step`."""
    size, states = buffers.hidden.shape[-1], buffers.cell_state.unbind()
    gates, input_forget = _views(buffers.gates, size), buffers.gates[..., : 2 * size].unbind()
    capped, unit = torch.empty_like(states[0]), states[0].new_ones(())

    def advance(step: int) -> None:
        i, f, g, o = gates[step]
        input_forget[step].sigmoid_()
        o.sigmoid_()
        torch.minimum(i, torch.sub(unit, f, out=capped), out=capped)
        torch.mul(f, states[step], out=states[step + 1]).addcmul_(capped, g.tanh_())

    return advance


def _capped_gradients(chunk: Chunk) -> Tensor:
    """Write the local gradients. Return K = f.

    Below the cap  i: g·i(1-i);  f: c·f(1-f);      g: i(1-g²)
    at the cap     i: 0;         f: (c-g)f(1-f);   g: (1-f)(1-g²)
    """
    (i, f, g, _), (d_i, d_f, d_g, _) = chunk.gates, chunk.gradients
    cap = 1 - f
    uncapped_g = torch.lt(i, cap, out=torch.empty_like(f)).mul_(g)  # g below the cap, 0 at the cap
    sigmoid_gradient(i, uncapped_g, d_i)
    sigmoid_gradient(f, (chunk.before - g).add_(uncapped_g), d_f)
    tanh_gradient(g, torch.minimum(i, cap, out=cap), d_g)
    return f


def sigmoid_gradient(gate: Tensor, factor: Tensor, result: Tensor) -> None:
    """Write factor·s(1-s) for a gate s."""
    torch.mul(factor, gate, out=result).addcmul_(result, gate, value=-1)


def tanh_gradient(candidate: Tensor, factor: Tensor, result: Tensor) -> None:
    """Write factor·(1-g²) for a candidate g."""
    torch.mul(candidate, candidate, out=result)
    torch.addcmul(factor, result, factor, value=-1, out=result)


VARIANTS: dict[str, VariantSteps] = {
    "peephole": VariantSteps(_peephole_stepper, _peephole_gradients),
    "cifg": VariantSteps(_cifg_stepper, _cifg_gradients),
    "capped": VariantSteps(_capped_stepper, _capped_gradients),
}
