"""Lines around the map: the cell and its finding, the character at the cursor and its prediction, and messages."""

from rich.style import Style
from rich.text import Text

from charrnn.browser.keys import HINTS
from charrnn.browser.listing import Listing
from charrnn.browser.lists import finding_text
from charrnn.browser.recording import Prediction
from charrnn.browser.session import Session
from charrnn.inspection.measures.attribution import Attribution
from charrnn.views.formatting import format_number
from charrnn.views.interchange import text_end
from charrnn.views.layout import one_line, visible_character
from charrnn.views.sanitize import ascii_signs

MIN_PROBABILITY = 0.005
"""smallest probability that is not shown as 0 %"""


def header(session: Session) -> list[Text]:
    """Return the lines above the map: the model, the text and the scale; the cell and its place in the order."""
    state, recording = session.state, session.state.recording
    title = session.view.terminal.legend().append(_shown(session, f"  {session.title}"), "dim")
    if session.view.influence:
        return [title, Text(_shown(session, _influence_title(session.view.influence)), style="bold")]
    order = "finding (searching ...)" if session.is_searching and state.order == "finding" else state.order
    parts = [
        f"{state.cell_name} {state.signal_name}",
        "marked" if state.cell in state.marked else "",
        f"{state.rank:,} of {recording.cells:,} by {order}",
        finding_text(state, state.cell),
    ]
    line = Text(_shown(session, " · ".join(filter(None, parts))), style="bold")
    if state.marks:
        line.append("  ").append(one_line(state.marks.label, unicode=_unicode(session)), Style(underline=True))
    return [title, line]


def details(session: Session) -> list[Text]:
    """Return the lines below the map: the character at the cursor, its prediction, and that of the next one."""
    if session.view.influence:
        return [Text(_shown(session, line)) for line in _influence_lines(session, session.view.influence)]
    state, recording = session.state, session.state.recording
    value = format_number(float(recording.values[state.signal, state.cursor, state.cell]), "+z.2f")
    character = _quoted(session, recording.parsed.text[state.cursor])
    lines = [f"character {state.cursor:,} of {len(recording):,}  {character}  {value}"]
    predicted = state.predicted()
    if predicted:
        lines[0] += f"  surprisal {predicted.bits:.1f} bits, rank {predicted.rank:,}"
    lines.append(f"predicted  {_guesses(session, predicted)}" if predicted else "")
    lines.append(f"next       {_guesses(session, recording.prediction_after(state.cursor))}")
    if selection := state.selection:
        lines[0] += f"  selected {selection.stop - selection.start:,}"
    return [Text(_shown(session, line)) for line in lines]


def session_status(session: Session) -> Text:
    """Return the line at the bottom: a prompt, a message, or the most important keys."""
    if prompt := session.prompt:
        columns = session.view.layout.screen_columns - len(prompt.label) - 1
        answer = text_end(prompt.text, max(1, columns), unicode=_unicode(session))
        line = Text(prompt.label + answer, style="bold")
        return line.append(" ", Style(reverse=True))
    if session.message:
        return Text(_shown(session, session.message), style="bold")
    if listing := session.listing:
        return Text(_place_in_list(listing), style="dim")
    return Text(HINTS, style="dim")


def list_lines(session: Session, height: int) -> list[Text]:
    """Return the visible lines of the list that covers the map, with its title."""
    listing, unicode = session.listing, _unicode(session)
    assert listing is not None
    listing.rows = max(1, height - 1)
    first = listing.first_visible()
    lines = [Text(one_line(ascii_signs(listing.title, unicode=unicode), unicode=unicode), style="bold underline")]
    for number, entry in enumerate(listing.entries[first : first + listing.rows], first):
        is_current = listing.choose is not None and number == listing.index
        lines.append(Text(one_line(entry.text, unicode=unicode), style="reverse" if is_current else ""))
    return lines


def _place_in_list(listing: Listing) -> str:
    """Return the number of the current entry, or those of the visible lines of a text, and the keys."""
    count, first = len(listing.entries), listing.first_visible()
    if listing.choose:
        return f"{min(listing.index + 1, count):,} of {count:,}  Enter chooses, Esc closes"
    return f"lines {first + 1:,} to {min(first + listing.rows, count):,} of {count:,}  Esc closes"


def _influence_title(influence: Attribution) -> str:
    return f"influence on character {influence.at:,} by occlusion: positive makes it more probable"


def _influence_lines(session: Session, influence: Attribution) -> list[str]:
    """Return the lines about an attributed prediction: its surprisal, and the characters of the strongest effect."""
    strongest = (
        f"{_quoted(session, influence.content[index])} {influence.characters - index} back"
        f" {format_number(float(influence.occlusion[index]), '+z.2f')}"
        for index in influence.strongest()
    )
    return [
        f"{_quoted(session, influence.character)}  surprisal {influence.bits:.1f} bits, rank {influence.rank:,}",
        f"strongest effects in bits: {', '.join(strongest)}",
        "each character is replaced by random ones; Esc shows the cell again",
    ]


def _guesses(session: Session, prediction: Prediction) -> str:
    """Return the likeliest characters of a prediction with their probabilities."""
    return "  ".join(
        f"{_quoted(session, character)} {probability:.0%}"
        for character, probability in prediction.guesses
        if probability >= MIN_PROBABILITY
    )


def _quoted(session: Session, character: str) -> str:
    return visible_character(character, unicode=_unicode(session))


def _shown(session: Session, line: str) -> str:
    """Return a line with untrusted parts, sanitized, and in ASCII if need be."""
    unicode = _unicode(session)
    return one_line(ascii_signs(line, unicode=unicode), unicode=unicode)


def _unicode(session: Session) -> bool:
    return session.view.terminal.unicode
