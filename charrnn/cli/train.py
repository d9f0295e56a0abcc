"""charrnn train: learn a text."""

import time
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

BEGAN = time.monotonic()
"""about when the command began; a time budget counts from here"""

NOT_SETTINGS = ("config", "new", "help")
"""what a file of settings cannot ask for"""

above_zero = click.FloatRange(min=0, min_open=True)


def _take_config(context: click.Context, _option: click.Parameter, path: Path | None) -> None:
    """Make a file's settings the defaults of all other options."""
    if path is not None:
        from charrnn.config_file import read

        known = [str(parameter.name) for parameter in context.command.params]
        context.default_map = read(path, [name for name in known if name not in NOT_SETTINGS])


@click.command(short_help="Learn a text.", epilog="Repeat the command after a stop and it goes on exactly.")
@click.argument("corpus", nargs=-1)
@click.option("--minutes", type=above_zero, help="Train for so long, all in all (default 5).")
@click.option("--epochs", type=above_zero, help="... or read the text so often.")
@click.option("--steps", type=click.IntRange(1), help="... or make so many updates.")
@click.option("--out", type=click.Path(file_okay=False), help="The run's directory (default checkpoints/NAME).")
@click.option("--new", is_flag=True, help="Start over where a run stands already.")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=_take_config,
    help="Read options from a YAML file.",
)
@click.option("--cell", type=click.Choice(["lstm", "gru", "rnn"]), help="Kind of recurrent cell (default lstm).")
@click.option("--layers", type=click.IntRange(1, 64), help="Recurrent layers (default 1).")
@click.option("--hidden", type=click.IntRange(1, 1_000_000), help="Units a layer.")
@click.option("--embedding", type=click.IntRange(0, 65_536), help="Width of a character's vector; 0: one-hot.")
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), help="Share of outputs dropped.")
@click.option("--batch", type=click.IntRange(1, 65_536), help="Streams read side by side.")
@click.option("--length", type=click.IntRange(1, 65_536), help="Characters gradients flow back.")
@click.option("--lr", type=above_zero, help="Highest learning rate.")
@click.option("--weight-decay", type=click.FloatRange(0), help="AdamW's decay of the weights.")
@click.option("--clip", type=click.FloatRange(0), help="Largest gradient norm (default 1); 0: no limit.")
@click.option("--warm-up", type=click.IntRange(0), help="Steps in which the rate rises (default 50).")
@click.option("--final-lr", type=click.FloatRange(0, 1), help="Share of the rate left at the end (default 0.02).")
@click.option("--reset", type=click.FloatRange(0, 1), help="Chance to zero a stream's state (default 0.01).")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Where all chance comes from (default 0).")
@click.option("--val-fraction", type=click.FloatRange(0, 0.5, min_open=True), help="Held-out end (default 0.1).")
@click.option("--min-count", type=click.IntRange(1), help="Rarer characters become one (default 1).")
@click.option("--encoding", help="The text's encoding (default utf-8).")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda", "mps"]), default="auto", help="Where to learn.")
@click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto", help="Of products.")
@click.option("--threads", type=click.IntRange(1, 1024), help="CPU threads.")
@click.option("--sample-every", type=click.IntRange(0), help="Steps between previews; 0: none.")
@click.option("--save-every", type=above_zero, default=60.0, help="Seconds between checkpoints (default 60).")
@click.option("--json", "as_json", is_flag=True, help="Events as JSON lines on standard output.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.pass_context
def train(context: click.Context, /, corpus: tuple[str, ...], **options: Any) -> None:
    r"""Learn CORPUS: one or more text files, joined; "-" is standard input.

    With no corpus it learns the source of Python's standard library.

    \b
      charrnn train book.txt
      charrnn train book.txt --minutes 30 --layers 2
    """
    from charrnn.cli.learning import learn

    learn(corpus, options, _origins(context), began=BEGAN)


def _origins(context: click.Context) -> dict[str, str]:
    """Say where each option's value came from."""
    words = {
        ParameterSource.COMMANDLINE: "command line",
        ParameterSource.ENVIRONMENT: "environment",
        ParameterSource.DEFAULT_MAP: "config file",
    }
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return {name: words[source] for name, source in sources.items() if source in words}
