"""Recognition of run directories and of the files in them, so that no other file is ever replaced or deleted.

A run is recognized by content that only charrnn writes: the description of a corpus, or the header of a checkpoint
or model. Each file of a run is recognized by its own content.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from charrnn.errors import CharrnnError
from charrnn.network.model_file import read_info
from charrnn.storage.atomic_file import is_regular, is_temporary, open_regular, remove_file
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.safetensors_file import is_tensor_file, read_metadata
from charrnn.text.corpus import Corpus, described_corpus, size_of_ids
from charrnn.text.source_file import CorpusFiles

RECOGNITION_BYTES = 1 << 20
"""bytes at the beginning of a file that are read to recognize it"""
EVENTS = ("ngram", "report", "evaluation", "overfitting")
"""values of `event` in the lines of a log"""
_SETTING = re.compile(rb"^(cell|layers|hidden|embedding|batch|length|lr|seed): \S.*  # \S", re.MULTILINE)
_MIN_SETTINGS = 3
_VOCABULARY = b'"vocabulary": ['


def is_not_a_run(directory: RunDirectory) -> bool:
    """Return whether there is a file or a non-empty directory at the path of a run that charrnn did not write."""
    path = directory.path
    if not path.exists():
        return False
    if not path.is_dir():
        return True
    empty = all(is_temporary(entry) or entry == directory.lock for entry in path.iterdir())
    return not (empty or _is_run(directory))


def check_run_directory(directory: RunDirectory, *, new: bool = True) -> None:
    """Raise CharrnnError if a run would replace a file that charrnn did not write.

    `new`: a new run, which replaces or deletes all files of an older run. A resumed run leaves checkpoints that are
    not recognized, and a log that is not a regular file, as they are.
    """
    if is_not_a_run(directory):
        raise CharrnnError(
            f"{directory.path} exists and is not a charrnn run", hint="`--out DIR` puts the run elsewhere"
        )
    recognized = _recognizers(directory)
    own_files = [directory.model, *filter(is_regular, [directory.metrics])]
    for path in recognized if new else own_files:
        if _exists(path) and not recognized[path](path):
            raise _foreign_file_error(path)
    for path in directory.checkpoints():
        if not (is_tensor_file(path) if new else is_regular(path)):
            raise _foreign_file_error(path)


def check_text_is_outside(sources: CorpusFiles, directory: RunDirectory) -> None:
    """Raise CharrnnError if a new run would replace or delete the text that it is trained on."""
    names = (*_recognizers(directory), *directory.checkpoints(), directory.lock)
    identities = {_identity(name) for name in names} - {None}
    for source in sources.files:
        is_leftover = is_temporary(source.path) and _is_same(source.path.parent, directory.path)
        if is_leftover or (identities and _identity(source.path) in identities):
            raise CharrnnError(
                f"{source.name} is a file of the run in {directory.path}, which would replace it",
                hint="`--out DIR` puts the run elsewhere",
            )


def remove_run_files(directory: RunDirectory) -> None:
    """Delete the checkpoints, the model, the log and the settings of an older run, and nothing else (OSError)."""
    recognized = _recognizers(directory)
    for path in (directory.model, directory.metrics, directory.config):
        if recognized[path](path):
            remove_file(path)
    for path in directory.checkpoints():
        if is_tensor_file(path):
            remove_file(path)


def _is_run(directory: RunDirectory) -> bool:
    """Return whether a directory contains a file that only charrnn writes."""
    corpus = _read_corpus(directory)
    if corpus is not None:
        size = directory.corpus.stat().st_size if is_regular(directory.corpus) else None
        if size in (None, size_of_ids(corpus.characters, len(corpus.vocabulary))):
            return True
    return any(map(_has_valid_header, (*directory.checkpoints(), directory.model)))


def _has_valid_header(path: Path) -> bool:
    """Return whether a file has a header with a correct checksum."""
    try:
        return is_regular(path) and bool(read_metadata(path))
    except CharrnnError:
        return False


def _recognizers(directory: RunDirectory) -> dict[Path, Callable[[Path], bool]]:
    """Return, for each file of a run except checkpoints and lock, the function that recognizes it."""
    sizes = tuple(_sizes_of_ids(directory, _read_corpus(directory)))
    return {
        directory.description: _is_description,
        directory.corpus: lambda path: is_regular(path) and path.stat().st_size in (0, *sizes),
        directory.metrics: _is_log,
        directory.config: _is_config,
        directory.model: is_tensor_file,
    }


def _sizes_of_ids(directory: RunDirectory, corpus: Corpus | None) -> Iterator[int]:
    """Yield the possible sizes of the file of character ids, from its description and the model trained on it."""
    if corpus is not None:
        yield size_of_ids(corpus.characters, len(corpus.vocabulary))
    if _has_valid_header(directory.model):
        with suppress(CharrnnError):
            model = read_info(directory.model)
            characters = model.training.get("characters")
            if type(characters) is int:
                yield size_of_ids(characters, len(model.vocabulary))


def _read_corpus(directory: RunDirectory) -> Corpus | None:
    """Return the corpus described in a directory, None if there is no valid description."""
    if not is_regular(directory.description):
        return None
    try:
        return described_corpus(directory.corpus)
    except CharrnnError:
        return None


def _is_description(path: Path) -> bool:
    """Return whether a file is the description of a corpus, damaged or not; an empty file counts."""
    content = _read_beginning(path)
    return content is not None and (not content or (content.startswith(b'{"name": ') and _VOCABULARY in content))


def _is_log(path: Path) -> bool:
    """Return whether a file is the log of a run, by its first line; an empty file counts."""
    content = _read_beginning(path)
    if content is None:
        return False
    line = content.partition(b"\n")[0]
    try:
        values = json.loads(line) if line else {"event": EVENTS[0]}
    except (ValueError, RecursionError):
        return False
    return isinstance(values, dict) and values.get("event") in EVENTS


def _is_config(path: Path) -> bool:
    """Return whether a file contains settings of a run, which the user may have edited."""
    content = _read_beginning(path)
    return content is not None and (not content or len(set(_SETTING.findall(content))) >= _MIN_SETTINGS)


def _read_beginning(path: Path) -> bytes | None:
    """Return the beginning of a regular file, None if it cannot be read."""
    try:
        if is_regular(path):
            with open_regular(path) as file:
                return file.read(RECOGNITION_BYTES)
    except OSError:
        pass
    return None


def _exists(path: Path) -> bool:
    """Return whether a path exists, even as a dangling symbolic link."""
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what identifies the file at a path; None if there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _is_same(path: Path, other: Path) -> bool:
    """Return whether two paths refer to the same file."""
    try:
        return path.samefile(other)
    except OSError:
        return False


def _foreign_file_error(path: Path) -> CharrnnError:
    """Return the error for a file that charrnn did not write."""
    return CharrnnError(
        f"{path} is not a file that charrnn wrote, and would be replaced",
        hint="move it away; `--out DIR` puts the run elsewhere",
    )
