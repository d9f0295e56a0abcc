"""New runs: the recipe is applied, the corpus is encoded, and a trainer is built; nothing is overwritten silently."""

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from charrnn.config import TrainingConfig
from charrnn.errors import CharrnnError, os_reason
from charrnn.network.model_file import expand_vocabulary
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.run_lock import RunLock
from charrnn.text import corpus_encoder
from charrnn.text.corpus import Corpus
from charrnn.text.corpus_encoder import CharacterCounts
from charrnn.text.decoding import check_encoding
from charrnn.text.sources import CorpusFiles
from charrnn.text.vocabulary import format_characters
from charrnn.training.early_stopping import should_stop
from charrnn.training.prepare import PretrainedModel, with_model_settings
from charrnn.training.recipe import choose_hyperparameters
from charrnn.training.run_files import refuse_foreign, refuse_text_of_run, remove_run_files
from charrnn.training.throughput import measure_recipe_inputs
from charrnn.training.train_options import DEFAULT_ENCODING, DEFAULT_MIN_COUNT, TrainOptions
from charrnn.training.trainer import Trainer

# Notes on a text that may surprise the user

SMALL_TEXT_CHARS = 20_000
"""characters: a shorter text gets smaller batches than one would think"""
LARGE_VOCABULARY = 10_000
"""characters: a network spends most of its weights on so many"""
MAX_NAMED_FILES = 3
"""files, in one line"""


def startup_notes(
    sources: CorpusFiles,
    counts: CharacterCounts,
    trainer: Trainer,
    options: TrainOptions,
    pretrained: PretrainedModel | None,
) -> tuple[str, ...]:
    """Return the notes on a text, a line each; nothing is noted about settings that were given."""
    return (
        *(f"{file.name}: byte order mark left out" for file in sources.files if file.has_byte_order_mark),
        *_empty_files_note(sources),
        *_small_text_note(counts, trainer, options),
        *_new_characters_note(trainer, pretrained),
        *_held_out_note(trainer),
        *_large_vocabulary_note(counts),
    )


def _empty_files_note(sources: CorpusFiles) -> Iterator[str]:
    if empty := sources.empty():
        more = f" and {len(empty) - MAX_NAMED_FILES:,} more" if len(empty) > MAX_NAMED_FILES else ""
        yield f"nothing is in {', '.join(empty[:MAX_NAMED_FILES])}{more}"


def _small_text_note(counts: CharacterCounts, trainer: Trainer, options: TrainOptions) -> Iterator[str]:
    chosen = options.batch is None and options.length is None
    if counts.characters < SMALL_TEXT_CHARS and chosen:
        yield f"small corpus; using batch {trainer.training.batch} × {trainer.training.length} characters"


def _new_characters_note(trainer: Trainer, pretrained: PretrainedModel | None) -> Iterator[str]:
    if pretrained and (new := trainer.corpus.vocabulary.characters[len(pretrained.characters) :]):
        yield f"new to {pretrained.path}: {format_characters(Counter(dict.fromkeys(new, 1)))}"


def _held_out_note(trainer: Trainer) -> Iterator[str]:
    share, val_fraction = trainer.held_out_characters / trainer.corpus.characters, trainer.training.val_fraction
    if abs(share - val_fraction) > val_fraction / 2:
        yield f"documents are held out whole: {share:.0%} of the text"


def _large_vocabulary_note(counts: CharacterCounts) -> Iterator[str]:
    rare, distinct = int((counts.counts == 1).sum()), int((counts.counts > 0).sum())
    if distinct > LARGE_VOCABULARY and rare > distinct / 2:
        yield f"{distinct:,} distinct characters: most occur once; `--min-count 2` makes one of those"


# The start of a run

MIN_HELD_OUT = 10

Characters = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Session:
    """A run ready to be trained."""

    trainer: Trainer
    directory: RunDirectory
    why: str
    """what the recipe chose the settings for; empty where an earlier session chose them"""
    notes: tuple[str, ...] = ()
    """what the user should know"""
    resumed: bool = False

    @property
    def finished(self) -> bool:
        """Tell whether there is nothing left to do."""
        return self.trainer.final_evaluated and _is_finished(self.trainer)


def start_new(
    sources: CorpusFiles,
    counted: CharacterCounts,
    directory: RunDirectory,
    options: TrainOptions,
    device: str,
    *,
    pretrained: PretrainedModel | None = None,
    lock: RunLock | None = None,
) -> Session:
    """Choose what was not given (None) for a surveyed text, make the run's directory, and write the text there.

    Nothing is created before the settings are known to be good, and nothing old is removed before the text
    is wholly written; a trained model only if a `new` run was asked for (CharrnnError). A model to start from, the
    `pretrained`, settles the network, and its characters keep their numbers. The `lock` is taken before all writing.
    """
    refuse_foreign(directory)
    refuse_text_of_run(sources, directory)
    if directory.model.exists() and not options.new:
        raise CharrnnError(
            f"{directory.path} has a model but no checkpoint to go on from",
            hint="`--new` starts over and replaces it, `--out DIR` keeps both",
        )
    encoding = check_encoding(options.encoding or DEFAULT_ENCODING)
    min_count = options.min_count or DEFAULT_MIN_COUNT
    options = with_model_settings(options, pretrained) if pretrained else options
    options = dataclasses.replace(options, documents=counted.documents)
    known_characters = pretrained.characters if pretrained else ()
    size, held_out = _sizes(counted, options, min_count, known_characters)
    inputs = measure_recipe_inputs(
        options,
        device,
        train_characters=counted.characters - held_out,
        vocabulary_size=size,
        trained=pretrained is not None,
    )
    recipe = choose_hyperparameters(options, inputs)
    if lock is not None:
        lock.acquire()
    if directory.checkpoints() and not options.new:
        raise CharrnnError(
            f"a training in {directory.path} was begun meanwhile", hint="the same command continues with it"
        )
    text = _encode_corpus(sources, encoding, counted, directory, min_count, known_characters)
    # Only now it is known where, near the end, a document begins.
    held_in = text.split_position(recipe.training.val_fraction)
    recipe = choose_hyperparameters(options, dataclasses.replace(inputs, train_characters=held_in))
    trainer = Trainer(text, recipe.network, recipe.training, device)
    if pretrained:
        trainer.load_pretrained(expand_vocabulary(pretrained.model, size), str(pretrained.path))
    return Session(
        trainer=trainer,
        directory=directory,
        why=recipe.why,
        notes=startup_notes(sources, counted, trainer, options, pretrained),
    )


def _sizes(
    counted: CharacterCounts, options: TrainOptions, min_count: int, known_characters: Characters
) -> tuple[int, int]:
    """Count vocabulary and held-out characters; raise CharrnnError where either is too small to learn from."""
    size = len(counted.vocabulary(min_count, known_characters=known_characters))
    if size < 2:
        raise CharrnnError(f"no character stands there {min_count:,} times", hint="a lower `--min-count`")
    fraction = options.val_fraction or TrainingConfig.val_fraction
    held_out = counted.characters - int(counted.characters * (1 - fraction))
    if held_out < MIN_HELD_OUT:
        raise CharrnnError(f"only {held_out} characters would be held out", hint="a higher `--val-fraction`")
    return size, held_out


def _encode_corpus(
    sources: CorpusFiles,
    encoding: str,
    counted: CharacterCounts,
    directory: RunDirectory,
    min_count: int,
    known_characters: Characters,
) -> Corpus:
    """Write the text's ids into the run's directory, and only then drop what an older run left there."""
    try:
        directory.path.mkdir(parents=True, exist_ok=True)
        text = corpus_encoder.encode(
            sources, encoding, counted, directory.corpus, min_count=min_count, known_characters=known_characters
        )
        remove_run_files(directory)
    except OSError as error:
        raise CharrnnError(f"cannot write in {directory.path}: {os_reason(error)}") from error
    return text


def _is_finished(trainer: Trainer) -> bool:
    """Tell whether no step is left, of the plan or for want of patience."""
    return trainer.plan.finished(trainer.step) or should_stop(trainer)
