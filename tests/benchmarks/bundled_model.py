"""Convert a trained run to the bundled model in charrnn/data, and print the increase of its loss by half precision.

    python tests/benchmarks/bundled_model.py checkpoints/standard-library --command "charrnn train --hidden 448 ..."

The command is recorded in the model, and `charrnn info bundled` shows it.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np

from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import Model, load_model, model_metadata
from charrnn.scoring import score
from charrnn.storage.run_directory import BUNDLED_MODEL, find_model
from charrnn.storage.safetensors_file import write_tensors
from charrnn.text.held_out import held_out_text

SCORED_CHARS = 100_000
"""number of held-out characters on which the precisions are compared"""
LICENSE = "Python and its standard library: Python Software Foundation License Version 2"


def nats_per_char(model: Model, text: str) -> float:
    """Return the loss of a model on a text."""
    return score(InferenceRNN.from_model(model), model.vocabulary, text).nats_per_char


def convert(path: Path, command: str, output: Path) -> None:
    """Write the model of a run in half precision, and print its size and its loss."""
    model = load_model(path)
    provenance = {"command": command, "license": LICENSE}
    documented = dataclasses.replace(model, training={**provenance, **model.training})
    halves = {name: weights.astype(np.float16) for name, weights in model.weights.items()}
    size = write_tensors(output, halves, model_metadata(documented) | {"kind": "model"})
    text = held_out_text(path, model.vocabulary, model.training, slice(0, SCORED_CHARS), hint="").text
    before, after = nats_per_char(model, text), nats_per_char(load_model(output), text)
    print(f"{output}: {size:,} bytes")
    print(f"{before:.5f} nats per character in single precision, {after - before:+.5f} in half precision")


def main() -> None:
    """Convert the run that the command line names."""
    parser = argparse.ArgumentParser(description="Write the model of a run in half precision as the bundled model.")
    parser.add_argument("run", type=Path, help="run directory")
    parser.add_argument("--command", required=True, help="command that trained the run")
    parser.add_argument("--output", type=Path, default=BUNDLED_MODEL, help="file to write (%(default)s)")
    arguments = parser.parse_args()
    convert(find_model(arguments.run), arguments.command, arguments.output)


if __name__ == "__main__":
    main()
