"""Names of the parts of a network in other programs, and the parts that a user names with `--map`."""

import re
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from charrnn.errors import CharrnnError, did_you_mean
from charrnn.network.weight_layouts import Shape

Shapes = Mapping[str, Shape]
LayerParts = dict[str, str]
"""names of the tensors of a layer by their roles: weight_ih, weight_hh, bias_ih, bias_hh, bias, weight_peephole"""

MAP_HINT = "`--map 'THEIRS=OURS'` names a part, such as `--map 'fc.weight=output.weight'`"
MAX_LISTED = 4
"""tensors that a message names"""
PATTERNS = {
    "torch": re.compile(
        r"(?P<prefix>.*?)(?P<role>weight_ih|weight_hh|weight_hr|bias_ih|bias_hh|weight_peephole)"
        r"(?:_l(?P<layer>\d{1,4}))?(?P<reverse>_reverse)?",
        re.ASCII | re.DOTALL,
    ),
    "keras": re.compile(r"(?P<prefix>.*?)(?P<role>recurrent_kernel|kernel|bias)(?::\d+)?", re.ASCII | re.DOTALL),
    "onnx": re.compile(r"(?P<prefix>(?:.*[._/:])?)(?P<role>[WRB])", re.ASCII | re.DOTALL),
}
"""names of the tensors of a recurrent layer by layout"""
ROLES = {"recurrent_kernel": "weight_hh", "kernel": "weight_ih", "W": "weight_ih", "R": "weight_hh", "B": "bias"}
ORDER = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "bias", "weight_peephole")
"""order of the roles in a layer"""
PART = re.compile(
    r"embedding\.weight|output\.weight(\.T)?|output\.bias|"
    r"rnn\.(?P<role>weight_ih|weight_hh|bias_ih|bias_hh|bias|weight_peephole)_l(?P<layer>\d{1,2})",
    re.ASCII,
)
"""names of parts in `--map`: those of a model file, one bias for a layer, and a transposed output"""


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """The shapes of the tensors of another program, and what the user says about them."""

    shapes: Shapes
    vocabulary_size: int
    layout: str
    cell: str | None = None
    mapped: Mapping[str, str]
    """names of parts by names of tensors; "" leaves a tensor out"""

    def __post_init__(self) -> None:
        parts = [part for part in self.mapped.values() if part]
        for name, part in self.mapped.items():
            if name not in self.shapes:
                raise CharrnnError(
                    f"--map names {shown(name)}, which the file lacks", hint=did_you_mean(name, self.shapes)
                )
            if part and not PART.fullmatch(part):
                raise CharrnnError(
                    f"--map: {shown(part)} is no part of a network",
                    hint="parts are embedding.weight, rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_ih_l0, "
                    "rnn.bias_hh_l0, output.weight and output.bias",
                )
            if parts.count(part) > 1:
                raise CharrnnError(f"--map names {part} twice")

    def given(self, part: str) -> str | None:
        """Return the tensor that the user named for a part; None if there is none."""
        return next((name for name, named in self.mapped.items() if named == part), None)

    def sizes(self) -> list[int]:
        """Return the plausible sizes of the vocabulary: first the true one, then the dimensions of the tensors."""
        dimensions = {length for shape in self.shapes.values() if len(shape) < 3 for length in shape}
        return list(dict.fromkeys([self.vocabulary_size, *sorted(dimensions, reverse=True)]))


def layers_by_name(request: ImportRequest) -> list[LayerParts]:
    """Return the recurrent layers whose tensors have usual names, or are named by the user, the lowest first.

    Raise CharrnnError for bidirectional and projected layers, and if the order of the layers is not clear.
    """
    layers: dict[tuple[str, int], LayerParts] = {}
    for name, key, role in _named(request):
        layers.setdefault(key, {})[role] = name
    if request.layout == "keras":  # dense layers have a kernel and a bias too
        layers = {key: layer for key, layer in layers.items() if "weight_hh" in layer}
    _check_order(request, [prefix for prefix, _ in layers])
    by_map: dict[int, LayerParts] = {}
    for name, part in request.mapped.items():
        if (match := PART.fullmatch(part)) and match["role"]:
            by_map.setdefault(int(match["layer"]), {})[match["role"]] = name
    ordered = [layers[key] for key in sorted(layers, key=lambda key: (natural(key[0]), key[1]))]
    if by_map and sorted(by_map) != list(range(len(by_map))):
        raise CharrnnError(f"--map names layer {max(by_map)}, but not all layers below")
    for number, parts in sorted(by_map.items()):
        ordered[number : number + 1] = [(ordered[number] if number < len(ordered) else {}) | parts]
    return [dict(sorted(layer.items(), key=lambda part: ORDER.index(part[0]))) for layer in ordered]


def _named(request: ImportRequest) -> Iterator[tuple[str, tuple[str, int], str]]:
    """Yield each tensor with a usual name, with the key of its layer and its role (CharrnnError)."""
    for name in request.shapes:
        if name in request.mapped:
            continue
        if re.search(r"bidirectional|backward_|_reverse$", name):
            raise CharrnnError(
                f"{shown(name)} is of a bidirectional layer, which reads the text that it should predict"
            )
        match = PATTERNS[request.layout].fullmatch(name)
        if match is None:
            continue
        if match["role"] == "weight_hr":
            raise CharrnnError(f"{shown(name)} is of an LSTM with projections (proj_size), which charrnn lacks")
        layer = int(match["layer"] or 0) if request.layout == "torch" else 0
        role = match["role"]
        if request.layout != "torch":
            role = ROLES.get(role, role)
        yield name, (match["prefix"], layer), role


def _check_order(request: ImportRequest, prefixes: Sequence[str]) -> None:
    """Raise CharrnnError unless several modules are numbered, so that the order of the layers is clear."""
    distinct = sorted(set(prefixes))
    are_numbered = len({re.sub(r"[\d_]+", "", prefix) for prefix in distinct}) <= 1
    if not are_numbered and not all(re.match(r"\d+[./]", prefix) for prefix in distinct):
        names = [name for name, (prefix, _), role in _named(request) if prefix in distinct and role == "weight_hh"]
        raise ambiguous(request.shapes, names)


def natural(text: str) -> list[tuple[int, str]]:
    """Return a key that sorts numbers in names by their value.

    >>> sorted(["lstm_10", "lstm_2", "lstm"], key=natural)
    ['lstm', 'lstm_2', 'lstm_10']
    """
    return [
        (int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d{1,18})", text, flags=re.ASCII)
    ]


# Messages


def shown(name: str) -> str:
    """Return the name of a tensor for a message, shortened."""
    return reprlib.repr(name)


def listed(shapes: Shapes, names: Sequence[str]) -> str:
    """Return some tensors with their shapes for a message."""
    parts = [f"{shown(name)} {shapes[name]}" for name in names[:MAX_LISTED]]
    return ", ".join(parts + ["..."] * (len(names) > MAX_LISTED))


def ambiguous(shapes: Shapes, names: Sequence[str]) -> CharrnnError:
    """Return the error for tensors that may be several parts."""
    return CharrnnError(f"it is ambiguous which part is which: {listed(shapes, names)}", hint=MAP_HINT)
