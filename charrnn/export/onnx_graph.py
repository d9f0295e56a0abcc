"""The ONNX graph of a network, built from its weights: ids and state -> logits and the next state.

Inside the graph, time comes before the batch, as in the operators of ONNX. Their gates are in another order than
torch's: i o f c and z r h. The coupled LSTM becomes an LSTM whose input gate has the negated weights of the forget
gate, since 1 - σ(x) = σ(-x). For the capped LSTM, ONNX has no operator; its layers are loops (Scan).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from charrnn._version import __version__
from charrnn.config import NetworkConfig
from charrnn.network.cells import CELLS
from charrnn.network.model_file import Weights

OPSET, IR_VERSION = 17, 8
"""versions of ONNX 1.12 and later"""

Array = NDArray[np.float32]

LSTM_GATES, GRU_GATES = (0, 3, 1, 2), (1, 0, 2)
GATES: dict[str, tuple[int, ...]] = {"lstm": LSTM_GATES, "peephole": LSTM_GATES, "cifg": LSTM_GATES}
GATES |= {"gru": GRU_GATES, "gru-reset-before": GRU_GATES, "rnn": (0,)}
"""index in torch's order of each gate, in the order of ONNX"""
PEEPHOLES = (0, 2, 1)
"""the same for the peephole weights: i o f in ONNX, i f o in charrnn"""
OPERATORS = {"gru": "GRU", "gru-reset-before": "GRU", "rnn": "RNN"}
"""operator of each kind of cell; LSTM if it is missing"""


class LayerArrays(NamedTuple):
    """The arrays of a layer's operator, with a first axis of size 1 for its direction."""

    weight: Array
    recurrent: Array
    bias: Array
    """both biases, one after the other"""


class Graph:
    """Nodes and arrays of a graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.arrays: list[Any] = []

    def array(self, name: str, values: NDArray[Any]) -> str:
        """Add an array and return its name."""
        self.arrays.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> str:
        """Add a node and return the name of its first output."""
        self.nodes.append(helper.make_node(operator, list(inputs), list(outputs), name=outputs[0], **attributes))
        return next(filter(None, outputs))


def state_parts(config: NetworkConfig) -> int:
    """Return the number of vectors in the state of a network: h of each layer, then c of each layer of LSTMs."""
    return config.layers * (2 if CELLS[config.cell].has_cell_state else 1)


def build(config: NetworkConfig, weights: Weights, metadata: Mapping[str, str]) -> bytes:
    """Return the content of an ONNX file: ids (batch, time), state (parts, batch or 1, hidden) -> logits, next_state.

    A state of batch size 1 stands for the same state of all texts. Equal networks give equal bytes.
    """
    graph, parts = Graph(), state_parts(config)
    _input_nodes(graph, config, weights, parts)
    hidden = "inputs"
    for layer in range(config.layers):
        hidden = _layer_nodes(graph, config, weights, layer, hidden)
    finals = [f"h{layer}_next" for layer in range(config.layers)]
    finals += [f"c{layer}_next" for layer in range(parts - config.layers)]
    graph.node("Concat", finals, ["next_state"], axis=0)
    output = graph.array("output.weight", weights["output.weight"].T)
    graph.node("MatMul", [hidden, output], ["products"])
    graph.node("Add", ["products", graph.array("output.bias", weights["output.bias"])], ["time_major_logits"])
    graph.node("Transpose", ["time_major_logits"], ["logits"], perm=[1, 0, 2])
    inputs = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "time"]),
        helper.make_tensor_value_info("state", TensorProto.FLOAT, [parts, "state_batch", config.hidden]),
    ]
    characters = len(weights["output.bias"])
    outputs = [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "time", characters]),
        helper.make_tensor_value_info("next_state", TensorProto.FLOAT, [parts, "batch", config.hidden]),
    ]
    return _serialized(helper.make_graph(graph.nodes, "charrnn", inputs, outputs, graph.arrays), metadata)


def _serialized(graph: Any, metadata: Mapping[str, str]) -> bytes:
    """Return the content of the file of a valid graph."""
    model = helper.make_model(
        graph,
        producer_name="charrnn",
        producer_version=__version__,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _input_nodes(graph: Graph, config: NetworkConfig, weights: Weights, parts: int) -> None:
    """Add the nodes of the input vectors (time, batch, width), and of the state of each layer, (1, batch, hidden)."""
    graph.node("Transpose", ["ids"], ["time_major_ids"], perm=[1, 0])
    if config.embedding:
        embedding = graph.array("embedding.weight", weights["embedding.weight"])
        graph.node("Gather", [embedding, "time_major_ids"], ["inputs"])
    else:
        size = graph.array("vocabulary_size", np.array(len(weights["output.bias"])))
        off_on = graph.array("off_on", np.array([0, 1], np.float32))
        graph.node("OneHot", ["time_major_ids", size, off_on], ["inputs"])
    size_one = graph.array("one", np.array([1]))
    graph.node("Shape", ["ids"], ["batch"], start=0, end=1)
    graph.node("Concat", [size_one, "batch", size_one], ["state_shape"], axis=0)
    graph.node("Expand", ["state", "state_shape"], ["states"])
    names = [f"h{layer}" for layer in range(config.layers)] + [f"c{n}" for n in range(parts - config.layers)]
    graph.node("Split", ["states"], names, axis=0)


def _layer_nodes(graph: Graph, config: NetworkConfig, weights: Weights, layer: int, inputs: str) -> str:
    """Add the nodes of a layer, and return the name of its outputs (time, batch, hidden)."""
    if config.cell == "capped":
        return _capped_layer(graph, config, weights, layer, inputs)
    arrays, has_cell_state = layer_arrays(config.cell, weights, layer), CELLS[config.cell].has_cell_state
    names = [graph.array(f"{part}{layer}", values) for part, values in arrays._asdict().items()]
    names = [inputs, *names, "", f"h{layer}"] + ([f"c{layer}"] if has_cell_state else [])
    if CELLS[config.cell].peepholes:
        peepholes = _reordered(weights[f"rnn.weight_peephole_l{layer}"], PEEPHOLES)
        names.append(graph.array(f"peepholes{layer}", peepholes[None]))
    attributes = {"linear_before_reset": 1} if config.cell == "gru" else {}
    outputs = [f"outputs{layer}", f"h{layer}_next"] + ([f"c{layer}_next"] if has_cell_state else [])
    graph.node(OPERATORS.get(config.cell, "LSTM"), names, outputs, hidden_size=config.hidden, **attributes)
    # The second axis is that of directions, of which there is one.
    axis = graph.array(f"direction{layer}", np.array([1]))
    return graph.node("Squeeze", [f"outputs{layer}", axis], [f"hidden{layer}"])


def layer_arrays(cell: str, weights: Weights, layer: int) -> LayerArrays:
    """Return the arrays of a layer in ONNX's layout."""
    parts = {name: weights[f"rnn.{name}_l{layer}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    if cell == "cifg":
        parts = {name: _with_input_gate(part) for name, part in parts.items()}
    ordered = {name: _reordered(part, GATES[cell])[None] for name, part in parts.items()}
    bias = np.concatenate([ordered["bias_ih"], ordered["bias_hh"]], -1)
    return LayerArrays(ordered["weight_ih"], ordered["weight_hh"], bias)


def _with_input_gate(rows: Array) -> Array:
    """Return the rows of a CIFG LSTM, f g o, as those of an LSTM, i f g o, with i = 1 - f."""
    forget_gate = rows[: len(rows) // 3]
    return np.concatenate([-forget_gate, rows])


def _reordered(rows: Array, order: Sequence[int]) -> Array:
    """Return rows with the gates in another order."""
    return rows.reshape(len(order), -1, *rows.shape[1:])[list(order)].reshape(rows.shape)


# The capped LSTM: a loop over time


def _capped_layer(graph: Graph, config: NetworkConfig, weights: Weights, layer: int, inputs: str) -> str:
    """Add the nodes of a layer of the capped LSTM, and return the name of its outputs (time, batch, hidden)."""
    weight = graph.array(f"weight{layer}", weights[f"rnn.weight_ih_l{layer}"].T)
    bias = weights[f"rnn.bias_ih_l{layer}"] + weights[f"rnn.bias_hh_l{layer}"]
    graph.node("MatMul", [inputs, weight], [f"input_products{layer}"])
    graph.node("Add", [f"input_products{layer}", graph.array(f"bias{layer}", bias)], [f"projected{layer}"])
    axis = graph.array(f"direction{layer}", np.array([0]))
    for part in "hc":
        graph.node("Squeeze", [f"{part}{layer}", axis], [f"{part}{layer}_first"])
    body = _capped_step(config, weights[f"rnn.weight_hh_l{layer}"].T)
    states = [f"h{layer}_first", f"c{layer}_first", f"projected{layer}"]
    outputs = [f"h{layer}_last", f"c{layer}_last", f"hidden{layer}"]
    graph.node("Scan", states, outputs, body=body, num_scan_inputs=1)
    for part in "hc":
        graph.node("Unsqueeze", [f"{part}{layer}_last", axis], [f"{part}{layer}_next"])
    return f"hidden{layer}"


def _capped_step(config: NetworkConfig, recurrent: Array) -> Any:
    """Return the graph of one step: h, c, projected -> next h, next c, output."""
    step, size = Graph(), config.hidden
    step.node("MatMul", ["h", step.array("recurrent", recurrent)], ["products"])
    step.node("Add", ["products", "projected"], ["sums"])
    step.node("Split", ["sums"], ["sum_i", "sum_f", "sum_g", "sum_o"], axis=-1)
    for gate, operator in (("i", "Sigmoid"), ("f", "Sigmoid"), ("g", "Tanh"), ("o", "Sigmoid")):
        step.node(operator, [f"sum_{gate}"], [gate])
    step.node("Sub", [step.array("float_one", np.array(1, np.float32)), "f"], ["cap"])
    step.node("Min", ["i", "cap"], ["capped_i"])
    step.node("Mul", ["f", "c"], ["kept"])
    step.node("Mul", ["capped_i", "g"], ["written"])
    step.node("Add", ["kept", "written"], ["next_c"])
    step.node("Tanh", ["next_c"], ["tanh_c"])
    step.node("Mul", ["o", "tanh_c"], ["next_h"])
    step.node("Identity", ["next_h"], ["output"])
    shapes = {"h": size, "c": size, "projected": 4 * size, "next_h": size, "next_c": size, "output": size}
    infos = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width]) for name, width in shapes.items()
    ]
    return helper.make_graph(step.nodes, "capped_step", infos[:3], infos[3:], step.arrays)
