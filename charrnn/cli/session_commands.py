"""Commands of a writing session: lines that begin with a slash, and what each one does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import click

from charrnn.arguments import MAX_CHARACTERS, shown
from charrnn.cli.cell_types import CellOrConceptType, ClampType, clamp_name, value_text
from charrnn.cli.options import Number
from charrnn.cli.sample_session import WritingSession
from charrnn.errors import CharrnnError, WrongUsageError, os_reason
from charrnn.storage.atomic_file import atomic_write
from charrnn.text.vocabulary import format_characters

CHOICES = 10
"""default number of next characters to choose from"""
ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}
"""characters after a backslash in /add, and what they stand for"""


class Reply(NamedTuple):
    """The response to a line of the user."""

    notes: tuple[str, ...] = ()
    """lines to print"""
    continues: bool = False
    """whether the model continues the text now"""
    added: str = ""
    """text that was appended to the text"""
    removed: bool = False
    """whether the end of the text was removed"""
    is_last: bool = False
    """whether the session ends"""


@dataclass
class SessionCommands:
    """Executes the lines of a user in a session; nothing is read or printed here."""

    session: WritingSession
    saved: set[Path] = field(default_factory=set)
    """files that this session wrote"""

    def run(self, line: str) -> Reply:
        """Execute a line: a command, or text for the model to continue; an error is a note."""
        try:
            if line.startswith("/") and not line.startswith("//"):
                name, _, argument = line[1:].partition(" ")
                return self._command(name)(self, argument.strip() if name != "add" else argument)
            text = line[1:] if line.startswith("//") else line
            return self._add(text)._replace(continues=True) if text else Reply(continues=True)
        except CharrnnError as error:
            return Reply((f"error: {error.message}" + (f"; hint: {error.hint}" if error.hint else ""),))
        except click.BadParameter as error:
            return Reply((f"error: {line.split()[0]}: {error.message}",))

    def _command(self, name: str) -> "Action":
        """Return the action of a command (WrongUsageError)."""
        if name not in COMMANDS:
            similar = get_close_matches(name, COMMANDS, n=1)
            hint = f"did you mean /{similar[0]}?" if similar else "/help lists the commands; // begins a text with /"
            raise WrongUsageError(f"there is no command {shown('/' + name)}", hint=hint)
        return COMMANDS[name].action

    def _add(self, text: str) -> Reply:
        dropped = self.session.add(text)
        if not dropped or self.session.unknown == "error":
            return Reply(added=text)
        return Reply(
            (f"note: dropped characters that the model never saw: {format_characters(dropped)}",), added=text
        )

    def add(self, argument: str) -> Reply:
        """Append a text with escape sequences."""
        if not argument:
            raise WrongUsageError("/add needs a text", hint="`/add \\n` adds a newline")
        return self._add(unescaped(argument))

    def temperature(self, argument: str) -> Reply:
        """Change or show the temperature."""
        if argument:
            self.session.set_temperature(_number(argument, Number(0, meaning="0: always the most likely")))
        return Reply((f"temperature {self.session.params.temperature:g}",))

    def length(self, argument: str) -> Reply:
        """Change or show the length of a continuation."""
        if argument:
            self.session.set_length(int(_number(argument, Number(0, integer=True, hard_limit=MAX_CHARACTERS))))
        length = self.session.stop.max_chars
        return Reply((f"at most {length:,} characters" if length else "no limit of characters",))

    def undo(self, _argument: str) -> Reply:
        """Remove the last piece."""
        piece = self.session.undo()
        return Reply((f"removed {_counted(len(piece.text))}",), removed=True)

    def retry(self, _argument: str) -> Reply:
        """Generate another continuation in place of the last one."""
        self.session.undo_continuation()
        return Reply(removed=True, continues=True)

    def next(self, argument: str) -> Reply:
        """List the most likely next characters."""
        return Reply(tuple(self._choices(int(_number(argument or str(CHOICES), Number(1, integer=True))))))

    def choose(self, argument: str) -> Reply:
        """Append one of the next characters, and list those that may follow it."""
        chosen = self.session.choose(int(_number(argument, Number(1, integer=True))))
        added = chosen.char or self.session.between_documents
        return Reply((f"added {_name(chosen.char)}; then:", *self._choices(CHOICES)), added=added)

    def clamp(self, argument: str) -> Reply:
        """Clamp a cell or a concept, or list what is clamped."""
        if argument:
            clamped, value = ClampType().convert(argument, None, None)
            if isinstance(clamped, str):
                self.session.find_carrier(clamped)
            self.session.clamp(clamp_name(clamped), value)
        return Reply((self._clamped(),))

    def release(self, argument: str) -> Reply:
        """Release a clamped cell or concept, or all."""
        self.session.release(clamp_name(CellOrConceptType().convert(argument, None, None)) if argument else None)
        return Reply((self._clamped(),))

    def save(self, argument: str) -> Reply:
        """Write the text to a new file, or to a file that this session wrote."""
        return self._save(argument, replaces=False)

    def save_again(self, argument: str) -> Reply:
        """Write the text to a file, and replace an existing one."""
        return self._save(argument, replaces=True)

    def help(self, _argument: str) -> Reply:
        """List the commands."""
        rows = [(f"/{name} {command.usage}".rstrip(), command.description) for name, command in COMMANDS.items()]
        width = max(len(usage) for usage, _ in rows)
        head = "A line of text is continued by the model, an empty line continues the text; // begins a text with /."
        return Reply((head, *(f"{usage.ljust(width)}  {description}" for usage, description in rows)))

    def quit(self, _argument: str) -> Reply:
        """End the session."""
        return Reply(is_last=True)

    def _choices(self, count: int) -> Iterator[str]:
        """Yield a line for each of the most likely next characters."""
        for rank, entry in enumerate(self.session.next_characters(count), 1):
            yield f"{rank:3}  {_name(entry.char)}  {entry.probability:.1%}"

    def _clamped(self) -> str:
        """Return the clamped cells in a line."""
        values = self.session.clamp_values.items()
        clamped = ", ".join(f"{name} at {value_text(value)}" for name, value in values)
        return f"clamped from the next character on: {clamped}" if clamped else "nothing is clamped"

    def _save(self, argument: str, *, replaces: bool) -> Reply:
        if not argument:
            raise WrongUsageError("/save needs the name of a file", hint="`/save story.txt`")
        text = self.session.text
        try:
            path = Path(argument).expanduser()
            exists = path.exists()
            if exists and not replaces and path not in self.saved:
                raise WrongUsageError(f"{path} exists", hint=f"`/save! {argument}` replaces it")
            atomic_write(path, text.encode())
        except (OSError, RuntimeError, ValueError) as error:
            reason = os_reason(error) if isinstance(error, OSError) else str(error)
            raise CharrnnError(f"cannot write {shown(argument)}: {reason}") from error
        self.saved.add(path)
        return Reply((f"{path}: {'replaced, ' if exists else ''}{_counted(len(text))}",))


Action = Callable[[SessionCommands, str], Reply]


class SessionCommand(NamedTuple):
    """A command: its arguments, what it does, and the method that does it."""

    usage: str
    description: str
    action: Action


COMMANDS = {
    "temperature": SessionCommand(
        "F", "sampling temperature from now on; without F: show it", SessionCommands.temperature
    ),
    "length": SessionCommand("N", "characters of a continuation, 0: no limit", SessionCommands.length),
    "undo": SessionCommand("", "remove what was added last, by you or by the model", SessionCommands.undo),
    "retry": SessionCommand("", "replace the last continuation by another one", SessionCommands.retry),
    "next": SessionCommand("[N]", "list the most likely next characters", SessionCommands.next),
    "choose": SessionCommand("K", "add the next character of rank K", SessionCommands.choose),
    "clamp": SessionCommand(
        "L.J=F", "clamp a cell, or a concept by its name, at a value from -1 to 1", SessionCommands.clamp
    ),
    "release": SessionCommand("[L.J]", "release a clamped cell or concept, or all", SessionCommands.release),
    "add": SessionCommand(
        "TEXT", "add a text without a continuation; \\n is a newline, \\t a tab", SessionCommands.add
    ),
    "save": SessionCommand("FILE", "write the text to a new file", SessionCommands.save),
    "save!": SessionCommand(
        "FILE", "write the text to a file, and replace an existing one", SessionCommands.save_again
    ),
    "help": SessionCommand("", "list the commands", SessionCommands.help),
    "quit": SessionCommand("", "end the session, as Ctrl-D does", SessionCommands.quit),
}


def unescaped(text: str) -> str:
    r"""Return a text with newlines and tabs in place of \n and \t.

    >>> unescaped(r"A:\n\tB\\n \x")
    'A:\n\tB\\n \\x'
    """
    parts = iter(text)
    return "".join(part if part != "\\" else ESCAPES.get(code := next(parts, ""), "\\" + code) for part in parts)


def _number(argument: str, kind: Number) -> Any:
    """Return the number in an argument (click.BadParameter)."""
    return kind.convert(argument, None, None)


def _name(char: str) -> str:
    """Return a character in quotes."""
    return repr(char) if char else "the end of the document"


def _counted(characters: int) -> str:
    return "1 character" if characters == 1 else f"{characters:,} characters"
