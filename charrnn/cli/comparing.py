"""Texts from the same beginning and the same random numbers, side by side: other temperatures, or a cell held.

How they are drawn is left to `views.columns`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from charrnn.cli.asked import Asked
from charrnn.cli.streams import say_json
from charrnn.cli.writer import Writer
from charrnn.cli.writing import described, manner
from charrnn.errors import CharrnnError
from charrnn.held_out import held_out
from charrnn.network.reader import Reader
from charrnn.runs import model_name
from charrnn.scoring import character_nats
from charrnn.steering import Held, held_at
from charrnn.text.repetition import circle_of
from charrnn.together import Whole, whole_texts
from charrnn.views.columns import Column, Columns
from charrnn.views.terminal import output

TEMPERATURES = (0.0, 0.5, 0.8, 1.2)
HELD_OUT = 10_000
"""characters that a held cell's cost is measured on"""
LONGEST_PROMPT = 40
"""characters of it in a title"""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One of several texts."""

    heading: str
    writer: Writer
    whole: Whole
    held_out_bits: float | None
    """what held-out text costs a model whose cells are held so, in bits per character; None: that is not asked"""


def compare(writer: Writer, asked: Asked) -> None:
    """Write the texts and show them."""
    seed = asked.seeds()[0]
    texts = [
        _written(heading, variant, seed, steered=asked.steer is not None)
        for heading, variant in _variants(writer, asked)
    ]
    if asked.as_json:
        for text in texts:
            say_json(_values(text, seed))
        return
    title = [model_name(writer.path), f"repeat with --seed {seed}"]
    if writer.prompt:
        title.append(f"after {_shortened(writer.prompt)!r}")
    console = output()
    drawing = Columns(title=" · ".join(title), columns=tuple(map(_column, texts)))
    console.print(drawing, soft_wrap=not console.is_terminal)


def _variants(writer: Writer, asked: Asked) -> Iterator[tuple[str, Writer]]:
    """Give the writers that are to be compared, each with what is different about it."""
    if asked.steer is None:
        for temperature in TEMPERATURES:
            choice = replace(writer.choice, temperature=temperature)
            yield manner(choice) if temperature else "argmax", replace(writer, choice=choice)
        return
    layer, unit = asked.steer
    yield f"{layer}.{unit} at -1", writer.holding({(layer, unit): -1})
    yield "free", writer
    yield f"{layer}.{unit} at 1", writer.holding({(layer, unit): 1})


def _written(heading: str, writer: Writer, seed: int, *, steered: bool) -> Compared:
    return Compared(
        heading=heading,
        writer=writer,
        whole=next(whole_texts(writer.write_all([seed], costs=True))),
        held_out_bits=_held_out_bits(writer) if steered else None,
    )


def _held_out_bits(writer: Writer) -> float | None:
    """Say what held-out text costs with these cells held; None where there is none beside the model."""
    try:
        text = held_out(writer.path, writer.model.vocabulary, writer.model.training, slice(0, HELD_OUT), hint="").text
    except CharrnnError:
        return None
    ids = writer.model.vocabulary.encode(text, unknown="stand_in")
    reader = Reader.of(writer.model)
    nats = character_nats(Held(reader, held_at(reader, writer.held)), ids) if len(ids) > 1 else None
    return None if nats is None else float(nats.mean(dtype=np.float64)) / math.log(2)


def _column(compared: Compared) -> Column:
    circle = circle_of(compared.whole.characters)
    notes = [f"{compared.whole.bits_per_char:.2f} bits/char"]
    if compared.held_out_bits is not None:
        notes.append(f"held-out {compared.held_out_bits:.2f} bits/char")
    if circle:
        notes.append(f"loops every {circle.length}")
    return Column(
        heading=compared.heading,
        notes=tuple(notes),
        text=compared.whole.characters,
        dim_from=circle and circle.start + circle.length,
    )


def _values(compared: Compared, seed: int) -> dict[str, Any]:
    """Lay a text out for scripts."""
    circle = circle_of(compared.whole.characters)
    values = {"variant": compared.heading, **described(compared.writer, seed, compared.whole)}
    if compared.held_out_bits is not None:
        values["held_out_bits_per_char"] = compared.held_out_bits
    return values | ({"circle": circle._asdict()} if circle else {})


def _shortened(prompt: str) -> str:
    return prompt if len(prompt) <= LONGEST_PROMPT else f"…{prompt[-LONGEST_PROMPT:]}"
