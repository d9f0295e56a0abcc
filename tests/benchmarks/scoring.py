"""Scoring a text: stepped by NumPy, which needs no torch, beside torch's fused layers, in one run.

    python tests/benchmarks/scoring.py [TEXT]

Without a text, a random one. The network is random: how long a character takes does not depend on what was learned.
The two take turns, so that whatever else the machine does slows both down alike; the ratio of the medians is what
counts, and how far their means are apart.
"""

import sys
import time
from pathlib import Path
from statistics import median

from charrnn import resources

THREADS = resources.threads_for_workers()

import numpy as np
import torch

from charrnn.config import NetworkConfig
from charrnn.network.char_rnn import CharRNN
from charrnn.network.inference import InferenceRNN
from charrnn.scoring import Predictor, char_nll
from charrnn.text.vocabulary import Vocabulary

SIZES = ((1, 128), (1, 512), (2, 256))
CHARACTERS = 200_000
ROUNDS = 3
PAUSE = 0.3
"""seconds, in which idle threads of either library stop spinning"""


def main() -> None:
    """Print a line per network."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8")[:CHARACTERS] if len(sys.argv) > 1 else _random_text()
    vocabulary = Vocabulary(tuple(sorted(set(text))))
    ids = vocabulary.encode(text)
    print(f"{len(ids):,} characters, {len(vocabulary)} distinct, {THREADS} and {torch.get_num_threads()} threads")
    for layers, hidden in SIZES:
        network = CharRNN(NetworkConfig(layers=layers, hidden=hidden), len(vocabulary)).eval()
        rnn = InferenceRNN(network.config, {name: weight.numpy() for name, weight in network.state_dict().items()})
        predictors: dict[str, tuple[Predictor, int]] = {"stepped": (rnn, THREADS), "fused": (network, 1)}
        times: dict[str, list[float]] = {name: [] for name in predictors}
        means = {}
        for _ in range(ROUNDS):
            for name, (predictor, threads) in predictors.items():
                time.sleep(PAUSE)
                start = time.perf_counter()
                means[name] = float(char_nll(predictor, ids, threads=threads).mean(dtype=np.float64))
                times[name].append(time.perf_counter() - start)
        stepped, fused = (median(times[name]) / len(ids) * 1e6 for name in predictors)
        print(
            f"{layers}×{hidden}: a megabyte stepped in {stepped:.1f} s, fused in {fused:.1f} s "
            f"({stepped / fused:.2f} times), means {abs(means['stepped'] - means['fused']):.0e} apart"
        )


def _random_text() -> str:
    """Return random printable characters."""
    return "".join(map(chr, np.random.default_rng(0).integers(32, 97, CHARACTERS)))


if __name__ == "__main__":
    main()
