"""Input and output of `charrnn sample --interactive`: a writing session on a terminal, or line by line in a pipe."""

import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, BinaryIO

from charrnn.cli.sample_options import SampleOptions
from charrnn.cli.sample_output import sample_header
from charrnn.cli.sample_session import WritingSession
from charrnn.cli.sampler import Sampler
from charrnn.cli.session_commands import COMMANDS, Reply, SessionCommands
from charrnn.cli.streams import DIM, TextOutput, flush_output, write_note, write_output, write_stderr
from charrnn.errors import CharrnnError, WrongUsageError
from charrnn.generation.generate import GeneratedChar
from charrnn.views.sanitize import is_terminal

if TYPE_CHECKING:
    from charrnn.cli.sample_show import Measure
    from charrnn.views.colored_writing import ColoredWriting

PROMPT = "> "
"""characters before a line of the user on a terminal"""
MAX_LINE_BYTES = 1 << 20
"""length of a line, which bounds the memory"""
LEAD_CHARS = 60
"""maximum number of characters of the text before a continuation that a terminal shows again"""
INTRODUCTION = "type text for the model to continue, or an empty line; /help lists commands, Ctrl-D ends"


def write_interactively(sampler: Sampler, options: SampleOptions) -> None:
    """Let the user and the model write in turns, until the input ends or the user quits (CharrnnError)."""
    writer = InteractiveWriter(SessionCommands(WritingSession(sampler, options)), shows_text=not options.no_prompt)
    if writer.on_terminal and not options.quiet:
        write_note(sample_header(sampler, writer.session.seed), style=DIM)
        write_note(INTRODUCTION, style=DIM)
    if options.show:
        writer.color(options, sampler)
    writer.unwritten = [sampler.prompt] if sampler.prompt else []
    writer.show_end()
    while (line := writer.read_line()) is not None:
        if writer.reply_to(line).is_last:
            break


@dataclass
class InteractiveWriter:
    """A session with its input and output: a terminal, or a pipe for lines of the user and for the text."""

    commands: SessionCommands
    shows_text: bool = True
    """whether a pipe also receives the text of the user"""
    output: TextOutput = field(default_factory=TextOutput)
    on_terminal: bool = field(default_factory=lambda: is_terminal(sys.stdin))
    unwritten: list[str] = field(default_factory=list)
    """pieces of the user that a pipe has not received yet"""
    measure: "Measure | None" = None
    writing: "ColoredWriting | None" = None
    """drawing of the text in the colors of the measure; None for plain text"""

    def __post_init__(self) -> None:
        if self.on_terminal and self.output.terminal:
            _load_line_editor()

    @property
    def session(self) -> WritingSession:
        """The session without its input and output."""
        return self.commands.session

    def color(self, options: SampleOptions, sampler: Sampler) -> None:
        """Color continuations as --show requests, if the output is a terminal (CharrnnError)."""
        from charrnn.cli.sample_show import Measure, check_shown, colored_writing, write_legend

        assert options.show is not None
        check_shown(options.show, sampler)
        if self.output.terminal:
            self.measure = Measure.of(options.show, sampler)
            self.writing = colored_writing(self.measure.scale, self.output)
            write_legend(self.writing, quiet=options.quiet)

    def read_line(self) -> str | None:
        """Return the next valid line of the user without its end; None at the end of the input."""
        while True:
            try:
                return self._read_line()
            except CharrnnError as error:
                write_note(f"error: {error.message}")
            except KeyboardInterrupt:
                if not self.on_terminal:
                    raise
                self._end_line()

    def reply_to(self, line: str) -> Reply:
        """Execute a line, print the notes about it, and let the model continue if the line asks for it."""
        try:
            reply = self.commands.run(line)
        except KeyboardInterrupt:
            if not self.on_terminal:
                raise
            return Reply()
        for note in reply.notes:
            write_note(note)
        if reply.removed and self.unwritten:
            self.unwritten.pop()
        if reply.added:
            self.unwritten.append(reply.added)
        if reply.continues:
            self.write_continuation()
        elif reply.added or reply.removed:
            self.show_end()
        return reply

    def write_continuation(self) -> None:
        """Write a continuation, each character as soon as it is generated; Ctrl-C on a terminal ends it."""
        self._write_lead()
        with (
            stop_request(enabled=self.on_terminal) as request,
            closing(request.limit(self.session.continuation())) as generated,
        ):
            if self.measure and self.writing:
                for entry, value in self.measure.values(generated, lambda _: self.session.state):
                    if entry.char:
                        self.writing.write(entry.char, value)
            else:
                for entry in generated:
                    self.output.write(entry.char)
        self._end_text()

    def show_end(self) -> None:
        """Show the last line of the text on a terminal."""
        if self.output.terminal and self.session.last_line(LEAD_CHARS):
            self._write_lead()
            self._end_text()

    def _write_lead(self) -> None:
        """Write the last line of the text to a terminal again, or the user's text to a pipe."""
        if self.writing:
            self.writing.write_plain(self.session.last_line(LEAD_CHARS))
        elif self.output.terminal:
            self.output.write(self.session.last_line(LEAD_CHARS), style=DIM)
        elif self.shows_text:
            self.output.write("".join(self.unwritten))
        self.unwritten.clear()

    def _end_text(self) -> None:
        """End the line of the text."""
        if self.writing:
            self.writing.finish()
        else:
            self.output.write("\n")
        flush_output()

    def _read_line(self) -> str | None:
        """Return the next line (WrongUsageError if it is too long or not UTF-8)."""
        try:
            if not (self.on_terminal and self.output.terminal):
                if self.on_terminal:
                    write_stderr(PROMPT)
                return None if sys.stdin is None else _decoded_line(sys.stdin.buffer)
            return input(PROMPT)
        except EOFError:
            self._end_line()
            return None
        except UnicodeDecodeError as error:
            raise WrongUsageError(f"the line is not valid UTF-8: {error.reason}") from error

    def _end_line(self) -> None:
        """End the line of the prompt on a terminal."""
        if self.output.terminal:
            write_output("\n")


def _decoded_line(stream: BinaryIO) -> str | None:
    """Return the next line of a pipe without its end; None at the end (WrongUsageError, UnicodeDecodeError)."""
    content = stream.readline(MAX_LINE_BYTES)
    if not content:
        return None
    if len(content) == MAX_LINE_BYTES and not content.endswith(b"\n"):
        while content and not content.endswith(b"\n"):
            content = stream.readline(MAX_LINE_BYTES)
        raise WrongUsageError(f"a line is longer than {MAX_LINE_BYTES:,} bytes")
    return content.decode().removesuffix("\n").removesuffix("\r")


def _load_line_editor() -> None:
    """Load readline where Python has it: `input` then edits lines and keeps a history, in memory only."""
    with suppress(ImportError):
        import readline

        readline.set_completer(complete_command)
        readline.set_completer_delims(" ")
        readline.parse_and_bind(completion_binding(readline))


def completion_binding(editor: ModuleType) -> str:
    """Return the instruction that binds Tab to completion in GNU readline, or in libedit, which macOS has."""
    # `backend` is new in Python 3.13; before that, only the docstring names the library.
    is_libedit = getattr(editor, "backend", "") == "editline" or "libedit" in (editor.__doc__ or "")
    return "bind ^I rl_complete" if is_libedit else "tab: complete"


def complete_command(prefix: str, number: int) -> str | None:
    """Return the command of a number among those that begin with some characters; None after the last one."""
    matches = [f"/{name}" for name in COMMANDS if f"/{name}".startswith(prefix)] if prefix.startswith("/") else []
    return matches[number] if number < len(matches) else None


@dataclass
class StopRequest:
    """Whether the user has pressed Ctrl-C."""

    is_made: bool = False

    def limit(self, generated: Generator[GeneratedChar]) -> Generator[GeneratedChar]:
        """Yield characters until the request is made, and close their iterator."""
        with closing(generated):
            for entry in generated:
                yield entry
                if self.is_made:
                    return


@contextmanager
def stop_request(*, enabled: bool) -> Iterator[StopRequest]:
    """Record the first Ctrl-C of the block as a request; the second one raises KeyboardInterrupt, as usual."""
    request = StopRequest()
    if not enabled:
        yield request
        return
    usual = signal.getsignal(signal.SIGINT)

    def record(_number: int, _frame: FrameType | None) -> None:
        request.is_made = True
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, record)
    try:
        yield request
    finally:
        signal.signal(signal.SIGINT, usual)
