"""Profile of a cell in the HTML report: the characters that it promotes and suppresses, and its histogram."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from charrnn.inspection.measures.cell_profile import CellProfile, CharacterWeight
from charrnn.views.report.elements import char_keys, number_element, svg
from charrnn.views.sanitize import escape_html

Profiles = Mapping[str, CellProfile]
"""profiles by cell"""
NO_PROFILES: Profiles = MappingProxyType({})

_WIDTH, _HEIGHT = 280, 48
"""pixels of a histogram"""


def cell_profile_block(profile: CellProfile | None) -> str:
    """Return a block of the details of a finding: what its cell writes; "" for None."""
    if profile is None:
        return ""
    written = (
        f"<p>Promotes {_weights(profile.promotes)}.</p><p>Suppresses {_weights(profile.suppresses)}.</p>"
        '<p class="quiet">Nats that the cell adds to the logit of a character, above the mean of all characters,'
        " where its output h is 1; the effects are reversed where h is negative.</p>"
        if profile.is_output
        else "<p>It is not in the last layer, so it promotes no character directly.</p>"
    )
    return f"<h3>What cell {escape_html(profile.cell)} writes</h3>{written}{_histogram(profile)}"


def _weights(weights: Sequence[CharacterWeight]) -> str:
    """Return characters as keys, each with its weight."""
    entries = (f"{char_keys((weight.character,))} {number_element(weight.nats, '+z.2f')}" for weight in weights)
    return ", ".join(entries) or "no character"


def _histogram(profile: CellProfile) -> str:
    """Return the histogram of the activations."""
    counts = profile.histogram
    step, most = _WIDTH / len(counts), max(counts) or 1
    bars = "".join(
        f'<rect x="{index * step:g}" y="{_HEIGHT - height:.1f}" width="{step - 1:g}" height="{height:.1f}"/>'
        for index, height in enumerate(count / most * _HEIGHT for count in counts)
        if height
    )
    total, signal = number_element(sum(counts), ","), escape_html(profile.signal)
    return (
        f"<figure>{svg('histogram', (_WIDTH, _HEIGHT), bars)}<figcaption>{signal} of the cell, from −1 to +1,"
        f" at the {total} characters drawn on this page</figcaption></figure>"
    )
