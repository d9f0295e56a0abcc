"""Resumption of a run from its last checkpoint, with the settings that may change, or the start of a new run."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from charrnn.config import TrainingConfig
from charrnn.errors import CharrnnError
from charrnn.storage import settings_file
from charrnn.storage.atomic_file import atomic_write
from charrnn.storage.run_directory import RunDirectory
from charrnn.storage.run_lock import RunLock
from charrnn.text import corpus as corpora
from charrnn.text.batching import steps_for_epochs
from charrnn.text.corpus import Corpus, verify_unchanged
from charrnn.text.decoding import check_encoding
from charrnn.text.source_file import CorpusFiles
from charrnn.text.sources import open_sources
from charrnn.training import checkpoint, checkpoint_file
from charrnn.training.device import choose_device, choose_precision, environment, set_threads
from charrnn.training.early_stopping import is_finished
from charrnn.training.lr_schedule import Plan
from charrnn.training.new_run import NewRunRequest, Session, start_new
from charrnn.training.prepare import Prepared, is_same_model, with_val_files
from charrnn.training.process_group import SINGLE_PROCESS, ProcessGroup
from charrnn.training.progress import RunProgress
from charrnn.training.train_options import (
    BUDGETS,
    CHANGEABLE_SETTINGS,
    MODEL_SETTINGS,
    PARTIAL_SPLIT_SETTINGS,
    RECIPE_SETTINGS,
    RUN_SETTINGS,
    TrainOptions,
)
from charrnn.training.trainer import Trainer

# A run from its last good checkpoint


def resume(
    sources: CorpusFiles | None,
    directory: RunDirectory,
    options: TrainOptions,
    device: str,
    group: ProcessGroup = SINGLE_PROCESS,
) -> Session:
    """Return the run, restored from its newest good checkpoint.

    `sources` None: the run's own copy of the text is used without comparison. Raise CharrnnError if no checkpoint is
    good, or if the text or a setting that must not change differs.
    """
    text = corpora.open_corpus(directory.corpus)
    verify_unchanged(text)
    problems: list[str] = []
    for path in reversed(directory.checkpoints()):
        try:
            saved = checkpoint_file.read_checkpoint(path)
            metadata = saved.info.to_dict()
            _check_same_settings(sources, text, options, metadata)
            training = dataclasses.replace(saved.info.record.training, **options.given(CHANGEABLE_SETTINGS))
            checkpoint.check_text_split(path, text, training)
            trainer = Trainer(text, saved.info.network, training, device, group)
            checkpoint.restore_content(trainer, saved, path)
        except checkpoint_file.DamagedError as error:
            problems.append(error.message)
            continue
        _apply_new_budget(trainer, options)
        if not is_finished(trainer):
            trainer.bookkeeping.mark_final_evaluation(False)
        damaged = (f"{problem}; using the one before" for problem in problems)
        notes = (*damaged, *_inexactness_notes(metadata["machine"], trainer))
        return Session(trainer=trainer, directory=directory, reason="", notes=notes, resumed=True)
    raise CharrnnError("; ".join(problems), hint=f"{_from_hint(directory)}`--new` starts over")


def _from_hint(directory: RunDirectory) -> str:
    """Return how another run continues with the model of a run, as the start of a hint; "" without a model."""
    return f"`--from {directory.model} --out DIR` continues with its model, " if directory.model.exists() else ""


def _check_same_settings(
    sources: CorpusFiles | None, text: Corpus, options: TrainOptions, metadata: Mapping[str, Any]
) -> None:
    """Raise CharrnnError unless the text and the settings are those that the run was started with."""
    if metadata["fingerprint"] != dict(text.fingerprint):
        raise CharrnnError(f"{text.path} is not the text of the run's checkpoint", hint="`--new` starts over")
    val_names = text.split.names if text.split else ()
    if sources is not None:
        if val_names and not options.val_file:
            sources = with_val_files(sources, open_sources(val_names))
        if bool(options.val_file) == bool(val_names):
            _check_same_text(sources, text, metadata["step"])
    saved = metadata["network"] | metadata["training"] | {"encoding": text.encoding, "min_count": text.min_count}
    saved |= {"documents": text.documents, "from": metadata.get("from"), "val_file": ", ".join(val_names) or "none"}
    requested = options.given(name for name in saved if name not in (*BUDGETS, *CHANGEABLE_SETTINGS))
    if "val_file" in requested:
        requested["val_file"] = saved["val_file"] if val_names else ", ".join(requested["val_file"])
    if "from" in requested and is_same_model(saved["from"], requested["from"]):
        requested["from"] = saved["from"]
    if "encoding" in requested:
        requested["encoding"] = check_encoding(requested["encoding"])
    differing = [
        f"{name}: saved {saved[name]}, requested {value}" for name, value in requested.items() if value != saved[name]
    ]
    if differing:
        raise CharrnnError(
            f"the run was started with other settings ({'; '.join(differing)})",
            hint="`--new` starts over, `--out DIR` keeps both",
        )


def _check_same_text(sources: CorpusFiles, text: Corpus, step: int) -> None:
    """Raise CharrnnError if the text differs: by size and modification time, and if these differ, by checksum."""
    current, saved = sources.fingerprint(), text.fingerprint
    same_size = current["bytes"] == saved["bytes"]
    if same_size and (current["modified"] == saved["modified"] or sources.checksum() == saved["sha256"]):
        return
    if sources.name != text.name:
        raise CharrnnError(f"the run is of {text.name}, not of {sources.name}", hint="`--out DIR` keeps both")
    text_name = "the text" if sources.name == sources.files[0].name and len(sources.files) > 1 else sources.name
    has_grown = current["bytes"] > saved["bytes"]
    change = f"grew from {saved['bytes']:,} to {current['bytes']:,} bytes" if has_grown else "changed"
    size = "" if has_grown else f" (was {saved['bytes']:,} bytes)"
    hint = _from_hint(RunDirectory(text.path.parent)) or "`--out DIR` keeps both, "
    raise CharrnnError(
        f"{text_name} {change} since step {step:,}{size}", hint=f"restore the old text; {hint}`--new` starts over"
    )


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The budget that a resumed run was given: a number of steps, or minutes, or neither (None)."""

    steps: int | None = None
    minutes: float | None = None

    def is_spent(self, progress: RunProgress) -> bool:
        """Return whether a run has already used the budget; an absent budget always is spent."""
        steps_spent = self.steps is None or self.steps <= progress.step
        return steps_spent and (self.minutes is None or self.minutes <= progress.seconds / 60)


def new_plan(budget: Budget, training: TrainingConfig, progress: RunProgress) -> Plan | None:
    """Return the plan of a resumed run for its budget; None if the saved plan stays.

    >>> progress = RunProgress(plan=Plan(steps=100), step=40)
    >>> new_plan(Budget(steps=80), TrainingConfig(batch=4, length=16, lr=0.01, steps=100), progress).steps
    80
    """
    if budget.steps is not None and (budget.steps != progress.plan.steps or training.minutes):
        return Plan(steps=budget.steps)
    if budget.minutes is not None and budget.minutes != training.minutes:
        done = min(progress.fraction, progress.seconds / (60 * budget.minutes))
        return Plan(steps=None, from_step=progress.step, from_progress=min(done, 1.0))
    return None


def _requested_budget(trainer: Trainer, options: TrainOptions) -> Budget:
    """Return the budget of the given options, with epochs as steps."""
    if options.epochs is None:
        return Budget(steps=options.steps, minutes=options.minutes)
    batch, length = trainer.training.batch, trainer.training.length
    return Budget(
        steps=steps_for_epochs(options.epochs, characters=trainer.train_characters, batch=batch, length=length)
    )


def _apply_new_budget(trainer: Trainer, options: TrainOptions) -> None:
    """Change the plan of a resumed run if its budget differs from the saved one and is not already spent."""
    budget = _requested_budget(trainer, options)
    if trainer.bookkeeping.final_evaluated and budget.is_spent(trainer.progress):
        return
    plan = new_plan(budget, trainer.training, trainer.progress)
    if plan is not None:
        minutes = budget.minutes if plan.steps is None else None
        trainer.change_plan(plan, dataclasses.replace(trainer.training, steps=plan.steps, minutes=minutes))


def _inexactness_notes(before: Mapping[str, Any], trainer: Trainer) -> tuple[str, ...]:
    """Return a note on the changes of the environment after which a resumed run is not bit for bit the same."""
    before, now = {"processes": 1, **before}, {"processes": 1, **environment(trainer.device, trainer.group.world)}
    changed = [f"{name} {old} then, {now[name]} now" for name, old in before.items() if now.get(name, old) != old]
    return (f"resuming, but not bit for bit: {', '.join(changed)}",) if changed else ()


# The settings of a run with their origins, as a file for `--config`


def write_config(session: Session, options: TrainOptions, origins: Mapping[str, str]) -> None:
    """Write the settings of a new run with their origins as a file for `--config` (OSError)."""
    trainer = session.trainer
    settings: dict[str, Any] = {"corpus": list(options.corpus)} if options.corpus else {}
    settings |= dataclasses.asdict(trainer.network.config) | dataclasses.asdict(trainer.training)
    settings |= options.given(name for name in RUN_SETTINGS if name not in settings)
    if options.val_file:
        settings |= {"val_file": list(options.val_file), **dict.fromkeys(PARTIAL_SPLIT_SETTINGS)}
    # `--config` accepts one budget only, and epochs have been converted to steps.
    settings |= {"epochs": None} | ({"steps": None} if settings["minutes"] else {})
    origin_of = {**dict.fromkeys(RECIPE_SETTINGS, "chosen for this text"), **origins}
    if trainer.init_from:
        origin_of |= dict.fromkeys(MODEL_SETTINGS, "determined by the pretrained model")
    settings = {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
    lines = {name: (value, origin_of.get(name, "default")) for name, value in settings.items() if value is not None}
    atomic_write(session.directory.config, settings_file.format_settings(lines).encode())


# A new run or a resumed one, on the requested device


def start_or_resume(
    prepared: Prepared, options: TrainOptions, lock: RunLock, group: ProcessGroup = SINGLE_PROCESS
) -> Session:
    """Return a new run or a resumed one, by the options of the command (CharrnnError)."""
    set_threads(options.threads, group.world)
    device = choose_device(options.device, group.world)
    if prepared.sources is not None and prepared.counts is not None:
        request = NewRunRequest(
            sources=prepared.sources,
            counts=prepared.counts,
            directory=prepared.directory,
            options=dataclasses.replace(options, precision=choose_precision(options.precision, device)),
            device=device,
            pretrained=prepared.pretrained,
            val_files=prepared.val_files,
            group=group,
        )
        return start_new(request, lock)
    lock.acquire()
    session = resume(prepared.sources, prepared.directory, options, device, group)
    return dataclasses.replace(session, notes=(*_resume_notes(prepared, lock, session), *session.notes))


def _resume_notes(prepared: Prepared, lock: RunLock, session: Session) -> list[str]:
    """Return notes on a resumed run that may surprise the user."""
    path, notes = prepared.directory.path, []
    if prepared.sources is None:
        notes.append(f"resuming with the text of {path}; standard input is not read")
    if lock.left_by_a_killed_process and not session.finished:
        notes.append(f"the last training in {path} did not end cleanly")
    return notes
