"""Lists that cover the map: entries to choose from, or text to read; and the prompt below the map."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MAX_PROMPT_CHARS = 200
"""characters of an answer"""


class Entry(NamedTuple):
    """An entry of a list."""

    text: str
    """line of the list; untrusted text is sanitized when the list is drawn"""
    value: Any = None
    """value that is passed on when the entry is chosen"""


@dataclass(kw_only=True)
class Listing:
    """A list of lines with a current one, or a text without one."""

    title: str
    entries: tuple[Entry, ...]
    choose: Callable[[Any], None] | None = None
    """function that receives the value of the chosen entry; None for a text"""
    actions: Mapping[str, Callable[[], None]] = field(default_factory=dict)
    """what some actions of the browser do while the list is open"""
    by_letter: bool = False
    """whether a letter goes to the next entry that begins with it"""
    index: int = 0
    """the current entry, or the first visible line of a text"""
    rows: int = 1
    """number of entries that fit on the screen"""

    def move(self, step: int) -> None:
        """Move to another entry, at most to the first or the last one; a text stops with its last line visible."""
        last = len(self.entries) - (1 if self.choose else self.rows)
        self.index = max(0, min(self.index + step, last))

    def scroll(self, action: str) -> bool:
        """Move as an action of the browser moves in the map; return whether it is such an action."""
        page, end = self.rows, len(self.entries)
        steps = {"up": -1, "down": 1, "page_up": -page, "page_down": page, "home": -end, "end": end}
        steps |= {"previous_cell": -1, "next_cell": 1}
        self.move(steps.get(action, 0))
        return action in steps

    def takes(self, character: str | None) -> bool:
        """Return whether a character goes to an entry in place of performing its action."""
        return self.by_letter and character is not None and character.isprintable() and character != " "

    def find(self, beginning: str) -> None:
        """Move to the next entry that begins with a character."""
        following = [*range(self.index + 1, len(self.entries)), *range(self.index + 1)]
        self.index = next(
            (number for number in following if self.entries[number].text.lower().startswith(beginning.lower())),
            self.index,
        )

    def first_visible(self) -> int:
        """Return the first visible entry."""
        first = self.index - self.rows // 2 if self.choose else self.index
        return max(0, min(first, len(self.entries) - self.rows))


@dataclass(kw_only=True)
class Prompt:
    """A question below the map, with the text typed so far."""

    label: str
    accept: Callable[[str], None]
    text: str = ""

    def type(self, characters: str) -> None:
        """Append the printable characters of what was typed or pasted."""
        printable = "".join(character for character in characters if character.isprintable())
        self.text = (self.text + printable)[:MAX_PROMPT_CHARS]

    def erase(self) -> None:
        """Remove the last character."""
        self.text = self.text[:-1]
