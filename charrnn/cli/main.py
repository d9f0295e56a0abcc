"""The command line: which commands there are, and how a failure is told.

A command's module is imported when it is called, so that help costs nothing. Bugs keep their traceback.
"""

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from difflib import get_close_matches

import click
from click.core import ParameterSource

from charrnn import __version__
from charrnn.cli.options import write_examples
from charrnn.cli.streams import BOLD_CYAN, BOLD_RED, styled
from charrnn.errors import COULD_NOT, WRONG_USAGE, CharrnnError
from charrnn.views.terminal import never_fail_to_encode, visible

COMMANDS = {
    "train": "Learn a text; the same command again goes on after a stop.",
    "sample": "Write text.",
    "inspect": "Find the cells that mean something, and show them.",
    "score": "Say how well a model predicts a text, in bits per character.",
    "info": "Say what a model is and how it was trained.",
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

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - Click's
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"charrnn.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant, or name one that may be."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
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
    click.echo(f"charrnn {__version__} ({torch}Python {platform.python_version()})")
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
    """Learn any text with a character-level LSTM or GRU, write more of it, and see which neurons mean something."""


def run(arguments: Sequence[str]) -> int:
    """Run a command and give its exit code; what goes wrong is told on standard error."""
    if "_CHARRNN_COMPLETE" in os.environ:
        charrnn.main(list(arguments), "charrnn")
    try:
        code = _call(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (CharrnnError, click.ClickException, click.Abort, KeyboardInterrupt, OSError) as error:
        code = _told(error)
        _settle_output()
    return code


def _call(arguments: Sequence[str]) -> int:
    """Call the command; Click's own way of doing it takes a closed pipe and Ctrl-C for failures of its own."""
    try:
        with charrnn.make_context("charrnn", list(arguments)) as context:
            charrnn.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    return 0


def _told(error: BaseException) -> int:
    """Tell a failure that is no bug, and give the exit code."""
    match error:
        case CharrnnError():
            return fail(error.message, error.hint, error.exit_code)
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.format_message(), err=True)
            return WRONG_USAGE
        case click.UsageError():
            return fail(_usage_message(error), _usage_hint(error), WRONG_USAGE)
        case click.ClickException():
            return fail(error.format_message(), None, error.exit_code)
        case KeyboardInterrupt() | click.Abort():
            return _die_of(signal.SIGINT)
        case BrokenPipeError():
            return 0
        case OSError(filename=None):
            return fail(f"cannot write output: {(error.strerror or str(error)).lower()}", None, COULD_NOT)
        case OSError():
            return fail(f"{error.filename}: {(error.strerror or str(error)).lower()}", None, COULD_NOT)
    raise error


def fail(message: str, hint: str | None, exit_code: int) -> int:
    """Print an error and what to do about it; text of others in them is made harmless."""
    never_fail_to_encode(sys.stderr)
    lines = [f"{styled('error:', BOLD_RED, sys.stderr)} {visible(message)}"]
    lines += ["", f"{styled('hint:', BOLD_CYAN, sys.stderr)} {visible(hint)}"] if hint else []
    click.echo("\n".join(lines), err=True, color=True)
    return exit_code


def _usage_message(error: click.UsageError) -> str:
    """Say in one line what is wrong, and with what: the option, or the variable or file that it comes from."""
    if isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter) and error.param:
        return f"{_origin(error.param, error.ctx)}: {error.message.rstrip('.')}"
    message = error.format_message() if isinstance(error, click.MissingParameter) else error.message
    return message[:1].lower() + message[1:].rstrip(".")


def _origin(param: click.Parameter, ctx: click.Context | None) -> str:
    """Name a parameter as the user gave it."""
    name = param.name or ""
    named = max(param.opts, key=len) if isinstance(param, click.Option) else name.upper()
    source = ctx.get_parameter_source(name) if ctx else None
    if ctx and source is ParameterSource.ENVIRONMENT:
        return str(param.envvar or f"{ctx.auto_envvar_prefix}_{name.upper()}")
    return f"{name} in the file of settings" if source is ParameterSource.DEFAULT_MAP else named


def _usage_hint(error: click.UsageError) -> str | None:
    """Say what may have been meant, or else where to read what there is."""
    possibilities = getattr(error, "possibilities", None)
    if possibilities:
        return f"did you mean {' or '.join(sorted(possibilities))}?"
    notes = getattr(error, "__notes__", [])
    path = error.ctx.command_path if error.ctx else "charrnn"
    return str(notes[0]) if notes else f"`{path} -h` shows what there is"


def _die_of(number: signal.Signals) -> int:
    """Die as if the signal had never been caught, so that a shell's loop around the command ends too."""
    _settle_output()
    if os.name != "nt":
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return 128 + number


def _settle_output() -> None:
    """Write out what is pending; if nobody takes it, drop it, so that the interpreter's end does not complain."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path of ours
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
