"""Keys of the browser: each action with its keys and its line in the help."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Key:
    """An action of the browser."""

    action: str
    """name of the method of the session, without `do_`"""
    keys: tuple[str, ...]
    """keys by Textual's names, or the characters that they type"""
    shown: str
    """the keys in the help"""
    help: str


def _key(action: str, keys: str, shown: str, text: str) -> Key:
    return Key(action=action, keys=tuple(keys.split(" ")), shown=shown, help=text)


KEYS = (
    _key("next_cell", "j tab", "j Tab", "next cell"),
    _key("previous_cell", "k shift+tab", "k Shift-Tab", "previous cell"),
    _key("first_cell", "f", "f", "first cell in the order"),
    _key("order", "o", "o", "order the cells by finding, by variance or by number"),
    _key("choose_cell", ":", ":", "go to a cell, such as 1.34"),
    _key("next_signal", "s", "s", "next signal: state, output, gates"),
    _key("previous_signal", "S", "S", "previous signal"),
    _key("mark", "m", "m", "mark the cell, or remove its mark"),
    _key("next_marked", "M", "M", "next marked cell"),
    _key("left", "left", "←", "previous character"),
    _key("right", "right", "→", "next character"),
    _key("up", "up", "↑", "line above"),
    _key("down", "down", "↓", "line below"),
    _key("page_up", "pageup b", "PgUp b", "page above"),
    _key("page_down", "pagedown space", "PgDn Space", "page below"),
    _key("home", "home g", "Home g", "beginning of the text"),
    _key("end", "end G", "End G", "end of the text"),
    _key("search", "/", "/", "search the text"),
    _key("next_match", "n", "n", "next match"),
    _key("previous_match", "N", "N", "previous match"),
    _key("concept", "u", "u", "choose a concept to underline"),
    _key("why", "a", "a", "attribute the prediction of the character to the characters before it"),
    _key("select", "v", "v", "begin a selection, or remove it"),
    _key("list_active", "l enter", "l Enter", "list the cells that are active in the selection and not around it"),
    _key("continue_text", "c", "c", "continue writing after the cursor"),
    _key("continue_high", "+", "+", "continue with the cell held at +1"),
    _key("continue_low", "-", "-", "continue with the cell held at -1"),
    _key("save", "w", "w", "write the selection, or the visible lines, to an SVG file"),
    _key("escape", "escape", "Esc", "remove the attribution, the selection, or the underlines"),
    _key("help", "? f1", "? F1", "show the keys"),
    _key("quit", "q ctrl+q ctrl+c", "q", "quit"),
)

ACTIONS = {name: key.action for key in KEYS for name in key.keys}
"""the action of each key"""
HINTS = "? help  j k cell  s signal  u concept  / search  v select  l list  a why  q quit"
"""line at the bottom while there is no message"""
