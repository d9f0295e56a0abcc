"""What `charrnn sample` does once its options are known: texts go to standard output, as text or as JSON.

What writes them is `writer`'s.
"""

import sys
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from charrnn.cli.asked import Asked
from charrnn.cli.streams import DIM, Page, say_json, tell
from charrnn.cli.writer import Writer, writer_of
from charrnn.runs import model_name
from charrnn.sampling import Choice
from charrnn.text.documents import SEPARATORS
from charrnn.together import Whole, whole_texts
from charrnn.views.terminal import is_terminal

BETWEEN_SAMPLES = "\n\n"


def write(path: Path, asked: Asked) -> None:
    """Write samples to standard output; raise CharrnnError for what the user can put right."""
    writer = writer_of(path, asked)
    if asked.columns:
        from charrnn.cli.comparing import compare

        compare(writer, asked)
    elif asked.novelty:
        from charrnn.cli.copying import write_with_novelty

        write_with_novelty(writer, asked)
    elif asked.as_json:
        _write_json(writer, asked)
    else:
        _write_text(writer, asked)


def _write_text(writer: Writer, asked: Asked) -> None:
    """Write the samples one after the other, each character as soon as it is there."""
    page, seeds = Page(raw=asked.raw), asked.seeds()
    longest = max(map(len, writer.ending.stops), default=0)
    without = 0
    try:
        for number, pieces in groupby(writer.write_all(seeds, costs=False), key=attrgetter("text")):
            begin(page, writer, asked, number=number, seed=seeds[number])
            page.write("" if asked.no_prompt else writer.prompt, style=DIM)
            tail = ""
            for piece in pieces:
                page.write(piece.characters)
                tail = (tail + piece.characters)[-longest:] if longest else ""
            without += writer.ending.stop_in(tail) is None
    finally:
        end(page, writer, asked)
    if longest and without and not asked.quiet:
        tell("note: no stop text came" + (f" in {without:,} of {len(seeds):,} samples" if len(seeds) > 1 else ""))


def begin(page: Page, writer: Writer, asked: Asked, *, number: int, seed: int) -> None:
    """Write what stands between samples, and say what writes the next one; of documents, only at first."""
    documents = writer.model.config.documents
    between = SEPARATORS[documents] if documents else "\n" if page.terminal else BETWEEN_SAMPLES
    page.write(between if number else "")
    if is_terminal(sys.stderr) and not asked.quiet and not (number and documents):
        tell(heading(writer, seed), style=DIM)


def _write_json(writer: Writer, asked: Asked) -> None:
    """Write the samples as a line of JSON each."""
    seeds = asked.seeds()
    for seed, whole in zip(seeds, whole_texts(writer.write_all(seeds, costs=True)), strict=True):
        say_json(described(writer, seed, whole))


def described(writer: Writer, seed: int, whole: Whole) -> dict[str, Any]:
    """Lay a text out for scripts."""
    return {
        **writer.described(),
        "text": whole.characters,
        "stopped_by": writer.ending.stop_in(whole.characters),
        "seed": seed,
        "bits_per_char": whole.bits_per_char,
    }


def end(page: Page, writer: Writer, asked: Asked) -> None:
    """End the last line, where lines are read, and say what became of control characters."""
    if page.terminal or writer.model.config.documents in ("line", "blank"):
        page.write("\n")
    if page.altered and not asked.quiet:
        tell("note: control characters are shown as pictures; --raw writes them as they are")


def heading(writer: Writer, seed: int) -> str:
    """Say what writes, and how to have the same written again."""
    step = writer.model.training.get("step")
    held = [f"{layer}.{unit} held at {value:g}" for (layer, unit), value in writer.held.items()]
    parts = [model_name(writer.path), f"step {step:,}" if isinstance(step, int) else "", manner(writer.choice), *held]
    again = f"repeat with --seed {seed}" if writer.choice.temperature else ""
    return " · ".join(filter(None, [*parts, again]))


def manner(choice: Choice) -> str:
    """Say how the characters are chosen."""
    return f"temperature {choice.temperature:g}" if choice.temperature else "always the likeliest"
