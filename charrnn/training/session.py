"""Begins a training, or finds the one that was stopped and goes on with it; refuses what would lose something."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charrnn.config import NetworkConfig, TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.runs import RunDirectory
from charrnn.text import corpus as corpora
from charrnn.text.corpus import Corpus, Survey
from charrnn.text.encoding import known_encoding
from charrnn.text.sources import Sources
from charrnn.text.windows import steps_for
from charrnn.training import checkpoint
from charrnn.training.device import flops_per_second
from charrnn.training.recipe import Circumstances, choose
from charrnn.training.run import PARTS, Run
from charrnn.training.schedule import Plan
from charrnn.training.snapshot import machine

BUDGETS = ("steps", "epochs", "minutes")
CHANGEABLE = ("lr", "weight_decay", "clip", "precision")
"""settings that a stopped training may go on with other values of; all others make it another training"""


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
        return self.run.plan.finished(self.run.step)


def begin(sources: Sources, directory: RunDirectory, given: Mapping[str, Any], device: str) -> Session:
    """Read the text, choose what was not given (None), and make the run's directory.

    Nothing is created, and nothing old removed, before text and settings are known to be good (CharrnnError).
    """
    encoding, min_count = known_encoding(given.get("encoding") or "utf-8"), given.get("min_count") or 1
    found = corpora.survey(sources, encoding)
    circumstances = Circumstances(
        train_characters=int(found.characters * (1 - (given.get("val_fraction") or TrainingConfig.val_fraction))),
        vocabulary_size=len(found.vocabulary(min_count)),
        device=device,
        flops_per_second=flops_per_second(device, given.get("precision") or "float32"),
    )
    recipe = choose(given, circumstances)
    prepare(directory)
    try:
        text = corpora.encode(sources, encoding, found, directory.corpus, min_count=min_count)
    except OSError as error:
        raise CharrnnError(f"cannot write in {directory.path}: {(error.strerror or str(error)).lower()}") from error
    run = Run(text, recipe.network, recipe.training, device)
    return Session(run=run, directory=directory, why=recipe.why, notes=_notes(sources, found, recipe.training))


def prepare(directory: RunDirectory) -> None:
    """Make the run's directory, without the files of an older run; raise CharrnnError where it cannot be had."""
    refuse_foreign(directory)
    try:
        directory.path.mkdir(parents=True, exist_ok=True)
        for old in (*directory.checkpoints(), directory.model, directory.metrics, directory.config):
            old.unlink(missing_ok=True)
    except OSError as error:
        raise CharrnnError(f"cannot write in {directory.path}: {(error.strerror or str(error)).lower()}") from error


def refuse_foreign(directory: RunDirectory) -> None:
    """See that a directory is a run's, or empty, or not there (CharrnnError)."""
    path = directory.path
    ours = (directory.corpus, directory.config, directory.model)
    if path.exists() and not (path.is_dir() and (any(file.exists() for file in ours) or not any(path.iterdir()))):
        raise CharrnnError(f"{path} exists and is not a charrnn run", hint="`--out DIR` puts the run elsewhere")


def resume(sources: Sources | None, directory: RunDirectory, given: Mapping[str, Any], device: str) -> Session:
    """Go on from the newest checkpoint that is whole; sources None: the text is the run's own copy.

    Raise CharrnnError if the text or a setting is not what it was.
    """
    path = directory.checkpoints()[-1]
    words = checkpoint.described(path)
    text = corpora.open_corpus(directory.corpus)
    if sources is not None:
        _refuse_a_changed_text(sources, text, words["step"])
    network, training = NetworkConfig(**words["network"]), TrainingConfig(**words["training"])
    _refuse_other_settings(given, dataclasses.asdict(network) | dataclasses.asdict(training))
    changed = {name: given[name] for name in CHANGEABLE if given.get(name) is not None}
    run = Run(text, network, dataclasses.replace(training, **changed), device)
    checkpoint.load(run, path)
    _take_new_budget(run, given)
    return Session(run=run, directory=directory, why="", notes=_not_exact(words["machine"], run), resumed=True)


def _notes(sources: Sources, found: Survey, training: TrainingConfig) -> tuple[str, ...]:
    """Say what the user may not expect of the text."""
    notes = [f"{file.name}: byte order mark left out" for file in sources.files if file.has_byte_order_mark]
    if found.characters < 20_000:
        notes.append(f"small corpus; using batch {training.batch} × {training.length} characters")
    rare = int((found.counts == 1).sum())
    distinct = int((found.counts > 0).sum())
    if distinct > 10_000 and rare > distinct / 2:
        notes.append(f"{distinct:,} distinct characters: most occur once; `--min-count 2` makes one of those")
    return tuple(notes)


def _refuse_a_changed_text(sources: Sources, text: Corpus, step: int) -> None:
    """Compare sizes and times, and only where those differ every byte."""
    now, then = sources.fingerprint(), text.fingerprint
    same = now["bytes"] == then["bytes"] and (
        now["modified"] == then["modified"] or sources.checksum() == then["sha256"]
    )
    if not same:
        raise CharrnnError(
            f"{sources.name} changed since step {step:,} (was {then['bytes']:,} bytes)",
            hint="put the old text back, or `--new` starts over",
        )


def _refuse_other_settings(given: Mapping[str, Any], saved: Mapping[str, Any]) -> None:
    """Name every setting that was asked for and is not what the run has."""
    fixed = [name for name in saved if name not in (*BUDGETS, *CHANGEABLE) and given.get(name) is not None]
    differing = [f"{name}: saved {saved[name]}, asked {given[name]}" for name in fixed if given[name] != saved[name]]
    if differing:
        raise CharrnnError(
            f"the run was begun with other settings ({'; '.join(differing)})",
            hint="`--new` starts over, `--out DIR` keeps both",
        )


def _take_new_budget(run: Run, given: Mapping[str, Any]) -> None:
    """Have a budget that differs from the saved one bend what is still to come."""
    asked = {name: given[name] for name in BUDGETS if given.get(name) is not None}
    if "epochs" in asked:
        batch, length = run.training.batch, run.training.length
        steps = steps_for(asked["epochs"], characters=run.train_characters, batch=batch, length=length)
        asked = {"steps": steps}
    if "steps" in asked and (asked["steps"] != run.plan.steps or run.training.minutes):
        run.training = dataclasses.replace(run.training, steps=asked["steps"], minutes=None)
        run.plan = Plan(steps=asked["steps"])
    elif "minutes" in asked and asked["minutes"] != run.training.minutes:
        run.training = dataclasses.replace(run.training, steps=None, minutes=asked["minutes"])
        done = min(run.plan.progress(run.step), run.seconds / (60 * asked["minutes"]))
        run.plan = Plan(steps=None, from_step=run.step, from_progress=min(done, 1.0))
    else:
        return
    for what in PARTS:
        run.take_part(what)


def _not_exact(before: Mapping[str, Any], run: Run) -> tuple[str, ...]:
    """Say why a resumed run will not be the same to the last bit, where it will not."""
    now = machine(run)
    changed = [f"{name} {before.get(name)} then, {now[name]} now" for name in now if before.get(name) != now[name]]
    return (f"going on, but not to the last bit: {', '.join(changed)}",) if changed else ()
