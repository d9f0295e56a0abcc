"""Networks in the layouts of other programs: safetensors files, and reference equations in float64."""

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Tensors = dict[str, NDArray[Any]]
Step = Callable[[Floats, tuple[Floats, ...]], tuple[Floats, ...]]
"""inputs (I,), state (H,) of h and c -> the next state"""

TEXT = "hello, world (and all who read)\n" * 12
CHARACTERS = sorted(set(TEXT))
SIZE = len(CHARACTERS)
NAMES = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64"}


def safetensors(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return a safetensors file; arrays of uint16 are bfloat16."""
    layout: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    data = b""
    for name, array in tensors.items():
        dtype = "BF16" if array.dtype == np.uint16 else NAMES[array.dtype.name]
        content = np.ascontiguousarray(array).tobytes()
        layout[name] = {
            "dtype": dtype,
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    header = json.dumps(layout).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data


def write_network_files(directory: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write `net.safetensors`, `chars.json` and `text.txt`."""
    (directory / "net.safetensors").write_bytes(safetensors(tensors))
    (directory / "chars.json").write_text(json.dumps(CHARACTERS))
    (directory / "text.txt").write_text(TEXT)


def weight_generator(seed: int = 0) -> Callable[..., Floats]:
    """Return a function that returns random weights of a shape, which float32 holds exactly."""
    rng = np.random.default_rng(seed)
    return lambda *shape: rng.normal(scale=0.4, size=shape).astype(np.float32).astype(np.float64)


def sigmoid(x: Floats) -> Floats:
    """Return the logistic function."""
    return np.asarray(1 / (1 + np.exp(-x)))


def loss(steps: list[tuple[Step, tuple[Floats, ...]]], vectors: Floats, output: Floats, bias: Floats) -> float:
    """Return the mean loss of all characters after the first: vectors (V, I), output (H, V), bias (V,)."""
    ids, nats = [CHARACTERS.index(character) for character in TEXT], []
    states = [state for _, state in steps]
    for char_id, target in pairwise(ids):
        below = vectors[char_id]
        for number, (step, _) in enumerate(steps):
            states[number] = step(below, states[number])
            below = states[number][0]
        logits = below @ output + bias
        nats.append(np.log(np.exp(logits).sum()) - logits[target])
    return float(np.mean(nats))


def lstm_step(kernel: Floats, recurrent: Floats, bias: Floats, order: str) -> Step:
    """Return the step of an LSTM by its (in, 4·H) matrices, with the gates in an order such as ifco."""

    def step(inputs: Floats, state: tuple[Floats, ...]) -> tuple[Floats, ...]:
        hidden, cell = state
        gates = dict(zip(order, np.split(inputs @ kernel + hidden @ recurrent + bias, 4), strict=True))
        cell = sigmoid(gates["f"]) * cell + sigmoid(gates["i"]) * np.tanh(gates["c"])
        return sigmoid(gates["o"]) * np.tanh(cell), cell

    return step


def gru_step(kernel: Floats, recurrent: Floats, bias: Floats, recurrent_bias: Floats, *, reset_after: bool) -> Step:
    """Return the step of a GRU of Keras and ONNX by its (in, 3·H) matrices, with the gates in the order z, r, h."""
    size = len(recurrent)

    def step(inputs: Floats, state: tuple[Floats, ...]) -> tuple[Floats, ...]:
        (hidden,) = state
        from_inputs = np.split(inputs @ kernel + bias, 3)
        from_hidden = np.split(hidden @ recurrent + recurrent_bias, 3)
        z, r = (sigmoid(from_inputs[gate] + from_hidden[gate]) for gate in (0, 1))
        before = (r * hidden) @ recurrent[:, 2 * size :] + recurrent_bias[2 * size :]
        candidate = np.tanh(from_inputs[2] + (r * from_hidden[2] if reset_after else before))
        return (z * hidden + (1 - z) * candidate,)

    return step


def zeros(count: int, units: int) -> tuple[Floats, ...]:
    """Return a state of zeros."""
    return (np.zeros(units),) * count


def keras_network(kind: str, units: int = 6, *, reset_after: bool = True) -> tuple[Tensors, float]:
    """Return the tensors of a Keras model with an embedding and two LSTM or GRU layers, and its loss."""
    draw, width = weight_generator(), 5
    gates = 4 if kind == "lstm" else 3
    tensors: dict[str, Floats] = {"000/embedding/embeddings": draw(SIZE, width)}
    steps = []
    for number, inputs in enumerate((width, units), 1):
        name = f"{number:03}/{kind}/{kind}_cell"
        kernel, recurrent = draw(inputs, gates * units), draw(units, gates * units)
        bias = draw(2, gates * units) if kind == "gru" and reset_after else draw(gates * units)
        tensors |= {f"{name}/kernel": kernel, f"{name}/recurrent_kernel": recurrent, f"{name}/bias": bias}
        if kind == "lstm":
            steps.append((lstm_step(kernel, recurrent, bias, "ifco"), zeros(2, units)))
        else:
            first, second = bias if reset_after else (bias, np.zeros(gates * units))
            steps.append((gru_step(kernel, recurrent, first, second, reset_after=reset_after), zeros(1, units)))
    output, bias = draw(units, SIZE), draw(SIZE)
    tensors |= {"003/dense/kernel": output, "003/dense/bias": bias}
    expected = loss(steps, tensors["000/embedding/embeddings"], output, bias)
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}, expected


def onnx_network(kind: str, units: int = 6, *, linear_before_reset: bool = True) -> tuple[Tensors, float]:
    """Return the initializers of an ONNX graph with a one-hot input and two LSTM or GRU nodes, and its loss."""
    draw, gates = weight_generator(), 4 if kind == "lstm" else 3
    tensors: dict[str, Floats] = {}
    steps = []
    for number, inputs in enumerate((SIZE, units)):
        w, r, b = draw(1, gates * units, inputs), draw(1, gates * units, units), draw(1, 2 * gates * units)
        tensors |= {f"node{number}.W": w, f"node{number}.R": r, f"node{number}.B": b}
        first, second = np.split(b[0], 2)
        if kind == "lstm":
            steps.append((lstm_step(w[0].T, r[0].T, first + second, "iofc"), zeros(2, units)))
        else:
            step = gru_step(w[0].T, r[0].T, first, second, reset_after=linear_before_reset)
            steps.append((step, zeros(1, units)))
    output, bias = draw(units, SIZE), draw(SIZE)
    tensors |= {"onnx::MatMul_9": output, "out.bias": bias}
    expected = loss(steps, np.eye(SIZE), output, bias)
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}, expected
