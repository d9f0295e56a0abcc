"""Run directories: their default place, the names of their files, and the model that an argument names."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from charrnn.errors import CharrnnError

RUNS = Path("checkpoints")
"""default parent of run directories, relative to the working directory"""
OTHER_DIRECTORY = "`--out DIR` names another directory"
"""hint where nothing can be written in a run directory"""
MAX_NAME_BYTES = 100
"""bytes of a run's name in UTF-8; file systems allow 255, but names should stay readable"""

_CHECKPOINT = re.compile(r"checkpoint-([0-9]{8}|[1-9][0-9]{8,12})\.safetensors")
"""the names that `RunDirectory.checkpoint` returns for steps of up to 13 digits; no training has more steps"""
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
"""names of devices on Windows, in any directory and with any suffix"""


@dataclass(frozen=True)
class RunDirectory:
    """The directory of a run, which need not exist, and the paths of its files.

    >>> RunDirectory(Path("checkpoints/hamlet")).checkpoint(3500).name
    'checkpoint-00003500.safetensors'
    """

    path: Path

    @property
    def model(self) -> Path:
        """The model with the best weights so far, for sampling, scoring and inspection."""
        return self.path / "model.safetensors"

    @property
    def config(self) -> Path:
        """All settings of the run, usable with `--config`."""
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        """The log of the training, a JSON object per line."""
        return self.path / "metrics.jsonl"

    @property
    def corpus(self) -> Path:
        """The ids of the text."""
        return self.path / "corpus.bin"

    @property
    def description(self) -> Path:
        """The description of the corpus: vocabulary, counts and origin."""
        return self.corpus.with_suffix(".json")

    @property
    def lock(self) -> Path:
        """The lock file of a running training."""
        return self.path / ".lock"

    @property
    def suffixes(self) -> Path:
        """The suffix array of the training text, written by the first search for copies."""
        return self.path / "corpus.suffixes"

    def checkpoint(self, step: int) -> Path:
        """Return the path of the checkpoint of a step, from which training continues exactly."""
        return self.path / f"checkpoint-{step:08d}.safetensors"

    def checkpoints(self) -> list[Path]:
        """Return the paths of existing checkpoints, oldest first."""
        return [path for _, path in self._checkpoints_by_step()]

    def last_checkpoint_step(self) -> int | None:
        """Return the step of the newest checkpoint file, None if there is none."""
        return max((step for step, path in self._checkpoints_by_step() if path.is_file()), default=None)

    def _checkpoints_by_step(self) -> list[tuple[int, Path]]:
        entries = _entries(self.path)
        return sorted((int(match[1]), path) for path in entries if (match := _CHECKPOINT.fullmatch(path.name)))


def find_model(named: Path | None = None, *, runs: Path = RUNS) -> Path:
    """Return the path of a model from its own path or that of its run directory; the newest model without a path.

    Raise CharrnnError if there is no model.
    """
    if named is None:
        return newest_model(runs)
    model = RunDirectory(named).model if named.is_dir() else named
    if model.exists():
        return model
    raise CharrnnError(f"no trained model at {named}", hint=_suggest(named, runs))


def _suggest(named: Path, runs: Path) -> str:
    """Return a hint: a run with a similar name, all runs, or how to train one."""
    trained = {run.name: run for run in _entries(runs) if RunDirectory(run).model.is_file()}
    from difflib import get_close_matches

    similar = get_close_matches(named.name, trained, n=1, cutoff=0.5)
    if similar:
        return f"did you mean {trained[similar[0]]}?"
    return f"there are {', '.join(map(str, sorted(trained.values())))}" if trained else "`charrnn train corpus.txt`"


def list_models(runs: Path = RUNS) -> list[Path]:
    """Return the model files of all runs, newest first."""
    files = [model for run in _entries(runs) if (model := RunDirectory(run).model).is_file()]
    return sorted(files, key=lambda model: (model.stat().st_mtime_ns, model), reverse=True)


def newest_model(runs: Path = RUNS) -> Path:
    """Return the newest model file of all runs; raise CharrnnError if there is none."""
    files = list_models(runs)
    if not files:
        raise CharrnnError("no trained model here", hint="`charrnn train corpus.txt`")
    return files[0]


def display_name(model: Path) -> str:
    """Return the name of a model for messages: its run directory, or its path if it is not in one."""
    return str(model.parent if RunDirectory(model.parent).model == model else model)


def run_name(corpus: PurePath) -> str:
    """Return the name of a run from its corpus, valid on every file system and without special characters of shells.

    >>> run_name(PurePath("../a b:c?.txt")), run_name(PurePath("CON.txt")), run_name(PurePath("-"))
    ('a-b-c', '_CON', 'text')
    """
    words = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", corpus.stem))
    short = words.encode("utf-8", "ignore")[:MAX_NAME_BYTES].decode("utf-8", "ignore")
    name = short.strip("-.") or "text"
    return f"_{name}" if _DEVICES.fullmatch(name) else name


def _entries(directory: Path) -> Iterator[Path]:
    """Yield the entries of a directory; a missing directory has none."""
    return directory.iterdir() if directory.is_dir() else iter(())


# The model from which a training starts


def model_file_of(named: Path) -> Path:
    """Return the model file of a path: for a run directory, or a checkpoint in one, the model of that run."""
    run = RunDirectory(named if named.is_dir() else named.parent)
    is_in_run = named == run.path or named in run.checkpoints()
    return run.model if is_in_run and run.model.exists() else named
