"""What simpler models of a text reach, in bits per character: what a network has to beat."""

import math
import zlib

import numpy as np

from charrnn.text.corpus import Corpus

GZIP_CHARS = 1_000_000


def baselines(corpus: Corpus) -> dict[str, float]:
    """Give the bits per character of chance, of letter frequencies, and of gzip on the text's first million."""
    counts = np.array([count for count in corpus.counts if count])
    shares = counts / counts.sum()
    start = corpus.text(0, GZIP_CHARS)
    return {
        "random": math.log2(len(corpus.vocabulary)),
        "letter frequencies": float(-(shares * np.log2(shares)).sum()),
        "gzip": 8 * len(zlib.compress(start.encode())) / len(start),
    }
