"""Concepts: functions from a text to one label per character, registered by name."""

# Importing these modules registers their concepts; the order of the imports is the order in listings.
from charrnn.inspection.concepts import prose, code, markup, controls  # noqa: I001
from charrnn.inspection.concepts.concept import CONCEPTS, Concept, Family, Kind, concept
from charrnn.inspection.concepts.language import Language, detect_language
from charrnn.inspection.concepts.marks import Mask, Marks
from charrnn.inspection.concepts.controls import make_placebos
from charrnn.inspection.concepts.concept import ParsedText

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
