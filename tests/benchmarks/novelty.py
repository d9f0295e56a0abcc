"""How long it takes to sort a text's suffixes, to read them again, and to find what of 10,000 characters is copied.

    python tests/benchmarks/novelty.py [TEXT…]

The last tenth of each text is held out. With no text it is Python's standard library. CPU time, of one thread.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from charrnn.generation.novelty import find_copies
from charrnn.text import corpus_encoder
from charrnn.text.sources import open_sources
from charrnn.text.suffix_array import load_or_build_suffix_array

CHARACTERS = 10_000


def seconds(call: Callable[[], object]) -> float:
    """Time one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def measure(names: list[str], directory: Path) -> None:
    """Print the times for a text, and the baseline copy length."""
    sources = open_sources(names)
    corpus = corpus_encoder.encode(
        sources, "utf-8", corpus_encoder.count_characters(sources, "utf-8"), directory / "corpus.bin"
    )
    split, size, path = corpus.split_position(0.1), len(corpus.vocabulary), directory / "corpus.suffixes"
    ids = np.asarray(corpus.ids)
    sorting = seconds(lambda: load_or_build_suffix_array(ids[:split], size, path))
    reading = seconds(lambda: load_or_build_suffix_array(ids[:split], size, path))
    suffix_array = load_or_build_suffix_array(ids[:split], size, path)
    print(f"{corpus.name}: {split:,} characters; sorted in {sorting:.2f} s, read again in {reading:.2f} s")
    copied = ids[split // 2 : split // 2 + CHARACTERS]
    for name, text in (("held-out", ids[split : split + CHARACTERS]), ("copied", copied)):
        copies = find_copies(text, suffix_array)
        elapsed = seconds(lambda text=text: find_copies(text, suffix_array))  # type: ignore[misc]
        longest = copies.longest.length if copies.longest else 0
        print(
            f"  {name:8}  {elapsed:.2f} s   {copies.copied_fraction:.1%} copied, the longest stretch {longest:,}"
            " characters"
        )


if __name__ == "__main__":
    for text in [[name] for name in sys.argv[1:]] or [[]]:
        with tempfile.TemporaryDirectory() as place:
            measure(text, Path(place))
