"""Option types of paths: models, with shell completion, and files of drawings.

Click's completion scripts insert a value into the command line without quoting it, and separate values by newlines
and commas. The name of a run can come from anybody. Therefore a name is completed only if no shell treats any of its
characters specially; the shells complete all other files themselves, quoted.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

from charrnn.cli.streams import write_note, write_output
from charrnn.errors import CharrnnError, WrongUsageError, os_reason
from charrnn.storage.run_directory import find_model, is_bundled, list_models
from charrnn.views.sanitize import sanitize

# Shell completion: runs, files and names of concepts

VARIABLE = "_CHARRNN_COMPLETE"
"""environment variable with which a shell requests completions"""
PLAIN_ASCII = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,%+/-")
"""ASCII characters that no shell treats specially"""
QUOTING_SHELLS = ("bash", "zsh", "fish")
"""shells whose completion of file names quotes them"""
NO_FILE_NAME = "_"
"""value of a completion of type file, which bash and zsh ignore"""


class HomePath(click.Path):
    """Type of a path in which a leading `~` is the home directory, as in a file of settings and after `--out=`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path with the home directory in place of `~`."""
        return super().convert(os.path.expanduser(value), param, ctx)  # noqa: PTH111 - not every value is a Path


class TextFileType(HomePath):
    """Type of the name of a text, which is opened later: "-" is standard input."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(path_type=str)


class ModelType(HomePath):
    """Type of a model: the directory of a run or a model file; shells complete existing runs, otherwise any file."""

    name = "model"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the runs whose paths begin with the incomplete value."""
        runs = [str(path.parent) for path in list_models()]
        items = [CompletionItem(run) for run in runs if run.startswith(incomplete) and is_plain(run)]
        return items or super().shell_complete(ctx, param, incomplete)


BUNDLED_NOTE = "using the bundled model (Python source); `charrnn train FILE` trains your own"


def find_or_bundled(named: Path | None, *, quiet: bool = False) -> Path:
    """Return the path of a model as `find_model`; print a note if it is the bundled one by default (CharrnnError)."""
    path = find_model(named)
    if named is None and is_bundled(path) and not quiet:
        write_note(BUNDLED_NOTE)
    return path


def model_callback(context: click.Context, _parameter: click.Parameter, named: Path | None) -> Path:
    """Return the model file of an argument, with a note unless the eager option --quiet is given (CharrnnError)."""
    return find_or_bundled(named, quiet=context.params.get("quiet", False))


def complete_concept(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the concepts whose names begin with the incomplete value."""
    from charrnn.inspection.concepts import CONCEPTS

    return [
        CompletionItem(name, help=concept.description)
        for name, concept in CONCEPTS.items()
        if name.startswith(incomplete)
    ]


def is_plain(name: str) -> bool:
    """Return whether every shell reads a name as one word, without executing or expanding any part of it.

    >>> is_plain("checkpoints/Älter-2.0"), is_plain("a$(reboot)"), is_plain("a b"), is_plain("~root")
    (True, False, False, False)
    """
    return all(character in PLAIN_ASCII or not character.isascii() for character in name) and _is_printable(name)


def _is_printable(name: str) -> bool:
    """Return whether a name contains neither control characters nor spaces, in any script."""
    return sanitize(name, keep="") == name and not any(map(str.isspace, name))


def complete(command: click.Command, instruction: str) -> int:
    """Print a completion script, or the completions of a command line; return the exit code (WrongUsageError)."""
    shell, _, action = instruction.partition("_")
    kind = get_completion_class(shell)
    if kind is None or action not in ("source", "complete"):
        raise WrongUsageError(
            f"{VARIABLE}: no such request {instruction!r}",
            hint="bash_source, zsh_source and fish_source print scripts",
        )
    completion = kind(command, {}, "charrnn", VARIABLE)
    if action == "source":
        write_output(completion.source())
        return 0
    arguments, incomplete = _command_line(completion)
    try:
        items = completion.get_completions(arguments, incomplete)
    except (CharrnnError, click.ClickException, click.exceptions.Exit, OSError):
        # The command line is incomplete, hence possibly invalid, and a message would appear in the middle of it.
        return 1
    write_output("".join(f"{completion.format_completion(item)}\n" for item in _harmless(items, shell)))
    return 0


def _command_line(completion: ShellComplete) -> tuple[list[str], str]:
    """Return the arguments typed so far and the incomplete one, from the environment (WrongUsageError)."""
    try:
        return completion.get_completion_args()
    except (KeyError, ValueError, IndexError):
        raise WrongUsageError("COMP_WORDS and COMP_CWORD do not describe a command line") from None


def _harmless(items: list[CompletionItem], shell: str) -> Iterator[CompletionItem]:
    """Yield the completions that the shell can safely insert, or complete by itself."""
    for item in items:
        if is_plain(item.value) and (item.type == "plain" or shell in QUOTING_SHELLS):
            yield item
        elif item.type != "plain" and shell in ("bash", "zsh"):
            yield CompletionItem(NO_FILE_NAME, type=item.type)


# Files of drawings: their names, and the existing files that a drawing may replace

FORMATS = {".svg", ".html", ".npz", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf"}
"""suffixes that determine the format of a drawing or of arrays"""
KINDS = {".svg": "an SVG picture", ".html": "an HTML page", ".npz": "a file of states by charrnn"}
"""kinds of files that charrnn writes, by suffix"""
STATES_BEGIN = b"characters.npy"
"""name of the first array in a file of states, by which such a file is recognized"""
LONGEST_BEGINNING = 4096
"""bytes at the beginning of a drawing that determine its kind"""


class DrawingType(HomePath):
    """Type of a file for a drawing; the suffix of another format is an error: no program could open the file."""

    name = "file"

    def __init__(self, suffix: str) -> None:
        super().__init__(dir_okay=False, path_type=Path)
        self.suffix = suffix

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path; fail for the suffix of another format, or raise CharrnnError for an occupied path."""
        if str(value) == "-":
            self.fail("it cannot be written to standard output, so name a file", param, ctx)
        path = Path(str(super().convert(value, param, ctx)))
        if path.suffix.lower() in FORMATS - {self.suffix}:
            drawing_format = self.suffix[1:].upper()
            self.fail(f"the output is {drawing_format}, so name it {path.stem}{self.suffix}", param, ctx)
        check_output(path, self.suffix)
        return path


def check_output(path: Path, suffix: str) -> None:
    """Raise CharrnnError unless the path is free, or a regular file that is empty or a drawing of the same kind."""
    try:
        path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise CharrnnError(f"cannot write {path}: {os_reason(error)}") from error
    from charrnn.storage.atomic_file import is_regular, not_regular, open_regular

    try:
        if not is_regular(path):
            raise not_regular(path)
        with open_regular(path) as file:
            beginning = file.read(LONGEST_BEGINNING)
    except OSError as error:
        raise CharrnnError(f"cannot write {path}: {os_reason(error)}", hint="name another file") from error
    if beginning and not _is_drawing(beginning, suffix):
        raise CharrnnError(
            f"{path} exists and is not {KINDS[suffix]}, so it is not overwritten", hint="name another file"
        )


def check_inputs_kept(outputs: Iterable[Path | None], inputs: Iterable[str | Path | None]) -> None:
    """Raise CharrnnError if an output file is also an input file."""
    input_paths = [Path(name) for name in inputs if name]
    for path in filter(None, outputs):
        if path.exists() and any(other.exists() and path.samefile(other) for other in input_paths):
            raise CharrnnError(f"{path} is read by this command, so it is not overwritten", hint="name another file")


def _is_drawing(beginning: bytes, suffix: str) -> bool:
    """Return whether the beginning of a file is that of a drawing of the kind with this suffix."""
    if suffix == ".npz":
        return beginning.startswith(b"PK\x03\x04") and beginning[30:].startswith(STATES_BEGIN)
    content = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if suffix == ".html":
        return content.startswith((b"<!doctype html", b"<html"))
    return content.startswith(b"<svg") or (
        content.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in content
    )
