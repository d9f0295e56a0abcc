"""Character-level recurrent neural networks: train, sample, and find interpretable cells.

>>> import charrnn
>>> model = charrnn.load("checkpoints/letters")
>>> model.sample("abc", length=10, temperature=0)
'defghijklm'

Public names are imported when they are first used, so that importing the package is fast.
"""

import importlib
from typing import TYPE_CHECKING, Any

from charrnn._version import __version__

if TYPE_CHECKING:
    from charrnn.api.compare import RunComparison, compare
    from charrnn.api.model import TrainedModel, load, models
    from charrnn.api.train import train, training_events
    from charrnn.errors import CharrnnError, DivergedError, WrongUsageError
    from charrnn.generation.novelty import Novelty
    from charrnn.inspection.concepts.concept import Concept
    from charrnn.inspection.concepts.custom import concept_of
    from charrnn.inspection.measures.activations import Activations
    from charrnn.inspection.measures.attribution import Attribution
    from charrnn.inspection.measures.cell_profile import CellProfile
    from charrnn.inspection.measures.effective_context import ContextComparison
    from charrnn.inspection.measures.interchange import Interchange
    from charrnn.inspection.measures.surprisal import Surprise
    from charrnn.inspection.search.findings import Finding, Findings
    from charrnn.scoring import Score
    from charrnn.views.heatmap import Heatmap

__all__ = [
    "Activations",
    "Attribution",
    "CellProfile",
    "CharrnnError",
    "Concept",
    "ContextComparison",
    "DivergedError",
    "Finding",
    "Findings",
    "Heatmap",
    "Interchange",
    "Novelty",
    "RunComparison",
    "Score",
    "Surprise",
    "TrainedModel",
    "WrongUsageError",
    "__version__",
    "compare",
    "concept_of",
    "load",
    "models",
    "train",
    "training_events",
]

_MODULES = {
    "Activations": "inspection.measures.activations",
    "Attribution": "inspection.measures.attribution",
    "CellProfile": "inspection.measures.cell_profile",
    "CharrnnError": "errors",
    "Concept": "inspection.concepts.concept",
    "ContextComparison": "inspection.measures.effective_context",
    "DivergedError": "errors",
    "Finding": "inspection.search.findings",
    "Findings": "inspection.search.findings",
    "Heatmap": "views.heatmap",
    "Interchange": "inspection.measures.interchange",
    "Novelty": "generation.novelty",
    "RunComparison": "api.compare",
    "Score": "scoring",
    "Surprise": "inspection.measures.surprisal",
    "TrainedModel": "api.model",
    "WrongUsageError": "errors",
    "compare": "api.compare",
    "concept_of": "inspection.concepts.custom",
    "load": "api.model",
    "models": "api.model",
    "train": "api.train",
    "training_events": "api.train",
}
"""module of each public name"""

if not TYPE_CHECKING:  # for type checkers, the function would make every misspelled name valid

    def __getattr__(name: str) -> Any:
        """Import a public name on first access (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = importlib.import_module(f"charrnn.{_MODULES[name]}")
        globals()[name] = value = getattr(module, name)
        return value


def __dir__() -> list[str]:
    """Return the names of the module, including public names that have not been imported yet."""
    return sorted({*globals(), *__all__})
