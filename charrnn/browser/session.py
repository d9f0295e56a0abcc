"""Session of the browser: what each key does, to the map, to a list that covers it, or to a prompt below it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from charrnn.browser.jobs import IsCancelled, QuickSearch, Start, attribute, continue_text, start_now
from charrnn.browser.keys import ACTIONS
from charrnn.browser.lines import Terminal
from charrnn.browser.listing import Listing, Prompt
from charrnn.browser.lists import active_list, concept_list, key_list, text_list
from charrnn.browser.state import BrowserState
from charrnn.browser.viewport import MOVES, Viewport
from charrnn.errors import CharrnnError
from charrnn.inspection.concepts import Concept
from charrnn.inspection.measures.attribution import Attribution
from charrnn.inspection.search.finding import Finding
from charrnn.views.heatmap import Heatmap

Save = Callable[[str, Heatmap], str]
"""writes a heat map to the file of a name, and returns a note about it (CharrnnError)"""
HELD = {"continue_text": None, "continue_high": 1.0, "continue_low": -1.0}
"""value at which each action that continues the text holds the cell; None: no cell is held"""


class Session:
    """A browser independent of its terminal: keys change its state, which `screen` draws."""

    def __init__(
        self,
        state: BrowserState,
        *,
        title: str,
        terminal: Terminal,
        save: Save,
        concepts: Mapping[str, Concept],
        search: QuickSearch | None = None,
    ) -> None:
        """`concepts`: the concepts that can be underlined, by name; `search`: the search that orders the cells."""
        self.state, self.title, self.concepts = state, title, concepts
        self.view = Viewport(state, terminal)
        self._save, self._quick_search = save, search
        self.start: Start = start_now
        """starts work in the background"""
        self.is_open = True
        """whether the user has not quit"""
        self.is_searching = False
        self.message = ""
        """line below the map, until the next key"""
        self.listing: Listing | None = None
        self.prompt: Prompt | None = None
        self._requests = 0
        """number of the keys so far; each of them makes the result of earlier work superfluous"""
        self._written: tuple[int, str] = (0, "")
        """number of the last continuation, which is the seed of its random numbers, and its action"""

    # Keys

    def press(self, key: str, character: str | None = None) -> None:
        """Handle a key, given by Textual's name and by the character that it types; errors become messages."""
        if not (self.prompt or self.listing or _action(key, character)):
            return
        self.message = ""
        self._requests += 1
        try:
            if self.prompt:
                self._press_in_prompt(self.prompt, key, character)
            elif self.listing:
                self._press_in_list(self.listing, key, character)
            else:
                self._perform(_action(key, character))
        except CharrnnError as error:
            self.report(error)
        self.view.scroll_to_cursor()

    def report(self, error: CharrnnError) -> None:
        """Show an error in the line below the map."""
        self.message = f"{error.message}; {error.hint}" if error.hint else error.message

    def paste(self, text: str) -> None:
        """Append pasted text to the answer to a prompt."""
        if self.prompt:
            self.prompt.type(text)

    def _perform(self, action: str) -> None:
        """Perform an action by its name; "" is none."""
        if action in MOVES:
            MOVES[action](self.view)
        elif action in HELD:
            self._continue_text(action)
        elif action:
            getattr(self, f"do_{action}")()

    def _press_in_prompt(self, prompt: Prompt, key: str, character: str | None) -> None:
        """Handle a key while there is a prompt."""
        if key == "enter":
            self.prompt = None
            if prompt.text:
                prompt.accept(prompt.text)
        elif key in ("escape", "ctrl+c"):
            self.prompt = None
        elif key in ("backspace", "ctrl+h"):
            prompt.erase()
        elif character:
            prompt.type(character)

    def _press_in_list(self, listing: Listing, key: str, character: str | None) -> None:
        """Handle a key while a list covers the map."""
        action = _action(key, character)
        if character and listing.takes(character):
            listing.find(character)
        elif key in ("escape", "enter", "ctrl+c"):
            self.listing = None
            if key == "enter" and listing.choose and listing.entries:
                listing.choose(listing.entries[listing.index].value)
        elif action in listing.actions:
            listing.actions[action]()
        elif not listing.scroll(action) and action in ("quit", "help"):
            self.listing = None

    # Cells and signals

    def _show(self, choose: Callable[..., object], *arguments: Any) -> None:
        """Choose a cell or a signal, and draw it in place of an attribution."""
        choose(*arguments)
        self.view.influence = None

    def do_next_cell(self) -> None:
        """Show the next cell."""
        self._show(self.state.step_cell, 1)

    def do_previous_cell(self) -> None:
        """Show the previous cell."""
        self._show(self.state.step_cell, -1)

    def do_first_cell(self) -> None:
        """Show the first cell in the order."""
        self._show(self.state.first_cell)

    def do_next_marked(self) -> None:
        """Show the next marked cell."""
        self._show(self.state.next_marked)

    def do_choose_cell(self) -> None:
        """Ask for the id of a cell, and show the cell."""
        self.prompt = Prompt(label="cell ", accept=lambda name: self._show(self.state.choose_cell, name))

    def do_next_signal(self) -> None:
        """Show the next signal."""
        self._show(self.state.step_signal, 1)

    def do_previous_signal(self) -> None:
        """Show the previous signal."""
        self._show(self.state.step_signal, -1)

    def do_order(self) -> None:
        """Order the cells by the next criterion."""
        self.state.step_order()
        self.message = f"cells are ordered by {self.state.order}"

    def do_mark(self) -> None:
        """Mark the cell, or remove its mark."""
        change = "marked" if self.state.toggle_mark() else "no longer marked"
        self.message = (
            f"{self.state.cell_name} is {change}; M shows the next of {len(self.state.marked)} marked cells"
        )

    # Search in the text, selection, and concepts

    def do_search(self) -> None:
        """Ask for a string, and go to its next occurrence."""
        self.prompt = Prompt(label="/", accept=self.state.search)

    def do_next_match(self) -> None:
        """Go to the next occurrence of the searched string."""
        self.state.step_match(1)

    def do_previous_match(self) -> None:
        """Go to the previous occurrence of the searched string."""
        self.state.step_match(-1)

    def do_select(self) -> None:
        """Begin a selection at the cursor, or remove it."""
        self.state.toggle_selection()
        if self.state.anchor is not None:
            self.message = "move the cursor to the end of the range; l lists the cells that are active in it only"

    def do_escape(self) -> None:
        """Remove the attribution, else the selection, else the underlines."""
        if self.view.influence:
            self.view.influence = None
        elif self.state.anchor is not None:
            self.state.anchor = None
        else:
            self.state.underline(None)

    def do_concept(self) -> None:
        """List the concepts, and underline the chosen one."""
        self.listing = concept_list(self.concepts.values(), self.state.underline)

    def do_list_active(self) -> None:
        """List the cells that are active in the selection and not around it, and show the chosen one."""
        actions = {
            "continue_high": partial(self._change_threshold, 1),
            "continue_low": partial(self._change_threshold, -1),
        }
        self.listing = active_list(self.state, partial(self._show, setattr, self.state, "cell"), actions)
        self.message = "" if self.listing.entries else "no cell is; - lowers the threshold, Esc closes the list"

    def _change_threshold(self, step: int) -> None:
        """Change the threshold, and list the active cells again."""
        self.state.change_threshold(step)
        self.do_list_active()

    # Work in the background

    def begin_search(self) -> None:
        """Start the search for cells that follow a concept."""
        if quick_search := self._quick_search:
            self.is_searching = True
            self.start(lambda is_cancelled: _findings_or_error(quick_search, is_cancelled), self._add_findings)

    def _add_findings(self, result: Sequence[Finding] | CharrnnError) -> None:
        """Add the findings of the search, or report its error."""
        self.is_searching = False
        if isinstance(result, CharrnnError):
            self.message = f"no findings: {result.message}"
        else:
            self.state.add_findings(result)
            self.message = f"{len(self.state.findings):,} cells have a finding; f shows the strongest"

    def _start(self, work: Callable[[IsCancelled], Any], show: Callable[[Any], None]) -> None:
        """Start work for a key, and show its result unless another key is pressed before the work is done."""
        request = self._requests
        self.start(work, lambda result: show(result) if request == self._requests else None)

    def do_why(self) -> None:
        """Attribute the prediction of the character at the cursor, and draw the attribution over the text."""
        position = self.state.cursor
        if not position:
            raise CharrnnError("the first character is not predicted")
        self.message = "computing the attribution ..."
        self._start(lambda _: attribute(self.state.recording, position), self._show_influence)

    def _show_influence(self, influence: Attribution) -> None:
        self.view.influence = influence
        self.message = ""

    def _continue_text(self, action: str) -> None:
        """Continue writing after the cursor, with other random numbers if the last continuation was of this kind."""
        number, last = self._written
        number = number + 1 if self.listing and last == action else max(number, 1)
        self._written = number, action
        state, held = self.state, HELD[action]
        title = f"continuation after {state.cursor:,}" + ("" if held is None else f", {state.cell_name} at {held:+g}")
        title += f" (number {number}; c + - again)"
        self.message = "writing ..."
        recording, cursor, cell = state.recording, state.cursor, state.cell
        self._start(
            lambda _: continue_text(recording, cursor, cell=cell, held=held, seed=number),
            partial(self._show_continuation, title),
        )

    def _show_continuation(self, title: str, text: str) -> None:
        """Show a continuation, in which the same keys write another one."""
        actions = {action: partial(self._continue_text, action) for action in HELD}
        view, self.message = self.view, ""
        self.listing = text_list(title, text, view.layout.width, unicode=view.terminal.unicode, actions=actions)

    # Files, help and end

    def do_save(self) -> None:
        """Ask for the name of a file, and write the map to it."""
        name = "attribution" if self.view.influence else f"cell-{self.state.cell_name}"
        self.prompt = Prompt(label="SVG file ", text=f"{name}.svg", accept=self._save_as)

    def _save_as(self, name: str) -> None:
        self.message = self._save(name, self.view.heatmap(self.title))

    def do_help(self) -> None:
        """Show the keys."""
        self.listing = key_list()

    def do_quit(self) -> None:
        """End the session."""
        self.is_open = False


def _action(key: str, character: str | None) -> str:
    """Return the action of a key; "" if it has none."""
    return ACTIONS.get(key) or ACTIONS.get(character or "") or ""


def _findings_or_error(quick_search: QuickSearch, is_cancelled: IsCancelled) -> Sequence[Finding] | CharrnnError:
    """Return the findings of a search, or the reason for which it is impossible, such as a text that is too short."""
    try:
        return quick_search.run(is_cancelled)
    except CharrnnError as error:
        return error
