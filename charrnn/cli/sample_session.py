"""A writing session: the user and the model write a text in turns, and every character is read once."""

import math
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from charrnn.arguments import shortened
from charrnn.cli.cell_types import CellOrConcept, clamp_name
from charrnn.cli.options import MAX_SHOWN_CHARS
from charrnn.cli.sample_options import SampleOptions, valid_text
from charrnn.cli.sampler import Sampler
from charrnn.errors import WrongUsageError
from charrnn.generation.generate import GeneratedChar, Prefilled, StopCriteria, generate, prefill_prompt, step_logits
from charrnn.generation.sampling import CharIds
from charrnn.network.cells import State
from charrnn.network.inference import log_softmax, to_device, to_numpy
from charrnn.text.documents import mark_ends, text_between

DEFAULT_LENGTH = 200
"""maximum number of characters of a continuation"""


class Piece(NamedTuple):
    """A part of the text that was added at once."""

    text: str
    before: Prefilled | None
    """logits and state before the piece; None if nothing had been read"""
    is_generated: bool


@dataclass(frozen=True, kw_only=True)
class NextChar:
    """A character that may come next."""

    char: str
    """empty for the end of a document"""
    id: int
    probability: float
    """at temperature 1 without truncation"""


class WritingSession:
    """A text that grows by pieces of the user and of the model.

    The state of the network after the text is kept, and so is the state before each piece: neither a continuation nor
    the removal of a piece reads any character again. A clamp applies to the characters that are read after it is set.
    """

    def __init__(self, sampler: Sampler, options: SampleOptions) -> None:
        self._sampler = sampler
        self.model, self.rnn, self.unknown = sampler.model, sampler.rnn, options.unknown
        self.params, self.stop = sampler.params, sampler.stop
        if options.length is None:
            self.stop = replace(self.stop, max_chars=max(DEFAULT_LENGTH, *map(len, self.stop.stop), 0))
        self._clamps = sampler.prefilled.clamps
        self.seed = options.seeds()[0]
        self._rng = np.random.default_rng(self.seed)
        # Without a prompt nothing is read yet: the first text is read from the beginning, as a prompt is.
        self._current = sampler.prefilled if sampler.prompt else None
        self._pieces = [Piece(sampler.prompt, None, False)] if sampler.prompt else []

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(piece.text for piece in self._pieces)

    @property
    def state(self) -> State:
        """The state of the network after the text, or before an empty text."""
        return self._prefilled().state

    def last_line(self, max_chars: int) -> str:
        """Return the end of the text after its last newline, shortened at its start."""
        line, pieces = "", reversed(self._pieces)
        while "\n" not in line and len(line) <= max_chars and (piece := next(pieces, None)):
            line = piece.text + line
        line = line.rpartition("\n")[2]
        return line if len(line) <= max_chars else f"…{line[-max_chars:]}"

    def add(self, text: str) -> Counter[str]:
        """Append a text; return its unknown characters, which are dropped or raise WrongUsageError (--unknown)."""
        vocabulary, text = self.model.vocabulary, self.model.normalize(valid_text(text, "the line"))
        marked = mark_ends(text, self.model.config.documents)
        ids, before = vocabulary.encode(marked, unknown=self.unknown).astype(np.intp), self._current
        if before is None:
            after = prefill_prompt(self.rnn, vocabulary, marked, unknown=self.unknown, clamps=self._clamps)
        else:
            after = self._read(before, ids)
        self._append(Piece(text, before, False), after)
        return vocabulary.count_unknown(marked)

    def continuation(self) -> Generator[GeneratedChar]:
        """Yield the characters of a continuation; append those that were yielded until the iterator is closed."""
        before, last, characters = self._current, None, list[str]()
        generated = generate(
            self.rnn,
            self.model.vocabulary,
            rng=self._rng,
            prefilled=self._prefilled(),
            params=self.params,
            stop=self.stop,
        )
        try:
            for last in generated:
                characters.append(last.char)
                yield last
        finally:
            # The network has read all characters but the last one.
            if last:
                characters[-1] = last.char or self.between_documents
                after = Prefilled(last.logits[None], last.state, self._clamps)
                self._append(Piece("".join(characters), before, True), self._read(after, np.array([last.id])))

    def undo(self) -> Piece:
        """Remove the last piece and return it (WrongUsageError if the text is empty)."""
        if not self._pieces:
            raise WrongUsageError("there is nothing to undo")
        piece = self._pieces.pop()
        self._current = piece.before
        return piece

    def undo_continuation(self) -> Piece:
        """Remove the continuation at the end of the text and return it (WrongUsageError if there is none)."""
        if not self._pieces or not self._pieces[-1].is_generated:
            raise WrongUsageError(
                "the text does not end with a continuation", hint="an empty line continues the text"
            )
        return self.undo()

    def next_characters(self, count: int) -> list[NextChar]:
        """Return the most likely next characters, the most likely first."""
        log_probs = log_softmax(self._prefilled().logits[0].astype(np.float64))
        ids = np.argsort(-log_probs, kind="stable")[:count].tolist()
        return [
            NextChar(char=self._char(char_id), id=char_id, probability=math.exp(log_probs[char_id]))
            for char_id in ids
        ]

    def choose(self, rank: int) -> NextChar:
        """Append the next character of a rank, from 1 for the most likely (WrongUsageError)."""
        if not 1 <= rank <= len(self.model.vocabulary):
            raise WrongUsageError(f"the rank must be from 1 to {len(self.model.vocabulary):,}, not {rank:,}")
        chosen, before = self.next_characters(rank)[-1], self._current
        after = self._read(self._prefilled(), np.array([chosen.id]))
        self._append(Piece(chosen.char or self.between_documents, before, False), after)
        return chosen

    @property
    def clamp_values(self) -> Mapping[CellOrConcept, float]:
        """The values of clamped cells, and the levels of clamped concepts by name."""
        return self._sampler.clamp_values

    def clamp(self, clamped: CellOrConcept, value: float) -> None:
        """Clamp a cell or a concept with a known carrier from the next character on (WrongUsageError)."""
        self._set_clamps({**self.clamp_values, clamped: value})

    def release(self, clamped: CellOrConcept | None) -> None:
        """Release a clamped cell or concept, or all of them (WrongUsageError if it is not clamped)."""
        if clamped and clamped not in self.clamp_values:
            raise WrongUsageError(f"{shortened(str(clamped), MAX_SHOWN_CHARS)} is not clamped")
        self._set_clamps({name: value for name, value in self.clamp_values.items() if clamped and name != clamped})

    def find_carrier(self, concept: str) -> None:
        """Search for the carrier of a concept, unless the carrier of this definition is known (CharrnnError)."""
        # Nothing else here needs the search.
        from charrnn.cli.concept_carriers import find_held_out_carriers
        from charrnn.inspection.concepts.custom import parse_concept

        carrier = self._sampler.carriers.get(str(clamp_name(concept)))
        if not carrier or ("=" in concept and parse_concept(concept).description != carrier.concept.description):
            carriers = find_held_out_carriers(self._sampler.path, self.model, [concept], quiet=False)
            self._sampler = replace(self._sampler, carriers={**self._sampler.carriers, **carriers})

    def set_temperature(self, temperature: float) -> None:
        """Change the temperature of the next characters."""
        self.params = replace(self.params, temperature=temperature)

    def set_length(self, length: int) -> None:
        """Change the maximum number of characters of a continuation; 0 for no limit (WrongUsageError)."""
        self.stop = StopCriteria(max_chars=length or None, stop=self.stop.stop)

    def _set_clamps(self, values: Mapping[CellOrConcept, float]) -> None:
        """Change the clamps (WrongUsageError if that is impossible, with the clamps unchanged)."""
        clamped = replace(self._sampler, clamp_values=values)
        self._clamps = clamped.clamps_of(self.rnn)
        self._sampler = clamped

    def _prefilled(self) -> Prefilled:
        """Return the logits and the state after the text, those of an empty prompt if nothing has been read."""
        if self._current is None:
            return prefill_prompt(self.rnn, self.model.vocabulary, clamps=self._clamps)
        return self._current._replace(clamps=self._clamps)

    def _read(self, before: Prefilled, ids: CharIds) -> Prefilled:
        """Return the logits and the state after some more characters, ids (T,)."""
        if not ids.size:
            return before
        state = before.state
        for char_id in ids[:-1, None]:
            state = self.rnn.step_state(to_device(char_id, self.rnn), state, self._clamps)
        logits, state = step_logits(self.rnn, ids[-1:], state, self._clamps)
        return Prefilled(to_numpy(logits), state, self._clamps)

    def _append(self, piece: Piece, after: Prefilled) -> None:
        """Append a piece that has been read."""
        self._pieces.append(piece)
        self._current = after

    def _char(self, char_id: int) -> str:
        return "" if char_id == self.rnn.end_id else self.model.vocabulary.characters[char_id]

    @property
    def between_documents(self) -> str:
        """The text that separates two documents."""
        return text_between(self.model.config.documents or "file")
