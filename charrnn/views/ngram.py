"""What is said of the n-gram that a network has to beat: what it reaches, and which of the two is better."""

import math

from charrnn.text.ngram import NGram

TIE_BITS = 0.005
"""bits; what is nearer would be told as a difference of 0.00"""


def ngram_line(ngram: NGram) -> str:
    """Say what there is to beat, in a line that goes under the other baselines.

    >>> ngram_line(NGram(order=7, nats=1.52, learned_from=1003854, characters=111540, nats_by_order=()))
    'to beat          2.19 by a 7-gram, learned from 1,003,854 characters'
    """
    learned = f"learned from {ngram.learned_from:,} characters"
    return f"to beat          {_bits(ngram):.2f} by a {ngram.order}-gram, {learned}"


def ngram_comparison(ngram: NGram, bits: float | None) -> str:
    """Say which is better, the n-gram or a network that has come to so many bits; None: it was not measured yet.

    >>> known = NGram(order=7, nats=1.52, learned_from=1003854, characters=111540, nats_by_order=())
    >>> ngram_comparison(known, 2.35)
    '7-gram 2.19 bits: still 0.16 better than the network'
    >>> ngram_comparison(known, 2.07)
    '7-gram 2.19 bits: the network is 0.12 better'
    """
    result = f"{ngram.order}-gram {_bits(ngram):.2f} bits"
    if bits is None:
        return result
    gained = _bits(ngram) - bits
    if abs(gained) < TIE_BITS:
        return f"{result}: the network is as good"
    if gained < 0:
        return f"{result}: still {-gained:.2f} better than the network"
    return f"{result}: the network is {gained:.2f} better"


def _bits(ngram: NGram) -> float:
    return ngram.nats / math.log(2)
