"""Preparation of a training, before torch is imported: the run, the text, and a pretrained model."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.network.model_file import Model, load_model
from charrnn.storage.run_directory import RUNS, RunDirectory, find_model, run_name
from charrnn.storage.run_lock import check_not_locked
from charrnn.text.corpus_encoder import CharacterCounts, count_characters
from charrnn.text.decoding import check_encoding
from charrnn.text.sources import STANDARD_INPUT, STANDARD_LIBRARY, CorpusFiles, open_sources
from charrnn.training.run_files import refuse_foreign, refuse_text_of_run
from charrnn.training.train_options import DEFAULT_ENCODING, MODEL_SETTINGS, TrainOptions

# A pretrained model for fine-tuning: which one is meant, the settings that it determines, and its weights. The model
# is only read, and torch is not imported.


@dataclass(frozen=True, kw_only=True)
class PretrainedModel:
    """A trained model, to go on from with another text."""

    path: Path
    model: Model

    @property
    def characters(self) -> tuple[str, ...]:
        """Those that it knows, in id order."""
        return self.model.vocabulary.characters


def load_pretrained(named: Path, directory: RunDirectory) -> PretrainedModel:
    """Load the model that a run is to start from; raise CharrnnError where the run's directory is the model's."""
    path = find_model(named)
    if path.resolve().parent == directory.path.resolve():
        raise CharrnnError(
            f"{directory.path} is where the model is that the training would start from",
            hint="`--out DIR` puts the new run elsewhere",
        )
    return PretrainedModel(path=path, model=load_model(path))


def document_kind(requested: str | None, pretrained: PretrainedModel | None) -> str | None:
    """Say what the text is made of: as the model knows it, or else as it is asked for (WrongUsageError)."""
    model_kind = pretrained.model.config.documents if pretrained else None
    if model_kind is not None and requested is not None and requested != model_kind:
        assert pretrained is not None
        raise WrongUsageError(
            f"{pretrained.path} was trained on documents by {model_kind}; --documents {requested} asks for others",
            hint=f"`--documents {model_kind}`, or leave it out",
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
                hint=f"leave out `--{name}`, or train without `--from`",
            )
    return dataclasses.replace(options, **{name: getattr(config, name) for name in MODEL_SETTINGS})


def is_same_model(saved: str | None, requested: str) -> bool:
    """Tell whether a model, as it was named now, is the one that a run was begun from; it may be gone by now."""
    named = Path(requested)
    return saved is not None and Path(saved).resolve() in (named.resolve(), RunDirectory(named).model.resolve())


# The run and the text

ReadProgress = Callable[[CorpusFiles], CorpusFiles]
"""has the reading of a text watched"""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A training that can be begun or gone on with."""

    directory: RunDirectory
    sources: CorpusFiles | None
    """None: the run goes on with its own copy of what came from standard input"""
    counts: CharacterCounts | None
    """what a first reading of the text found; None where a run goes on"""
    pretrained: PretrainedModel | None = None
    """the model to start from; None: chance, or a run that goes on"""


def no_progress(sources: CorpusFiles) -> CorpusFiles:
    """Have a text read as it is."""
    return sources


def prepare(options: TrainOptions, *, progress: ReadProgress = no_progress) -> Prepared:
    """Find the run and read the text once; raise CharrnnError for a text that cannot be learned."""
    corpus = options.corpus
    name = "stdin" if corpus[:1] == (STANDARD_INPUT,) else corpus[0] if corpus else STANDARD_LIBRARY
    directory = RunDirectory(Path(options.out) if options.out else RUNS / run_name(Path(name)))
    check_not_locked(directory)
    going_on = bool(directory.checkpoints()) and not options.new
    refuse_foreign(directory, new=not going_on)
    # Standard input can be read only once: a run that has its own copy of it needs no more.
    if going_on and STANDARD_INPUT in corpus:
        return Prepared(directory=directory, sources=None, counts=None)
    sources = open_sources(corpus)
    if going_on:
        return Prepared(directory=directory, sources=sources, counts=None)
    refuse_text_of_run(sources, directory)
    pretrained = load_pretrained(Path(options.from_), directory) if options.from_ else None
    documents = document_kind(options.documents, pretrained)
    encoding = check_encoding(options.encoding or DEFAULT_ENCODING)
    sources = progress(sources)
    return Prepared(
        directory=directory,
        sources=sources,
        counts=count_characters(sources, encoding, documents=documents),
        pretrained=pretrained,
    )
