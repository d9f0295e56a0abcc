"""The table of concepts: under headings, counted, harmless and as wide as the screen."""

import io

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
    """Whether the screen is narrow or wide."""
    lines = drawn(count_concepts(CONCEPTS.values(), ParsedText.of("(a)\n" * 2_000, "a.txt")), width)
    begun = {line.split()[0].rstrip("°") for line in lines if line.strip()}
    assert set(CONCEPTS) <= begun
    assert all(len(line) <= width for line in lines)


def test_episodes_and_what_is_too_rare_stand_beside_the_name() -> None:
    """Brackets often, quotes never."""
    lines = drawn(count_concepts(CONCEPTS.values(), ParsedText.of("(a)\n" * 2_000, "a.txt")))
    row = {line.split()[0]: line for line in lines if line.strip()}
    assert row["bracket_depth"].split()[1] == "2,000"
    assert "too rare" not in row["bracket_depth"]
    assert row["in_quote"].split()[1:4] == ["0", "too", "rare"]
    assert any("8,000 characters" in line for line in lines)


def test_what_uses_the_future_has_a_sign_that_is_explained() -> None:
    """In ASCII another one."""
    assert any(line.startswith("next:space°") for line in drawn(count_concepts(CONCEPTS.values())))
    ascii_only = drawn(count_concepts([parse_custom_concept("é=/é/")]), encoding="ascii")
    assert any(line.startswith("\\xe9* ") and "\\xe9" in line[6:] for line in ascii_only)
    assert any(line.startswith("* depends on text that comes later") for line in ascii_only)


def test_a_text_s_name_commands_no_terminal() -> None:
    """What others call their files is shown as a picture of itself."""
    lines = drawn(count_concepts([parse_custom_concept("x=/\x1b/")], ParsedText.of("ab", "\x1b[31m.txt")))
    assert "\x1b" not in "".join(lines)
    assert lines[0].startswith("␛[31m.txt · 2 characters")
