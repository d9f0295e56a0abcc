"""Concepts of markup: tags and elements, links, Markdown and formulas, for the languages that have them."""

import re

import numpy as np

from charrnn.inspection.concepts.concept import ParsedText, before_pattern, concept, ends_at
from charrnn.inspection.concepts.marks import Marks, forward_fill, mark_spans
from charrnn.inspection.concepts.scanner import BLANK_LINE

_VOID = ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
"""names of HTML elements without a closing tag"""
_TAG = re.compile(r"<[A-Za-z/!?][^<>]*")
_ELEMENT = re.compile(r"<(?P<closing>/?)(?P<name>[A-Za-z][^\s<>/]*+)[^<>]*+(?P<end>>)")
_LINK = re.compile(rf"(?P<opener>\[\[)|\]\]|{BLANK_LINE}")
_MARKDOWN = re.compile(rf"^[ \t]*(?P<fence>`{{3,}}|~{{3,}})|(?P<ticks>`+)|{BLANK_LINE}", re.MULTILINE)
_HEADING = re.compile(r"^#[^\n]*", re.MULTILINE)
_FORMULA = re.compile(rf"\\.|(?P<dollars>\$+)|(?P<end>{BLANK_LINE})", re.DOTALL)


@concept("binary", "inside a tag", edge=ends_at(">"), needs=lambda language: language.tags)
def tag(parsed: ParsedText) -> Marks:
    """Return 1 inside tags, from the character after < up to > or the next <.

    >>> tag(ParsedText.of("<a b>c", "a.html")).tolist()
    [0, 1, 1, 1, 0, 0]
    """
    spans = [match.span() for match in _TAG.finditer(parsed.without_comments)]
    return mark_spans(len(parsed.text), [start + 1 for start, _ in spans], [stop for _, stop in spans])


@concept("depth", "how many elements are open", edge=before_pattern("</"), needs=lambda language: language.tags)
def xml_depth(parsed: ParsedText) -> Marks:
    """Return the number of open elements, without those that have no closing tag.

    >>> xml_depth(ParsedText.of("<a><br/>b</a>", "a.html")).tolist()
    [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]
    """
    positions, depths, depth = [], [], 0
    for match in _ELEMENT.finditer(parsed.without_comments):
        if match["closing"]:
            depth = max(0, depth - 1)
        elif match["name"].lower() not in _VOID and match.string[match.end() - 2] != "/":
            depth += 1
        positions.append(match.start("end"))
        depths.append(depth)
    return forward_fill(len(parsed.text), positions, depths)


@concept(
    "binary",
    "inside a link in double square brackets",
    edge=before_pattern(r"\]\]"),
    needs=lambda language: language.links,
)
def wiki_link(parsed: ParsedText) -> Marks:
    """Return 1 inside links, from the second [ up to the second ]; a blank line ends a link.

    >>> wiki_link(ParsedText.of("[[a]] b")).tolist()
    [0, 1, 1, 1, 0, 0, 0]
    """
    matches = list(_LINK.finditer(parsed.text))
    return forward_fill(
        len(parsed.text), [match.end() - 1 for match in matches], [int(bool(match["opener"])) for match in matches]
    )


@concept("binary", "inside code between backticks", edge=ends_at("`"), needs=lambda language: language.markdown)
def md_code(parsed: ParsedText) -> Marks:
    """Return 1 inside inline code of Markdown, from a backtick up to the next; a blank line ends the code.

    >>> md_code(ParsedText.of("a `b` c", "a.md")).tolist()
    [0, 0, 1, 1, 0, 0, 0]
    """
    return _code_in_markdown(parsed)[0]


@concept(
    "binary",
    "inside a block of code between fences",
    edge=before_pattern(r"(?<=\n)[ \t]*(?:```|~~~)"),
    needs=lambda language: language.markdown,
)
def md_fence(parsed: ParsedText) -> Marks:
    r"""Return 1 inside code blocks, from the third character of the fence up to the third of the closing fence.

    >>> md_fence(ParsedText.of("```\na\n```", "a.md")).tolist()
    [0, 0, 1, 1, 1, 1, 1, 1, 0]
    """
    return _code_in_markdown(parsed)[1]


@concept("binary", "inside a heading that begins with #", needs=lambda language: language.markdown)
def md_head(parsed: ParsedText) -> Marks:
    r"""Return 1 on lines that begin with #, outside code blocks.

    >>> md_head(ParsedText.of("# A\nb", "a.md")).tolist()
    [1, 1, 1, 0, 0]
    """
    fenced = md_fence(parsed)
    spans = [match.span() for match in _HEADING.finditer(parsed.text) if not fenced[match.start()]]
    return mark_spans(len(parsed.text), [start for start, _ in spans], [stop for _, stop in spans])


@concept(
    "binary", "inside a formula between dollar signs", edge=ends_at("$"), needs=lambda language: language.formulas
)
def tex_math(parsed: ParsedText) -> Marks:
    r"""Return 1 inside formulas, from $ or $$ up to the next; a blank line ends a formula, \$ is a dollar sign.

    >>> tex_math(ParsedText.of(r"\$a $b$", "a.tex")).tolist()
    [0, 0, 0, 0, 1, 1, 0]
    """
    positions, values, inside = [], [], 0
    for match in _FORMULA.finditer(parsed.code_only):
        if match.lastgroup:
            inside = 1 - inside if match["dollars"] else 0
            positions.append(match.start(match.lastgroup) if match["dollars"] else match.end() - 1)
            values.append(inside)
    return forward_fill(len(parsed.text), positions, values)


def _code_in_markdown(parsed: ParsedText) -> tuple[Marks, Marks]:
    """Return the marks of inline code and of code blocks; backticks in a block and fences in inline code are text."""
    events, code, fence = [], 0, ""
    for match in _MARKDOWN.finditer(parsed.text):
        position = match.start(match.lastgroup) if match.lastgroup else match.end() - 1
        if match["fence"]:
            # Up to its third character, a fence of backticks looks like inline code.
            looks_inline = not code and not fence and match["fence"][0] == "`"
            events.append((position, int(looks_inline), int(bool(fence))))
            position, code = position + 2, 0
            fence = _fence_after(fence, match["fence"][0])
        elif not fence:
            code = 1 - code if match["ticks"] else 0
        events.append((position, code, int(bool(fence))))
    positions, inline, in_block = np.array(events, dtype=np.int64).reshape(-1, 3).T
    return forward_fill(len(parsed.text), positions, inline), forward_fill(len(parsed.text), positions, in_block)


def _fence_after(fence: str, character: str) -> str:
    """Return the character of the open fence after a fence: any fence opens, one of the same character closes."""
    if fence:
        return "" if character == fence else fence
    return character
