"""Options of `charrnn inspect` as one record, checked against each other before NumPy is imported."""

from dataclasses import dataclass
from pathlib import Path

from charrnn.arguments import shortened
from charrnn.errors import WrongUsageError
from charrnn.network.cell_id import CellId
from charrnn.training.initialization import Initialization

VIEW_OPTIONS = ("surprise", "why", "contexts", "gates", "memory", "errors")
"""options that request a view each, in the order in which the views are shown"""
SEARCH_SIGNAL = "c"
"""the signal that is searched and drawn unless another one is given"""


@dataclass(frozen=True, kw_only=True)
class InspectOptions:
    """The options as given on the command line; None if each view and the search use their own defaults."""

    cells: tuple[CellId, ...]
    copied_concepts: tuple[str, ...] = ()
    """concepts that are named as cells, whose carriers an interchange intervention copies"""
    concepts: tuple[str, ...]
    """names of concepts, or definitions such as `NAME=/REGEX/`"""
    list_concepts: bool
    browse: bool
    """whether to open the interactive browser, with `cells` marked"""
    text: str | None
    """file to read instead of the held-out text"""
    chars: int | None
    start: int
    """position of the first character to read, in the text and in the confirmation text"""
    encoding: str
    seed: int
    confirm: str | None
    """file of the confirmation text; None: the other half of the text"""
    quick: bool
    signal: str
    surprise: bool
    guesses: int | None
    """number of best guesses below each character"""
    why: bool
    positions: tuple[int, ...]
    """positions in the text of the characters whose predictions are attributed; empty: surprising ones"""
    swap: tuple[str, str] | None
    """source text and target text of an interchange intervention on `cells`"""
    contexts: tuple[CellId, ...]
    gates: bool
    memory: bool
    against: tuple[Path, ...]
    """model files to compare the effective context with"""
    untrained: tuple[Initialization, ...]
    """untrained networks of the same size to compare the effective context with"""
    errors: bool
    html: Path | None
    svg: Path | None
    title: str | None
    """title of the picture; None: the title of the drawing on the screen"""
    npz: Path | None
    """file of all states and gates"""
    as_csv: bool
    """whether to write the findings of the search as CSV"""
    as_json: bool

    def __post_init__(self) -> None:
        if self.as_csv and (self.as_json or self.list_concepts or self.browse or not self.searches):
            raise WrongUsageError("--csv writes the findings of a search", hint="without --json and other views")
        if self.list_concepts:
            return
        if self.browse:
            self._check_browse_options()
            return
        self._check_view_options()
        if self.copied_concepts and not self.swap:
            name = shortened(self.copied_concepts[0], 40)
            raise WrongUsageError(
                f"--cell must be layer.unit, such as 2.317, not {name}: --swap alone copies concepts",
                hint=f"`--concept {name}` searches for a concept",
            )
        if self.swap:
            self._check_swap_options()
        if not self.searches:
            self._check_search_options()

    @property
    def views(self) -> list[str]:
        """Return the names of the requested views; the gates of requested cells are not among them."""
        return [name for name in VIEW_OPTIONS if getattr(self, name) and not (name == "gates" and self.draws_gates)]

    @property
    def draws_gates(self) -> bool:
        """Return whether the gates of the requested cells are drawn, instead of how saturated all gates are."""
        return self.gates and bool(self.cells) and not self.swap

    @property
    def searches(self) -> bool:
        """Return whether the cells are to be searched for concepts."""
        return not self.cells and not self.swap and (bool(self.concepts) or not (self.views or self.npz))

    @property
    def draws_cells(self) -> bool:
        """Return whether heat maps of cells are drawn: of the requested cells, or of those that a search finds."""
        return (bool(self.cells) and not self.swap) or self.searches

    @property
    def reads_one_stream(self) -> bool:
        """Return whether the text is only read as one stream, for which more threads are slower."""
        return (
            not self.searches and not self.copied_concepts and (bool(self.cells) or self.views in ([], ["surprise"]))
        )

    def characters_for(self, view: str, default: int) -> int:
        """Return the number of characters that a view reads; without --chars, --why reads up to the last --at."""
        if self.chars is None and view == "why" and self.positions:
            return max(default, max(self.positions) + 1 - self.start)
        return self.chars or default

    def text_range(self, characters: int) -> slice:
        """Return the range of a text to read: that many characters from `start` on."""
        return slice(self.start, self.start + characters)

    def _check_view_options(self) -> None:
        """Raise WrongUsageError if an option is given without the view or the picture that it belongs to."""
        for option, is_given, view, is_requested in (
            ("--top", self.guesses is not None, "--surprise", self.surprise),
            ("--against", bool(self.against), "--memory", self.memory),
            ("--untrained", bool(self.untrained), "--memory", self.memory),
            ("--at", bool(self.positions), "--why", self.why),
        ):
            if is_given and not is_requested:
                raise WrongUsageError(f"{option} belongs to {view}", hint=f"add `{view}`")
        has_picture = self.cells or self.concepts or self.why or self.memory
        if (self.views or self.npz) and self.svg and not has_picture:
            raise WrongUsageError("--svg is the picture of a cell, of --why or of --memory", hint="add `--cell L.J`")
        if self.title is not None and not self.svg:
            raise WrongUsageError("--title is the title of a picture", hint="add `--svg FILE`")
        if self.draws_gates and self.signal != SEARCH_SIGNAL:
            raise WrongUsageError(
                "--gates draws all signals of a cell, so --signal chooses none", hint="only one of the two"
            )

    def _check_browse_options(self) -> None:
        """Raise WrongUsageError if an option is given that the browser does not use."""
        unused_options = {
            **{f"--{view}": getattr(self, view) for view in VIEW_OPTIONS},
            "--swap": self.swap is not None,
            "--top": self.guesses is not None,
            "--at": bool(self.positions),
            "--against": bool(self.against),
            "--untrained": bool(self.untrained),
            "--confirm": self.confirm is not None,
            "--quick": self.quick,
            "--html": self.html is not None,
            "--svg": self.svg is not None,
            "--title": self.title is not None,
            "--npz": self.npz is not None,
            "--json": self.as_json,
        }
        for option in (option for option, is_given in unused_options.items() if is_given):
            raise WrongUsageError(
                f"--browse and {option} cannot go together", hint="the browser's key ? shows its keys"
            )

    def _check_swap_options(self) -> None:
        """Raise WrongUsageError if an interchange intervention has no cell, or an option that it does not use."""
        if not self.cells and not self.copied_concepts:
            raise WrongUsageError("--swap copies the value of a cell", hint="add `--cell L.J`")
        reads_text = bool(self.views) or self.npz is not None or bool(self.copied_concepts)
        unused_options = {
            "--concept": bool(self.concepts),
            "--signal": self.signal != SEARCH_SIGNAL,
            "--svg": self.svg is not None and not self.why and not self.memory,
            "--text": self.text is not None and not reads_text,
            "--chars": self.chars is not None and not reads_text,
            "--start": self.start > 0 and not reads_text,
        }
        for option in (option for option, is_given in unused_options.items() if is_given):
            raise WrongUsageError(f"--swap and {option} cannot go together", hint="--swap reads its own two texts")

    def _check_search_options(self) -> None:
        """Raise WrongUsageError if an option is given that only a search uses, instead of ignoring the option."""
        search_options = {
            "--html FILE": bool(self.html),
            "--confirm FILE": bool(self.confirm),
            "--quick": self.quick,
            f"--signal {self.signal}": self.signal != SEARCH_SIGNAL and not self.cells,
        }
        for unused in (option for option, is_given in search_options.items() if is_given):
            raise WrongUsageError(
                f"{unused.split()[0]} belongs to a search, which was not requested",
                hint=f"`charrnn inspect {unused}`{' or `--cell L.J`' if '--signal' in unused else ''}",
            )
