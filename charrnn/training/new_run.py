"""New runs: the recipe is applied, the corpus encoded and a trainer built; nothing is overwritten silently."""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from charrnn.config import TrainingConfig
from charrnn.errors import CharrnnError, os_reason
from charrnn.network.vocabulary_expansion import expand_vocabulary
from charrnn.storage.run_directory import OTHER_DIRECTORY, RunDirectory
from charrnn.storage.run_lock import RunLock, check_lock
from charrnn.text import corpus_encoder
from charrnn.text.batching import distinct_fraction
from charrnn.text.corpus import Corpus
from charrnn.text.corpus_encoder import MIN_CHARACTERS, CharacterCounts
from charrnn.text.decoding import check_encoding, decode_text
from charrnn.text.documents import alternating_start
from charrnn.text.source_file import CorpusFiles
from charrnn.text.split import FILES, SPREAD, SplitRequest
from charrnn.text.vocabulary import COMPOSE, END_OF_TEXT, format_characters
from charrnn.training.early_stopping import is_finished, keeps_last_weights
from charrnn.training.prepare import PretrainedModel, with_model_settings
from charrnn.training.process_group import SINGLE_PROCESS, ProcessGroup
from charrnn.training.recipe import Recipe, RecipeInputs, choose_hyperparameters
from charrnn.training.run_files import check_run_directory, check_text_is_outside, remove_run_files
from charrnn.training.throughput import measure_recipe_inputs
from charrnn.training.train_options import DEFAULT_ENCODING, DEFAULT_MIN_COUNT, TrainOptions
from charrnn.training.trainer import Trainer

# Notes on properties of the text that may surprise the user

SMALL_TEXT_CHARS = 20_000
"""number of characters below which a note reports the smaller batches"""
LARGE_VOCABULARY = 10_000
"""vocabulary size from which most weights of a network are those of characters"""
ALTERNATING_CHARS = 200_000
"""characters from which it is decided whether the documents alternate in kind"""
SHOWN_SHARE = 0.001
"""share of unseen characters from which a note reports it"""


def startup_notes(
    sources: CorpusFiles,
    counts: CharacterCounts,
    trainer: Trainer,
    options: TrainOptions,
    pretrained: PretrainedModel | None,
) -> tuple[str, ...]:
    """Return the notes on a text, a line each; nothing is noted about settings that were given."""
    return (
        *sources.notes,
        *counts.notes,
        *_small_text_note(counts, trainer, options),
        *_new_characters_note(trainer, pretrained),
        *_held_out_note(trainer),
        *_alternating_note(sources, trainer),
        *_split_note(trainer.corpus),
        *_large_vocabulary_note(counts),
    )


def _small_text_note(counts: CharacterCounts, trainer: Trainer, options: TrainOptions) -> Iterator[str]:
    chosen = options.batch is None and options.length is None
    if counts.characters < SMALL_TEXT_CHARS and chosen:
        yield f"small corpus; using {trainer.training.batch} streams × {trainer.training.length} characters"


def _new_characters_note(trainer: Trainer, pretrained: PretrainedModel | None) -> Iterator[str]:
    if pretrained and (new := trainer.corpus.vocabulary.characters[len(pretrained.characters) :]):
        yield f"new to {pretrained.path}: {format_characters(Counter(dict.fromkeys(new, 1)))}"
    learned, given = pretrained and pretrained.model.training.get("normalization"), trainer.corpus.normalization
    if pretrained and learned and given and learned != given:
        converted = f"`{COMPOSE.replace('NFC', learned)} < TEXT > fixed.txt` converts it"
        yield f"the text is in {given}, and {pretrained.path} has learned {learned}; {converted}"


def _held_out_note(trainer: Trainer) -> Iterator[str]:
    fraction, val_fraction = trainer.held_out_characters / trainer.corpus.characters, trainer.training.val_fraction
    if trainer.corpus.documents and not trainer.corpus.split and abs(fraction - val_fraction) > val_fraction / 2:
        yield f"documents are held out whole: {fraction:.0%} of the text"


def _alternating_note(sources: CorpusFiles, trainer: Trainer) -> Iterator[str]:
    """Yield a note on documents between blank lines of which two belong together, as the start of the text shows."""
    if trainer.corpus.documents != "blank":
        return
    source = dataclasses.replace(sources.files[0], progress=iter)
    text = next(decode_text(source, trainer.corpus.encoding, documents="blank"), "")
    start = alternating_start(text[:ALTERNATING_CHARS].split(END_OF_TEXT)[:-1])
    if start is not None:
        pattern = re.escape(start).replace("\\ ", " ") if start and "'" not in start else ""
        kind = f"/^{pattern}/" if pattern else "/REGEX/"
        yield f"the documents alternate in kind; `--documents '{kind}'` begins a document at each match only"


def _split_note(corpus: Corpus) -> Iterator[str]:
    """Yield a note on held-out text of a different kind, with the figures by which it was recognized."""
    split = corpus.split
    if split is None or split.difference is None or not split.difference.is_large:
        return
    difference = split.difference
    part = "the held-out text" if split.kind == FILES else "the end"
    figures = f"{difference.held_out_bits:.2f} bits/char by a 4-gram, {difference.block_bits:.2f} elsewhere"
    if difference.unseen_share >= SHOWN_SHARE:
        figures += f"; {difference.unseen_share:.1%} of its characters occur nowhere else"
    effect = "so blocks are held out" if split.kind == SPREAD else "so its loss says little about other text"
    if keeps_last_weights(corpus):
        effect = "so the last weights are kept, not those with the lowest validation loss"
    yield f"{part} is of a different kind than the rest ({figures}), {effect}"


def _large_vocabulary_note(counts: CharacterCounts) -> Iterator[str]:
    rare, distinct = int((counts.counts == 1).sum()), int((counts.counts > 0).sum())
    if distinct > LARGE_VOCABULARY and rare > distinct / 2:
        yield f"{distinct:,} distinct characters: most occur once; `--min-count 2` merges those into one"


def _repetition_note(inputs: RecipeInputs, options: TrainOptions) -> Iterator[str]:
    """Yield a note on a repetitive text, and on the dropout that is chosen for it."""
    if inputs.is_repetitive:
        amount = f"about {inputs.distinct_fraction:.0%} of its passages are distinct"
        effect = "; dropout is chosen for those" if options.dropout is None else ""
        yield f"the text repeats itself: {amount}{effect}"


# The start of a run

MIN_HELD_OUT = 10
"""minimum number of held-out characters"""

Characters = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Session:
    """A run ready to be trained."""

    trainer: Trainer
    directory: RunDirectory
    reason: str
    """the reason for the settings that the recipe chose; empty for a resumed run"""
    notes: tuple[str, ...] = ()
    """messages for the user, one line each"""
    resumed: bool = False

    @property
    def finished(self) -> bool:
        """Return whether the run is trained and evaluated completely."""
        return self.trainer.bookkeeping.final_evaluated and is_finished(self.trainer)


@dataclass(frozen=True, kw_only=True)
class NewRunRequest:
    """What a new run is made of."""

    sources: CorpusFiles
    counts: CharacterCounts
    """characters of the text, counted in a first pass"""
    directory: RunDirectory
    options: TrainOptions
    """options of the command; the recipe chooses the settings that are None"""
    device: str
    val_files: int = 0
    """number of files at the end of the text that are held out as a whole"""
    pretrained: PretrainedModel | None = None
    """model to fine-tune, which determines the network and the first ids of the vocabulary"""
    group: ProcessGroup = SINGLE_PROCESS
    """processes that share the training"""

    @property
    def settings(self) -> TrainOptions:
        """Return the options with the settings that the text and the pretrained model determine (WrongUsageError)."""
        options = with_model_settings(self.options, self.pretrained) if self.pretrained else self.options
        return dataclasses.replace(options, documents=self.counts.documents)

    @property
    def split(self) -> SplitRequest:
        """Return which text is held out."""
        fraction = self.options.val_fraction or TrainingConfig.val_fraction
        return SplitRequest(val_fraction=fraction, kind=self.options.val_split, val_files=self.val_files)

    @property
    def min_count(self) -> int:
        """Return the number of occurrences below which a character is unknown."""
        return self.options.min_count or DEFAULT_MIN_COUNT

    @property
    def known_characters(self) -> Characters:
        """Return the characters that keep their ids: those of the pretrained model."""
        return self.pretrained.characters if self.pretrained else ()


def start_new(request: NewRunRequest, lock: RunLock | None = None) -> Session:
    """Create a run: complete its settings, make its directory, and write the encoded text there (CharrnnError).

    Nothing is created before the settings are valid, and nothing old is removed before the text is written. The
    lock is acquired before the first write.
    """
    _check_directory(request)
    encoding, settings = check_encoding(request.options.encoding or DEFAULT_ENCODING), request.settings
    vocabulary_size, held_out = _sizes(request)
    inputs = measure_recipe_inputs(
        settings,
        request.device,
        train_characters=request.counts.characters - held_out,
        vocabulary_size=vocabulary_size,
        trained=request.pretrained is not None,
        processes=request.group.world.size,
    )
    recipe = choose_hyperparameters(settings, inputs)
    request.group.world.check_batch(recipe.training.batch)
    if lock is not None:
        lock.acquire()
    if request.directory.checkpoints() and not request.options.new:
        raise CharrnnError(
            f"another training was started in {request.directory.path} meanwhile",
            hint="the same command continues it",
        )
    text = _encode_corpus(request, encoding)
    # Documents are held out whole, so only the encoded text determines the exact length of the training text.
    train_characters = text.split_position(recipe.training.val_fraction)
    inputs = dataclasses.replace(
        inputs, train_characters=train_characters, distinct_fraction=distinct_fraction(text, train_characters)
    )
    recipe = choose_hyperparameters(settings, inputs)
    if text.split is not None and text.split.kind != FILES:
        training = dataclasses.replace(recipe.training, val_split=text.split.kind)
        recipe = dataclasses.replace(recipe, training=training)
    trainer = _build_trainer(request, text, recipe)
    notes = startup_notes(request.sources, request.counts, trainer, settings, request.pretrained)
    notes = (*notes, *_repetition_note(inputs, settings))
    return Session(trainer=trainer, directory=request.directory, reason=recipe.reason, notes=notes)


def _check_directory(request: NewRunRequest) -> None:
    """Raise CharrnnError if the run would replace a file that it must not."""
    directory = request.directory
    check_run_directory(directory)
    check_text_is_outside(request.sources, directory)
    if directory.model.exists() and not request.options.new:
        raise CharrnnError(
            f"{directory.path} has a model but no checkpoint to continue from",
            hint="`--new` starts over and replaces it, `--out DIR` keeps both",
        )


def _sizes(request: NewRunRequest) -> tuple[int, int]:
    """Return the sizes of the vocabulary and of the held-out text; raise CharrnnError if either is too small."""
    counts = request.counts
    vocabulary_size = len(counts.vocabulary(request.min_count, known_characters=request.known_characters))
    if vocabulary_size < 2:
        raise CharrnnError(f"no character occurs {request.min_count:,} times", hint="a lower `--min-count`")
    if request.val_files:
        held_out = sum(counts.file_characters[len(counts.file_characters) - request.val_files :])
        hint = "a longer `--val-file`"
    else:
        held_out = counts.characters - int(counts.characters * (1 - request.split.val_fraction))
        hint = "a higher `--val-fraction`"
    if held_out < MIN_HELD_OUT:
        raise CharrnnError(f"only {held_out} characters would be held out", hint=hint)
    if counts.characters - held_out < MIN_CHARACTERS // 2:
        raise CharrnnError(
            f"only {counts.characters - held_out} characters are left to train on", hint="a longer text"
        )
    return vocabulary_size, held_out


def _encode_corpus(request: NewRunRequest, encoding: str) -> Corpus:
    """Write the ids of the text into the run's directory, then delete the files of an older run (CharrnnError)."""
    directory = request.directory
    try:
        directory.path.mkdir(parents=True, exist_ok=True)
        text = corpus_encoder.encode(
            request.sources,
            encoding,
            request.counts,
            directory.corpus,
            split=request.split,
            min_count=request.min_count,
            known_characters=request.known_characters,
        )
        check_lock(directory.path)
        remove_run_files(directory)
    except OSError as error:
        raise CharrnnError(f"cannot write in {directory.path}: {os_reason(error)}", hint=OTHER_DIRECTORY) from error
    return text


def _build_trainer(request: NewRunRequest, text: Corpus, recipe: Recipe) -> Trainer:
    """Return a trainer with random weights or those of the pretrained model."""
    trainer = Trainer(text, recipe.network, recipe.training, request.device, request.group)
    if request.pretrained:
        weights = expand_vocabulary(request.pretrained.model, len(text.vocabulary))
        trainer.load_pretrained(weights, str(request.pretrained.path))
    return trainer
