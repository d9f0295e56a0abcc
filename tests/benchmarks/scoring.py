"""Compare the speed of scoring a text step by step with NumPy and with the fused layers of torch.

    python tests/benchmarks/scoring.py [TEXT]

The default text is random, and so are the weights, because the speed does not depend on them. The two predictors run
in turn, so that other programs slow both down alike. The script prints the ratio of the medians and the difference of
the mean losses.
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
"""pause in seconds before each measurement, in which idle threads of either library stop spinning"""


def main() -> None:
    """Print a line for each network."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8")[:CHARACTERS] if len(sys.argv) > 1 else _random_text()
    vocabulary = Vocabulary(tuple(sorted(set(text))))
    ids = vocabulary.encode(text)
    print(f"{len(ids):,} characters, {len(vocabulary)} distinct, {THREADS} and {torch.get_num_threads()} threads")
    for layers, hidden in SIZES:
        network = CharRNN(NetworkConfig(layers=layers, hidden=hidden), len(vocabulary)).eval()
        rnn = InferenceRNN(network.config, {name: weight.numpy() for name, weight in network.state_dict().items()})
        predictors: dict[str, tuple[Predictor, int]] = {"stepped": (rnn, THREADS), "fused": (network, 1)}
        times: dict[str, list[float]] = {name: [] for name in predictors}
        mean_nll = {}
        for _ in range(ROUNDS):
            for name, (predictor, threads) in predictors.items():
                time.sleep(PAUSE)
                start_time = time.perf_counter()
                mean_nll[name] = float(char_nll(predictor, ids, threads=threads).mean(dtype=np.float64))
                times[name].append(time.perf_counter() - start_time)
        stepped, fused = (median(times[name]) / len(ids) * 1e6 for name in predictors)
        difference = abs(mean_nll["stepped"] - mean_nll["fused"])
        print(
            f"{layers}×{hidden}: seconds per million characters: stepped {stepped:.1f}, fused {fused:.1f} (ratio "
            f"{stepped / fused:.2f}); difference of the mean losses {difference:.0e}"
        )


def _random_text() -> str:
    """Return random printable characters."""
    return "".join(map(chr, np.random.default_rng(0).integers(32, 97, CHARACTERS)))


if __name__ == "__main__":
    main()
