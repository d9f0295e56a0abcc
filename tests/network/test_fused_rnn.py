"""The fused layers against the equations of `cells`, torch's layers and numerical gradients."""

import resource
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from charrnn.network import fused_rnn, fused_rnn_backward
from charrnn.network.cells import CELLS, CellState

LAYERS: dict[str, tuple[Callable[..., Tensor], type[torch.nn.GRU | torch.nn.RNN]]] = {
    "gru": (fused_rnn.gru, torch.nn.GRU),
    "rnn": (fused_rnn.tanh_rnn, torch.nn.RNN),
}
SHAPES = [(7, 3, 5, 4), (1, 3, 2, 4), (6, 1, 2, 3), (5, 2, 3, 1), (1, 1, 1, 1), (33, 5, 17, 13)]
"""T, B, I, H"""

pytestmark = pytest.mark.parametrize("cell", LAYERS)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def arguments(cell: str, shape: tuple[int, int, int, int], dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Return random inputs, hidden state and weights, none near zero, all with gradients."""
    length, batch, width, size = shape
    rows = len(CELLS[cell].gates) * size
    sizes: list[tuple[int, ...]] = [
        (length, batch, width),
        (batch, size),
        (rows, width),
        (rows, size),
        (rows,),
        (rows,),
    ]
    return [(torch.randn(size, dtype=dtype) * 0.5).requires_grad_() for size in sizes]


def stepped(cell: str, inputs: Tensor, hidden: Tensor, *weights: Tensor) -> Tensor:
    """Return the outputs of a window by the equations of the cell, one step at a time."""
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    state, outputs = CellState(hidden), []
    for x in inputs:
        state = CELLS[cell].equations(x @ weight_ih.T + bias_ih, state.hidden @ weight_hh.T + bias_hh, state).state
        outputs.append(state.hidden)
    return torch.stack(outputs)


def gradients(outputs: Tensor, inputs: list[Tensor]) -> tuple[Tensor, ...]:
    """Return the gradients of all arguments for a loss that weights each output differently."""
    weights = torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).view_as(outputs)
    return torch.autograd.grad((outputs * weights).sum(), inputs)


@pytest.mark.parametrize("rows", [1, 10, 512])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_window_equals_the_written_out_equations(
    cell: str, shape: tuple[int, int, int, int], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outputs and every gradient agree to 1e-8 with a loop over the equations, however the window is cut."""
    monkeypatch.setattr(fused_rnn_backward, "CHUNK_ROWS", rows)
    inputs = arguments(cell, shape)
    outputs, expected = LAYERS[cell][0](*inputs), stepped(cell, *inputs)
    assert torch.allclose(outputs, expected, atol=1e-12)
    for actual, reference in zip(gradients(outputs, inputs), gradients(expected, inputs), strict=True):
        assert torch.allclose(actual, reference, atol=1e-8)


@pytest.mark.parametrize("shape", SHAPES[:5], ids=str)
def test_gradients_equal_numerical_gradients(cell: str, shape: tuple[int, int, int, int]) -> None:
    """A small change of any number changes the outputs as the gradient predicts."""
    assert torch.autograd.gradcheck(LAYERS[cell][0], arguments(cell, shape))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_window_equals_torchs_own_layer(cell: str, shape: tuple[int, int, int, int]) -> None:
    """With the weights of a torch layer, the outputs are equal, and the last one is the state."""
    fused, torch_layer = LAYERS[cell]
    inputs, hidden, *_ = arguments(cell, shape, torch.float32)
    layer = torch_layer(shape[2], shape[3])
    expected, last = layer(inputs, hidden[None])
    outputs = fused(inputs, hidden, *layer.parameters())
    assert torch.allclose(outputs, expected, atol=1e-6)
    assert torch.allclose(outputs[-1], last[0], atol=1e-6)


def test_gradients_are_computed_only_where_they_are_needed(cell: str) -> None:
    """A detached state and inputs without gradient get none, and other gradients do not change."""
    inputs = arguments(cell, SHAPES[0])
    expected = gradients(LAYERS[cell][0](*inputs), inputs)[2:]
    for part in inputs[:2]:
        part.requires_grad_(False)
    for actual, reference in zip(gradients(LAYERS[cell][0](*inputs), inputs[2:]), expected, strict=True):
        assert torch.equal(actual, reference)


def test_windows_alive_at_once_do_not_disturb_each_other(cell: str) -> None:
    """The saved tensors of a window survive the passes of another window and a second backward pass."""
    layer = LAYERS[cell][0]
    first, second = arguments(cell, SHAPES[0]), arguments(cell, SHAPES[0])
    alone = gradients(layer(*first), first)
    outputs, rest = layer(*first), layer(*second)
    gradients(rest, second)
    weights = torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).view_as(outputs)
    for _ in range(2):
        repeated = torch.autograd.grad((outputs * weights).sum(), first, retain_graph=True)
        assert all(torch.equal(actual, expected) for actual, expected in zip(repeated, alone, strict=True))


def test_the_memory_layout_does_not_matter(cell: str) -> None:
    """Inputs with streams first, and an expanded gradient, change nothing."""
    inputs = arguments(cell, SHAPES[0])
    expected = torch.autograd.grad(LAYERS[cell][0](*inputs).sum(), inputs)
    turned = inputs[0].detach().transpose(0, 1).contiguous().transpose(0, 1).requires_grad_()
    other = [turned, *inputs[1:]]
    for actual, reference in zip(torch.autograd.grad(LAYERS[cell][0](*other).sum(), other), expected, strict=True):
        assert torch.allclose(actual, reference, atol=1e-12)


@pytest.mark.parametrize("autocast", [False, True])
def test_products_in_bfloat16_stay_close(cell: str, autocast: bool) -> None:
    """Rounded factors change outputs and gradients by about 2^-8, and results stay float32."""
    inputs = [part.detach() * 0.3 for part in arguments(cell, (20, 4, 8, 32), torch.float32)]
    inputs = [part.requires_grad_() for part in inputs]
    exact = LAYERS[cell][0](*inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        rounded = LAYERS[cell][0](*inputs, precision="bfloat16")
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    close = [(rounded, exact), *zip(gradients(rounded, inputs), gradients(exact, inputs), strict=True)]
    for actual, expected in close:
        assert actual.dtype == torch.float32
        assert (actual - expected).norm() < 0.02 * expected.norm()


def test_autocast_alone_changes_nothing(cell: str) -> None:
    """Only the argument determines the precision of the products."""
    inputs = arguments(cell, SHAPES[0], torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = LAYERS[cell][0](*inputs)
    assert torch.equal(inside, LAYERS[cell][0](*inputs))


def test_memory_does_not_grow(cell: str) -> None:
    """Windows leave nothing behind, neither those that went back nor those that were dropped."""
    inputs = arguments(cell, (16, 16, 16, 64), torch.float32)

    def windows(count: int) -> int:
        for _ in range(count):
            gradients(LAYERS[cell][0](*inputs), inputs)
            LAYERS[cell][0](*inputs)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = windows(20)
    assert windows(200) - before < 8_000  # kB; one window kept of all would be 50,000
