"""Run directories: where runs are, the names of their files, and the model that a command means."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from charrnn.errors import CharrnnError

RUNS = Path("checkpoints")
"""where runs live, relative to where the command runs"""
MAX_NAME_BYTES = 100
"""bytes of UTF-8; file systems take 255, and people should be able to read it"""

_CHECKPOINT = re.compile(r"checkpoint-([0-9]{8}|[1-9][0-9]{8,12})\.safetensors")
"""exactly the names that `RunDirectory.checkpoint` gives for steps of up to 13 digits; no training has more steps"""
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
"""names that Windows gives to devices, whatever directory and suffix they stand in"""


@dataclass(frozen=True)
class RunDirectory:
    """A run's directory, which need not exist yet, and the files in it.

    >>> RunDirectory(Path("checkpoints/hamlet")).checkpoint(3500).name
    'checkpoint-00003500.safetensors'
    """

    path: Path

    @property
    def model(self) -> Path:
        """The best weights so far: all that sampling, scoring and inspecting need."""
        return self.path / "model.safetensors"

    @property
    def config(self) -> Path:
        """Every setting of the run, usable as `--config`."""
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        """A JSON line for every report."""
        return self.path / "metrics.jsonl"

    @property
    def corpus(self) -> Path:
        """The text as ids."""
        return self.path / "corpus.bin"

    @property
    def description(self) -> Path:
        """What the ids mean."""
        return self.corpus.with_suffix(".json")

    @property
    def lock(self) -> Path:
        """Who trains here at the moment."""
        return self.path / ".lock"

    @property
    def suffixes(self) -> Path:
        """The order of the training text's suffixes, once it was asked what is copied from it."""
        return self.path / "corpus.suffixes"

    def checkpoint(self, step: int) -> Path:
        """Everything needed to go on from a step."""
        return self.path / f"checkpoint-{step:08d}.safetensors"

    def checkpoints(self) -> list[Path]:
        """List the checkpoints there are, the oldest first."""
        return [path for _, path in self._saved()]

    def last_checkpoint_step(self) -> int | None:
        """Return the step of the newest checkpoint that is a file, None if there is none."""
        return max((step for step, path in self._saved() if path.is_file()), default=None)

    def _saved(self) -> list[tuple[int, Path]]:
        entries = _entries(self.path)
        return sorted((int(match[1]), path) for path in entries if (match := _CHECKPOINT.fullmatch(path.name)))


def find_model(named: Path | None = None, *, runs: Path = RUNS) -> Path:
    """Find the model file that is meant: by its own name, by its run's directory, or else the newest there is.

    Raise CharrnnError if there is none.
    """
    if named is None:
        return newest_model(runs)
    model = RunDirectory(named).model if named.is_dir() else named
    if model.exists():
        return model
    raise CharrnnError(f"no trained model at {named}", hint=_suggest(named, runs))


def _suggest(named: Path, runs: Path) -> str:
    """Say which model may have been meant, or how to make one."""
    there = {run.name: run for run in _entries(runs) if RunDirectory(run).model.is_file()}
    from difflib import get_close_matches

    near = get_close_matches(named.name, there, n=1, cutoff=0.5)
    if near:
        return f"did you mean {there[near[0]]}?"
    return f"there are {', '.join(map(str, sorted(there.values())))}" if there else "`charrnn train corpus.txt`"


def list_models(runs: Path = RUNS) -> list[Path]:
    """List the model files of all runs, the one that was written last first."""
    files = [model for run in _entries(runs) if (model := RunDirectory(run).model).is_file()]
    return sorted(files, key=lambda model: (model.stat().st_mtime_ns, model), reverse=True)


def newest_model(runs: Path = RUNS) -> Path:
    """Find the model that was written last among all runs; raise CharrnnError if there is none."""
    files = list_models(runs)
    if not files:
        raise CharrnnError("no trained model here", hint="`charrnn train corpus.txt`")
    return files[0]


def display_name(model: Path) -> str:
    """Say what people call a model file: its run's directory, where it lies in one under its usual name."""
    return str(model.parent if RunDirectory(model.parent).model == model else model)


def run_name(corpus: PurePath) -> str:
    """Name a run after its corpus, in a way that every file system takes and no shell trips over.

    >>> run_name(PurePath("../a b:c?.txt")), run_name(PurePath("CON.txt")), run_name(PurePath("-"))
    ('a-b-c', '_CON', 'text')
    """
    words = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", corpus.stem))
    short = words.encode("utf-8", "ignore")[:MAX_NAME_BYTES].decode("utf-8", "ignore")
    name = short.strip("-.") or "text"
    return f"_{name}" if _DEVICES.fullmatch(name) else name


def _entries(directory: Path) -> Iterator[Path]:
    """Go through what is in a directory; one that is not there is as good as empty."""
    return directory.iterdir() if directory.is_dir() else iter(())


# The model file to start from


def model_file_of(named: Path) -> Path:
    """Say which file is meant: of a run, and of a checkpoint that lies in one, the run's best weights."""
    run = RunDirectory(named if named.is_dir() else named.parent)
    of_a_run = named == run.path or named in run.checkpoints()
    return run.model if of_a_run and run.model.exists() else named
