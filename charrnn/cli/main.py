"""The command group, and the one place where errors are handled.

The module of a command is imported when the command is called, so that help is fast. Bugs keep their traceback.
"""

import importlib
import os
from collections.abc import Sequence

import click

from charrnn._version import __version__
from charrnn.cli.error_handler import Failure, Shortage, flush_or_discard, handle_error, out_of_memory
from charrnn.cli.options import hint_to_command, write_examples
from charrnn.cli.path_types import VARIABLE, complete
from charrnn.cli.streams import flush_output, write_output

COMMANDS = {
    "train": "Train on a text; run it again to continue after a stop.",
    "sample": "Generate text.",
    "inspect": "Find interpretable cells, and show what they do.",
    "score": "Measure how well a model predicts a text.",
    "info": "List the runs here, or show how one was trained.",
    "import": "Import a model of another program.",
    "export": "Write a model for PyTorch, NumPy, ONNX or a model hub.",
}

MODULES = {"import": "import_model"}
"""module of a command, and its function there, where Python reserves the name of the command"""

EXAMPLES = (
    ("charrnn train hamlet.txt", "train on a text"),
    ('charrnn sample -p "HAMLET:" -t 0.7', "generate text with the newest model"),
    ("charrnn inspect", "search its cells for concepts"),
)


class Commands(click.Group):
    """The commands by name; the module of a command is imported when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None if there is no command of this name."""
        if cmd_name not in COMMANDS:
            return None
        module = MODULES.get(cmd_name, cmd_name)
        command = getattr(importlib.import_module(f"charrnn.cli.{module}"), module)
        assert isinstance(command, click.Command)
        help_option = command.get_help_option(ctx)
        assert help_option is not None
        help_option.callback = _print_help
        return command

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the help option, with a callback that reports a failure to write as all commands do."""
        help_option = super().get_help_option(ctx)
        assert help_option is not None
        help_option.callback = _print_help
        return help_option

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command of a command line; raise UsageError with a similar name if there is none."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            similar = get_close_matches(name, COMMANDS, n=1)
            error = click.UsageError(f"no such command {name!r}", ctx)
            error.__notes__ = [f"did you mean `charrnn {similar[0]}`?"] if similar else _hint_to_path(name)
            raise error
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments before the command; the error for an option of a command names the command."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            hint = hint_to_command(ctx, error)
            error.__notes__ = [hint] if hint else []
            raise

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the description of charrnn, then examples."""
        super().format_help_text(ctx, formatter)
        write_examples(formatter, EXAMPLES)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the options that precede a command."""
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - Click's
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _hint_to_path(name: str) -> list[str]:
    """Return the command that was meant, if the name of a text or a model is in the place of a command's name."""
    import shlex
    from pathlib import Path

    path = Path(name)
    is_model = path.suffix == ".safetensors" or (path / "model.safetensors").exists()
    return [f"`charrnn {'sample' if is_model else 'train'} {shlex.quote(name)}`"] if path.exists() else []


def _print_help(ctx: click.Context, _parameter: click.Parameter, is_requested: bool) -> None:
    """Print the help of a command and exit (OutputError)."""
    if is_requested and not ctx.resilient_parsing:
        write_output(f"{ctx.get_help()}\n")
        ctx.exit()


def _print_version(ctx: click.Context, _parameter: click.Parameter, is_requested: bool) -> None:
    """Print the versions of charrnn, torch and Python, without importing torch, and exit (OutputError)."""
    if not is_requested or ctx.resilient_parsing:
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
    """Train a character-level LSTM, GRU or RNN on any text, generate more of it, and find its interpretable cells."""


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; errors are reported on standard error."""
    try:
        instruction = os.environ.get(VARIABLE)
        code = complete(charrnn, instruction) if instruction else _call(arguments)
        flush_output()
    except Failure as error:
        code = handle_error(error)
    except Shortage as error:
        code = out_of_memory(error)
    flush_or_discard()
    return code


def _call(arguments: Sequence[str]) -> int:
    """Call the command; unlike Click's `main`, leave a closed pipe and Ctrl-C to the error handler."""
    try:
        with charrnn.make_context("charrnn", list(arguments), obj=tuple(arguments)) as context:
            charrnn.invoke(context)
    except click.exceptions.Exit as exit_request:
        return exit_request.exit_code
    return 0
