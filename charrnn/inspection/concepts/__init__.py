"""Concepts: functions from a text to a mark per character, each in a registry by its name."""

# Importing a module of concepts enters them in the registry, in the order in which they are listed.
from charrnn.inspection.concepts import prose, code, markup, controls  # noqa: I001
from charrnn.inspection.concepts.concept import CONCEPTS, Concept, Family, Kind, concept
from charrnn.inspection.concepts.language import Language, detect_language
from charrnn.inspection.concepts.marks import Mask, Marks
from charrnn.inspection.concepts.controls import make_placebos
from charrnn.inspection.concepts.parsed_text import ParsedText

__all__ = [
    "CONCEPTS",
    "Concept",
    "Family",
    "Kind",
    "Language",
    "Marks",
    "Mask",
    "ParsedText",
    "code",
    "concept",
    "controls",
    "detect_language",
    "make_placebos",
    "markup",
    "prose",
]
