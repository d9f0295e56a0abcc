"""Begins a training, or finds the one that was stopped and goes on with it; refuses what would lose something."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charrnn.config import TrainingConfig
from charrnn.errors import CharrnnError, reason
from charrnn.network.growth import grown
from charrnn.runs import RunDirectory
from charrnn.text import corpus as corpora
from charrnn.text.checking import refuse_changed
from charrnn.text.corpus import Corpus, Survey
from charrnn.text.encoding import known_encoding
from charrnn.text.sources import Sources
from charrnn.text.windows import steps_for
from charrnn.training import checkpoint, checkpoint_file
from charrnn.training.lock import Lock
from charrnn.training.notes import notes_on
from charrnn.training.origin import Origin, is_same, settled
from charrnn.training.patience import overfits
from charrnn.training.places import refuse_foreign, refuse_text_of_run, remove_run_files
from charrnn.training.recipe import choose
from charrnn.training.run import PARTS, Run
from charrnn.training.schedule import Plan
from charrnn.training.snapshot import machine
from charrnn.training.throughput import circumstances_of

BUDGETS = ("steps", "epochs", "minutes")
CHANGEABLE = ("lr", "weight_decay", "clip", "precision", "patience")
"""settings that a stopped training may go on with other values of; all others make it another training"""
FEWEST_HELD_OUT = 10

Characters = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Session:
    """A run ready to be trained."""

    run: Run
    directory: RunDirectory
    why: str
    """what the recipe chose the settings for; empty where an earlier session chose them"""
    notes: tuple[str, ...] = ()
    """what the user should know"""
    resumed: bool = False

    @property
    def finished(self) -> bool:
        """Tell whether there is nothing left to do."""
        return self.run.concluded and _is_over(self.run)


def begin(
    sources: Sources,
    found: Survey,
    directory: RunDirectory,
    given: Mapping[str, Any],
    device: str,
    *,
    new: bool = False,
    origin: Origin | None = None,
    lock: Lock | None = None,
) -> Session:
    """Choose what was not given (None) for a surveyed text, make the run's directory, and write the text there.

    Nothing is created before the settings are known to be good, and nothing old is removed before the text
    is wholly written; a trained model only if a `new` run was asked for (CharrnnError). A model to start from, the
    `origin`, settles the network, and its characters keep their numbers. The `lock` is taken before all writing.
    """
    refuse_foreign(directory)
    refuse_text_of_run(sources, directory)
    if directory.model.exists() and not new:
        raise CharrnnError(
            f"{directory.path} has a model but no checkpoint to go on from",
            hint="`--new` starts over and replaces it, `--out DIR` keeps both",
        )
    encoding, min_count = known_encoding(given.get("encoding") or "utf-8"), given.get("min_count") or 1
    given = {**(settled(given, origin) if origin else given), "documents": found.documents}
    known = origin.characters if origin else ()
    size, held_out = _sizes(found, given, min_count, known)
    circumstances = circumstances_of(
        given,
        device,
        train_characters=found.characters - held_out,
        vocabulary_size=size,
        trained=origin is not None,
    )
    recipe = choose(given, circumstances)
    if lock is not None:
        lock.take()
    if directory.checkpoints() and not new:
        raise CharrnnError(
            f"a training in {directory.path} was begun meanwhile", hint="the same command continues with it"
        )
    text = _written(sources, encoding, found, directory, min_count, known)
    # Only now it is known where, near the end, a document begins.
    held_in = text.split(recipe.training.val_fraction)
    recipe = choose(given, dataclasses.replace(circumstances, train_characters=held_in))
    run = Run(text, recipe.network, recipe.training, device)
    if origin:
        run.start_from(grown(origin.model, size), str(origin.path))
    return Session(run=run, directory=directory, why=recipe.why, notes=notes_on(sources, found, run, given, origin))


def resume(sources: Sources | None, directory: RunDirectory, given: Mapping[str, Any], device: str) -> Session:
    """Go on from the newest checkpoint that is whole; sources None: the text is the run's own copy.

    Raise CharrnnError if the text or a setting is not what it was.
    """
    text = corpora.open_corpus(directory.corpus)
    refuse_changed(text)
    problems: list[str] = []
    for path in reversed(directory.checkpoints()):
        try:
            saved = checkpoint_file.read(path)
            words = saved.about.plain()
            _refuse_others(sources, text, given, words)
            changed = {name: given[name] for name in CHANGEABLE if given.get(name) is not None}
            training = dataclasses.replace(saved.about.record.training, **changed)
            checkpoint.refuse_unfit_text(path, text, training)
            run = Run(text, saved.about.network, training, device)
            checkpoint.restore_from(run, saved, path)
        except checkpoint_file.DamagedError as error:
            problems.append(error.message)
            continue
        _take_new_budget(run, given)
        run.concluded = run.concluded and _is_over(run)
        damaged = (f"{problem}; using the one before" for problem in problems)
        notes = (*damaged, *_not_exact(words["machine"], run))
        return Session(run=run, directory=directory, why="", notes=notes, resumed=True)
    kept = f"`--from {directory.model} --out DIR` learns on with its model, " if directory.model.exists() else ""
    raise CharrnnError("; ".join(problems), hint=f"{kept}`--new` starts over")


def _sizes(found: Survey, given: Mapping[str, Any], min_count: int, known: Characters) -> tuple[int, int]:
    """Count vocabulary and held-out characters; raise CharrnnError where either is too small to learn from."""
    size = len(found.vocabulary(min_count, known=known))
    if size < 2:
        raise CharrnnError(f"no character stands there {min_count:,} times", hint="a lower `--min-count`")
    fraction = given.get("val_fraction") or TrainingConfig.val_fraction
    held_out = found.characters - int(found.characters * (1 - fraction))
    if held_out < FEWEST_HELD_OUT:
        raise CharrnnError(f"only {held_out} characters would be held out", hint="a higher `--val-fraction`")
    return size, held_out


def _written(
    sources: Sources, encoding: str, found: Survey, directory: RunDirectory, min_count: int, known: Characters
) -> Corpus:
    """Write the text's ids into the run's directory, and only then drop what an older run left there."""
    try:
        directory.path.mkdir(parents=True, exist_ok=True)
        text = corpora.encode(sources, encoding, found, directory.corpus, min_count=min_count, known=known)
        remove_run_files(directory)
    except OSError as error:
        raise CharrnnError(f"cannot write in {directory.path}: {reason(error)}") from error
    return text


def _refuse_others(sources: Sources | None, text: Corpus, given: Mapping[str, Any], words: Mapping[str, Any]) -> None:
    """See that text and settings are those that the run was begun with (CharrnnError)."""
    if words["fingerprint"] != dict(text.fingerprint):
        raise CharrnnError(f"{text.path} is not the text of the run's checkpoint", hint="`--new` starts over")
    if sources is not None:
        _refuse_another_text(sources, text, words["step"])
    saved = words["network"] | words["training"] | {"encoding": text.encoding, "min_count": text.min_count}
    saved |= {"documents": text.documents, "from": words.get("from")}
    asked = dict(given)
    if asked.get("from") is not None and is_same(saved["from"], asked["from"]):
        asked["from"] = saved["from"]
    if asked.get("encoding") is not None:
        asked["encoding"] = known_encoding(asked["encoding"])
    fixed = [name for name in saved if name not in (*BUDGETS, *CHANGEABLE) and asked.get(name) is not None]
    differing = [f"{name}: saved {saved[name]}, asked {asked[name]}" for name in fixed if asked[name] != saved[name]]
    if differing:
        raise CharrnnError(
            f"the run was begun with other settings ({'; '.join(differing)})",
            hint="`--new` starts over, `--out DIR` keeps both",
        )


def _refuse_another_text(sources: Sources, text: Corpus, step: int) -> None:
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


def _take_new_budget(run: Run, given: Mapping[str, Any]) -> None:
    """Have a budget that differs from the saved one bend what is still to come."""
    asked = {name: given[name] for name in BUDGETS if given.get(name) is not None}
    if "epochs" in asked:
        batch, length = run.training.batch, run.training.length
        asked = {"steps": steps_for(asked["epochs"], characters=run.train_characters, batch=batch, length=length)}
    had = {"steps": run.step, "minutes": run.seconds / 60}
    if run.concluded and all(asked[budget] <= had[budget] for budget in asked):
        return  # it has had as much already
    if "steps" in asked and (asked["steps"] != run.plan.steps or run.training.minutes):
        run.training = dataclasses.replace(run.training, steps=asked["steps"], minutes=None)
        run.plan = Plan(steps=asked["steps"])
    elif "minutes" in asked and asked["minutes"] != run.training.minutes:
        run.training = dataclasses.replace(run.training, steps=None, minutes=asked["minutes"])
        done = min(run.plan.progress(run.step), run.seconds / (60 * asked["minutes"]))
        run.plan = Plan(steps=None, from_step=run.step, from_progress=min(done, 1.0))
    else:
        return
    run.concluded = False
    for what in PARTS:
        run.take_part(what)
    if run.plan.finished(run.step):
        run.parts["evaluation"] -= 1  # what is cut short before its first one would have no best weights
    run.sound_parts = run.parts["evaluation"]


def _is_over(run: Run) -> bool:
    """Tell whether no step is left, of the plan or for want of patience."""
    return run.plan.finished(run.step) or overfits(run)


def _not_exact(before: Mapping[str, Any], run: Run) -> tuple[str, ...]:
    """Say why a resumed run will not be the same to the last bit, where it will not."""
    now = machine(run)
    changed = [f"{name} {was} then, {now[name]} now" for name, was in before.items() if now.get(name, was) != was]
    return (f"going on, but not to the last bit: {', '.join(changed)}",) if changed else ()
