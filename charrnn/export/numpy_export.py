"""Export to NumPy: the weights as arrays in an .npz file, and a page of Python that writes the same text."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charrnn.export.directory import MODEL_SCRIPT, Export, arrays_writer, text_writer
from charrnn.export.templates import network_features, network_values, render
from charrnn.network.cells import CELLS
from charrnn.network.inference import MAX_TABLE, InferenceRNN
from charrnn.network.model_file import Model

ARRAYS = "model.npz"


def numpy_export(model: Model) -> Export:
    """Return the export of a model to NumPy."""
    script = render("numpy_model", network_features(model) | {_input_feature(model)}, network_values(model))
    return Export(
        files={ARRAYS: arrays_writer(dict(_arrays(model))), MODEL_SCRIPT: text_writer(script)},
        usage="python {directory}/model.py --length 2000 --seed 1",
        needs="numpy",
    )


def _input_feature(model: Model) -> str:
    """Return how the input of the first layer is computed; it is rounded as in `InferenceRNN`."""
    if not model.config.embedding:
        return "onehot"
    table_size = len(model.vocabulary) * len(CELLS[model.config.cell].gates) * model.config.hidden
    return "table" if table_size <= MAX_TABLE else "lookup"


def _arrays(model: Model) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays with their names: matrices as (inputs, outputs), both biases of a cell added if possible."""
    rnn = InferenceRNN.from_model(model)
    yield "characters", np.array([ord(character) for character in model.vocabulary.characters], np.uint32)
    if model.config.embedding:
        yield "embedding", model.weights["embedding.weight"]
    for number, layer in enumerate(rnn.layers, 1):
        yield f"input{number}", layer.weight_ih
        yield f"bias{number}", layer.bias_ih
        yield f"recurrent{number}", layer.weight_hh
        if layer.bias_hh is not None:
            yield f"recurrent_bias{number}", layer.bias_hh
        if CELLS[model.config.cell].peepholes:
            yield f"peephole{number}", model.weights[f"rnn.weight_peephole_l{number - 1}"]
    yield "output", rnn.output_weight
    yield "output_bias", model.weights["output.bias"]
