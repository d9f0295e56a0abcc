"""Session of the browser: what each key changes, and what the screen shows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from browser_sessions import LETTERS_TEXT, QUOTE_CELL, make_finding, make_recording, new_session, press
from common import random_model
from rich.console import Console

from charrnn.browser.jobs import CancelledError, QuickSearch, attribute, continue_text
from charrnn.browser.keys import ACTIONS, HINTS, KEYS
from charrnn.browser.lines import Terminal, TextLayout
from charrnn.browser.recording import Recording
from charrnn.browser.screen import draw_screen
from charrnn.browser.session import HELD, Session
from charrnn.browser.viewport import MOVES
from charrnn.errors import CharrnnError
from charrnn.inspection.concepts import ParsedText
from charrnn.inspection.search.search_data import EncodedText
from charrnn.views.heatmap import Heatmap

HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e\u2066\u200b\x08\r[/bold] e\u0301 日本 \U0001f468\u200d\U0001f469\n"
"""control sequences, bidirectional, combining and wide characters"""
NO_COLOR = Terminal(color_system=None)


@pytest.fixture(scope="module")
def recording() -> Recording:
    """Return the recording of a text with quotations."""
    return make_recording()


@pytest.fixture
def session(recording: Recording) -> Session:
    """Return a session over a text with quotations."""
    return new_session(recording)


def screen(session: Session, columns: int = 80, rows: int = 24) -> list[str]:
    """Return the text of each row."""
    console = Console(color_system="truecolor", force_terminal=True, legacy_windows=False, _environ={})
    drawn = draw_screen(session, columns, rows, console)
    assert len(drawn) == rows
    return ["".join(segment.text for segment in row) for row in drawn]


def styles(session: Session, row: int, columns: int = 80) -> list[Any]:
    """Return the style of each column of a row."""
    drawn = draw_screen(session, columns, 24, Console(_environ={}))[row]
    return [segment.style for segment in drawn for _ in segment.text]


def test_every_key_has_one_action_which_exists() -> None:
    """The hints at the bottom fit into 80 columns and name keys that exist."""
    names = [name for key in KEYS for name in key.keys]
    assert len(names) == len(set(names)) == len(ACTIONS)
    for key in KEYS:
        assert key.action in MOVES or key.action in HELD or hasattr(Session, f"do_{key.action}"), key
    assert len(HINTS) <= 80
    assert {entry.split()[0] for entry in HINTS.split("  ")} <= set(ACTIONS)


@pytest.mark.parametrize(
    ("keys", "cursor"),
    [
        (["right", "right", "left"], 1),
        (["left"], 0),
        (["down"], 17),
        (["right", "down", "up"], 1),
        (["end"], len(LETTERS_TEXT) - 1),
        (["G", "g"], 0),
        (["end", "home"], 0),
        (["pagedown"], 18 * 15),
        (["space", "b"], 0),
    ],
)
def test_keys_move_the_cursor(session: Session, keys: list[str], cursor: int) -> None:
    """By a character, a line, a page or the whole text; it stays visible."""
    screen(session)
    press(session, *keys)
    if keys == ["pagedown"]:
        assert session.state.cursor == session.view.layout.lines[18].start
    else:
        assert session.state.cursor == cursor
    line = session.view.layout.line_of(session.state.cursor)
    assert session.view.top <= line < session.view.top + session.view.height


def test_keys_choose_the_cell_and_the_signal(session: Session) -> None:
    """The second line shows the cell, the signal, and the place in the order."""
    press(session, "o", "o")
    assert session.state.order == "number"
    press(session, "f", "j", "tab", "j", "k")
    assert screen(session)[1].startswith("1.2 tanh(c) · 3 of 30 by number")
    press(session, "s")
    assert screen(session)[1].startswith("1.2 h ·")
    press(session, "S", "S")
    assert screen(session)[1].startswith("1.2 o ·")
    press(session, ":", f"type:{QUOTE_CELL}", "enter")
    assert session.state.cell_name == QUOTE_CELL
    press(session, ":", "type:9.9", "enter")
    assert screen(session)[-1].startswith("there is no cell 9.9")
    press(session, "shift+tab")
    assert session.message == ""


def test_marked_cells_are_shown_as_marked(session: Session) -> None:
    """M goes from one to the next."""
    press(session, "M")
    assert screen(session)[-1].startswith("no cell is marked")
    press(session, "m", "j", "m")
    second = session.state.cell
    press(session, "M")
    assert session.state.cell != second
    assert "· marked ·" in screen(session)[1]
    press(session, "m")
    assert "marked" not in screen(session)[1]


def test_a_finding_is_shown_with_its_cell(session: Session) -> None:
    """With concept, verdict and fit."""
    session.state.add_findings([make_finding("in_quote", QUOTE_CELL, 0.83)])
    press(session, "f")
    assert "in_quote: detector, fit 0.83" in screen(session)[1]


def test_the_prompt_searches_the_text(session: Session) -> None:
    """Each typed character is shown; n and N go on, Escape and an empty answer change nothing."""
    press(session, "/", "type:mnx", "backspace")
    assert screen(session)[-1].startswith("/mn ")
    press(session, "enter")
    first = LETTERS_TEXT.index("mn")
    assert session.state.cursor == first
    press(session, "n")
    assert session.state.cursor == first + 30
    press(session, "N")
    assert session.state.cursor == first
    for keys in (["/", "type:rst", "escape"], ["/", "enter"]):
        press(session, *keys)
        assert session.state.cursor == first
    assert session.prompt is None


def test_pasted_text_goes_to_the_prompt_without_control_characters(session: Session) -> None:
    """Without a prompt it is ignored."""
    session.paste("q")
    assert session.is_open
    press(session, "/")
    session.paste("ab\x1b[2Jc\n" * 100)
    assert session.prompt is not None
    assert session.prompt.text.startswith("ab[2Jcab")
    assert len(session.prompt.text) == 200
    assert len(screen(session)[-1]) <= 80


def test_the_end_of_a_long_answer_is_visible(session: Session) -> None:
    """Behind an ellipsis, so that the user sees what is typed."""
    press(session, "/", "type:" + "a" * 90 + "bcd")
    assert screen(session)[-1].startswith("/…aaa")
    assert screen(session)[-1].rstrip().endswith("abcd")


def test_a_key_without_a_character_does_not_move_in_a_list(session: Session) -> None:
    """Letters go to the next concept that begins with them, but an arrow to the left does nothing."""
    press(session, "u", "left", "f5")
    assert session.listing is not None
    assert session.listing.index == 0


def test_a_concept_is_chosen_from_a_list(session: Session) -> None:
    """A letter goes to the next concept that begins with it; its characters are underlined, until Escape."""
    press(session, "u")
    assert screen(session)[2] == "concept to underline"
    press(session, "type:in", "enter")
    assert session.state.marks is None or session.state.marks.label.startswith(("in", "n"))
    press(session, "u", "home", "i", "enter")
    assert session.state.marks is not None
    assert session.state.marks.label == "in_quote"
    underlined = [style.underline for style in styles(session, 2)[:16]]
    assert underlined == [False] * 4 + [True] * 7 + [False] * 5
    assert "in_quote" in screen(session)[1]
    press(session, "escape")
    assert session.state.marks is None


def test_the_cells_that_are_active_in_the_selection_are_listed(session: Session) -> None:
    """The chosen cell is shown; + and - change the threshold, and an empty list says so."""
    press(session, "/", "type:d", "enter", "v", "right", "right", "right", "right", "l")
    rows = screen(session)
    assert rows[2].startswith("0 cells")
    press(session, "escape", "escape", "home", "/", 'type:"', "enter", "v", *["right"] * 6, "l")
    rows = screen(session)
    assert rows[2] == "1 cells with |tanh(c)| ≥ 0.3 only in the selection (+ -: threshold)"
    assert rows[3].startswith(QUOTE_CELL)
    press(session, "+")
    assert "≥ 0.4" in screen(session)[2]
    press(session, *["-"] * 9)
    assert "≥ 0.1" in screen(session)[2]
    press(session, "enter")
    assert session.state.cell_name == QUOTE_CELL
    press(session, "escape")
    assert session.state.selection is None


def test_the_attribution_of_a_prediction_is_drawn_over_the_text(session: Session) -> None:
    """Until Escape, or until another cell is shown; the first character has none."""
    press(session, "a")
    assert screen(session)[-1].startswith("the first character is not predicted")
    press(session, *["right"] * 9, "a")
    rows = screen(session)
    assert rows[1].startswith("influence on character 9")
    assert rows[-3].startswith("strongest effects in bits: ")
    values = session.view.heatmap("").rows[0].values
    assert np.abs(values[:9]).max() == 1
    assert not values[9:].any()
    press(session, "escape")
    assert session.view.influence is None
    press(session, "a", "j")
    assert session.view.influence is None


def test_the_text_is_continued_with_the_cell_held(session: Session) -> None:
    """In a list, in which the same keys continue again."""
    press(session, ":", f"type:{QUOTE_CELL}", "enter", "right", "c")
    assert screen(session)[2].startswith("continuation after 1 (number 1")
    assert screen(session)[3].startswith("cdefgh")
    press(session, "+")
    assert screen(session)[2].startswith(f"continuation after 1, {QUOTE_CELL} at +1 (number 1")
    press(session, "+")
    assert "(number 2;" in screen(session)[2]
    press(session, "-")
    assert "at -1 (number 2" in screen(session)[2]
    press(session, "escape")
    assert session.listing is None


def test_a_continuation_differs_if_a_cell_that_matters_is_held(recording: Recording) -> None:
    """The same random numbers give the same text without and with a held cell that the output ignores."""
    texts = [
        continue_text(recording, 1, cell=cell, held=held, seed=1)
        for cell, held in ((0, None), (recording.number_of((1, 29)), 1.0), (5, 1.0))
    ]
    assert texts[0] == texts[1] != texts[2]


def test_the_map_is_saved(recording: Recording) -> None:
    """The visible lines, or the selection; the name can be changed."""
    saved: list[tuple[str, Heatmap]] = []
    session = new_session(recording, saved=saved)
    screen(session, 80, 12)
    press(session, ":", "type:1.3", "enter", "w", "enter")
    assert session.message == "cell-1.3.svg: written"
    press(session, "v", "right", "right", "w", "type:x", "enter")
    (name, whole), (other_name, part) = saved
    assert (name, other_name) == ("cell-1.3.svg", "cell-1.3.svgx")
    assert whole.text == LETTERS_TEXT[: len(whole.text)]
    assert len(part.text) == 3
    assert part.to_svg().startswith("<svg ")


def test_help_lists_every_key(session: Session) -> None:
    """Several pages of it on a small terminal; q, Escape and ? close it."""
    press(session, "?")
    shown = "\n".join(screen(session, 120, 60))
    assert all(key.help in shown for key in KEYS)
    first = screen(session)[3]
    press(session, "pagedown")
    assert screen(session)[3] != first
    for key in ("q", "escape", "?", "enter"):
        press(session, key)
        assert session.is_open
        assert session.listing is None
        press(session, "?")
    press(session, "escape", "q")
    assert not session.is_open


@pytest.mark.parametrize(
    ("keys", "first"),
    [
        ("j", 1),
        ("j j k", 1),
        ("tab", 1),
        ("space", 7),
        ("pagedown", 7),
        ("space space b", 7),
        ("G", -7),
        ("G k", -8),
        ("G g", 0),
    ],
)
def test_a_text_scrolls_as_in_a_pager(session: Session, keys: str, first: int) -> None:
    """By the keys that move in the map; it stops with its last line on the last row."""
    lines = [f"{key.shown:<14} {key.help}"[:80] for key in KEYS]
    press(session, "?")
    screen(session, 80, 11)
    press(session, *keys.split())
    rows = screen(session, 80, 11)
    start = first % len(lines)
    assert rows[3:10] == [line.rstrip() for line in lines[start : start + 7]]
    assert rows[10].startswith(f"lines {start + 1} to {start + 7} of {len(lines)}")


def test_lines_around_the_map_have_their_style(session: Session) -> None:
    """The cell is bold, the keys are dim, and the current entry of a list is reversed."""
    assert all(style.bold for style in styles(session, 1)[:10])
    assert all(style.dim for style in styles(session, 23)[:10])
    press(session, "u", "down")
    assert [bool(style and style.reverse) for style in (styles(session, row)[0] for row in (3, 4, 5))] == [0, 1, 0]
    assert all(style.bold and style.underline for style in styles(session, 2)[:10])


def test_a_list_of_cells_is_stepped_through_by_the_keys_of_cells(session: Session) -> None:
    """But letters go to an entry of the concepts."""
    press(session, "l", *["-"] * 9, "j", "k", "j")
    assert session.listing is not None
    assert session.listing.index == 1
    press(session, "escape", "u", "j")
    assert session.listing.index == 0
    press(session, "space", "b")
    assert session.listing.entries[session.listing.index].text.startswith("b")


@pytest.mark.parametrize("request_key", ["a", "c", "+"])
@pytest.mark.parametrize("next_keys", ["right", "j", "escape", "?", "/", "c"])
def test_the_result_of_work_is_discarded_after_another_key(
    session: Session, request_key: str, next_keys: str
) -> None:
    """The screen is the one without the request; the result of the last request is shown."""
    press(session, *["right"] * 9)
    unfinished: list[Callable[[], None]] = []
    session.start = lambda work, done: unfinished.append(lambda: done(work(lambda: False)))
    press(session, request_key, next_keys)
    before = screen(session)
    unfinished.pop(0)()
    assert screen(session) == before
    if unfinished:
        unfinished.pop()()
        assert screen(session)[2].startswith("continuation after 9 (number")


def test_an_unknown_key_does_not_discard_the_result_of_work(session: Session) -> None:
    """And the line that announces it stays."""
    unfinished: list[Callable[[], None]] = []
    session.start = lambda work, done: unfinished.append(lambda: done(work(lambda: False)))
    press(session, "right", "a", "f9")
    assert screen(session)[-1] == "computing the attribution ..."
    unfinished.pop()()
    assert screen(session)[1].startswith("influence on character 1")


def test_an_unknown_key_changes_nothing(session: Session) -> None:
    """Neither the screen nor the state."""
    before = screen(session)
    press(session, "f9", "ctrl+t", "é", "\x1b")
    assert screen(session) == before


@pytest.mark.parametrize("columns", [1, 2, 5, 39, 80, 200])
@pytest.mark.parametrize("rows", [1, 2, 3, 6, 14, 50])
@pytest.mark.parametrize("terminal", [Terminal(color_system="standard"), NO_COLOR, Terminal(unicode=False)], ids=str)
def test_every_screen_fits_into_every_terminal(
    recording: Recording, columns: int, rows: int, terminal: Terminal
) -> None:
    """The map, each list and the prompt; no row is wider than the terminal."""
    session = new_session(recording, terminal=terminal)
    for keys in ("", "v", "?", "escape", "u", "escape", "l", "escape", "/", "escape", "end"):
        press(session, *[keys] if keys else [])
        for row in screen(session, columns, rows):
            assert len(row) <= columns
            assert terminal.unicode or row.isascii()


def test_hostile_text_is_shown_as_visible_symbols() -> None:
    """In the map, in the lists, in the predictions and in the title; without Unicode in ASCII."""
    model = random_model("".join(sorted(set(HOSTILE))))
    for terminal in (Terminal(color_system="256"), NO_COLOR, Terminal(unicode=False)):
        session = new_session(make_recording(model, HOSTILE * 9), terminal=terminal)
        session.title = HOSTILE
        session.message = HOSTILE
        shown = screen(session)
        for keys in (["right"], ["c"], ["escape", "v", "down", "l"], ["escape", "right", "a"], ["/"]):
            press(session, *keys)
            session.paste(HOSTILE)
            shown += screen(session)
        assert all(character.isprintable() for row in shown for character in row)
        assert not set("".join(shown)) & set("\u202e\u2066\u200b\u200d")
        assert terminal.unicode or "".join(shown).isascii()


def test_every_character_keeps_its_column_in_a_hostile_text() -> None:
    """The cursor moves over wide and combining characters one by one, and up and down in the same column."""
    layout = TextLayout(HOSTILE * 3, 80)
    for position in range(len(HOSTILE) * 3):
        line = layout.lines[layout.line_of(position)]
        assert line.start <= position < line.characters.stop
        assert layout.move(position, 0) == position


def test_digits_replace_the_colors_on_a_terminal_without_them(recording: Recording) -> None:
    """Below each line; the selection reverses them, and the cursor reverses the character."""
    session = new_session(recording, terminal=NO_COLOR)
    press(session, ":", f"type:{QUOTE_CELL}", "enter", "v", "right", "right")
    rows = screen(session)
    assert rows[2].startswith('abc "defghi" jkl')
    assert rows[3].startswith("55558888888111111")
    assert [style.reverse for style in styles(session, 3)[:4]] == [True, True, True, False]
    assert [bool(style.reverse) for style in styles(session, 2)[:4]] == [False, False, True, False]


def test_levels_are_quantized_once_for_each_cell(session: Session) -> None:
    """Movements of the cursor reuse them."""
    first = session.view.content().quantized
    press(session, "right")
    assert session.view.content().quantized is first
    press(session, "j")
    assert session.view.content().quantized is not first


def a_search(model_text: str = LETTERS_TEXT * 40) -> QuickSearch:
    """Return a search of the handmade model."""
    recording = make_recording()
    text = EncodedText(parsed=ParsedText.of(model_text), ids=recording.vocabulary.encode(model_text))
    return QuickSearch(rnn=recording.rnn, text=text, concepts=(), signal="c", seed=0)


def test_the_search_orders_the_cells(recording: Recording) -> None:
    """The cell that follows quotations has that finding."""
    session = new_session(recording, search=a_search())
    session.begin_search()
    assert not session.is_searching
    assert session.state.findings[recording.number_of((1, 29))].concept == "in_quote"
    assert "cells have a finding" in session.message


def test_a_text_that_is_too_short_for_a_search_is_browsed_without_one(recording: Recording) -> None:
    """The reason is shown."""
    session = new_session(recording, search=a_search(LETTERS_TEXT[:90]))
    session.begin_search()
    assert session.message.startswith("no findings: ")
    assert session.state.findings == {}


def test_a_search_ends_soon_if_it_is_cancelled() -> None:
    """Before the first step of a stage."""
    with pytest.raises(CancelledError):
        a_search().run(lambda: True)


def test_errors_of_work_are_reported_with_their_hint(session: Session) -> None:
    """In the line below the map."""
    session.report(CharrnnError("no", hint="so"))
    assert screen(session)[-1] == "no; so"


def test_an_attribution_is_that_of_the_character(recording: Recording) -> None:
    """The same position gives the same numbers."""
    first, second = attribute(recording, 20), attribute(recording, 20)
    assert first.at == 20
    assert first.character == LETTERS_TEXT[20]
    assert first.occlusion.tolist() == second.occlusion.tolist()
