"""The fused layers of the LSTM variants against the equations of `cells` and numerical gradients."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from charrnn.config import NetworkConfig
from charrnn.network import fused_rnn_backward
from charrnn.network.cells import CELLS, CellState
from charrnn.network.char_rnn import CharRNN
from charrnn.network.clamps import Clamp
from charrnn.network.fused_lstm import fused_lstm
from charrnn.network.inference import InferenceRNN
from charrnn.network.interventions import make_clamps
from charrnn.network.lstm_variant_steps import VARIANTS
from charrnn.network.lstm_variants import VariantWeights, stepped_layer
from charrnn.network.model_file import layer_shapes, weight_shapes

SHAPES = [(7, 3, 5, 4), (1, 3, 2, 4), (6, 1, 2, 3), (33, 5, 17, 13)]
"""T, B, I, H"""

every_variant = pytest.mark.parametrize("cell", VARIANTS)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def arguments(cell: str, shape: tuple[int, int, int, int], dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Return random inputs, h, c and weights, none near zero, all with gradients."""
    length, batch, width, size = shape
    sizes = [(length, batch, width), (batch, size), (batch, size), *layer_shapes(cell, width, size).values()]
    return [torch.randn(shape, dtype=dtype).requires_grad_() for shape in sizes]


def stepped(cell: str, arguments: list[Tensor], resets: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return the outputs of a window and the last c by the equations of the cell, one step at a time."""
    inputs, hidden, cell_state, *weights = arguments
    outputs, (_, last) = stepped_layer(cell, inputs, (hidden, cell_state), VariantWeights(*weights), resets)
    return outputs, last


def gradients(results: tuple[Tensor, Tensor], arguments: list[Tensor]) -> tuple[Tensor, ...]:
    """Return the gradients of all arguments for a loss that weights each output, and each c, differently."""
    weights = (torch.linspace(-1, 1, part.numel(), dtype=part.dtype).view_as(part) for part in results)
    loss = torch.stack([(part * weight).sum() for part, weight in zip(results, weights, strict=True)]).sum()
    return torch.autograd.grad(loss, arguments)


@pytest.mark.parametrize("with_ends", [False, True])
@pytest.mark.parametrize("rows", [1, 10, 512])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@every_variant
def test_a_window_equals_the_equations_step_by_step(
    cell: str, shape: tuple[int, int, int, int], rows: int, with_ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outputs, c and every gradient agree in float64, for chunks of any size and for any ends of documents."""
    monkeypatch.setattr(fused_rnn_backward, "CHUNK_ROWS", rows)
    inputs, resets = arguments(cell, shape), torch.rand(shape[:2]) < 0.3 if with_ends else None
    results, expected = fused_lstm(cell, *inputs, resets=resets), stepped(cell, inputs, resets)
    for actual, reference in zip(results, expected, strict=True):
        assert torch.allclose(actual, reference, atol=1e-12)
    for actual, reference in zip(gradients(results, inputs), gradients(expected, inputs), strict=True):
        assert torch.allclose(actual, reference, atol=1e-9)


@every_variant
def test_the_gradients_equal_numerical_gradients(cell: str) -> None:
    """A small change of any number changes outputs and c as the gradient predicts."""
    assert torch.autograd.gradcheck(lambda *inputs: fused_lstm(cell, *inputs), arguments(cell, SHAPES[0]))


@every_variant
def test_gradients_are_computed_only_where_they_are_needed(cell: str) -> None:
    """A detached state and inputs without gradient get none, and other gradients do not change."""
    inputs = arguments(cell, SHAPES[0])
    expected = gradients(fused_lstm(cell, *inputs), inputs)[3:]
    for part in inputs[:3]:
        part.requires_grad_(False)
    for actual, reference in zip(gradients(fused_lstm(cell, *inputs), inputs[3:]), expected, strict=True):
        assert torch.equal(actual, reference)


@every_variant
def test_products_in_bfloat16_stay_close(cell: str) -> None:
    """Rounded factors change outputs and gradients slightly, fused and step by step; results stay float32."""
    inputs = [part.detach() * 0.3 for part in arguments(cell, (20, 4, 8, 32), torch.float32)]
    inputs = [part.requires_grad_() for part in inputs]
    exact, window, state = fused_lstm(cell, *inputs), inputs[0], (inputs[1], inputs[2])
    expected_parts = (*exact, *gradients(exact, inputs))
    by_step, (_, last) = stepped_layer(cell, window, state, VariantWeights(*inputs[3:]), precision="bfloat16")
    for rounded in (fused_lstm(cell, *inputs, precision="bfloat16"), (by_step, last)):
        assert not torch.equal(rounded[0], exact[0])
        for actual, expected in zip((*rounded, *gradients(rounded, inputs)), expected_parts, strict=True):
            assert actual.dtype == torch.float32
            assert (actual - expected).norm() < 0.02 * expected.norm()


@pytest.mark.parametrize("raw_input", [-0.5, 0.0, 0.5])
def test_the_gradient_of_a_capped_input_gate_flows_to_the_forget_gate(raw_input: float) -> None:
    """Below the cap as in an LSTM; above the cap, and where both are equal, as in coupled gates."""
    sums = torch.tensor([[raw_input, 0.0, 0.7, 0.3]], dtype=torch.float64).requires_grad_()
    state = CellState(torch.zeros(1, 1, dtype=torch.float64), torch.full((1, 1), 0.4, dtype=torch.float64))
    step = CELLS["capped"].equations(sums, torch.zeros_like(sums), state)
    assert step.state.cell_state is not None
    (gradient,) = torch.autograd.grad(step.state.cell_state.sum(), sums)
    i, g = 1 / (1 + math.exp(-raw_input)), math.tanh(0.7)
    expected = (g * i * (1 - i), 0.4 / 4) if raw_input < 0 else (0, (0.4 - g) / 4)
    assert gradient[0, :2].tolist() == pytest.approx(expected)
    weights = [torch.zeros(4, 1), torch.zeros(4, 1), sums.detach()[0], torch.zeros(4)]
    leaves = [weight.double().requires_grad_() for weight in weights]
    _, last = fused_lstm("capped", torch.zeros(1, 1, 1).double(), *state, *leaves)  # type: ignore[arg-type]
    assert torch.allclose(torch.autograd.grad(last.sum(), leaves[2])[0], gradient[0])


@pytest.mark.parametrize("cell", ["cifg", "capped"])
def test_the_state_of_coupled_and_capped_gates_is_bounded(cell: str) -> None:
    """The state c stays in [-1, 1] for large weights and many steps; that of an LSTM does not."""
    largest = {}
    for name in (cell, "lstm"):
        config, rng = NetworkConfig(cell=name, hidden=9, embedding=3), np.random.default_rng(0)
        weights = {key: 4 * rng.normal(size=shape) for key, shape in weight_shapes(config, 5).items()}
        rnn = InferenceRNN(config, weights)
        cache = rnn.run_with_cache(rng.integers(5, size=(300, 2)), rnn.initial_state(2))
        largest[name] = abs(cache.layers[0].cell_state).max()  # type: ignore[arg-type]
    assert largest[cell] <= 1 + 1e-12 < largest["lstm"]


@every_variant
def test_a_clamp_at_one_is_the_largest_value_that_the_state_can_have(cell: str) -> None:
    """The state c is 1 where it is bounded, and tanh⁻¹ of nearly 1 where it is not."""
    config = NetworkConfig(cell=cell, hidden=4, embedding=3)
    rnn = InferenceRNN(config, {name: np.zeros(shape) for name, shape in weight_shapes(config, 5).items()})
    clamp = make_clamps(rnn, {(1, 2): 1.0, (1, 3): 0.5})[1]
    assert isinstance(clamp, Clamp)
    assert clamp.values[0, 2] == pytest.approx(1 if CELLS[cell].is_bounded else np.arctanh(0.9999))
    assert clamp.values[0, 3] == pytest.approx(np.arctanh(0.5))


@pytest.mark.parametrize("cell", ["lstm", *VARIANTS])
def test_an_untrained_network_remembers(cell: str) -> None:
    """The forget gate is biased towards 1, and peepholes begin at zero."""
    network = CharRNN(NetworkConfig(cell=cell, hidden=3, embedding=2, layers=2), 5)
    for layer in range(2):
        biases = network.get_parameter(f"rnn.bias_ih_l{layer}").view(-1, 3).tolist()
        assert biases == [[float(gate == "f")] * 3 for gate in CELLS[cell].gates]
        assert not network.get_parameter(f"rnn.bias_hh_l{layer}").any()
    if cell == "peephole":
        assert not network.get_parameter("rnn.weight_peephole_l1").any()
