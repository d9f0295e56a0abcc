"""Option types, arguments and sections of the help that several commands share, and the layout of the help."""

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click

from charrnn.arguments import shortened
from charrnn.cli.path_types import ModelType, model_callback
from charrnn.cli.streams import require_output, write_note
from charrnn.errors import choice_hint, gpu_number

GUESSES = 5
"""default number of most likely characters that are shown below the actual one"""
COMMON, OUTPUT, OTHER = "Common options", "Output", "Other options"
"""headings in the help of several commands; OTHER is always the last"""
MAX_SHOWN_CHARS = 40
"""characters of a value that an error message shows"""

# Option types


class Word(click.Choice[str]):
    """Type of one of a few words; the error for another word names a similar one, or how to select a GPU."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word (click.BadParameter)."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            hint = choice_hint(str(value), self.choices)
            if (gpu := gpu_number(str(value), self.choices)) and ctx:
                hint = f"`CUDA_VISIBLE_DEVICES={gpu} {ctx.command_path} ... --device cuda`"
            error.__notes__ = [hint] if hint else []
            raise


class Number(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of Click only
    """Type of a finite number within bounds; unlike Click's own types, it accepts neither nan nor inf.

    `hard_limit` is a second upper bound, which messages mention only if a value exceeds it. `meaning` explains a
    special value in messages.
    """

    name = "number"

    def __init__(
        self,
        low: float = -math.inf,
        high: float = math.inf,
        *,
        integer: bool = False,
        low_excluded: bool = False,
        meaning: str = "",
        hard_limit: float = math.inf,
    ) -> None:
        self.low, self.high, self.integer, self.low_excluded = low, high, integer, low_excluded
        self.meaning = meaning
        self.hard_limit = hard_limit

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - Click's signature
        """Return the placeholder of the value in the help: N for a whole number, F for any other."""
        return "N" if self.integer else "F"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number for a value (click.BadParameter)."""
        number = _number(value, integer=self.integer)
        fits = (
            number is not None and self.low <= number <= self.high and not (self.low_excluded and number == self.low)
        )
        if number is None or not fits or (self.integer and number != int(number)):
            self.fail(f"must be {self.requirement}, not {shortened(str(value), MAX_SHOWN_CHARS)}", param, ctx)
        if number > self.hard_limit:
            self.fail(
                f"must be at most {self.hard_limit:,}, not {shortened(str(value), MAX_SHOWN_CHARS)}", param, ctx
            )
        return int(number) if self.integer else number

    @property
    def requirement(self) -> str:
        """Description of the valid numbers.

        >>> Number(0, meaning="0: always the likeliest").requirement, Number(0, 1, low_excluded=True).requirement
        ('a number ≥ 0 (0: always the likeliest)', 'a number > 0 and ≤ 1')
        """
        bounds = [f"{'>' if self.low_excluded else '≥'} {self.low:,}"] if math.isfinite(self.low) else []
        bounds += [f"≤ {self.high:,}"] if math.isfinite(self.high) else []
        words = ["a whole number" if self.integer else "a number", " and ".join(bounds)]
        return " ".join(filter(None, [*words, self.meaning and f"({self.meaning})"]))


def _number(value: Any, *, integer: bool) -> float | None:
    """Return a finite number, exact if it must be whole; None if the value is not one."""
    if isinstance(value, bool):
        return None
    if integer:
        with suppress(ValueError):
            return int(str(value))
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


ESCAPES = {r"\\n": "newline", r"\\t": "tab", r"\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}": "character code"}
"""patterns of escape sequences, which a shell passes unchanged, and what they stand for"""


def newline_hint(text: str) -> str:
    r"""Return how a shell passes a newline, if a text has an escape sequence instead, which charrnn reads as it is.

    >>> newline_hint(r"A:\nB"), newline_hint("A:\nB")
    ("a newline is written $'\\n' in the shell", '')
    """
    matches = ((name, re.search(pattern, text)) for pattern, name in ESCAPES.items())
    return next((f"a {name} is written $'{match[0]}' in the shell" for name, match in matches if match), "")


def note_newlines(texts: Sequence[tuple[str, str]], quiet: bool) -> None:
    """Print a note about each text, with the name of its option, that has an escape sequence, unless quiet."""
    for name, text in texts:
        if not quiet and (hint := newline_hint(text)):
            write_note(f"note: {name} has a backslash, which is read as it is; {hint}")


# Commands and the sections of their help


class Option(click.Option):
    """An option with the heading under which the help lists it; `{default}` in its help is the declared default."""

    def __init__(self, *args: Any, section: str = OTHER, **kwargs: Any) -> None:
        help_text = str(kwargs.get("help") or "").replace("{default}", str(kwargs.get("default")))
        super().__init__(*args, **(kwargs | {"help": help_text}))
        self.section = section


class Command(click.Command):
    """A command whose help shows examples, then options under headings, then notes under headings."""

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
        # Whether the command writes its results to standard output, so that it is useless without one.
        self.writes = writes

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command; raise CharrnnError if it writes results and there is no standard output."""
        if self.writes or ctx.params.get("as_json"):
            require_output()
        return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; add the command, a similar option or a file of that name to Click's errors."""
        files = [argument for argument in args if argument.startswith("-") and Path(argument).is_file()]
        try:
            return super().parse_args(ctx, args)
        except click.BadOptionUsage as error:
            error.ctx = error.ctx or ctx
            raise
        except click.NoSuchOption as error:
            hint = f"the file is ./{files[0]}" if files else hint_to_command(ctx, error)
            error.__notes__ = [hint] if hint else []
            raise

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the description of the command, then its examples."""
        super().format_help_text(ctx, formatter)
        write_examples(formatter, self.examples)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under their headings in the order of their declaration, then the notes."""
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


def hint_to_command(ctx: click.Context, error: click.NoSuchOption) -> str:
    """Return the most useful hint about an option that does not exist; "" if there is none.

    Commands with this option come first, then longer options, this command's before others, then similar options.
    """
    commands, name = _commands_by_option(ctx), error.option_name
    if name not in commands:
        from difflib import get_close_matches

        own = [own_name for param in ctx.command.get_params(ctx) for own_name in param.opts]
        words = {option_name[2:]: option_name for option_name in [*own, *commands] if option_name.startswith("--")}
        longer = [word for word in words if f"--{word}".startswith(name) or re.match(f"--{word}[-_]", name)]
        similar = longer or get_close_matches(name.lstrip("-"), words, n=1, cutoff=0.7)
        name = words[similar[0]] if similar else ""
        if name in own:
            return f"did you mean {name}?"
    paths = ", ".join(f"`{ctx.find_root().info_name} {command}`" for command in commands.get(name, ()))
    return f"{name} is an option of {paths}" if paths else ""


def _commands_by_option(ctx: click.Context) -> dict[str, list[str]]:
    """Return the names of the other commands that have an option, by the names of the option."""
    group, commands = ctx.find_root().command, dict[str, list[str]]()
    if isinstance(group, click.Group):
        for name in group.list_commands(ctx):
            command = group.get_command(ctx, name)
            params = command.params if command and command is not ctx.command else []
            for param in params:
                for option_name in param.opts if isinstance(param, click.Option) else ():
                    commands.setdefault(option_name, []).append(name)
    return commands


def write_examples(formatter: click.HelpFormatter, examples: Sequence[tuple[str, str]]) -> None:
    """Write example commands with their descriptions."""
    with formatter.section("Examples"):
        formatter.write_dl(examples, col_max=48)


# Decorators

option = partial(click.option, cls=Option)
"""click.option with a section"""

model_argument = click.argument("model", required=False, metavar="[MODEL]", type=ModelType(), callback=model_callback)
"""path of a model file, given as itself or as the directory of a run; by default of the newest run"""

json_option = option("--json", "as_json", is_flag=True, section=OUTPUT, help="Write JSON instead of text.")

quiet_option = option(
    "-q", "--quiet", is_flag=True, is_eager=True, section=OUTPUT, help="Write only errors to standard error."
)
