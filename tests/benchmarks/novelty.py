"""Time the construction of a suffix array, its reading from the file, and the search for copies in 10,000 characters.

    python tests/benchmarks/novelty.py [TEXT…]

The default text is Python's standard library. The last tenth of each text is held out. All times are CPU times of one
thread.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from common import encode_corpus

from charrnn.generation.novelty import find_copies
from charrnn.text.suffix_array import load_or_build_suffix_array

CHARACTERS = 10_000


def cpu_seconds(function: Callable[[], object]) -> float:
    """Return the CPU time of one call."""
    start_time = time.process_time()
    function()
    return time.process_time() - start_time


def measure(names: list[str], directory: Path) -> None:
    """Print the times for a text, and the copies in held-out and in copied characters."""
    corpus = encode_corpus(names, directory / "corpus.bin")
    split, size, path = corpus.split_position(0.1), len(corpus.vocabulary), directory / "corpus.suffixes"
    ids = np.asarray(corpus.ids)
    building = cpu_seconds(lambda: load_or_build_suffix_array(ids[:split], size, path))
    loading = cpu_seconds(lambda: load_or_build_suffix_array(ids[:split], size, path))
    suffix_array = load_or_build_suffix_array(ids[:split], size, path)
    print(f"{corpus.name}: {split:,} characters; suffix array built in {building:.2f} s, loaded in {loading:.2f} s")
    copied = ids[split // 2 : split // 2 + CHARACTERS]
    for name, text in (("held-out", ids[split : split + CHARACTERS]), ("copied", copied)):
        copies = find_copies(text, suffix_array)
        elapsed = cpu_seconds(lambda text=text: find_copies(text, suffix_array))  # type: ignore[misc]
        longest = copies.longest.length if copies.longest else 0
        print(
            f"  {name:8}  {elapsed:.2f} s   {copies.copied_fraction:.1%} copied, longest copy {longest:,} characters"
        )


if __name__ == "__main__":
    for names in [[name] for name in sys.argv[1:]] or [[]]:
        with tempfile.TemporaryDirectory() as directory:
            measure(names, Path(directory))
