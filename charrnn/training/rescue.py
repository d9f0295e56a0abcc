"""Save a run elsewhere when its directory may belong to another training, so that neither run is lost."""

import tempfile
from contextlib import suppress
from pathlib import Path

from charrnn.errors import CharrnnError
from charrnn.runs import RunDirectory
from charrnn.storage import new_directory, remove_file
from charrnn.text import corpus as corpora
from charrnn.training.checkpoint import save_checkpoint
from charrnn.training.lock import LockLostError
from charrnn.training.run import Trainer


def rescued(trainer: Trainer, error: LockLostError) -> CharrnnError:
    """Write the run, with its text, into a new directory and return the error that says where it is."""
    failure = f"could not save step {trainer.step:,}: {error.message}"
    trainer.final_evaluated = False
    for place in (Path(tempfile.gettempdir()), Path.home()):
        with suppress(OSError, MemoryError):
            path = _written_into_new(place, trainer)
            return CharrnnError(
                f"{failure}; the run is in {path}", hint=f"the same command with `--out {path}` continues it"
            )
    return CharrnnError(f"{failure}; it could not be saved elsewhere either")


def _written_into_new(place: Path, trainer: Trainer) -> Path:
    """Write text and checkpoint into a new directory and return it; if that fails, leave nothing (OSError)."""
    directory = RunDirectory(new_directory(place))
    try:
        corpora.rewrite_files(trainer.corpus, directory.corpus)
        save_checkpoint(trainer, directory)
    except BaseException:
        for path in (*directory.checkpoints(), directory.corpus, directory.description):
            remove_file(path)
        directory.path.rmdir()
        raise
    return directory.path
