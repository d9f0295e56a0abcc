"""What settings are worth: trains a text by each of several settings with the same arithmetic, for `recipe.py`.

    python tests/benchmarks/recipes.py input.txt --work 40 hidden=384,length=64,lr=0.01,dropout=0.15 hidden=512,...

So many TFLOP (10^12 multiplications and additions, 6 a weight and character) are spent by each, so a setting is not
judged by what else the machine does meanwhile: 7 are about a minute, 40 five, on two cores at 245 GFLOP/s. Printed is
the loss on the last tenth of the text with carried state, beside the training loss (with dropout) of the last tenth
of the steps. What came of it is in recipes.md.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from charrnn import resources

resources.set_short_spin()  # before torch starts its threads
resources.keep_freed_memory()

import yaml

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.model_file import count_matmul_weights
from charrnn.text import corpus_encoder
from charrnn.text.corpus import Corpus
from charrnn.text.sources import open_sources
from charrnn.training.evaluation import evaluate_final
from charrnn.training.events import run_to_result
from charrnn.training.recipe import FLOPS_PER_WEIGHT
from charrnn.training.trainer import Trainer

TFLOP = 1e12


def make_trainer(corpus: Corpus, setting: str, work: float) -> Trainer:
    """Return the trainer of a setting that takes a given number of operations."""
    settings: dict[str, Any] = {
        name: yaml.safe_load(value) for name, value in (part.split("=") for part in setting.split(","))
    }
    names = NetworkConfig.__dataclass_fields__
    network = NetworkConfig(**{name: value for name, value in settings.items() if name in names})
    training: dict[str, Any] = {"batch": 32, "length": 64, "lr": 0.01}
    training |= {name: value for name, value in settings.items() if name not in names}
    multiplied = count_matmul_weights(network, len(corpus.vocabulary))
    steps = round(work / (FLOPS_PER_WEIGHT * multiplied * training["batch"] * training["length"]))
    return Trainer(corpus, network, TrainingConfig(**{"steps": steps} | training), "cpu")


def try_out(trainer: Trainer) -> str:
    """Train to the end; return the results."""
    began, nats = time.perf_counter(), list[float]()
    while not trainer.plan.finished(trainer.step):
        loss = trainer.train_step().nats
        nats += [] if loss is None else [loss]
    seconds, losses = time.perf_counter() - began, run_to_result(evaluate_final(trainer, trainer.ema_network))
    speed = trainer.step * trainer.training.batch * trainer.training.length / seconds
    return (
        f"{trainer.step:,} steps, {trainer.epoch:.1f} epochs: carried {losses.carried.nats:.4f}, window256 "
        f"{losses.window256.nats:.4f}, training {statistics.mean(nats[-len(nats) // 10 :]):.4f} nats; "
        f"{seconds:.0f} s, {speed:,.0f} characters/s"
    )


def main() -> None:
    """Try each setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("settings", nargs="+")
    parser.add_argument("--work", type=float, default=7.0, help="TFLOP")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        sources = open_sources([arguments.text])
        counts = corpus_encoder.count_characters(sources, "utf-8")
        corpus = corpus_encoder.encode(sources, "utf-8", counts, Path(directory, "corpus.bin"))
        for setting in arguments.settings:
            print(f"{setting}: {try_out(make_trainer(corpus, setting, arguments.work * TFLOP))}", flush=True)


if __name__ == "__main__":
    main()
