"""Places: tables of where something stands in notebooks."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from auditkit.evidence import Table
from auditkit.nouns import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditkit.scanning.notebooks.leaves import Place

__all__ = ["LISTED", "by_kind", "counted", "place_columns", "placed"]

LISTED = 1000
"""Places listed at most, in the order of the notebooks; all are counted."""


def place_columns(places: Iterable[tuple[str, Place]]) -> dict[str, tuple[Any, ...]]:
    """Return the columns that say where: notebook, cell, part, line."""
    rows = [(name, one.cell, one.part, one.line) for name, one in places]
    names = ("notebook", "cell", "part", "line")
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())


def placed(title: str, columns: dict[str, Sequence[Any]], of: int, summary: str) -> Table:
    """Return a table of places; its summary says how many there are where it holds fewer."""
    rows = len(next(iter(columns.values())))
    cut = (
        f" The first {rows:,} of {counted(of, 'place')} {'is' if rows == 1 else 'are'} listed."
        if rows < of
        else ""
    )
    labels = {"notebook": "Notebook", "cell": "Cell", "part": "Part", "line": "Line", "kind": "Kind"}
    return Table(
        title, {name: tuple(values) for name, values in columns.items()}, labels=labels, summary=summary + cut
    )


def by_kind(title: str, kinds: Iterable[str], words: dict[str, str], summary: str) -> Table:
    """Return how many there are of each kind, the most frequent first."""
    rows = sorted(Counter(kinds).items(), key=lambda one: (-one[1], one[0]))
    return Table(
        title,
        {"kind": tuple(words.get(kind, kind) for kind, _ in rows), "places": tuple(n for _, n in rows)},
        labels={"kind": "Kind", "places": "Places"},
        summary=summary,
    )
