"""The table of concepts fits the screen, is grouped by family and sanitized."""

import io
import re

import pytest
from rich.console import Console

from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.concepts.custom import parse_custom_concept
from charrnn.inspection.search.concept_occurrences import ConceptCounts, count_concepts
from charrnn.views.concepts_table import ConceptsTable


def drawn(of: ConceptCounts, width: int = 80, *, encoding: str = "utf-8") -> list[str]:
    """Draw a table as lines of text."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, color_system=None)
    console.print(ConceptsTable(listing=of))
    file.seek(0)
    return file.read().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_every_concept_has_a_line_within_the_width(width: int) -> None:
    """On narrow and on wide screens."""
    lines = drawn(count_concepts(CONCEPTS.values(), ParsedText.of("(a)\n" * 2_000, "a.txt")), width)
    names = {line.split()[0].rstrip("°") for line in lines if line.strip()}
    assert set(CONCEPTS) <= names
    assert all(len(line) <= width for line in lines)


def test_episodes_and_rarity_are_shown_beside_the_name() -> None:
    """In a text with many brackets and no quotes."""
    lines = drawn(count_concepts(CONCEPTS.values(), ParsedText.of("(a)\n" * 2_000, "a.txt")))
    row = {line.split()[0]: line for line in lines if line.strip()}
    assert row["bracket_depth"].split()[1] == "2,000"
    assert "too rare" not in row["bracket_depth"]
    assert row["in_quote"].split()[1:4] == ["0", "too", "rare"]
    assert any("8,000 characters" in line for line in lines)


def test_concepts_that_depend_on_later_text_have_a_sign_that_is_explained() -> None:
    """In ASCII the sign is another one."""
    assert any(line.startswith("next:space°") for line in drawn(count_concepts(CONCEPTS.values())))
    ascii_only = drawn(count_concepts([parse_custom_concept("é=/é/")]), encoding="ascii")
    assert any(line.startswith("\\xe9* ") and "\\xe9" in line[6:] for line in ascii_only)
    assert any(line.startswith("* depends on text that comes later") for line in ascii_only)


def test_the_name_of_a_text_is_sanitized() -> None:
    """The name of a file is untrusted."""
    lines = drawn(count_concepts([parse_custom_concept("x=/\x1b/")], ParsedText.of("ab", "\x1b[31m.txt")))
    assert "\x1b" not in "".join(lines)
    assert lines[0].startswith("␛[31m.txt · 2 characters")


def test_a_rare_concept_is_listed_with_its_episodes_in_each_half_and_the_limit() -> None:
    """The numbers of the search; the legend has the limit and the option that reads more."""
    text = "".join('say "so" now\n' if number % 20 == 0 else "a line\n" for number in range(1_000))
    lines = drawn(count_concepts([CONCEPTS["in_quote"], CONCEPTS["line_pos"]], ParsedText.of(text, "a.txt")))
    (row,) = (line for line in lines if line.startswith("in_quote"))
    first, second = map(int, re.findall(r"\((\d+) \+ (\d+)\)", row)[0])
    assert first + second < int(row.split()[1]) == 50
    legend = " ".join(lines[-4:])
    assert "30 episodes in each half" in legend
    assert "`--text FILE`" in legend
