"""`charrnn train`: train a network on a text."""

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from charrnn.arguments import AUTO, DOCUMENT_KINDS, custom_separator
from charrnn.cli.options import COMMON, OUTPUT, Command, Number, Word, json_option, option, quiet_option
from charrnn.cli.path_types import HomePath, ModelType, TextFileType
from charrnn.config import DocumentKind
from charrnn.errors import WrongUsageError
from charrnn.storage.schema import Range
from charrnn.training.train_options import BUDGETS, CONFIG_KEYS, SETTINGS, Declaration, TrainOptions

if TYPE_CHECKING:
    from charrnn.training.process_group import ProcessGroup

Callback = TypeVar("Callback", bound=Callable[..., Any])

ORIGINS = {
    ParameterSource.COMMANDLINE: "command line",
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT_MAP: "config file",
}
"""names of the sources of an option's value, strongest first"""

# Callbacks of single options


def _take_config(context: click.Context, _option: click.Parameter, path: Path | None) -> None:
    """Make the settings in a file the defaults of all other options (WrongUsageError)."""
    if path is not None:
        from charrnn.storage.settings_file import read_settings

        multiple = {
            parameter.name for parameter in context.command.params if parameter.nargs < 0 or parameter.multiple
        }
        settings = read_settings(path, CONFIG_KEYS)
        context.default_map = {
            name: _as_typed(value, name in multiple, name, path) for name, value in settings.items()
        }


def _as_typed(value: Any, multiple: bool, name: str, path: Path) -> Any:
    """Return the value of a setting as it would be typed; a list if it has multiple values (WrongUsageError)."""
    if isinstance(value, list) or (multiple and value is not None):
        if not multiple:
            raise WrongUsageError(f"{path}: {name!r} takes one value, not a list")
        return [_as_typed(item, False, name, path) for item in (value if isinstance(value, list) else [value])]
    if isinstance(value, str) and "\0" in value:
        raise WrongUsageError(f"{path}: {name!r} has a NUL character in it")
    return None if value is None else str(value)


def _only_typed(context: click.Context, option: click.Parameter, value: bool) -> bool:
    """Return the value of an option that deletes files; raise WrongUsageError if it comes from a variable."""
    name = str(option.name)
    if value and context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
        raise WrongUsageError(
            f"CHARRNN_TRAIN_{name.upper()} cannot ask for --{name}, which replaces a run",
            hint=f"type `--{name}`, and unset the variable",
        )
    return value


def _model_file(_context: click.Context, _option: click.Parameter, path: Path | None) -> str | None:
    """Return the path of the model file of a model or a run."""
    if path is None:
        return None
    from charrnn.storage.run_directory import model_file_of

    return str(model_file_of(path))


# Options, made from the declarations of the settings

SECTIONS = {
    "common": COMMON,
    "network": "Network (by default sized to fit text and budget)",
    "training": "Training",
    "machine": "Machine",
    "output": OUTPUT,
}
"""headings of the help by the sections that settings name"""

SPECIAL: dict[str, dict[str, Any]] = {
    "out": {"type": HomePath(file_okay=False)},
    "from": {"type": ModelType(), "metavar": "MODEL", "callback": _model_file},
    "include": {"metavar": "GLOB"},
    "files_from": {"metavar": "LIST", "type": TextFileType()},
    "new": {"is_flag": True, "callback": _only_typed},
    "val_file": {"metavar": "FILE", "type": TextFileType()},
}
"""Click's arguments for the options that its own types do not cover"""


class DocumentsType(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of Click only
    """Type of a kind of documents, a literal separator or a pattern; shells complete the kinds."""

    name = "documents"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - Click's signature
        """Return the placeholder of the value in the help."""
        return f"[{'|'.join(DOCUMENT_KINDS)}|TEXT|/REGEX/]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Return the value unchanged (WrongUsageError)."""
        custom_separator(str(value))
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Return the kinds that begin with the incomplete value."""
        return [CompletionItem(kind) for kind in DOCUMENT_KINDS if kind.startswith(incomplete)]


def _option_type(declaration: Declaration) -> Number | Word | DocumentsType | None:
    """Return the type of an option with the bounds of its declaration; None: any text."""
    if isinstance(declaration.rule, DocumentKind):
        return DocumentsType()
    if declaration.choices:
        return Word(declaration.choices)
    if isinstance(rule := declaration.rule, Range):
        high = math.inf if rule.high == sys.float_info.max else rule.high
        return Number(rule.low, high, integer=declaration.kind is int, low_excluded=rule.low_excluded)
    return None


def setting_options(function: Callback) -> Callback:
    """Add an option for each declared setting to a function that becomes a command."""
    for declaration in reversed(SETTINGS.values()):
        keywords: dict[str, Any] = {
            "type": _option_type(declaration),
            "default": AUTO if declaration.setting.auto else None,
            "multiple": declaration.multiple,
            "section": SECTIONS[declaration.setting.section],
            "help": declaration.help_text,
        }
        name = f"--{declaration.name.replace('_', '-')}"
        function = option(name, **(keywords | SPECIAL.get(declaration.name, {})))(function)
    return function


# The command


@click.command(
    cls=Command,
    writes=False,
    examples=(
        ("charrnn train book.txt", "learn a text for five minutes"),
        ("charrnn train book.txt --minutes 30", "train longer; rerun it to continue"),
        ("charrnn train src/ --include '*.py'", "learn the files of a directory"),
        ("charrnn train", "learn Python's standard library"),
    ),
)
@click.argument("corpus", nargs=-1, metavar="[CORPUS]...", type=TextFileType())
@setting_options
@option(
    "--config",
    type=HomePath(dir_okay=False, path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=_take_config,
    section=COMMON,
    help="Read options from a file, such as a run's config.yaml.",
)
@json_option
@quiet_option
@click.pass_context
def train(context: click.Context, /, corpus: tuple[str, ...], **options: Any) -> None:
    """Learn CORPUS: text files, and those in directories, joined; "-" is standard input.

    Without CORPUS, learn Python's standard library.

    Ctrl-C saves and stops; the same command continues exactly where it stopped.
    """
    start_time = time.monotonic()
    options |= _weaker_budgets(context)
    train_options = TrainOptions(corpus=corpus, from_=options.pop("from"), **options)
    # Imported here because the help does not need it.
    from charrnn import resources

    resources.set_short_spin()
    resources.keep_freed_memory()
    resources.require_memory_for_torch()
    from charrnn.cli.train_display import reading_progress, status_line
    from charrnn.training.prepare import options_of_launch, prepare
    from charrnn.training.world import end_with_parent, world_from_environment

    world = world_from_environment()
    group: ProcessGroup | None = None
    if world.run_id:
        end_with_parent()
    if world.is_distributed:
        from charrnn.cli.train_run import connect_main, run_replica

        if not world.is_main:
            run_replica(train_options, world, start_time=start_time)
            return
        group = connect_main(train_options, world)
    train_options, quiet = options_of_launch(train_options, world), train_options.quiet
    prepared = prepare(train_options, progress=lambda text: reading_progress(text, quiet=quiet))
    with status_line("starting PyTorch …", quiet=quiet):
        from charrnn.cli.train_run import TrainCommand, connect_main, run_training

    sources = {name: context.get_parameter_source(name) for name in context.params}
    origins = {name: ORIGINS[source] for name, source in sources.items() if source in ORIGINS}
    group = group or connect_main(train_options, world)
    command = TrainCommand(options=train_options, group=group, start_time=start_time, origins=origins)
    run_training(prepared, command)


def _weaker_budgets(context: click.Context) -> dict[str, None]:
    """Return None for each budget that one from a stronger source replaces; raise click.UsageError for equal ones."""
    budgets = [name for name in BUDGETS if context.params[name] is not None]
    ranks = {name: [*ORIGINS, None].index(context.get_parameter_source(name)) for name in budgets}
    strongest = [name for name in budgets if ranks[name] == min(ranks.values())]
    if len(strongest) > 1:
        raise click.UsageError(f"only one of --{' and --'.join(strongest)} can be given", context)
    return dict.fromkeys(set(budgets) - set(strongest))
