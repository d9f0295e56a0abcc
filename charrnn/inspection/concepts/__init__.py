"""Concepts: functions from a text to a mark per character, each in a registry by its name."""

# Importing a module of concepts enters them in the registry, in the order in which they are listed.
from charrnn.inspection.concepts import code, prose
from charrnn.inspection.concepts.concept import CONCEPTS, Concept, Kind, Marks, Source, concept
from charrnn.inspection.concepts.language import Language, detect_language

__all__ = [
    "CONCEPTS",
    "Concept",
    "Kind",
    "Language",
    "Marks",
    "Source",
    "code",
    "concept",
    "detect_language",
    "prose",
]
