"""Option types of cells and concepts, alone and with the value at which they are clamped."""

from typing import Any

import click

from charrnn.arguments import shortened
from charrnn.cli.options import MAX_SHOWN_CHARS, Number
from charrnn.errors import WrongUsageError
from charrnn.network.cell_id import CellId, parse_cell

CellOrConcept = CellId | str
"""a cell, or the name of a concept or its definition, such as `NAME=/REGEX/`"""


class CellIdType(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of Click only
    """Type of a cell, such as 2.317; the command checks whether the network has that cell."""

    name = "cell"
    requirement = "layer.unit, layers from 1, units from 0, such as 2.317"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - Click's signature
        """Return the placeholder of the value in the help."""
        return "L.J"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the cell for a value such as "2.317"."""
        if isinstance(value, CellId):
            return value
        try:
            return parse_cell(str(value))
        except WrongUsageError:
            given = shortened(repr(value), MAX_SHOWN_CHARS)
            self.fail(f"must be {self.requirement}; not {given}", param, ctx)


class CellOrConceptType(CellIdType):
    """Type of a cell or of a concept, which begins with a letter; the command checks whether the concept exists."""

    name = "cell or concept"
    requirement = f"{CellIdType.requirement}, or a concept"

    def __init__(self, metavar: str = "L.J|CONCEPT") -> None:
        self._metavar = metavar

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - Click's signature
        """Return the placeholder of the value in the help."""
        return self._metavar

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the cell for a value such as "2.317", or the concept as it is written."""
        return value if begins_concept(value) else super().convert(value, param, ctx)


class ClampType(click.ParamType):  # type: ignore[type-arg]  # see CellIdType
    """Type of a cell or concept and the value at which it is clamped, such as 2.317=-1 or string=1."""

    name = "clamp"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - Click's signature
        """Return the placeholder of the value in the help."""
        return "L.J|CONCEPT=F"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[CellOrConcept, float]:
        """Return the cell and the number for a value such as "2.317=-1"."""
        if isinstance(value, tuple):
            return value
        name, sign, number = str(value).rpartition("=")
        if not sign:
            self.fail(
                "must be a cell or a concept and its value, such as 2.317=1 or string=1;"
                f" not {shortened(repr(value), MAX_SHOWN_CHARS)}",
                param,
                ctx,
            )
        return CellOrConceptType().convert(name, param, ctx), Number(-1, 1).convert(number, param, ctx)


def clamp_name(clamped: CellOrConcept) -> CellOrConcept:
    """Return the cell itself, or the name of a concept that is given by its definition.

    >>> clamp_name(CellId(1, 7)), clamp_name("todo=/TODO/")
    (CellId(layer=1, unit=7), 'todo')
    """
    return clamped if isinstance(clamped, CellId) else clamped.partition("=")[0]


def value_text(value: float) -> str:
    """Return the value of a clamp with a typographic minus sign.

    >>> value_text(-0.5)
    '−0.5'
    """
    return f"{value:g}".replace("-", "−")


def begins_concept(value: Any) -> bool:
    """Return whether a value is the name or definition of a concept: it begins with a letter or an underscore.

    >>> begins_concept("string"), begins_concept("todo=/TODO/"), begins_concept("2.317"), begins_concept("")
    (True, True, False, False)
    """
    return isinstance(value, str) and not isinstance(value, CellId) and (value[:1].isalpha() or value[:1] == "_")
