"""Verified carriers for a model card: the findings in a file of `inspect --json`, read without trust."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charrnn.config import NetworkConfig
from charrnn.errors import CharrnnError, os_reason
from charrnn.inspection.search.findings import STRONG_VERDICTS
from charrnn.network.cell_id import check_cell, parse_cell
from charrnn.storage.atomic_file import open_input
from charrnn.storage.run_directory import similar_path
from charrnn.storage.schema import parse_json

MAX_BYTES, MAX_VALUES = 1 << 25, 2_000_000
"""size of a file of findings and number of its JSON values; a search writes less than a tenth of both"""
MAX_FINDINGS = 100
"""findings that are read"""
MAX_LOSS = 1e6
"""largest increase in loss, in nats; also refuses NaN"""
MAX_NAME_CHARS = 60
"""characters of the name of a concept"""
CAUSAL_VERDICTS = STRONG_VERDICTS[:3]
"""verdicts about carriers that ablation or erasure has verified: causal, shared, direction"""


@dataclass(frozen=True, kw_only=True)
class VerifiedCarrier:
    """The cells that carry a concept, verified by ablation or erasure."""

    concept: str
    """name of the concept, as in the file"""
    verdict: str
    """causal, shared or direction"""
    cells: tuple[str, ...]
    """the cells, such as 1.396"""
    edge_delta: float
    """increase in loss at the concept's ends, in nats"""


def read_carriers(path: Path, config: NetworkConfig) -> tuple[VerifiedCarrier, ...]:
    """Return the verified carriers of a network in a file of `charrnn inspect --json` (CharrnnError)."""
    try:
        with open_input(path) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CharrnnError(f"cannot read {path}: {os_reason(error)}", hint=similar_path(path)) from error
    try:
        if len(content) > MAX_BYTES:
            raise CharrnnError("its content is too large")
        findings = parse_json(content.decode("utf-8", "replace"), "content", dict, max_values=MAX_VALUES)
        carriers = tuple(_carriers(findings))
    except (CharrnnError, TypeError, ValueError, AttributeError, LookupError) as error:
        reason = error.message if isinstance(error, CharrnnError) else "a finding has unexpected values"
        hint = "`charrnn inspect --json > findings.json` writes such a file"
        raise CharrnnError(f"{path} is not a file of findings: {reason}", hint=hint) from error
    for carrier in carriers:
        for cell in carrier.cells:
            check_cell(parse_cell(cell), layers=config.layers, units=config.hidden)
    return carriers


def _carriers(findings: Mapping[str, Any]) -> Iterator[VerifiedCarrier]:
    """Yield the verified carriers in findings (CharrnnError, or a Python error for unexpected values)."""
    if not isinstance(findings.get("concepts"), list):
        raise CharrnnError("it has no list of concepts")
    for finding in findings["concepts"][:MAX_FINDINGS]:
        if finding.get("verdict") in CAUSAL_VERDICTS:
            cells = tuple(finding["carriers"])
            delta = _effect(finding, len(cells))["edge_delta"]
            if (
                not cells
                or not all(map(parse_cell, cells))
                or not isinstance(delta, float | int)
                or not abs(delta) < MAX_LOSS
            ):
                raise ValueError
            concept = str(finding["concept"])[:MAX_NAME_CHARS]
            yield VerifiedCarrier(concept=concept, verdict=finding["verdict"], cells=cells, edge_delta=float(delta))


def _effect(finding: Mapping[str, Any], size: int) -> Mapping[str, Any]:
    """Return the part of a finding with the causal effect of its carriers (LookupError)."""
    if finding["verdict"] == "shared":
        groups: list[Mapping[str, Any]] = [group for group in finding["groups"] if group["cells"] == size]
        return groups[0]
    effect: Mapping[str, Any] = finding["direction"] if finding["verdict"] == "direction" else finding
    return effect
