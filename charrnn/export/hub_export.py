"""Export for a model hub: the model file, its configuration, and a model card; nothing is uploaded."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from charrnn._version import __version__
from charrnn.config import CELL_TITLES
from charrnn.export.directory import Export, json_writer, text_writer
from charrnn.export.markdown import code_block, code_span
from charrnn.export.torch_export import WEIGHTS
from charrnn.export.verified_carriers import VerifiedCarrier
from charrnn.network.model_file import Model, save_model
from charrnn.text.ngram import NGram
from charrnn.views.formatting import duration

MAX_LISTED_CELLS = 8
"""cells of a carrier that the card names"""
PROTOCOLS = {"val_nats": "state carried through the text", "val_window256_nats": "state zeroed every 256 characters"}
"""how each loss was measured, by its key"""
HEADER = """---
# Replace the license by that of this model; it may depend on the rights to the training text.
license: other
library_name: charrnn
pipeline_tag: text-generation
tags:
- character-level
- recurrent-neural-network
---
"""
USAGE = """With charrnn installed:

```sh
charrnn sample DIRECTORY      # DIRECTORY: the directory of these files
charrnn inspect DIRECTORY --text FILE
```

```python
import charrnn

model = charrnn.load("DIRECTORY")
print(model.sample(length=500, temperature=0.8, seed=1))
```

`charrnn export DIRECTORY --to torch --out NEW` (or `numpy`, `onnx`) writes the model for use without charrnn. The
weights in `model.safetensors` have the names of a PyTorch module with an embedding, recurrent layers and a linear
output; `config.json` has the size of the network and the characters in the order of their ids."""


@dataclass(frozen=True, kw_only=True)
class CardData:
    """What a model card shows besides the model itself."""

    sample: str
    """a text that the model generated"""
    sampling: str
    """how the text was generated"""
    ngram: NGram | None = None
    """the n-gram baseline; None if it is not known"""
    carriers: Sequence[VerifiedCarrier] | None = None
    """verified carriers; None if no search was made"""


def hub_export(model: Model, data: CardData) -> Export:
    """Return the export of a model for a hub."""
    return Export(
        files={
            WEIGHTS: lambda path: save_model(path, without_paths(model)),
            "config.json": json_writer(hub_config(model)),
            "README.md": text_writer(model_card(model, data)),
        },
        usage="charrnn sample {directory}",
    )


def without_paths(model: Model) -> Model:
    """Return a model whose training record names the text without its directory, and no earlier model."""
    training = {name: value for name, value in model.training.items() if name != "from"}
    if "corpus" in training:
        training["corpus"] = PurePath(training["corpus"]).name
    return replace(model, training=training)


def hub_config(model: Model) -> dict[str, Any]:
    """Return the content of config.json."""
    network = {name: value for name, value in model.config.to_mapping().items() if "drop" not in name}
    return {
        "model_type": "charrnn",
        "charrnn_version": __version__,
        **network,
        "vocabulary_size": len(model.vocabulary),
        "vocabulary": list(model.vocabulary.characters),
        "normalization": model.training.get("normalization"),
    }


def model_card(model: Model, data: CardData) -> str:
    """Return the model card in Markdown."""
    sections = {
        "Training": "\n".join(_training_lines(model)),
        "Evaluation": "\n".join(_evaluation_lines(model, data.ngram)),
        "Interpretable cells": "\n".join(_carrier_lines(data.carriers)),
        "Sample": f"{data.sampling}\n\n{code_block(data.sample)}",
        "Usage": USAGE,
        "License": "To be chosen by the author of this model, here and at the top of this file.",
    }
    config = model.config
    title = f"# Character-level {CELL_TITLES[config.cell]}"
    inputs = f"an embedding of size {config.embedding}" if config.embedding else "one-hot input"
    summary = (
        f"{config.layers} × {config.hidden} cells with {inputs}, {model.parameters:,} weights, a vocabulary of "
        f"{len(model.vocabulary):,} characters. Exported by charrnn {__version__}."
    )
    parts = [HEADER, title, summary, *(f"## {heading}\n\n{text}" for heading, text in sections.items() if text)]
    return "\n\n".join(parts).replace("---\n\n\n", "---\n\n") + "\n"


def _training_lines(model: Model) -> Iterator[str]:
    """Yield the list items about the training, of which each value may be missing."""
    training = model.training
    if "corpus" in training:
        yield f"- Text: {code_span(PurePath(training['corpus']).name)}"
    if "characters" in training:
        yield f"- Characters: {training['characters']:,}"
    if "train_characters" in training:
        held_out = f"; held out: {code_span(training['held_out'])}" if "held_out" in training else ""
        yield f"- Training split: {training['train_characters']:,} characters{held_out}"
    if model.config.documents:
        yield f"- Documents, each read from a fresh state: {code_span(model.config.documents)}"
    if "step" in training:
        epochs = f", {training['epoch']:.3g} epochs" if "epoch" in training else ""
        yield f"- Steps: {training['step']:,}{epochs}"
    if "seconds" in training:
        yield f"- Time: {duration(training['seconds'])}"


def _evaluation_lines(model: Model, ngram: NGram | None) -> Iterator[str]:
    """Yield the lines of the table of losses on held-out text; none if no loss is known."""
    losses = {name: model.training.get(name) for name in PROTOCOLS}
    if not any(isinstance(nats, float | int) for nats in losses.values()):
        return
    characters = model.training.get("val_characters")
    yield f"Loss on {f'{characters:,} ' if characters else ''}held-out characters:\n"
    yield "| model | bits per character | nats per character |"
    yield "|---|---|---|"
    for name, protocol in PROTOCOLS.items():
        if (nats := losses[name]) is not None:
            yield f"| this model, {protocol} | {nats / math.log(2):.3f} | {nats:.4f} |"
    if ngram:
        yield f"| {ngram.order}-gram (Kneser-Ney) | {ngram.nats / math.log(2):.3f} | {ngram.nats:.4f} |"


def _carrier_lines(carriers: Sequence[VerifiedCarrier] | None) -> Iterator[str]:
    """Yield the lines about verified carriers; none without a search."""
    if carriers is None:
        return
    if not carriers:
        yield "A search found no cell, group of cells or direction that is verified to carry a concept."
        return
    yield "Concepts with verified carriers, by a search of charrnn. Δ is the increase in loss at the ends of the"
    yield "concept, in nats, when the cells are ablated or the direction is erased.\n"
    yield "| concept | verdict | carrier | Δ |"
    yield "|---|---|---|---|"
    for carrier in carriers:
        cells = ", ".join(carrier.cells[:MAX_LISTED_CELLS])
        more = len(carrier.cells) - MAX_LISTED_CELLS
        listed = f"{cells} and {more:,} more" if more > 0 else cells
        if carrier.verdict == "direction":
            listed = f"direction of {len(carrier.cells):,} cells of layer {carrier.cells[0].partition('.')[0]}"
        yield f"| {code_span(carrier.concept)} | {carrier.verdict} | {listed} | {carrier.edge_delta:+.2f} |"
