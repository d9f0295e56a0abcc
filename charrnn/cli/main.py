"""The command group, and the one place where errors are handled.

The module of a command is imported when the command is called, so that help is fast. Bugs keep their traceback.
"""

import importlib
import os
from collections.abc import Sequence

import click

from charrnn._version import __version__
from charrnn.cli.error_handler import Failure, Shortage, flush_or_discard, handle_error, out_of_memory
from charrnn.cli.options import write_examples
from charrnn.cli.path_types import VARIABLE, complete
from charrnn.cli.streams import flush_output, write_output

COMMANDS = {
    "train": "Learn a text; run it again to continue after a stop.",
    "sample": "Write text.",
    "inspect": "Find the cells that mean something, and show what they do.",
    "score": "Measure how well a model predicts a text.",
    "info": "List the runs here, or show how one was trained.",
}

EXAMPLES = (
    ("charrnn train hamlet.txt", "learn a text"),
    ('charrnn sample -p "HAMLET:" -t 0.7', "write with the newest model"),
    ("charrnn inspect", "look inside its cells"),
)


class Commands(click.Group):
    """The commands by name; each is found in the module of that name once it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        """Name the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"charrnn.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        help_option = command.get_help_option(ctx)
        assert help_option is not None
        help_option.callback = _print_help
        return command

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the help option, with a callback that reports failures to write as the other commands' do."""
        help_option = super().get_help_option(ctx)
        assert help_option is not None
        help_option.callback = _print_help
        return help_option

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant, or name one that may be."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, n=1)
            error = click.UsageError(f"no such command {name!r}", ctx)
            error.__notes__ = [f"did you mean `charrnn {near[0]}`?"] if near else []
            raise error
        return super().resolve_command(ctx, args)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what charrnn is, then examples."""
        super().format_help_text(ctx, formatter)
        write_examples(formatter, EXAMPLES)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the few options that come before them."""
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - Click's
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_help(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Print the help of a command and exit (OutputError)."""
    if wanted and not ctx.resilient_parsing:
        write_output(f"{ctx.get_help()}\n")
        ctx.exit()


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Say which charrnn this is and what it stands on, without importing torch."""
    if not wanted or ctx.resilient_parsing:
        return
    import platform
    from importlib.metadata import PackageNotFoundError, version

    try:
        torch = f"torch {version('torch')}, "
    except PackageNotFoundError:
        torch = ""
    write_output(f"charrnn {__version__} ({torch}Python {platform.python_version()})\n")
    ctx.exit()


@click.group(
    cls=Commands,
    subcommand_metavar="COMMAND ...",
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "CHARRNN"},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    allow_from_autoenv=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def charrnn() -> None:
    """Learn any text with a character-level LSTM, GRU or RNN, write more of it, and see what its cells follow."""


def run(arguments: Sequence[str]) -> int:
    """Run a command and give its exit code; what goes wrong is told on standard error."""
    try:
        instruction = os.environ.get(VARIABLE)
        code = complete(charrnn, instruction) if instruction else _call(arguments)
        flush_output()
    except Failure as error:
        code = handle_error(error)
        flush_or_discard()
    except Shortage as error:
        code = out_of_memory(error)
        flush_or_discard()
    return code


def _call(arguments: Sequence[str]) -> int:
    """Call the command; Click's own way of doing it takes a closed pipe and Ctrl-C for failures of its own."""
    try:
        with charrnn.make_context("charrnn", list(arguments), obj=tuple(arguments)) as context:
            charrnn.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    return 0
