"""Option types, arguments and sections of the help that several commands share."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click

from charrnn.cli.path_types import ModelType
from charrnn.cli.streams import require_output
from charrnn.errors import WrongUsageError
from charrnn.network.cell_id import CellId, parse_cell
from charrnn.storage.run_directory import find_model

Options = Mapping[str, Any]
"""the command's options by their names"""


GUESSES = 5
"""left to ourselves"""


# Types, sections and options

COMMON, OUTPUT, OTHER = "Common options", "Output", "Other options"
"""headings that several commands have; the last stands last"""

MAX_CHARACTERS = 10**12
"""of a text, read or written: more than anyone will wait for"""
MAX_SHOWN_CHARS = 40
"""characters of a value that an error repeats"""


class CellType(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of Click only
    """Reads a cell's name; whether the network has that cell is left to whoever has the network."""

    name = "cell"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - Click's signature
        """Show what is to be written."""
        return "L.J"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> CellId:
        """Turn "2.317" into layer and unit."""
        if isinstance(value, CellId):
            return value
        try:
            return parse_cell(str(value))
        except WrongUsageError:
            self.fail(_cell_wanted(value), param, ctx)


def _cell_wanted(value: object) -> str:
    return f"must be layer.unit, layers from 1, units from 0, such as 2.317; not {_shortened(repr(value))}"


class ClampType(click.ParamType):  # type: ignore[type-arg]  # see CellType
    """Reads a cell's name and the value that it is to be held at."""

    name = "held cell"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - Click's signature
        """Show what is to be written."""
        return "L.J=F"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[CellId, float]:
        """Turn "2.317=-1" into a cell and a number."""
        if isinstance(value, tuple):
            return value
        cell, sign, number = str(value).partition("=")
        if not sign:
            self.fail(f"must be a cell and its value, such as 2.317=1; not {_shortened(repr(value))}", param, ctx)
        return CellType().convert(cell, param, ctx), Number(-1, 1).convert(number, param, ctx)


class Number(click.ParamType):  # type: ignore[type-arg]  # see CellType
    """A finite number within bounds; nan and inf, which Click's own types let through, are none.

    `most` is a bound beyond all reason, which is told only where it is passed.
    """

    name = "number"

    def __init__(
        self,
        low: float = -math.inf,
        high: float = math.inf,
        *,
        whole: bool = False,
        above: bool = False,
        meaning: str = "",
        most: float = math.inf,
    ) -> None:
        self.low, self.high, self.whole, self.above = low, high, whole, above
        self.meaning = meaning
        self.most = most

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - Click's signature
        """Show what is to be written: N for a whole number, F for any."""
        return "N" if self.whole else "F"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Turn what was written into a number, or say what it must be."""
        number = _number(value, whole=self.whole)
        fits = number is not None and self.low <= number <= self.high and not (self.above and number == self.low)
        if number is None or not fits or (self.whole and number != int(number)):
            self.fail(f"must be {self.demand}, not {_shortened(str(value))}", param, ctx)
        if number > self.most:
            self.fail(f"must be at most {self.most:,}, not {_shortened(str(value))}", param, ctx)
        return int(number) if self.whole else number

    @property
    def demand(self) -> str:
        """Say what it must be.

        >>> Number(0, meaning="0: always the likeliest").demand, Number(0, 1, above=True).demand
        ('a number ≥ 0 (0: always the likeliest)', 'a number > 0 and ≤ 1')
        """
        bounds = [f"{'>' if self.above else '≥'} {self.low:,}"] if math.isfinite(self.low) else []
        bounds += [f"≤ {self.high:,}"] if math.isfinite(self.high) else []
        words = ["a whole number" if self.whole else "a number", " and ".join(bounds)]
        return " ".join(filter(None, [*words, self.meaning and f"({self.meaning})"]))


def _number(value: Any, *, whole: bool) -> float | None:
    """Read a finite number, exactly where it is to be whole; None for what is none."""
    if isinstance(value, bool):
        return None
    if whole:
        with suppress(ValueError):
            return int(str(value))
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _shortened(written: str) -> str:
    return written if len(written) <= MAX_SHOWN_CHARS else f"{written[:MAX_SHOWN_CHARS]}…"


class Option(click.Option):
    """An option that says under which heading of the help it stands."""

    def __init__(self, *args: Any, section: str = OTHER, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


class Command(click.Command):
    """A command whose help shows examples first, then its options under headings, then notes under theirs."""

    def __init__(
        self,
        *args: Any,
        examples: Sequence[tuple[str, str]] = (),
        notes: Sequence[tuple[str, Sequence[tuple[str, str]]]] = (),
        writes: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.notes = notes
        # Without a standard output there is no use in it.
        self.writes = writes

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command, if there is something to write its results to (CharrnnError)."""
        if self.writes or ctx.params.get("as_json"):
            require_output()
        return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; what is wrong is told with the command, or with the file taken for an option."""
        files = [argument for argument in args if argument.startswith("-") and Path(argument).is_file()]
        try:
            return super().parse_args(ctx, args)
        except click.BadOptionUsage as error:
            error.ctx = error.ctx or ctx
            raise
        except click.NoSuchOption as error:
            names = [name for param in self.get_params(ctx) for name in param.opts]
            meant = [f"did you mean {name}?" for name in names if name.startswith(error.option_name)]
            error.__notes__ = [f"the file is ./{files[0]}"] if files else meant[:1]
            raise

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, then examples."""
        super().format_help_text(ctx, formatter)
        write_examples(formatter, self.examples)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under their headings, in the order in which they were declared."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record and isinstance(param, click.Option):
                sections.setdefault(getattr(param, "section", OTHER), []).append(record)
        for heading in sorted(sections, key=lambda heading: heading == OTHER):
            with formatter.section(heading):
                formatter.write_dl(sections[heading])
        for heading, rows in self.notes:
            with formatter.section(heading):
                formatter.write_dl(rows)


def write_examples(formatter: click.HelpFormatter, examples: Sequence[tuple[str, str]]) -> None:
    """Write commands to type, each with what it is for."""
    with formatter.section("Examples"):
        formatter.write_dl(examples, col_max=48)


option = partial(click.option, cls=Option)
"""like click.option, with a section"""

model_argument = click.argument(
    "model",
    required=False,
    metavar="[MODEL]",
    type=ModelType(),
    callback=lambda _context, _parameter, named: find_model(named),
)
"""a run's directory or a model file, as the path of the file; left out, the newest run's"""

json_option = option("--json", "as_json", is_flag=True, section=OUTPUT, help="JSON instead of text, for scripts.")

quiet_option = option("-q", "--quiet", is_flag=True, section=OUTPUT, help="Nothing on standard error but errors.")
