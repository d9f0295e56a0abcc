"""Concepts of markup: tags and elements, links, Markdown, formulas; each only in languages that have it."""

import re

import numpy as np

from charrnn.inspection.concepts.concept import concept
from charrnn.inspection.concepts.edges import before, falls_at
from charrnn.inspection.concepts.marks import Marks, hold, inside
from charrnn.inspection.concepts.scanner import BLANK_LINE
from charrnn.inspection.concepts.source import Source

_VOID = ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
"""elements that have no closing tag"""
_TAG = re.compile(r"<[A-Za-z/!?][^<>]*")
_ELEMENT = re.compile(r"<(?P<closing>/?)(?P<name>[A-Za-z][^\s<>/]*+)[^<>]*+(?P<end>>)")
_LINK = re.compile(rf"(?P<opener>\[\[)|\]\]|{BLANK_LINE}")
_MARKDOWN = re.compile(rf"^[ \t]*(?P<fence>`{{3,}}|~{{3,}})|(?P<ticks>`+)|{BLANK_LINE}", re.MULTILINE)
_HEADING = re.compile(r"^#[^\n]*", re.MULTILINE)
_FORMULA = re.compile(rf"\\.|(?P<dollars>\$+)|(?P<end>{BLANK_LINE})", re.DOTALL)


@concept("binary", "inside a tag", edge=falls_at(">"), needs=lambda language: language.tags)
def tag(source: Source) -> Marks:
    """Mark tags, from the character after < that makes it one up to > or the next <.

    >>> tag(Source.of("<a b>c", "a.html")).tolist()
    [0, 1, 1, 1, 0, 0]
    """
    spans = [found.span() for found in _TAG.finditer(source.uncommented)]
    return inside(len(source.text), [start + 1 for start, _ in spans], [stop for _, stop in spans])


@concept("depth", "how many elements are open", edge=before("</"), needs=lambda language: language.tags)
def xml_depth(source: Source) -> Marks:
    """Count the elements whose tags were opened and not closed yet; those that have no closing tag do not count.

    >>> xml_depth(Source.of("<a><br/>b</a>", "a.html")).tolist()
    [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]
    """
    positions, depths, depth = [], [], 0
    for found in _ELEMENT.finditer(source.uncommented):
        if found["closing"]:
            depth = max(0, depth - 1)
        elif found["name"].lower() not in _VOID and found.string[found.end() - 2] != "/":
            depth += 1
        positions.append(found.start("end"))
        depths.append(depth)
    return hold(len(source.text), positions, depths)


@concept(
    "binary", "inside a link in double square brackets", edge=before(r"\]\]"), needs=lambda language: language.links
)
def wiki_link(source: Source) -> Marks:
    """Mark links, from the second [ up to the second ]; a blank line ends them.

    >>> wiki_link(Source.of("[[a]] b")).tolist()
    [0, 1, 1, 1, 0, 0, 0]
    """
    found = list(_LINK.finditer(source.text))
    return hold(len(source.text), [one.end() - 1 for one in found], [int(bool(one["opener"])) for one in found])


@concept("binary", "inside code between backticks", edge=falls_at("`"), needs=lambda language: language.markdown)
def md_code(source: Source) -> Marks:
    """Mark code in a line of Markdown, from its backtick up to the next; a blank line ends it.

    >>> md_code(Source.of("a `b` c", "a.md")).tolist()
    [0, 0, 1, 1, 0, 0, 0]
    """
    return _code_in_markdown(source)[0]


@concept(
    "binary",
    "inside a block of code between fences",
    edge=before(r"(?<=\n)[ \t]*(?:```|~~~)"),
    needs=lambda language: language.markdown,
)
def md_fence(source: Source) -> Marks:
    r"""Mark blocks, from the third mark of the fence up to the third of the one like it that closes.

    >>> md_fence(Source.of("```\na\n```", "a.md")).tolist()
    [0, 0, 1, 1, 1, 1, 1, 1, 0]
    """
    return _code_in_markdown(source)[1]


@concept("binary", "inside a heading that begins with #", needs=lambda language: language.markdown)
def md_head(source: Source) -> Marks:
    r"""Mark lines that begin with #, outside blocks of code.

    >>> md_head(Source.of("# A\nb", "a.md")).tolist()
    [1, 1, 1, 0, 0]
    """
    fenced = md_fence(source)
    spans = [found.span() for found in _HEADING.finditer(source.text) if not fenced[found.start()]]
    return inside(len(source.text), [start for start, _ in spans], [stop for _, stop in spans])


@concept(
    "binary", "inside a formula between dollar signs", edge=falls_at("$"), needs=lambda language: language.formulas
)
def tex_math(source: Source) -> Marks:
    r"""Mark formulas, from $ or $$ up to the next; a blank line ends them, \$ is a dollar.

    >>> tex_math(Source.of(r"\$a $b$", "a.tex")).tolist()
    [0, 0, 0, 0, 1, 1, 0]
    """
    positions, values, inside_one = [], [], 0
    for found in _FORMULA.finditer(source.bare):
        if found.lastgroup:
            inside_one = 1 - inside_one if found["dollars"] else 0
            positions.append(found.start(found.lastgroup) if found["dollars"] else found.end() - 1)
            values.append(inside_one)
    return hold(len(source.text), positions, values)


def _code_in_markdown(source: Source) -> tuple[Marks, Marks]:
    """Follow backticks and fences, each of which hides the other: marks of code in lines, and in blocks."""
    events, code, fence = [], 0, ""
    for found in _MARKDOWN.finditer(source.text):
        place = found.start(found.lastgroup) if found.lastgroup else found.end() - 1
        if found["fence"]:
            # Until its third mark it could be code in a line.
            begins = not code and not fence and found["fence"][0] == "`"
            events.append((place, int(begins), int(bool(fence))))
            place, code = place + 2, 0
            fence = _fence_after(fence, found["fence"][0])
        elif not fence:
            code = 1 - code if found["ticks"] else 0
        events.append((place, code, int(bool(fence))))
    places, in_line, in_block = np.array(events, dtype=np.int64).reshape(-1, 3).T
    return hold(len(source.text), places, in_line), hold(len(source.text), places, in_block)


def _fence_after(fence: str, met: str) -> str:
    """Say which fence is open after one was met: any opens, the same one closes."""
    if fence:
        return "" if met == fence else fence
    return met
