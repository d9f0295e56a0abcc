"""charrnn sample --interactive: a session on a terminal or in a pipe, in which every character is read once."""

import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from carrier_networks import carried_run
from common import Call, CommandResult, random_model
from launcher import Launcher
from terminal_screen import terminal

from charrnn.cli.sample_interactive import MAX_LINE_BYTES, complete_command, completion_binding
from charrnn.cli.sample_options import SampleOptions
from charrnn.cli.sample_session import WritingSession
from charrnn.cli.sampler import make_sampler
from charrnn.cli.session_commands import COMMANDS, SessionCommands
from charrnn.network.inference import InferenceRNN
from charrnn.network.model_file import save_model
from charrnn.storage.run_directory import RunDirectory

PLAIN: dict[str, object] = {
    **dict.fromkeys(("prompt_file", "temperature", "top_k", "top_p", "min_p", "steer", "show")),
    **dict.fromkeys(("no_prompt", "argmax", "compare", "novelty", "new", "as_json", "raw"), False),
    "stops": (),
    "prompt": "",
    "encoding": "utf-8",
    "unknown": "error",
    "count": 1,
    "clamps": (),
    "quiet": True,
    "seed": 7,
    "length": 12,
    "device": "cpu",
    "interactive": True,
}
"""options of a session"""


@pytest.fixture(autouse=True)
def run(run_here: RunDirectory) -> RunDirectory:
    """Change to the directory of a run whose model has no control characters."""
    save_model(run_here.model, random_model("\n abcdefgh/"))
    return run_here


@pytest.fixture
def commands(run: RunDirectory) -> Callable[..., SessionCommands]:
    """Return a function that starts a session with some options."""

    def start(**options: object) -> SessionCommands:
        chosen = SampleOptions(**PLAIN | options)  # type: ignore[arg-type]
        return SessionCommands(WritingSession(make_sampler(run.model, chosen), chosen))

    return start


@pytest.fixture
def talk(call: Call, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CommandResult]:
    """Return a function that runs a session with lines from a pipe."""

    def run_session(lines: bytes, *arguments: str) -> CommandResult:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
        return call("sample", "--interactive", "--seed", "7", "-n", "12", *arguments)

    return run_session


def continue_text(commands: SessionCommands) -> str:
    """Return a continuation."""
    return "".join(entry.char for entry in commands.session.continuation())


def test_each_character_is_read_once(
    commands: Callable[..., SessionCommands], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the user's text and of continuations; what is removed and retried is not read again."""
    reading = commands()
    steps: list[int] = []
    step_state = InferenceRNN.step_state

    def counted(rnn: InferenceRNN, ids: object, *arguments: object) -> object:
        steps.append(1)
        return step_state(rnn, ids, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(InferenceRNN, "step_state", counted)
    reading.run("abcab")
    continue_text(reading)
    reading.run("de")
    continue_text(reading)
    reading.run("/choose 2")
    assert len(steps) == len(reading.session.text) == 5 + 12 + 2 + 12 + 1
    reading.run("/undo")
    reading.run("/retry")
    reading.run("/next")
    assert len(steps) == 5 + 12 + 2 + 12 + 1
    continue_text(reading)
    assert len(steps) == 5 + 12 + 2 + 12 + 1 + 12


def test_the_first_continuation_is_that_of_sample(call: Call, talk: Callable[..., CommandResult]) -> None:
    """With the same prompt, length and seed, whether the prompt is an option or the first line."""
    expected = call("sample", "--seed", "7", "-n", "12", "-p", "abc").out
    assert talk(b"abc\n").out == talk(b"\n", "-p", "abc").out == f"{expected}\n"
    assert talk(b"abc\n", "--no-prompt").out == f"{expected[3:]}\n"
    assert talk(b"\n").out == call("sample", "--seed", "7", "-n", "12").out + "\n"


def test_a_session_reads_the_text_as_one(commands: Callable[..., SessionCommands]) -> None:
    """Pieces and the text as a whole lead to the same next characters."""
    pieces, whole = commands(), commands()
    pieces.run("ab")
    continue_text(pieces)
    pieces.run("/add c\\nd")
    whole.session.add(pieces.session.text)
    for ours, theirs in zip(pieces.session.next_characters(3), whole.session.next_characters(3), strict=True):
        assert ours.char == theirs.char
        assert abs(ours.probability - theirs.probability) < 1e-6


def test_undo_restores_the_state(commands: Callable[..., SessionCommands]) -> None:
    """Down to the empty text, at which there is nothing to undo."""
    session = commands()
    before = session.run("/next").notes
    session.run("abc")
    middle = session.run("/next").notes
    continue_text(session)
    assert session.run("/undo").notes == ("removed 12 characters",)
    assert session.run("/next").notes == middle
    session.run("/undo")
    assert (session.run("/next").notes, session.session.text) == (before, "")
    assert session.run("/undo").notes == ("error: there is nothing to undo",)


def test_retry_replaces_a_continuation_only(commands: Callable[..., SessionCommands]) -> None:
    """By another one; the user's text stays."""
    session = commands()
    session.run("abc")
    assert "does not end with a continuation" in session.run("/retry").notes[0]
    first = continue_text(session)
    assert session.run("/retry").continues
    assert continue_text(session) != first
    assert len(session.session.text) == 3 + 12


def test_an_interrupted_continuation_is_kept(commands: Callable[..., SessionCommands]) -> None:
    """The text ends with the last character that was written."""
    session, whole = commands(length=100), commands()
    session.run("abc")
    generated = session.session.continuation()
    text = "abc" + "".join(next(generated).char for _ in range(5))
    generated.close()
    assert session.session.text == text
    whole.session.add(text)
    assert session.session.next_characters(1)[0].char == whole.session.next_characters(1)[0].char


def test_a_held_cell_stays_at_its_value_until_it_is_released(commands: Callable[..., SessionCommands]) -> None:
    """From the next character on; the text continues as with --clamp."""
    session = commands()
    assert session.run("/clamp 1.3=1").notes == ("clamped from the next character on: 1.3 at 1",)
    session.run("abc")
    clamped = continue_text(session)
    assert clamped != continue_text_of(commands(), "abc")
    assert session.run("/release 2.1").notes == ("error: 2.1 is not clamped",)
    assert session.run("/release 1.3").notes == session.run("/release").notes == ("nothing is clamped",)
    assert session.run("/clamp 9.9=1").notes[0].startswith("error: there is no cell 9.9")
    assert session.run("/clamp 1.3").notes[0].startswith("error: /clamp: must be a cell or a concept and its value")


def continue_text_of(session: SessionCommands, text: str) -> str:
    """Return the continuation of a text."""
    session.run(text)
    return continue_text(session)


def test_settings_change_from_now_on(commands: Callable[..., SessionCommands]) -> None:
    """Without an argument a command shows its setting."""
    session = commands()
    assert session.run("/temperature 0").notes == session.run("/temperature").notes == ("temperature 0",)
    assert session.run("/length 3").notes == ("at most 3 characters",)
    first = continue_text_of(session, "abc")
    session.run("/retry")
    assert (len(first), continue_text(session)) == (3, first)
    assert session.run("/length 0").notes == ("no limit of characters",)


def test_a_chosen_character_is_appended(commands: Callable[..., SessionCommands]) -> None:
    """The list is that of the model's most likely characters; the next list follows."""
    session = commands()
    session.run("abc")
    listed = session.run("/next 2").notes
    reply = session.run("/choose 2")
    assert repr(reply.added) in listed[1]
    assert session.session.text == f"abc{reply.added}"
    assert reply.notes[1:] == session.run("/next").notes
    assert session.run("/choose 99").notes == ("error: the rank must be from 1 to 11, not 99",)


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("/temprature 1", "error: there is no command '/temprature'; hint: did you mean /temperature?"),
        ("/xyz", "error: there is no command '/xyz'; hint: /help lists the commands; // begins a text with /"),
        ("/temperature -1", "error: /temperature: must be a number ≥ 0 (0: always the most likely), not -1"),
        ("/length 1.5", "error: /length: must be a whole number ≥ 0, not 1.5"),
        ("/choose", "error: /choose: must be a whole number ≥ 1, not "),
        ("/save", "error: /save needs the name of a file; hint: `/save story.txt`"),
        ("xyz", "error: the model never saw 'x', 'y', 'z'; hint: `--unknown skip` leaves them out"),
        ("a\udc80", "error: the line is not valid text (byte 0x80)"),
    ],
)
def test_an_error_is_one_note_and_changes_nothing(
    commands: Callable[..., SessionCommands], line: str, note: str
) -> None:
    """The session continues."""
    session = commands()
    reply = session.run(line)
    assert reply.notes == (note,)
    assert (reply.continues, reply.added, session.session.text) == (False, "", "")


def test_unknown_characters_are_dropped_on_request(commands: Callable[..., SessionCommands]) -> None:
    """As those of a prompt, with the same note."""
    reply = commands(unknown="skip").run("axb")
    assert reply.notes == ("note: dropped characters that the model never saw: 'x'",)
    assert reply.continues


def test_a_text_can_begin_with_a_slash(commands: Callable[..., SessionCommands]) -> None:
    """Two slashes stand for one."""
    session = commands()
    assert session.run("//ab").continues
    assert session.session.text == "/ab"


def test_a_file_is_replaced_only_if_the_user_says_so(commands: Callable[..., SessionCommands]) -> None:
    """Or if the session wrote it itself; nothing is replaced that is not a regular file."""
    session = commands()
    session.run("abc")
    Path("old.txt").write_text("old")
    Path("folder").mkdir()
    assert session.run("/save old.txt").notes == ("error: old.txt exists; hint: `/save! old.txt` replaces it",)
    assert Path("old.txt").read_text() == "old"
    assert session.run("/save! old.txt").notes == ("old.txt: replaced, 3 characters",)
    assert session.run("/save new story.txt").notes == ("new story.txt: 3 characters",)
    session.run("/add d\\n")
    assert session.run("/save new story.txt").notes == ("new story.txt: replaced, 5 characters",)
    assert Path("new story.txt").read_text() == "abcd\n"
    assert session.run("/save! folder").notes == ("error: cannot write 'folder': is a directory",)
    assert session.run("/save no/such.txt").notes == ("error: cannot write 'no/such.txt': no such file or directory",)
    assert session.run("/save a\0b").notes[0].startswith("error: cannot write 'a\\x00b'")


def test_help_names_each_command(commands: Callable[..., SessionCommands]) -> None:
    """In a line each, which fits on a terminal."""
    lines = commands().run("/help").notes[1:]
    assert [line.split()[0] for line in lines] == [f"/{name}" for name in COMMANDS]
    assert all(len(line) <= 80 for line in lines)
    assert [complete_command("/sa", number) for number in range(3)] == ["/save", "/save!", None]
    assert complete_command("a", 0) is None


@pytest.mark.parametrize(
    ("documentation", "backend", "binding"),
    [
        ("Importing this module enables command line editing using GNU readline.", None, "tab: complete"),
        ("Importing this module enables command line editing using libedit readline.", None, "bind ^I rl_complete"),
        (None, "readline", "tab: complete"),
        (None, "editline", "bind ^I rl_complete"),
    ],
)
def test_tab_completes_in_both_libraries(documentation: str | None, backend: str | None, binding: str) -> None:
    """GNU readline and libedit have different instructions; Python 3.13 and later name the library."""
    editor = ModuleType("readline", documentation)
    if backend:
        vars(editor)["backend"] = backend
    assert completion_binding(editor) == binding


def test_a_pipe_receives_text_only(talk: Callable[..., CommandResult]) -> None:
    """Notes go to standard error, without a prompt; the same seed writes the same text; /quit ends the session."""
    lines = b"abc\n/undo\n/xyz\n\xff\n" + b"a" * (MAX_LINE_BYTES + 5) + b"\n\r\n/add ab\n/retry\nc\r\n/quit\nabc\n"
    result = talk(lines)
    assert result == talk(lines)
    assert (result.code, result.out.count("\n") >= 3, ">" in result.out) == (0, True, False)
    assert result.err.splitlines() == [
        "removed 12 characters",
        "error: there is no command '/xyz'; hint: /help lists the commands; // begins a text with /",
        "error: the line is not valid UTF-8: invalid start byte",
        f"error: a line is longer than {MAX_LINE_BYTES:,} bytes",
        "error: the text does not end with a continuation; hint: an empty line continues the text",
    ]


def test_a_pipe_receives_what_undo_left(talk: Callable[..., CommandResult]) -> None:
    """The pieces before the removed one are written, which the model continues."""
    assert talk(b"/add abc\n/add def\n/undo\n\n").out.startswith("abc")
    assert not talk(b"/add abc\n/add def\n/undo\n\n").out.startswith("abcdef")


def test_an_empty_text_is_not_a_piece(commands: Callable[..., SessionCommands]) -> None:
    """Undo would remove nothing."""
    session = commands()
    assert session.run("/add").notes[0].startswith("error: /add needs a text")
    assert session.run("/undo").notes == ("error: there is nothing to undo",)


@pytest.mark.parametrize("other", ["--json", "--raw", "--novelty", "--new", "--compare", "--count=2"])
def test_options_for_other_output_are_refused(call: Call, other: str) -> None:
    """In one line."""
    result = call("sample", "--interactive", other)
    assert (result.code, result.out) == (2, "")
    assert f"error: --interactive and {other.partition('=')[0]} cannot go together" in result.err


def test_a_document_ends_a_continuation(run: RunDirectory, commands: Callable[..., SessionCommands]) -> None:
    """The text between two documents follows, and the next line begins a document."""
    from charrnn.config import NetworkConfig

    config = NetworkConfig(cell="lstm", layers=1, hidden=9, embedding=4, documents="line")
    save_model(run.model, random_model("\n abc", config=config))
    session = commands(length=None)
    session.run("abc")
    continue_text(session)
    text = session.session.text
    assert text.endswith("\n") or len(text) == 203
    session.run("ab")
    assert session.session.text == f"{text}ab"


def test_a_terminal_has_a_prompt_and_ctrl_c_ends_a_continuation(launch: Launcher) -> None:
    """Ctrl-C at the prompt discards the line, and Ctrl-D ends the session."""
    with terminal("sample", "--interactive", "--seed", "7", "-n", "0", launch=launch) as screen:
        screen.wait_for(lambda: screen.text.endswith(">"))
        assert "/help lists commands" in screen.text
        screen.type("abc\r")
        screen.wait_for(lambda: len(screen.text) > 400)
        screen.type("\x03")
        screen.wait_for(lambda: screen.text.endswith("\n>"))
        screen.type("fgh")
        screen.wait_for(lambda: screen.text.endswith("> fgh"))
        screen.type("\x03")
        screen.wait_for(lambda: screen.text.endswith("\n>"))
        screen.type("/length 5\r")
        screen.wait_for(lambda: "at most 5 characters" in screen.text)
        screen.type("/undo\r")
        screen.wait_for(lambda: "removed" in screen.text)
        screen.type("\x04")
        assert screen.wait() == 0


def test_the_carrier_of_a_concept_can_be_held(talk: Callable[..., CommandResult], tmp_path: Path) -> None:
    """The carrier is searched once; outside of a quotation no quotation ends, and inside of it one ends soon."""
    carried_run(tmp_path / "checkpoints/quotes", "lstm", 1)
    lines = "/clamp in_quote=0\n/clamp in_quote={}\nso. sun\n"
    for level, ends in ((-1, False), (1, True)):
        result = talk(lines.format(level).encode(), "checkpoints/quotes", "-n", "200")
        assert result.err.count("in_quote is carried by") == 1
        assert f"clamped from the next character on: in_quote at {level}".replace("-", "−") in result.err
        assert ("”" in result.out) == ends


def test_a_name_stands_for_its_latest_definition(tmp_path: Path, talk: Callable[..., CommandResult]) -> None:
    """Its hyphen is no minus sign, and the definition releases the concept, too."""
    run = carried_run(tmp_path / "quoted", "lstm", 32)
    definitions = ["a-b=“..”", "a-b=/[a-z]+/"]
    lines = [*(f"/clamp {definition}=-1" for definition in definitions), "/clamp a-b=1", f"/release {definitions[1]}"]
    result = talk("\n".join(lines).encode(), str(run.path))
    assert result.err.count("a-b is carried by") == 2
    assert "a-b at −1\n" in result.err
    assert result.err.rstrip().endswith("nothing is clamped")


@pytest.mark.parametrize("show", ["surprisal", "1.3"])
def test_continuations_are_colored_on_a_terminal(launch: Launcher, show: str) -> None:
    """Without color digits stand below them, none below the user's text; an interrupted text has a digit for each."""
    arguments = ("sample", "--interactive", "--seed", "7", "-n", "0", "--show", show)
    with terminal(*arguments, environment={"NO_COLOR": "1"}, launch=launch) as screen:
        screen.wait_for(lambda: screen.text.endswith(">"))
        screen.type("abc\r")
        screen.wait_for(lambda: len(screen.text) > 600)
        screen.type("\x03")
        screen.wait_for(lambda: screen.text.endswith("\n>"))
        screen.type("\x04")
        assert screen.wait() == 0
    lines = screen.text.partition("> abc\n")[2].splitlines()[:-1]
    texts, digits = [line.partition("^C")[0] for line in lines[::2]], lines[1::2]
    assert (texts[0][:3], digits[0][:3]) == ("abc", "   ")
    assert digits[0][3:].isdigit()
    assert all(line.isdigit() for line in digits[1:])
    assert all(len(line) >= len(text) for text, line in zip(texts, digits, strict=True))
