"""Colored samples of `charrnn sample --show`: text with the surprisal or an activation of each character."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from charrnn.cli.cell_types import CellOrConcept, clamp_name
from charrnn.cli.sample_endings import Endings
from charrnn.cli.sample_options import SURPRISAL, SampleOptions
from charrnn.cli.sample_output import announce_sample, write_plain
from charrnn.cli.sampler import Sampler
from charrnn.cli.streams import TextOutput, terminal_columns
from charrnn.generation.generate import GeneratedChar
from charrnn.generation.measured import (
    Activation,
    MeasuredChar,
    cell_activation,
    state_after,
    with_activation,
    with_surprisal,
)
from charrnn.network.cell_id import CellId, check_cell
from charrnn.network.cells import State
from charrnn.views.colored_writing import ColoredWriting
from charrnn.views.console import stderr_console, stdout_console
from charrnn.views.sanitize import is_terminal, light_background, unicode_output
from charrnn.views.value_scale import ActivationScale, SurprisalScale, ValueScale

DEFAULT_COLUMNS = 80
"""columns of a terminal that does not report its width"""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What --show shows: the surprisal of each character, or an activation after it."""

    scale: ValueScale
    activation: Activation | None
    """None for surprisal"""

    @classmethod
    def of(cls, show: CellOrConcept, sampler: Sampler) -> "Measure":
        """Return the measure of a value of --show (CharrnnError)."""
        if show == SURPRISAL:
            return cls(scale=SurprisalScale(), activation=None)
        if isinstance(show, CellId):
            label = f"{sampler.rnn.signal_name} of {show}"
            return cls(scale=ActivationScale(label=label), activation=cell_activation(sampler.rnn, show))
        carrier = sampler.carriers[str(clamp_name(show))]
        label = f"level of {carrier.concept.name}, −1 outside and +1 inside, in {carrier.description}"
        return cls(scale=ActivationScale(label=label), activation=carrier.level_in)

    def values(
        self, generated: Iterable[GeneratedChar], last_state: Callable[[GeneratedChar], State]
    ) -> Iterator[MeasuredChar]:
        """Yield each generated character with its value; `last_state` returns the state after the last one."""
        if self.activation is None:
            return with_surprisal(generated)
        return with_activation(generated, self.activation, last_state)

    def sample(self, sampler: Sampler, seed: int) -> Iterator[MeasuredChar]:
        """Yield the characters of the sample with a seed, and their values."""
        last_state = partial(state_after, rnn=sampler.rnn, clamps=sampler.prefilled.clamps)
        return self.values(sampler.sample(seed), last_state)


def write_shown(sampler: Sampler, options: SampleOptions) -> None:
    """Draw the samples on a terminal, each character as soon as its value is known; a pipe receives plain text."""
    output, endings = TextOutput(), Endings(sampler.stop)
    assert options.show is not None
    check_shown(options.show, sampler)
    if not output.terminal:
        write_plain(sampler, options)
        return
    measure = Measure.of(options.show, sampler)
    writing = colored_writing(measure.scale, output)
    seeds = options.seeds()
    try:
        for number, seed in enumerate(seeds):
            writing.finish()
            announce_sample(output, sampler, options, number=number, seed=seed)
            if not number:
                write_legend(writing, quiet=options.quiet)
            writing.write_plain("" if options.no_prompt else sampler.prompt)
            endings.start()
            for generated, value in measure.sample(sampler, seed):
                if generated.char:
                    writing.write(generated.char, value)
                    endings.add(generated.char)
    finally:
        writing.finish()
    endings.write_notes(sampler.params, quiet=options.quiet)


def check_shown(show: CellOrConcept, sampler: Sampler) -> None:
    """Raise WrongUsageError if there is no such cell or concept; no carrier is searched."""
    if isinstance(show, CellId):
        check_cell(show, layers=sampler.rnn.config.layers, units=sampler.rnn.config.hidden)
    elif show != SURPRISAL:
        from charrnn.inspection.concepts.custom import parse_concept

        parse_concept(show)


def colored_writing(scale: ValueScale, output: TextOutput) -> ColoredWriting:
    """Return the drawing of a text on standard output, which is a terminal."""
    console = stdout_console()
    return ColoredWriting(
        scale,
        color_system=None if console.no_color else console.color_system,
        light=light_background(),
        unicode=unicode_output(console),
        columns=lambda: terminal_columns(sys.stdout) or DEFAULT_COLUMNS,
        emit=output.draw,
    )


def write_legend(writing: ColoredWriting, *, quiet: bool) -> None:
    """Write the legend to standard error if that is a terminal, unless quiet."""
    if is_terminal(sys.stderr) and not quiet:
        stderr_console().print(writing.scale.legend(writing.styles, unicode=writing.unicode))
