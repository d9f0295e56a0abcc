"""Begins a training, or finds the one that was stopped and goes on with it; refuses what would lose something."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charrnn.config import TrainingConfig
from charrnn.errors import CharrnnError, os_reason
from charrnn.network.growth import expand_vocabulary
from charrnn.runs import RunDirectory
from charrnn.text import corpus as corpora
from charrnn.text.checking import verify_unchanged
from charrnn.text.corpus import CharacterCounts, Corpus
from charrnn.text.encoding import check_encoding
from charrnn.text.sources import CorpusFiles
from charrnn.text.windows import steps_for_epochs
from charrnn.training import checkpoint, checkpoint_file
from charrnn.training.lock import RunLock
from charrnn.training.notes import startup_notes
from charrnn.training.origin import PretrainedModel, is_same_model, with_model_settings
from charrnn.training.patience import should_stop
from charrnn.training.places import refuse_foreign, refuse_text_of_run, remove_run_files
from charrnn.training.recipe import choose_hyperparameters
from charrnn.training.run import PERIODS, Trainer
from charrnn.training.schedule import Plan
from charrnn.training.snapshot import environment
from charrnn.training.throughput import measure_recipe_inputs

BUDGETS = ("steps", "epochs", "minutes")
MUTABLE_SETTINGS = ("lr", "weight_decay", "clip", "precision", "patience")
"""settings that a stopped training may go on with other values of; all others make it another training"""
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
    given: Mapping[str, Any],
    device: str,
    *,
    new: bool = False,
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
    if directory.model.exists() and not new:
        raise CharrnnError(
            f"{directory.path} has a model but no checkpoint to go on from",
            hint="`--new` starts over and replaces it, `--out DIR` keeps both",
        )
    encoding, min_count = check_encoding(given.get("encoding") or "utf-8"), given.get("min_count") or 1
    given = {**(with_model_settings(given, pretrained) if pretrained else given), "documents": counted.documents}
    known_characters = pretrained.characters if pretrained else ()
    size, held_out = _sizes(counted, given, min_count, known_characters)
    inputs = measure_recipe_inputs(
        given,
        device,
        train_characters=counted.characters - held_out,
        vocabulary_size=size,
        trained=pretrained is not None,
    )
    recipe = choose_hyperparameters(given, inputs)
    if lock is not None:
        lock.acquire()
    if directory.checkpoints() and not new:
        raise CharrnnError(
            f"a training in {directory.path} was begun meanwhile", hint="the same command continues with it"
        )
    text = _encode_corpus(sources, encoding, counted, directory, min_count, known_characters)
    # Only now it is known where, near the end, a document begins.
    held_in = text.split_position(recipe.training.val_fraction)
    recipe = choose_hyperparameters(given, dataclasses.replace(inputs, train_characters=held_in))
    trainer = Trainer(text, recipe.network, recipe.training, device)
    if pretrained:
        trainer.load_pretrained(expand_vocabulary(pretrained.model, size), str(pretrained.path))
    return Session(
        trainer=trainer,
        directory=directory,
        why=recipe.why,
        notes=startup_notes(sources, counted, trainer, given, pretrained),
    )


def resume(sources: CorpusFiles | None, directory: RunDirectory, given: Mapping[str, Any], device: str) -> Session:
    """Go on from the newest checkpoint that is whole; sources None: the text is the run's own copy.

    Raise CharrnnError if the text or a setting is not what it was.
    """
    text = corpora.open_corpus(directory.corpus)
    verify_unchanged(text)
    problems: list[str] = []
    for path in reversed(directory.checkpoints()):
        try:
            saved = checkpoint_file.read(path)
            words = saved.about.plain()
            _check_same_settings(sources, text, given, words)
            changed = {name: given[name] for name in MUTABLE_SETTINGS if given.get(name) is not None}
            training = dataclasses.replace(saved.about.record.training, **changed)
            checkpoint.refuse_unfit_text(path, text, training)
            trainer = Trainer(text, saved.about.network, training, device)
            checkpoint.restore_from(trainer, saved, path)
        except checkpoint_file.DamagedError as error:
            problems.append(error.message)
            continue
        _apply_new_budget(trainer, given)
        trainer.final_evaluated = trainer.final_evaluated and _is_finished(trainer)
        damaged = (f"{problem}; using the one before" for problem in problems)
        notes = (*damaged, *_inexactness_notes(words["machine"], trainer))
        return Session(trainer=trainer, directory=directory, why="", notes=notes, resumed=True)
    alternative = (
        f"`--from {directory.model} --out DIR` learns on with its model, " if directory.model.exists() else ""
    )
    raise CharrnnError("; ".join(problems), hint=f"{alternative}`--new` starts over")


def _sizes(
    counted: CharacterCounts, given: Mapping[str, Any], min_count: int, known_characters: Characters
) -> tuple[int, int]:
    """Count vocabulary and held-out characters; raise CharrnnError where either is too small to learn from."""
    size = len(counted.vocabulary(min_count, known_characters=known_characters))
    if size < 2:
        raise CharrnnError(f"no character stands there {min_count:,} times", hint="a lower `--min-count`")
    fraction = given.get("val_fraction") or TrainingConfig.val_fraction
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
        text = corpora.encode(
            sources, encoding, counted, directory.corpus, min_count=min_count, known_characters=known_characters
        )
        remove_run_files(directory)
    except OSError as error:
        raise CharrnnError(f"cannot write in {directory.path}: {os_reason(error)}") from error
    return text


def _check_same_settings(
    sources: CorpusFiles | None, text: Corpus, given: Mapping[str, Any], words: Mapping[str, Any]
) -> None:
    """See that text and settings are those that the run was begun with (CharrnnError)."""
    if words["fingerprint"] != dict(text.fingerprint):
        raise CharrnnError(f"{text.path} is not the text of the run's checkpoint", hint="`--new` starts over")
    if sources is not None:
        _check_same_text(sources, text, words["step"])
    saved = words["network"] | words["training"] | {"encoding": text.encoding, "min_count": text.min_count}
    saved |= {"documents": text.documents, "from": words.get("from")}
    requested = dict(given)
    if requested.get("from") is not None and is_same_model(saved["from"], requested["from"]):
        requested["from"] = saved["from"]
    if requested.get("encoding") is not None:
        requested["encoding"] = check_encoding(requested["encoding"])
    fixed = [name for name in saved if name not in (*BUDGETS, *MUTABLE_SETTINGS) and requested.get(name) is not None]
    differing = [
        f"{name}: saved {saved[name]}, asked {requested[name]}" for name in fixed if requested[name] != saved[name]
    ]
    if differing:
        raise CharrnnError(
            f"the run was begun with other settings ({'; '.join(differing)})",
            hint="`--new` starts over, `--out DIR` keeps both",
        )


def _check_same_text(sources: CorpusFiles, text: Corpus, step: int) -> None:
    """Compare sizes and times, and only where those differ every byte."""
    now, then = sources.fingerprint(), text.fingerprint
    same_size = now["bytes"] == then["bytes"]
    if same_size and (now["modified"] == then["modified"] or sources.checksum() == then["sha256"]):
        return
    if sources.name != text.name:
        raise CharrnnError(f"the run is of {text.name}, not of {sources.name}", hint="`--out DIR` keeps both")
    raise CharrnnError(
        f"{sources.name} changed since step {step:,} (was {then['bytes']:,} bytes)",
        hint="put the old text back; `--new` starts over, `--out DIR` keeps both",
    )


def _apply_new_budget(trainer: Trainer, given: Mapping[str, Any]) -> None:
    """Have a budget that differs from the saved one bend what is still to come."""
    budgets = {name: given[name] for name in BUDGETS if given.get(name) is not None}
    if "epochs" in budgets:
        batch, length = trainer.training.batch, trainer.training.length
        budgets = {
            "steps": steps_for_epochs(
                budgets["epochs"], characters=trainer.train_characters, batch=batch, length=length
            )
        }
    had = {"steps": trainer.step, "minutes": trainer.seconds / 60}
    if trainer.final_evaluated and all(budgets[budget] <= had[budget] for budget in budgets):
        return  # it has had as much already
    if "steps" in budgets and (budgets["steps"] != trainer.plan.steps or trainer.training.minutes):
        trainer.training = dataclasses.replace(trainer.training, steps=budgets["steps"], minutes=None)
        trainer.plan = Plan(steps=budgets["steps"])
    elif "minutes" in budgets and budgets["minutes"] != trainer.training.minutes:
        trainer.training = dataclasses.replace(trainer.training, steps=None, minutes=budgets["minutes"])
        done = min(trainer.plan.progress(trainer.step), trainer.seconds / (60 * budgets["minutes"]))
        trainer.plan = Plan(steps=None, from_step=trainer.step, from_progress=min(done, 1.0))
    else:
        return
    trainer.final_evaluated = False
    for what in PERIODS:
        trainer.mark_done(what)
    if trainer.plan.finished(trainer.step):
        trainer.periods_done["evaluation"] -= 1  # what is cut short before its first one would have no best weights
    trainer.last_good_period = trainer.periods_done["evaluation"]


def _is_finished(trainer: Trainer) -> bool:
    """Tell whether no step is left, of the plan or for want of patience."""
    return trainer.plan.finished(trainer.step) or should_stop(trainer)


def _inexactness_notes(before: Mapping[str, Any], trainer: Trainer) -> tuple[str, ...]:
    """Say why a resumed run will not be the same to the last bit, where it will not."""
    now = environment(trainer)
    changed = [f"{name} {was} then, {now[name]} now" for name, was in before.items() if now.get(name, was) != was]
    return (f"going on, but not to the last bit: {', '.join(changed)}",) if changed else ()
