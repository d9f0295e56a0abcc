"""A model that has read its prompt and is ready to write: what `charrnn sample` does before the first character.

What becomes of what is written is left to `writing` and `comparing`.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.cli import cores
from charrnn.cli.asked import Asked
from charrnn.cli.streams import DIM, tell
from charrnn.ending import Ending
from charrnn.network.model_file import Model, load
from charrnn.network.reader import Reader
from charrnn.prompt import LONG, Pieces, Watched
from charrnn.sampling import Choice, Opening, Written, generate, opening
from charrnn.steering import Signals, held_at
from charrnn.text.vocabulary import named
from charrnn.together import LANES, Piece, generate_together, in_order
from charrnn.views.terminal import animated, is_terminal, talk

MOST_TOGETHER = 64_000_000
"""characters that texts written together may have, all but one of which are kept in memory"""


@dataclass(frozen=True, kw_only=True)
class Writer:
    """A model that has read its prompt and can be set to write again and again."""

    path: Path
    model: Model
    reader: Reader
    prompt: str
    opening: Opening
    choice: Choice
    ending: Ending
    held: Signals = field(default_factory=dict)
    """the cells that are held while it reads and writes"""

    def write(self, seed: int) -> Iterator[Written]:
        """Write with that seed."""
        return generate(
            self.reader,
            self.model.vocabulary,
            rng=np.random.default_rng(seed),
            begin=self.opening,
            choice=self.choice,
            ending=self.ending,
        )

    def write_all(self, seeds: Sequence[int], *, costs: bool) -> Iterator[Piece]:
        """Write with each seed, together if that can be; give the texts in order, with what they cost if wished.

        There is a piece of each, even if nothing is written.
        """
        length = self.ending.length
        if len(seeds) == 1 or length is None or min(len(seeds), LANES) * length > MOST_TOGETHER:
            for number, seed in enumerate(seeds):
                yield Piece(number, "", 0, 0)
                for one in self.write(seed):
                    yield Piece(number, one.character, one.nats if costs else 0, 1)
            return
        rngs = (np.random.default_rng(seed) for seed in seeds)
        yield from in_order(
            generate_together(
                self.reader,
                self.model.vocabulary,
                rngs=rngs,
                begin=self.opening,
                choice=self.choice,
                ending=self.ending,
                costs=costs,
            )
        )

    def holding(self, held: Signals) -> "Writer":
        """Give the same writer with these cells held too, the prompt read anew."""
        every = {**self.held, **held}
        begun = opening(
            self.reader, self.model.vocabulary, self.prompt, unknown="skip", clamps=held_at(self.reader, every)
        )
        return replace(self, opening=begun, held=every)

    def described(self) -> dict[str, Any]:
        """Say, for scripts, by what is written."""
        held = {f"{layer}.{unit}": value for (layer, unit), value in self.held.items()}
        return {
            "model": str(self.path),
            "prompt": self.prompt,
            "temperature": self.choice.temperature,
            "step": self.model.training.get("step"),
        } | ({"clamps": held} if held else {})


def writer_of(path: Path, asked: Asked) -> Writer:
    """Load the model and have it read the prompt."""
    prompt, choice = asked.text(), asked.choice()
    model = load(path)
    ending = asked.ending(model)
    unknown = model.vocabulary.unknown_in(prompt)
    if unknown and asked.unknown == "skip" and not asked.quiet:
        tell(f"note: left out of the prompt what the model never saw: {named(unknown)}")
    reader = _reader(model, asked.device)
    begun = opening(
        reader,
        model.vocabulary,
        prompt,
        unknown=asked.unknown,
        clamps=held_at(reader, asked.held),
        watched=_watched(len(prompt), quiet=asked.quiet),
    )
    return Writer(
        path=path,
        model=model,
        reader=reader,
        prompt=prompt,
        opening=begun,
        choice=choice,
        ending=ending,
        held=asked.held,
    )


def _reader(model: Model, device: str) -> Reader:
    """Lay a model out where it is to be stepped; torch is needed for nothing but another device."""
    if device == "cpu":
        return Reader.of(model)
    cores.require_memory_for_torch()
    import torch

    from charrnn.training.device import choose_device

    chosen = torch.device(choose_device(device))
    return Reader.of(model, arrays=lambda weight: torch.from_numpy(weight.copy()).to(chosen))


def _watched(characters: int, *, quiet: bool) -> Watched:
    """Show how the reading of a long prompt goes, on a terminal."""
    what = f"reading a prompt of {characters:,} characters"
    if characters < LONG or quiet or not is_terminal(sys.stderr):
        return iter
    if not animated(sys.stderr):
        tell(what, style=DIM)
        return iter

    def shown(pieces: Pieces) -> Iterator[Any]:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        description = TextColumn("{task.description}", style="progress.description", markup=False)
        remaining = TimeRemainingColumn(elapsed_when_finished=True)
        columns = description, BarColumn(), TaskProgressColumn(), remaining
        with Progress(*columns, console=talk(), transient=True) as progress:
            yield from progress.track(pieces, description=what)

    return shown
