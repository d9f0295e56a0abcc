"""Layouts of recurrent weights in torch, Keras and ONNX: gate orders, orientation of matrices, and biases.

Shapes, for I inputs, H units, G gates and V characters:
            W_ih          W_hh          bias                        output
    torch   (G·H, I)      (G·H, H)      (G·H,) for W_ih and W_hh    (V, H)
    Keras   (I, G·H)      (H, G·H)      (G·H,), or (2, G·H)         (H, V)
    ONNX    (1, G·H, I)   (1, G·H, H)   (1, 2·G·H)                  (V, H) or (H, V)
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from charrnn.network.cells import CELLS, RESET_BEFORE

GATE_ORDERS: Mapping[str, Mapping[str, str]] = {
    "torch": {},
    "keras": {"gru": "zrn", RESET_BEFORE: "zrn"},
    "onnx": {"lstm": "iofg", "gru": "zrn", RESET_BEFORE: "zrn"},
}
"""order of the gates by layout and cell, with torch's letters; an order that is not listed is torch's"""
LAYOUTS = tuple(GATE_ORDERS)

Shape = tuple[int, ...]
Float32s = NDArray[np.float32]


def matrix_shape(layout: str, shape: Shape) -> tuple[int, int] | None:
    """Return the shape of a recurrent matrix in torch's orientation, (G·H, in); None if it is not a matrix.

    >>> matrix_shape("keras", (64, 512)), matrix_shape("onnx", (1, 512, 64)), matrix_shape("torch", (512,))
    ((512, 64), (512, 64), None)
    """
    if layout == "onnx":
        return (shape[1], shape[2]) if len(shape) == 3 and shape[0] == 1 else None
    if len(shape) != 2:
        return None
    return (shape[1], shape[0]) if layout == "keras" else (shape[0], shape[1])


def output_shapes(layout: str, shape: Shape) -> list[tuple[int, int]]:
    """Return the shapes (V, H) that an output matrix can have in torch's orientation; ONNX has both orientations."""
    if len(shape) != 2:
        return []
    rows, columns = shape
    by_layout = {"torch": [(rows, columns)], "keras": [(columns, rows)], "onnx": [(rows, columns), (columns, rows)]}
    return by_layout[layout]


def bias_shapes(layout: str, role: str, rows: int) -> set[Shape]:
    """Return the shapes that a bias can have: "bias" is one for the whole layer; rows: G·H."""
    if role != "bias" or layout == "torch":
        return {(rows,)}
    return {(rows,), (2, rows)} if layout == "keras" else {(1, 2 * rows)}


def to_torch_rows(layout: str, cell: str, rows: Float32s) -> Float32s:
    """Return a matrix (G·H, in) or a bias (G·H,) with the gates in torch's order.

    >>> to_torch_rows("keras", "gru", np.array([1, 2, 3], np.float32)).tolist()
    [2.0, 1.0, 3.0]
    """
    gates = CELLS[cell].gates
    order = GATE_ORDERS[layout].get(cell, "".join(gates))
    blocks = rows.reshape(len(gates), -1, *rows.shape[1:])
    return blocks[[order.index(gate) for gate in gates]].reshape(rows.shape)


def to_torch_matrix(layout: str, cell: str, matrix: Float32s) -> Float32s:
    """Return a recurrent matrix in torch's orientation and gate order, (G·H, in)."""
    oriented = matrix.T if layout == "keras" else matrix[0] if layout == "onnx" else matrix
    return np.ascontiguousarray(to_torch_rows(layout, cell, oriented))


def to_torch_biases(layout: str, cell: str, bias: Float32s) -> tuple[Float32s, Float32s]:
    """Return the biases of W_ih and W_hh, (G·H,) each, from one bias of the layer."""
    parts: Sequence[Float32s] = (bias, np.zeros_like(bias))
    if layout == "onnx":
        parts = np.split(bias[0], 2)
    elif bias.ndim == 2:
        parts = (bias[0], bias[1])
    first, second = (to_torch_rows(layout, cell, part) for part in parts)
    return first, second
