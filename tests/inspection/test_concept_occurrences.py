"""Counts of concepts in a text, without a network."""

import numpy as np
from common import random_model

from charrnn.inspection.concepts import CONCEPTS, ParsedText
from charrnn.inspection.concepts.custom import parse_custom_concept
from charrnn.inspection.search.concept_occurrences import ConceptCounts, count_concepts
from charrnn.inspection.search.findings import MIN_STREAMS_WITH_CONCEPT
from charrnn.inspection.search.screening import SearchOptions
from charrnn.inspection.search.search import search
from charrnn.network.inference import InferenceRNN
from charrnn.text.vocabulary import Vocabulary

TEXT = "".join(f"{number} (a) b\n" for number in range(1_000))


def episodes(counts: ConceptCounts) -> dict[str, int | None]:
    """Return the number of episodes by concept."""
    return {concept.name: concept.episodes for concept in counts.concepts}


def test_without_a_text_concepts_are_listed_uncounted() -> None:
    """All built-in concepts are listed in their order."""
    counts = count_concepts(CONCEPTS.values())
    assert list(episodes(counts)) == list(CONCEPTS)
    assert set(episodes(counts).values()) == {None}
    assert counts.text is None


def test_episodes_are_counted_in_the_text() -> None:
    """Complete episodes are counted, also of custom concepts."""
    counts = count_concepts(
        [*CONCEPTS.values(), parse_custom_concept("three=/3/../4/")], ParsedText.of(TEXT, "a.txt")
    )
    assert episodes(counts)["bracket_depth"] == TEXT.count(")")
    assert episodes(counts)["line_pos"] == TEXT.count("\n")
    assert episodes(counts)["in_quote"] == 0
    assert episodes(counts)["three"] == sum(1 for part in TEXT.split("4")[:-1] if "3" in part)
    assert (counts.text, counts.characters, counts.language) == ("a.txt", len(TEXT), "plain")


def test_too_rare_means_not_enough_for_a_search() -> None:
    """A search needs enough episodes in both halves; a text too short to search never has enough."""
    rare = count_concepts(CONCEPTS.values(), ParsedText.of(TEXT + '"a"\n' * 40, "a.txt"))
    enough = {concept.name: concept.enough for concept in rare.concepts}
    assert enough["line_pos"]
    assert not enough["in_quote"], f"it occurs in fewer than {MIN_STREAMS_WITH_CONCEPT} streams"
    short = count_concepts(CONCEPTS.values(), ParsedText.of("(a)\n" * 500))
    assert not any(concept.enough for concept in short.concepts)
    assert episodes(short)["bracket_depth"] == 500


def test_the_list_and_the_search_count_a_rare_concept_alike() -> None:
    """In the halves of a search; the whole text has more episodes, because the streams begin with a warm-up."""
    text = "".join(
        f'{number} and "so" on, {number} lines of text\n' if number % 15 == 0 else "a line\n" for number in range(900)
    )
    parsed = ParsedText.of(text, "a.txt")
    (count,) = count_concepts([CONCEPTS["in_quote"]], parsed).concepts
    rnn = InferenceRNN.from_model(random_model("".join(sorted(set(text)))))
    ids = Vocabulary(tuple(sorted(set(text)))).encode(text)
    options = SearchOptions(concepts=[CONCEPTS["in_quote"], CONCEPTS["line_pos"]], quick=True)
    (rare,) = search(rnn, parsed, ids, rng=np.random.default_rng(0), options=options).too_rare
    assert (count.halves, count.streams) == (rare.halves, rare.streams)
    assert count.episodes is not None
    assert sum(rare.halves) == rare.episodes < count.episodes == 60
