"""The search: every cell of a model against every concept, with controls, and what the best cells are for.

What the findings say is a record of its own; each step is left to its module.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from charrnn.inspection.causes import FINALISTS
from charrnn.inspection.census import census, finds, followed
from charrnn.inspection.coding import Coding
from charrnn.inspection.concepts import CONCEPTS, Concept, Source, placebos
from charrnn.inspection.findings import Findings, Mystery, TooRare
from charrnn.inspection.material import Material, Text
from charrnn.inspection.mysteries import mysteries, unexplained
from charrnn.inspection.observations import Observations, observe
from charrnn.inspection.permutations import tried
from charrnn.inspection.reading import USUAL, Ids, signal_name
from charrnn.inspection.scores import cell_name
from charrnn.inspection.shortlist import Entry, judged, shortlist
from charrnn.inspection.stages import MARKING, Watch, unwatched
from charrnn.inspection.uses import Suspect, Uses, uses
from charrnn.inspection.verdicts import ORDER, RULES
from charrnn.network.reader import Reader


def find(
    reader: Reader,
    source: Source,
    ids: Ids,
    *,
    chance: np.random.Generator,
    model: str = "",
    concepts: Iterable[Concept] | None = None,
    confirm: Text | None = None,
    signal: str = USUAL,
    quick: bool = False,
    watch: Watch = unwatched,
) -> Findings:
    """Search all cells of a model for concepts, all built-in ones by default, in a text and its ids (T,).

    Cells are chosen on one half of the text and judged on the other, or on another text. Raises CharrnnError where a
    text is too short or no cell moves, WrongUsageError for a signal that the cells do not have.
    """
    name = signal_name(reader, signal)
    material = Material.of(Text(source=source, ids=ids), confirm)
    asked = list(CONCEPTS.values() if concepts is None else concepts)
    codings = material.coded(watch(asked, MARKING, len(asked)))
    drawing, observing, holding = chance.spawn(3)
    controls = [some for some in material.coded(placebos(source, drawing)) if some.enough(material.streams)]
    enough = [coding for coding in codings if coding.enough(material.streams)]
    findings = Findings(
        model=model,
        text=source.name,
        confirmed_on=confirm.source.name if confirm else "",
        characters=len(material.ids),
        streams=material.streams.count,
        signal=name,
        cells=reader.config.layers * reader.config.hidden,
        quick=quick,
        concepts=(),
        too_rare=tuple(_too_rare(coding) for coding in codings if coding not in enough),
    )
    if not enough:
        return findings
    seen = observe(reader, material, enough, controls, observing, watch, signal=signal, quick=quick)
    return _judged(findings, reader, material, seen, holding, watch)


def _judged(
    findings: Findings,
    reader: Reader,
    material: Material,
    seen: Observations,
    chance: np.random.Generator,
    watch: Watch,
) -> Findings:
    """Choose cells, hold them still unless it must be quick, and say what was found."""
    found = shortlist(seen, reader.config.hidden)
    said: tuple[Mystery, ...] = ()
    if not findings.quick:
        found, said = _tried(found, reader, material, seen, chance, watch)
    in_order = sorted((one.finding for one in found), key=lambda finding: (ORDER[finding.verdict], -finding.fit))
    concepts = tuple(finding for finding in in_order if finding.family != "local")
    return replace(
        findings,
        permutations=tried(material.streams),
        placebos=len(seen.evidence.codings) - seen.asked,
        placebo_fit=max(fit for fit, _ in seen.placebos.values()),
        concepts=concepts,
        local=tuple(finding for finding in in_order if finding.family == "local"),
        census=census(seen, found),
        mysteries=said,
    )


def _tried(
    found: list[Entry],
    reader: Reader,
    material: Material,
    seen: Observations,
    chance: np.random.Generator,
    watch: Watch,
) -> tuple[list[Entry], tuple[Mystery, ...]]:
    """Hold the best of the shortlist still, and cells that nothing explains; judge the shortlist again."""
    suspects = finalists(found)
    detected = seen.scores.fit[finds(seen)].max(axis=0) >= RULES.detector
    odd = unexplained(seen, followed(seen))
    learnt = uses(
        reader,
        material,
        seen.states,
        [Suspect(cell=one.cell, coding=one.coding, partner=one.partner) for one in suspects],
        odd,
        chance,
        watch,
        variance=seen.evidence.about(0).variance(material.streams.confirmation),
        allowed=seen.evidence.alive & ~detected,
    )
    if learnt is None:
        return found, ()
    again = _with_causes(found, suspects, learnt, reader.config.hidden)
    return again, mysteries(odd, learnt, material, seen, reader.config.hidden)


def finalists(found: list[Entry]) -> list[Entry]:
    """Choose whose cells are held still: the detectors, then those that follow a concept in part.

    Of concepts that are nearly the same the first one, and no more cells than FINALISTS; a partner comes along.
    """
    chosen: list[Entry] = []
    cells: set[int] = set()
    for one in found:
        names = {other.finding.concept for other in chosen if other.finding.concept != one.finding.concept}
        wanted = one.finding.verdict in ("detector", "partial") and one.finding.family != "local"
        if not wanted or names & set(one.finding.near):
            continue
        more = cells | {one.cell} | ({one.partner} if one.partner is not None else set())
        if len(more) <= FINALISTS:
            chosen.append(one)
            cells = more
    return chosen


def _with_causes(found: list[Entry], suspects: list[Entry], learnt: Uses, hidden: int) -> list[Entry]:
    """Judge the suspects by what they are for, and with them the same cells' entries for nearly equal concepts."""
    causes = {(one.finding.concept, one.cell): cause for one, cause in zip(suspects, learnt.causes, strict=True)}
    again = []
    for one in found:
        names = (one.finding.concept, *one.finding.near)
        cause = next((causes[name, one.cell] for name in names if (name, one.cell) in causes), None)
        if cause and one.partner is not None:
            cause = replace(cause, partner=cell_name(one.partner, hidden))
        finding = judged(replace(one.finding, cause=cause))
        again.append(replace(one, finding=finding))
    return again


def _too_rare(coding: Coding) -> TooRare:
    return TooRare(concept=coding.concept.name, episodes=int(coding.episodes.sum()))
