"""Generate corpora/toy.js, a text in a small artificial language, and the true state at each of its characters.

The syntax is a subset of JavaScript, which charrnn recognizes by the suffix: calls, assignments, lists, strings,
comments and nested if-blocks. Code, strings and comments consist of the same few words, so that a network cannot
infer the state from a single word and has to remember it. Long lines are broken between words, except in strings.

The text depends on the seed only, not on the version of Python. These commands write the text, and the true states
with one line for each character:

    python tests/benchmarks/toy_language.py > corpora/toy.js
    python tests/benchmarks/toy_language.py --labels > labels.tsv
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import TypeVar

LENGTH = 200_000
"""minimum length; a text ends with a complete statement"""
WIDTH = 48
"""column up to which the next word must fit on a line"""
INDENT = 2
"""spaces for each open block"""
MAX_BLOCKS, MAX_NESTED = 3, 3
"""maximum number of open blocks, and of open parentheses and square brackets in an expression"""
WORDS = (
    "amber", "bird", "cold", "delta", "ember", "fig", "grain", "hill", "ink", "lunar", "maple", "north",
    "oak", "pearl", "red", "silver",
)  # fmt: skip
"""all words, in code, strings and comments"""
LONGEST = 1 + max(map(len, WORDS))
"""length of the longest word and a character after it"""

Choice = TypeVar("Choice")


@dataclass(frozen=True, kw_only=True)
class State:
    """The true state after a character, with the names and definitions of charrnn's concepts."""

    string: int = 0
    """1 inside a string, from the opening quotation mark up to the character before the closing one"""
    comment: int = 0
    """1 inside a comment, from the second character of its opener up to the character before its last one"""
    paren_depth: int = 0
    """number of open parentheses"""
    square_depth: int = 0
    """number of open square brackets"""
    brace_depth: int = 0
    """number of open blocks"""
    if_cond: int = 0
    """1 inside the condition of an if, from the opening parenthesis up to the character before the closing one"""
    indent: int = 0
    """number of spaces at the beginning of the line"""
    line_pos: int = 0
    """number of characters since the line began"""

    @property
    def bracket_depth(self) -> int:
        """The number of open brackets of all kinds."""
        return self.paren_depth + self.square_depth + self.brace_depth

    def labels(self) -> dict[str, int]:
        """Return the label of each concept."""
        return asdict(self) | {"bracket_depth": self.bracket_depth}


class ToyWriter:
    """A writer of random statements that records the state after each character."""

    def __init__(self, seed: int) -> None:
        self.characters: list[str] = []
        self.states: list[State] = []
        self._state = State()
        self._random = Random(seed)

    # Characters and their states

    def write(self, text: str, **changes: int) -> None:
        """Write characters; the changes of the state apply from the last character on."""
        for character in text:
            self._state = (
                replace(self._state, line_pos=0, indent=0)
                if character == "\n"
                else replace(self._state, line_pos=self._state.line_pos + 1)
            )
            self.characters.append(character)
            self.states.append(self._state)
        self._state = self.states[-1] = replace(self._state, **changes)

    def _open(self, bracket: str, depth: str, **changes: int) -> None:
        self.write(bracket, **{depth: getattr(self._state, depth) + 1}, **changes)

    def _close(self, bracket: str, depth: str, **changes: int) -> None:
        self.write(bracket, **{depth: getattr(self._state, depth) - 1}, **changes)

    def _begin_line(self, blocks: int) -> None:
        """Begin a line, indented for a number of open blocks."""
        self.write("\n")
        for column in range(1, INDENT * blocks + 1):
            self.write(" ", indent=column)

    def _space(self) -> None:
        """Write a space, or begin a line if the longest word and a character after it might not fit on this one."""
        if self._state.line_pos + 1 + LONGEST > WIDTH:
            self._begin_line(self._state.brace_depth)
        else:
            self.write(" ")

    # Random choices: `random()` is the only method whose results Python guarantees for all versions

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _one_of(self, choices: Sequence[Choice]) -> Choice:
        return choices[int(self._random.random() * len(choices))]

    def _word(self) -> None:
        self.write(self._one_of(WORDS))

    def _repeat(self, item: Callable[[], None], separator: Callable[[], None], *, stop: float) -> None:
        """Write items with separators; after each item, stop with the given probability."""
        item()
        while not self._chance(stop):
            separator()
            item()

    # Statements

    def statements(self, *, stop: float) -> None:
        """Write statements, each on lines of its own; after each one, stop with the given probability."""
        self._repeat(self._statement, lambda: self._begin_line(self._state.brace_depth), stop=stop)

    def _statement(self) -> None:
        kinds = [self._call_statement, self._assignment, self._comment, self._comment]
        if self._state.brace_depth < MAX_BLOCKS:
            kinds += [self._if_block, self._if_block]
        self._one_of(kinds)()

    def _if_block(self) -> None:
        self.write("if ")
        self._open("(", "paren_depth", if_cond=1)
        self._repeat(self._comparison, lambda: self._operator("&&", "||"), stop=0.4)
        self._close(")", "paren_depth", if_cond=0)
        self.write(" ")
        self._open("{", "brace_depth")
        self._begin_line(self._state.brace_depth)
        self.statements(stop=0.45)
        self._begin_line(self._state.brace_depth - 1)
        self._close("}", "brace_depth")

    def _comparison(self) -> None:
        self._word()
        if self._chance(0.6):
            self._operator("<", ">", "==")
            self._word()

    def _operator(self, *operators: str) -> None:
        self.write(f" {self._one_of(operators)}")
        self._space()

    def _call_statement(self) -> None:
        self._call()
        self.write(";")

    def _assignment(self) -> None:
        self._word()
        self.write(" = ")
        self._repeat(self._value, lambda: self._operator("+", "-"), stop=0.7)
        self.write(";")

    def _comment(self) -> None:
        self.write("/")
        self.write("*", comment=1)
        self._space()
        self._repeat(self._word, self._space, stop=0.12)
        self.write(" *")
        self.write("/", comment=0)

    # Values

    def _value(self) -> None:
        can_nest = self._state.paren_depth + self._state.square_depth < MAX_NESTED
        if can_nest and self._chance(0.25):
            self._call()
        elif can_nest and self._chance(0.25):
            self._list()
        elif self._chance(0.3):
            self._string()
        else:
            self._word()

    def _call(self) -> None:
        self._word()
        self._open("(", "paren_depth")
        self._repeat(self._value, self._comma, stop=0.5)
        self._close(")", "paren_depth")

    def _list(self) -> None:
        self._open("[", "square_depth")
        self._repeat(self._value, self._comma, stop=0.5)
        self._close("]", "square_depth")

    def _comma(self) -> None:
        self.write(",")
        self._space()

    def _string(self) -> None:
        self.write('"', string=1)
        self._repeat(self._word, lambda: self.write(" "), stop=0.2)
        self.write('"', string=0)


def generate(seed: int = 0, length: int = LENGTH) -> tuple[str, list[State]]:
    """Return a text of at least `length` characters, and the state after each of them."""
    writer = ToyWriter(seed)
    while len(writer.characters) < length:
        writer.statements(stop=0.2)
        writer.write("\n\n")
    return "".join(writer.characters), writer.states


def main() -> None:
    """Print a text, or its labels."""
    parser = argparse.ArgumentParser(description="Print a text in a small artificial language.")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random numbers (%(default)s)")
    parser.add_argument("--length", type=int, default=LENGTH, help="minimum number of characters (%(default)s)")
    parser.add_argument("--labels", action="store_true", help="print a table with the state after each character")
    arguments = parser.parse_args()
    text, states = generate(arguments.seed, arguments.length)
    if arguments.labels:
        print("character", *states[0].labels(), sep="\t")
        for character, state in zip(text, states, strict=True):
            print(ascii(character), *state.labels().values(), sep="\t")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
