"""The windows of a text as tensors on the device where the network learns, in one piece of memory for every step.

A text that fits lies on the device whole, in the narrowest type there is, and every window is gathered there. Of one
that does not, each window is read on the host and copied behind the device's back. Which text is read where is
`text.windows`'.
"""

import numpy as np
import torch
from torch import Tensor

from charrnn.config import TrainingConfig
from charrnn.text.windows import TrainingBatches

COPY_CHARS = 1 << 25
"""copied to the device, of a text that stays there"""


class DeviceBatches:
    """Windows of one shape, read as a step that is captured can read them: always by the same operations."""

    def __init__(self, batches: TrainingBatches, device: torch.device, *, max_bytes: float) -> None:
        """Put the text on the device, if it takes no more than `max_bytes` bytes."""
        self._windows, self._device = batches, device
        dtype = _id_dtype(len(batches.corpus.vocabulary))
        self.resident = batches.characters * dtype.itemsize <= max_bytes
        """whether the text lies on the device"""
        if self.resident:
            self._text = _copy_text(batches, device, dtype)
            self._step = torch.zeros((), dtype=torch.int64, device=device)
            starts = torch.from_numpy(batches.starts(0)).to(device)
            self._places = starts + torch.arange(batches.length + 1, device=device)[:, None]
        else:
            shape = (batches.length + 1, batches.batch)
            self._window = torch.zeros(shape, dtype=torch.int64, device=device)

    def set_step(self, step: int) -> None:
        """Have the next `batch_ids` give a step's windows; the device is not waited for."""
        if self.resident:
            self._step.fill_(step)
            return
        ids = torch.from_numpy(self._windows.batch_ids(step))
        # What is pinned stays as it is until it is copied, though a new one is read meanwhile.
        self._window.copy_(ids.pin_memory() if self._device.type == "cuda" else ids, non_blocking=True)

    def batch_ids(self) -> Tensor:
        """Give the windows, (T + 1, B)."""
        if not self.resident:
            return self._window
        places = (self._places + self._step * self._windows.length) % self._windows.characters
        return self._text[places].long()


class RandomBatch:
    """The same window of nonsense at every step: what steps are timed on before there is a text."""

    def __init__(self, training: TrainingConfig, vocabulary_size: int, device: torch.device) -> None:
        self._window = torch.randint(vocabulary_size, (training.length + 1, training.batch), device=device)

    def set_step(self, step: int) -> None:
        """Stay where it is."""

    def batch_ids(self) -> Tensor:
        """Give the window, (T + 1, B)."""
        return self._window


def _id_dtype(vocabulary_size: int) -> torch.dtype:
    """Choose the type of an id; those without a sign are not indexed by every device, the smallest aside."""
    if vocabulary_size <= 1 << 8:
        return torch.uint8
    return torch.int16 if vocabulary_size <= 1 << 15 else torch.int32


def _copy_text(batches: TrainingBatches, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Copy the text to the device, piece by piece, so that it is never in memory as a whole."""
    text = torch.empty(batches.characters, dtype=dtype, device=device)
    for begin in range(0, batches.characters, COPY_CHARS):
        end = min(begin + COPY_CHARS, batches.characters)
        text[begin:end] = torch.from_numpy(batches.corpus.ids[begin:end].astype(np.int32)).to(dtype)
        batches.corpus.release_pages()
    return text
