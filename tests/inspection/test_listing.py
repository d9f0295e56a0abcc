"""The list of concepts: what a text has of each, before any network is asked."""

from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.concepts.custom import parse_custom_concept
from charrnn.inspection.search.concept_occurrences import ConceptCounts, count_concepts
from charrnn.inspection.search.splits import MIN_STREAMS_WITH_CONCEPT

TEXT = "".join(f"{number} (a) b\n" for number in range(1_000))


def episodes(found: ConceptCounts) -> dict[str, int | None]:
    """Give the episodes by name."""
    return {listed.name: listed.episodes for listed in found.concepts}


def test_without_a_text_concepts_are_listed_uncounted() -> None:
    """All of them, in their order."""
    found = count_concepts(CONCEPTS.values())
    assert list(episodes(found)) == list(CONCEPTS)
    assert set(episodes(found).values()) == {None}
    assert found.text is None


def test_episodes_are_counted_in_the_text() -> None:
    """Those that end; of one's own concepts too."""
    found = count_concepts([*CONCEPTS.values(), parse_custom_concept("three=/3/../4/")], ParsedText.of(TEXT, "a.txt"))
    assert episodes(found)["bracket_depth"] == TEXT.count(")")
    assert episodes(found)["line_pos"] == TEXT.count("\n")
    assert episodes(found)["in_quote"] == 0
    assert episodes(found)["three"] == sum(1 for part in TEXT.split("4")[:-1] if "3" in part)
    assert (found.text, found.characters, found.language) == ("a.txt", len(TEXT), "plain")


def test_what_is_too_rare_is_what_a_search_would_not_judge() -> None:
    """Enough is enough of both halves; a text too short to search has enough of nothing."""
    rare = count_concepts(CONCEPTS.values(), ParsedText.of(TEXT + '"a"\n' * 40, "a.txt"))
    enough = {listed.name: listed.enough for listed in rare.concepts}
    assert enough["line_pos"]
    assert not enough["in_quote"], f"it stands in fewer than {MIN_STREAMS_WITH_CONCEPT} streams"
    short = count_concepts(CONCEPTS.values(), ParsedText.of("(a)\n" * 500))
    assert not any(listed.enough for listed in short.concepts)
    assert episodes(short)["bracket_depth"] == 500
