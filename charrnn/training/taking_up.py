"""Takes up a training that is prepared: begins it, or goes on with the one that was stopped, on the device asked for.

What may be begun, and what may be gone on with, is left to the session.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch

from charrnn.training.device import choose_device, choose_precision
from charrnn.training.lock import RunLock
from charrnn.training.preparing import Prepared
from charrnn.training.session import Session, resume, start_new


def start_or_resume(prepared: Prepared, options: Mapping[str, Any], lock: RunLock) -> Session:
    """Begin the run, or go on with it; the options are those of the command (CharrnnError)."""
    if options["threads"]:
        torch.set_num_threads(options["threads"])
    device, precision = choose_device(options["device"]), options["precision"]
    if prepared.sources is not None and prepared.counts is not None:
        return start_new(
            prepared.sources,
            prepared.counts,
            prepared.directory,
            {**options, "precision": choose_precision(precision, device)},
            device,
            new=options["new"],
            pretrained=prepared.pretrained,
            lock=lock,
        )
    lock.acquire()
    given = {**options, "precision": None if precision == "auto" else precision}
    session = resume(prepared.sources, prepared.directory, given, device)
    return dataclasses.replace(session, notes=(*_resume_notes(prepared, lock, session), *session.notes))


def _resume_notes(prepared: Prepared, lock: RunLock, session: Session) -> list[str]:
    """Say what the user may not expect of going on."""
    where, notes = prepared.directory.path, []
    if prepared.sources is None:
        notes.append(f"going on with the text of {where}; standard input is not read")
    if lock.left_by_a_killed_process and not session.finished:
        notes.append(f"the last training in {where} did not end cleanly")
    return notes
