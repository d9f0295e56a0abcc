"""The Python API of a trained model: `load`, and `TrainedModel`, which samples, scores and inspects."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from charrnn import arguments
from charrnn.api.carriers import ClampValues, find_concept
from charrnn.api.explainer import NO_CELL_HINT, Explainer, section_of
from charrnn.api.text_generator import Unknown
from charrnn.arguments import (
    LARGEST_SEED,
    flag,
    path_name,
    several,
    shortened,
    shown,
    system_errors,
    texts,
    whole_number,
)
from charrnn.errors import WrongUsageError
from charrnn.generation.novelty import Novelty
from charrnn.inspection.concepts import Concept
from charrnn.inspection.measures.activations import (
    DEFAULT_SIGNAL,
    Activations,
    record_all,
    record_cells,
    signal_name,
)
from charrnn.inspection.measures.surprisal import Surprise, measure_surprisal
from charrnn.inspection.search.findings import Findings
from charrnn.inspection.search.screening import SearchOptions
from charrnn.inspection.search.search import search
from charrnn.inspection.search.splits import Progress, no_progress
from charrnn.network.cell_id import parse_cell
from charrnn.network.interventions import ClampedPredictor
from charrnn.network.model_file import load_model as load_file
from charrnn.scoring import Score, score, score_lines, split_lines
from charrnn.storage import run_directory
from charrnn.text.held_out import DEFAULT_CHARS
from charrnn.views.heatmap import Heatmap, HeatmapRow, marks_of


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TrainedModel(Explainer):
    """A trained model: it generates, scores and explains text.

    A model of documents adds the missing ends of documents to a text, and reads each document from the initial state.
    Each text is read in the normalization form of the training text (NFC or NFD), if that is in one.

    >>> import charrnn
    >>> charrnn.load("checkpoints/letters")
    <charrnn.TrainedModel checkpoints/letters: lstm 1×30, 29 characters>
    """

    def __repr__(self) -> str:
        config = self.model.config
        network = f"{config.cell} {config.layers}×{config.hidden}, {len(self.model.vocabulary)} characters"
        return f"<charrnn.TrainedModel {run_directory.display_name(self.path)}: {network}>"

    def score(self, text: str, *, clamps: ClampValues = None) -> Score:
        """Return the score of a text (CharrnnError if fewer than two of its characters can be read).

        >>> model = charrnn.load("checkpoints/letters")
        >>> model.score("abcdefgh").bits_per_char < 0.5 < 5 < model.score("hgfedcba").bits_per_char
        True
        """
        predictor = ClampedPredictor(self.reader, self._clamps(clamps))
        return score(predictor, self.model.vocabulary, self.model.normalize(arguments.text(text, "the text")))

    def score_lines(self, lines: str | Iterable[str]) -> list[Score | None]:
        r"""Return the score of each line, read from the initial state; None if a line has too few known characters.

        A string is split at its line feeds. The line feed after a line is scored as well.

        >>> first, second = charrnn.load("checkpoints/letters").score_lines("abcd\ndcba\n")
        >>> first.characters, first.bits_per_char < second.bits_per_char
        (5, True)
        """
        line_texts = split_lines(lines) if isinstance(lines, str) else list(texts(lines, "lines"))
        return score_lines(self.reader, self.model.vocabulary, list(map(self.model.normalize, line_texts)))

    def surprise(self, text: str, *, guesses: int = 5, unknown: Unknown = "error") -> Surprise:
        """Return the surprisal of each character in bits, and the likeliest characters in its place.

        Raise CharrnnError for a text of one character, because the first character is not predicted.

        >>> surprisal = charrnn.load("checkpoints/letters").surprise("abcx", guesses=1)
        >>> surprisal.guesses, surprisal.bits.round(1)
        (('', 'b', 'c', 'd'), array([ 0. ,  0. ,  0. , 17.6]))
        """
        encoded, guesses = self._encode(text, unknown), whole_number(guesses, "guesses")
        return measure_surprisal(
            self.reader,
            self.model.vocabulary,
            encoded.ids,
            guesses=guesses,
            model=str(self.path),
            text=encoded.parsed.name,
        )

    def novelty(self, text: str, *, unknown: Unknown = "error") -> Novelty:
        """Return the spans of a text that are copied from the training text, and the copied documents.

        Only spans count that are longer than those that held-out text shares with the training text, and whole
        documents of any length. The first call builds the suffix array of the training text. Raise CharrnnError if
        the run has no encoded text.
        """
        return self._training_index.novelty(self._encodable(text, unknown))

    def activations(self, text: str, *, signal: str = DEFAULT_SIGNAL, unknown: Unknown = "error") -> Activations:
        """Return a signal of every cell at every character: (characters, layers, units).

        The signal is a state, "c" for tanh(c) (h of cells without c) or "h", or a gate: "i", "f", "g" or "o" of an
        LSTM and its variants ("cifg" has no "i"), "r", "z" or "n" of a GRU. Raise WrongUsageError if the model has
        no such signal.

        >>> activations = charrnn.load("checkpoints/letters").activations('say "yes" twice')
        >>> activations
        Activations(characters=15, layers=1, units=30, signal='tanh(c)')
        >>> "".join("+" if value > 0 else "." for value in activations.cell("1.29"))
        '....++++.......'
        >>> charrnn.load("checkpoints/letters").activations('"a', signal="f").cell("1.29").round(2)
        array([0., 1.], dtype=float32)
        """
        name, encoded = signal_name(self.reader, signal), self._encode(text, unknown)
        return record_all(self.reader, encoded.ids, encoded.parsed.text, signal=name)

    def find(
        self,
        text: str | None = None,
        *,
        concepts: Iterable[str | Concept] | None = None,
        confirm: str | None = None,
        chars: int = DEFAULT_CHARS,
        start: int = 0,
        signal: str = DEFAULT_SIGNAL,
        quick: bool = False,
        seed: int = 0,
        unknown: Unknown = "error",
        progress: Progress = no_progress,
    ) -> Findings:
        r"""Return the concepts, all built-in ones by default, that single cells represent.

        The default text is the held-out text of the run. Cells are selected on one half of the text and confirmed on
        the other half, or on the text `confirm`. `chars` characters of either text are read from `start` on. `quick`
        omits the network with shuffled weights and the ablation of cells. Each stage is an iterable that passes
        through `progress(steps, stage, count)`, such as `tqdm`. Raise CharrnnError if the run has no held-out text,
        or a text is too short.

        >>> text = 'he said "abc def" and then\n' * 400
        >>> findings = charrnn.load("checkpoints/letters").find(text, concepts=["in_quote"], quick=True)
        >>> best = findings.concepts[0]
        >>> best.concept, best.cell, round(best.fit, 2)
        ('in_quote', '1.29', 1.0)
        """
        section, seed = section_of(chars, start), whole_number(seed, "seed", high=LARGEST_SEED)
        selected = None if concepts is None else [find_concept(concept) for concept in several(concepts, "concepts")]
        quick, signal = flag(quick, "quick"), signal_name(self.reader, signal)
        if not callable(progress):
            raise WrongUsageError(f"progress is {shown(progress)}: it must be a function", hint="`progress=tqdm`")
        encoded = self._encoded_held_out(section) if text is None else self._encode(text, unknown, section)
        findings = search(
            self.reader,
            encoded.parsed,
            encoded.ids,
            rng=np.random.default_rng(seed),
            options=SearchOptions(
                model=str(self.path),
                concepts=selected,
                confirm=None if confirm is None else self._encode(confirm, unknown, section, name="another text"),
                signal=signal,
                quick=quick,
                progress=progress,
            ),
        )
        return replace(findings, seed=seed, start=section.start)

    def heatmap(
        self,
        text: str,
        *cells: str,
        concept: str | Concept | None = None,
        signal: str = DEFAULT_SIGNAL,
        unknown: Unknown = "error",
    ) -> Heatmap:
        """Return a heat map of a signal of cells over a text, with the marks of a concept below.

        The signals are those of `activations`. Notebooks and the `print` of Rich show colors; the built-in `print`
        shows digits; `to_svg()` returns a picture.

        >>> model = charrnn.load("checkpoints/letters")
        >>> print(model.heatmap('say "yes" twice', "1.29", concept="in_quote"))
             say "yes" twice
                 ▔▔▔▔
        1.29 555588881111111
        tanh(c) of 1.29: digits 0 … 9 for −1 … +1, 0 to 4 below zero  ▔ in_quote
        """
        if not cells:
            raise WrongUsageError("no cell is named", hint=NO_CELL_HINT)
        name, encoded = signal_name(self.reader, signal), self._encode(text, unknown)
        whole, cell_ids = slice(0, len(encoded.ids)), [parse_cell(cell) for cell in cells]
        values = record_cells(self.reader, encoded.ids, cell_ids, whole, signal=name)
        return Heatmap(
            text=encoded.parsed.text,
            rows=tuple(HeatmapRow(label=cell, values=row) for cell, row in zip(cells, values, strict=True)),
            signal=name,
            marks=None if concept is None else marks_of(find_concept(concept), encoded.parsed),
        )

    def held_out(self, characters: int = DEFAULT_CHARS, *, start: int = 0) -> str:
        """Return a section of the held-out text of the run (CharrnnError if the run has no encoded text)."""
        return self._held_out_text(section_of(characters, start, name="characters")).text


# Loading a model by the name of its run


def load(named: str | os.PathLike[str] | None = None) -> TrainedModel:
    """Return the model of a run directory or a model file; by default of the newest run in `checkpoints/`.

    Without a run there, and as "bundled", it is the model in the package, trained on Python's standard library.

    Raise CharrnnError if there is no model, or if the file is not a model.

    >>> charrnn.load().path.as_posix()
    'checkpoints/letters/model.safetensors'
    """
    named_path = None if named is None else Path(path_name(named, "the name of the model"))
    with system_errors():
        path = run_directory.find_model(named_path)
        return TrainedModel(path=path, model=load_file(path))


def models(directory: str | os.PathLike[str] = run_directory.RUNS) -> list[Path]:
    """Return the run directories in a directory that contain a model, the newest first.

    Raise CharrnnError if there is no such directory, except for the default one.

    >>> [run.as_posix() for run in charrnn.models()]
    ['checkpoints/letters']
    """
    parent = Path(path_name(directory, "directory"))
    with system_errors():
        if parent != run_directory.RUNS and not parent.is_dir():
            raise WrongUsageError(
                f"{shortened(str(parent))} is not a directory", hint=run_directory.similar_path(parent)
            )
        return [model.parent for model in run_directory.list_models(parent)]
