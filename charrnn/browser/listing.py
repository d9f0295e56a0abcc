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

    def move(self, step: int) -> None:
        """Move to another entry, at most to the first or the last one."""
        self.index = max(0, min(self.index + step, len(self.entries) - 1))

    def find(self, beginning: str | None) -> None:
        """Move to the next entry that begins with a character; None, of a key without one, moves nowhere."""
        if not beginning:
            return
        others = [*range(self.index + 1, len(self.entries)), *range(self.index + 1)]
        self.index = next(
            (number for number in others if self.entries[number].text.lower().startswith(beginning.lower())),
            self.index,
        )

    def first_visible(self, height: int) -> int:
        """Return the first visible entry in a number of rows."""
        if self.choose is None:
            return max(0, min(self.index, len(self.entries) - height))
        return max(0, min(self.index - height // 2, len(self.entries) - height))


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
