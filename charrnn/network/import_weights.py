"""Recognition of a character model in the tensors of another program: which tensor is which part of the network.

Recurrent weights are recognized by the names that torch, Keras and ONNX give them, or by shape in a network of one
layer; the embedding and the output by shape, and by name where two tensors have the same shape. Whatever is
ambiguous is an error, and the user names the part. Only names and shapes are read.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from charrnn.errors import CharrnnError
from charrnn.network.cells import CELLS, RESET_BEFORE
from charrnn.network.end_parts import Ends, find_ends, possible_ends
from charrnn.network.part_names import MAP_HINT, ImportRequest, LayerParts, ambiguous, layers_by_name, listed, shown
from charrnn.network.weight_layouts import bias_shapes, matrix_shape

MAX_LAYERS = 64
BY_SHAPE_TENSORS = 10
"""tensors up to which every assignment to the parts of a network is tried"""
CELL_OF_GATES = {4: "lstm", 3: "gru", 1: "rnn"}
"""the usual cell with a number of gates"""


@dataclass(frozen=True, kw_only=True)
class Recognition:
    """A network in the tensors of another program."""

    layout: str
    cell: str
    hidden: int
    embedding: int
    """size of the embedding; 0: one-hot"""
    layers: tuple[LayerParts, ...]
    """names of the tensors of each layer by their roles"""
    ends: Ends
    """names of the embedding and the output"""

    def mapping(self) -> dict[str, str]:
        """Return the parts by the names of their tensors; a tied output is a second part of the same tensor."""
        parts: dict[str, str] = {}
        for name, part in self._pairs():
            parts[name] = f"{parts[name]} + {part}" if name in parts else part
        return parts

    def _pairs(self) -> Iterator[tuple[str, str]]:
        if self.ends.embedding is not None:
            yield self.ends.embedding, "embedding.weight"
        for number, layer in enumerate(self.layers):
            for role, name in layer.items():
                yield name, f"rnn.{role}_l{number}"
        yield self.ends.output, "output.weight"
        if self.ends.bias is not None:
            yield self.ends.bias, "output.bias"


def recognize(request: ImportRequest) -> Recognition:
    """Return the network in some tensors; raise CharrnnError if it is not supported, or not the only possibility."""
    layers = layers_by_name(request)
    if len(layers) > MAX_LAYERS:
        raise CharrnnError(f"there are {len(layers)} recurrent layers, more than {MAX_LAYERS}")
    if not layers:
        layers = [_layer_by_shape(request)]
    cell, hidden = _check_layers(request, layers)
    width = _width(request, layers[0]["weight_ih"])
    ends = find_ends(request, _free(request, [name for layer in layers for name in layer.values()]), hidden, width)
    return Recognition(
        layout=request.layout,
        cell=cell,
        hidden=hidden,
        embedding=width if ends.embedding is not None else 0,
        layers=tuple(layers),
        ends=ends,
    )


# Recurrent layers


def _layer_by_shape(request: ImportRequest) -> LayerParts:
    """Return the only layer of a network by the shapes of its tensors (CharrnnError)."""
    free = _free(request, [])
    if len(free) > BY_SHAPE_TENSORS:
        raise CharrnnError(f"none of the {len(free)} tensors has a usual name of recurrent weights", hint=MAP_HINT)
    layers = [
        layer
        for outer, inner in product(free, free)
        if outer != inner and _fits_layer(request, outer, inner)
        for layer in _complete_layers(request, outer, inner)
    ]
    if not layers:
        raise CharrnnError(f"the shapes fit no cell: {listed(request.shapes, free)}", hint=MAP_HINT)
    if len(layers) > 1:
        raise ambiguous(request.shapes, sorted({name for layer in layers for name in layer.values()}))
    return layers[0]


def _fits_layer(request: ImportRequest, outer: str, inner: str) -> bool:
    """Return whether two tensors can be W_ih and W_hh of a layer."""
    w_ih, w_hh = (matrix_shape(request.layout, request.shapes[name]) for name in (outer, inner))
    gates = [len(CELLS[request.cell].gates)] if request.cell else list(CELL_OF_GATES)
    return (
        w_ih is not None
        and w_hh is not None
        and w_hh[1] > 0
        and w_ih[0] == w_hh[0]
        and w_hh[0] in [count * w_hh[1] for count in gates]
    )


def _complete_layers(request: ImportRequest, outer: str, inner: str) -> Iterator[LayerParts]:
    """Yield a layer with each choice of biases for which the other tensors are an embedding and an output."""
    rows, hidden = matrix_shape(request.layout, request.shapes[inner]) or (0, 0)
    free = _free(request, [outer, inner])
    fitting = [name for name in free if request.shapes[name] in bias_shapes(request.layout, "bias", rows)]
    options: list[LayerParts] = [{}, *({"bias": name} for name in fitting)]
    if request.layout == "torch":
        options += [{"bias_ih": first, "bias_hh": second} for first, second in pairwise(fitting)]
    # The two biases of a GRU have different effects; those of other cells are only added.
    if rows == 3 * hidden and request.layout == "torch" and len(fitting) > 1:
        raise ambiguous(request.shapes, fitting)
    for biases in options:
        layer = {"weight_ih": outer, "weight_hh": inner} | biases
        rest = _free(request, list(layer.values()))
        if any(possible_ends(request, rest, hidden, _width(request, outer), size) for size in request.sizes()):
            yield layer


def _free(request: ImportRequest, assigned: Sequence[str]) -> list[str]:
    """Return the tensors that neither the user nor a layer uses."""
    return [name for name in request.shapes if name not in assigned and name not in request.mapped]


def _width(request: ImportRequest, outer: str) -> int:
    """Return the number of inputs of a W_ih."""
    shape = matrix_shape(request.layout, request.shapes[outer])
    assert shape is not None
    return shape[1]


def _check_layers(request: ImportRequest, layers: Sequence[LayerParts]) -> tuple[str, int]:
    """Return the cell and its number of units; raise CharrnnError if shapes do not fit each other."""
    cells = {_check_layer(request, number, layer) for number, layer in enumerate(layers)}
    if len(cells) > 1:
        listed = " and ".join(f"{cell} of {hidden} units" for cell, hidden in sorted(cells))
        raise CharrnnError(f"the layers differ ({listed}), and all layers of a charrnn model are alike")
    ((cell, hidden),) = cells
    for number, layer in enumerate(layers[1:], 2):
        if (width := _width(request, layer["weight_ih"])) != hidden:
            raise CharrnnError(f"layer {number} has {width:,} inputs, but the layer below has {hidden:,} units")
    return cell, hidden


def _check_layer(request: ImportRequest, number: int, layer: LayerParts) -> tuple[str, int]:
    """Return the cell and the number of units of a layer (CharrnnError)."""
    for role in ("weight_ih", "weight_hh"):
        if role not in layer:
            raise CharrnnError(f"{role} of layer {number + 1} is missing", hint=MAP_HINT)
    shapes = {role: request.shapes[name] for role, name in layer.items()}
    w_ih, w_hh = (matrix_shape(request.layout, shapes[role]) for role in ("weight_ih", "weight_hh"))
    name = shown(layer["weight_hh"])
    if request.layout == "onnx" and len(shapes["weight_hh"]) == 3 and shapes["weight_hh"][0] == 2:
        raise CharrnnError(f"{name} is of a bidirectional layer, which reads the text that it should predict")
    if w_ih is None or w_hh is None or w_ih[0] != w_hh[0] or not w_hh[1] or w_hh[0] % w_hh[1]:
        raise CharrnnError(
            f"the shapes {shapes['weight_ih']} and {shapes['weight_hh']} of layer {number + 1} fit no cell in the "
            f"layout of {request.layout}",
            hint="`--layout torch`, `keras` or `onnx` names the layout; projected layers are not supported",
        )
    rows, hidden = w_hh
    cell = _cell(request, layer, rows // hidden)
    for role, shape in shapes.items():
        if "bias" in role and shape not in bias_shapes(request.layout, role, rows):
            raise CharrnnError(f"{shown(layer[role])} has the shape {shape}, which fits no bias of {rows:,} rows")
    if shapes.get("weight_peephole", (3 * hidden,)) != (3 * hidden,):
        raise CharrnnError(f"{shown(layer['weight_peephole'])} does not fit {hidden:,} units")
    return cell, hidden


def _cell(request: ImportRequest, layer: LayerParts, gates: int) -> str:
    """Return the cell of a layer by its number of gates, its biases and its names (CharrnnError)."""
    usual = "peephole" if "weight_peephole" in layer else CELL_OF_GATES.get(gates)
    if request.cell is not None:
        if len(CELLS[request.cell].gates) != gates or (request.cell == "peephole") != ("weight_peephole" in layer):
            raise CharrnnError(f"the weights are not those of --cell {request.cell}: they have {gates} gates")
        return request.cell
    if usual is None:
        raise CharrnnError(
            f"{shown(layer['weight_hh'])} has {gates} times as many rows as units, and no cell has {gates} gates",
            hint="an LSTM has 4, a GRU 3 and an RNN 1",
        )
    return _gru_form(request, layer) if usual == "gru" and request.layout != "torch" else usual


def _gru_form(request: ImportRequest, layer: LayerParts) -> str:
    """Return which GRU a layer of Keras or ONNX is (CharrnnError if neither the bias nor the names show it)."""
    if request.layout == "keras" and "bias" in layer:
        return "gru" if len(request.shapes[layer["bias"]]) == 2 else RESET_BEFORE
    option = re.search(r"linear_before_reset=([01])", layer["weight_hh"])
    if option:
        return "gru" if option[1] == "1" else RESET_BEFORE
    attribute = "reset_after" if request.layout == "keras" else "linear_before_reset"
    false, true = ("False", "True") if request.layout == "keras" else ("0", "1")
    raise CharrnnError(
        f"the weights do not show which GRU this is ({attribute})",
        hint=f"`--cell gru` for {attribute}={true}, `--cell {RESET_BEFORE}` for {attribute}={false}",
    )
