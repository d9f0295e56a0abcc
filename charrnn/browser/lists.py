"""The lists of the browser: keys, concepts, cells that are active in a range only, and continuations."""

from collections.abc import Callable, Iterable, Mapping

from charrnn.browser.keys import KEYS
from charrnn.browser.listing import Entry, Listing
from charrnn.browser.query import ActiveCell
from charrnn.browser.state import BrowserState
from charrnn.inspection.concepts import Concept
from charrnn.views.formatting import format_number
from charrnn.views.layout import wrap_text

Actions = Mapping[str, Callable[[], None]]


def key_list() -> Listing:
    """Return the help: each key with what it does."""
    return Listing(title="keys", entries=tuple(Entry(f"{key.shown:<14} {key.help}") for key in KEYS))


def concept_list(concepts: Iterable[Concept], choose: Callable[[Concept | None], None]) -> Listing:
    """Return a list to choose a concept from, with None first."""
    entries = [Entry(f"{concept.name:<20} {concept.description}", concept) for concept in concepts]
    return Listing(title="concept to underline", entries=(Entry("(none)"), *entries), choose=choose, by_letter=True)


def active_list(state: BrowserState, choose: Callable[[int], None], actions: Actions) -> Listing:
    """Return a list to choose a cell from, of those that are active in the selection and not around it."""
    cells, where = state.active_cells(), "in the selection" if state.selection else "at the cursor"
    return Listing(
        title=f"{len(cells):,} cells with |{state.signal_name}| ≥ {state.threshold} only {where} (+ -: threshold)",
        entries=tuple(Entry(_describe(state, active), active.cell) for active in cells),
        choose=choose,
        actions=actions,
    )


def _describe(state: BrowserState, active: ActiveCell) -> str:
    """Return a line about an active cell: its mean in the range, the values around it, and its finding."""
    before, after = (
        "" if value is None else format_number(value, "+z.2f") for value in (active.before, active.after)
    )
    name, inside = str(state.recording.cell_id(active.cell)), format_number(active.inside, "+z.2f")
    return f"{name:<8} {inside:>5}  before {before:>5}  after {after:>5}  {finding_text(state, active.cell)}"


def finding_text(state: BrowserState, cell: int) -> str:
    """Return the concept that a cell follows, with verdict and fit; "" without a finding."""
    finding = state.findings.get(cell)
    return f"{finding.concept}: {finding.verdict}, fit {finding.fit:.2f}" if finding else ""


def text_list(title: str, text: str, columns: int, *, unicode: bool, actions: Actions) -> Listing:
    """Return the lines of a text, whose `actions` replace the text by another one."""
    lines = wrap_text(text, columns, unicode=unicode)
    return Listing(title=title, entries=tuple(Entry("".join(line.glyphs)) for line in lines), actions=actions)
