"""Paper: sections of paragraphs, lists and tables, written as Markdown or as a page; every word in them is data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from auditkit.render._templating import fill
from auditkit.render.document import document
from auditkit.render.escaping import markdown_escape
from auditkit.render.text import cut, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Block", "Paper", "Points", "Rows", "Section", "Words", "as_html", "as_markdown", "in_markdown"]

# what readers of Markdown make links or mentions of, although it stands there as plain text
_LINKED = re.compile(r"(?:(?<=www)\.|://|@)+", re.IGNORECASE)
_PLACES = 20  # sections that the bar over a page leads to
_NUMBERED = re.compile(r"^(\d+)\.(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph.

    Attributes
    ----------
    text : str
        One line of it, however long.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Points:
    """A list.

    Attributes
    ----------
    items : tuple of str
        One line each.
    """

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A table.

    Attributes
    ----------
    heads : tuple of str
        Names of the columns.
    rows : tuple of tuple of str
        Cells, as many a row as there are columns.
    numeric : tuple of str
        Names of the columns that hold numbers.
    title : str
        What it shows.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[str, ...] = ()
    title: str = ""


Block: TypeAlias = Words | Points | Rows


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it.

    Attributes
    ----------
    title : str
        The heading.
    blocks : tuple of Words, Points or Rows
        In order.
    """

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """A document.

    Attributes
    ----------
    title : str
        The heading over all of it.
    notices : tuple of str
        What a reader must know before anything else.
    sections : tuple of Section
        In order.
    """

    title: str
    notices: tuple[str, ...] = ()
    sections: tuple[Section, ...] = field(default=())


def in_markdown(value: object) -> str:
    r"""Return one line that Markdown shows as it stands: no markup, no link, no mention, no list.

    Examples
    --------
    >>> print(in_markdown("see www.x.y, a@b.c or <b>"))
    see www`.`x.y, a`@`b.c or \<b\>
    """
    kept = _NUMBERED.sub(r"\1\\.", markdown_escape(value))
    return _LINKED.sub(lambda found: f"`{found[0]}`", kept)


def as_markdown(paper: Paper, *, front: str = "") -> str:
    """Return a paper as Markdown.

    Parameters
    ----------
    paper : Paper
        What to write.
    front : str
        YAML that stands before it between two lines of dashes, if any.
    """
    parts = [f"---\n{front.rstrip()}\n---"] if front else []
    parts.append(f"# {in_markdown(paper.title)}")
    parts += [f"> {in_markdown(one)}" for one in paper.notices]
    for section in paper.sections:
        parts.append(f"## {in_markdown(section.title)}")
        parts += [said for block in section.blocks if (said := _block(block))]
    return "\n\n".join(parts) + "\n"


def as_html(paper: Paper) -> str:
    """Return a paper as one HTML page that needs nothing but itself."""
    sections = [
        {"id": f"s{i}", "title": one.title, "blocks": [_shown(block) for block in one.blocks]}
        for i, one in enumerate(paper.sections)
    ]
    body = fill("paper.html.j2", title=one_line(paper.title), sections=sections)
    nav = [(str(one["id"]), cut(one["title"], 60)) for one in sections[:_PLACES]]
    return document(body, title=one_line(paper.title), nav=nav, notices=list(paper.notices))


def _block(block: Block) -> str:
    if isinstance(block, Words):
        return in_markdown(block.text)
    if isinstance(block, Points):
        return "\n".join(f"- {in_markdown(one)}" for one in block.items)
    if not block.rows:
        return ""
    rule = ["---:" if head in block.numeric else "---" for head in block.heads]
    title = [f"*{in_markdown(block.title)}*", ""] if block.title else []
    return "\n".join([*title, _row(map(in_markdown, block.heads)), _row(rule), *map(_cells, block.rows)])


def _cells(row: Sequence[str]) -> str:
    return _row(in_markdown(cell) for cell in row)


def _row(cells: object) -> str:
    return f"| {' | '.join(cells)} |"  # type: ignore[arg-type]


def _shown(block: Block) -> dict[str, object]:
    if isinstance(block, Words):
        return {"kind": "words", "text": block.text}
    if isinstance(block, Points):
        return {"kind": "points", "items": block.items}
    heads = [{"text": head, "numeric": head in block.numeric} for head in block.heads]
    return {"kind": "rows", "title": block.title, "heads": heads, "rows": block.rows}
