"""`charrnn train`: train a network on a text."""

import time
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from charrnn.cli import cpu_threads
from charrnn.cli.options import COMMON, OUTPUT, Command, Number, json_option, option, quiet_option
from charrnn.cli.path_types import ModelType, complete_file
from charrnn.errors import WrongUsageError

NETWORK, LEARNING, MACHINE = "Network (by default sized to fit text and budget)", "Training", "Machine"
NOT_SETTINGS = ("config", "new", "help")
"""what a file of settings cannot ask for"""

ORIGINS = {
    ParameterSource.COMMANDLINE: "command line",
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT_MAP: "config file",
}


def _take_config(context: click.Context, _option: click.Parameter, path: Path | None) -> None:
    """Make a file's settings the defaults of all other options."""
    if path is not None:
        from charrnn.storage.settings_file import read_settings

        argument_counts = {str(parameter.name): parameter.nargs for parameter in context.command.params}
        settings = read_settings(path, [name for name in argument_counts if name not in NOT_SETTINGS])
        context.default_map = {
            name: _typed(value, argument_counts[name] < 0, name, path) for name, value in settings.items()
        }


def _typed(value: Any, several: bool, name: str, path: Path) -> Any:
    """Give a setting's value as it would be typed; a list only where several can be (WrongUsageError)."""
    if isinstance(value, list) or (several and value is not None):
        if not several:
            raise WrongUsageError(f"{path}: {name!r} takes one value, not a list")
        return [_typed(item, False, name, path) for item in (value if isinstance(value, list) else [value])]
    if isinstance(value, str) and "\0" in value:
        raise WrongUsageError(f"{path}: {name!r} has a NUL character in it")
    return None if value is None else str(value)


def _only_typed(context: click.Context, option: click.Parameter, value: bool) -> bool:
    """Return whether an option that destroys files was typed; raise WrongUsageError where a variable asks for it."""
    name = str(option.name)
    if value and context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
        raise WrongUsageError(
            f"CHARRNN_TRAIN_{name.upper()} cannot ask for --{name}, which replaces a run",
            hint=f"type `--{name}`, and unset the variable",
        )
    return value


def _model_file(_context: click.Context, _option: click.Parameter, named: Path | None) -> str | None:
    """Say which file a model's name means."""
    if named is None:
        return None
    from charrnn.storage.run_directory import model_file_of

    return str(model_file_of(named))


whole = Number(1, 1_000_000, whole=True)
above_zero = Number(0, above=True)
share = Number(0, 1)


@click.command(
    cls=Command,
    writes=False,
    examples=(
        ("charrnn train book.txt", "learn a text for five minutes"),
        ("charrnn train book.txt --minutes 30", "train longer; rerun it to continue"),
        ("charrnn train", "learn Python's standard library"),
    ),
)
@click.argument("corpus", nargs=-1, metavar="[CORPUS]...", shell_complete=complete_file)
@option("--minutes", type=above_zero, section=COMMON, help="Train for this long, start to finish (5).")
@option("--epochs", type=above_zero, section=COMMON, help="... or for this many passes over the text.")
@option("--steps", type=Number(1, 10**12, whole=True), section=COMMON, help="... or for this many updates.")
@option("--out", type=click.Path(file_okay=False), section=COMMON, help="Where the run goes (checkpoints/<name>).")
@option(
    "--from",
    type=ModelType(),
    metavar="MODEL",
    callback=_model_file,
    section=COMMON,
    help="Start from a trained model instead of random weights.",
)
@option(
    "--new", is_flag=True, callback=_only_typed, section=COMMON, help="Start over, replacing a run that is there."
)
@option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=_take_config,
    section=COMMON,
    help="Read options from a file, such as a run's config.yaml.",
)
@option("--cell", type=click.Choice(["lstm", "gru", "rnn"]), section=NETWORK, help="Kind of cell (lstm).")
@option("--layers", type=Number(1, 64, whole=True), section=NETWORK, help="Number of layers (1).")
@option("--hidden", type=whole, section=NETWORK, help="Cells per layer.")
@option(
    "--embedding",
    type=Number(0, 65_536, whole=True),
    section=NETWORK,
    help="Size of a character's vector; 0: one-hot.",
)
@option("--dropout", type=Number(0, 0.99), section=NETWORK, help="Share of outputs dropped in training.")
@option("--input-dropout", type=Number(0, 0.99), section=NETWORK, help="... of the input vectors.")
@option("--weight-drop", type=Number(0, 0.99), section=NETWORK, help="... of the recurrent weights.")
@option("--batch", type=Number(1, 65_536, whole=True), section=LEARNING, help="Streams read side by side.")
@option("--length", type=Number(1, 65_536, whole=True), section=LEARNING, help="Characters that gradients flow back.")
@option("--lr", type=above_zero, section=LEARNING, help="Peak learning rate, of the recurrent weights.")
@option(
    "--warm-up", type=Number(0, 10**9, whole=True), section=LEARNING, help="Steps over which the rate rises (20)."
)
@option("--final-lr", type=share, section=LEARNING, help="Share of the peak rate left at the end (0.02).")
@option("--weight-decay", type=Number(0, 10), section=LEARNING, help="Weight decay of AdamW (0.02).")
@option("--clip", type=Number(0), section=LEARNING, help="Largest gradient norm (1); 0: no limit.")
@option("--reset", type=share, section=LEARNING, help="Chance that a stream's state is zeroed (0.01).")
@option("--patience", type=share, section=LEARNING, help="Stop after overfitting for this share (0.2); 0: never.")
@option("--seed", type=Number(0, 2**62, whole=True), section=LEARNING, help="Seed of all randomness (0).")
@option("--val-fraction", type=Number(0.001, 0.5), section=LEARNING, help="Share of the text held out (0.1).")
@option("--min-count", type=whole, section=LEARNING, help="Merge characters rarer than this (1).")
@option(
    "--documents",
    type=click.Choice(["line", "blank", "file"]),
    section=LEARNING,
    help="The text is many short ones: one per line, separated by blank lines, or one per file.",
)
@option("--encoding", section=LEARNING, help="Encoding of the text (utf-8).")
@option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    section=MACHINE,
    help="Where to compute.",
)
@option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    default="auto",
    section=MACHINE,
    help="Of matrix products; auto: bfloat16 on CPUs that have it.",
)
@option("--threads", type=Number(1, 1024, whole=True), section=MACHINE, help="CPU threads (all cores).")
@option("--sample-every", type=Number(0, 10**12, whole=True), section=OUTPUT, help="Steps between previews; 0: none.")
@option("--save-every", type=above_zero, section=OUTPUT, help="Seconds between checkpoints (60).")
@json_option
@quiet_option
@click.pass_context
def train(context: click.Context, /, corpus: tuple[str, ...], **options: Any) -> None:
    """Learn CORPUS: one or more text files, joined; "-" is standard input. Without any: Python's standard library.

    Ctrl-C saves and stops; the same command continues exactly where it stopped.
    """
    began = time.monotonic()
    options |= _one_budget(context)
    cpu_threads.set_short_spin()
    cpu_threads.keep_freed_memory()
    cpu_threads.require_memory_for_torch()
    from charrnn.cli.train_display import reading_progress, status_line
    from charrnn.training.prepare import prepare

    prepared = prepare(corpus, options, progress=lambda text: reading_progress(text, quiet=options["quiet"]))
    with status_line("starting PyTorch …", quiet=options["quiet"]):
        from charrnn.cli.train_run import run_training

    sources = {name: context.get_parameter_source(name) for name in context.params}
    origins = {name: ORIGINS[source] for name, source in sources.items() if source in ORIGINS}
    run_training(prepared, corpus, options, origins, began=began)


def _one_budget(context: click.Context) -> dict[str, None]:
    """See that one budget was asked for; one from a weaker source gives way (click.UsageError)."""
    budgets = [name for name in ("minutes", "epochs", "steps") if context.params[name] is not None]
    ranks = {name: [*ORIGINS, None].index(context.get_parameter_source(name)) for name in budgets}
    strongest = [name for name in budgets if ranks[name] == min(ranks.values())]
    if len(strongest) > 1:
        raise click.UsageError(f"only one of --{' and --'.join(strongest)} can be had", context)
    return dict.fromkeys(set(budgets) - set(strongest))
