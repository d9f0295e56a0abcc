"""Formats of other programs: recognition by the first bytes, and the Python lines that convert a file to safetensors.

Most of these formats can run code when they are opened, so charrnn never opens them.
"""

from dataclasses import dataclass
from pathlib import Path

RECOGNITION_BYTES = 64
"""bytes at the beginning of a file that determine its format"""


@dataclass(frozen=True, kw_only=True)
class ForeignFormat:
    """A format, and how a file of it becomes a safetensors file."""

    title: str
    """such as "a PyTorch file" """
    runs_code: bool
    """whether opening a file can run code"""
    packages: str
    """Python packages that the lines need"""
    lines: str
    """Python code, in which {source} and {target} stand for the paths as Python strings"""

    def script(self, path: Path) -> str:
        """Return the Python code that converts a file; its output is beside the file."""
        return self.lines.format(source=repr(str(path)), target=repr(str(path.with_suffix(".safetensors"))))


TORCH = ForeignFormat(
    title="a PyTorch file (a pickle)",
    runs_code=True,
    packages="torch and safetensors",
    lines="""\
import torch
from safetensors.torch import save_file

saved = torch.load({source}, map_location="cpu", weights_only=True)
weights = saved.get("state_dict", saved.get("model_state_dict", saved.get("model", saved)))
tensors = {{name: value.clone().contiguous() for name, value in weights.items() if torch.is_tensor(value)}}
save_file(tensors, {target})
""",
)
KERAS = ForeignFormat(
    title="a Keras file",
    runs_code=True,
    packages="keras, numpy and safetensors",
    lines="""\
import keras
import numpy
from safetensors.numpy import save_file

model = keras.saving.load_model({source}, compile=False)
tensors = {{}}
for number, layer in enumerate(model.layers):
    for weight in layer.weights:
        name = getattr(weight, "path", weight.name)
        tensors[f"{{number:03}}/{{name}}"] = numpy.ascontiguousarray(weight)
save_file(tensors, {target})
""",
)
ONNX = ForeignFormat(
    title="an ONNX file",
    runs_code=False,
    packages="onnx, numpy and safetensors",
    lines="""\
import numpy
import onnx
from onnx import numpy_helper
from safetensors.numpy import save_file

graph = onnx.load({source}).graph
names = {{}}
for number, node in enumerate(graph.node):
    if node.op_type in ("LSTM", "GRU", "RNN"):
        options = [f"{{a.name}}={{a.i}}" for a in node.attribute if a.name == "linear_before_reset"]
        prefix = ".".join([f"{{number:04}}", node.op_type, *(options or ["linear_before_reset=0"])])
        names.update(zip(node.input[1:4], [f"{{prefix}}.W", f"{{prefix}}.R", f"{{prefix}}.B"]))
    elif node.op_type in ("Gather", "MatMul", "Gemm", "Add"):
        by_rows = any(a.name == "transB" and a.i for a in node.attribute)
        kind = f"{{number:04}}.{{node.op_type}}" + ".transB" * by_rows
        names.update({{name: f"{{kind}}.{{name}}" for name in node.input}})
arrays = {{t.name: numpy.ascontiguousarray(numpy_helper.to_array(t)) for t in graph.initializer}}
save_file({{names.get(name, name): array for name, array in arrays.items()}}, {target})
""",
)
NUMPY = ForeignFormat(
    title="a NumPy archive",
    runs_code=False,
    packages="numpy and safetensors",
    lines="""\
import numpy
from safetensors.numpy import save_file

with numpy.load({source}, allow_pickle=False) as arrays:
    save_file({{name: numpy.ascontiguousarray(arrays[name]) for name in arrays}}, {target})
""",
)

BY_SUFFIX = {
    **dict.fromkeys((".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle"), TORCH),
    **dict.fromkeys((".h5", ".hdf5", ".keras"), KERAS),
    ".onnx": ONNX,
    ".npz": NUMPY,
}
"""formats by the suffix of a file"""
BY_BEGINNING = (
    (b"\x89HDF\r\n\x1a\n", KERAS),
    (b"PK\x03\x04", TORCH),
    *((b"\x80" + bytes([protocol]), TORCH) for protocol in (2, 3, 4, 5)),
)
"""first bytes of a format; zip files of Keras and NumPy are recognized by their suffixes"""


def recognize_format(path: Path, beginning: bytes) -> ForeignFormat | None:
    """Return the format of a file by its first bytes or its suffix; None for a safetensors file and unknown ones."""
    if beginning[8:9] == b"{":
        return None
    by_suffix = BY_SUFFIX.get(path.suffix.lower())
    by_beginning = next((kind for start, kind in BY_BEGINNING if beginning.startswith(start)), None)
    return by_suffix or by_beginning
