"""Compare hyperparameters for `recipe.py`: train a network on a text with each of several settings.

    python tests/benchmarks/recipes.py input.txt --work 40 hidden=384,length=64,lr=0.01,dropout=0.15 hidden=512,...
    python tests/benchmarks/recipes.py input.txt --characters 2 --threads 1 hidden=128,batch=32 hidden=128,...

All settings of a comparison spend the same number of floating-point operations (`--work`, 6 per weight and character;
7 TFLOP take about a minute and 40 about five on two cores at 245 GFLOP/s) or read the same number of characters
(`--characters`), so the results do not depend on the speed of the machine. The script prints the loss on the last
tenth of the text with carried state, and the training loss (with dropout) over the last tenth of the steps. The
results are in recipes.md.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from charrnn import resources

resources.set_short_spin()  # before torch starts its threads
resources.keep_freed_memory()

import yaml
from common import encode_corpus

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.network.model_file import count_matmul_weights
from charrnn.text.corpus import Corpus
from charrnn.training.device import set_threads
from charrnn.training.evaluation import evaluate_final
from charrnn.training.events import run_to_result
from charrnn.training.recipe import FLOPS_PER_WEIGHT
from charrnn.training.trainer import Trainer

TFLOP = 1e12


def make_trainer(corpus: Corpus, setting: str, *, work: float, characters: float | None) -> Trainer:
    """Return the trainer of a setting, which reads `characters` if given, and else spends `work` operations."""
    settings: dict[str, Any] = {
        name: yaml.safe_load(value) for name, value in (part.split("=") for part in setting.split(","))
    }
    names = NetworkConfig.__dataclass_fields__
    network = NetworkConfig(**{name: value for name, value in settings.items() if name in names})
    training: dict[str, Any] = {"batch": 32, "length": 64, "lr": 0.01}
    training |= {name: value for name, value in settings.items() if name not in names}
    if characters is None:
        characters = work / (FLOPS_PER_WEIGHT * count_matmul_weights(network, len(corpus.vocabulary)))
    steps = round(characters / (training["batch"] * training["length"]))
    return Trainer(corpus, network, TrainingConfig(**{"steps": steps} | training), "cpu")


def train(trainer: Trainer) -> str:
    """Train to the end; return a line with the results."""
    start_time, nats = time.process_time(), list[float]()
    while not trainer.plan.finished(trainer.step):
        loss = trainer.train_step().nats
        nats += [] if loss is None else [loss]
    seconds, losses = time.process_time() - start_time, run_to_result(evaluate_final(trainer, trainer.ema_network))
    speed = trainer.step * trainer.training.batch * trainer.training.length / seconds
    return (
        f"{trainer.step:,} steps, {trainer.epoch:.1f} epochs: carried {losses.carried.nats:.4f}, window256 "
        f"{losses.window256.nats:.4f}, training {statistics.mean(nats[-len(nats) // 10 :]):.4f} nats; "
        f"{seconds:.0f} s of CPU time, {speed:,.0f} characters/s"
    )


def main() -> None:
    """Train with each setting, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", help="path of a text; stdlib: Python's standard library")
    parser.add_argument("settings", nargs="+")
    parser.add_argument("--work", type=float, default=7.0, help="TFLOP")
    parser.add_argument("--characters", type=float, help="millions of characters to read, instead of --work")
    parser.add_argument("--threads", type=int, help="number of CPU threads")
    arguments = parser.parse_args()
    set_threads(arguments.threads)
    characters = None if arguments.characters is None else arguments.characters * 1e6
    with tempfile.TemporaryDirectory() as directory:
        names = [] if arguments.text == "stdlib" else [arguments.text]
        corpus = encode_corpus(names, Path(directory, "corpus.bin"))
        for setting in arguments.settings:
            trainer = make_trainer(corpus, setting, work=arguments.work * TFLOP, characters=characters)
            print(f"{setting}: {train(trainer)}", flush=True)


if __name__ == "__main__":
    main()
