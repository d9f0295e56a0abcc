"""HTML of records in notebooks, by functions that `views.notebook` registers: records themselves draw nothing."""

from functools import singledispatch


@singledispatch
def html_of(record: object) -> str | None:  # noqa: ARG001 - the signature of registered functions
    """Return a record as HTML; None without a registered function, so that a notebook shows the text."""
    return None


class NotebookRecord:
    """A record that a notebook shows as HTML."""

    def _repr_html_(self) -> str | None:
        """Return the drawing of the record as HTML for a notebook."""
        return html_of(self)
