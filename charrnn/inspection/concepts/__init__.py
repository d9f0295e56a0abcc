"""Concepts: functions from a text to a mark per character, each in a registry by its name."""

# Importing a module of concepts enters them in the registry, in the order in which they are listed.
from charrnn.inspection.concepts import prose, lines, words, code, statements, markup, local, anticipation  # noqa: I001
from charrnn.inspection.concepts.concept import CONCEPTS, Concept, Family, Kind, concept
from charrnn.inspection.concepts.language import Language, detect_language
from charrnn.inspection.concepts.marks import Mask, Marks
from charrnn.inspection.concepts.placebos import make_placebos
from charrnn.inspection.concepts.source import ParsedText

__all__ = [
    "CONCEPTS",
    "Concept",
    "Family",
    "Kind",
    "Language",
    "Marks",
    "Mask",
    "ParsedText",
    "anticipation",
    "code",
    "concept",
    "detect_language",
    "lines",
    "local",
    "make_placebos",
    "markup",
    "prose",
    "statements",
    "words",
]
