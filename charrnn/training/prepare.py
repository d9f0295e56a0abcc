"""Preparation of a training before torch is imported: the run directory, the text, and a pretrained model."""

import dataclasses
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.network.model_file import Model, load_model
from charrnn.storage.run_directory import BUNDLED, BUNDLED_MODEL, RUNS, RunDirectory, find_model, run_name
from charrnn.storage.run_lock import check_not_locked
from charrnn.text.corpus import described_corpus
from charrnn.text.corpus_encoder import CharacterCounts, count_characters
from charrnn.text.decoding import check_encoding
from charrnn.text.source_file import STANDARD_LIBRARY, CorpusFiles
from charrnn.text.sources import STANDARD_INPUT, find_sources, is_pattern, is_searched
from charrnn.text.split import SPREAD
from charrnn.training.checkpoint_file import read_checkpoint_info
from charrnn.training.run_files import check_run_directory, check_text_is_outside
from charrnn.training.train_options import DEFAULT_ENCODING, MODEL_SETTINGS, PARTIAL_SPLIT_SETTINGS, TrainOptions
from charrnn.training.world import World

# A pretrained model for fine-tuning: its file, the settings that it determines, and its weights. The model file is
# only read, and torch is not imported.


@dataclass(frozen=True, kw_only=True)
class PretrainedModel:
    """A trained model to be fine-tuned on another text."""

    path: Path
    model: Model

    @property
    def characters(self) -> tuple[str, ...]:
        """Return the characters of its vocabulary, in the order of their ids."""
        return self.model.vocabulary.characters


def load_pretrained(model: Path, directory: RunDirectory) -> PretrainedModel:
    """Return the model that a run starts from; raise CharrnnError if the run would replace the model."""
    path = find_model(model)
    if path.resolve().parent == directory.path.resolve():
        raise CharrnnError(
            f"{directory.path} contains the model that the training would start from",
            hint="`--out DIR` puts the new run elsewhere",
        )
    return PretrainedModel(path=path, model=load_model(path))


def document_kind(requested: str | None, pretrained: PretrainedModel | None) -> str | None:
    """Return the kind of documents, of the model or as requested; raise WrongUsageError if these differ."""
    model_kind = pretrained.model.config.documents if pretrained else None
    if model_kind is not None and requested is not None and requested != model_kind:
        assert pretrained is not None
        raise WrongUsageError(
            f"{pretrained.path} was trained on documents by {model_kind}; --documents {requested} is another kind",
            hint="omit `--documents`",
        )
    return requested or model_kind


def with_model_settings(options: TrainOptions, pretrained: PretrainedModel) -> TrainOptions:
    """Return options with the settings of a pretrained model; raise WrongUsageError if others were given."""
    config = pretrained.model.config
    for name, requested in options.given(MODEL_SETTINGS).items():
        model_value = getattr(config, name)
        if requested != model_value:
            raise WrongUsageError(
                f"{pretrained.path} has {name} {model_value}; --{name} {requested} would be another network",
                hint=f"omit `--{name}`, or train without `--from`",
            )
    return dataclasses.replace(options, **{name: getattr(config, name) for name in MODEL_SETTINGS})


def is_same_model(saved: str | None, requested: str) -> bool:
    """Return whether a requested model or run is the saved path of the model that a run started from."""
    path = Path(requested)
    models = (path, RunDirectory(path).model, *([BUNDLED_MODEL] if requested == BUNDLED else []))
    return saved is not None and Path(saved).resolve() in {model.resolve() for model in models}


# The run directory and the text

ReadProgress = Callable[[CorpusFiles], CorpusFiles]
"""returns the files of a text with a progress display attached to reading them"""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A training that can be started or resumed."""

    directory: RunDirectory
    sources: CorpusFiles | None
    """files of the text; None: the run resumes with its own copy of the standard input"""
    counts: CharacterCounts | None
    """character counts of the text, from a first pass; None if a run is resumed"""
    pretrained: PretrainedModel | None = None
    """model to fine-tune; None: random weights, or a resumed run"""
    val_files: int = 0
    """number of files at the end of the text that are held out as a whole"""


def without_progress(sources: CorpusFiles) -> CorpusFiles:
    """Return the files unchanged."""
    return sources


def default_run_name(options: TrainOptions) -> str:
    """Return the name of a run: that of its first file or directory, or of its list of files."""
    name = options.corpus[0] if options.corpus else options.files_from or STANDARD_LIBRARY
    if name == STANDARD_INPUT:
        return "stdin"
    path = Path(*takewhile(lambda part: not is_pattern(part), Path(name).parts)) if is_pattern(name) else Path(name)
    is_directory = os.path.isdir(path)  # noqa: PTH112 - False for an invalid path
    return run_name(Path(f"{path.resolve().name}.directory") if is_directory else path)


def run_directory(options: TrainOptions) -> RunDirectory:
    """Return the directory of the run: the given one, or that of the default name."""
    return RunDirectory(Path(options.out) if options.out else RUNS / default_run_name(options))


RELEASE_SECONDS = 120.0
"""time in which the lock of a killed process is released; NFS may need 90 seconds to notice the loss of a machine"""
SECONDS_BETWEEN_ATTEMPTS = 0.5


def options_of_launch(options: TrainOptions, world: World) -> TrainOptions:
    """Return the options of a process that torchrun may have restarted, after the previous one has released the lock.

    `--new` is dropped if the same launch by torchrun has begun the run, because the restarted process resumes it.
    Raise WrongUsageError for `--new` on several machines without a run ID, by which the launch is recognized.
    """
    if options.new and world.nodes > 1 and not world.has_unique_id:
        raise WrongUsageError("--new on several machines needs a run ID", hint="`--rdzv-id` of torchrun")
    directory = run_directory(options)
    if world.restarts or world.nodes > 1:
        _wait_for_release(directory)
    # Several machines do not count every restart, so the run ID decides; on one machine the count is reliable.
    may_be_restarted = world.restarts > 0 or world.has_unique_id
    if options.new and may_be_restarted and _last_launch(directory) == world.run_id:
        return dataclasses.replace(options, new=False)
    return options


def _last_launch(directory: RunDirectory) -> str | None:
    """Return the launch that wrote the newest checkpoint that is not damaged; None if it is unknown."""
    for path in reversed(directory.checkpoints()):
        with suppress(CharrnnError):
            return read_checkpoint_info(path).record.launch
    return None


def _wait_for_release(directory: RunDirectory) -> None:
    """Wait until no process trains in a directory, for at most RELEASE_SECONDS."""
    ends_at = time.monotonic() + RELEASE_SECONDS
    while time.monotonic() < ends_at:
        try:
            check_not_locked(directory)
        except CharrnnError:
            time.sleep(SECONDS_BETWEEN_ATTEMPTS)
        else:
            return


def _saved_encoding(directory: RunDirectory) -> str:
    """Return the encoding of the text of a run; the default one if its description cannot be read."""
    try:
        return described_corpus(directory.corpus).encoding
    except CharrnnError:
        return DEFAULT_ENCODING


def prepare(options: TrainOptions, *, progress: ReadProgress = without_progress) -> Prepared:
    """Return the run directory and the counted text; raise CharrnnError if no training is possible."""
    directory = run_directory(options)
    check_not_locked(directory)
    _check_text_options(options)
    resumes = bool(directory.checkpoints()) and not options.new
    check_run_directory(directory, new=not resumes)
    # Standard input can be read only once; the run has its own copy.
    if resumes and STANDARD_INPUT in options.corpus:
        return Prepared(directory=directory, sources=None, counts=None)
    encoding = check_encoding(options.encoding or (_saved_encoding(directory) if resumes else DEFAULT_ENCODING))
    sources = find_sources(options.corpus, include=options.include, files_from=options.files_from, encoding=encoding)
    val_sources = find_val_files(options, encoding)
    sources = with_val_files(sources, val_sources)
    if resumes:
        return Prepared(directory=directory, sources=sources, counts=None)
    check_text_is_outside(sources, directory)
    pretrained = load_pretrained(Path(options.from_), directory) if options.from_ else None
    documents = document_kind(options.documents, pretrained)
    if documents is not None and options.val_split == SPREAD:
        raise WrongUsageError(
            "--val-split spread and --documents cannot go together",
            hint="documents are shuffled, so the held-out ones are from the whole text",
        )
    sources = progress(sources)
    return Prepared(
        directory=directory,
        sources=sources,
        counts=count_characters(sources, encoding, documents=documents),
        pretrained=pretrained,
        val_files=len(val_sources.files),
    )


def _check_text_options(options: TrainOptions) -> None:
    """Raise WrongUsageError if options that choose the text or its split exclude each other."""
    for name in options.given(PARTIAL_SPLIT_SETTINGS) if options.val_file else ():
        raise WrongUsageError(
            f"--val-file and --{name.replace('_', '-')} cannot go together", hint="--val-file holds out whole files"
        )
    paths = (*options.corpus, *options.val_file)
    if (*paths, options.files_from).count(STANDARD_INPUT) > 1:
        raise WrongUsageError("standard input can be read only once", hint="save it to a file first")
    if options.include and options.files_from is None and not any(map(is_searched, paths)):
        raise WrongUsageError("--include chooses files of a directory, and none is named", hint="`charrnn train .`")


def find_val_files(options: TrainOptions, encoding: str) -> CorpusFiles:
    """Return the files that are held out as a whole: named ones, and those of named directories (CharrnnError)."""
    if not options.val_file:
        return CorpusFiles(name="", files=())
    return find_sources(options.val_file, include=options.include, encoding=encoding)


def with_val_files(sources: CorpusFiles, val_sources: CorpusFiles) -> CorpusFiles:
    """Return the files of a text without the held-out files, followed by these (WrongUsageError if none is left)."""
    if not val_sources.files:
        return sources
    held_out = {file.path.resolve() for file in val_sources.files}
    training_files = tuple(file for file in sources.files if file.path.resolve() not in held_out)
    if not training_files:
        raise WrongUsageError("no text is left to train on", hint="--val-file names files that are only held out")
    notes = dict.fromkeys((*sources.notes, *val_sources.notes))
    return dataclasses.replace(sources, files=(*training_files, *val_sources.files), notes=tuple(notes))
