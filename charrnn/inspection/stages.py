"""The stages of a search: whoever waits for it can watch them go by.

How they are drawn is left to the command line; unless somebody watches, nothing happens.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

Step = TypeVar("Step")

MARKING, READING, SCRAMBLED = "marking concepts", "reading", "reading with scrambled weights"
HOLDING, DOSES = "holding cells still", "trying doses"
STAGE_FRACTIONS = {MARKING: 0.07, READING: 0.4, SCRAMBLED: 0.22, HOLDING: 0.23, DOSES: 0.08}
"""what each stage takes of the whole, about, in the order in which they go by"""


class Progress(Protocol):
    """Passes the steps of a stage on, one by one, and may show how many of how many have gone by."""

    def __call__(self, steps: Iterable[Step], stage: str, count: int, /) -> Iterable[Step]:
        """Pass the steps on."""


def no_progress(steps: Iterable[Step], stage: str, count: int) -> Iterator[Step]:  # noqa: ARG001 - a Watch
    """Pass the steps on, and show nothing."""
    return iter(steps)
