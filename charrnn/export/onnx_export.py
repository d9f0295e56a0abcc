"""Export to ONNX: the network as a graph, its initial state and its vocabulary."""

import json
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from charrnn.errors import CharrnnError, missing_package
from charrnn.export.directory import (
    MODEL_SCRIPT,
    VOCABULARY,
    Export,
    arrays_writer,
    bytes_writer,
    json_writer,
    text_writer,
)
from charrnn.export.templates import network_features, network_values, render
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model

REQUIREMENT = "onnx>=1.16"
"""the package that builds the graph, as in the extra `onnx`"""
GRAPH, INITIAL = "model.onnx", "initial.npz"
MAX_BYTES = 2**31 - 2**20
"""size of the weights; an ONNX file is a message of Protocol Buffers, which has at most 2 GiB"""


def onnx_export(model: Model) -> Export:
    """Return the export of a model to ONNX (CharrnnError)."""
    if find_spec("onnx") is None:
        raise missing_package("--to onnx", REQUIREMENT)
    if 4 * model.parameters > MAX_BYTES:
        raise CharrnnError(f"an ONNX file holds at most 2 GiB, and the model has {model.parameters:,} weights")
    from charrnn.export.onnx_graph import build

    characters, state = list(model.vocabulary.characters), initial_state(model)
    metadata = {"vocabulary": json.dumps(characters), "initial_state": json.dumps(state[:, 0, 0].tolist())}
    graph = build(model.config, model.weights, metadata)
    script = render("onnx_model", network_features(model), network_values(model))
    logits = InferenceRNN.from_model(model).logits(state[model.config.layers - 1, 0])
    return Export(
        files={
            GRAPH: bytes_writer(graph),
            INITIAL: arrays_writer({"state": state, "logits": logits}),
            VOCABULARY: json_writer(characters),
            MODEL_SCRIPT: text_writer(script),
        },
        usage="python {directory}/model.py --length 500 --seed 1",
        needs="onnxruntime",
    )


def initial_state(model: Model) -> NDArray[np.float32]:
    """Return the state before any text, (parts, 1, hidden): h of each layer, then c of each layer for LSTMs."""
    by_layer = InferenceRNN.from_model(model).initial_state(1)
    parts = [part for parts in zip(*by_layer, strict=True) for part in parts if part is not None]
    return np.stack(parts)
