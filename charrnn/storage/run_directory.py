"""Run directories: their default place, the names of their files, and the model that an argument names."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from charrnn.errors import LONGEST_NAME, CharrnnError

RUNS = Path("checkpoints")
"""default parent of run directories, relative to the working directory"""
OTHER_DIRECTORY = "`--out DIR` names another directory"
"""hint where nothing can be written in a run directory"""
MODEL_SUFFIX = ".safetensors"
BUNDLED = "bundled"
"""name of the model in the package, unless something in the working directory has this name"""
BUNDLED_MODEL = Path(__file__).parents[1] / "data" / f"standard-library{MODEL_SUFFIX}"
"""file of the model in the package"""
MAX_LISTED = 5
"""model files that a message names"""
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
    def has_corpus(self) -> bool:
        """Whether there is an encoded text, as in every run."""
        return self.corpus.exists() and self.description.exists()

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
    """Return the path of a model from its own path or that of its run directory.

    Without a path, return the newest model, or the bundled one if there is no run. Raise CharrnnError if there is no
    model.
    """
    if named is None:
        return newest_model(runs)
    if named == Path(BUNDLED) and not named.exists():
        return BUNDLED_MODEL
    model = RunDirectory(named).model if named.is_dir() else named
    if model.exists():
        return model
    if files := list_model_files(named):
        raise CharrnnError(
            f"{named} is not a run, but has {_listed(files)}", hint=f"give the file's name: `{files[0]}`"
        )
    raise CharrnnError(f"no trained model at {named}", hint=_suggest(named, runs))


def _suggest(named: Path, runs: Path) -> str:
    """Return a hint: a run or a model file with a similar name, all runs, or how to train one."""
    trained = {run.name: run for run in _runs_in(named) or [*_runs_in(runs), *_runs_in(named.parent)]}
    files = {name: file for file in list_model_files(named.parent) for name in (file.name, file.stem)}
    from difflib import get_close_matches

    similar = get_close_matches(named.name, candidates := files | trained, n=1, cutoff=0.5)
    if similar:
        return f"did you mean {candidates[similar[0]]}?"
    return _hint_to_runs(sorted(trained.values()))


def _runs_in(directory: Path) -> list[Path]:
    """Return the runs with a model in a directory."""
    return [run for run in _entries(directory) if RunDirectory(run).model.is_file()]


def _hint_to_runs(runs: Sequence[Path]) -> str:
    """Return a hint that names runs, or how to train one."""
    listed = [str(run) for run in runs[:MAX_LISTED]] + ["..."] * (len(runs) > MAX_LISTED)
    return f"there are {', '.join(listed)}" if runs else "`charrnn train corpus.txt`"


def list_model_files(directory: Path) -> list[Path]:
    """Return the files in a directory that may be models without their runs, in the order of their names."""
    files = (path for path in _entries(directory) if path.suffix == MODEL_SUFFIX and not path.name.startswith("."))
    return sorted(path for path in files if not _CHECKPOINT.fullmatch(path.name) and path.is_file())


def _listed(files: Sequence[Path]) -> str:
    """Return the names of model files for a message."""
    names = [file.name for file in files[:MAX_LISTED]] + ["..."] * (len(files) > MAX_LISTED)
    return f"{'a model file' if len(files) == 1 else 'model files'}: {', '.join(names)}"


def similar_path(path: Path) -> str | None:
    """Return a hint with similar names in the same directory, suffixes not compared; None if there are none."""
    try:
        entries = sorted(path.parent.iterdir(), key=Path.is_file)
    except OSError:
        return None
    from difflib import get_close_matches

    by_stem = {entry.stem: entry for entry in entries}
    similar = get_close_matches(path.stem[:LONGEST_NAME], by_stem, n=2)
    return f"did you mean {' or '.join(str(by_stem[name]) for name in similar)}?" if similar else None


def list_models(runs: Path = RUNS) -> list[Path]:
    """Return the model files of all runs, newest first."""
    files = [RunDirectory(run).model for run in _runs_in(runs)]
    return sorted(files, key=lambda model: (model.stat().st_mtime_ns, model), reverse=True)


def newest_model(runs: Path = RUNS) -> Path:
    """Return the newest model file of all runs, or the bundled one.

    Raise CharrnnError if there are models only where a user may not expect to have to name them, or none at all.
    """
    models = list_models(runs)
    if not models and (files := list_model_files(Path())):
        raise CharrnnError(f"no run in {runs} here, but {_listed(files)}", hint=f"give the file's name: `{files[0]}`")
    runs_here = [] if models else sorted(_runs_in(Path()))
    if runs_here or not (models or BUNDLED_MODEL.exists()):
        raise CharrnnError("no trained model here", hint=_hint_to_runs(runs_here))
    return models[0] if models else BUNDLED_MODEL


def is_bundled(model: Path) -> bool:
    """Return whether a model file is the one in the package."""
    return model == BUNDLED_MODEL


def display_name(model: Path) -> str:
    """Return the name of a model for messages: its run directory, or its path if there is none with a name.

    >>> display_name(Path("checkpoints/hamlet/model.safetensors")), display_name(Path("model.safetensors"))
    ('checkpoints/hamlet', 'model.safetensors')
    """
    if is_bundled(model):
        return BUNDLED
    has_run = RunDirectory(model.parent).model == model and model.parent.name not in ("", "..")
    return str(model.parent if has_run else model)


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
